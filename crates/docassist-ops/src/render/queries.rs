//! PromQL that the dashboard and the alert rules share.

use crate::metrics::{
    CACHE_COMPUTATIONS, CACHE_COMPUTATIONS_SAVED, GRAPH_BUDGET, GRAPH_BYTES, HTTP_DURATION, HTTP_REQUESTS, Metric,
    POSTGRES_CONNECTIONS, POSTGRES_HEAP_HIT, POSTGRES_HEAP_READ, POSTGRES_MAX_CONNECTIONS, REDIS_HITS,
    REDIS_MEMORY_MAX, REDIS_MEMORY_USED, REDIS_MISSES,
};

/// So much a second over five minutes: four scrapes at least, and short enough to be seen in time.
pub(super) fn rate(metric: &Metric) -> String {
    format!("rate({metric}[5m])")
}

/// Requests that failed for a reason of ours, of all.
pub(super) fn error_ratio() -> String {
    format!("sum(rate({HTTP_REQUESTS}{{status=~\"5..\"}}[5m])) / sum({})", rate(&HTTP_REQUESTS))
}

/// The time within which this part of all requests was answered.
pub(super) fn latency(quantile: f64) -> String {
    format!("histogram_quantile({quantile}, sum by (le) (rate({HTTP_DURATION}_bucket[5m])))")
}

/// Requests answered without a computation, of those that the cache could answer.
pub(super) fn cache_ratio(by_family: bool) -> String {
    let by = if by_family { " by (family)" } else { "" };
    let (saved, computed) = (rate(&CACHE_COMPUTATIONS_SAVED), rate(&CACHE_COMPUTATIONS));
    format!("sum{by} ({saved}) / (sum{by} ({saved}) + sum{by} ({computed}))")
}

/// Memory of graphs, of what they may take; by process.
pub(super) fn graph_ratio() -> String {
    format!("sum by (instance) ({GRAPH_BYTES}) / sum by (instance) ({GRAPH_BUDGET})")
}

/// Connections, of what PostgreSQL takes. Every replica tells the same, so the largest counts once.
pub(super) fn connection_ratio() -> String {
    format!("max(sum by (instance) ({POSTGRES_CONNECTIONS})) / max({POSTGRES_MAX_CONNECTIONS})")
}

/// Blocks of tables found in shared buffers, of all that were read.
pub(super) fn buffer_ratio() -> String {
    let (hit, read) = (rate(&POSTGRES_HEAP_HIT), rate(&POSTGRES_HEAP_READ));
    format!("max({hit} / ({hit} + {read}))")
}

/// Keys that Redis had, of all that were looked up.
pub(super) fn redis_ratio() -> String {
    let (hits, misses) = (rate(&REDIS_HITS), rate(&REDIS_MISSES));
    format!("max({hits} / ({hits} + {misses}))")
}

/// Memory that Redis uses, of what it may.
pub(super) fn redis_memory_ratio() -> String {
    format!("max({REDIS_MEMORY_USED} / ({REDIS_MEMORY_MAX} > 0))")
}
