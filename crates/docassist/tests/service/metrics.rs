//! The figures for Prometheus, read as strictly as a scraper that trusts nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::server::Server;
use crate::world::World;

pub(crate) type Labels = BTreeMap<String, String>;

/// A scrape.
#[derive(Default)]
pub(crate) struct Scrape {
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) samples: BTreeMap<(String, Labels), f64>,
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

/// `name{label="value",…} 1.5`
fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (label, value) = rest.split_once("=\"").unwrap();
            assert!(is_name(label) && !label.contains(':'), "{line}");
            let (text, after) = quoted(value);
            assert!(labels.insert(label.to_owned(), text).is_none(), "a label twice: {line}");
            rest = after.strip_prefix(',').unwrap_or(after);
            assert!(after.starts_with([',', '}']), "{line}");
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').unwrap().parse().unwrap_or_else(|_| panic!("no number: {line}"));
    (name.to_owned(), labels, value)
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match (escaped, c) {
            (false, '"') => return (value, &text[at + 1..]),
            (false, '\\') => escaped = true,
            (true, c) => {
                assert!(matches!(c, 'n' | '"' | '\\'), "\\{c} in {text}");
                value.push(if c == 'n' { '\n' } else { c });
                escaped = false;
            }
            (false, c) => value.push(c),
        }
    }
    panic!("a quote is open: {text}");
}

impl Scrape {
    pub(crate) fn of(server: &Server) -> Self {
        let answer = server.get("/metrics").expect(200);
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(answer.header("content-type"), content_type);
        Self::read(&answer.text())
    }

    fn read(text: &str) -> Self {
        let mut scrape = Self::default();
        let mut helps = BTreeSet::new();
        let body = text.strip_suffix("# EOF\n").expect("it ends with `# EOF`");
        let mut family = String::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(is_name(name) && !help.is_empty() && helps.insert(name.to_owned()), "{line}");
                family = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name, family, "help and type stand together");
                assert!(scrape.types.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            } else {
                let (name, labels, value) = sample(line);
                let endings: &[&str] = match scrape.types[&family].as_str() {
                    "counter" => &["_total"],
                    "gauge" => &[""],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    other => panic!("type {other}"),
                };
                let ending = name.strip_prefix(&family).unwrap_or_else(|| panic!("{name} is not of {family}"));
                assert!(endings.contains(&ending), "{line}");
                assert!(scrape.samples.insert((name, labels), value).is_none(), "twice: {line}");
            }
        }
        scrape
    }

    /// Buckets of each histogram, by its labels, in the order of their bounds.
    pub(crate) fn check_histograms(&self) {
        for (family, kind) in &self.types {
            if kind != "histogram" {
                continue;
            }
            let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
            for ((name, labels), count) in &self.samples {
                if *name == format!("{family}_bucket") {
                    let mut labels = labels.clone();
                    let bound = labels.remove("le").expect("a bucket has a bound");
                    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
                    buckets.entry(labels).or_default().push((bound, *count));
                }
            }
            assert!(!buckets.is_empty(), "{family}");
            for (labels, mut buckets) in buckets {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{family} {labels:?}: {buckets:?}");
                let (bound, all) = *buckets.last().unwrap();
                assert_eq!(bound, f64::INFINITY, "{family} {labels:?}");
                assert_eq!(self.samples[&(format!("{family}_count"), labels.clone())], all, "{family} {labels:?}");
                assert!(self.samples[&(format!("{family}_sum"), labels)] >= 0.0);
            }
        }
    }

    /// Whether a metric without labels is there with a value.
    pub(crate) fn is(&self, name: &str, value: f64) -> bool {
        self.samples.get(&(name.to_owned(), Labels::new())) == Some(&value)
    }

    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        *self.samples.get(&(name.to_owned(), labels)).unwrap_or_else(|| panic!("no {name}"))
    }
}

/// What the service has to tell.
const FAMILIES: [(&str, &str); 39] = [
    ("docassist_http_requests", "counter"),
    ("docassist_http_request_duration_seconds", "histogram"),
    ("docassist_uptime_seconds", "gauge"),
    ("docassist_cache_hits", "counter"),
    ("docassist_cache_misses", "counter"),
    ("docassist_cache_stale", "counter"),
    ("docassist_cache_stores", "counter"),
    ("docassist_cache_evictions", "counter"),
    ("docassist_cache_entries", "gauge"),
    ("docassist_cache_bytes", "gauge"),
    ("docassist_cache_computations", "counter"),
    ("docassist_cache_computations_saved", "counter"),
    ("docassist_cache_collapsed", "counter"),
    ("docassist_cache_failures", "counter"),
    ("docassist_cache_overtaken", "counter"),
    ("docassist_cache_bypassed", "counter"),
    ("docassist_cache_redis_state", "gauge"),
    ("docassist_cache_redis_events", "counter"),
    ("docassist_graph_bytes", "gauge"),
    ("docassist_graph_nodes", "gauge"),
    ("docassist_graph_age_seconds", "gauge"),
    ("docassist_graph_load_seconds", "gauge"),
    ("docassist_graph_loads", "counter"),
    ("docassist_graph_drops", "counter"),
    ("docassist_sync_jobs", "counter"),
    ("docassist_sync_duration_seconds", "histogram"),
    ("docassist_sync_lag_seconds", "gauge"),
    ("docassist_sync_jobs_now", "gauge"),
    ("docassist_search_passages", "gauge"),
    ("docassist_search_embedded", "gauge"),
    ("docassist_search_waiting", "gauge"),
    ("docassist_search_updates", "counter"),
    ("docassist_search_documents", "counter"),
    ("docassist_search_rebuilds", "counter"),
    ("docassist_search_vectors", "counter"),
    ("docassist_search_failures", "counter"),
    ("docassist_search_update_seconds", "counter"),
    ("process_resident_memory_bytes", "gauge"),
    ("process_cpu_seconds", "counter"),
];

#[test]
fn figures_are_well_formed_and_only_grow() {
    let world = World::new();
    let server = world.server(&[]);
    Scrape::of(&server).check_histograms();
    server.synced("git", &world.git());
    server.synced("tickets", &world.tickets());
    server.get("/api/v1/search?q=retry");
    server.ended(server.sync("git", &json!({ "location": world.path("handbook"), "name": "none" })));
    let mut last: Option<Scrape> = None;
    for round in 0..5 {
        for path in ["/api/v1/gaps", "/api/v1/rel/repo/product", "/api/v1/rel/repo/none", "/api/v1/orgs", "/nowhere"] {
            server.get(path);
        }
        server.anonymous().get(&format!("/api/v1/rel/file?path=\"{round}\\n"));
        let scrape = Scrape::of(&server);
        scrape.check_histograms();
        for (name, kind) in FAMILIES {
            assert_eq!(scrape.types.get(name).map(String::as_str), Some(kind), "{name}");
        }
        if let Some(last) = last {
            for (key, before) in &last.samples {
                let grows = ["_total", "_bucket", "_count", "_sum"].iter().any(|ending| key.0.ends_with(ending));
                let now = scrape.samples.get(key).unwrap_or_else(|| panic!("{key:?} has gone"));
                assert!(!grows || now >= before, "{key:?}: {before} and then {now}");
            }
        }
        last = Some(scrape);
    }
    let scrape = last.unwrap();
    let hits = scrape.value("docassist_cache_hits_total", &[("family", "gaps"), ("tier", "memory")]);
    assert_eq!(hits, 4.0, "the first of five was computed");
    assert_eq!(scrape.value("docassist_sync_jobs_total", &[("kind", "git"), ("ending", "done")]), 1.0);
    assert_eq!(scrape.value("docassist_sync_jobs_total", &[("kind", "git"), ("ending", "failed")]), 1.0);
    assert_eq!(scrape.value("docassist_cache_redis_state", &[("state", "absent")]), 1.0);
    let requests = [("method", "GET"), ("route", "/api/v1/rel/repo/{name}"), ("status", "404")];
    assert_eq!(scrape.value("docassist_http_requests_total", &requests), 5.0);
    // Paths that are no routes are one: whoever guesses paths makes no figures.
    let nowhere = [("method", "GET"), ("route", "none"), ("status", "404")];
    assert_eq!(scrape.value("docassist_http_requests_total", &nowhere), 5.0);
}

#[test]
fn figures_are_for_this_machine_and_operators() {
    let world = World::new();
    let server = world.server(&[]);
    let mut anonymous = server.anonymous();
    anonymous.get("/metrics").expect(200);
    // Somebody forwards it: it comes from elsewhere.
    let forwarded = [("x-forwarded-for", "192.0.2.1")];
    let refused = anonymous.send("GET", "/metrics", &forwarded, b"").unwrap();
    assert_eq!(refused.status, 401);
    let operator = server.client().send("GET", "/metrics", &forwarded, b"").unwrap();
    assert_eq!(operator.status, 200);
    let made = json!({ "email": "ann@example.com", "password": "another long password" });
    server.post("/api/v1/users", &made).expect(201);
    let token = server.log_in("ann@example.com", "another long password");
    let mut ann = server.anonymous().with_token(&token);
    assert_eq!(ann.send("GET", "/metrics", &forwarded, b"").unwrap().status, 403);
}
