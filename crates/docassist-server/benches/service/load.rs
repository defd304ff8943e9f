//! Load over loopback: connections that ask one thing again and again, each waiting for the answer.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// The bytes of a GET.
pub(crate) fn request(path: &str, token: Option<&str>) -> Vec<u8> {
    let proof = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{proof}\r\n").into_bytes()
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream, buffer: vec![0; 1 << 16] }
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> Answer {
        self.stream.write_all(request).unwrap();
        let mut text = Vec::new();
        loop {
            let read = self.stream.read(&mut self.buffer).unwrap();
            assert!(read > 0, "the service closed the connection");
            text.extend_from_slice(&self.buffer[..read]);
            let Some(end) = end_of_head(&text) else { continue };
            let length = content_length(&text[..end]);
            if text.len() >= end + 4 + length {
                let body = text.split_off(end + 4);
                return Answer { head: String::from_utf8_lossy(&text).into_owned(), body };
            }
        }
    }

    /// The same without keeping the answer: only whether it is a good one.
    fn ask_quickly(&mut self, request: &[u8]) -> bool {
        self.stream.write_all(request).unwrap();
        let mut have = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[have..]).unwrap();
            assert!(read > 0, "the service closed the connection");
            have += read;
            let text = &self.buffer[..have];
            let Some(end) = end_of_head(text) else { continue };
            if have >= end + 4 + content_length(&text[..end]) {
                return text.starts_with(b"HTTP/1.1 200");
            }
        }
    }
}

/// The longer the head of an answer, the longer a careless search for its end would take: lines are looked at once.
fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let named = |line: &&[u8]| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME);
    let line = head.split(|&byte| byte == b'\n').find(named).unwrap();
    let digits = line[NAME.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

/// Where the head of an answer ends.
fn end_of_head(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|&byte| byte == b'\r') {
        let at = from + at;
        if text[at..].starts_with(b"\r\n\r\n") {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// One answer on a connection of its own.
pub(crate) fn once(address: SocketAddr, request: &[u8]) -> Answer {
    Connection::open(address).ask(request)
}

/// What a load came to.
pub(crate) struct Figures {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// As many requests as there is time for. A thread for each connection costs the same for both sides.
pub(crate) fn run(address: SocketAddr, request: &[u8], connections: usize, time: Duration) -> Figures {
    let barrier = Arc::new(Barrier::new(connections));
    let began = Instant::now();
    let threads: Vec<_> = (0..connections)
        .map(|_| {
            let (barrier, request) = (Arc::clone(&barrier), request.to_vec());
            std::thread::spawn(move || {
                let mut connection = Connection::open(address);
                barrier.wait();
                let (began, mut times) = (Instant::now(), Vec::with_capacity(100_000));
                while began.elapsed() < time {
                    let asked = Instant::now();
                    assert!(connection.ask_quickly(&request));
                    times.push(asked.elapsed().as_secs_f64() * 1e3);
                }
                times
            })
        })
        .collect();
    let mut times: Vec<f64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Figures { rate, p50_ms: at(0.5), p99_ms: at(0.99) }
}

/// Sends one request on each connection before any answer is read. Returns how many good answers came.
pub(crate) fn at_once(mut connections: Vec<Connection>, request: &[u8]) -> usize {
    for connection in &mut connections {
        connection.stream.write_all(request).unwrap();
    }
    connections.into_iter().map(|mut connection| usize::from(connection.ask_quickly(b""))).sum()
}
