//! Every metric that the service exports, once: the exporter, the alert rules and the dashboard take names from here.

mod promql;
mod tables;

use serde::Serialize;

pub use promql::metric_names;
pub use tables::*;

/// What a metric does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// It only grows; its name ends with `_total`.
    Counter,
    /// It is as it is.
    Gauge,
    /// How often what was how large: `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// Who tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The service itself.
    Service,
    /// PostgreSQL, asked by the service.
    Postgres,
    /// Redis, asked by the service.
    Redis,
    /// Qdrant, asked by the service.
    Qdrant,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// As it is scraped, a counter with `_total`.
    pub name: &'static str,
    /// What it does.
    pub kind: MetricKind,
    /// What it counts.
    pub help: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// Its unit, empty for numbers and ratios.
    pub unit: &'static str,
    /// Who tells it.
    pub origin: Origin,
}

impl Metric {
    /// The name for an encoder that gives counters their `_total` itself.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self.kind {
            MetricKind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            MetricKind::Gauge | MetricKind::Histogram => self.name,
        }
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What Prometheus itself adds to each target: 1 where it could be scraped.
pub const UP: &str = "up";

/// The metric of a name as queries have it: a histogram's also with `_bucket`, `_sum` and `_count`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    let of = |name: &str| METRICS.iter().copied().find(|metric| metric.name == name);
    of(name).or_else(|| {
        ["_bucket", "_sum", "_count"]
            .into_iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .and_then(of)
            .filter(|metric| metric.kind == MetricKind::Histogram)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len(), "a name is there twice");
        for metric in METRICS {
            assert_eq!(metric.kind == MetricKind::Counter, metric.name.ends_with("_total"), "{metric}");
            assert!(metric.name.starts_with("docassist_") || metric.name.starts_with("process_"), "{metric}");
            assert!(!metric.help.is_empty() && !metric.help.ends_with('.'), "{metric}");
            if metric.unit == "seconds" || metric.unit == "bytes" {
                assert!(metric.family().ends_with(metric.unit), "{metric} is in {}", metric.unit);
            }
        }
    }

    #[test]
    fn histograms_are_found_by_their_parts() {
        assert_eq!(find("docassist_http_request_duration_seconds_bucket"), Some(&HTTP_DURATION));
        assert_eq!(find("docassist_http_requests_total"), Some(&HTTP_REQUESTS));
        assert_eq!(find("docassist_http_requests_total_sum"), None);
        assert_eq!(HTTP_REQUESTS.family(), "docassist_http_requests");
    }
}
