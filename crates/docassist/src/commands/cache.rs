//! The cache of a running service.

use std::time::Duration;

use docassist_model::ErrorCode;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::cli::serve::Cache;
use crate::failure::Failure;
use crate::output::document::{Document, Section, right, text};
use crate::output::figures::{bytes, number};
use crate::output::{Present, View};

/// A service that does not answer within this is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the service.
pub(crate) fn run(context: &Context, what: Cache) -> Result<(), Failure> {
    let Cache::Stats { url, token } = what;
    context.print(&ask(&url, token.as_deref())?)
}

/// What a running service tells of its cache.
pub(super) fn ask(url: &str, token: Option<&str>) -> Result<Stats, Failure> {
    let hint = || Some("Name the service with --url, and show who asks with --token.".to_owned());
    let failed = |message: String| Failure::new(ErrorCode::Unavailable, message, hint());
    docassist_server::observe::use_ring();
    let client = reqwest::blocking::Client::builder().timeout(PATIENCE).build();
    let client = client.map_err(|error| failed(format!("no request can be made: {error}")))?;
    let request = client.get(format!("{}/api/v1/cache/stats", url.trim_end_matches('/')));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let response = request.send().map_err(|error| failed(format!("{url} does not answer: {}", error.without_url())))?;
    let status = response.status();
    if status.is_success() {
        return response
            .json()
            .map_err(|error| failed(format!("{url} answers something else: {}", error.without_url())));
    }
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    let detail = response.json::<Problem>().map_or_else(|_| status.to_string(), |problem| problem.detail);
    Err(failed(format!("{url} refuses: {detail}")))
}

/// What the service says; fields that are new here are passed over in tables, not in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stats {
    families: Vec<Family>,
    redis: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Family {
    family: String,
    hit_rate: Option<f64>,
    memory: Tier,
    redis: Tier,
    computations: u64,
    computations_saved: u64,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Tier {
    hits: u64,
    misses: u64,
    entries: u64,
    bytes: u64,
    evictions: u64,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl Present for Stats {
    const OF_THE_GRAPH: bool = false;

    fn document(&self, _: &View<'_>) -> Document {
        let mut document = Document { title: "Cache of answers".to_owned(), ..Document::default() };
        for section in self.sections("") {
            document.add(section);
        }
        document
    }
}

impl Stats {
    /// The whole under a heading, where there is one, and the families.
    pub(super) fn sections(&self, heading: &str) -> [Section; 2] {
        let saved: u64 = self.families.iter().map(|of| of.computations_saved).sum();
        let all = saved + self.families.iter().map(|of| of.computations).sum::<u64>();
        let rate = if all == 0 { String::new() } else { format!("{:.1} %", saved as f64 * 100.0 / all as f64) };
        let held: u64 = self.families.iter().map(|of| of.memory.bytes).sum();
        let whole = if heading.is_empty() { Section::default() } else { Section::new(heading) };
        let whole = whole
            .fact("requests", number(all))
            .fact("hit rate", rate)
            .fact("memory", bytes(held))
            .fact("Redis", self.redis.get("state").and_then(|state| state.as_str()).unwrap_or_default().to_owned());
        let columns = [
            text("family", 13),
            right("hit rate"),
            right("memory hits"),
            right("Redis hits"),
            right("computed"),
            right("saved"),
            right("entries"),
            right("evicted"),
        ];
        let rows = self.families.iter().map(|of| {
            vec![
                of.family.clone(),
                of.hit_rate.map(|rate| format!("{:.1} %", rate * 100.0)).unwrap_or_default(),
                number(of.memory.hits),
                number(of.redis.hits),
                number(of.computations),
                number(of.computations_saved),
                number(of.memory.entries),
                number(of.memory.evictions),
            ]
        });
        [whole, Section::new("Families").table(&columns, rows)]
    }
}
