//! Searches, questions and conversations over HTTP.

use docassist_model::Role;
use serde_json::{Value, json};

use crate::world::{ACME, World, scope};

async fn search(world: &World, token: &str, uri: &str) -> Value {
    world.get(uri).token(token).org("acme").send().await.expect(200)
}

async fn ask(world: &World, token: &str, body: Value) -> Value {
    world.post("/api/v1/ask").token(token).org("acme").json(body).send().await.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_gives_documents_with_their_passages() {
    let world = World::filled();
    let token = world.newcomer("acme", "ann@acme.example", Role::Viewer);
    let found = search(&world, &token, "/api/v1/search?q=guide&facets=true").await;
    assert_eq!((&found["org"], &found["mode"]), (&json!("acme"), &json!("lexical")));
    let best = &found["items"][0];
    assert_eq!((&best["document"], &best["kind"]), (&json!("docs/guide.md"), &json!("page")), "{found}");
    assert_eq!(best["passages"][0]["place"]["path"], "docs/guide.md");
    assert!(found["facets"].as_array().unwrap().iter().any(|facet| facet["field"] == "kind"));
    assert!(found["coverage"]["passages"].as_u64().unwrap() > 10);
    let commits = search(&world, &token, "/api/v1/search?q=engine&kind=commit&limit=2").await;
    let commits = commits["items"].as_array().unwrap();
    assert!(!commits.is_empty() && commits.len() <= 2 && commits.iter().all(|found| found["kind"] == "commit"));
    for (uri, word) in [
        ("/api/v1/search?q=", "words"),
        ("/api/v1/search?q=x&limit=0", "limit"),
        ("/api/v1/search?q=x&since=yesterday", "since"),
        ("/api/v1/search?q=x&kind=poem", "kind"),
        ("/api/v1/search?q=x&colour=red", "colour"),
    ] {
        let problem = world.get(uri).token(&token).org("acme").send().await.refused(400, "invalid_input");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{uri}: {problem}");
    }
    let unknown = world.get("/api/v1/search?q=x&source=nothing").token(&token).org("acme").send().await;
    unknown.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cached_answers_end_with_what_they_rest_on() {
    let world = World::filled();
    let token = world.newcomer("acme", "ann@acme.example", Role::Member);
    let mut runner = world.service.jobs.run(1).unwrap();
    let question = json!({ "question": "What is in the ACMEONLY guide, see src/engine.rs?" });
    let uri = "/api/v1/search?q=guide";
    for _ in 0..2 {
        assert_eq!(search(&world, &token, uri).await["items"][0]["document"], "docs/guide.md");
        assert_ne!(ask(&world, &token, question.clone()).await["support"], "none");
    }
    let cached = world.get(uri).token(&token).org("acme").send().await;
    assert!(cached.header("cache-status").contains("hit"), "{:?}", cached.headers);
    // The page is deleted, and what is left of it is the commit that wrote it.
    let folder = world.repository_folder(ACME.1);
    std::fs::remove_file(folder.join("docs/guide.md")).unwrap();
    let mut git = docassist_testing::fixture::git(&folder);
    assert!(git.args(["add", "-A"]).status().unwrap().success());
    world.sync_more("acme", ACME.1, &token).await;
    let found = search(&world, &token, uri).await;
    assert!(found["items"].as_array().unwrap().iter().all(|item| item["document"] != "docs/guide.md"), "{found}");
    let answer = ask(&world, &token, question).await;
    let cites = answer["citations"].as_array().unwrap();
    assert!(cites.iter().all(|citation| citation["place"]["path"] != "docs/guide.md"), "{answer}");
    runner.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_whole_and_as_events() {
    let world = World::filled();
    let token = world.newcomer("acme", "ann@acme.example", Role::Viewer);
    let question = json!({ "question": "Who should review src/engine.rs?" });
    let whole = ask(&world, &token, question).await;
    assert_eq!((&whole["support"], &whole["engine"]), (&json!("good"), &json!("extractive")), "{whole}");
    assert_eq!(whole["citations"][0]["kind"], "analysis");
    let streamed = json!({ "question": "Who should review src/engine.rs?", "stream": true });
    let events = world.post("/api/v1/ask").token(&token).org("acme").json(streamed).send().await;
    assert_eq!(events.header("content-type"), "text/event-stream");
    let text = events.text();
    let last = text.rsplit("event: ").next().unwrap();
    let data = last.strip_prefix("answer\ndata: ").unwrap_or_else(|| panic!("{text}"));
    let answer: Value = serde_json::from_str(data.trim()).unwrap();
    assert_eq!(answer["answer"], whole["answer"]);
    let none = ask(&world, &token, json!({ "question": "How much sugar is in a lemon tart?" })).await;
    assert_eq!((&none["support"], &none["answer"]), (&json!("none"), &json!("")));
    for body in [
        json!({}),
        json!({ "question": "" }),
        json!({ "question": "x".repeat(5_000) }),
        json!({ "question": "x", "x": 1 }),
    ] {
        let answer = world.post("/api/v1/ask").token(&token).org("acme").json(body).send().await;
        assert_eq!(answer.status.as_u16(), 400, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_are_their_askers_own() {
    let world = World::filled();
    let ann = world.newcomer("acme", "ann@acme.example", Role::Viewer);
    let bob = world.newcomer("acme", "bob@acme.example", Role::Admin);
    world.member("globex", "ann@acme.example", Role::Viewer);
    for question in ["Who should review src/engine.rs?", "And who wrote it?"] {
        let answer = ask(&world, &ann, json!({ "question": question, "session": "release" })).await;
        assert_eq!(answer["session"], "release");
    }
    let turns = search(&world, &ann, "/api/v1/conversations/release").await;
    assert_eq!((&turns["total"], &turns["items"][1]["question"]), (&json!(2), &json!("And who wrote it?")));
    assert_eq!(search(&world, &ann, "/api/v1/conversations").await["items"][0]["name"], "release");
    // Nobody else's: not another user's, an admin's, or one's own in another organisation.
    world.get("/api/v1/conversations/release").token(&bob).org("acme").send().await.refused(404, "not_found");
    world.get("/api/v1/conversations/release").token(&ann).org("globex").send().await.refused(404, "not_found");
    world.delete("/api/v1/conversations/release").token(&bob).org("acme").send().await.refused(404, "not_found");
    assert_eq!(search(&world, &bob, "/api/v1/conversations").await["total"], 0);
    let bad = world
        .post("/api/v1/ask")
        .token(&ann)
        .org("acme")
        .json(json!({ "question": "x", "session": "a/b" }))
        .send()
        .await;
    bad.refused(400, "invalid_input");
    world.delete("/api/v1/conversations/release").token(&ann).org("acme").send().await.expect(204);
    assert_eq!(search(&world, &ann, "/api/v1/conversations").await["total"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_organisation_leaves_no_index_to_one_of_its_name() {
    let world = World::filled();
    let operator = world.log_in(crate::world::OPERATOR);
    let uri = "/api/v1/search?q=guide";
    assert!(search(&world, &operator, uri).await["total"].as_u64().unwrap() > 0);
    world.delete("/api/v1/orgs/acme").token(&operator).send().await.expect(204);
    world.make_org("acme");
    let found = search(&world, &operator, uri).await;
    assert_eq!((&found["total"], &found["coverage"]["passages"]), (&json!(0), &json!(0)), "{found}");
    assert_eq!(world.service.app(&scope("acme")).graph().unwrap().sequence(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_source_is_found_nowhere() {
    let world = World::filled();
    let admin = world.newcomer("acme", "ann@acme.example", Role::Admin);
    let question = json!({ "question": "What is in the ACMEONLY guide, see src/engine.rs?" });
    assert!(search(&world, &admin, "/api/v1/search?q=guide").await["total"].as_u64().unwrap() > 0);
    assert_ne!(ask(&world, &admin, question.clone()).await["support"], "none");
    world.delete("/api/v1/sources/product").token(&admin).org("acme").send().await.expect(204);
    let found = search(&world, &admin, "/api/v1/search?q=guide").await;
    assert_eq!(found["items"], json!([]), "{found}");
    let answer = ask(&world, &admin, question).await;
    let citations = answer["citations"].as_array().unwrap();
    assert!(citations.iter().all(|citation| citation["source"] != "product"), "{answer}");
    // The tickets are of another source, and stay.
    assert!(search(&world, &admin, "/api/v1/search?q=rounds").await["total"].as_u64().unwrap() > 0);
}
