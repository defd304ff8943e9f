//! Live figures: the JSON of `GET /api/v1/ops/*`, and the samples that Prometheus scrapes.

mod postgres;
mod qdrant;
mod redis;

use crate::metrics::Metric;

pub use postgres::{Connections, PostgresFigures, Replica, SlowStatement, TableFigures, UnusedIndex};
pub use qdrant::{CollectionFigures, QdrantFigures};
pub use redis::RedisFigures;

/// One figure of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which metric.
    pub metric: &'static Metric,
    /// Values of its labels, in their order.
    pub labels: Vec<String>,
    /// The figure.
    pub value: f64,
}

impl Sample {
    pub(crate) fn plain(metric: &'static Metric, value: f64) -> Self {
        Self { metric, labels: Vec::new(), value }
    }

    pub(crate) fn with(metric: &'static Metric, labels: impl Into<Vec<String>>, value: f64) -> Self {
        Self { metric, labels: labels.into(), value }
    }
}

/// A part of a whole, 0 to 1; none of nothing.
fn ratio(part: u64, rest: u64) -> Option<f64> {
    let whole = part.saturating_add(rest);
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests;
