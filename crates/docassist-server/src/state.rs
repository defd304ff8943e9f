//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use docassist_app::{AppError, Service};
use docassist_model::ErrorCode;
use tokio::sync::Semaphore;

use crate::exports::Exports;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::problem::Problem;

/// How requests are treated.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// How long a request may take to be answered.
    pub request_time: Duration,
    /// How long sending files may take.
    pub upload_time: Duration,
    /// Bytes of a body, but for files.
    pub body_bytes: usize,
    /// Bytes of sent files.
    pub upload_bytes: u64,
    /// How many proxies stand before the service: so many addresses from the end of `X-Forwarded-For` are believed.
    pub proxies: usize,
    /// Requests per second of one user; 0: any number.
    pub user_rate: u32,
    /// Requests per second of one address; 0: any number.
    pub address_rate: u32,
    /// How long a stopping service waits for requests that are under way.
    pub grace: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            request_time: Duration::from_secs(30),
            upload_time: Duration::from_secs(15 * 60),
            body_bytes: 4 << 20,
            upload_bytes: 2 << 30,
            proxies: 0,
            user_rate: 100,
            address_rate: 200,
            grace: Duration::from_secs(30),
        }
    }
}

/// What all requests share. Cloning it copies a pointer.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What all requests share.
pub struct Shared {
    /// The service behind the routes.
    pub service: Arc<Service>,
    /// How requests are treated.
    pub config: ServerConfig,
    /// Rates.
    pub limits: Limits,
    /// Counters.
    pub metrics: Metrics,
    /// Streams of events at the same time.
    pub streams: Arc<Semaphore>,
    /// Exports at the same time: each holds a graph's text.
    pub exports: Exports,
    /// Passwords hashed at the same time: each takes 19 MiB and a core.
    pub hashing: Semaphore,
    /// Whether the service is ending: it is not ready any more.
    pub ending: AtomicBool,
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Streams of events at the same time.
const STREAMS: usize = 512;

impl AppState {
    pub(crate) fn new(service: Arc<Service>, config: ServerConfig) -> Self {
        let limits = Limits::new(config.user_rate, config.address_rate);
        Self(Arc::new(Shared {
            service,
            config,
            limits,
            metrics: Metrics::default(),
            streams: Arc::new(Semaphore::new(STREAMS)),
            exports: Exports::default(),
            hashing: Semaphore::new(2),
            ending: AtomicBool::new(false),
        }))
    }

    /// Runs what blocks on a thread that may.
    pub(crate) async fn blocking<T: Send + 'static>(
        self,
        work: impl FnOnce(&Service) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, Problem> {
        let service = Arc::clone(&self.service);
        match tokio::task::spawn_blocking(move || work(&service)).await {
            Ok(result) => result.map_err(Problem),
            Err(error) => Err(Problem::new(ErrorCode::Internal, format!("a request's work ended early: {error}"))),
        }
    }

    /// The same for work that hashes passwords: few at a time, so that guessing takes no more than two cores and the
    /// lock-out counts before the next try.
    pub(crate) async fn hashing<T: Send + 'static>(
        self,
        work: impl FnOnce(&Service) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, Problem> {
        let state = self.clone();
        let _permit = state.hashing.acquire().await;
        self.blocking(work).await
    }
}
