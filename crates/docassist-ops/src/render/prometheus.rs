//! `prometheus.yml` and `alerts.yml`.

mod rules;

use super::head;
use crate::plan::{Plan, Service};
use crate::quantity::GIB;

/// The job's name, by which alerts and the dashboard find our targets.
pub(super) const JOB: &str = "docassist";

pub(super) fn scrape(plan: &Plan) -> String {
    let head = head(plan, "What Prometheus reads from docassist: prometheus --config.file=prometheus.yml.");
    format!(
        "{head}#
# The service tells its figures to its own machine only, since they name organisations. Run Prometheus there; with containers,
# within the API's network: docker run --network container:docassist-api-1 … prom/prometheus. PostgreSQL, Redis and Qdrant
# need no exporters of their own: the service asks them and tells what it learnt.

global:
  # Four figures a minute: the shortest alert needs two of them in a row.
  scrape_interval: 15s
  # A scrape that takes longer is a service that does not answer.
  scrape_timeout: 10s
  # Alerts are looked at as often as there is something new.
  evaluation_interval: 15s

rule_files:
  # Beside this file.
  - alerts.yml

scrape_configs:
  # The name by which alerts and the dashboard find it.
  - job_name: {JOB}
    metrics_path: /metrics
    # Names of our own metrics are checked; a label that another adds does not replace ours.
    honor_labels: false
    # More than that is a fault: organisations are the only label that grows.
    sample_limit: 20000
    static_configs:
      # One line for each replica.
      - targets: ['127.0.0.1:4000']
"
    )
}

pub(super) fn alerts(plan: &Plan) -> String {
    let head = head(plan, "When somebody should look, and at what. What to do on each stands in docs/operations.md.");
    let mut text = format!("{head}\ngroups:\n");
    let mut group = "";
    for rule in rules::rules(plan.resources(Service::Api).memory_limit) {
        if rule.group != group {
            group = rule.group;
            text.push_str(&format!("  - name: {group}\n    rules:\n"));
        }
        text.push_str(&super::comment("      ", rule.why));
        text.push_str(&format!(
            "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: {}\n        annotations:\n          \
             summary: {}\n          action: {}\n          runbook: docs/operations.md#{}\n",
            rule.name,
            quoted(&rule.expression),
            rule.lasts,
            rule.severity,
            quoted(rule.summary),
            quoted(rule.action),
            rule.name.to_ascii_lowercase(),
        ));
    }
    text
}

/// A text of YAML in which nothing has a meaning.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The expressions of all alert rules; limits of memory in them are those of an API of 1 GB.
#[must_use]
pub fn alert_expressions() -> Vec<String> {
    rules::rules(GIB).into_iter().map(|rule| rule.expression).collect()
}

/// The names of all alert rules: documentation that says what to do on each can be checked against them.
#[must_use]
pub fn alert_names() -> Vec<&'static str> {
    rules::rules(GIB).into_iter().map(|rule| rule.name).collect()
}
