//! Accepting connections, and ending without losing what is under way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use docassist_app::Service;
use hyper::Version;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{interval, sleep, timeout};
use tower::ServiceExt as _;

use crate::api::router_over;
use crate::state::{AppState, ServerConfig};

/// Connections at the same time: below the usual limit of 1,024 files is no service for a team, and each takes some 20 KiB.
const CONNECTIONS: usize = 10_000;
/// A client that takes longer to send its headers holds a connection for nothing.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// An ending service reads this long what clients have sent already: a connection on which nothing was read yet is closed,
/// with whatever is on its way.
const LAST_CALL: Duration = Duration::from_millis(100);
/// Streams of one connection of HTTP/2.
const STREAMS: u32 = 200;
/// How often idle rates are forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// A service that listens.
pub struct Bound {
    listener: TcpListener,
    state: AppState,
}

/// Listens at an address.
///
/// # Errors
/// When the address cannot be had.
pub async fn bind(address: SocketAddr, service: Arc<Service>, config: ServerConfig) -> io::Result<Bound> {
    let listener = TcpListener::bind(address).await?;
    Ok(Bound { listener, state: AppState::new(service, config) })
}

impl Bound {
    /// Where it listens: the port is the real one where 0 was asked for.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `end` is ready; then takes no more connections, lets requests that are under way finish, and returns.
    /// Whoever asks again meanwhile over a kept connection is told to make no further use of it.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let Self { listener, state } = self;
        let router = router_over(state.clone());
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
        server.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
        let graceful = GracefulShutdown::new();
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let mut forget = interval(FORGET);
        tokio::pin!(end);
        let start = |stream: TcpStream, peer, permit: Option<OwnedSemaphorePermit>| {
            // Small answers leave at once.
            let _ = stream.set_nodelay(true);
            let (router, state) = (router.clone(), state.clone());
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                handle(router.clone(), state.clone(), peer, request)
            });
            let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service).into_owned());
            tokio::spawn(async move {
                // A broken connection is its client's affair.
                let _ = connection.await;
                drop(permit);
            });
        };
        loop {
            let accepted = tokio::select! {
                () = &mut end => break,
                _ = forget.tick() => {
                    state.limits.forget_idle();
                    continue;
                }
                accepted = accept(&listener, &connections) => accepted,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            start(stream, peer, Some(permit));
        }
        state.ending.store(true, Ordering::Release);
        for (stream, peer) in waiting(listener) {
            start(stream, peer, None);
        }
        sleep(LAST_CALL).await;
        if timeout(state.config.grace, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not end in time and were dropped");
        }
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        Err(error) => {
            // Out of files, most likely: others will close theirs.
            tracing::warn!(%error, "a connection could not be taken");
            sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Closes the listener, and returns the connections that the system has taken for it: without that their clients, who may
/// have sent a request, would find them reset.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    // It stays as it is with Tokio: accepting does not wait.
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let accepted = std::iter::from_fn(|| listener.accept().ok());
    accepted
        .take(CONNECTIONS)
        .filter_map(|(stream, peer)| {
            stream.set_nonblocking(true).ok()?;
            Some((TcpStream::from_std(stream).ok()?, peer))
        })
        .collect()
}

async fn handle(
    router: Router,
    state: AppState,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    let mut request: Request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let has_streams = request.version() == Version::HTTP_2;
    let mut response = router.oneshot(request).await?;
    // HTTP/2 has a message of its own for that.
    if !has_streams && state.ending.load(Ordering::Acquire) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
