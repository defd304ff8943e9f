//! A PostgreSQL that goes: what cannot be answered is refused in clear words, and all goes on when it is back.

use std::process::Command;
use std::time::{Duration, Instant};

use docassist_testing::{PostgresServer, RedisServer};
use serde_json::json;

use super::outage::{Asking, is_unavailable, judge};
use super::{Cluster, fresh_digest};
use crate::server::Server;
use crate::world::{LARGE, large};

/// Answers that were confirmed may be served so long: 0.8 s the graph's state and 1 s who asks, one after the other.
const LEASE: Duration = Duration::from_millis(1_900);
/// So long after the database is back everybody is served.
const RECOVERY: Duration = Duration::from_secs(6);

fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Ends the database while requests run, and brings it back.
fn goes_and_comes_back(what: &str, end: impl FnOnce(&mut PostgresServer), redis: Option<&RedisServer>) {
    let Some(mut postgres) = PostgresServer::start(&[]) else { return };
    let cluster = Cluster::new(&postgres);
    let url = redis.map(RedisServer::url);
    let server = cluster.replica("one", &url.as_deref().map(|url| vec!["--redis", url]).unwrap_or_default());
    server.synced("git", &cluster.world.git());
    let asking = Asking::start(&server);
    pause(500);
    end(&mut postgres);
    let gone = Instant::now();
    pause(2_500);
    let ready = server.anonymous().get("/health/ready");
    is_unavailable(&ready);
    server.anonymous().get("/health/live").expect(200);
    assert!(server.anonymous().get("/metrics").expect(200).text().contains("docassist_http_requests_total"));
    pause(500);
    postgres.restart();
    let back = Instant::now();
    server
        .poll("it is ready again", RECOVERY, || (server.anonymous().get("/health/ready").status == 200).then_some(()));
    println!("{what}: ready {:?} after the database was back", back.elapsed());
    std::thread::sleep(RECOVERY.saturating_sub(back.elapsed()).min(Duration::from_secs(4)));
    judge(what, &asking.end(), gone, back, LEASE, RECOVERY);
    // And what is written now is kept.
    let synced = server.synced("git", &cluster.world.git());
    assert_eq!(synced["attempts"], 1);
}

#[test]
fn killed_while_requests_run() {
    goes_and_comes_back("PostgreSQL killed by kill -9", PostgresServer::kill_hard, None);
}

#[test]
fn stopped_while_requests_run_with_redis() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    goes_and_comes_back("PostgreSQL stopped, with Redis", PostgresServer::stop_gracefully, Some(&redis));
}

#[test]
fn one_of_its_processes_crashes_while_requests_run() {
    let Some(postgres) = PostgresServer::start(&[]) else { return };
    let cluster = Cluster::new(&postgres);
    let server = cluster.replica("one", &[]);
    server.synced("git", &cluster.world.git());
    let asking = Asking::start(&server);
    pause(300);
    for _ in 0..3 {
        // All sessions end with it, and the database recovers by itself within a moment.
        let process = postgres.psql(
            "postgres",
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'docassist' AND backend_type = 'client backend' \
             ORDER BY backend_start LIMIT 1",
        );
        assert!(Command::new("kill").args(["-9", &process]).status().unwrap().success(), "{process}");
        pause(1_500);
        server.poll("it is ready again", RECOVERY, || {
            (server.anonymous().get("/health/ready").status == 200).then_some(())
        });
    }
    pause(500);
    let crashed = Instant::now();
    let mut clients = [server.client().in_org("default"), server.client().in_org("default")];
    clients.iter_mut().for_each(|client| drop(client.get("/api/v1/jobs").expect(200)));
    println!("PostgreSQL: served {:?} after the last crash", crashed.elapsed());
    drop(asking.end());
}

#[test]
fn killed_during_a_sync_whose_job_ends_well_when_it_is_back() {
    let Some(mut postgres) = PostgresServer::start(&[]) else { return };
    let cluster = Cluster::new(&postgres);
    let server = cluster.replica("one", &[]);
    let id = server.sync("git", &json!({ "location": large(), "name": "large" }));
    server.under_way(id);
    postgres.kill_hard();
    pause(1_000);
    postgres.restart();
    let back = Instant::now();
    let job = ended(&server, id);
    println!("PostgreSQL killed during a sync: {} {:?} after it was back", job["state"], back.elapsed());
    assert_eq!((&job["state"], &job["attempts"]), (&json!("done"), &json!(2)), "{job:#}");
    assert_eq!(server.ask("/api/v1/rel/repo/large")["stats"]["commits"], LARGE);
    assert_eq!(cluster.digest("default"), fresh_digest());
}

/// The job when it has ended, whatever the requests for it are told meanwhile.
fn ended(server: &Server, id: u64) -> serde_json::Value {
    server.poll("the job ends", Duration::from_secs(90), || {
        let answer = server.get(&format!("/api/v1/jobs/{id}"));
        if answer.status != 200 {
            is_unavailable(&answer);
            return None;
        }
        let job = answer.json();
        (!matches!(job["state"].as_str(), Some("queued" | "running"))).then_some(job)
    })
}

#[test]
fn a_command_line_sync_that_loses_the_database_says_so_and_goes_on_the_next_time() {
    let Some(mut postgres) = PostgresServer::start(&[]) else { return };
    let cluster = Cluster::new(&postgres);
    let mut command = cluster.database.command();
    command.args(["sync", "git", "--name", "large"]).arg(large());
    let child = command.spawn().unwrap();
    let staged = || postgres.psql(&cluster.database.address, "SELECT count(*) FROM docassist.commits WHERE n > 0");
    let begun = Instant::now();
    while !has_tables(&postgres, &cluster) || staged() == "0" {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing is read");
        pause(20);
    }
    postgres.kill();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot be reached") && !said.contains("panicked"), "{said}");
    postgres.restart();
    cluster.run(&["-q", "sync", "git", "--name", "large", large().to_str().unwrap()]);
    assert_eq!(cluster.digest("default"), fresh_digest());
}

fn has_tables(postgres: &PostgresServer, cluster: &Cluster) -> bool {
    postgres.psql(&cluster.database.address, "SELECT to_regclass('docassist.commits') IS NOT NULL") == "t"
}

#[test]
fn taken_connections_are_told_and_waited_for() {
    // Three of them are for superusers.
    let Some(postgres) = PostgresServer::start(&[("max_connections", "12")]) else { return };
    let address = postgres.database();
    let cluster = Cluster::over(&address);
    let server = cluster.replica("one", &[]);
    server.synced("git", &cluster.world.git());
    let asking = Asking::start(&server);
    pause(300);
    let others = take_all(&postgres, &address);
    let gone = Instant::now();
    server.poll("it says so", Duration::from_secs(15), || {
        let answer = server.anonymous().get("/health/ready");
        let problem = (answer.status == 503).then(|| is_unavailable(&answer))?;
        println!("all connections taken: {}", problem["detail"]);
        Some(())
    });
    pause(1_000);
    drop(others);
    let back = Instant::now();
    server
        .poll("it is ready again", RECOVERY, || (server.anonymous().get("/health/ready").status == 200).then_some(()));
    pause(4_000);
    judge("PostgreSQL without a free connection", &asking.end(), gone, back, LEASE, RECOVERY);
    server.synced("git", &cluster.world.git());
}

/// Takes every session that there is for ordinary users; the service's are ended for it.
fn take_all(postgres: &PostgresServer, database: &str) -> Vec<postgres::Client> {
    const ALL: &str = "SELECT current_setting('max_connections')::int \
         - current_setting('superuser_reserved_connections')::int";
    const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE application_name LIKE 'docassist%' AND backend_type = 'client backend'";
    // Its session is held from the beginning: whoever is refused has a place until then, also one of the superusers'. It counts
    // as one of all, and with it and the others there is none left: asking who is there would miss whoever is just coming.
    let mut superuser = postgres::Client::connect(&postgres.superuser_url("postgres"), postgres::NoTls).unwrap();
    let all = superuser.query_one(ALL, &[]).unwrap().get::<_, i32>(0) as usize - 1;
    let mut config: postgres::Config = database.parse().unwrap();
    config.application_name("others");
    let mut taken = Vec::new();
    let begun = Instant::now();
    while taken.len() < all {
        match config.connect(postgres::NoTls) {
            Ok(client) => taken.push(client),
            Err(_) => drop(superuser.query_one(END, &[]).unwrap()),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{} sessions are taken", taken.len());
    }
    taken.push(superuser);
    taken
}
