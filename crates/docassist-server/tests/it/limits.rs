//! How often and how long: rates, time limits, and whose address counts.

use axum::body::Body;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use docassist_model::Role;
use docassist_server::{ServerConfig, bind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{ACME, OPERATOR, Setup, World};

fn with(server: impl FnOnce(&mut ServerConfig)) -> World {
    World::with(|_| {
        let mut setup = Setup::default();
        server(&mut setup.server);
        setup
    })
}

async fn served(calls: u32, call: impl AsyncFn() -> crate::call::Answer) -> u32 {
    let mut served = 0;
    for _ in 0..calls {
        let answer = call().await;
        if answer.status == 429 {
            answer.refused(429, "rate_limited");
            assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        } else {
            served += 1;
        }
    }
    served
}

#[tokio::test]
async fn each_user_has_a_rate_whatever_the_address_and_the_proof() {
    let world = with(|server| server.user_rate = 2);
    world.make_org("acme");
    let ann = world.newcomer("acme", "ann@acme.example", Role::Viewer);
    let bob = world.newcomer("acme", "bob@acme.example", Role::Viewer);
    let (_, key) = world.key(&ann, "acme", Role::Viewer);
    let counter = std::sync::atomic::AtomicU32::new(0);
    let next = || counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let many = served(60, async || {
        let number = next();
        let token = if number.is_multiple_of(2) { &ann } else { &key };
        world.get("/api/v1/me").token(token).peer(&format!("192.0.2.{number}")).send().await
    });
    let many = many.await;
    assert!((10..=14).contains(&many), "{many}");
    let others = served(8, async || world.get("/api/v1/me").token(&bob).peer("192.0.2.1").send().await).await;
    assert_eq!(others, 8);
    // Somebody else's wrong tokens take nothing from anybody.
    let wrong = served(50, async || world.get("/api/v1/me").token("x").send().await).await;
    assert_eq!(wrong, 50);
}

#[tokio::test]
async fn each_address_has_a_rate_whoever_asks() {
    let world = with(|server| server.address_rate = 2);
    let token = world.log_in(OPERATOR);
    let ask = async |address: &str| world.get("/health/live").peer(address).send().await;
    let many = served(60, async || ask("192.0.2.1").await).await;
    assert!((10..=14).contains(&many), "{many}");
    let me = world.get("/api/v1/me").token(&token).peer("192.0.2.1").send().await;
    me.refused(429, "rate_limited");
    assert!(!me.header("cache-status").is_empty() && !me.header("x-request-id").is_empty());
    assert_eq!(ask("192.0.2.2").await.status.as_u16(), 200);
    assert_eq!(served(8, async || ask("2001:db8::1").await).await, 8);
    let network = served(60, async || ask("2001:db8::2").await).await;
    assert!(network <= 6, "a network of IPv6 is one address: {network}");
}

#[tokio::test]
async fn a_forwarded_address_counts_only_behind_proxies() {
    for (proxies, spread) in [(0, false), (1, true)] {
        let world = with(|server| (server.address_rate, server.proxies) = (2, proxies));
        let counter = std::sync::atomic::AtomicU32::new(0);
        let many = served(60, async || {
            let number = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let forwarded = format!("6.6.6.6, 198.51.100.{number}");
            world.get("/health/live").peer("192.0.2.1").header("x-forwarded-for", forwarded).send().await
        });
        let many = many.await;
        assert_eq!(many == 60, spread, "{proxies} proxies: {many}");
    }
    let world = with(|server| (server.address_rate, server.proxies) = (2, 1));
    let counter = std::sync::atomic::AtomicU32::new(0);
    let many = served(60, async || {
        let number = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let forwarded = format!("198.51.100.{number}, 203.0.113.5");
        world.get("/health/live").peer("192.0.2.1").header("x-forwarded-for", forwarded).send().await
    });
    let many = many.await;
    assert!(many < 20, "what the caller itself sends is not believed: {many}");
}

#[tokio::test]
async fn figures_of_the_service_are_for_its_machine_and_its_operators() {
    let world = World::new();
    world.make_org("acme");
    let operator = world.log_in(OPERATOR);
    let admin = world.newcomer("acme", "admin@acme.example", Role::Admin);
    for uri in ["/metrics", "/api/v1/cache/stats"] {
        let get = |address: &str| world.get(uri).peer(address);
        for local in ["127.0.0.1", "127.8.8.8", "::1"] {
            assert_eq!(get(local).send().await.status.as_u16(), 200, "{uri} from {local}");
            let header = get(local).header("x-forwarded-for", "127.0.0.1").send().await;
            header.refused(401, "unauthenticated");
            get(local).header("forwarded", "for=127.0.0.1").send().await.refused(401, "unauthenticated");
        }
        for far in ["192.0.2.1", "10.0.0.1", "2001:db8::1"] {
            get(far).send().await.refused(401, "unauthenticated");
            get(far).header("x-forwarded-for", "127.0.0.1").send().await.refused(401, "unauthenticated");
            get(far).token(&admin).send().await.refused(403, "forbidden");
            assert_eq!(get(far).token(&operator).send().await.status.as_u16(), 200, "{uri} from {far}");
        }
    }
    let figures = world.get("/metrics").peer("127.0.0.1").send().await;
    assert!(figures.text().ends_with("# EOF\n"));
    for secret in [OPERATOR, "example.org", "example"] {
        assert!(!figures.text().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_proxy_in_front_does_not_open_the_figures() {
    let world = with(|server| server.proxies = 1);
    let forwarded = world.get("/metrics").peer("127.0.0.1").header("x-forwarded-for", "127.0.0.1").send().await;
    forwarded.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_takes_too_long_is_told_so() {
    let world = with(|server| server.request_time = Duration::from_millis(200));
    world.make_org("acme");
    world.fill("acme", ACME.1);
    let token = world.log_in(OPERATOR);
    // A body that never comes to its end.
    let silent = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let began = Instant::now();
    let late =
        world.post("/api/v1/impact/file").token(&token).org("acme").body("application/json", silent).send().await;
    late.refused(504, "timeout");
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(!late.header("cache-status").is_empty() && !late.header("x-request-id").is_empty());
    let again = world.get("/api/v1/gaps").token(&token).org("acme").send().await;
    assert_eq!(again.status.as_u16(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_one_organisation_does_not_hold_up_another() {
    let world = World::filled();
    let acme = world.newcomer("acme", "viewer@acme.example", Role::Viewer);
    let globex = world.newcomer("globex", "viewer@globex.example", Role::Viewer);
    let export = world.get("/api/v1/export/graph").token(&acme).open().await;
    assert_eq!(export.status().as_u16(), 200);
    for uri in ["/api/v1/status?digest=true", "/api/v1/export/graph"] {
        let other = tokio::time::timeout(Duration::from_secs(15), world.get(uri).token(&globex).send()).await;
        let other = other.unwrap_or_else(|_| panic!("{uri} waits for somebody who does not read"));
        assert_eq!(other.status.as_u16(), 200, "{uri}: {}", other.text());
    }
}

/// Sends bytes as they are, and returns what comes back until the other side closes.
async fn raw(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut heard = Vec::new();
    let read = stream.read_to_end(&mut heard);
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await;
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_connections_get_an_answer_or_an_end() {
    let world = World::new();
    let config = ServerConfig { grace: Duration::from_secs(1), ..ServerConfig::default() };
    let bound = bind("127.0.0.1:0".parse().unwrap(), Arc::clone(&world.service), config).await.unwrap();
    let address = bound.address().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(bound.serve(async {
        let _ = stopped.await;
    }));
    let close = "Host: x\r\nConnection: close\r\n\r\n";
    let alive = raw(address, format!("GET /health/live HTTP/1.1\r\n{close}").as_bytes()).await;
    assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
    let long = format!("GET /{} HTTP/1.1\r\n{close}", "x".repeat(100_000));
    let odd: [&[u8]; 6] = [
        b"GET /api/v1/rel/repo/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /?\xc3\x28=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        long.as_bytes(),
    ];
    for bytes in odd {
        let answer = raw(address, bytes).await;
        assert!(!answer.starts_with("HTTP/1.1 5") && !answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    assert!(raw(address, format!("GET /health/ready HTTP/1.1\r\n{close}").as_bytes()).await.contains(" 200 "));
    stop.send(()).unwrap();
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn without_limits_nobody_waits() {
    let world = World::new();
    for _ in 0..2_000 {
        let answer = world.call(Method::GET, "/health/live").peer("192.0.2.1").send().await;
        assert_eq!(answer.status.as_u16(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_a_body_tell_no_length_on_the_wire() {
    let world = World::new();
    world.make_org("acme");
    world.fill("acme", ACME.1);
    let token = world.log_in(OPERATOR);
    let uri = "/api/v1/gaps?org=acme";
    let tag = world.get(uri).token(&token).send().await.header("etag").to_owned();
    let bound =
        bind("127.0.0.1:0".parse().unwrap(), Arc::clone(&world.service), ServerConfig::default()).await.unwrap();
    let address = bound.address().unwrap();
    tokio::spawn(bound.serve(std::future::pending()));
    let head = format!("Host: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
    let same = raw(address, format!("GET {uri} HTTP/1.1\r\n{head}If-None-Match: {tag}\r\n\r\n").as_bytes()).await;
    let done = raw(address, format!("POST /api/v1/cache/clear?org=acme HTTP/1.1\r\n{head}\r\n").as_bytes()).await;
    for (answer, status) in [(same, "304"), (done, "204")] {
        let answer = answer.to_lowercase();
        assert!(answer.starts_with(&format!("http/1.1 {status}")) && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(!answer.contains("content-length") && !answer.contains("transfer-encoding"), "{answer}");
    }
}
