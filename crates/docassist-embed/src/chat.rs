//! Answers of a language model behind any endpoint that speaks OpenAI's chat protocol: Ollama, vLLM, llama.cpp, hosted ones.
//!
//! Nothing is taken on trust: an answer has a longest length and a latest end, whatever the server sends, and no attempt is
//! repeated, since whoever waits for an answer has another one at hand.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::error::{EmbedError, Result};
use crate::http;

/// Bytes of one line of a stream: far more than a piece of an answer takes.
const MAX_LINE: u64 = 256 * 1024;
/// Bytes of an answer. One that goes on and on is cut here and is no answer.
const MAX_ANSWER: usize = 64 * 1024;
/// Bytes of a server's words about a failure.
const MAX_REFUSAL: usize = 64 * 1024;

/// An endpoint and how it is asked.
#[derive(Clone)]
pub struct ChatConfig {
    /// Its address, up to `/chat/completions`: `http://localhost:11434/v1`, `https://api.example.com/v1`.
    pub base: String,
    /// The model's name there.
    pub model: String,
    /// Sent as a bearer token, and never shown.
    pub key: Option<String>,
    /// Longest wait for a connection, for the first bytes and for the next ones.
    pub patience: Duration,
    /// The whole answer has to be there this long after the question was sent.
    pub deadline: Duration,
    /// Tokens of an answer, asked of the server.
    pub max_tokens: u32,
}

impl ChatConfig {
    /// Limits that suit a local model: 30 s of patience, a minute in all, 600 tokens.
    #[must_use]
    pub fn new(base: &str, model: &str) -> Self {
        Self {
            base: base.to_owned(),
            model: model.to_owned(),
            key: None,
            patience: Duration::from_secs(30),
            deadline: Duration::from_secs(60),
            max_tokens: 600,
        }
    }
}

impl fmt::Debug for ChatConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ChatConfig")
            .field("base", &self.base)
            .field("model", &self.model)
            .field("key", &self.key.as_ref().map(|_| "…"))
            .finish_non_exhaustive()
    }
}

/// An endpoint. Its methods wait for the network: call them where a thread may block, and not within async code.
#[derive(Debug)]
pub struct Chat {
    config: ChatConfig,
    url: Url,
    client: Client,
}

impl Chat {
    /// Checks the settings. Nothing is sent.
    ///
    /// # Errors
    /// [`EmbedError::Setting`] for an address that is none.
    pub fn new(config: ChatConfig) -> Result<Self> {
        let mut url = http::address(&config.base)?;
        url.set_path(&format!("{}/chat/completions", url.path().trim_end_matches('/')));
        // A redirect would take the question, and the key, elsewhere.
        let client = http::client(config.patience, |builder| builder.redirect(Policy::none()))?;
        Ok(Self { config, url, client })
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.config.model
    }

    /// The endpoint's address, without what may be secret.
    #[must_use]
    pub fn address(&self) -> String {
        http::shown(&self.url)
    }

    /// Sends `messages` (role and content) and returns the whole answer. `piece` is given each part as it comes, and whether to
    /// go on is asked of it; a server that does not stream gives one.
    ///
    /// # Errors
    /// [`EmbedError::Unreachable`] where the server does not answer in time, [`EmbedError::Refused`] where it says no, or
    /// [`EmbedError::WrongAnswer`] where what it says is no answer. Pieces that were given before are no answer then.
    pub fn ask(&self, messages: &[(&str, &str)], piece: &mut dyn FnMut(&str) -> bool) -> Result<String> {
        let deadline = Instant::now() + self.config.deadline;
        let messages: Vec<Value> =
            messages.iter().map(|(role, content)| json!({"role": role, "content": content})).collect();
        let body = json!({
            "model": self.config.model,
            "messages": messages,
            "stream": true,
            // The same question gets the same answer, as far as the server can.
            "temperature": 0,
            "max_tokens": self.config.max_tokens,
        });
        let request = self.client.post(self.url.clone()).json(&body);
        let request = match &self.config.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let response = request.send().map_err(|error| self.unreachable(http::reason(&error.without_url())))?;
        let status = response.status();
        if !status.is_success() {
            let words = http::body(response, MAX_REFUSAL, deadline).unwrap_or_default();
            return Err(EmbedError::Refused { url: self.address(), reason: http::words(status, &words) });
        }
        let answer = if is_stream(&response) {
            self.stream(response, deadline, piece)?
        } else {
            let bytes = http::body(response, MAX_ANSWER * 8, deadline).map_err(|reason| self.unreachable(reason))?;
            let json: Value = serde_json::from_slice(&bytes).map_err(|error| self.wrong(error.to_string()))?;
            let text = json["choices"][0]["message"]["content"].as_str();
            let text = text.ok_or_else(|| self.wrong("it has no choices[0].message.content".to_owned()))?;
            if text.len() > MAX_ANSWER {
                return Err(self.wrong(too_long()));
            }
            piece(text);
            text.to_owned()
        };
        if answer.trim().is_empty() { Err(self.wrong("it is empty".to_owned())) } else { Ok(answer) }
    }

    /// Reads server-sent events: lines of `data: {…}`, and `data: [DONE]` at the end.
    fn stream(&self, response: Response, deadline: Instant, piece: &mut dyn FnMut(&str) -> bool) -> Result<String> {
        let mut reader = BufReader::new(response);
        let mut answer = String::new();
        let mut line = Vec::new();
        loop {
            if Instant::now() > deadline {
                return Err(self.unreachable("it is too slow".to_owned()));
            }
            line.clear();
            let count = (&mut reader)
                .take(MAX_LINE)
                .read_until(b'\n', &mut line)
                .map_err(|error| self.unreachable(http::reason(&error)))?;
            if count == 0 {
                // Some servers close the connection after the last piece; a cut one cannot be told from it.
                return Ok(answer);
            }
            if count as u64 == MAX_LINE {
                return Err(self.wrong(format!("a line is longer than {MAX_LINE} bytes")));
            }
            let text = String::from_utf8_lossy(&line);
            let Some(data) = text.trim().strip_prefix("data:").map(str::trim) else { continue };
            if data == "[DONE]" {
                return Ok(answer);
            }
            let json: Value = serde_json::from_str(data).map_err(|error| self.wrong(error.to_string()))?;
            if json.get("error").is_some_and(|error| !error.is_null()) {
                let reason = http::words(reqwest::StatusCode::OK, data.as_bytes());
                return Err(EmbedError::Refused { url: self.address(), reason });
            }
            let part = json["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
            if answer.len() + part.len() > MAX_ANSWER {
                return Err(self.wrong(too_long()));
            }
            answer.push_str(part);
            if !part.is_empty() && !piece(part) {
                return Err(self.wrong("nobody waits for it any more".to_owned()));
            }
        }
    }

    fn unreachable(&self, reason: String) -> EmbedError {
        EmbedError::Unreachable { url: self.address(), reason }
    }

    fn wrong(&self, reason: String) -> EmbedError {
        EmbedError::WrongAnswer { url: self.address(), reason }
    }
}

fn too_long() -> String {
    format!("it is longer than {MAX_ANSWER} bytes")
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}

#[cfg(test)]
mod tests;
