//! Figures for Prometheus: requests, and at each scrape what cache, graphs, jobs and process have counted.

mod format;
mod servers;
mod service;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use prometheus_client::encoding::DescriptorEncoder;

use crate::state::AppState;
pub(crate) use format::Family;

/// The upper bounds of the buckets of latencies, in seconds: a hit is below the first ones, a slow export beyond the last.
const BUCKETS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Counters of requests.
pub struct Metrics {
    routes: RwLock<HashMap<Route, Arc<Requests>>>,
    started: Instant,
}

type Route = (Method, Box<str>);

/// Requests of one route.
#[derive(Default)]
struct Requests {
    /// By status: those below 100 and above 599 do not happen.
    statuses: RwLock<HashMap<StatusCode, Arc<AtomicU64>>>,
    buckets: [AtomicU64; BUCKETS.len() + 1],
    nanos: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { routes: RwLock::default(), started: Instant::now() }
    }
}

thread_local! {
    /// The route that this thread counted last: most often the next one is the same, and needs no look-up.
    static LAST: std::cell::RefCell<Option<(usize, Route, Arc<Requests>)>> = const { std::cell::RefCell::new(None) };
}

impl Metrics {
    /// Counts a request.
    pub(crate) fn request(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let me = std::ptr::from_ref(self) as usize;
        LAST.with_borrow_mut(|last| match last {
            Some((of, known, requests)) if *of == me && known.0 == *method && *known.1 == *route => {
                requests.count(status, took);
            }
            _ => {
                let name: Route = (method.clone(), route.into());
                let requests = self.of(&name);
                requests.count(status, took);
                *last = Some((me, name, requests));
            }
        });
    }

    fn of(&self, route: &Route) -> Arc<Requests> {
        if let Some(requests) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route) {
            return Arc::clone(requests);
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(routes.entry(route.clone()).or_default())
    }

    /// The text of a scrape.
    pub(crate) fn text(state: &AppState) -> Result<String, fmt::Error> {
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register_collector(Box::new(Scrape(state.clone())));
        let mut text = String::with_capacity(32 << 10);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Requests {
    fn count(&self, status: StatusCode, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Some(count) = self.statuses.read().unwrap_or_else(PoisonError::into_inner).get(&status) {
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut statuses = self.statuses.write().unwrap_or_else(PoisonError::into_inner);
        statuses.entry(status).or_default().fetch_add(1, Ordering::Relaxed);
    }
}

/// One scrape.
struct Scrape(AppState);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl prometheus_client::collector::Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.metrics.encode(&mut encoder)?;
        service::encode(&self.0, &mut encoder)?;
        servers::encode(&self.0, &mut encoder)
    }
}

impl Metrics {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut routes: Vec<(Route, Arc<Requests>)> = {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            routes.iter().map(|(route, requests)| (route.clone(), Arc::clone(requests))).collect()
        };
        routes.sort_by(|(a, _), (b, _)| a.1.cmp(&b.1).then_with(|| a.0.as_str().cmp(b.0.as_str())));
        let mut counts = Family::counter("docassist_http_requests", "Requests by route and status");
        let mut times = Family::histogram("docassist_http_request_duration_seconds", "Time to the answer's headers");
        for ((method, route), requests) in &routes {
            let labels = [("method", method.as_str()), ("route", route.as_ref())];
            let statuses = requests.statuses.read().unwrap_or_else(PoisonError::into_inner);
            let mut statuses: Vec<_> = statuses.iter().collect();
            statuses.sort_by_key(|(status, _)| **status);
            for (status, count) in statuses {
                let status = status.as_str();
                counts.add(&[labels[0], labels[1], ("status", status)], count.load(Ordering::Relaxed));
            }
            let buckets: Vec<(f64, u64)> = BUCKETS
                .into_iter()
                .chain([f64::INFINITY])
                .zip(&requests.buckets)
                .map(|(bound, count)| (bound, count.load(Ordering::Relaxed)))
                .collect();
            times.add_histogram(&labels, requests.nanos.load(Ordering::Relaxed) as f64 / 1e9, buckets);
        }
        counts.encode(encoder)?;
        times.encode(encoder)?;
        let up = self.started.elapsed().as_secs_f64();
        Family::gauge("docassist_uptime_seconds", "Time since the start").with(&[], up).encode(encoder)
    }
}
