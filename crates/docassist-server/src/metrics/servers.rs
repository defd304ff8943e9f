//! What the servers behind the service told last. A scrape waits for none of them.

use std::fmt;

use docassist_ops::metrics::{METRICS, MetricKind};
use docassist_ops::monitor::Sample;
use prometheus_client::encoding::DescriptorEncoder;

use super::Family;
use crate::state::AppState;

pub(super) fn encode(state: &AppState, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let Some(figures) = state.service.monitor.latest() else { return Ok(()) };
    for family in families(&figures.samples()) {
        family.encode(encoder)?;
    }
    Ok(())
}

/// In the order of the table, all samples of a name together.
fn families(samples: &[Sample]) -> Vec<Family> {
    let of = |metric: &'static docassist_ops::metrics::Metric| {
        let mut family = match metric.kind {
            MetricKind::Counter => Family::counter(metric.family(), metric.help),
            // Servers tell no distributions.
            MetricKind::Gauge | MetricKind::Histogram => Family::gauge(metric.family(), metric.help),
        };
        for sample in samples.iter().filter(|sample| sample.metric.name == metric.name) {
            let labels: Vec<(&'static str, &str)> =
                metric.labels.iter().copied().zip(sample.labels.iter().map(String::as_str)).collect();
            match metric.kind {
                MetricKind::Counter => family.add(&labels, sample.value as u64),
                MetricKind::Gauge | MetricKind::Histogram => family.set(&labels, sample.value),
            }
        }
        family
    };
    METRICS.iter().map(|metric| of(metric)).collect()
}
