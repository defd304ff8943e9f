//! The connection: calls that wait for their answer, no longer than they may, and errors that say what is wrong.

use std::future::Future;
use std::time::Duration;

use qdrant_client::{Qdrant, QdrantError};
use tokio::runtime::{Builder, Runtime};

use crate::index::{IndexError, Result};

/// Threads that read and write the connection. Work is done by the server; these only pass it on.
const THREADS: usize = 2;

pub(super) struct Connection {
    client: Qdrant,
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    /// Without what could be secret in it.
    address: String,
    timeout: Duration,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection that is made when it is first used.
    pub(super) fn new(url: &str, key: Option<&str>, timeout: Duration) -> Result<Self> {
        let invalid = |what: String| IndexError::Options(what);
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if !matches!(scheme, "http" | "https") || authority.is_empty() || authority.contains('@') {
            return Err(invalid("the search server's address has to be http://HOST:PORT or https://HOST:PORT".into()));
        }
        // The client would print a key that it cannot send.
        if key.is_some_and(|key| key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(invalid("the search server's key has characters that cannot be sent".into()));
        }
        let address = format!("{scheme}://{authority}");
        let client = Qdrant::from_url(&address)
            .timeout(timeout)
            .connect_timeout(timeout)
            .keep_alive_while_idle()
            // It would connect here, and print what it thinks of the answer.
            .skip_compatibility_check()
            .api_key(key.map(str::to_owned))
            .build()
            .map_err(|error| invalid(format!("the search server's address {address} cannot be used: {error}")))?;
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("qdrant").enable_all().build()?;
        Ok(Self { client, runtime: Some(runtime), address, timeout })
    }

    /// Waits for an answer. The calling thread blocks; it may be one of another runtime's, though it should not.
    pub(super) fn call<T, F>(&self, request: impl FnOnce(Qdrant) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = std::result::Result<T, QdrantError>> + Send + 'static,
    {
        let Some(runtime) = &self.runtime else { return Err(self.failed("it is closed")) };
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        let answer = request(self.client.clone());
        let timeout = self.timeout;
        runtime.spawn(async move {
            // Who waits is there until the answer is.
            let _sent = send.send(tokio::time::timeout(timeout, answer).await);
        });
        match receive.recv() {
            Ok(Ok(answer)) => answer.map_err(|error| self.explain(&error)),
            Ok(Err(_)) => Err(self.too_late()),
            Err(_) => Err(self.failed("a request was cut short")),
        }
    }

    pub(super) fn failed(&self, what: impl std::fmt::Display) -> IndexError {
        IndexError::Engine(format!("{}: {what}", self.address))
    }

    fn unreachable(&self, reason: String) -> IndexError {
        IndexError::Unreachable { address: self.address.clone(), reason }
    }

    fn too_late(&self) -> IndexError {
        self.unreachable(format!("it did not answer within {:?}", self.timeout))
    }

    fn explain(&self, error: &QdrantError) -> IndexError {
        let status = match error {
            QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => status,
            other => return self.failed(other),
        };
        let message = status.message();
        // Codes of gRPC by number: the crate that names them is the client's own.
        match status.code() as i32 {
            UNAUTHENTICATED | PERMISSION_DENIED => IndexError::Unauthorised { address: self.address.clone() },
            DEADLINE_EXCEEDED => self.too_late(),
            CANCELLED if message.contains("Timeout") => self.too_late(),
            NOT_FOUND => IndexError::Missing { address: self.address.clone() },
            _ => match refused(message) {
                Some(reason) => self.unreachable(reason.into()),
                None if status.code() as i32 == UNAVAILABLE => self.unreachable(message.into()),
                None => self.failed(message),
            },
        }
    }
}

const CANCELLED: i32 = 1;
const DEADLINE_EXCEEDED: i32 = 4;
const NOT_FOUND: i32 = 5;
const PERMISSION_DENIED: i32 = 7;
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

/// Why there is no connection, in the words of the errors that the client prints whole.
fn refused(message: &str) -> Option<&'static str> {
    let known = [
        ("ConnectionRefused", "nothing listens there"),
        ("Connection refused", "nothing listens there"),
        ("dns error", "its name cannot be resolved"),
        ("certificate", "its certificate is not trusted"),
        ("TimedOut", "it did not answer"),
        ("deadline has elapsed", "it did not answer"),
        ("HTTP/2", "it does not speak gRPC; the port for gRPC is 6334 where nothing else was chosen"),
        ("http2 error", "the connection broke, or it does not speak gRPC"),
        ("transport error", "the connection broke"),
        ("Failed to connect", "no connection can be made"),
    ];
    known.into_iter().find_map(|(part, reason)| message.contains(part).then_some(reason))
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropping it would wait, which a thread of another runtime must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
