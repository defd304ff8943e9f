//! Jobs that are cancelled, whose process dies, or ends in good order.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::Server;
use crate::world::{World, large, run};

fn large_body() -> Value {
    json!({ "location": large(), "name": "large" })
}

fn cancel(server: &Server, id: u64) -> Value {
    server.post(&format!("/api/v1/jobs/{id}/cancel"), &json!({})).expect(200).json()
}

fn export(server: &Server) -> Vec<u8> {
    server.get("/api/v1/export/graph").expect(200).body
}

fn digest(data: &Path) -> String {
    run(data, &["export", "graph", "--digest"])
}

/// The digest of a fresh sync of the large repository on the command line.
fn fresh_digest(world: &World) -> String {
    let other = world.path("../other");
    run(&other, &["-q", "sync", "git", "--name", "large", large().to_str().unwrap()]);
    digest(&other)
}

#[test]
fn a_running_job_that_is_cancelled_leaves_the_graph_as_it_was() {
    let world = World::new();
    let server = world.server(&[]);
    server.synced("git", &world.git());
    server.synced("tickets", &world.tickets());
    let before = export(&server);
    let id = server.sync("git", &large_body());
    server.under_way(id);
    let asked = Instant::now();
    assert_eq!(cancel(&server, id)["cancel_requested"], true);
    let job = server.ended(id);
    println!("cancelled {:?} after it was asked for, at {}", asked.elapsed(), job["progress"]);
    assert!(asked.elapsed() < Duration::from_secs(3));
    assert_eq!((&job["state"], &job["result"], &job["error"]), (&json!("cancelled"), &Value::Null, &Value::Null));
    assert!(export(&server) == before, "the graph has changed");
    assert_eq!(server.get("/api/v1/rel/repo/large").status, 404);
    assert_eq!(cancel(&server, id)["state"], "cancelled", "a second time changes nothing");

    let done = server.synced("git", &large_body());
    assert_eq!(done["attempts"], 1);
    assert_eq!(server.ask("/api/v1/rel/repo/large")["stats"]["commits"], crate::world::LARGE);
    let complete = export(&server);
    assert!(complete.len() > before.len());
    // Read again from the start, and cancelled: nothing is missing meanwhile or after.
    let id = server.sync("git", &json!({ "location": large(), "name": "large", "full": true }));
    server.under_way(id);
    assert!(export(&server) == complete, "a full sync shows before its end");
    cancel(&server, id);
    assert_eq!(server.ended(id)["state"], "cancelled");
    assert!(export(&server) == complete, "a cancelled full sync has taken something");
}

#[test]
fn a_queued_job_that_is_cancelled_never_begins() {
    let world = World::new();
    let server = world.server(&[]);
    let running = server.sync("git", &large_body());
    server.under_way(running);
    let queued = server.sync("git", &world.git());
    let job = cancel(&server, queued);
    assert_eq!((&job["state"], &job["attempts"], &job["started"]), (&json!("cancelled"), &json!(0), &Value::Null));
    let next = server.sync("git", &world.git());
    assert_ne!(next, queued);
    cancel(&server, running);
    assert_eq!(server.ended(next)["state"], "done");
    assert_eq!(server.job(queued), job);
    assert_eq!(cancel(&server, next)["state"], "done", "what is done stays done");
}

#[test]
fn a_job_whose_process_was_killed_is_finished_by_the_next_one() {
    let world = World::new();
    let expected = fresh_digest(&world);
    let mut server = world.server(&[]);
    let id = server.sync("git", &large_body());
    server.under_way(id);
    server.kill();
    let server = world.server(&[]);
    // What was there before the kill is readable at once.
    assert_eq!(server.get("/api/v1/rel/repo/large").status, 404);
    let began = Instant::now();
    let job = server.ended(id);
    println!("finished {:?} after the restart", began.elapsed());
    assert_eq!(job["state"], "done", "{job:#}");
    assert!(job["attempts"].as_u64() > Some(1), "{job:#}");
    server.stop();
    assert_eq!(digest(&world.data()), expected);
}

#[test]
fn jobs_survive_kills_at_any_moment() {
    let world = World::new();
    let expected = fresh_digest(&world);
    let mut server = world.server(&[]);
    let id = server.sync("git", &large_body());
    for pause in [0, 150, 400] {
        std::thread::sleep(Duration::from_millis(pause));
        server.kill();
        server = world.server(&[]);
    }
    assert_eq!(server.ended(id)["state"], "done");
    assert_eq!(server.ask("/api/v1/jobs")["total"], 1);
    server.stop();
    assert_eq!(digest(&world.data()), expected);
}

#[test]
fn a_service_that_is_asked_to_end_puts_its_job_back_into_the_queue() {
    let world = World::new();
    let expected = fresh_digest(&world);
    let mut server = world.server(&[]);
    let id = server.sync("git", &large_body());
    server.under_way(id);
    let asked = Instant::now();
    server.terminate();
    let status = server.wait(Duration::from_secs(10));
    println!("ended {:?} after SIGTERM", asked.elapsed());
    assert_eq!(status.code(), Some(0), "{}", server.said());
    assert!(server.said().ends_with("stopped\n"), "{}", server.said());
    assert!(!server.said().contains("panicked"));
    let waiting = world.server(&["--sync-workers", "0"]);
    let job = waiting.job(id);
    assert_eq!((&job["state"], &job["error"]), (&json!("queued"), &Value::Null), "{job:#}");
    waiting.stop();
    let server = world.server(&[]);
    let begun = Instant::now();
    let job = server.ended(id);
    assert_eq!(job["state"], "done", "{job:#}");
    println!("done {:?} after the restart, attempts {}", begun.elapsed(), job["attempts"]);
    server.stop();
    assert_eq!(digest(&world.data()), expected);
}
