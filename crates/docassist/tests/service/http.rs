//! A small client for HTTP/1.1 that hides nothing: it follows no redirect, repairs nothing, and tells a refused
//! connection from an answer that was cut off.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing that the tests ask for takes this long.
const PATIENCE: Duration = Duration::from_secs(40);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

/// Why nothing, or not all of it, came back.
#[derive(Debug)]
#[allow(dead_code, reason = "tests show the reasons as they are")]
pub(crate) enum Trouble {
    /// Nobody listens.
    Refused,
    /// The connection ended before the first byte of an answer.
    Unanswered(String),
    /// An answer began and did not end well.
    Broken(String),
}

/// One who asks, over a connection that is kept.
pub(crate) struct Client {
    address: SocketAddr,
    token: Option<String>,
    org: Option<String>,
    kept: Option<BufReader<TcpStream>>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The status has to be this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, token: None, org: None, kept: None }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn in_org(mut self, org: &str) -> Self {
        self.org = Some(org.to_owned());
        self
    }

    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").unwrap_or_else(|trouble| panic!("GET {path}: {trouble:?}"))
    }

    #[track_caller]
    pub(crate) fn with_json(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
            .unwrap_or_else(|trouble| panic!("{method} {path}: {trouble:?}"))
    }

    /// Asks once more where a kept connection turns out to have been closed meanwhile, as every client does.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, Trouble> {
        let began = Instant::now();
        if let Some(kept) = self.kept.take() {
            match self.exchange(kept, method, path, headers, body, began) {
                Err(Trouble::Unanswered(_)) => {}
                other => return other,
            }
        }
        let fresh = BufReader::new(connect(self.address)?);
        self.exchange(fresh, method, path, headers, body, began)
    }

    fn exchange(
        &mut self,
        mut connection: BufReader<TcpStream>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        began: Instant,
    ) -> Result<Answer, Trouble> {
        let mut request = self.head(method, path, headers);
        request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        let sent = connection.get_mut().write_all(&bytes);
        sent.map_err(|error| Trouble::Unanswered(error.to_string()))?;
        let mut answer = read_head(&mut connection)?;
        answer.body = read_body(&mut connection, &answer)?;
        answer.took = began.elapsed();
        if answer.header("connection") != "close" {
            self.kept = Some(connection);
        }
        Ok(answer)
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        if let Some(org) = &self.org {
            head.push_str(&format!("docassist-org: {org}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head
    }

    /// Opens a stream of server-sent events.
    pub(crate) fn events(&self, path: &str) -> Events {
        let mut connection = BufReader::new(connect(self.address).unwrap());
        let request = self.head("GET", path, &[("accept", "text/event-stream")]) + "\r\n";
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let head = read_head(&mut connection).unwrap();
        assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
        Events { chunks: Chunks { connection, left: 0 }, whole: false }
    }

    /// Sends the head of a request, but for its last line.
    pub(crate) fn begin(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Begun {
        let mut connection = BufReader::new(connect(self.address).unwrap());
        connection.get_mut().write_all(self.head(method, path, headers).as_bytes()).unwrap();
        Begun(connection)
    }
}

/// A request whose end is still to be sent.
pub(crate) struct Begun(BufReader<TcpStream>);

impl Begun {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn answer(mut self) -> Result<Answer, Trouble> {
        let mut answer = read_head(&mut self.0)?;
        answer.body = read_body(&mut self.0, &answer)?;
        Ok(answer)
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream, Trouble> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => Trouble::Refused,
        _ => Trouble::Unanswered(error.to_string()),
    })?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    Ok(stream)
}

fn broken(error: impl std::fmt::Display) -> Trouble {
    Trouble::Broken(error.to_string())
}

fn line(connection: &mut impl BufRead) -> Result<String, Trouble> {
    let mut line = String::new();
    connection.read_line(&mut line).map_err(broken)?;
    if !line.ends_with("\r\n") {
        return Err(broken("the connection ended in a line"));
    }
    line.truncate(line.len() - 2);
    Ok(line)
}

fn read_head(connection: &mut impl BufRead) -> Result<Answer, Trouble> {
    match connection.fill_buf() {
        Ok([]) => return Err(Trouble::Unanswered("closed".to_owned())),
        Err(error) => return Err(Trouble::Unanswered(error.to_string())),
        Ok(_) => {}
    }
    let first = line(connection)?;
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| broken(format!("no status: {first}")))?;
    let mut headers = Vec::new();
    loop {
        let header = line(connection)?;
        if header.is_empty() {
            return Ok(Answer { status, headers, body: Vec::new(), took: Duration::ZERO });
        }
        let (name, value) = header.split_once(": ").ok_or_else(|| broken(format!("no header: {header}")))?;
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
}

fn read_body(connection: &mut impl BufRead, head: &Answer) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    if matches!(head.status, 204 | 304) {
        return Ok(body);
    }
    if head.header("transfer-encoding") == "chunked" {
        let mut chunks = Chunks { connection, left: 0 };
        while let Some(chunk) = chunks.next()? {
            body.extend_from_slice(&chunk);
        }
        return Ok(body);
    }
    let length: u64 = head.header("content-length").parse().map_err(|_| broken("an answer without length"))?;
    connection.take(length).read_to_end(&mut body).map_err(broken)?;
    if body.len() as u64 != length {
        return Err(broken(format!("{} of {length} bytes", body.len())));
    }
    Ok(body)
}

/// A chunked body.
struct Chunks<C> {
    connection: C,
    left: usize,
}

impl<C: BufRead> Chunks<C> {
    fn next(&mut self) -> Result<Option<Vec<u8>>, Trouble> {
        let length = line(&mut self.connection)?;
        self.left = usize::from_str_radix(&length, 16).map_err(|_| broken(format!("no length: {length}")))?;
        let mut chunk = vec![0; self.left];
        self.connection.read_exact(&mut chunk).map_err(broken)?;
        if !line(&mut self.connection)?.is_empty() {
            return Err(broken("a chunk does not end"));
        }
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}

/// A stream of server-sent events.
pub(crate) struct Events {
    chunks: Chunks<BufReader<TcpStream>>,
    whole: bool,
}

impl Events {
    /// The next event with its data; none at the stream's proper end.
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        // The service writes an event a chunk.
        loop {
            let Some(chunk) = self.chunks.next().unwrap() else {
                self.whole = true;
                return None;
            };
            let text = String::from_utf8(chunk).unwrap();
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            if let (Some(event), Some(data)) = (field("event"), field("data")) {
                return Some((event.to_owned(), serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// All events up to the stream's end.
    pub(crate) fn all(mut self) -> Vec<(String, Value)> {
        let events: Vec<_> = std::iter::from_fn(|| self.next()).collect();
        assert!(self.whole);
        events
    }
}
