//! The HTTP client of this crate.

use std::io::Read;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::{StatusCode, Url};

use crate::error::{EmbedError, Result};

/// Longest part of a server's own words that goes into a message, in characters.
const WORDS: usize = 200;

/// A client whose single waits (for a connection, for the next bytes) end after `patience`.
pub(crate) fn client(patience: Duration, configure: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client> {
    // Installed by somebody before, it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().timeout(patience).connect_timeout(patience.min(Duration::from_secs(10)));
    configure(builder).build().map_err(|error| EmbedError::Setting(format!("no request can be made: {error}")))
}

/// Reads an address from a setting.
pub(crate) fn address(text: &str) -> Result<Url> {
    let wrong = |reason: &str| EmbedError::Setting(format!("{text:?} is no address of a server: {reason}"));
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it does not begin with http:// or https://"));
    }
    // It appears in messages and logs.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EmbedError::Setting(
            "an address with a password in it is not taken; give the key apart".to_owned(),
        ));
    }
    Ok(url)
}

/// An address as messages show it: without what may be secret.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// Whether another attempt may fare better.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// How long the server asks to wait, if it says so in seconds.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Reads a body of at most `limit` bytes until `deadline`. A client's own limit is for each wait, so that a server which
/// sends a byte now and then would hold it for ever.
pub(crate) fn body(mut response: Response, limit: usize, deadline: Instant) -> std::result::Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        if Instant::now() > deadline {
            return Err("it is too slow".to_owned());
        }
        match response.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(count) if bytes.len() + count > limit => return Err(format!("its answer is longer than {limit} bytes")),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(reason(&error)),
        }
    }
}

/// An error with what it comes from, since the outermost often says only that something failed.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// A server's own words about a failure, short and on one line.
pub(crate) fn words(status: StatusCode, body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let said = json.as_ref().and_then(|json| {
        [&json["error"]["message"], &json["error"], &json["message"], &json["detail"]]
            .into_iter()
            .find_map(serde_json::Value::as_str)
    });
    let text = said.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    let text: Vec<&str> = text.split(|character: char| character.is_whitespace() || character.is_control()).collect();
    let text: String = text.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let short: String = text.chars().take(WORDS).collect();
    if short.is_empty() { status.to_string() } else { format!("{status}: {short}") }
}
