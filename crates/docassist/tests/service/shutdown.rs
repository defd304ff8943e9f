//! Ending in good order: what is under way is finished.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::{Client, Trouble};
use crate::server::Server;
use crate::world::{World, large};

/// What one who asked until the end saw.
struct Seen {
    answered: usize,
    lost: Vec<String>,
}

/// Asks over one kept connection, or a new one each time, until nobody listens.
fn ask_until_the_end(server: &Server, keep: bool, stop: &Arc<AtomicBool>) -> JoinHandle<Seen> {
    let (token, address, stop) = (server.token().to_owned(), server.address(), Arc::clone(stop));
    std::thread::spawn(move || {
        let mut client = Client::new(address).with_token(&token);
        let mut seen = Seen { answered: 0, lost: Vec::new() };
        let mut reset = None;
        while !stop.load(Ordering::Relaxed) {
            if !keep {
                client = Client::new(address).with_token(&token);
            }
            // Each one is computed: they take longest.
            let path = format!("/api/v1/gaps?as_of=2024-03-01T00:00:{:02}Z", seen.answered % 60);
            match client.send("GET", &path, &[], b"") {
                Ok(answer) if answer.status == 200 => {
                    seen.answered += 1;
                    seen.lost.extend(reset.take());
                }
                Ok(answer) => seen.lost.push(format!("{}: {}", answer.status, answer.text())),
                Err(Trouble::Refused) => break,
                // The system resets what comes in the very instant in which the listener is closed: to its client that is the
                // same as being refused. It is the last that happens, or somebody was forgotten.
                Err(Trouble::Unanswered(why)) if reset.is_none() => reset = Some(why),
                Err(trouble) => seen.lost.push(format!("{trouble:?}")),
            }
        }
        seen
    })
}

#[test]
fn requests_under_way_are_answered() {
    let world = World::new();
    let server = world.server(&[]);
    server.synced("git", &world.git());
    server.stop();
    for round in 0..4 {
        let mut server = world.server(&[]);
        let stop = Arc::<AtomicBool>::default();
        let threads: Vec<_> = (0..8).map(|number| ask_until_the_end(&server, number % 2 == 0, &stop)).collect();
        std::thread::sleep(Duration::from_millis(250 + 60 * round));
        let asked = Instant::now();
        server.terminate();
        let status = server.wait(Duration::from_secs(10));
        let took = asked.elapsed();
        stop.store(true, Ordering::Relaxed);
        let seen: Vec<Seen> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let answered: usize = seen.iter().map(|seen| seen.answered).sum();
        let lost: Vec<&String> = seen.iter().flat_map(|seen| &seen.lost).collect();
        println!("round {round}: {answered} answered, {} lost, ended after {took:?}", lost.len());
        assert!(lost.is_empty(), "round {round}: {} of {} are lost: {:#?}", lost.len(), answered, lost);
        assert!(answered > 20, "{answered}");
        assert_eq!(status.code(), Some(0), "{}", server.said());
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn connections_that_nobody_has_accepted_yet_are_answered() {
    let world = World::new();
    let mut server = world.server(&[]);
    server.synced("git", &world.git());
    // A process that is stopped accepts nothing; the system completes connections and keeps what they send.
    server.signal("STOP");
    let client = server.client();
    let begun: Vec<_> = (0..40)
        .map(|_| {
            let mut begun = client.begin("GET", "/api/v1/rel/repo/product", &[]);
            begun.write(b"\r\n");
            begun
        })
        .collect();
    server.signal("TERM");
    server.signal("CONT");
    for (number, begun) in begun.into_iter().enumerate() {
        let answer = begun.answer().unwrap_or_else(|trouble| panic!("connection {number}: {trouble:?}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(server.wait(Duration::from_secs(5)).code(), Some(0));
}

#[test]
fn a_request_that_is_still_being_sent_is_taken_and_readiness_is_gone() {
    let world = World::new();
    let mut server = world.server(&[]);
    server.synced("git", &world.git());
    let mut probe = server.anonymous().begin("GET", "/health/ready", &[]);
    let mut live = server.anonymous().begin("GET", "/health/live", &[]);
    let client = server.client();
    let body = b"{\"paths\": [\"src/engine.rs\"]}";
    let length = body.len().to_string();
    let headers = [("content-type", "application/json"), ("content-length", length.as_str())];
    let mut slow = client.begin("POST", "/api/v1/impact/file", &headers);
    slow.write(b"\r\n");
    slow.write(&body[..5]);
    // So that all three connections were accepted and read from.
    std::thread::sleep(Duration::from_millis(200));
    server.terminate();
    server.poll("nobody listens", Duration::from_secs(5), || {
        matches!(server.client().send("GET", "/health/live", &[], b""), Err(Trouble::Refused)).then_some(())
    });
    probe.write(b"\r\n");
    live.write(b"\r\n");
    let ready = probe.answer().unwrap();
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert_eq!(live.answer().unwrap().status, 200);
    std::thread::sleep(Duration::from_millis(300));
    slow.write(&body[5..]);
    let answer = slow.answer().unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["path"], "src/engine.rs");
    let status = server.wait(Duration::from_secs(5));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn streams_of_events_end_with_the_service_and_the_next_start_goes_on() {
    let world = World::new();
    let mut server = world.server(&[]);
    let id = server.sync("git", &json!({ "location": large(), "name": "large" }));
    server.under_way(id);
    let mut events = server.client().events(&format!("/api/v1/jobs/{id}/events"));
    let (name, _) = events.next().unwrap();
    assert_eq!(name, "progress");
    let asked = Instant::now();
    server.terminate();
    // Its last chunk comes: whoever reads knows an end from a lost connection.
    let rest = events.all();
    assert!(rest.iter().all(|(name, _)| name == "progress"), "{rest:#?}");
    println!("the stream ended {:?} after SIGTERM", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(3));
    assert_eq!(server.wait(Duration::from_secs(10)).code(), Some(0));

    let server = world.server(&[]);
    assert_eq!(server.ended(id)["state"], "done");
    server.stop();
}

#[test]
fn a_connection_that_says_nothing_holds_up_no_end() {
    let world = World::new();
    let server = world.server(&[]);
    let mut idle = server.client();
    idle.get("/health/live").expect(200);
    let silent = std::net::TcpStream::connect(server.address()).unwrap();
    let begun = Instant::now();
    server.stop();
    println!("ended after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    drop(silent);
}
