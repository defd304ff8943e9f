//! Accepting connections, and ending without losing what is under way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use docassist_app::Service;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};
use tower::ServiceExt as _;

use crate::api::router_over;
use crate::state::{AppState, ServerConfig};

/// Connections at the same time: below the usual limit of 1,024 files is no service for a team, and each takes some 20 KiB.
const CONNECTIONS: usize = 10_000;
/// A client that takes longer to send its headers holds a connection for nothing.
const HEADER_TIME: Duration = Duration::from_secs(15);
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
            // Small answers leave at once.
            let _ = stream.set_nodelay(true);
            let router = router.clone();
            let service = service_fn(move |request: hyper::Request<Incoming>| handle(router.clone(), peer, request));
            let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service).into_owned());
            tokio::spawn(async move {
                // A broken connection is its client's affair.
                let _ = connection.await;
                drop(permit);
            });
        }
        state.ending.store(true, Ordering::Release);
        drop(listener);
        if timeout(state.config.grace, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not end in time and were dropped");
        }
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
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

async fn handle(
    router: Router,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    let mut request: Request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}
