//! The service answers what the command line prints: the same JSON, from the same functions.

use docassist_app::{ChangeQuery, GapQuery, PathQuery, Question, UnifiedDiff};
use docassist_model::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::world::{ACME, AS_OF, OPERATOR, World, scope};

/// What a function answers that blocks.
fn json_of<T: Serialize, E: std::fmt::Debug>(answer: impl FnOnce() -> Result<T, E>) -> Value {
    tokio::task::block_in_place(|| serde_json::to_value(answer().unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_the_command_line() {
    let world = World::new();
    world.make_org("acme");
    world.fill("acme", ACME.1);
    let token = world.log_in(OPERATOR);
    let app = world.service.app(&scope("acme"));
    let question = Question { as_of: Some(Timestamp::parse_as_of(AS_OF).unwrap()), limit: None };
    let page = GapQuery { question, ..GapQuery::default() };
    let days = GapQuery { days: Some(36_500), ..page.clone() };
    let second = GapQuery { question: Question { limit: Some(3), ..question }, ..days.clone() };
    let paths = PathQuery { paths: vec!["src/engine.rs".to_owned()], repo: Some("product".to_owned()) };
    let head = docassist_testing::fixture::git(&world.repository_folder(ACME.1)).args(["rev-parse", "HEAD"]).output();
    let head = String::from_utf8(head.unwrap().stdout).unwrap().trim().to_owned();
    let cases = [
        ("gaps", json_of(|| app.comprehensive_gaps(question))),
        ("gaps/orphaned?days=36500", json_of(|| app.orphaned(&days))),
        ("gaps/orphaned?days=36500&limit=3", json_of(|| app.orphaned(&second))),
        ("gaps/undocumented?days=36500", json_of(|| app.undocumented(&days))),
        ("gaps/missing-decisions", json_of(|| app.missing_decisions(&page))),
        ("gaps/stale", json_of(|| app.stale(&page))),
        ("gaps/dangling", json_of(|| app.dangling(&page))),
        ("gaps/outdated-docs", json_of(|| app.outdated_docs(&page))),
        (
            "impact/file?path=src/engine.rs&repo=product",
            json_of(|| app.impact_of_files(&paths, question).map(|mut all| all.pop().unwrap())),
        ),
        ("impact/ticket/doc-1", json_of(|| app.impact_of_ticket("DOC-1", question))),
        (&format!("impact/commit/{}", &head[..10]), json_of(|| app.impact_of_commit(&head, question))),
        (
            "reviewers?path=src/engine.rs&repo=product&author=Bob",
            json_of(|| app.reviewers(&paths, Some("Bob"), question)),
        ),
        ("rel/ticket/DOC-2", json_of(|| app.relations_of_ticket("DOC-2", question))),
        ("rel/developer/ann@example.org", json_of(|| app.relations_of_developer("ann@example.org", question))),
        ("rel/file?path=src/lib.rs", json_of(|| app.relations_of_file("src/lib.rs", None, question))),
        ("rel/repo/product", json_of(|| app.relations_of_repository("product", question))),
        ("rel/search?q=engine", json_of(|| app.search_names("engine", &page))),
        ("decisions", json_of(|| app.decisions(&page))),
        ("decisions/1", json_of(|| app.decision("1", question))),
    ];
    for (uri, expected) in cases {
        let sign = if uri.contains('?') { '&' } else { '?' };
        let uri = format!("/api/v1/{uri}{sign}as_of={AS_OF}");
        let answer = world.get(&uri).token(&token).org("acme").send().await.expect(200);
        assert_eq!(answer, expected, "{uri}");
    }
    let export = world.get("/api/v1/export/graph").token(&token).org("acme").send().await.text();
    assert_eq!(
        export.lines().map(str::to_owned).collect::<Vec<_>>(),
        tokio::task::block_in_place(|| app.export()).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_posted_is_answered_like_what_is_got() {
    let world = World::new();
    world.make_org("acme");
    world.fill("acme", ACME.1);
    let token = world.log_in(OPERATOR);
    let app = world.service.app(&scope("acme"));
    let get = |uri: &str| world.get(&format!("/api/v1/{uri}&as_of={AS_OF}")).token(&token).org("acme").send();
    let post = |uri: &str, mut body: Value| {
        body["as_of"] = json!(AS_OF);
        world.post(&format!("/api/v1/{uri}")).token(&token).org("acme").json(body).send()
    };
    let one = get("impact/file?path=src/engine.rs").await.expect(200);
    assert_eq!(post("impact/file", json!({ "paths": ["src/engine.rs"] })).await.expect(200), one);
    let two = get("impact/file?path=src/lib.rs").await.expect(200);
    let both = post("impact/file", json!({ "paths": ["src/engine.rs", "src/lib.rs"] })).await.expect(200);
    assert_eq!((&both["total"], &both["items"]), (&json!(2), &json!([one, two])));
    let reviewers = get("reviewers?path=src/engine.rs&path=src/lib.rs&author=Bob").await.expect(200);
    let paths = json!({ "paths": ["src/engine.rs", "src/lib.rs"], "author": "Bob" });
    assert_eq!(post("reviewers", paths).await.expect(200), reviewers);
    let diff = "diff --git a/src/engine.rs b/src/engine.rs\n--- a/src/engine.rs\n+++ b/src/engine.rs\n\
                @@ -1 +1,2 @@\n-a\n+b\n+c\n";
    let question = Question { as_of: Some(Timestamp::parse_as_of(AS_OF).unwrap()), limit: None };
    let change = ChangeQuery {
        files: UnifiedDiff::parse(diff.as_bytes()).unwrap().files,
        repo: None,
        message: "DOC-2 more".to_owned(),
        authors: vec!["Bob".to_owned()],
    };
    let expected = json_of(|| app.impact_of_change(&change, question));
    let uri = format!("/api/v1/impact/diff?message=DOC-2%20more&author=Bob&as_of={AS_OF}");
    let call = || world.post(&uri).token(&token).org("acme");
    assert_eq!(call().body("text/x-diff", diff).send().await.expect(200), expected);
    assert_eq!(call().json(json!({ "diff": diff })).send().await.expect(200), expected);
}

#[test]
fn the_routes_are_these() {
    let document = docassist_server::api::document();
    let mut lines = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let role = operation["x-role"].as_str().unwrap_or("anybody");
            lines.push(format!(
                "{:6} {path}  {}  {role}",
                method.to_uppercase(),
                operation["operationId"].as_str().unwrap()
            ));
        }
    }
    lines.sort_by_key(|line| line[7..].to_owned());
    insta::assert_snapshot!(lines.join("\n"));
}
