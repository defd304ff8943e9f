//! Whether a deployment runs as its files say: what is configured is asked, compared with `deploy/`, and each difference
//! named with its line and with what to do.

mod expected;
mod host;
mod servers;

use std::path::PathBuf;

use docassist_ops::{Area, Finding, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

pub use expected::Expected;

use crate::{AppError, Backends};

/// What is looked at.
#[derive(Debug)]
pub struct Examination {
    /// The servers.
    pub backends: Backends,
    /// The data directory.
    pub data: PathBuf,
    /// The file with the service's secret, where it is not in the data directory.
    pub secret_file: Option<PathBuf>,
    /// The service's secret, where it is in the environment.
    pub secret: Option<String>,
    /// What everything is compared with.
    pub expected: Expected,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// Where the expected values are from: a folder, or a machine's size.
    pub expected_from: String,
    /// How many things were looked at.
    pub checked: u64,
    /// How many of them are as they should be.
    pub ok: u64,
    /// How many could not be seen.
    pub unknown: u64,
    /// How many somebody should look at.
    pub warnings: u64,
    /// How many are not as they should be.
    pub drift: u64,
    /// Servers that are configured and could not be asked.
    pub unreachable: Vec<Area>,
    /// Servers that are not configured.
    pub not_configured: Vec<Area>,
    /// One for each thing that was looked at.
    pub findings: Vec<Finding>,
}

/// What one server, or the machine, contributes.
#[derive(Debug, Default)]
struct Seen {
    findings: Vec<Finding>,
    /// How much its clock is ahead of ours.
    clock_ahead_ms: Option<i64>,
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    NotConfigured,
    Unreachable,
    Reached,
}

/// Looks at all of it. What cannot be reached is a finding, and the rest is looked at all the same. Blocks.
///
/// # Errors
/// When the system gives no threads.
pub fn examine(examination: &Examination) -> Result<Diagnosis, AppError> {
    let Examination { backends, expected, .. } = examination;
    let postgres = servers::postgres(backends.postgres(), expected.postgres.as_ref());
    let redis = crate::monitor::runtime()?.block_on(servers::redis(backends.redis.as_deref(), expected.redis.as_ref()));
    let qdrant = servers::qdrant(backends.qdrant.as_ref());
    // Several clocks: the one that is furthest away.
    let clocks = [postgres.clock_ahead_ms, redis.clock_ahead_ms];
    let clock = clocks.into_iter().flatten().max_by_key(|ahead| ahead.unsigned_abs());
    let host = host::look(examination, clock);
    let of = |state: &State| -> Vec<Area> {
        let servers = [(Area::Postgres, &postgres), (Area::Redis, &redis), (Area::Qdrant, &qdrant)];
        servers.into_iter().filter(|(_, seen)| seen.state == *state).map(|(area, _)| area).collect()
    };
    let (unreachable, not_configured) = (of(&State::Unreachable), of(&State::NotConfigured));
    let findings = [postgres.findings, redis.findings, qdrant.findings, host].concat();
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count() as u64;
    Ok(Diagnosis {
        expected_from: expected.from.clone(),
        checked: findings.len() as u64,
        ok: count(Verdict::Ok),
        unknown: count(Verdict::Unknown),
        warnings: count(Verdict::Warning),
        drift: count(Verdict::Drift),
        unreachable,
        not_configured,
        findings,
    })
}

fn finding(area: Area, setting: &str, verdict: Verdict, expected: &str, actual: impl Into<String>) -> Finding {
    Finding {
        area,
        setting: setting.to_owned(),
        place: None,
        expected: expected.to_owned(),
        actual: actual.into(),
        verdict,
        advice: String::new(),
    }
}

fn advised(finding: Finding, advice: &str) -> Finding {
    Finding { advice: advice.to_owned(), ..finding }
}
