//! The document says what is answered, and how.

use docassist_server::problem::TABLE;
use serde_json::{Value, json};

use crate::call::Answer;
use crate::table::{ROUTES, address};
use crate::world::{AS_OF, OPERATOR, World};

/// The schema of an answer, which can refer to the components of the document.
fn schema(document: &Value, path: &str, method: &str, status: &str) -> Value {
    let response = &document["paths"][path][method]["responses"][status]["content"];
    let media = response.as_object().and_then(|content| content.values().next()).unwrap_or(&Value::Null);
    let mut schema = media["schema"].clone();
    assert!(schema.is_object(), "{method} {path} has no schema of {status}: {response}");
    schema["components"] = document["components"].clone();
    schema
}

pub(crate) fn check(document: &Value, path: &str, method: &str, answer: &Answer) {
    let status = if answer.status.is_success() { answer.status.as_str().to_owned() } else { "default".to_owned() };
    let schema = schema(document, path, method, &status);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let body = answer.json();
    let errors: Vec<String> =
        validator.iter_errors(&body).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{method} {path}: {errors:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_and_failures_are_as_documented() {
    let world = World::filled();
    let token = world.log_in(OPERATOR);
    let document = docassist_server::api::document();
    for (path, uri) in [
        ("/api/v1/gaps", "/api/v1/gaps?x"),
        ("/api/v1/gaps/orphaned", "/api/v1/gaps/orphaned?limit=3"),
        ("/api/v1/gaps/undocumented", "/api/v1/gaps/undocumented?days=365"),
        ("/api/v1/gaps/missing-decisions", "/api/v1/gaps/missing-decisions?x"),
        ("/api/v1/gaps/stale", "/api/v1/gaps/stale?days=1"),
        ("/api/v1/gaps/dangling", "/api/v1/gaps/dangling?x"),
        ("/api/v1/gaps/outdated-docs", "/api/v1/gaps/outdated-docs?x"),
        ("/api/v1/impact/file", "/api/v1/impact/file?path=src/engine.rs"),
        ("/api/v1/impact/ticket/{key}", "/api/v1/impact/ticket/DOC-1?x"),
        ("/api/v1/reviewers", "/api/v1/reviewers?path=src/engine.rs&author=Bob"),
        ("/api/v1/rel/ticket/{key}", "/api/v1/rel/ticket/DOC-2?x"),
        ("/api/v1/rel/developer/{who}", "/api/v1/rel/developer/Bob?x"),
        ("/api/v1/rel/file", "/api/v1/rel/file?path=src/engine.rs"),
        ("/api/v1/rel/repo/{name}", "/api/v1/rel/repo/product?x"),
        ("/api/v1/rel/search", "/api/v1/rel/search?q=engine"),
        ("/api/v1/search", "/api/v1/search?q=engine&facets=true"),
        ("/api/v1/decisions", "/api/v1/decisions?x"),
        ("/api/v1/decisions/{id}", "/api/v1/decisions/1?x"),
    ] {
        let uri = format!("{uri}&as_of={AS_OF}").replace("?x&", "?");
        let answer = world.get(&uri).token(&token).org("acme").send().await;
        answer.expect(200);
        assert!(answer.header("cache-status").starts_with("docassist; fwd=miss; stored; ttl="), "{uri}");
        check(&document, path, "get", &answer);
        let again = world.get(&uri).token(&token).org("acme").send().await;
        assert!(again.header("cache-status").starts_with("docassist; hit; ttl="), "{uri}");
        assert_eq!(again.body, answer.body);
        let tag = answer.header("etag").to_owned();
        let unchanged = world.get(&uri).token(&token).org("acme").header("if-none-match", tag).send().await;
        assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0), "{uri}");
    }
    let asked = json!({ "question": "Who should review src/engine.rs?" });
    let asked = world.post("/api/v1/ask").token(&token).org("acme").json(asked).send().await;
    check(&document, "/api/v1/ask", "post", &asked);
    check(
        &document,
        "/api/v1/conversations",
        "get",
        &world.get("/api/v1/conversations").token(&token).org("acme").send().await,
    );
    for path in ["/api/v1/status", "/api/v1/jobs", "/api/v1/sources", "/api/v1/webhooks", "/api/v1/me", "/api/v1/orgs"]
    {
        check(&document, path, "get", &world.get(path).token(&token).org("acme").send().await);
    }
    for path in
        ["/api/v1/users", "/api/v1/members", "/api/v1/keys", "/api/v1/audit", "/api/v1/audit/service", "/health/ready"]
    {
        check(&document, path, "get", &world.get(path).token(&token).org("acme").send().await);
    }
    for path in ["", "/postgres", "/redis", "/cache", "/qdrant"] {
        let path = &format!("/api/v1/ops{path}");
        check(&document, path, "get", &world.get(path).token(&token).org("acme").send().await);
    }
    let codes: Vec<&str> = TABLE.iter().map(|(code, ..)| code.as_str()).collect();
    for (path, uri) in [
        ("/api/v1/gaps", "/api/v1/gaps?colour=red"),
        ("/api/v1/gaps/orphaned", "/api/v1/gaps/orphaned?days=many"),
        ("/api/v1/gaps/stale", "/api/v1/gaps/stale?cursor=nonsense"),
        ("/api/v1/impact/file", "/api/v1/impact/file?path=src/engin.rs"),
        ("/api/v1/impact/commit/{sha}", "/api/v1/impact/commit/zz"),
        ("/api/v1/jobs/{id}", "/api/v1/jobs/many"),
    ] {
        let answer = world.get(uri).token(&token).org("acme").send().await;
        assert!(answer.status.is_client_error(), "{uri}");
        check(&document, path, "get", &answer);
        assert!(codes.contains(&answer.json()["code"].as_str().unwrap()), "{uri}");
    }
}

#[tokio::test]
async fn a_change_is_taken_as_a_diff_and_as_a_list() {
    let world = World::filled();
    let token = world.log_in(OPERATOR);
    let document = docassist_server::api::document();
    let post = || world.post("/api/v1/impact/diff?repo=product").token(&token).org("acme");
    let diff = "--- a/src/engine.rs\n+++ b/src/engine.rs\n@@ -1 +1,2 @@\n-a\n+b\n+c\n";
    let sent = post().body("text/x-diff", diff).send().await;
    let listed = json!({ "files": [{ "path": "src/engine.rs", "additions": 2, "deletions": 1 }] });
    let listed = post().json(listed).send().await;
    for answer in [&sent, &listed] {
        let body = answer.expect(200);
        assert_eq!(body["files"][0]["path"], "src/engine.rs");
        assert_eq!((&body["files"][0]["additions"], &body["files"][0]["deletions"]), (&json!(2), &json!(1)));
        check(&document, "/api/v1/impact/diff", "post", answer);
    }
    post().body("text/x-diff", "hello").send().await.refused(400, "invalid_input");
    post().body("image/png", "x").send().await.refused(415, "unsupported_media_type");
    post().json(json!({ "files": [] })).send().await.refused(400, "invalid_input");
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_declares_its_path() {
    let document = docassist_server::api::document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
            let declared: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let in_path = path.matches('{').count();
            assert_eq!(declared.len(), in_path, "{path}: {declared:?}");
        }
    }
    // No reference leads nowhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_of_every_route_is_a_problem_of_the_table() {
    let world = World::new();
    let token = world.log_in(OPERATOR);
    let document = docassist_server::api::document();
    let mut failures = 0;
    for (method, route, _) in ROUTES {
        let (method, path) = address(method, route);
        let call = |uri: &str| world.call(method.clone(), uri).peer("192.0.2.9");
        let wrong = format!("{path}?colour=red");
        let calls = [
            call(&path),
            call(&path).token("x"),
            call(&path).token(&token).org("no-such-organisation"),
            call(&path).token(&token).org("default").body("application/json", "{"),
            call(&path).token(&token).org("default").body("image/png", "x"),
            call(&wrong).token(&token).org("default"),
        ];
        for call in calls {
            let answer = call.send().await;
            if answer.status.is_success() {
                continue;
            }
            failures += 1;
            check(&document, route, &method.as_str().to_lowercase(), &answer);
            let problem = answer.json();
            let row = TABLE.iter().find(|(code, ..)| problem["code"] == code.as_str());
            let (code, status, title) = row.unwrap_or_else(|| panic!("{problem}"));
            assert_eq!((answer.status, &problem["title"]), (*status, &json!(title)), "{method} {path}");
            assert_eq!(problem["status"], status.as_u16());
            assert_eq!(problem["type"], format!("urn:docassist:problem:{}", code.as_str()));
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(problem["request_id"], answer.header("x-request-id"));
            assert!(answer.status.as_u16() < 500, "{method} {path}: {problem}");
        }
    }
    assert!(failures > 250, "{failures}");
}
