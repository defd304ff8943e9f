//! Accounts, sessions and keys.

use docassist_model::Role;
use serde_json::json;

use crate::world::{OPERATOR, PASSWORD, World};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_told_alike_and_guessing_ends() {
    let world = World::new();
    let wrong = world.log_in_with(OPERATOR, "something else entirely").await;
    let unknown = world.log_in_with("nobody@example.org", PASSWORD).await;
    wrong.refused(401, "unauthenticated");
    assert_eq!(wrong.without_id(), unknown.without_id());
    for _ in 0..4 {
        world.log_in_with(OPERATOR, "something else entirely").await;
    }
    // The right one does not help now.
    world.log_in_with(OPERATOR, PASSWORD).await.refused(429, "rate_limited");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_theft_ends_the_session() {
    let world = World::new();
    let first = world.log_in_with(OPERATOR, PASSWORD).await.expect(200);
    let refresh =
        |token: serde_json::Value| world.post("/api/v1/auth/refresh").json(json!({ "refresh_token": token })).send();
    let second = refresh(first["refresh_token"].clone()).await.expect(200);
    let me = world.get("/api/v1/me").token(second["access_token"].as_str().unwrap()).send().await.expect(200);
    assert_eq!(me["user"]["email"], OPERATOR);
    refresh(first["refresh_token"].clone()).await.refused(401, "unauthenticated");
    refresh(second["refresh_token"].clone()).await.refused(401, "unauthenticated");
    let logout = world.post("/api/v1/auth/logout").json(json!({ "refresh_token": "dar_nothing" })).send().await;
    assert_eq!(logout.status.as_u16(), 204);
}

#[tokio::test]
async fn tokens_that_were_tampered_with_do_not_hold() {
    let world = World::new();
    let token = world.log_in(OPERATOR);
    let parts: Vec<&str> = token.split('.').collect();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    let cut = token[..token.len() - 1].to_owned();
    let swapped = format!("{}.{}.{}", parts[0], parts[1].replace('e', "f"), parts[2]);
    for bad in [none, cut, swapped, format!("{token}x"), String::new(), "a".repeat(5_000)] {
        world.get("/api/v1/me").token(&bad).send().await.refused(401, "unauthenticated");
    }
    world.get("/api/v1/me").send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn what_is_taken_away_is_gone_at_once() {
    let world = World::filled();
    let admin = world.newcomer("acme", "admin@acme.example", Role::Admin);
    let ann = world.newcomer("acme", "ann@acme.example", Role::Member);
    let (id, key) = world.key(&ann, "acme", Role::Member);
    let status = |token: String| world.get("/api/v1/status").token(&token).org("acme").send();
    status(ann.clone()).await.expect(200);
    status(key.clone()).await.expect(200);
    let clear = world.post("/api/v1/cache/clear").token(&ann).org("acme").send().await;
    clear.refused(403, "forbidden");
    let promote = json!({ "email": "ann@acme.example", "role": "admin" });
    world.put("/api/v1/members").token(&admin).org("acme").json(promote).send().await.expect(200);
    assert_eq!(world.post("/api/v1/cache/clear").token(&ann).org("acme").send().await.status.as_u16(), 204);
    // The key still may no more than it was made for.
    world.post("/api/v1/cache/clear").token(&key).send().await.refused(403, "forbidden");
    let keys = world.get("/api/v1/keys").token(&admin).org("acme").send().await;
    assert!(!keys.text().contains(&key[key.len() - 20..]), "a secret is shown once");
    let revoked = world.delete(&format!("/api/v1/keys/{id}")).token(&admin).org("acme").send().await;
    assert_eq!(revoked.status.as_u16(), 204);
    status(key).await.refused(401, "unauthenticated");
    let me = world.get("/api/v1/me").token(&ann).send().await.expect(200);
    let gone = world.delete(&format!("/api/v1/members/{}", me["user"]["id"])).token(&admin).org("acme").send().await;
    assert_eq!(gone.status.as_u16(), 204);
    status(ann).await.refused(403, "forbidden");
}

#[tokio::test]
async fn the_files_of_the_service_hold_no_secret_as_it_is() {
    let world = World::new();
    let tokens = world.log_in_with(OPERATOR, PASSWORD).await.expect(200);
    let access = tokens["access_token"].as_str().unwrap();
    let body = json!({ "name": "ci", "scope": "viewer", "expires_in_days": 30 });
    let key = world.post("/api/v1/keys").token(access).json(body).send().await.expect(201);
    let key = key["token"].as_str().unwrap();
    let sync = json!({ "location": "http://user:s3cr3t-of-a-source@127.0.0.1:9/x.git", "name": "x" });
    let job = world.post("/api/v1/sync/git").token(access).json(sync).send().await;
    let told = job.expect(202).to_string();
    let sources = world.get("/api/v1/sources").token(access).send().await.text();
    let audit = world.get("/api/v1/audit").token(access).send().await.text();
    assert!(sources.contains("\"has_credential\":true"), "{sources}");
    for text in [&told, &sources, &audit] {
        assert!(!text.contains("s3cr3t-of-a-source"), "{text}");
    }
    assert!(audit.contains("sync.git") && audit.contains("key.create"), "{audit}");
    // The key's own secret may have the sign that stands before it: what follows its last one can be a letter.
    let secrets =
        [PASSWORD, tokens["refresh_token"].as_str().unwrap(), key.splitn(3, '_').nth(2).unwrap(), "s3cr3t-of-a-source"];
    let mut files = 0;
    for entry in std::fs::read_dir(world.data()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        files += 1;
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{} in {}", secret, entry.path().display());
        }
    }
    assert!(files > 0);
}
