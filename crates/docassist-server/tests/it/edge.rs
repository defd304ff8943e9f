//! What every request passes: ids, tags, compression, limits of form and size.

use std::io::Read as _;

use axum::http::Method;
use serde_json::json;

use crate::call::Answer;
use crate::world::{ACME, AS_OF, OPERATOR, Setup, World};

fn world() -> (World, String) {
    let world = World::new();
    world.make_org("acme");
    world.fill("acme", ACME.1);
    let token = world.log_in(OPERATOR);
    (world, token)
}

async fn ask(world: &World, token: &str, uri: &str) -> Answer {
    world.get(uri).token(token).org("acme").send().await
}

#[tokio::test]
async fn a_request_has_one_id_everywhere() {
    let world = World::new();
    let mut seen = std::collections::BTreeSet::new();
    for uri in ["/health/live", "/api/v1/gaps", "/nothing", "/openapi.json", "/docs"] {
        let given = world.get(uri).header("x-request-id", "caller-1.2_3").send().await;
        assert_eq!(given.header("x-request-id"), "caller-1.2_3", "{uri}");
        let made = world.get(uri).send().await;
        assert!(seen.insert(made.header("x-request-id").to_owned()), "{uri}");
        if !made.status.is_success() {
            assert_eq!(made.json()["request_id"], made.header("x-request-id"), "{uri}");
        }
    }
    let hostile: [&[u8]; 7] =
        [b"", b"a b", b"a\tb", b"<script>alert(1)</script>", b"\"},{\"", b"\xff\xfe", "x".repeat(65).leak().as_bytes()];
    for id in hostile {
        let answer = world.get("/health/live").header("x-request-id", id).send().await;
        let made = answer.header("x-request-id");
        assert!(made.len() == 16 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");
    }
}

#[tokio::test]
async fn an_answer_that_the_caller_has_is_not_sent_again() {
    let (world, token) = world();
    let uri = format!("/api/v1/gaps?as_of={AS_OF}");
    let first = ask(&world, &token, &uri).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let with = |tags: String| world.get(&uri).token(&token).org("acme").header("if-none-match", tags).send();
    for tags in [tag.clone(), tag[2..].to_owned(), format!("\"x\", {tag}"), "*".to_owned()] {
        let same = with(tags.clone()).await;
        assert_eq!((same.status.as_u16(), same.body.len()), (304, 0), "{tags}");
        assert_eq!(same.header("etag"), tag);
        assert!(!same.header("cache-status").is_empty() && !same.header("x-request-id").is_empty());
        assert_eq!(same.header("content-length"), "", "a 304 says nothing of the length of no body");
        assert_eq!(same.header("cache-control"), first.header("cache-control"));
    }
    for tags in ["\"x\"", "W/\"\"", "", "é", "x"] {
        assert_eq!(with(tags.to_owned()).await.expect(200), first.json(), "{tags}");
    }
    let other = world.get("/api/v1/gaps").token(&token).org("acme").header("if-none-match", &tag).send().await;
    other.expect(200);
    let failed = world.get("/api/v1/gaps?x=1").token(&token).org("acme").header("if-none-match", "*").send().await;
    failed.refused(400, "invalid_input");
}

#[tokio::test]
async fn a_compressed_answer_has_the_same_bytes() {
    let (world, token) = world();
    for uri in [
        "/api/v1/gaps?as_of=2024-03-01",
        "/api/v1/gaps/stale?as_of=2024-06-01",
        "/api/v1/export/graph",
        "/openapi.json",
        "/docs",
    ] {
        let plain = ask(&world, &token, uri).await;
        assert!(plain.status == 200 && plain.body.len() > 1024 && plain.header("content-encoding").is_empty(), "{uri}");
        let packed = world.get(uri).token(&token).org("acme").header("accept-encoding", "gzip, br").send().await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{uri}");
        assert!(packed.body.len() < plain.body.len() && packed.header("vary").contains("accept-encoding"));
        let mut bytes = Vec::new();
        flate2::read::MultiGzDecoder::new(packed.body.as_ref()).read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, plain.body, "{uri}");
        assert_eq!(packed.header("etag"), plain.header("etag"));
        for refused in ["identity", "gzip;q=0", "br"] {
            let answer = world.get(uri).token(&token).org("acme").header("accept-encoding", refused).send().await;
            assert_eq!(answer.body, plain.body, "{refused}");
        }
    }
    let small = world.get("/health/live").header("accept-encoding", "gzip").send().await;
    assert_eq!(small.header("content-encoding"), "");
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let (world, token) = world();
    for uri in ["/health/live", "/openapi.json", "/api/v1/gaps?as_of=2024-03-01", "/api/v1/gaps?colour=red"] {
        let get = ask(&world, &token, uri).await;
        let head = world.call(Method::HEAD, uri).token(&token).org("acme").send().await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{uri}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{uri}");
        assert_eq!(head.header("etag"), get.header("etag"), "{uri}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_refused_everywhere() {
    let (world, token) = world();
    let mut silent = Vec::new();
    for (method, route, least) in crate::table::ROUTES {
        let (method, path) = crate::table::address(method, route);
        if !least.is_of_an_organisation() || method != Method::GET {
            continue;
        }
        let answer = ask(&world, &token, &format!("{path}?colour=red")).await;
        if answer.status.is_success() {
            silent.push(route);
        }
    }
    assert!(silent.is_empty(), "a misspelt parameter is left out without a word by {silent:?}");
    let problem = ask(&world, &token, "/api/v1/gaps?colour=red").await.refused(400, "invalid_input");
    assert!(problem["detail"].as_str().unwrap().contains("colour"), "{problem}");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let (world, token) = world();
    for (uri, word) in [
        ("/api/v1/gaps/stale?days=many", "days"),
        ("/api/v1/gaps/stale?days=0", "days"),
        ("/api/v1/gaps/stale?days=-1", "days"),
        ("/api/v1/gaps/stale?days=4294967296", "days"),
        ("/api/v1/gaps/stale?limit=0", "limit"),
        ("/api/v1/gaps/stale?limit=1001", "limit"),
        ("/api/v1/gaps/stale?as_of=yesterday", "as_of"),
        ("/api/v1/gaps/stale?as_of=2024-02-30", "as_of"),
        ("/api/v1/gaps/stale?days=1&days=2", "days"),
        ("/api/v1/gaps/stale?cursor=x", "cursor"),
        ("/api/v1/impact/file", "path"),
        ("/api/v1/rel/search?q=", "q"),
        ("/api/v1/rel/search", "q"),
        ("/api/v1/jobs/x", "of id"),
    ] {
        let problem = ask(&world, &token, uri).await.refused(400, "invalid_input");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{uri}: {problem}");
    }
    let post = |text: &'static str| {
        world.post("/api/v1/impact/file").token(&token).org("acme").body("application/json", text).send()
    };
    for (body, word) in [
        ("{\"paths\":[\"a\",1]}", "at paths[1]"),
        ("{\"paths\":[\"a\"],\"repos\":\"x\"}", "repos"),
        ("{\"paths\":[\"a\"]", "line 1 column"),
        ("{\"paths\":[\"a\"]} x", "after its end"),
        ("{}", "paths"),
        ("{\"paths\":[]}", "1 to 200"),
        ("[]", "the body is wrong"),
        ("", "the body is wrong"),
        ("null", "the body is wrong"),
    ] {
        let problem = post(body).await.refused(400, "invalid_input");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{body}: {problem}");
    }
    let deep = "[".repeat(100_000).leak();
    post(deep).await.refused(400, "invalid_input");
}

#[tokio::test]
async fn bodies_have_a_type_and_a_largest_size() {
    let world = World::with(|_| {
        let mut setup = Setup::default();
        (setup.server.body_bytes, setup.server.upload_bytes) = (10_000, 50_000);
        setup
    });
    let token = world.log_in(OPERATOR);
    let post = |kind: &str, body: String| world.post("/api/v1/reviewers").token(&token).body(kind, body).send();
    let body = json!({ "paths": ["x"] }).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", "multipart/form-data"] {
        post(kind, body.clone()).await.refused(415, "unsupported_media_type");
    }
    let none = world.post("/api/v1/reviewers").token(&token).send().await;
    none.refused(415, "unsupported_media_type");
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
        post(kind, body.clone()).await.refused(404, "not_found");
    }
    let large = json!({ "paths": ["x".repeat(20_000)] }).to_string();
    post("application/json", large.clone()).await.refused(413, "too_large");
    world.post("/api/v1/auth/login").body("application/json", large).send().await.refused(413, "too_large");
    let form = |bytes: usize| {
        let part = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\r\n";
        let body = format!("{part}{}\r\n--b--\r\n", "x".repeat(bytes));
        world.post("/api/v1/sync/tickets").token(&token).body("multipart/form-data; boundary=b", body).send()
    };
    form(20_000).await.expect(202);
    for bytes in [49_990, 60_000] {
        form(bytes).await.refused(413, "too_large");
    }
    let uploads = world.data().join("orgs/default/uploads");
    let left = std::fs::read_dir(uploads).map_or(0, Iterator::count);
    assert_eq!(left, 1, "what was refused is removed");
}

#[tokio::test]
async fn odd_bytes_are_no_defect_of_the_service() {
    let (world, token) = world();
    for uri in [
        "/api/v1/impact/file?path=%ff%fe",
        "/api/v1/impact/file?path=%00",
        "/api/v1/impact/file?path=%",
        "/api/v1/impact/file?path=..%2f..%2fetc%2fpasswd",
        "/api/v1/impact/ticket/%ff",
        "/api/v1/impact/ticket/%00",
        "/api/v1/impact/commit/%F0%9F%92%A9",
        "/api/v1/rel/developer/%ff%fe",
        "/api/v1/rel/repo/..%2f..",
        "/api/v1/decisions/%2e%2e%2f",
        "/api/v1/rel/search?q=%ff",
        "/api/v1/rel/search?q=%22%20OR%201=1--",
        "/api/v1/jobs?source=%ff",
        "/api/v1/jobs/18446744073709551616",
        "/api/v1/jobs/18446744073709551615",
        "/api/v1/jobs/9223372036854775808",
        "/api/v1/gaps/stale?days=36500&as_of=0001-01-01",
        "/api/v1/gaps/stale?as_of=9999-12-31T23:59:59Z",
        "/api/v1/gaps/stale?as_of=-9999-01-01",
        "/api/v1/jobs?cursor=18446744073709551615",
        "/api/v1/audit?cursor=18446744073709551615",
        "/api/v1/users?cursor=18446744073709551615",
        "/api/v1/gaps?&&&=&",
        "/api/v1//gaps",
        "/api/v1/gaps/",
        "/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let answer = ask(&world, &token, uri).await;
        assert!(answer.status.as_u16() < 500, "{uri}: {}", answer.text());
    }
    for id in ["18446744073709551615", "9223372036854775808", "0"] {
        for route in ["/api/v1/members/", "/api/v1/users/"] {
            let answer = world.delete(&format!("{route}{id}")).token(&token).org("acme").send().await;
            answer.refused(404, "not_found");
        }
    }
    for header in
        ["docassist-org", "if-none-match", "x-request-id", "accept-encoding", "content-type", "x-forwarded-for"]
    {
        let answer = world.get("/api/v1/gaps").token(&token).header(header, b"\xff\x80,;=").send().await;
        assert!(answer.status.as_u16() < 500, "{header}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_says_whether_the_cache_was_asked() {
    let (world, token) = world();
    let uri = "/api/v1/gaps/stale";
    let status = |answer: &Answer| answer.header("cache-status").to_owned();
    let miss = status(&ask(&world, &token, uri).await);
    assert!(miss.starts_with("docassist; fwd=miss; stored; ttl="), "{miss}");
    let hit = status(&ask(&world, &token, uri).await);
    assert!(hit.starts_with("docassist; hit; ttl=") && hit.ends_with("detail=memory"), "{hit}");
    let mut runner = world.service.jobs.run(1).unwrap();
    world.sync_more("acme", ACME.1, &token).await;
    runner.stop();
    let stale = status(&ask(&world, &token, uri).await);
    assert!(stale.starts_with("docassist; fwd=stale; stored; ttl="), "{stale}");
    for uri in ["/health/live", "/api/v1/status", "/nothing", "/api/v1/gaps?x=1", "/openapi.json", "/docs"] {
        assert_eq!(status(&ask(&world, &token, uri).await), "docassist; fwd=bypass", "{uri}");
    }
    let post = world.post("/api/v1/cache/clear").token(&token).org("acme").send().await;
    assert_eq!(status(&post), "docassist; fwd=method");
    let cleared = status(&ask(&world, &token, uri).await);
    assert!(cleared.starts_with("docassist; fwd="), "{cleared}");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let world = World::new();
    for uri in ["/", "/nothing", "/api", "/api/v1", "/api/v2/gaps", "/api/v1/gaps/none", "/docs/", "/favicon.ico"] {
        world.get(uri).send().await.refused(404, "not_found");
    }
    for method in [Method::POST, Method::DELETE, Method::PUT, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        let answer = world.call(method.clone(), "/api/v1/gaps").send().await;
        answer.refused(405, "method_not_allowed");
        assert!(answer.header("allow").contains("GET"), "{method}: RFC 9110 asks for Allow with a 405");
    }
}

#[tokio::test]
async fn the_documentation_loads_nothing_from_elsewhere() {
    let world = World::new();
    let page = world.get("/docs").send().await;
    assert_eq!(page.status.as_u16(), 200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains('*') && !policy.contains("unsafe-eval"), "{policy}");
    // What is between tags, without the scripts and styles in the page.
    let html = page.text();
    let mut outside = String::new();
    let mut rest = html.as_str();
    while let Some(at) = rest.find("<script").into_iter().chain(rest.find("<style")).min() {
        let end = if rest[at..].starts_with("<script") { "</script>" } else { "</style>" };
        let tag = at + rest[at..].find('>').unwrap() + 1;
        outside.push_str(&rest[..tag]);
        rest = &rest[tag + rest[tag..].find(end).unwrap() + end.len()..];
    }
    outside.push_str(rest);
    for word in ["http://", "https://", "src=", "href=", "@import"] {
        assert!(!outside.contains(word), "{word} in {outside}");
    }
    assert!(html.contains("/openapi.json"));
}
