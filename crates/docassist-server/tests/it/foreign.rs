//! What has a number or name of its own in another organisation is not there, however it is asked for.

use axum::http::Method;
use docassist_model::Role;
use serde_json::{Value, json};

use crate::world::{ACME, GLOBEX, OPERATOR, World, scope};

/// Two organisations with a job, a key, a webhook and a source each, and an admin of each.
struct Two {
    world: World,
    acme: String,
    globex: String,
    job: Value,
    key: String,
    webhook: String,
}

async fn two() -> Two {
    let world = World::filled();
    let acme = world.newcomer("acme", "admin@acme.example", Role::Admin);
    let globex = world.newcomer("globex", "admin@globex.example", Role::Admin);
    let location = json!({ "location": "https://127.0.0.1:9/secret-project.git" });
    let job = world.post("/api/v1/sync/git").token(&globex).json(location).send().await.expect(202);
    let (key, _) = world.key(&globex, "globex", Role::Admin);
    let hook = json!({ "source": "secret-project", "forge": "gitlab" });
    let hook = world.post("/api/v1/webhooks").token(&globex).json(hook).send().await.expect(201);
    let webhook = hook["id"].as_str().unwrap().to_owned();
    Two { world, acme, globex, job: job["id"].clone(), key, webhook }
}

#[tokio::test]
async fn ids_of_another_organisation_are_told_like_ids_of_nothing() {
    let Two { world, acme, globex, job, key, webhook } = two().await;
    let user = world.service.accounts.authenticate(&globex).unwrap().user().id.to_string();
    let job = job.to_string();
    let routes = [
        (Method::GET, "/api/v1/jobs/{}", job.as_str(), "424242"),
        (Method::GET, "/api/v1/jobs/{}/events", &job, "424242"),
        (Method::POST, "/api/v1/jobs/{}/cancel", &job, "424242"),
        (Method::DELETE, "/api/v1/keys/{}", &key, "0000000000000000"),
        (Method::DELETE, "/api/v1/webhooks/{}", &webhook, "none"),
        (Method::DELETE, "/api/v1/members/{}", &user, "424242"),
        (Method::DELETE, "/api/v1/sources/{}", "secret-project", "none"),
        (Method::POST, "/api/v1/sources/{}/sync", "secret-project", "none"),
        (Method::DELETE, "/api/v1/sources/{}/schedule", "secret-project", "none"),
        (Method::GET, "/api/v1/impact/file?path=src/{}.rs", "globexonly", "none"),
        (Method::GET, "/api/v1/rel/repo/{}", "secret-project", "none"),
        (Method::GET, "/api/v1/rel/developer/{}", "GLOBEXONLY%20Lead", "none"),
    ];
    for (method, route, theirs, nothing) in routes {
        let ask = |id: &str| world.call(method.clone(), &route.replace("{}", id)).token(&acme).send();
        let (found, not_found) = (ask(theirs).await, ask(nothing).await);
        found.refused(404, "not_found");
        let told = |answer: &crate::call::Answer, id: &str| {
            let mut body = answer.without_id();
            // What comes near a text depends on the text.
            body.as_object_mut().unwrap().remove("candidates");
            body.as_object_mut().unwrap().remove("hint");
            body.to_string().replace(&id.replace("%20", " "), "ID")
        };
        assert_eq!(told(&found, theirs), told(&not_found, nothing), "{route}");
        assert!(!found.json()["candidates"].to_string().contains("globex"), "{}", found.text());
    }
    let still = world.get(&format!("/api/v1/jobs/{job}")).token(&globex).send().await.expect(200);
    assert_eq!((&still["state"], &still["cancel_requested"]), (&json!("queued"), &json!(false)));
}

#[tokio::test]
async fn lists_hold_what_is_ones_own() {
    let Two { world, acme, globex, .. } = two().await;
    for uri in [
        "/api/v1/jobs",
        "/api/v1/jobs?source=secret-project",
        "/api/v1/sources",
        "/api/v1/webhooks",
        "/api/v1/keys",
        "/api/v1/members",
        "/api/v1/audit",
        "/api/v1/orgs",
        "/api/v1/me",
        "/api/v1/status?digest=true",
        "/api/v1/export/graph",
    ] {
        let answer = world.get(uri).token(&acme).send().await;
        assert_eq!(answer.status.as_u16(), 200, "{uri}: {}", answer.text());
        for word in ["globex", "GLOBEXONLY", "secret-project"] {
            assert!(!answer.text().contains(word), "{word} in {uri}: {}", answer.text());
        }
    }
    let own = world.get("/api/v1/jobs").token(&globex).send().await.expect(200);
    assert_eq!(own["total"], 1);
}

#[tokio::test]
async fn cursors_and_tags_of_another_organisation_give_nothing_of_it() {
    let Two { world, acme, globex, .. } = two().await;
    for uri in
        ["/api/v1/gaps/orphaned?days=36500&limit=2", "/api/v1/gaps/stale?limit=2", "/api/v1/rel/search?q=task&limit=2"]
    {
        let theirs = world.get(uri).token(&globex).send().await;
        let cursor = theirs.expect(200)["next"].as_str().unwrap().to_owned();
        let tag = theirs.header("etag").to_owned();
        let with_tag = world.get(uri).token(&acme).header("if-none-match", &tag).send().await;
        assert_eq!(with_tag.expect(200)["org"], "acme");
        assert_ne!(with_tag.header("etag"), tag);
        let page = world.get(&format!("{uri}&cursor={cursor}")).token(&acme).send().await;
        assert!(!page.text().contains(GLOBEX.1), "{}", page.text());
        if page.status == 200 {
            assert_eq!(page.json()["org"], "acme");
        }
    }
}

#[tokio::test]
async fn nobody_is_an_admin_of_what_does_not_exist() {
    let world = World::filled();
    let operator = world.log_in(OPERATOR);
    let calls = [
        world.get("/api/v1/gaps"),
        world.get("/api/v1/status"),
        world.get("/api/v1/export/graph"),
        world.get("/api/v1/jobs"),
        world.get("/api/v1/audit"),
        world.post("/api/v1/cache/clear"),
        world.post("/api/v1/keys").json(json!({ "name": "x", "scope": "viewer" })),
        world.put("/api/v1/members").json(json!({ "email": OPERATOR, "role": "admin" })),
        world.post("/api/v1/sync/git").json(json!({ "location": "https://127.0.0.1:9/x.git" })),
    ];
    for call in calls {
        let answer = call.token(&operator).org("nowhere").send().await;
        answer.refused(403, "forbidden");
    }
    assert!(!world.data().join("orgs/nowhere").exists());
}

#[tokio::test]
async fn a_removed_organisation_leaves_nothing_to_one_of_its_name() {
    let world = World::filled();
    let operator = world.log_in(OPERATOR);
    let old = world.newcomer("acme", "old@acme.example", Role::Admin);
    let (_, key) = world.key(&old, "acme", Role::Admin);
    let uris =
        ["/api/v1/gaps", "/api/v1/rel/repo/product", "/api/v1/impact/file?path=src/engine.rs", "/api/v1/decisions"];
    for uri in uris {
        world.get(uri).token(&old).send().await.expect(200);
    }
    world.delete("/api/v1/orgs/acme").token(&operator).send().await.expect(204);
    for token in [&old, &key] {
        let refused = world.get("/api/v1/gaps").token(token).org("acme").send().await;
        assert!(matches!(refused.status.as_u16(), 401 | 403), "{}", refused.text());
    }
    world.delete("/api/v1/orgs/acme").token(&operator).send().await.refused(404, "not_found");
    world.make_org("acme");
    let new = world.newcomer("acme", "new@acme.example", Role::Admin);
    for uri in uris.into_iter().chain(["/api/v1/members", "/api/v1/keys", "/api/v1/sources", "/api/v1/jobs"]) {
        let answer = world.get(uri).token(&new).send().await;
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{}", answer.text());
        assert!(!answer.text().contains(ACME.1) && !answer.text().contains("old@"), "{uri}: {}", answer.text());
    }
    world.get("/api/v1/gaps").token(&key).send().await.refused(401, "unauthenticated");
    world.get("/api/v1/gaps").token(&old).org("acme").send().await.refused(403, "forbidden");
    // The same name with the other's records: none of the old answers comes back.
    world.sync("acme", GLOBEX.1);
    for uri in uris {
        let answer = world.get(uri).token(&new).send().await;
        answer.expect(200);
        assert!(!answer.text().contains(ACME.1), "{uri}: {}", answer.text());
    }
    assert!(world.service.app(&scope("acme")).status(false).is_ok());
}
