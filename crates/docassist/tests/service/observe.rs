//! Logs, traces and health.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{PASSWORD, Server, serve};
use crate::world::World;

#[test]
fn logs_are_objects_with_request_ids() {
    let world = World::new();
    let server = world.server(&["--log-format", "json", "--log", "debug"]);
    server.synced("git", &world.git());
    let mut client = server.client();
    let chosen = client.send("GET", "/api/v1/gaps", &[("x-request-id", "my-id-1")], b"").unwrap();
    assert_eq!(chosen.header("x-request-id"), "my-id-1");
    let given = client.get("/api/v1/rel/repo/product").header("x-request-id").to_owned();
    let bad = client.send("GET", "/api/v1/gaps", &[("x-request-id", "a\"b{}")], b"").unwrap();
    assert_ne!(bad.header("x-request-id"), "a\"b{}");
    client.get("/api/v1/rel/repo/none").expect(404);
    let said = server.said();
    server.stop();
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with(['l', 'm'])).collect();
    assert!(lines.len() > 5, "{said}");
    let mut ids = Vec::new();
    for line in lines {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "target"] {
            assert!(event[field].is_string(), "{field}: {line}");
        }
        if event["message"] == "request" {
            assert!(event["status"].is_u64() && event["took_us"].is_u64() && event["route"].is_string(), "{line}");
            ids.push(event["request_id"].as_str().unwrap().to_owned());
        }
    }
    assert!(ids.contains(&"my-id-1".to_owned()) && ids.contains(&given), "{ids:?}");
}

#[test]
fn lines_for_people_have_no_colours_in_a_file() {
    let world = World::new();
    let server = world.server(&["--log", "docassist_server=debug,info"]);
    server.synced("git", &world.git());
    let said = server.said();
    assert!(said.contains(" INFO ") && said.contains("request_id=") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_wrong_filter_stops_the_start() {
    let world = World::new();
    let output = serve(&world.data(), &["--log", "docassist=loud=very"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn no_secret_is_in_the_log() {
    let world = World::new();
    let levels = "trace,hyper=info,h2=info,mio=info,rustls=info";
    let server = world.server(&["--log", levels, "--redis", "redis://user:r3dis-s3cr3t@127.0.0.1:9/"]);
    let url = "http://user:s3cr3t-in-url@127.0.0.1:9/x.git";
    let job = server.ended(server.sync("git", &json!({ "location": url, "name": "dead" })));
    assert_eq!(job["state"], "failed", "{job:#}");
    let credential = json!({ "username": "u", "password": "s3cr3t-in-body" });
    let body = json!({ "location": "http://127.0.0.1:9/y.git", "name": "dead2", "credential": credential });
    server.ended(server.sync("git", &body));
    let wrong = json!({ "email": "root@example.com", "password": "wr0ng-password-given" });
    assert_eq!(server.anonymous().with_json("POST", "/api/v1/auth/login", &wrong).status, 401);
    let login = json!({ "email": "root@example.com", "password": PASSWORD });
    let tokens = server.anonymous().with_json("POST", "/api/v1/auth/login", &login).expect(200).json();
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let next = json!({ "refresh_token": refresh });
    let next = server.anonymous().with_json("POST", "/api/v1/auth/refresh", &next).expect(200).json();
    let key = json!({ "name": "for a test", "scope": "viewer" });
    let key = server.post("/api/v1/keys", &key).expect(201).json();
    let key_text = key.to_string();
    let key_text = key_text.split('"').find(|text| text.starts_with("dak_")).unwrap().to_owned();
    server.anonymous().with_token(&key_text).get("/api/v1/gaps").expect(200);
    let secret_file = std::fs::read_to_string(world.data().join("secret")).unwrap();
    let shown = [
        server.said(),
        server.get("/api/v1/jobs").text(),
        server.get("/api/v1/sources").text(),
        server.get("/api/v1/audit").text(),
        server.get("/api/v1/audit/service").text(),
        server.get("/api/v1/status").text(),
        server.get("/metrics").text(),
    ];
    assert!(shown[0].contains("sync failed"), "{}", shown[0]);
    let secrets = [
        PASSWORD,
        "s3cr3t-in-url",
        "s3cr3t-in-body",
        "r3dis-s3cr3t",
        "wr0ng-password-given",
        server.token(),
        refresh.as_str(),
        next["access_token"].as_str().unwrap(),
        next["refresh_token"].as_str().unwrap(),
        key_text.as_str(),
        secret_file.trim(),
    ];
    for secret in secrets {
        for (number, text) in shown.iter().enumerate() {
            assert!(!text.contains(secret), "{secret} is in text {number}: {text}");
        }
    }
    // Nor does it lie on disk as it is.
    for name in ["control.db", "control.db-wal"] {
        let bytes = std::fs::read(world.data().join(name)).unwrap_or_default();
        for secret in &secrets[..10] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {name}");
        }
    }
}

/// Takes messages of HTTP, and hands on their first lines with their bodies.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                loop {
                    let (mut first, mut length) = (String::new(), 0);
                    if stream.read_line(&mut first).unwrap_or(0) == 0 {
                        return;
                    }
                    loop {
                        let mut line = String::new();
                        stream.read_line(&mut line).unwrap();
                        if line.trim().is_empty() {
                            break;
                        }
                        if let Some((name, value)) = line.split_once(':')
                            && name.eq_ignore_ascii_case("content-length")
                        {
                            length = value.trim().parse().unwrap();
                        }
                    }
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).unwrap();
                    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                    if tell.send((first, body)).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (url, told)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn traces_arrive_where_an_endpoint_is_named() {
    let (url, told) = collector();
    let world = World::new();
    let server = world.server(&["--otlp", &url]);
    server.synced("git", &world.git());
    let id = server.get("/api/v1/rel/repo/product").expect(200).header("x-request-id").to_owned();
    // Without waiting for the next batch: what is left is sent at the end.
    server.stop();
    let mut messages = Vec::new();
    while let Ok(message) = told.recv_timeout(Duration::from_secs(2)) {
        messages.push(message);
        if messages.iter().any(|(_, body)| contains(body, &id)) {
            break;
        }
    }
    assert!(messages.iter().all(|(first, _)| first.starts_with("POST /v1/traces ")), "{messages:?}");
    for text in ["/api/v1/rel/repo/{name}", "docassist", "request_id", &id] {
        assert!(messages.iter().any(|(_, body)| contains(body, text)), "no `{text}` in {} messages", messages.len());
    }
    assert!(!messages.iter().any(|(_, body)| contains(body, PASSWORD)));
}

#[test]
fn a_collector_that_is_not_there_holds_up_nothing() {
    let world = World::new();
    let server = world.server(&["--otlp", "http://127.0.0.1:9"]);
    for _ in 0..50 {
        let answer = server.get("/health/ready").expect(200);
        assert!(answer.took < Duration::from_secs(1), "{:?}", answer.took);
    }
    server.stop();
}

#[test]
fn health_is_told_to_everybody() {
    let world = World::new();
    let server = Server::start(&world.data(), &[]);
    let live = server.anonymous().get("/health/live").expect(200).json();
    assert_eq!(live["status"], "live");
    let ready = server.anonymous().get("/health/ready").expect(200).json();
    assert_eq!((&ready["status"], &ready["store"], &ready["redis"]), (&json!("ready"), &json!("up"), &json!("absent")));
}
