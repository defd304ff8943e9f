//! The outermost layer: every request gets an id, an address, a time limit and a place in the figures; every failure
//! leaves as problem details; an answer that the caller has already leaves as 304.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use docassist_model::ErrorCode;
use futures_util::FutureExt as _;
use hyper::header::{ACCEPT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, VARY};
use hyper::{Method, StatusCode};
use tower::{Layer as _, ServiceExt as _};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};
use tracing::Instrument as _;

use crate::answer::CACHE_STATUS;
use crate::extract::Client;
use crate::problem::Problem;
use crate::state::AppState;

/// The header of request ids.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const NO_SNIFF: HeaderName = HeaderName::from_static("x-content-type-options");
/// An answer depends on who asks and for which organisation.
const VARIES: HeaderValue = HeaderValue::from_static("authorization, docassist-org, accept-encoding");
/// Smaller answers gain nothing from compression.
const COMPRESS_ABOVE: u64 = 1024;
/// Longest id that a caller may choose.
const LONGEST_ID: usize = 64;
/// A request that takes longer is told of even where requests are not.
const SLOW: Duration = Duration::from_secs(1);
/// The route that files are sent to, which takes as long as the sender's line.
const UPLOADS: &str = "/api/v1/sync/tickets";

/// Handles a request.
pub(crate) async fn edge(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let client = client(request.headers(), request.extensions().get(), state.config.proxies);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let has_already = request.headers().get(IF_NONE_MATCH).cloned();
    let limit = match &route {
        Some(route) if route.as_str() == UPLOADS => state.config.upload_time,
        _ => state.config.request_time,
    };
    let id = Arc::clone(&client.request_id);
    let refused = state.limits.check_address(client.address).err();
    request.extensions_mut().insert(client);
    let mut response = match refused {
        Some(problem) => problem.render(&id),
        None => {
            let span = span(&method, route.as_ref(), &id);
            let work = AssertUnwindSafe(run(next, request).instrument(span)).catch_unwind();
            match within(limit, work).await {
                Ok(Ok(response)) => response,
                Ok(Err(_)) => Problem::new(ErrorCode::Internal, "the handler panicked").render(&id),
                Err(_) => {
                    let message = format!("no answer within {} s", limit.as_secs());
                    Problem::new(ErrorCode::Timeout, message).render(&id)
                }
            }
        }
    };
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            response = problem.render(&id);
        } else if !is_problem(response.headers()) {
            response = Problem::of_status(status).render(&id);
        }
    } else if let Some(has_already) = has_already
        && status == StatusCode::OK
        && (method == Method::GET || method == Method::HEAD)
        && response.headers().get(ETAG).is_some_and(|etag| matches(&has_already, etag))
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        // Of no known length: a length of 0 would be told, and taken for the answer's own (RFC 9110, 8.6).
        *response.body_mut() = Body::from_stream(futures_util::stream::empty::<Result<Bytes, Infallible>>());
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    finish(&mut response, &method, &id);
    let took = began.elapsed();
    let name = route.as_ref().map_or("none", MatchedPath::as_str);
    state.metrics.request(&method, name, response.status(), took);
    log(&method, name, response.status(), took, &id);
    response
}

/// Waits for work for a limited time. A hit is ready at once, and needs no timer.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, tokio::time::error::Elapsed> {
    let mut work = std::pin::pin!(work);
    match futures_util::poll!(work.as_mut()) {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => tokio::time::timeout(limit, work).await,
    }
}

/// Runs the handler, and compresses its answer where the caller takes that.
async fn run(next: Next, request: Request) -> Response {
    if !request.headers().contains_key(ACCEPT_ENCODING) {
        return next.run(request).await;
    }
    let worth =
        SizeAbove::new(COMPRESS_ABOVE).and(NotForContentType::new("text/event-stream")).and(NotForContentType::IMAGES);
    let compressed = CompressionLayer::new().compress_when(worth).layer(next).oneshot(request).await;
    match compressed {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

fn finish(response: &mut Response, method: &Method, id: &Arc<str>) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(NO_SNIFF, HeaderValue::from_static("nosniff"));
    headers.insert(VARY, VARIES);
    if !headers.contains_key(CACHE_STATUS) {
        // RFC 9211: why the cache was not asked.
        let read = *method == Method::GET || *method == Method::HEAD;
        let text = if read { "docassist; fwd=bypass" } else { "docassist; fwd=method" };
        headers.insert(CACHE_STATUS, HeaderValue::from_static(text));
    }
}

fn is_problem(headers: &HeaderMap) -> bool {
    let content_type = headers.get(hyper::header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(crate::problem::PROBLEM_JSON.as_bytes()))
}

/// A span only where somebody collects them: making one costs as much as a hit.
fn span(method: &Method, route: Option<&MatchedPath>, id: &Arc<str>) -> tracing::Span {
    let route = route.map_or("none", MatchedPath::as_str);
    tracing::debug_span!("request", otel.name = route, otel.kind = "server", %method, route, request_id = %id)
}

/// Requests are told of at the level `debug`; slow and failed ones always.
fn log(method: &Method, route: &str, status: StatusCode, took: Duration, id: &Arc<str>) {
    let (status, took_us) = (status.as_u16(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    if status >= 500 {
        tracing::error!(%method, route, status, took_us, request_id = %id, "request failed");
    } else if took > SLOW {
        tracing::warn!(%method, route, status, took_us, request_id = %id, "slow request");
    } else {
        tracing::debug!(%method, route, status, took_us, request_id = %id, "request");
    }
}

/// Whether one of the tags of `If-None-Match` is the answer's, compared weakly as it is to be (RFC 9110, 13.1.2).
fn matches(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (Ok(tags), Ok(etag)) = (tags.to_str(), etag.to_str()) else { return false };
    tags.trim() == "*" || tags.split(',').any(|tag| weak(tag) == weak(etag))
}

fn client(headers: &HeaderMap, peer: Option<&ConnectInfo<SocketAddr>>, proxies: usize) -> Client {
    let chosen = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| {
        !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    });
    let request_id = chosen.map_or_else(new_id, Arc::from);
    let peer = peer.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let forwarded = headers.contains_key(FORWARDED_FOR) || headers.contains_key(FORWARDED);
    let address = match proxies {
        0 => peer,
        // Each proxy appends who asked it. What stands further left was sent by the caller and may be anything.
        proxies => {
            let all = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
            let addresses: Vec<&str> = all.flat_map(|value| value.split(',')).map(str::trim).collect();
            let from_end = addresses.len().checked_sub(proxies).and_then(|at| addresses.get(at));
            from_end.and_then(|text| text.parse().ok()).unwrap_or(peer)
        }
    };
    Client { address, forwarded, request_id }
}

/// An id that no other request has: random, in hexadecimal digits. Not a secret.
fn new_id() -> Arc<str> {
    use std::cell::Cell;
    use std::hash::{BuildHasher as _, RandomState};
    thread_local! {
        static NEXT: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }
    let (seed, count) = NEXT.get();
    let seed = if seed == 0 { RandomState::new().hash_one(std::thread::current().id()) | 1 } else { seed };
    NEXT.set((seed, count.wrapping_add(1)));
    // SplitMix64: every count gives another number.
    let mut bits = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let mut text = [0; 16];
    for (at, letter) in text.iter_mut().enumerate() {
        *letter = b"0123456789abcdef"[(bits >> (60 - 4 * at) & 15) as usize];
    }
    std::str::from_utf8(&text).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_proxies_are_believed_about_addresses() {
        let peer = ConnectInfo("10.0.0.1:5000".parse().unwrap());
        let sent = headers(&[("x-forwarded-for", "1.2.3.4, 192.0.2.7")]);
        let address = |proxies| client(&sent, Some(&peer), proxies).address.to_string();
        assert_eq!(address(0), "10.0.0.1");
        assert_eq!(address(1), "192.0.2.7");
        assert_eq!(address(2), "1.2.3.4");
        assert_eq!(address(3), "10.0.0.1", "nobody can have sent that many");
        let garbage = headers(&[("x-forwarded-for", "unknown")]);
        assert_eq!(client(&garbage, Some(&peer), 1).address.to_string(), "10.0.0.1");
    }

    #[test]
    fn a_good_id_is_kept_and_a_bad_one_replaced() {
        let id = |value| client(&headers(&[("x-request-id", value)]), None, 0).request_id.to_string();
        assert_eq!(id("abc-1.2_3"), "abc-1.2_3");
        for bad in ["", "a b", "a\"b", "<script>"] {
            let made = id(bad);
            assert!(made.len() == 16 && made.bytes().all(|b| b.is_ascii_hexdigit()), "{made}");
        }
        let many: std::collections::HashSet<_> = (0..10_000).map(|_| new_id()).collect();
        assert_eq!(many.len(), 10_000);
    }

    #[test]
    fn tags_are_compared_weakly() {
        let of = HeaderValue::from_static;
        for tags in ["W/\"a\"", "\"a\"", "\"b\", W/\"a\"", "*"] {
            assert!(matches(&of(tags), &of("W/\"a\"")), "{tags}");
        }
        for tags in ["\"b\"", "a", "", "W/"] {
            assert!(!matches(&of(tags), &of("W/\"a\"")), "{tags}");
        }
    }
}
