//! Syncs that nobody asks for by hand: schedules and webhooks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::http::Answer;
use crate::server::Server;
use crate::world::World;

fn unix_now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The only source that is known.
fn source(server: &Server) -> Value {
    let sources = server.ask("/api/v1/sources");
    assert_eq!(sources["total"], 1, "{sources:#}");
    sources["items"][0].clone()
}

/// As if time had passed: everything is due.
fn make_due(world: &World) {
    let control = rusqlite::Connection::open(world.data().join("control.db")).unwrap();
    control.busy_timeout(Duration::from_secs(5)).unwrap();
    let changed =
        control.execute("UPDATE source_settings SET due = ?1 WHERE due IS NOT NULL", [unix_now() - 1]).unwrap();
    assert_eq!(changed, 1);
}

/// Waits until so many jobs are done, and gives the newest.
fn jobs_done(server: &Server, count: u64) -> Value {
    server.poll("the next job is done", Duration::from_secs(20), || {
        let jobs = server.ask("/api/v1/jobs");
        let newest = jobs["items"][0].clone();
        (jobs["total"] == count && newest["state"] == "done").then_some(newest)
    })
}

#[test]
fn a_schedule_starts_a_sync_when_it_is_due_and_again_later() {
    let mut world = World::new();
    let server = world.server(&[]);
    let mut body = world.git();
    for wrong in ["59s", "0m", "-5m", "soon", "400d", "15"] {
        body["every"] = json!(wrong);
        let refused = server.post("/api/v1/sync/git", &body).expect(400).json();
        assert_eq!(refused["code"], "invalid_input", "{wrong}");
    }
    assert_eq!(server.ask("/api/v1/sources")["total"], 0, "what was refused is not kept");
    body["every"] = json!("15m");
    server.synced("git", &body);
    let of = source(&server);
    assert_eq!(of["every"], 900);
    let due = of["due"].as_str().unwrap();
    let created = server.job(1)["created"].as_str().unwrap().to_owned();
    assert!(due > created.as_str(), "{due} is after {created}");
    // Syncs by hand leave the schedule.
    server.synced("git", &world.git());
    assert_eq!(source(&server)["every"], 900);

    world.commits(1);
    make_due(&world);
    let job = jobs_done(&server, 3);
    assert_eq!((&job["requested_by"], &job["result"]["commits_added"]), (&json!("schedule"), &json!(1)));
    assert_eq!(server.ask("/api/v1/rel/repo/product")["stats"]["commits"], 5);
    let next = source(&server)["due"].as_str().unwrap().to_owned();
    assert!(next.as_str() > job["created"].as_str().unwrap(), "{next}");

    let path = format!("/api/v1/sources/{}/schedule", of["source"].as_str().unwrap());
    let refused = server.client().with_json("PUT", &path, &json!({ "every": "30s" }));
    assert_eq!(refused.status, 400);
    let hourly = server.client().with_json("PUT", &path, &json!({ "every": "1h" })).expect(200).json();
    assert_eq!(hourly["every"], 3600);
    server.client().with_json("DELETE", &path, &json!({})).expect(204);
    let of = source(&server);
    assert!(of["every"].is_null() && of["due"].is_null(), "{of:#}");
}

#[test]
fn what_became_due_while_the_service_was_down_is_synced_once() {
    let mut world = World::new();
    let server = world.server(&[]);
    let mut body = world.git();
    body["every"] = json!("1m");
    server.synced("git", &body);
    server.stop();
    make_due(&world);
    world.commits(1);
    // Two processes look at the same schedule.
    let (server, other) = (world.server(&[]), world.server(&[]));
    let job = jobs_done(&server, 2);
    assert_eq!(job["requested_by"], "schedule");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(other.ask("/api/v1/jobs")["total"], 2, "one of them queued it");
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

fn deliver(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
    server.anonymous().send("POST", path, &headers, BODY).unwrap()
}

const BODY: &[u8] = b"{\"ref\": \"refs/heads/main\"}";

#[test]
fn a_signed_push_starts_a_sync_and_nothing_else_does() {
    let mut world = World::new();
    let server = world.server(&[]);
    let unknown = server.post("/api/v1/webhooks", &json!({ "source": "product", "forge": "github" }));
    assert_eq!(unknown.status, 404, "there is no such source yet");
    server.synced("git", &world.git());
    let mut jobs = 1;
    #[allow(clippy::explicit_counter_loop, reason = "it counts jobs, not forges")]
    for forge in ["github", "gitlab", "bitbucket"] {
        let body = json!({ "source": "product", "forge": forge });
        let hook = server.post("/api/v1/webhooks", &body).expect(201).json();
        let (path, secret) = (hook["path"].as_str().unwrap(), hook["secret"].as_str().unwrap());
        let (good, bad) = (signature(secret, BODY), signature("another", BODY));
        let (proof, event, push, other) = match forge {
            "github" => ("x-hub-signature-256", "x-github-event", "push", "ping"),
            "gitlab" => ("x-gitlab-token", "x-gitlab-event", "Push Hook", "Issue Hook"),
            _ => ("x-hub-signature", "x-event-key", "repo:push", "pullrequest:created"),
        };
        let (good, bad) = if forge == "gitlab" { (secret, "another") } else { (good.as_str(), bad.as_str()) };
        for headers in [vec![(event, push)], vec![(event, push), (proof, bad)], vec![(event, push), (proof, "")]] {
            assert_eq!(deliver(&server, path, &headers).status, 401, "{forge}: {headers:?}");
        }
        let nowhere = deliver(&server, "/api/v1/hooks/nowhere", &[(event, push), (proof, good)]);
        assert_eq!(nowhere.status, 401, "it does not tell which hooks there are");
        let heard = deliver(&server, path, &[(event, other), (proof, good)]).expect(202).json();
        assert_eq!(heard["job"], Value::Null, "{forge}: {other} is no push");
        assert_eq!(server.ask("/api/v1/jobs")["total"], jobs);

        world.commits(1);
        let heard = deliver(&server, path, &[(event, push), (proof, good)]).expect(202).json();
        jobs += 1;
        let job = server.ended(heard["job"].as_u64().unwrap());
        let told = (&job["state"], &job["requested_by"], &job["result"]["commits_added"]);
        assert_eq!(told, (&json!("done"), &json!(format!("webhook {forge}")), &json!(1)));
        // Neither the list nor the log shows the secret.
        let list = server.get("/api/v1/webhooks").expect(200).text();
        assert!(list.contains(path) && !list.contains(secret) && !server.said().contains(secret));
    }
    let first = server.ask("/api/v1/webhooks")["items"][0]["id"].as_str().unwrap().to_owned();
    server.client().with_json("DELETE", &format!("/api/v1/webhooks/{first}"), &json!({})).expect(204);
    assert_eq!(deliver(&server, &format!("/api/v1/hooks/{first}"), &[("x-github-event", "push")]).status, 401);
}
