//! Several processes over one data directory.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use docassist_testing::RedisServer;
use serde_json::json;

use crate::http::Client;
use crate::load::part;
use crate::server::{Server, program};
use crate::world::World;

/// Within this the other process has to serve the new state.
const GRACE: Duration = Duration::from_secs(1);
/// Syncs of one test.
const ROUNDS: usize = 8;

/// How many commits the answer counts.
fn commits(client: &mut Client) -> u64 {
    let answer = client.get("/api/v1/rel/repo/product").expect(200).json();
    answer["stats"]["commits"].as_u64().unwrap()
}

/// Threads that ask one process all the time, and watch that nothing goes backwards.
struct Watch {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<usize>>,
}

impl Watch {
    /// `known` is the state that was told to everybody; answers that are asked for a second later may not be older.
    fn start(server: &Server, known: &Arc<Told>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let threads = (0..3).map(|number| {
            let (stop, known, mut client) = (Arc::clone(&stop), Arc::clone(known), server.client());
            std::thread::spawn(move || {
                let mut requests = 0;
                while !stop.load(Ordering::Relaxed) {
                    let least = known.a_second_ago();
                    let path = format!("/api/v1/rel/repo/product?limit={}", 1 + (requests + number) % 7);
                    let found = client.get(&path).expect(200).json()["stats"]["commits"].as_u64().unwrap();
                    assert!(found >= least, "{found} commits, and {least} were known a second ago");
                    requests += 1;
                    std::thread::sleep(Duration::from_millis(2));
                }
                requests
            })
        });
        Self { threads: threads.collect(), stop }
    }

    fn end(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        std::mem::take(&mut self.threads).into_iter().map(|thread| thread.join().unwrap()).sum()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// When syncs have ended, and with how many commits.
struct Told(Mutex<Vec<(Instant, u64)>>);

impl Told {
    fn new(commits: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![(Instant::now(), commits)])))
    }

    fn tell(&self, commits: u64) {
        self.0.lock().unwrap().push((Instant::now(), commits));
    }

    fn a_second_ago(&self) -> u64 {
        let told = self.0.lock().unwrap();
        told.iter().rev().find(|(when, _)| when.elapsed() > GRACE).map_or(0, |(_, commits)| *commits)
    }
}

/// How a sync is made.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Service,
    CommandLine,
}

/// Syncs several times on one process under load, and measures when the other one shows it.
fn others_follow(what: &str, redis: Option<&RedisServer>, by: By) {
    let mut world = World::new();
    let url = redis.map(RedisServer::url);
    let arguments: Vec<&str> = url.as_deref().map(|url| vec!["--redis", url]).unwrap_or_default();
    // Whoever asks the process that has synced sees the new state at once: so it has to be known which one that is.
    let (one, two) = (world.server(&arguments), world.server(&[&arguments[..], &["--sync-workers", "0"]].concat()));
    let data = world.data();
    follow(what, &mut world, [&one, &two], &|| program(&data), by);
}

/// The same with two processes that are there; `command` begins a command line on their data.
pub(crate) fn follow(what: &str, world: &mut World, servers: [&Server; 2], command: &dyn Fn() -> Command, by: By) {
    let [one, two] = servers;
    one.synced("git", &world.git());
    let (mut here, mut there) = (one.client(), two.client());
    there.get("/api/v1/rel/repo/product").expect(200);
    let told = Told::new(4);
    let watches = [Watch::start(one, &told), Watch::start(two, &told)];
    let mut delays = Vec::new();
    for round in 1..=ROUNDS {
        world.commits(1);
        let expected = 4 + round as u64;
        let ended = match by {
            By::Service => {
                let id = one.sync("git", &world.git());
                one.ended(id);
                let ended = Instant::now();
                assert_eq!(commits(&mut here), expected, "{what}: asked after the job was done, where it was done");
                ended
            }
            By::CommandLine => {
                let status = command().args(["-q", "sync", "git"]).arg(world.path("product")).status().unwrap();
                assert!(status.success());
                Instant::now()
            }
        };
        told.tell(expected);
        while commits(&mut there) < expected {
            assert!(ended.elapsed() < GRACE, "{what}: {:?} after the sync it is not seen", ended.elapsed());
            std::thread::sleep(Duration::from_millis(10));
        }
        delays.push(ended.elapsed());
        // The load is to see this state as well, and some of it a second later.
        std::thread::sleep(Duration::from_millis(200));
    }
    let requests: usize = watches.into_iter().map(Watch::end).sum();
    delays.sort_unstable();
    println!(
        "{what}: the other process followed after {:?} (median), {:?} at most, under {requests} requests",
        part(&delays, 0.5),
        part(&delays, 1.0)
    );
    assert!(requests > 100, "{what}: only {requests} requests");
}

#[test]
fn others_follow_through_redis() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    others_follow("through Redis", Some(&redis), By::Service);
}

#[test]
fn others_follow_where_messages_are_refused() {
    let Some(redis) = RedisServer::start(&["--rename-command", "PUBLISH", ""]) else { return };
    others_follow("PUBLISH refused", Some(&redis), By::Service);
}

#[test]
fn others_follow_where_messages_are_lost() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let stop = Arc::<AtomicBool>::default();
    let killer = {
        let (stop, url) = (Arc::clone(&stop), redis.url());
        std::thread::spawn(move || {
            let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
            let mut killed = 0;
            while !stop.load(Ordering::Relaxed) {
                killed += redis::cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"]).query::<i64>(&mut connection).unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
            killed
        })
    };
    others_follow("listeners cut off", Some(&redis), By::Service);
    stop.store(true, Ordering::Relaxed);
    assert!(killer.join().unwrap() > 0, "nobody was cut off");
}

#[test]
fn others_follow_without_redis() {
    others_follow("without Redis", None, By::Service);
}

#[test]
fn all_follow_the_command_line() {
    let redis = RedisServer::start(&[]);
    others_follow("the command line, through Redis", redis.as_ref(), By::CommandLine);
    others_follow("the command line, without Redis", None, By::CommandLine);
}

#[test]
fn others_follow_while_redis_goes_away_and_comes_back() {
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    let mut world = World::new();
    let (url, data) = (redis.url(), world.data());
    let one = world.server(&["--redis", &url]);
    let two = Server::start(&data, &["--redis", &url]);
    one.synced("git", &world.git());
    let told = Told::new(4);
    let watches = [Watch::start(&one, &told), Watch::start(&two, &told)];
    let mut there = two.client();
    for round in 1..=6 {
        match round % 3 {
            0 => redis.restart(),
            1 => redis.kill(),
            _ => {}
        }
        world.commits(1);
        one.ended(one.sync("git", &world.git()));
        let ended = Instant::now();
        told.tell(4 + round);
        while commits(&mut there) < 4 + round {
            assert!(ended.elapsed() < GRACE, "round {round}: {:?}", ended.elapsed());
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    watches.into_iter().for_each(|watch| assert!(watch.end() > 50));
}

#[test]
fn a_job_runs_once_whoever_takes_it() {
    let mut world = World::new();
    let (one, two) = (world.server(&[]), world.server(&[]));
    for round in 0..5 {
        world.commits(1);
        let (server, other) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let id = server.sync("git", &world.git());
        let job = other.ended(id);
        assert_eq!((&job["state"], &job["attempts"]), (&json!("done"), &json!(1)), "{job:#}");
    }
    let begun = [&one, &two].map(|server| server.said().matches("sync begins").count());
    println!("jobs begun by each: {begun:?}");
    assert_eq!(begun.iter().sum::<usize>(), 5);
}

#[test]
fn a_job_of_a_process_that_died_is_taken_over_by_another() {
    let world = World::new();
    let mut one = world.server(&[]);
    let two = world.server(&["--sync-workers", "1"]);
    // Both look for jobs; it is taken from whoever runs it.
    let id = one.sync("git", &json!({ "location": crate::world::large(), "name": "large" }));
    one.under_way(id);
    let runs_here = one.said().contains("sync begins");
    let (mut dies, lives) = if runs_here { (one, two) } else { (two, std::mem::replace(&mut one, world.server(&[]))) };
    dies.kill();
    let killed = Instant::now();
    let job = lives.ended(id);
    println!("done {:?} after its process died", killed.elapsed());
    assert_eq!((&job["state"], &job["attempts"]), (&json!("done"), &json!(2)), "{job:#}");
    assert_eq!(lives.ask("/api/v1/rel/repo/large")["stats"]["commits"], crate::world::LARGE);
}

#[test]
fn a_job_is_cancelled_from_another_process() {
    let world = World::new();
    let (one, two) = (world.server(&[]), world.server(&["--sync-workers", "0"]));
    let id = one.sync("git", &json!({ "location": crate::world::large(), "name": "large" }));
    one.under_way(id);
    // Its progress is seen from elsewhere as well, a beat later.
    two.poll("progress is seen", Duration::from_secs(5), || (two.job(id)["state"] == "running").then_some(()));
    two.post(&format!("/api/v1/jobs/{id}/cancel"), &json!({})).expect(200);
    let asked = Instant::now();
    assert_eq!(two.ended(id)["state"], "cancelled");
    println!("cancelled {:?} after another process was asked", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(4));
}

#[test]
fn whoever_is_disabled_on_one_is_refused_by_the_other() {
    let world = World::new();
    let (one, two) = (world.server(&[]), world.server(&[]));
    one.synced("git", &world.git());
    let user = json!({ "email": "ann@example.com", "password": "another long password" });
    let id = one.post("/api/v1/users", &user).expect(201).json()["id"].as_u64().unwrap();
    let member = json!({ "email": "ann@example.com", "role": "viewer" });
    let set = one.client().with_json("PUT", "/api/v1/members", &member);
    assert!(matches!(set.status, 200 | 204), "{}", set.text());
    let token = two.log_in("ann@example.com", "another long password");
    let mut ann = Client::new(two.address()).with_token(&token);
    // It is asked all the time, so that nothing is looked up by chance.
    for _ in 0..20 {
        ann.get("/api/v1/rel/repo/product").expect(200);
    }
    let disabled = one.client().with_json("PATCH", &format!("/api/v1/users/{id}"), &json!({ "disabled": true }));
    assert!(matches!(disabled.status, 200 | 204), "{}", disabled.text());
    let done = Instant::now();
    assert_eq!(
        Client::new(one.address()).with_token(&token).get("/api/v1/me").status,
        401,
        "at once where it was done"
    );
    let took = two.poll("the other refuses too", Duration::from_millis(1500), || {
        let status = ann.get("/api/v1/rel/repo/product").status;
        assert!(matches!(status, 200 | 401), "{status}");
        (status == 401).then(|| done.elapsed())
    });
    println!("refused by the other process after {took:?}");
}
