//! Nobody sees or does what is not theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::Method;
use docassist_model::Role;
use docassist_testing::nth_random;
use serde_json::{Value, json};

use crate::table::{Least, ROUTES, address};
use crate::world::{ACME, GLOBEX, OPERATOR, World, is_over_a_server, scope};

/// Somebody, and the most that they are in an organisation.
struct Caller {
    name: String,
    token: Option<String>,
    in_acme: Option<Least>,
    in_globex: Option<Least>,
    /// Whether anything proves who it is.
    known: bool,
}

fn callers(world: &World) -> Vec<Caller> {
    let roles = [(Role::Viewer, Least::Viewer), (Role::Member, Least::Member), (Role::Admin, Least::Admin)];
    let caller = |name: &str, token: Option<String>, in_acme, in_globex, known| Caller {
        name: name.to_owned(),
        token,
        in_acme,
        in_globex,
        known,
    };
    let mut callers = vec![
        caller("nobody", None, None, None, false),
        caller("garbage", Some("garbage".to_owned()), None, None, false),
        caller("a key that is none", Some("dak_0011223344556677_secret".to_owned()), None, None, false),
        caller("operator", Some(world.log_in(OPERATOR)), Some(Least::Operator), Some(Least::Operator), true),
    ];
    for (role, least) in roles {
        let email = format!("{}@acme.example", role.as_str());
        let token = world.newcomer("acme", &email, role);
        for (scope, of_key) in roles {
            if scope <= role {
                let (_, key) = world.key(&token, "acme", scope);
                callers.push(caller(
                    &format!("{} key of {}", scope.as_str(), email),
                    Some(key),
                    Some(of_key),
                    None,
                    true,
                ));
            }
        }
        callers.push(caller(&email, Some(token), Some(least), None, true));
        let email = format!("{}@globex.example", role.as_str());
        let token = world.newcomer("globex", &email, role);
        callers.push(caller(&email, Some(token), None, Some(least), true));
    }
    let both = world.newcomer("acme", "both@example.org", Role::Viewer);
    world.member("globex", "both@example.org", Role::Admin);
    callers.push(caller("both", Some(both), Some(Least::Viewer), Some(Least::Admin), true));
    // Somebody whose key was revoked, and somebody who was disabled.
    let gone = world.newcomer("acme", "gone@example.org", Role::Admin);
    let (id, key) = world.key(&gone, "acme", Role::Admin);
    let principal = world.service.accounts.authenticate(&gone).unwrap();
    world.service.accounts.revoke_key(&principal, &scope("acme"), &id).unwrap();
    callers.push(caller("revoked key", Some(key), None, None, false));
    let (_, other_key) = world.key(&gone, "acme", Role::Admin);
    let operator = world.service.accounts.authenticate(&world.log_in(OPERATOR)).unwrap();
    world.service.accounts.set_disabled(&operator, principal.user().id, true).unwrap();
    callers.push(caller("disabled user", Some(gone), None, None, false));
    callers.push(caller("key of a disabled user", Some(other_key), None, None, false));
    callers
}

/// What the answer's status has to be like.
fn expected(least: Least, caller: &Caller, here: Option<Least>) -> &'static str {
    let is_operator = caller.name == "operator";
    match least {
        Least::Anybody => "open",
        _ if !caller.known => "unauthenticated",
        Least::User => "open",
        Least::Local | Least::Operator => {
            if is_operator {
                "open"
            } else {
                "forbidden"
            }
        }
        least => {
            if here.is_some_and(|here| here >= least) {
                "open"
            } else {
                "forbidden"
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_open_to_those_it_is_for_and_to_nobody_else() {
    let world = World::filled();
    let callers = callers(&world);
    let mut tried = 0;
    for (method, route, least) in ROUTES {
        for caller in &callers {
            // An operator is an admin everywhere, but there is nothing to be an admin of in what does not exist.
            for (org, here) in [("acme", caller.in_acme), ("globex", caller.in_globex), ("none", None)] {
                let (method, path) = address(method, route);
                // From elsewhere: that this machine may see the figures is another test's affair.
                let mut call = if tried % 2 == 0 {
                    world.call(method.clone(), &path).org(org).peer("192.0.2.9")
                } else {
                    world.call(method.clone(), &format!("{path}?org={org}")).peer("192.0.2.9")
                };
                if let Some(token) = &caller.token {
                    call = call.token(token);
                }
                if method != Method::GET {
                    call = call.json(json!({}));
                }
                let answer = call.send().await;
                let status = answer.status.as_u16();
                let good = match expected(least, caller, here) {
                    "open" => {
                        !matches!(status, 401 | 403) || matches!(route, "/api/v1/hooks/{id}" | "/api/v1/auth/refresh")
                    }
                    "unauthenticated" => status == 401,
                    _ => status == 403,
                };
                assert!(
                    good && status < 500,
                    "{} {route} by {} in {org}: {status} {}",
                    method,
                    caller.name,
                    answer.text()
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 3_000, "{tried}");
}

#[tokio::test]
async fn the_table_has_every_route_and_the_document_says_who_may_call_it() {
    let document = docassist_server::api::document();
    let mut documented: BTreeMap<(String, String), Option<String>> = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let role = operation["x-role"].as_str().map(str::to_owned);
            documented.insert((method.to_uppercase(), path.clone()), role);
        }
    }
    let table: BTreeMap<(String, String), Option<String>> = ROUTES
        .iter()
        .map(|(method, path, least)| {
            (((*method).to_owned(), (*path).to_owned()), least.documented().map(str::to_owned))
        })
        .collect();
    assert_eq!(documented, table);
}

#[tokio::test]
async fn a_foreign_organisation_and_none_are_told_in_the_same_words() {
    let world = World::filled();
    let token = world.newcomer("acme", "ann@acme.example", Role::Admin);
    let mut told = BTreeSet::new();
    for org in ["globex", "nowhere"] {
        let answer = world.get("/api/v1/gaps").token(&token).org(org).send().await;
        answer.refused(403, "forbidden");
        told.insert(answer.without_id().to_string().replace(org, "ORG"));
    }
    assert_eq!(told.len(), 1, "{told:?}");
    let both = world.get("/api/v1/gaps?org=globex").token(&token).org("acme").send().await;
    both.refused(400, "invalid_input");
}

/// A random question, whose parts are the same in both organisations or of the other one.
fn question(number: u32, cursors: &[String]) -> (Method, String, Option<Value>) {
    let pick = |salt: u32, below: usize| nth_random(number.wrapping_mul(31).wrapping_add(salt), below as u32) as usize;
    let paths =
        ["src/engine.rs", "src/lib.rs", "src/acmeonly.rs", "src/globexonly.rs", "docs/guide.md", "src/gone.rs", "x"];
    let path = paths[pick(1, paths.len())];
    let keys = ["DOC-1", "doc-2", "DOC-3", "DOC-77", "DOC-12", "ZZZ-1", "nothing"];
    let key = keys[pick(2, keys.len())];
    let people = ["ann@example.org", "Bob", "lead@example.org", "ACMEONLY%20Lead", "GLOBEXONLY%20Lead", "nobody"];
    let who = people[pick(3, people.len())];
    let words = ["engine", "ACMEONLY", "GLOBEXONLY", "DOC", "guide", "lead"];
    let word = words[pick(4, words.len())];
    let as_of = ["", "&as_of=2024-03-01", "&as_of=2024-01-15", "&as_of=never"][pick(5, 4)];
    let limit = ["", "&limit=1", "&limit=5", "&limit=0"][pick(6, 4)];
    let cursor = match pick(7, 3) {
        0 if !cursors.is_empty() => format!("&cursor={}", cursors[pick(8, cursors.len())]),
        _ => String::new(),
    };
    let get = |text: String| (Method::GET, text, None);
    match pick(9, 26) {
        0 => get(format!("/api/v1/gaps?{}", as_of.trim_start_matches('&'))),
        1 => get(format!("/api/v1/gaps/orphaned?days=36500{as_of}{limit}{cursor}")),
        2 => get(format!("/api/v1/gaps/undocumented?days=36500{as_of}{limit}{cursor}")),
        3 => get(format!("/api/v1/gaps/stale?days=1{as_of}{limit}{cursor}")),
        4 => get(format!("/api/v1/gaps/dangling?x{as_of}").replace("?x&", "?").replace("?x", "")),
        5 => get("/api/v1/gaps/outdated-docs".to_owned()),
        6 => get("/api/v1/gaps/missing-decisions".to_owned()),
        7 => get(format!("/api/v1/impact/file?path={path}{as_of}{limit}")),
        8 => get(format!("/api/v1/impact/ticket/{key}")),
        9 => get(format!("/api/v1/reviewers?path={path}&path=src/lib.rs&author={who}{as_of}")),
        10 => get(format!("/api/v1/rel/ticket/{key}?x{as_of}").replace("?x&", "?").replace("?x", "")),
        11 => get(format!("/api/v1/rel/developer/{who}")),
        12 => get(format!("/api/v1/rel/file?path={path}{as_of}{limit}")),
        13 => get("/api/v1/rel/repo/product".to_owned()),
        14 => get(format!("/api/v1/rel/search?q={word}{limit}{cursor}")),
        15 => get(format!("/api/v1/decisions?x{limit}").replace("?x&", "?").replace("?x", "")),
        16 => get(format!("/api/v1/decisions/{}", pick(10, 4))),
        17 => get("/api/v1/status".to_owned()),
        18 => get("/api/v1/jobs".to_owned()),
        19 => (Method::POST, "/api/v1/impact/file".to_owned(), Some(json!({ "paths": [path, "src/lib.rs"] }))),
        20 => (Method::POST, "/api/v1/impact/diff".to_owned(), Some(json!({ "files": [{ "path": path }] }))),
        21 => get(format!("/api/v1/search?q={word}&facets=true{limit}")),
        22 => get(format!("/api/v1/search?q=engine%20round&kind=ticket&kind=commit{limit}")),
        23 => {
            let question = ["What does the guide say?", "Which tickets are stale?", "Who should review src/engine.rs?"]
                [pick(11, 3)];
            (Method::POST, "/api/v1/ask".to_owned(), Some(json!({ "question": format!("{question} {word}") })))
        }
        24 => get("/api/v1/conversations".to_owned()),
        _ => (Method::POST, "/api/v1/reviewers".to_owned(), Some(json!({ "paths": [path], "author": word }))),
    }
}

/// Of 100,000 random requests by members of two organisations that have the same names for everything, no answer has a
/// word of the other organisation, caches, entity tags and cursors included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_organisation_is_in_an_answer_to_the_other() {
    const TASKS: u32 = 4;
    // Each look at a server takes its time.
    let requests: u32 = if is_over_a_server() { 20_000 } else { 100_000 };
    let world = Arc::new(World::filled());
    world.user("both@example.org");
    let mut tokens = Vec::new();
    for (org, _) in [ACME, GLOBEX] {
        let token = world.newcomer(org, &format!("member@{org}.example"), Role::Member);
        let key = world.key(&token, org, Role::Viewer).1;
        world.member(org, "both@example.org", Role::Viewer);
        tokens.push([token, key, world.log_in("both@example.org")]);
    }
    let tokens = Arc::new(tokens);
    let (answered, tagged) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut runner = world.service.jobs.run(1).unwrap();
    let tasks = (0..TASKS).map(|task| {
        let (world, tokens) = (Arc::clone(&world), Arc::clone(&tokens));
        let (answered, tagged) = (Arc::clone(&answered), Arc::clone(&tagged));
        tokio::spawn(async move {
            let orgs = [ACME, GLOBEX];
            let mut tags: [HashMap<String, String>; 2] = Default::default();
            let mut cursors: [Vec<String>; 2] = Default::default();
            for (round, number) in (task..requests).step_by(TASKS as usize).enumerate() {
                let me = (nth_random(number, 2)) as usize;
                let other = 1 - me;
                if number % 4_001 == 0 {
                    world.service.answers.clear(&scope(orgs[me].0));
                }
                if task == 0 && round % 2_500 == 2_499 {
                    world.sync_more(orgs[me].0, orgs[me].1, &tokens[me][0]).await;
                }
                // Questions, cursors and tags of the other organisation are tried on this one.
                let (method, uri, body) = question(number / 3, &cursors[other]);
                let asked = format!("{uri} {body:?}");
                let mut call = world.call(method, &uri).token(&tokens[me][(number / 7 % 3) as usize]).org(orgs[me].0);
                if let Some(tag) = tags[other].get(&asked) {
                    call = call.header("if-none-match", tag);
                    tagged.fetch_add(1, Ordering::Relaxed);
                }
                if let Some(body) = body {
                    call = call.json(body);
                }
                let answer = call.send().await;
                let status = answer.status.as_u16();
                assert!(status < 500, "{uri}: {status} {}", answer.text());
                assert_ne!(status, 304, "{uri}: a tag of the other organisation stands");
                // What was asked for may be repeated once; what was found may not.
                let (text, theirs) = (answer.text(), orgs[other].1);
                let repeated = usize::from(asked.contains(theirs));
                assert!(text.matches(theirs).count() <= repeated, "{asked}: {text}");
                if status == 200 {
                    answered.fetch_add(1, Ordering::Relaxed);
                    let json: Value = serde_json::from_slice(&answer.body).unwrap();
                    assert!(json["org"].is_null() || json["org"] == orgs[me].0, "{uri}");
                    if !answer.header("etag").is_empty() {
                        tags[me].insert(asked, answer.header("etag").to_owned());
                    }
                    if let Some(next) = json["next"].as_str() {
                        cursors[me].push(next.to_owned());
                        cursors[me].truncate(64);
                    }
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    runner.stop();
    let answered = answered.load(Ordering::Relaxed);
    let tagged = tagged.load(Ordering::Relaxed);
    println!("{answered} of {requests} random requests were answered, the others refused; {tagged} had a foreign tag");
    assert!(answered > requests / 3 && tagged > requests / 10, "{answered} {tagged}");
}
