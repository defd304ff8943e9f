use std::io::Write;
use std::net::TcpStream;

use serde_json::Value;

use super::*;
use crate::loopback::{Loopback, Request, reply};

/// A vector that tells its text: its length and its first byte.
fn vector(text: &str) -> Vec<f32> {
    vec![text.len() as f32 + 1.0, text.bytes().next().map_or(0.0, f32::from), 1.0]
}

fn texts(request: &Request) -> Vec<String> {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn good(request: &Request) -> Vec<u8> {
    let vectors = texts(request).into_iter().map(|text| vector(&text));
    let body = if request.path.ends_with("/api/embed") {
        json!({"model": "m", "embeddings": vectors.collect::<Vec<_>>()})
    } else {
        // In reverse: the protocol numbers them.
        let items = vectors.enumerate().map(|(index, vector)| json!({"index": index, "embedding": vector}));
        let mut items: Vec<Value> = items.collect();
        items.reverse();
        json!({"object": "list", "data": items})
    };
    body.to_string().into_bytes()
}

fn quick(base: &str) -> RemoteConfig {
    RemoteConfig {
        patience: Duration::from_millis(300),
        deadline: Duration::from_secs(5),
        ..RemoteConfig::new(Protocol::OpenAi, base, "m")
    }
}

/// What comes of a server that answers so, when the width is known.
fn outcome(answer: impl Fn(&Request, usize, &mut TcpStream) + Send + Sync + 'static) -> (Result<Vec<Vec<f32>>>, usize) {
    let server = Loopback::start(answer);
    let remote = Remote::connect(RemoteConfig { dims: Some(3), ..quick(&server.base) }).unwrap();
    (remote.embed(&["a", "bb"]), server.count())
}

#[test]
fn both_protocols_give_vectors_in_order_and_of_length_one() {
    let server = Loopback::start(|request, _, stream| reply(stream, "200 OK", "", &good(request)));
    for (protocol, path, address) in
        [(Protocol::OpenAi, "/v1/", "/v1/embeddings"), (Protocol::Ollama, "", "/api/embed")]
    {
        let config = RemoteConfig {
            key: Some("secret".to_owned()),
            batch_texts: 2,
            ..RemoteConfig::new(protocol, &format!("{}{path}", server.base), "m")
        };
        let remote = Remote::connect(config).unwrap();
        assert_eq!(remote.dims(), 3);
        assert_eq!(remote.id(), format!("{}{address}#m/3", server.base));
        server.requests.lock().unwrap().clear();
        let vectors = remote.embed(&["a", "", "ccc", "\0\u{7}d", "e"]).unwrap();
        assert_eq!(server.count(), 3, "two texts at a time");
        for (found, text) in vectors.iter().zip(["a", ".", "ccc", "\0\u{7}d", "e"]) {
            let mut expected = vector(text);
            to_unit_length(&mut expected);
            assert_eq!(found, &expected, "{text:?}");
        }
        let request = server.requests.lock().unwrap()[0].clone();
        assert_eq!(request.path, address);
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
        assert!(!format!("{remote:?}").contains("secret"));
    }
    assert_eq!(Remote::connect(quick(&server.base)).unwrap().embed(&[]).unwrap(), Vec::<Vec<f32>>::new());
}

#[test]
fn batches_and_texts_are_bounded() {
    let server = Loopback::start(|request, _, stream| reply(stream, "200 OK", "", &good(request)));
    let config = RemoteConfig { dims: Some(3), batch_bytes: 25, text_bytes: 21, ..quick(&server.base) };
    let remote = Remote::connect(config).unwrap();
    let long = "é".repeat(5_000);
    assert_eq!(remote.embed(&["0123456789", "0123456789", "0123456789", &long]).unwrap().len(), 4);
    let sent: Vec<Vec<usize>> = server
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|request| texts(request).iter().map(String::len).collect())
        .collect();
    assert_eq!(sent, [vec![10, 10], vec![10], vec![20]], "never cut within a character");
}

#[test]
fn a_passing_failure_is_tried_again() {
    let (vectors, requests) = outcome(|request, number, stream| match number {
        0 => reply(stream, "503 Service Unavailable", "retry-after: 0\r\n", b"loading the model"),
        // The connection ends without an answer.
        1 => {}
        _ => reply(stream, "200 OK", "", &good(request)),
    });
    assert_eq!((vectors.unwrap().len(), requests), (2, 3));
    let (vectors, requests) = outcome(|_, _, stream| reply(stream, "500 Oops", "retry-after: 0\r\n", b""));
    let error = vectors.unwrap_err().to_string();
    assert!(error.contains("refuses: 500") && requests == 3, "{error}");
}

#[test]
fn a_refusal_is_told_at_once_in_the_servers_words() {
    let body = format!(r#"{{"error":{{"message":"no model\n\u001b[31m 'm' {}"}}}}"#, "x".repeat(5_000));
    let (vectors, requests) = outcome(move |_, _, stream| reply(stream, "404 Not Found", "", body.as_bytes()));
    let error = vectors.unwrap_err().to_string();
    assert!(error.contains("refuses: 404 Not Found: no model [31m 'm' xxx"), "{error}");
    assert!(error.len() < 400 && requests == 1, "{error}");
    // A redirect is not followed: it would take the key elsewhere.
    let (vectors, requests) =
        outcome(|_, _, stream| reply(stream, "307 Moved", "location: http://127.0.0.1:1/\r\n", b""));
    assert!(vectors.unwrap_err().to_string().contains("refuses: 307") && requests == 1);
}

#[test]
fn a_lie_is_found() {
    for (answer, expected) in [
        (r#"{"data":[{"index":0,"embedding":[1,2,3]}]}"#, "1 vectors for 2 texts"),
        (r#"{"data":[]}"#, "0 vectors for 2 texts"),
        (r#"{"data":[{"index":0,"embedding":[1,2,3]},{"index":0,"embedding":[1,2,3]}]}"#, "two vectors for one text"),
        (r#"{"data":[{"index":0,"embedding":[1,2,3]},{"index":7,"embedding":[1,2,3]}]}"#, "wrongly numbered"),
        (r#"{"data":[{"embedding":[1,2,3]},{"embedding":[1,2,3]},{"embedding":[1,2,3]}]}"#, "3 vectors for 2 texts"),
        (r#"{"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[1,2,3]}]}"#, "2 numbers where 3"),
        (r#"{"data":[{"index":0,"embedding":[1,2,NaN]},{"index":1,"embedding":[1,2,3]}]}"#, "expected value"),
        (r#"{"data":[{"index":0,"embedding":[1,2,null]},{"index":1,"embedding":[1,2,3]}]}"#, "null"),
        (r#"{"data":[{"index":0,"embedding":[1,2,1e300]},{"index":1,"embedding":[1,2,3]}]}"#, "infinite number"),
        (r#"{"data":[{"index":0,"embedding":"AAAA"}]}"#, "invalid type"),
        (r#"{"error":"model not loaded"}"#, "missing field `data`"),
        ("<html>", "expected value"),
        ("", "EOF"),
    ] {
        let (vectors, requests) = outcome(|_, _, stream| reply(stream, "200 OK", "", answer.as_bytes()));
        let error = vectors.unwrap_err();
        assert!(matches!(error, EmbedError::WrongAnswer { .. }) && requests == 1, "{error} for {answer}");
        assert!(error.to_string().contains(expected), "{error} for {answer}");
    }
}

#[test]
fn the_width_that_a_server_has_must_stay() {
    let server = Loopback::start(|request, number, stream| {
        let width = if number == 0 { 4 } else { 5 };
        let items: Vec<Value> = texts(request).iter().map(|_| json!({"embedding": vec![1.0; width]})).collect();
        reply(stream, "200 OK", "", json!({ "data": items }).to_string().as_bytes());
    });
    let remote = Remote::connect(quick(&server.base)).unwrap();
    assert_eq!(remote.dims(), 4);
    assert!(remote.embed(&["a"]).unwrap_err().to_string().contains("5 numbers where 4"));
}

#[test]
fn a_slow_server_is_given_up() {
    let begin = Instant::now();
    // Longer than the patience: nothing at all.
    let (vectors, requests) = outcome(|_, _, _| std::thread::sleep(Duration::from_millis(600)));
    assert!(matches!(vectors.unwrap_err(), EmbedError::Unreachable { .. }) && requests == 3);
    // Never longer than the patience, and never done.
    let server = Loopback::start(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let config = RemoteConfig { dims: Some(3), deadline: Duration::from_millis(700), ..quick(&server.base) };
    let error = Remote::connect(config).unwrap().embed(&["a"]).unwrap_err().to_string();
    assert!(error.contains("too slow"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
}

#[test]
fn an_endless_answer_is_cut_off() {
    let (vectors, _) = outcome(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    assert!(vectors.unwrap_err().to_string().contains("longer than"));
}

#[test]
fn settings_are_checked() {
    for (base, expected) in [
        ("localhost:11434", "no address"),
        ("ftp://localhost", "does not begin with http"),
        ("", "no address"),
        ("http://user:secret@localhost", "give the key apart"),
    ] {
        let error = Remote::connect(quick(base)).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
    }
    assert!(Remote::connect(RemoteConfig { dims: Some(0), ..quick("http://localhost") }).is_err());
    // Nobody listens there.
    let error = Remote::connect(RemoteConfig { attempts: 1, ..quick("http://127.0.0.1:9") }).unwrap_err();
    assert!(matches!(error, EmbedError::Unreachable { .. }), "{error}");
}
