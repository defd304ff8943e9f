//! Sessions: what is taken as proof, and when it ends.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use docassist_app::now;
use docassist_model::Role;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::call::Answer;
use crate::world::{OPERATOR, PASSWORD, SECRET, World};

const OTHER_PASSWORD: &str = "another battery of horses";

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// The key of access tokens: HKDF (RFC 5869) with one block.
fn signing_key(secret: &[u8]) -> Vec<u8> {
    mac(&mac(b"docassist", secret), b"access tokens\x01")
}

/// A token as somebody makes it who knows the service's secret.
fn forged(header: &Value, claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(mac(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

async fn me(world: &World, token: &str) -> Answer {
    world.get("/api/v1/me").token(token).send().await
}

async fn refresh(world: &World, token: &Value) -> Answer {
    world.post("/api/v1/auth/refresh").json(json!({ "refresh_token": token })).send().await
}

#[tokio::test]
async fn only_a_token_with_our_signature_and_good_claims_holds() {
    let world = World::new();
    let (key, time) = (signing_key(SECRET), now().unix());
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let claims = json!({ "iss": "docassist", "sub": "1", "iat": time, "exp": time + 60 });
    me(&world, &forged(&header, &claims, &key)).await.expect(200);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        forged(&header, &claims, &key)
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        forged(&header, &claims, &key)
    };
    let good = forged(&header, &claims, &key);
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let bad = [
        with("exp", json!(time - 60)),
        with("exp", json!("soon")),
        with("iss", json!("somebody")),
        with("sub", json!("999")),
        with("sub", json!("root@example.org")),
        with("sub", json!("-1")),
        without("exp"),
        without("iss"),
        without("sub"),
        forged(&header, &claims, b"another key"),
        forged(&header, &claims, b""),
        forged(&header, &claims, SECRET),
        forged(&json!({ "alg": "HS512", "typ": "JWT" }), &claims, &key),
        forged(&json!({ "alg": "RS256", "typ": "JWT" }), &claims, &key),
        forged(&json!({ "alg": "none", "typ": "JWT" }), &claims, &key),
        forged(&json!({ "alg": "NONE" }), &claims, &key),
        forged(&json!({}), &claims, &key),
        format!("{head}.{body}."),
        format!("{head}.{body}"),
        format!("{head}..{signature}"),
        format!("{good}.{signature}"),
        format!("..{signature}"),
        "..".to_owned(),
    ];
    for token in bad {
        let problem = me(&world, &token).await.refused(401, "unauthenticated");
        assert!(!problem["detail"].as_str().unwrap().contains(&token), "{problem}");
    }
}

#[tokio::test]
async fn proof_is_a_bearer_token_and_nothing_else() {
    let world = World::new();
    let token = world.log_in(OPERATOR);
    for value in [format!("bearer {token}"), format!("BEARER   {token}")] {
        world.get("/api/v1/me").header("authorization", value).send().await.expect(200);
    }
    let basic = URL_SAFE_NO_PAD.encode(format!("{OPERATOR}:{PASSWORD}"));
    let bad = [token.clone(), format!("Token {token}"), format!("Basic {basic}"), "Bearer".to_owned(), "é".to_owned()];
    for value in bad {
        let answer = world.get("/api/v1/me").header("authorization", value).send().await;
        answer.refused(401, "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    world.get("/api/v1/me").header("authorization", b"Bearer \xff\xfe").send().await.refused(401, "unauthenticated");
    world.get(&format!("/api/v1/orgs?access_token={token}")).send().await.refused(401, "unauthenticated");
    world.get("/api/v1/me").header("cookie", format!("token={token}")).send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn an_unknown_address_costs_as_long_as_a_wrong_password() {
    let world = World::new();
    let mut spent = [Duration::ZERO; 2];
    for round in 0..3 {
        for (at, email) in [OPERATOR, "nobody@example.org"].into_iter().enumerate() {
            let began = Instant::now();
            world.log_in_with(email, &format!("wrong {round}")).await.refused(401, "unauthenticated");
            spent[at] += began.elapsed();
        }
    }
    let ratio = spent[0].as_secs_f64() / spent[1].as_secs_f64();
    assert!((0.4..2.5).contains(&ratio), "{spent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guessing_in_parallel_gets_no_more_tries() {
    let world = World::new();
    let mut tries: Vec<_> = Vec::new();
    for number in 0..60 {
        let address = format!("192.0.2.{number}");
        let body = json!({ "email": OPERATOR, "password": format!("guess {number}") });
        tries.push(tokio::spawn(world.post("/api/v1/auth/login").peer(&address).json(body).send()));
    }
    let mut heard = 0;
    for one in tries {
        heard += u32::from(one.await.unwrap().status == 401);
    }
    // Five, and one more that was being hashed meanwhile.
    assert!((5..=6).contains(&heard), "{heard}");
    world.log_in_with(OPERATOR, PASSWORD).await.refused(429, "rate_limited");
    let audit = world.service.audit_log_of_service(docassist_app::Window { before: None, limit: 1_000 }).unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "auth.login_failed").count(), heard as usize);
}

#[tokio::test]
async fn an_address_that_guesses_is_locked_whatever_accounts_it_tries() {
    let world = World::new();
    let attempt = |number: u32, address: &'static str| {
        let body = json!({ "email": format!("user{number}@example.org"), "password": PASSWORD });
        world.post("/api/v1/auth/login").peer(address).json(body).send()
    };
    for number in 0..25 {
        attempt(number, "192.0.2.7").await.refused(401, "unauthenticated");
    }
    let locked = attempt(26, "192.0.2.7").await;
    locked.refused(429, "rate_limited");
    assert!(!locked.header("retry-after").is_empty());
    attempt(27, "192.0.2.8").await.refused(401, "unauthenticated");
    let body = json!({ "email": OPERATOR, "password": PASSWORD });
    world.post("/api/v1/auth/login").peer("192.0.2.8").json(body).send().await.expect(200);
}

#[tokio::test]
async fn an_address_is_compared_without_case_and_spaces() {
    let world = World::new();
    world.log_in_with(" ROOT@Example.ORG ", PASSWORD).await.expect(200);
    for spelling in
        ["root@example.org", "ROOT@example.org", " root@example.org", "Root@Example.org ", "rOOt@example.org"]
    {
        world.log_in_with(spelling, "wrong").await.refused(401, "unauthenticated");
    }
    world.log_in_with(OPERATOR, PASSWORD).await.refused(429, "rate_limited");
}

#[tokio::test]
async fn a_chain_of_refresh_tokens_goes_on_and_logout_ends_it() {
    let world = World::new();
    let mut tokens = world.log_in_with(OPERATOR, PASSWORD).await.expect(200);
    for _ in 0..5 {
        let next = refresh(&world, &tokens["refresh_token"]).await.expect(200);
        assert_ne!(next["refresh_token"], tokens["refresh_token"]);
        tokens = next;
    }
    let logout = world.post("/api/v1/auth/logout").json(json!({ "refresh_token": tokens["refresh_token"] }));
    logout.send().await.expect(204);
    refresh(&world, &tokens["refresh_token"]).await.refused(401, "unauthenticated");
    let access = tokens["access_token"].clone();
    refresh(&world, &access).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_reuse_of_a_refresh_token_is_told_to_the_operators() {
    let world = World::new();
    let first = world.log_in_with(OPERATOR, PASSWORD).await.expect(200);
    let other = world.log_in_with(OPERATOR, PASSWORD).await.expect(200);
    refresh(&world, &first["refresh_token"]).await.expect(200);
    refresh(&world, &first["refresh_token"]).await.refused(401, "unauthenticated");
    let audit = world.get("/api/v1/audit/service").token(&world.log_in(OPERATOR)).send().await.text();
    assert!(audit.contains("auth.refresh_reused"), "{audit}");
    refresh(&world, &other["refresh_token"]).await.expect(200);
}

#[tokio::test]
async fn a_change_of_the_password_ends_all_sessions() {
    let world = World::new();
    world.user("ann@example.org");
    let tokens = world.log_in_with("ann@example.org", PASSWORD).await.expect(200);
    let access = tokens["access_token"].as_str().unwrap();
    let change = |present: &str, new: &str| {
        world.put("/api/v1/me/password").token(access).json(json!({ "present": present, "new": new })).send()
    };
    change("wrong", OTHER_PASSWORD).await.refused(403, "forbidden");
    change(PASSWORD, "short").await.refused(400, "invalid_input");
    refresh(&world, &tokens["refresh_token"]).await.expect(200);
    let tokens = world.log_in_with("ann@example.org", PASSWORD).await.expect(200);
    change(PASSWORD, OTHER_PASSWORD).await.expect(204);
    refresh(&world, &tokens["refresh_token"]).await.refused(401, "unauthenticated");
    world.log_in_with("ann@example.org", PASSWORD).await.refused(401, "unauthenticated");
    world.log_in_with("ann@example.org", OTHER_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_disabled_user_can_do_nothing_from_then_on() {
    let world = World::new();
    world.make_org("acme");
    let operator = world.log_in(OPERATOR);
    let ann = world.user("ann@example.org");
    world.member("acme", "ann@example.org", Role::Member);
    let tokens = world.log_in_with("ann@example.org", PASSWORD).await.expect(200);
    let access = tokens["access_token"].as_str().unwrap();
    let (_, key) = world.key(access, "acme", Role::Member);
    me(&world, access).await.expect(200);
    me(&world, &key).await.expect(200);
    let uri = format!("/api/v1/users/{}", ann.id);
    let set = |disabled: bool| {
        let body = json!({ "disabled": disabled });
        world.call("PATCH".parse().unwrap(), &uri).token(&operator).json(body).send()
    };
    set(true).await.expect(204);
    me(&world, access).await.refused(401, "unauthenticated");
    me(&world, &key).await.refused(401, "unauthenticated");
    refresh(&world, &tokens["refresh_token"]).await.refused(401, "unauthenticated");
    let refused = world.log_in_with("ann@example.org", PASSWORD).await;
    assert_eq!(refused.without_id(), world.log_in_with("nobody@example.org", PASSWORD).await.without_id());
    set(false).await.expect(204);
    refresh(&world, &tokens["refresh_token"]).await.refused(401, "unauthenticated");
    world.delete(&uri).token(&operator).send().await.expect(204);
    me(&world, access).await.refused(401, "unauthenticated");
    me(&world, &key).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn operators_cannot_shut_themselves_out() {
    let world = World::new();
    let operator = world.log_in(OPERATOR);
    let patch =
        |body: Value| world.call("PATCH".parse().unwrap(), "/api/v1/users/1").token(&operator).json(body).send();
    patch(json!({ "disabled": true })).await.refused(409, "conflict");
    world.delete("/api/v1/users/1").token(&operator).send().await.refused(409, "conflict");
    me(&world, &operator).await.expect(200);
    for body in [json!({ "email": "ann", "password": PASSWORD }), json!({ "email": "a@b", "password": "short" })] {
        world.post("/api/v1/users").token(&operator).json(body).send().await.refused(400, "invalid_input");
    }
    let twice = json!({ "email": "ROOT@example.org", "password": PASSWORD });
    world.post("/api/v1/users").token(&operator).json(twice).send().await.refused(409, "conflict");
}
