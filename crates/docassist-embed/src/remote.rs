//! Vectors from a server: any that speaks OpenAI's embeddings protocol, or Ollama's.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde_json::json;

use crate::error::{EmbedError, Result};
use crate::{Embedder, http, to_unit_length};

/// Bytes of JSON that one number takes at most, with room for servers that print it long.
const BYTES_PER_NUMBER: usize = 40;
/// Numbers of a vector, at most: four times the widest model in use. It bounds an answer's size before the width is known.
const MAX_DIMS: usize = 16_384;
/// Longest time that a server's `Retry-After` is followed.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `POST {base}/embeddings`, as OpenAI, vLLM, llama.cpp, TEI and many more have it.
    OpenAi,
    /// `POST {base}/api/embed`.
    Ollama,
}

/// A server and how it is asked.
#[derive(Clone)]
pub struct RemoteConfig {
    /// Its address, up to what the protocol adds: `https://api.example.com/v1`, `http://localhost:11434`.
    pub base: String,
    /// What it speaks.
    pub protocol: Protocol,
    /// The model's name there.
    pub model: String,
    /// Sent as a bearer token, and never shown.
    pub key: Option<String>,
    /// Numbers in each vector; asked of the server with a first text where it is not known.
    pub dims: Option<usize>,
    /// Longest wait for a connection or for the next bytes of an answer.
    pub patience: Duration,
    /// No further attempt begins, and no more of an answer is read, this long after a batch was first sent.
    pub deadline: Duration,
    /// How often a batch is sent before its failure is told.
    pub attempts: u32,
    /// Texts in one request.
    pub batch_texts: usize,
    /// Bytes of texts in one request, unless a single text is longer.
    pub batch_bytes: usize,
    /// Bytes of a text; what follows is not sent. Servers refuse what their model cannot take.
    pub text_bytes: usize,
}

impl RemoteConfig {
    /// Limits that suit a server in reach: 30 s of patience, a minute for a batch, three attempts, 64 texts or 256 KiB at a
    /// time, 8 KiB of each.
    #[must_use]
    pub fn new(protocol: Protocol, base: &str, model: &str) -> Self {
        Self {
            base: base.to_owned(),
            protocol,
            model: model.to_owned(),
            key: None,
            dims: None,
            patience: Duration::from_secs(30),
            deadline: Duration::from_secs(60),
            attempts: 3,
            batch_texts: 64,
            batch_bytes: 256 * 1024,
            text_bytes: 8 * 1024,
        }
    }
}

impl fmt::Debug for RemoteConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RemoteConfig")
            .field("base", &self.base)
            .field("protocol", &self.protocol)
            .field("model", &self.model)
            .field("key", &self.key.as_ref().map(|_| "…"))
            .finish_non_exhaustive()
    }
}

/// A server that embeds. Its methods wait for the network: call them where a thread may block, and not within async code.
#[derive(Debug)]
pub struct Remote {
    id: String,
    dims: usize,
    config: RemoteConfig,
    url: Url,
    client: Client,
}

impl Remote {
    /// Checks the settings. If the width of vectors is not among them, asks the server to embed one word.
    ///
    /// # Errors
    /// [`EmbedError::Setting`] for an address that is none; those of [`Embedder::embed`] where the server is asked.
    pub fn connect(config: RemoteConfig) -> Result<Self> {
        let mut url = http::address(&config.base)?;
        let path = match config.protocol {
            Protocol::OpenAi => "embeddings",
            Protocol::Ollama => "api/embed",
        };
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        // A redirect would turn the request into another one, or take the key elsewhere.
        let client = http::client(config.patience, |builder| builder.redirect(Policy::none()))?;
        let mut remote = Self { id: String::new(), dims: 0, config, url, client };
        remote.dims = match remote.config.dims {
            Some(dims) if dims == 0 || dims > MAX_DIMS => {
                return Err(EmbedError::Setting(format!("vectors have 1 to {MAX_DIMS} numbers, not {dims}")));
            }
            Some(dims) => dims,
            None => remote.batch(&["documentation"])?.first().map_or(0, Vec::len),
        };
        // Servers give the same name to different files of a model, so that the address belongs to the identity.
        remote.id = format!("{}#{}/{}", http::shown(&remote.url), remote.config.model, remote.dims);
        Ok(remote)
    }

    /// Sends one batch until it succeeds or that has become hopeless.
    fn batch(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let deadline = Instant::now() + self.config.deadline;
        let mut pause = Duration::from_millis(250);
        for attempt in 1.. {
            let failure = match self.attempt(texts, deadline) {
                Ok(vectors) => return Ok(vectors),
                Err(failure) => failure,
            };
            let wait = failure.wait.map_or(pause, |wait| wait.min(MAX_WAIT));
            if !failure.passing || attempt >= self.config.attempts || Instant::now() + wait > deadline {
                return Err(failure.error);
            }
            std::thread::sleep(wait);
            pause *= 2;
        }
        Err(EmbedError::Setting("no attempt is allowed".to_owned()))
    }

    fn attempt(&self, texts: &[&str], deadline: Instant) -> std::result::Result<Vec<Vec<f32>>, Failure> {
        let url = || http::shown(&self.url);
        let unreachable = |reason: String| Failure {
            error: EmbedError::Unreachable { url: url(), reason },
            passing: true,
            wait: None,
        };
        let model = &self.config.model;
        let body = match self.config.protocol {
            Protocol::OpenAi => json!({"model": model, "input": texts, "encoding_format": "float"}),
            Protocol::Ollama => json!({"model": model, "input": texts, "truncate": true}),
        };
        let request = self.client.post(self.url.clone()).json(&body);
        let request = match &self.config.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let response = request.send().map_err(|error| unreachable(http::reason(&error.without_url())))?;
        let status = response.status();
        let wait = http::retry_after(&response);
        let width = if self.dims == 0 { MAX_DIMS } else { self.dims };
        let limit = 64 * 1024 + texts.len() * width * BYTES_PER_NUMBER;
        let body = http::body(response, limit, deadline).map_err(unreachable)?;
        if !status.is_success() {
            let reason = http::words(status, &body);
            let error = EmbedError::Refused { url: url(), reason };
            return Err(Failure { error, passing: http::is_passing(status), wait });
        }
        self.read(&body, texts.len()).map_err(|reason| Failure {
            error: EmbedError::WrongAnswer { url: url(), reason },
            passing: false,
            wait: None,
        })
    }

    /// Takes nothing on trust: a wrong vector would be found in answers, not in a log.
    fn read(&self, body: &[u8], count: usize) -> std::result::Result<Vec<Vec<f32>>, String> {
        let mut vectors = match self.config.protocol {
            Protocol::OpenAi => {
                let answer: OpenAiAnswer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
                let found = answer.data.len();
                let mut by_index: HashMap<usize, Vec<f32>> = HashMap::new();
                for (place, item) in answer.data.into_iter().enumerate() {
                    if by_index.insert(item.index.unwrap_or(place), item.embedding).is_some() {
                        return Err("two vectors for one text".to_owned());
                    }
                }
                let vectors: Option<Vec<_>> = (0..count).map(|index| by_index.remove(&index)).collect();
                vectors
                    .filter(|_| by_index.is_empty())
                    .ok_or_else(|| format!("{found} vectors for {count} texts, or wrongly numbered"))?
            }
            Protocol::Ollama => {
                let answer: OllamaAnswer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
                answer.embeddings
            }
        };
        if vectors.len() != count {
            return Err(format!("{} vectors for {count} texts", vectors.len()));
        }
        let dims = if self.dims == 0 { vectors.first().map_or(0, Vec::len) } else { self.dims };
        if dims == 0 || dims > MAX_DIMS {
            return Err(format!("vectors of {dims} numbers"));
        }
        for vector in &mut vectors {
            if vector.len() != dims {
                return Err(format!("a vector of {} numbers where {dims} were expected", vector.len()));
            }
            if !vector.iter().all(|value| value.is_finite()) {
                return Err("a vector with an infinite number".to_owned());
            }
            to_unit_length(vector);
        }
        Ok(vectors)
    }

    /// A text as it is sent.
    fn cut<'t>(&self, text: &'t str) -> &'t str {
        let text = &text[..text.floor_char_boundary(self.config.text_bytes)];
        // Servers refuse a request with an empty text, and with it all others of the batch.
        if text.trim().is_empty() { "." } else { text }
    }
}

impl Embedder for Remote {
    fn id(&self) -> &str {
        &self.id
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut batch: Vec<&str> = Vec::new();
        let mut bytes = 0;
        for text in texts.iter().map(|text| self.cut(text)) {
            let full = batch.len() >= self.config.batch_texts || bytes + text.len() > self.config.batch_bytes;
            if full && !batch.is_empty() {
                vectors.extend(self.batch(&batch)?);
                batch.clear();
                bytes = 0;
            }
            bytes += text.len();
            batch.push(text);
        }
        if !batch.is_empty() {
            vectors.extend(self.batch(&batch)?);
        }
        Ok(vectors)
    }
}

struct Failure {
    error: EmbedError,
    passing: bool,
    wait: Option<Duration>,
}

#[derive(Deserialize)]
struct OpenAiAnswer {
    data: Vec<OpenAiItem>,
}

#[derive(Deserialize)]
struct OpenAiItem {
    index: Option<usize>,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct OllamaAnswer {
    embeddings: Vec<Vec<f32>>,
}

#[cfg(test)]
mod tests;
