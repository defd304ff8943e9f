//! Syncs as jobs: what they do, what is told of them, and in which order they run.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::Server;
use crate::world::{AS_OF, World, large};

#[test]
fn jobs_of_all_kinds_bring_their_data_into_the_answers() {
    let world = World::new();
    let server = world.server(&[]);
    server.synced("git", &world.git());
    server.synced("tickets", &world.tickets());
    server.synced("docs", &world.docs());

    let repo = server.ask("/api/v1/rel/repo/product");
    assert_eq!(repo["stats"]["commits"], 4);
    let ticket = server.ask("/api/v1/rel/ticket/DOC-1");
    assert_eq!(ticket["commits"].as_array().unwrap().len(), 2);
    let dangling = server.ask("/api/v1/gaps/dangling");
    assert_eq!(dangling["items"][0]["key"], "DOC-77");
    let orphaned = server.ask(&format!("/api/v1/gaps/orphaned?as_of={AS_OF}"));
    assert_eq!(orphaned["total"], 4, "{orphaned:#}");
    let written = server.ask("/api/v1/rel/ticket/DOC-2");
    assert!(written["documents"].to_string().contains("start.md"), "{written:#}");
    // The command line sees the same in the same directory.
    let printed: Value = serde_json::from_str(&world.command(&["rel", "repo", "product", "--json"])).unwrap();
    assert_eq!(printed["stats"], repo["stats"]);
    let export = server.get("/api/v1/export/graph").expect(200).text();
    assert_eq!(export, world.command(&["export", "graph"]));
}

#[test]
fn a_job_tells_what_it_is_and_what_it_did() {
    let world = World::new();
    let server = world.server(&[]);
    let accepted = server.post("/api/v1/sync/git", &world.git()).expect(202).json();
    let queued = matches!(accepted["state"].as_str(), Some("queued" | "running"));
    assert!(queued, "{accepted:#}");
    let job = server.ended(accepted["id"].as_u64().unwrap());
    assert_eq!(job["state"], "done");
    for (field, expected) in [
        ("org", json!("default")),
        ("kind", json!("git")),
        ("source", json!("product")),
        ("requested_by", json!("user:root@example.com")),
        ("attempts", json!(1)),
        ("cancel_requested", json!(false)),
        ("error", json!(null)),
    ] {
        assert_eq!(job[field], expected, "{field}");
    }
    assert_eq!(job["result"]["commits_added"], 4);
    let instant = |field: &str| job[field].as_str().unwrap().to_owned();
    assert!(instant("created") <= instant("started") && instant("started") <= instant("finished"));
    assert!(instant("finished").ends_with('Z'));

    let again = server.synced("git", &world.git());
    assert_eq!(again["result"]["commits_added"], 0);
    let list = server.ask("/api/v1/jobs?limit=1");
    assert_eq!((&list["total"], &list["items"][0]["id"]), (&json!(2), &again["id"]), "newest first");
    let rest = server.ask(&format!("/api/v1/jobs?cursor={}", list["next"].as_str().unwrap()));
    assert_eq!((&rest["items"][0]["id"], &rest["items"][1]), (&job["id"], &Value::Null));
    assert_eq!(server.get("/api/v1/jobs/999").status, 404);
    assert_eq!(server.anonymous().get("/api/v1/jobs/1").status, 401);
}

#[test]
fn a_job_that_cannot_be_done_says_why() {
    let world = World::new();
    let server = world.server(&[]);
    let job = server.ended(server.sync("git", &json!({ "location": world.path("handbook") })));
    assert_eq!(job["state"], "failed");
    assert!(job["error"].as_str().unwrap().contains("handbook"), "{job:#}");
    // What it may not read is refused before there is a job.
    let outside = server.post("/api/v1/sync/git", &json!({ "location": "/etc" })).expect(403);
    assert!(outside.json()["detail"].as_str().unwrap().contains("/etc"));
    assert_eq!(server.ask("/api/v1/jobs")["total"], 1);
}

#[test]
fn events_tell_of_progress_until_the_end() {
    let world = World::new();
    let server = world.server(&[]);
    let id = server.sync("git", &json!({ "location": large(), "name": "large" }));
    let events = server.client().events(&format!("/api/v1/jobs/{id}/events")).all();
    let (last, before) = events.split_last().unwrap();
    assert_eq!((last.0.as_str(), &last.1["state"]), ("done", &json!("done")));
    assert!(before.iter().all(|(name, job)| name == "progress" && job["finished"].is_null()), "{before:#?}");
    let read: Vec<u64> = before.iter().filter_map(|(_, job)| job["progress"]["done"].as_u64()).collect();
    assert!(read.iter().any(|done| *done > 0), "nothing moved: {before:#?}");
    // Whoever comes late hears of the end at once.
    let late = server.client().events(&format!("/api/v1/jobs/{id}/events")).all();
    assert_eq!(late, std::slice::from_ref(last));
}

#[test]
fn one_job_at_a_time_runs_in_an_organisation_and_queued_ones_of_a_source_are_one() {
    let world = World::new();
    let server = world.server(&["--sync-workers", "4"]);
    server.post("/api/v1/orgs", &json!({ "slug": "other" })).expect(201);
    let long = server.sync("git", &json!({ "location": large(), "name": "large" }));
    server.under_way(long);
    let (first, second) = (server.sync("git", &world.git()), server.sync("git", &world.git()));
    assert_eq!(first, second, "it waits already");
    let tickets = server.sync("tickets", &world.tickets());
    assert_ne!(tickets, first);
    // Another organisation does not wait.
    let mut other = server.client().in_org("other");
    let elsewhere = other.with_json("POST", "/api/v1/sync/git", &world.git()).expect(202).json();
    let path = format!("/api/v1/jobs/{}", elsewhere["id"]);
    server.poll("the other organisation's job ends", Duration::from_secs(30), || {
        let job = other.get(&path).expect(200).json();
        assert_running_alone(&server);
        (job["state"] == "done").then_some(())
    });
    assert_eq!(server.job(long)["state"], "running", "it was to be the longer one");
    let (first, tickets) = server.poll("all jobs end", Duration::from_secs(60), || {
        assert_running_alone(&server);
        let (first, tickets) = (server.job(first), server.job(tickets));
        (first["state"] == "done" && tickets["state"] == "done").then_some((first, tickets))
    });
    let long = server.job(long);
    assert!(long["finished"].as_str() <= first["started"].as_str());
    assert!(first["finished"].as_str() <= tickets["started"].as_str());
    assert_eq!(server.ask("/api/v1/jobs")["total"], 3);
}

/// At most one job of the administrator's organisation runs.
fn assert_running_alone(server: &Server) {
    let jobs = server.ask("/api/v1/jobs");
    let running = jobs["items"].as_array().unwrap().iter().filter(|job| job["state"] == "running").count();
    assert!(running <= 1, "{jobs:#}");
}
