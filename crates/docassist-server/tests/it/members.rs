//! Members, and the admin that every organisation keeps.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use docassist_model::Role;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::call::Answer;
use crate::world::{OPERATOR, World, scope};

/// An organisation whose only admin is Ann.
fn world() -> (World, String) {
    let world = World::new();
    world.make_org("acme");
    let ann = world.newcomer("acme", "ann@acme.example", Role::Admin);
    let root = world.service.accounts.authenticate(&world.log_in(OPERATOR)).unwrap();
    world.service.accounts.remove_member(&scope("acme"), root.user().id).unwrap();
    (world, ann)
}

fn id(world: &World, token: &str) -> u64 {
    world.service.accounts.authenticate(token).unwrap().user().id.0
}

async fn set(world: &World, token: &str, email: &str, role: Role) -> Answer {
    let body = json!({ "email": email, "role": role.as_str() });
    world.put("/api/v1/members").token(token).org("acme").json(body).send().await
}

#[tokio::test]
async fn the_last_admin_stays() {
    let (world, ann) = world();
    let own = format!("/api/v1/members/{}", id(&world, &ann));
    world.delete(&own).token(&ann).org("acme").send().await.refused(409, "conflict");
    for role in [Role::Viewer, Role::Member] {
        set(&world, &ann, "ann@acme.example", role).await.refused(409, "conflict");
    }
    set(&world, &ann, "ann@acme.example", Role::Admin).await.expect(200);
    world.user("bob@acme.example");
    set(&world, &ann, "bob@acme.example", Role::Admin).await.expect(200);
    world.delete(&own).token(&ann).org("acme").send().await.expect(204);
    world.get("/api/v1/members").token(&ann).org("acme").send().await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_admins_who_leave_at_the_same_moment_do_not_both_go() {
    let (world, ann) = world();
    let bob = world.newcomer("acme", "bob@acme.example", Role::Admin);
    let world = Arc::new(world);
    let leave = |token: &str| {
        let uri = format!("/api/v1/members/{}", id(&world, token));
        world.call(Method::DELETE, &uri).token(token).org("acme").send()
    };
    for round in 0..40 {
        let both = tokio::join!(tokio::spawn(leave(&ann)), tokio::spawn(leave(&bob)));
        let gone = [both.0.unwrap(), both.1.unwrap()].iter().filter(|left| left.status.is_success()).count();
        assert_eq!(gone, 1, "round {round}");
        for email in ["ann@acme.example", "bob@acme.example"] {
            world.member("acme", email, Role::Admin);
        }
    }
}

#[tokio::test]
async fn members_are_users_of_the_service() {
    let (world, ann) = world();
    let unknown = set(&world, &ann, "nobody@example.org", Role::Viewer).await.refused(404, "not_found");
    assert!(unknown["hint"].is_string());
    let body = json!({ "email": "ann@acme.example", "role": "owner" });
    let wrong = world.put("/api/v1/members").token(&ann).org("acme").json(body).send().await;
    assert!(wrong.refused(400, "invalid_input")["detail"].as_str().unwrap().contains("at role"));
    world.delete("/api/v1/members/1").token(&ann).org("acme").send().await.refused(404, "not_found");
    world.delete("/api/v1/members/999").token(&ann).org("acme").send().await.refused(404, "not_found");
    set(&world, &ann, " ANN@acme.example ", Role::Admin).await.expect(200);
    let list = world.get("/api/v1/members").token(&ann).org("acme").send().await.expect(200);
    assert_eq!((list["total"].as_u64(), &list["items"][0]["email"]), (Some(1), &json!("ann@acme.example")));
}

#[tokio::test]
async fn whoever_is_a_member_of_several_says_which_is_meant() {
    let (world, ann) = world();
    world.make_org("globex");
    world.get("/api/v1/status").token(&ann).send().await.expect(200);
    world.member("globex", "ann@acme.example", Role::Viewer);
    let problem = world.get("/api/v1/status").token(&ann).send().await.refused(400, "invalid_input");
    assert_eq!(problem["candidates"], json!(["acme", "globex"]));
    for uri in ["/api/v1/status?org=globex", "/api/v1/status?org=globex&org=globex"] {
        let status = world.get(uri).token(&ann).send().await.expect(200);
        assert_eq!(status["org"], "globex");
    }
    for uri in ["?org=", "?org=GLOBEX", "?org=..", "?org=globex%00", "?org=acme&org=globex", "?org"] {
        let answer = world.get(&format!("/api/v1/status{uri}")).token(&ann).send().await;
        answer.refused(400, "invalid_input");
    }
    let twice = world.get("/api/v1/status").token(&ann).org("acme").org("globex").send().await;
    twice.refused(400, "invalid_input");
    world.get("/api/v1/status").token(&ann).header("docassist-org", b"\xff").send().await.refused(400, "invalid_input");
    let nobody = world.user("new@example.org");
    assert!(!nobody.operator);
    world.get("/api/v1/status").token(&world.log_in("new@example.org")).send().await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_its_reader_is_a_member_no_more() {
    let (world, ann) = world();
    let bob = world.newcomer("acme", "bob@acme.example", Role::Member);
    let location = json!({ "location": "https://127.0.0.1:9/x.git" });
    world.post("/api/v1/sync/git").token(&ann).json(location).send().await.expect(202);
    // Nobody runs jobs here: it stays queued, and the stream open.
    let mut events = world.get("/api/v1/jobs/1/events").token(&bob).open().await.into_body();
    let first = events.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"event: progress"), "{first:?}");
    let remove = format!("/api/v1/members/{}", id(&world, &bob));
    world.delete(&remove).token(&ann).send().await.expect(204);
    world.post("/api/v1/jobs/1/cancel").token(&ann).send().await.expect(200);
    let rest = tokio::time::timeout(Duration::from_secs(5), events.collect()).await;
    let rest = rest.expect("the stream goes on").unwrap().to_bytes();
    assert!(rest.is_empty(), "whoever was removed hears on: {}", String::from_utf8_lossy(&rest));
}
