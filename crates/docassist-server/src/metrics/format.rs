//! Metric families made at the moment of a scrape.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

type Labels = Vec<(&'static str, String)>;

enum Value {
    Counter(u64),
    CounterOf(f64),
    Gauge(f64),
    Histogram { sum: f64, buckets: Vec<(f64, u64)> },
}

/// Metrics of one name.
pub(crate) struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    metrics: Vec<(Labels, Value)>,
}

impl Family {
    fn new(name: &'static str, help: &'static str, kind: MetricType) -> Self {
        Self { name, help, kind, metrics: Vec::new() }
    }

    /// What only grows; the name is given `_total`.
    pub(crate) fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, MetricType::Counter)
    }

    /// What is as it is.
    pub(crate) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, MetricType::Gauge)
    }

    /// How often what was how large.
    pub(crate) fn histogram(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, MetricType::Histogram)
    }

    fn push(&mut self, labels: &[(&'static str, &str)], value: Value) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.metrics.push((labels, value));
    }

    pub(crate) fn add(&mut self, labels: &[(&'static str, &str)], count: u64) {
        self.push(labels, Value::Counter(count));
    }

    pub(crate) fn add_seconds(&mut self, labels: &[(&'static str, &str)], seconds: f64) {
        self.push(labels, Value::CounterOf(seconds));
    }

    pub(crate) fn set(&mut self, labels: &[(&'static str, &str)], value: f64) {
        self.push(labels, Value::Gauge(value));
    }

    pub(crate) fn with(mut self, labels: &[(&'static str, &str)], value: f64) -> Self {
        self.set(labels, value);
        self
    }

    /// `buckets`: upper bound (the last is `f64::INFINITY`) and how many are in it alone.
    pub(crate) fn add_histogram(&mut self, labels: &[(&'static str, &str)], sum: f64, buckets: Vec<(f64, u64)>) {
        self.push(labels, Value::Histogram { sum, buckets });
    }

    pub(crate) fn encode(self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if self.metrics.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(self.name, self.help, None, self.kind)?;
        for (labels, value) in &self.metrics {
            let mut metric = family.encode_family(labels)?;
            match value {
                Value::Counter(count) => ConstCounter::new(*count).encode(metric)?,
                Value::CounterOf(seconds) => ConstCounter::new(*seconds).encode(metric)?,
                Value::Gauge(value) => ConstGauge::new(*value).encode(metric)?,
                Value::Histogram { sum, buckets } => {
                    let count = buckets.iter().map(|(_, count)| count).sum();
                    metric.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)?;
                }
            }
        }
        Ok(())
    }
}
