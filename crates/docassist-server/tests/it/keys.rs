//! API keys: what they may, for whom and how long.

use docassist_model::{ApiKey, Role, Timestamp, UserId};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::call::Answer;
use crate::world::{OPERATOR, PASSWORD, World};

const ADMIN: &str = "admin@acme.example";

/// Two organisations, and somebody who is an admin of both.
fn world() -> (World, String) {
    let world = World::new();
    world.make_org("acme");
    world.make_org("globex");
    let token = world.newcomer("acme", ADMIN, Role::Admin);
    world.member("globex", ADMIN, Role::Admin);
    (world, token)
}

async fn ask(world: &World, key: &str, uri: &str) -> Answer {
    world.get(uri).token(key).send().await
}

#[tokio::test]
async fn a_key_is_for_one_organisation_only() {
    let (world, token) = world();
    let (_, key) = world.key(&token, "acme", Role::Admin);
    let status = ask(&world, &key, "/api/v1/status").await.expect(200);
    assert_eq!(status["org"], "acme");
    ask(&world, &key, "/api/v1/status?org=acme").await.expect(200);
    let foreign = ask(&world, &key, "/api/v1/status?org=globex").await;
    foreign.refused(403, "forbidden");
    let nowhere = ask(&world, &key, "/api/v1/status?org=nowhere").await;
    assert_eq!(
        foreign.without_id().to_string().replace("globex", "ORG"),
        nowhere.without_id().to_string().replace("nowhere", "ORG")
    );
}

#[tokio::test]
async fn a_key_learns_nothing_of_other_organisations_of_its_user() {
    let (world, token) = world();
    let (_, key) = world.key(&token, "acme", Role::Viewer);
    for uri in ["/api/v1/me", "/api/v1/orgs"] {
        let answer = ask(&world, &key, uri).await;
        answer.expect(200);
        assert!(!answer.text().contains("globex"), "{uri}: {}", answer.text());
    }
    assert!(ask(&world, &token, "/api/v1/me").await.text().contains("globex"));
}

#[tokio::test]
async fn a_key_can_do_no_more_than_its_scope_and_its_user() {
    let (world, admin) = world();
    let member = world.newcomer("acme", "member@acme.example", Role::Member);
    for (token, most) in [(&admin, Role::Admin), (&member, Role::Member)] {
        for scope in Role::ALL {
            let body = json!({ "name": "x", "scope": scope.as_str() });
            let made = world.post("/api/v1/keys").token(token).org("acme").json(body).send().await;
            assert_eq!(made.status.as_u16(), if scope <= most { 201 } else { 403 }, "{}", made.text());
            if scope > most {
                continue;
            }
            let key = made.json()["token"].as_str().unwrap().to_owned();
            let sync = world.post("/api/v1/sources/none/sync").token(&key).send().await;
            assert_eq!(sync.status.as_u16(), if scope >= Role::Member { 404 } else { 403 });
            let clear = world.post("/api/v1/cache/clear").token(&key).send().await;
            assert_eq!(clear.status.as_u16(), if scope == Role::Admin { 204 } else { 403 });
        }
    }
    // What the user may no more, the key may no more.
    let (_, key) = world.key(&member, "acme", Role::Member);
    world.member("acme", "member@acme.example", Role::Viewer);
    world.post("/api/v1/sources/none/sync").token(&key).send().await.refused(403, "forbidden");
    ask(&world, &key, "/api/v1/status").await.expect(200);
}

#[tokio::test]
async fn a_key_makes_no_keys_and_changes_no_password() {
    let (world, token) = world();
    let (_, key) = world.key(&token, "acme", Role::Admin);
    let body = json!({ "name": "x", "scope": "viewer" });
    world.post("/api/v1/keys").token(&key).json(body).send().await.refused(403, "forbidden");
    let body = json!({ "present": PASSWORD, "new": "several other words here" });
    world.put("/api/v1/me/password").token(&key).json(body).send().await.refused(403, "forbidden");
    let (_, operators) = world.key(&world.log_in(OPERATOR), "default", Role::Admin);
    for uri in ["/api/v1/users", "/api/v1/audit/service", "/metrics", "/api/v1/cache/stats"] {
        ask(&world, &operators, uri).await.refused(403, "forbidden");
    }
    assert_eq!(ask(&world, &operators, "/api/v1/orgs").await.expect(200)["total"], 1);
}

#[tokio::test]
async fn a_key_for_reading_revokes_nothing() {
    let (world, token) = world();
    let (_, viewer) = world.key(&token, "acme", Role::Viewer);
    let (id, admin) = world.key(&token, "acme", Role::Admin);
    let revoked = world.delete(&format!("/api/v1/keys/{id}")).token(&viewer).send().await;
    assert!(revoked.status.is_client_error(), "a leaked key for reading takes away others: {}", revoked.status);
    ask(&world, &admin, "/api/v1/status").await.expect(200);
}

#[tokio::test]
async fn a_key_is_shown_once_and_never_again() {
    let (world, token) = world();
    let body = json!({ "name": "ci", "scope": "member", "expires_in_days": 7 });
    let made = world.post("/api/v1/keys").token(&token).org("acme").json(body).send().await.expect(201);
    let text = made["token"].as_str().unwrap();
    let secret = text.strip_prefix(&format!("dak_{}_", made["id"].as_str().unwrap())).unwrap();
    assert!(secret.len() >= 40, "{text}");
    for uri in ["/api/v1/keys", "/api/v1/audit", "/api/v1/members"] {
        let answer = world.get(uri).token(&token).org("acme").send().await;
        answer.expect(200);
        assert!(!answer.text().contains(secret), "{uri}");
    }
    assert!(!ask(&world, text, "/api/v1/me").await.text().contains(secret));
}

#[tokio::test]
async fn an_ended_or_misspelt_key_does_not_hold() {
    let (world, token) = world();
    let (id, text) = world.key(&token, "acme", Role::Viewer);
    let control = world.control();
    let past = Timestamp::from_unix(docassist_app::now().unix() - 1);
    let (known, _) = control.key(&id).unwrap().unwrap();
    let ended = ApiKey { id: "00000000deadbeef".to_owned(), expires: Some(past), ..known };
    control.create_key(&ended, &Sha256::digest(b"a-secret").into()).unwrap();
    ask(&world, "dak_00000000deadbeef_a-secret", "/api/v1/me").await.refused(401, "unauthenticated");
    let secret = text.rsplit_once('_').unwrap().1;
    let bad = [
        format!("{text}x"),
        text[..text.len() - 1].to_owned(),
        format!("dak_{id}_"),
        format!("dak_{id}"),
        "dak_".to_owned(),
        "dak___".to_owned(),
        format!("dak_{}_{secret}", "0".repeat(16)),
        text.to_uppercase(),
    ];
    let mut told = std::collections::BTreeSet::new();
    for key in bad.iter().filter(|key| key.starts_with("dak_")) {
        let answer = ask(&world, key, "/api/v1/me").await;
        answer.refused(401, "unauthenticated");
        told.insert(answer.without_id().to_string());
    }
    assert_eq!(told.len(), 1, "{told:?}");
    ask(&world, &text, "/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn members_see_and_revoke_their_own_keys_and_admins_all() {
    let (world, admin) = world();
    let ann = world.newcomer("acme", "ann@acme.example", Role::Member);
    let bob = world.newcomer("acme", "bob@acme.example", Role::Viewer);
    let (of_ann, key_of_ann) = world.key(&ann, "acme", Role::Member);
    let (of_bob, _) = world.key(&bob, "acme", Role::Viewer);
    let list = |token: String| world.get("/api/v1/keys").token(&token).org("acme").send();
    assert_eq!(list(ann.clone()).await.expect(200)["total"], 1);
    assert_eq!(list(admin.clone()).await.expect(200)["total"], 2);
    let revoke = |token: &str, id: &str| world.delete(&format!("/api/v1/keys/{id}")).token(token).org("acme").send();
    revoke(&ann, &of_bob).await.refused(404, "not_found");
    revoke(&ann, "none").await.refused(404, "not_found");
    revoke(&ann, &of_ann).await.expect(204);
    ask(&world, &key_of_ann, "/api/v1/me").await.refused(401, "unauthenticated");
    revoke(&ann, &of_ann).await.refused(404, "not_found");
    revoke(&admin, &of_bob).await.expect(204);
}

#[tokio::test]
async fn removing_a_member_ends_his_keys_for_good() {
    let (world, admin) = world();
    let ann = world.newcomer("acme", "ann@acme.example", Role::Member);
    let (_, key) = world.key(&ann, "acme", Role::Member);
    ask(&world, &key, "/api/v1/status").await.expect(200);
    let UserId(id) = world.service.accounts.authenticate(&ann).unwrap().user().id;
    let remove = world.delete(&format!("/api/v1/members/{id}")).token(&admin).org("acme").send().await;
    remove.expect(204);
    ask(&world, &key, "/api/v1/status").await.refused(401, "unauthenticated");
    world.member("acme", "ann@acme.example", Role::Member);
    ask(&world, &key, "/api/v1/status").await.refused(401, "unauthenticated");
}
