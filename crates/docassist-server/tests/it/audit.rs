//! The audit log: complete, without secrets, for admins of the organisation, and never changed.

use docassist_model::Role;
use serde_json::{Value, json};

use crate::world::{OPERATOR, PASSWORD, World};

const ADDRESS: &str = "192.0.2.77";

/// An organisation with an admin in whose name things are done.
fn world() -> (World, String) {
    let world = World::new();
    world.make_org("acme");
    world.make_org("globex");
    let admin = world.newcomer("acme", "admin@acme.example", Role::Admin);
    (world, admin)
}

async fn entries(world: &World, token: &str) -> Vec<Value> {
    let page = world.get("/api/v1/audit?limit=1000").token(token).org("acme").send().await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_is_done_is_told_with_actor_target_and_address() {
    let (world, admin) = world();
    let (id, key) = world.key(&admin, "acme", Role::Admin);
    world.user("ann@acme.example");
    let calls = [
        world.post("/api/v1/cache/clear").token(&key),
        world.post("/api/v1/keys").token(&admin).json(json!({ "name": "ci", "scope": "viewer" })),
        world.put("/api/v1/members").token(&admin).json(json!({ "email": "ann@acme.example", "role": "viewer" })),
        world.post("/api/v1/sync/git").token(&admin).json(json!({ "location": "https://127.0.0.1:9/x.git" })),
        world.post("/api/v1/sources/x/sync").token(&key),
        world.put("/api/v1/sources/x/schedule").token(&admin).json(json!({ "every": "1d" })),
        world.post("/api/v1/webhooks").token(&admin).json(json!({ "source": "x", "forge": "github" })),
        world.post("/api/v1/jobs/1/cancel").token(&admin),
        world.delete("/api/v1/sources/x").token(&admin),
        world.delete(&format!("/api/v1/keys/{id}")).token(&admin),
    ];
    for call in calls {
        let answer = call.org("acme").peer(ADDRESS).send().await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
    let entries = entries(&world, &admin).await;
    for (action, target, actor) in [
        ("cache.clear", "acme", "key:"),
        ("key.create", "", "user:admin@acme.example"),
        ("member.set", "ann@acme.example", "user:"),
        ("sync.git", "x", "user:"),
        ("source.sync", "x", "key:"),
        ("source.schedule", "x", "user:"),
        ("webhook.create", "", "user:"),
        ("job.cancel", "x", "user:"),
        ("source.remove", "x", "user:"),
        ("key.revoke", id.as_str(), "user:"),
    ] {
        let entry = entries.iter().find(|entry| entry["action"] == action);
        let entry = entry.unwrap_or_else(|| panic!("no {action} in {entries:#?}"));
        assert!(entry["actor"].as_str().unwrap().starts_with(actor), "{entry}");
        assert!(target.is_empty() || entry["target"] == target, "{entry}");
        assert_eq!((&entry["address"], &entry["org"]), (&json!(ADDRESS), &json!("acme")), "{entry}");
    }
    let numbers: Vec<u64> = entries.iter().map(|entry| entry["id"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b), "newest first: {numbers:?}");
}

#[tokio::test]
async fn what_was_refused_is_not_told_as_done() {
    let (world, admin) = world();
    let before = entries(&world, &admin).await.len();
    world.delete("/api/v1/keys/none").token(&admin).org("acme").send().await.refused(404, "not_found");
    world.delete("/api/v1/sources/none").token(&admin).org("acme").send().await.refused(404, "not_found");
    let member = world.newcomer("acme", "member@acme.example", Role::Member);
    world.post("/api/v1/cache/clear").token(&member).org("acme").send().await.refused(403, "forbidden");
    assert_eq!(entries(&world, &admin).await.len(), before);
}

#[tokio::test]
async fn logins_are_told_to_operators_and_hold_no_password() {
    let (world, admin) = world();
    let body = json!({ "email": OPERATOR, "password": "a wrong but telling one" });
    world.post("/api/v1/auth/login").peer(ADDRESS).json(body).send().await.refused(401, "unauthenticated");
    let long = json!({ "email": "x".repeat(100_000), "password": PASSWORD });
    world.post("/api/v1/auth/login").json(long).send().await.refused(401, "unauthenticated");
    let operator = world.log_in_with(OPERATOR, PASSWORD).await.expect(200);
    let token = operator["access_token"].as_str().unwrap();
    let log = world.get("/api/v1/audit/service").token(token).send().await;
    let items = log.expect(200)["items"].as_array().unwrap().clone();
    let failed = items.iter().find(|entry| entry["action"] == "auth.login_failed" && entry["address"] == ADDRESS);
    assert_eq!(failed.unwrap()["target"], OPERATOR);
    assert!(items.iter().any(|entry| entry["action"] == "auth.login"));
    assert!(log.body.len() < 20_000, "what senders choose is cut");
    for secret in ["a wrong but telling one", PASSWORD, token, operator["refresh_token"].as_str().unwrap()] {
        assert!(!log.text().contains(secret));
    }
    assert!(!entries(&world, &admin).await.iter().any(|entry| entry["action"] == "auth.login"));
}

#[tokio::test]
async fn only_admins_of_the_organisation_read_its_log() {
    let (world, admin) = world();
    let member = world.newcomer("acme", "member@acme.example", Role::Member);
    let stranger = world.newcomer("globex", "admin@globex.example", Role::Admin);
    for token in [&member, &stranger] {
        world.get("/api/v1/audit").token(token).org("acme").send().await.refused(403, "forbidden");
        world.get("/api/v1/audit/service").token(token).send().await.refused(403, "forbidden");
    }
    for entry in entries(&world, &admin).await {
        assert_eq!(entry["org"], "acme");
    }
}

#[tokio::test]
async fn pages_of_the_log_are_the_whole_log() {
    let (world, admin) = world();
    for _ in 0..7 {
        world.post("/api/v1/cache/clear").token(&admin).org("acme").send().await.expect(204);
        world.post("/api/v1/cache/clear").token(&world.log_in(OPERATOR)).org("globex").send().await.expect(204);
    }
    let (mut cursor, mut paged) = (String::new(), Vec::new());
    loop {
        let uri = format!("/api/v1/audit?limit=3{cursor}");
        let page = world.get(&uri).token(&admin).org("acme").send().await.expect(200);
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, entries(&world, &admin).await);
    assert!(paged.len() >= 7);
    for bad in ["cursor=x", "cursor=-1", "limit=0", "limit=1001", "limit=x", "page=2"] {
        let answer = world.get(&format!("/api/v1/audit?{bad}")).token(&admin).org("acme").send().await;
        answer.refused(400, "invalid_input");
    }
}

#[tokio::test]
async fn the_log_can_only_grow() {
    let (world, admin) = world();
    world.post("/api/v1/cache/clear").token(&admin).org("acme").send().await.expect(204);
    let before = entries(&world, &admin).await;
    let database = rusqlite::Connection::open(world.data().join("control.db")).unwrap();
    for change in ["UPDATE audit SET detail = 'changed'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"] {
        assert!(database.execute(change, []).is_err(), "{change}");
    }
    assert_eq!(entries(&world, &admin).await, before);
}

#[tokio::test]
async fn an_organisation_of_a_removed_ones_name_does_not_read_its_log() {
    let (world, old) = world();
    let operator = world.log_in(OPERATOR);
    world.post("/api/v1/cache/clear").token(&old).send().await.expect(204);
    world.delete("/api/v1/orgs/acme").token(&operator).send().await.expect(204);
    world.post("/api/v1/orgs").token(&operator).json(json!({ "slug": "acme" })).send().await.expect(201);
    let admin = world.newcomer("acme", "new@acme.example", Role::Admin);
    for entry in entries(&world, &admin).await {
        let action = entry["action"].as_str().unwrap();
        assert!(matches!(action, "org.create" | "member.set"), "of the removed one: {entry}");
    }
}
