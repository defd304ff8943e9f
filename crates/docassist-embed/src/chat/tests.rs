use std::io::Write;
use std::net::TcpStream;

use super::*;
use crate::loopback::{Loopback, Request, reply};

const STREAM: &str = "content-type: text/event-stream\r\n";

fn event(text: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"delta": {"content": text}}]}))
}

fn quick(base: &str) -> ChatConfig {
    ChatConfig {
        key: Some("secret-key".to_owned()),
        patience: Duration::from_millis(300),
        deadline: Duration::from_secs(1),
        ..ChatConfig::new(&format!("{base}/v1/"), "m")
    }
}

/// The answer of a server that answers so, and the pieces that came.
fn outcome(answer: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> (Result<String>, Vec<String>) {
    let server = Loopback::start(move |request, _, stream| answer(request, stream));
    let chat = Chat::new(quick(&server.base)).unwrap();
    let mut pieces = Vec::new();
    let result = chat.ask(&[("system", "rules"), ("user", "why?")], &mut |piece| {
        pieces.push(piece.to_owned());
        true
    });
    assert_eq!(server.count(), 1, "a question is asked once");
    (result, pieces)
}

#[test]
fn an_answer_comes_in_pieces() {
    let (answer, pieces) = outcome(|request, stream| {
        assert_eq!(request.path, "/v1/chat/completions");
        assert_eq!(request.header("authorization"), Some("Bearer secret-key"));
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((body["model"].as_str(), body["stream"].as_bool()), (Some("m"), Some(true)));
        assert_eq!(body["messages"][1], json!({"role": "user", "content": "why?"}));
        let role = format!("data: {}\n\n", json!({"choices": [{"delta": {"role": "assistant"}}]}));
        let body = format!(": a comment\n\n{role}{}{}data: [DONE]\n\n", event("Beca"), event("use [1]."));
        reply(stream, "200 OK", STREAM, body.as_bytes());
    });
    assert_eq!(answer.unwrap(), "Because [1].");
    assert_eq!(pieces, ["Beca", "use [1]."]);
}

#[test]
fn a_server_that_does_not_stream_answers_as_well() {
    let (answer, pieces) = outcome(|_, stream| {
        let body = json!({"choices": [{"message": {"role": "assistant", "content": "Because."}}]});
        reply(stream, "200 OK", "content-type: application/json\r\n", body.to_string().as_bytes());
    });
    assert_eq!((answer.unwrap().as_str(), pieces), ("Because.", vec!["Because.".to_owned()]));
}

#[test]
fn a_refusal_is_told_in_the_servers_words_and_without_the_key() {
    let (answer, _) = outcome(|_, stream| {
        reply(stream, "401 Unauthorized", "", json!({"error": {"message": "no such\nkey"}}).to_string().as_bytes());
    });
    let told = answer.unwrap_err().to_string();
    assert!(told.contains("401") && told.contains("no such key"), "{told}");
    assert!(!told.contains("secret-key"), "{told}");
    let (answer, _) = outcome(|_, stream| {
        reply(stream, "200 OK", STREAM, b"data: {\"error\": {\"message\": \"out of memory\"}}\n\n");
    });
    assert!(answer.unwrap_err().to_string().contains("out of memory"));
}

#[test]
fn a_server_that_says_nothing_or_dribbles_is_left_in_time() {
    let begun = Instant::now();
    let (answer, _) = outcome(|_, _| std::thread::sleep(Duration::from_millis(600)));
    assert!(matches!(answer, Err(EmbedError::Unreachable { .. })), "{answer:?}");
    // Each piece comes within the patience, and there is no end to them.
    let (answer, _) = outcome(|_, stream| {
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{STREAM}connection: close\r\n\r\n").as_bytes());
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(20));
            if stream.write_all(event("so ").as_bytes()).is_err() {
                return;
            }
        }
    });
    assert!(matches!(answer, Err(EmbedError::Unreachable { .. })), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[test]
fn what_is_no_answer_is_refused() {
    for body in ["data: {not json\n\n".to_owned(), "data: [DONE]\n\n".to_owned(), event(&"x".repeat(MAX_ANSWER + 1))] {
        let (answer, _) = outcome(move |_, stream| reply(stream, "200 OK", STREAM, body.as_bytes()));
        assert!(matches!(answer, Err(EmbedError::WrongAnswer { .. })), "{answer:?}");
    }
    let (answer, _) = outcome(|_, stream| reply(stream, "200 OK", "", b"{\"choices\": []}"));
    assert!(matches!(answer, Err(EmbedError::WrongAnswer { .. })), "{answer:?}");
    let long = vec![b'x'; MAX_LINE as usize + 10];
    let (answer, _) = outcome(move |_, stream| reply(stream, "200 OK", STREAM, &long));
    assert!(matches!(answer, Err(EmbedError::WrongAnswer { .. })), "{answer:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let (answer, _) = outcome(|_, stream| reply(stream, "307 Temporary Redirect", "location: /elsewhere\r\n", b""));
    assert!(matches!(answer, Err(EmbedError::Refused { .. })), "{answer:?}");
}

#[test]
fn nobody_waits_for_the_rest_when_the_asker_has_gone() {
    let server = Loopback::start(|_, _, stream| reply(stream, "200 OK", STREAM, event("a").repeat(3).as_bytes()));
    let chat = Chat::new(quick(&server.base)).unwrap();
    let mut pieces = 0;
    let answer = chat.ask(&[("user", "why?")], &mut |_| {
        pieces += 1;
        false
    });
    assert!(answer.is_err());
    assert_eq!(pieces, 1);
}
