//! Two replicas: what one does holds at the other within a second, and a job runs once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use docassist_testing::{PostgresServer, RedisServer};
use serde_json::{Value, json};

use super::{Cluster, StopAtEnd, fresh_digest};
use crate::http::Client;
use crate::replicas::{By, follow};
use crate::server::Server;
use crate::world::{LARGE, large};

/// Syncs several times on one replica, and measures when the other one, which runs no syncs, shows it.
fn others_follow(what: &str, postgres: &PostgresServer, redis: Option<&RedisServer>, by: By) {
    let mut cluster = Cluster::new(postgres);
    let url = redis.map(RedisServer::url);
    let redis: Vec<&str> = url.as_deref().map(|url| vec!["--redis", url]).unwrap_or_default();
    let one = cluster.replica("one", &redis);
    let two = cluster.replica("two", &[&redis[..], &["--sync-workers", "0"]].concat());
    let Cluster { world, database, .. } = &mut cluster;
    follow(&format!("PostgreSQL, {what}"), world, [&one, &two], &|| database.command(), by);
}

#[test]
fn others_follow_with_redis_and_without() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let redis = RedisServer::start(&[]);
    others_follow("with Redis", postgres, redis.as_ref(), By::Service);
    others_follow("without Redis", postgres, None, By::Service);
}

#[test]
fn all_follow_the_command_line() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let redis = RedisServer::start(&[]);
    others_follow("the command line, with Redis", postgres, redis.as_ref(), By::CommandLine);
    others_follow("the command line, without Redis", postgres, None, By::CommandLine);
}

#[test]
fn others_follow_where_notifications_are_lost() {
    let Some(postgres) = PostgresServer::start(&[]) else { return };
    let stop = Arc::<AtomicBool>::default();
    let killed = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut killed = 0;
            while !stop.load(Ordering::Relaxed) {
                let ended = postgres.psql(
                    "postgres",
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE application_name = 'docassist changes'",
                );
                killed += ended.lines().filter(|line| *line == "t").count();
                std::thread::sleep(Duration::from_millis(40));
            }
            killed
        });
        let stop = StopAtEnd(&stop);
        others_follow("without Redis, listeners cut off", &postgres, None, By::Service);
        drop(stop);
        killer.join().unwrap()
    });
    println!("{killed} listeners were cut off");
    assert!(killed > 5, "{killed}");
}

#[test]
fn roles_and_users_that_change_at_one_hold_at_the_other_within_a_second() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let (one, two) = (cluster.replica("one", &[]), cluster.replica("two", &[]));
    one.synced("git", &cluster.world.git());
    let user = json!({ "email": "ann@example.com", "password": "another long password" });
    let id = one.post("/api/v1/users", &user).expect(201).json()["id"].as_u64().unwrap();
    let token = two.log_in("ann@example.com", "another long password");
    let mut there = Client::new(two.address()).with_token(&token).in_org("default");
    assert_eq!(there.get("/api/v1/rel/repo/product").status, 403, "no member yet");
    // A token of the one is one of the other: they have the same secret.
    Client::new(one.address()).with_token(&token).get("/api/v1/me").expect(200);

    let set = |role: &str| {
        let body = json!({ "email": "ann@example.com", "role": role });
        let answer = one.client().in_org("default").with_json("PUT", "/api/v1/members", &body);
        assert!(matches!(answer.status, 200 | 204), "{}", answer.text());
    };
    // A member may sync, which a viewer may not; what is asked all the time is remembered most.
    let mut allows = |what: &str, seen: &mut dyn FnMut(&mut Client) -> bool| {
        let changed = Instant::now();
        while !seen(&mut there) {
            assert!(changed.elapsed() < Duration::from_millis(1500), "{what}: {:?}", changed.elapsed());
            // Less often than the rate of one user allows, or the answer would be that it was too often.
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("PostgreSQL: {what} is seen by the other replica after {:?}", changed.elapsed());
    };
    let read = |client: &mut Client| client.get("/api/v1/rel/repo/product").status;
    let write = |client: &mut Client| client.with_json("POST", "/api/v1/jobs/999999/cancel", &json!({})).status;
    set("viewer");
    allows("a new viewer", &mut |client| read(client) == 200);
    set("member");
    allows("a viewer who is a member now", &mut |client| write(client) == 404);
    set("viewer");
    allows("a member who is a viewer now", &mut |client| write(client) == 403);
    let removed = one.client().in_org("default").with_json("DELETE", &format!("/api/v1/members/{id}"), &json!({}));
    assert_eq!(removed.status, 204, "{}", removed.text());
    allows("a viewer who was removed", &mut |client| read(client) == 403);
    set("viewer");
    allows("a viewer who is back", &mut |client| read(client) == 200);
    let disabled = one.client().with_json("PATCH", &format!("/api/v1/users/{id}"), &json!({ "disabled": true }));
    assert!(matches!(disabled.status, 200 | 204), "{}", disabled.text());
    allows("a user who was disabled", &mut |client| read(client) == 401);
}

#[test]
fn a_second_credential_is_not_remembered_from_what_the_first_one_was() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let (one, two) = (cluster.replica("one", &[]), cluster.replica("two", &[]));
    one.synced("git", &cluster.world.git());
    let user = json!({ "email": "ann@example.com", "password": "another long password" });
    let id = one.post("/api/v1/users", &user).expect(201).json()["id"].as_u64().unwrap();
    let member = json!({ "email": "ann@example.com", "role": "viewer" });
    assert!(one.client().in_org("default").with_json("PUT", "/api/v1/members", &member).status < 300);
    let mut clients = [(); 2].map(|()| {
        let token = two.log_in("ann@example.com", "another long password");
        Client::new(two.address()).with_token(&token).in_org("default")
    });
    let mut admin = one.client().in_org("default");
    admin.get("/api/v1/members").expect(200);
    clients[0].get("/api/v1/rel/repo/product").expect(200);
    let read = Instant::now();
    admin.with_json("DELETE", &format!("/api/v1/members/{id}"), &json!({})).expect(204);
    let removed = Instant::now();
    // The first one's memory is nearly over when the second one asks.
    std::thread::sleep(Duration::from_millis(850).saturating_sub(read.elapsed()));
    let mut refused = false;
    while !refused {
        refused = clients[1].get("/api/v1/rel/repo/product").status == 403;
        assert!(removed.elapsed() < Duration::from_millis(1_200), "a second time: {:?}", removed.elapsed());
    }
}

#[test]
fn jobs_of_many_organisations_each_run_once_whoever_takes_them() {
    const ORGS: usize = 4;
    const ROUNDS: usize = 5;
    let Some(postgres) = PostgresServer::shared() else { return };
    let mut cluster = Cluster::new(postgres);
    let servers = ["one", "two"].map(|name| cluster.replica(name, &["--sync-workers", "2"]));
    let orgs: Vec<String> = (0..ORGS).map(|number| format!("team-{number}")).collect();
    for org in &orgs {
        servers[0].post("/api/v1/orgs", &json!({ "slug": org })).expect(201);
    }
    let mut queued = BTreeMap::new();
    for round in 0..ROUNDS {
        cluster.world.commits(1);
        for (number, org) in orgs.iter().enumerate() {
            // Each kind is a source of its own, so that jobs of one organisation wait for one another.
            let requests =
                [("git", cluster.world.git()), ("tickets", cluster.world.tickets()), ("docs", cluster.world.docs())];
            for (kind, body) in requests {
                let mut client = servers[(round + number) % 2].client().in_org(org);
                let answer = client.with_json("POST", &format!("/api/v1/sync/{kind}"), &body).expect(202).json();
                queued.insert(answer["id"].as_u64().unwrap(), org.clone());
            }
        }
    }
    for (id, org) in &queued {
        let mut client = servers[1].client().in_org(org);
        let job = servers[1].poll("the job ends", Duration::from_secs(60), || ended(&mut client, *id));
        assert_eq!((&job["state"], &job["attempts"]), (&json!("done"), &json!(1)), "{job:#}");
    }
    let begun = servers.each_ref().map(|server| server.said().matches("sync begins").count());
    println!("PostgreSQL: {} jobs of {ORGS} organisations, begun by each replica: {begun:?}", queued.len());
    assert_eq!(begun.iter().sum::<usize>(), queued.len());
    assert!(begun.iter().all(|count| *count > 0), "one replica did nothing: {begun:?}");
    // All have the same sources, and so the same graph but for its name.
    for org in &orgs {
        let mut client = servers[0].client().in_org(org);
        let repo = client.get("/api/v1/rel/repo/product").expect(200).json();
        assert_eq!(repo["stats"]["commits"], 4 + ROUNDS, "{org}");
    }
}

fn ended(client: &mut Client, id: u64) -> Option<Value> {
    let job = client.get(&format!("/api/v1/jobs/{id}")).expect(200).json();
    (!matches!(job["state"].as_str(), Some("queued" | "running"))).then_some(job)
}

#[test]
fn a_job_of_a_replica_that_died_is_taken_over_by_the_other() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let mut one = cluster.replica("one", &[]);
    let id = one.sync("git", &json!({ "location": large(), "name": "large" }));
    one.under_way(id);
    let two = cluster.replica("two", &[]);
    one.kill();
    let killed = Instant::now();
    let job = two.ended(id);
    println!("PostgreSQL: done {:?} after its replica died", killed.elapsed());
    assert_eq!((&job["state"], &job["attempts"]), (&json!("done"), &json!(2)), "{job:#}");
    assert_eq!(two.ask("/api/v1/rel/repo/large")["stats"]["commits"], LARGE);
    assert_eq!(cluster.digest("default"), fresh_digest());
}

#[test]
fn a_job_is_cancelled_and_its_progress_seen_from_the_other_replica() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let (one, two) = (cluster.replica("one", &[]), cluster.replica("two", &["--sync-workers", "0"]));
    let id = one.sync("git", &json!({ "location": large(), "name": "large" }));
    one.under_way(id);
    let progress = |server: &Server| server.job(id)["progress"]["done"].as_u64();
    two.poll("progress is seen", Duration::from_secs(5), || (progress(&two) > Some(0)).then_some(()));
    two.post(&format!("/api/v1/jobs/{id}/cancel"), &json!({})).expect(200);
    let asked = Instant::now();
    assert_eq!(two.ended(id)["state"], "cancelled");
    println!("PostgreSQL: cancelled {:?} after the other replica was asked", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(4));
    assert_eq!(two.get("/api/v1/rel/repo/large").status, 404);
}
