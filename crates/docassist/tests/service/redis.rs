//! Redis in every kind of trouble: requests go on, and whoever looks is told.

use std::time::Duration;

use docassist_testing::RedisServer;
use serde_json::Value;

use crate::http::Answer;
use crate::load::{Ask, Load, Report};
use crate::server::Server;
use crate::world::World;

/// A cached answer is a matter of microseconds; the rest is for a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(1);

/// A service of two organisations over a Redis.
struct Service {
    server: Server,
    world: World,
}

impl Service {
    fn start(redis: &RedisServer) -> Self {
        let mut world = World::new();
        let server = world.server(&["--redis", &redis.url(), "--cache-ttl", "20"]);
        server.synced("git", &world.git());
        server.synced("tickets", &world.tickets());
        // The other organisation has two commits more.
        world.commits(2);
        server.post("/api/v1/orgs", &serde_json::json!({ "slug": "other" })).expect(201);
        let mut other = server.client().in_org("other");
        let job = other.with_json("POST", "/api/v1/sync/git", &world.git()).expect(202).json();
        server.poll("the other organisation is synced", Duration::from_secs(20), || {
            let job = other.get(&format!("/api/v1/jobs/{}", job["id"])).expect(200).json();
            (job["state"] == "done").then_some(())
        });
        Self { server, world }
    }

    /// Asks all the time while `during` runs; no answer may be missing or wrong.
    fn under_load(&self, what: &str, during: impl FnOnce()) -> Report {
        let load = Load::start(&self.server, 4, &asks());
        during();
        let report = load.end();
        report.check(what);
        let longest = report.cached.last().copied().unwrap_or_default();
        assert!(longest < PATIENCE, "{what}: a cached answer took {longest:?}");
        report
    }

    fn ready(&self) -> Value {
        self.server.get("/health/ready").expect(200).json()
    }

    /// Whether health report, metric and `Cache-Status` agree that Redis is there or not.
    fn tells(&self, up: bool) -> bool {
        let (status, redis) = if up { ("ready", "up") } else { ("degraded", "down") };
        let ready = self.ready();
        // One request after the other: in between the state can change.
        ready["status"] == status
            && ready["redis"] == redis
            && ready["notes"].as_array().unwrap().is_empty() == up
            && (self.server.metric("docassist_cache_redis_state{state=\"closed\"}") == 1.0) == up
            && self.server.get("/api/v1/rel/repo/product").header("cache-status").contains("redis-down") != up
    }

    #[track_caller]
    fn until_it_tells(&self, up: bool) {
        let what = if up { "it says that Redis is in use" } else { "it says that Redis is down" };
        self.server.poll(what, Duration::from_secs(10), || self.tells(up).then_some(()));
    }

    fn events(&self, name: &str) -> f64 {
        self.server.metric(&format!("docassist_cache_redis_events_total{{event=\"{name}\"}}"))
    }
}

/// Questions whose answers are known. Some are new each time the cached ones end, so that Redis is asked too.
fn asks() -> Vec<Ask> {
    let mut asks: Vec<Ask> = (0..40).map(|number| repository("default", 4, number)).collect();
    asks.extend((0..40).map(|number| repository("other", 6, number)));
    asks.push(Ask::of("/api/v1/gaps?org=default"));
    asks.push(Ask::judged("/api/v1/gaps/dangling?org=default", |answer| field(answer, "/total", 1)));
    asks.push(Ask::judged("/api/v1/rel/ticket/DOC-1?org=default", |answer| field(answer, "/totals/commits", 2)));
    asks
}

fn repository(org: &str, commits: u64, number: u32) -> Ask {
    let owner = org.to_owned();
    let path = format!("/api/v1/rel/repo/product?org={org}&limit={}", number + 1);
    Ask::judged(&path, move |answer| {
        let named = answer.json()["org"] == owner.as_str();
        if named { field(answer, "/stats/commits", commits) } else { Err(format!("not {owner}'s: {}", answer.text())) }
    })
}

fn field(answer: &Answer, pointer: &str, expected: u64) -> Result<(), String> {
    let found = answer.json().pointer(pointer).and_then(Value::as_u64);
    if found == Some(expected) { Ok(()) } else { Err(format!("{pointer} is {found:?}: {}", answer.text())) }
}

fn run<T: redis::FromRedisValue>(redis: &RedisServer, words: &[&str]) -> T {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    words
        .iter()
        .skip(1)
        .fold(&mut redis::cmd(words[0]), |command, word| command.arg(word))
        .query(&mut connection)
        .unwrap()
}

fn keys(redis: &RedisServer) -> Vec<String> {
    run(redis, &["KEYS", "docassist:*"])
}

fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

#[test]
fn killed_and_restarted_under_load() {
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    let service = Service::start(&redis);
    service.until_it_tells(true);
    service.under_load("Redis killed and restarted twice", || {
        for _ in 0..2 {
            pause(300);
            redis.kill();
            service.until_it_tells(false);
            pause(500);
            redis.restart();
            service.until_it_tells(true);
        }
        pause(300);
    });
    assert!(service.events("opened") >= 2.0 && service.events("connected") >= 3.0);
    // What is asked after the restart lies there again.
    service.server.get("/api/v1/rel/file?path=src/lib.rs&org=default").expect(200);
    service.server.poll("values are written", Duration::from_secs(5), || (!keys(&redis).is_empty()).then_some(()));
    let said = service.server.said();
    assert_eq!(said.matches("serving from memory alone").count(), 2, "said once an outage: {said}");
}

#[test]
fn paused() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let service = Service::start(&redis);
    service.until_it_tells(true);
    let report = service.under_load("Redis paused for 2 s", || {
        pause(200);
        run::<()>(&redis, &["CLIENT", "PAUSE", "2000", "ALL"]);
        service.until_it_tells(false);
        service.until_it_tells(true);
        pause(200);
    });
    assert!(report.all.last() < Some(&PATIENCE), "{:?}", report.all.last());
    assert!(service.events("timeout") > 0.0);
}

#[test]
fn full_and_refusing_writes() {
    let Some(redis) = RedisServer::start(&["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]) else { return };
    let service = Service::start(&redis);
    service.until_it_tells(true);
    service.under_load("Redis full, refusing writes", || {
        fill(&redis);
        service.server.poll("writes are refused", Duration::from_secs(10), || {
            (service.events("refused_write") > 0.0).then_some(())
        });
        pause(500);
    });
    // It answers, and values in it are served: that is no outage.
    assert_eq!(service.ready()["redis"], "up");
    run::<()>(&redis, &["FLUSHALL"]);
    run::<()>(&redis, &["CONFIG", "SET", "maxmemory", "0"]);
    service.under_load("Redis with room again", || {
        service.server.poll("values are written", Duration::from_secs(30), || (!keys(&redis).is_empty()).then_some(()));
    });
}

#[test]
fn full_and_evicting() {
    let arguments = ["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(redis) = RedisServer::start(&arguments) else { return };
    let service = Service::start(&redis);
    service.under_load("Redis full, evicting", || {
        for _ in 0..5 {
            fill(&redis);
            pause(200);
        }
    });
    let info: String = run(&redis, &["INFO", "stats"]);
    assert!(!info.contains("evicted_keys:0\r"), "nothing was evicted");
    service.until_it_tells(true);
}

/// Other programs' values, until there is no room.
fn fill(redis: &RedisServer) {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    let filling = vec![b'x'; 16 << 10];
    for number in 0..400 {
        let set = redis::cmd("SET").arg(format!("filling:{number}")).arg(&filling).query::<()>(&mut connection);
        if set.is_err() {
            break;
        }
    }
}

#[test]
fn flushed() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let service = Service::start(&redis);
    service.until_it_tells(true);
    service.under_load("Redis flushed ten times", || {
        for _ in 0..10 {
            run::<()>(&redis, &["FLUSHALL"]);
            pause(120);
        }
    });
    assert!(service.tells(true));
    assert_eq!(service.events("opened"), 0.0);
}

#[test]
fn garbage_under_every_key() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let service = Service::start(&redis);
    // A second process has nothing in memory, and takes what it gets from Redis.
    let reader = Server::start(&service.world.data(), &["--redis", &redis.url()]);
    service.under_load("warming up", || pause(800));
    let values = keys(&redis).into_iter().filter(|key| key.contains(":v:")).count();
    assert!(values > 50, "only {values} values in Redis");
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    let load = Load::start(&reader, 2, &asks());
    let mut random = 1_u32;
    service.under_load("garbage in Redis", || {
        for round in 0..12 {
            let keys = keys(&redis);
            for (number, key) in keys.iter().enumerate() {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                spoil(&mut connection, key, &keys[(number + 1 + round) % keys.len()], random, round % 6);
            }
            pause(150);
        }
    });
    load.end().check("garbage in Redis, a reader that starts empty");
    let garbage = reader.metric("docassist_cache_redis_events_total{event=\"garbage\"}");
    println!("{garbage} pieces of garbage were noticed");
    assert!(garbage > 0.0);
    run::<()>(&redis, &["FLUSHALL"]);
    service.until_it_tells(true);
}

/// Writes something over a key that nobody of us wrote.
fn spoil(connection: &mut redis::Connection, key: &str, other: &str, random: u32, how: usize) {
    let old: Vec<u8> = redis::cmd("GET").arg(key).query(connection).unwrap_or_default();
    let done: redis::RedisResult<()> = match how {
        0 => redis::cmd("SET").arg(key).arg(random.to_be_bytes().repeat(50)).query(connection),
        1 => redis::cmd("SETRANGE").arg(key).arg(old.len() / 2).arg("?").query(connection),
        2 => redis::cmd("SET").arg(key).arg(&old[..old.len() * 2 / 3]).query(connection),
        3 => redis::pipe().del(key).ignore().cmd("LPUSH").arg(key).arg("a").query(connection),
        4 => redis::pipe().del(key).ignore().cmd("HSET").arg(key).arg("gaps").arg("many").query(connection),
        // Two organisations' keys lie beside each other.
        _ => redis::cmd("RENAME").arg(other).arg(key).query(connection),
    };
    // A key may have gone meanwhile, or be of a type that the command does not take: that is garbage enough.
    drop(done);
}

#[test]
fn absent_at_the_start_and_appearing_later() {
    let Some(mut redis) = RedisServer::later(&[]) else { return };
    let service = Service::start(&redis);
    service.until_it_tells(false);
    service.under_load("Redis appears", || {
        pause(500);
        redis.restart();
        service.until_it_tells(true);
        pause(300);
    });
    service.server.poll("values are written", Duration::from_secs(30), || {
        service.server.get("/api/v1/rel/repo/product?org=default&limit=77").expect(200);
        (!keys(&redis).is_empty()).then_some(())
    });
}

#[test]
fn a_redis_that_cannot_be_understood_stops_the_start_without_showing_its_password() {
    let world = World::new();
    let output = crate::server::serve(&world.data(), &["--redis", "nonsense://:s3cr3t@host/"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("Redis") && !said.contains("s3cr3t"), "{said}");
}
