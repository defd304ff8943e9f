//! What the service counts by itself.

use std::fmt;

use docassist_app::{CacheStats, FamilyStats, TierStats};
use prometheus_client::encoding::DescriptorEncoder;

use super::Family;
use crate::state::AppState;

pub(super) fn encode(state: &AppState, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    cache(&state.service.answers.stats(), encoder)?;
    graphs(state, encoder)?;
    jobs(state, encoder)?;
    search(state, encoder)?;
    process(encoder)
}

type OfTier = fn(&TierStats) -> u64;
type OfFamily = fn(&FamilyStats) -> u64;

fn cache(stats: &CacheStats, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let by_tier: [(&str, &str, OfTier); 5] = [
        ("docassist_cache_hits", "Look-ups that found a value that stands", |tier| tier.hits),
        ("docassist_cache_misses", "Look-ups that found none, or one from before a sync", |tier| tier.misses),
        ("docassist_cache_stale", "Look-ups that found a value from before a sync", |tier| tier.stale),
        ("docassist_cache_stores", "Values stored", |tier| tier.stores),
        ("docassist_cache_evictions", "Values removed for want of room or at their end", |tier| tier.evictions),
    ];
    for (name, help, read) in by_tier {
        let mut family = Family::counter(name, help);
        for of in &stats.families {
            family.add(&[("family", of.family.as_str()), ("tier", "memory")], read(&of.memory));
            family.add(&[("family", of.family.as_str()), ("tier", "redis")], read(&of.redis));
        }
        family.encode(encoder)?;
    }
    let levels: [(&str, &str, OfTier); 2] = [
        ("docassist_cache_entries", "Values held in memory", |tier| tier.entries),
        ("docassist_cache_bytes", "Bytes that values in memory take", |tier| tier.bytes),
    ];
    for (name, help, read) in levels {
        let mut family = Family::gauge(name, help);
        for of in &stats.families {
            family.set(&[("family", of.family.as_str()), ("tier", "memory")], read(&of.memory) as f64);
        }
        family.encode(encoder)?;
    }
    let by_family: [(&str, &str, OfFamily); 6] = [
        ("docassist_cache_computations", "Answers computed", |of| of.computations),
        (
            "docassist_cache_computations_saved",
            "Requests answered without a computation",
            FamilyStats::computations_saved,
        ),
        ("docassist_cache_collapsed", "Requests that got the result of another's computation", |of| of.collapsed),
        ("docassist_cache_failures", "Computations that failed", |of| of.failures),
        ("docassist_cache_overtaken", "Values not kept because a sync ended meanwhile", |of| of.overtaken),
        ("docassist_cache_bypassed", "Requests past the cache, since the present state was not known", |of| {
            of.bypassed
        }),
    ];
    for (name, help, read) in by_family {
        let mut family = Family::counter(name, help);
        for of in &stats.families {
            family.add(&[("family", of.family.as_str())], read(of));
        }
        family.encode(encoder)?;
    }
    let redis = &stats.redis;
    let mut state = Family::gauge("docassist_cache_redis_state", "1 for the state that Redis is in");
    for name in ["absent", "closed", "half-open", "open"] {
        state.set(&[("state", name)], f64::from(u8::from(redis.breaker.as_str() == name)));
    }
    state.encode(encoder)?;
    let mut events = Family::counter("docassist_cache_redis_events", "What happened with Redis");
    for (name, count) in [
        ("timeout", redis.timeouts),
        ("failure", redis.failures),
        ("refused_write", redis.refused_writes),
        ("dropped_write", redis.dropped_writes),
        ("garbage", redis.garbage),
        ("opened", redis.opened),
        ("connected", redis.connected),
        ("message", redis.messages),
        ("bad_message", redis.bad_messages),
    ] {
        events.add(&[("event", name)], count);
    }
    events.encode(encoder)
}

fn graphs(state: &AppState, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let stats = state.service.graphs().stats();
    let mut bytes = Family::gauge("docassist_graph_bytes", "Bytes of a graph in memory");
    let mut nodes = Family::gauge("docassist_graph_nodes", "Nodes of a graph in memory");
    let mut age = Family::gauge("docassist_graph_age_seconds", "Time since a graph was loaded");
    let mut took = Family::gauge("docassist_graph_load_seconds", "Time that loading a graph took");
    for held in &stats.held {
        let labels = [("org", held.org.as_str())];
        bytes.set(&labels, held.bytes as f64);
        nodes.set(&labels, held.nodes as f64);
        age.set(&labels, held.age.as_secs_f64());
        took.set(&labels, held.took.as_secs_f64());
    }
    for family in [bytes, nodes, age, took] {
        family.encode(encoder)?;
    }
    let budget = "docassist_graph_budget_bytes";
    Family::gauge(budget, "Bytes that graphs may take").with(&[], stats.budget as f64).encode(encoder)?;
    for (name, help, count) in [
        ("docassist_graph_loads", "Graphs loaded", stats.loaded),
        ("docassist_graph_drops", "Graphs dropped for want of room", stats.dropped),
    ] {
        let mut family = Family::counter(name, help);
        family.add(&[], count);
        family.encode(encoder)?;
    }
    Ok(())
}

fn jobs(state: &AppState, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let mut ended = Family::counter("docassist_sync_jobs", "Syncs that ended here, by how");
    let mut times = Family::histogram("docassist_sync_duration_seconds", "Time that syncs took");
    let mut lag = Family::gauge("docassist_sync_lag_seconds", "Time that the last sync had waited for its turn");
    for of in &state.service.jobs.stats() {
        let kind = of.kind.as_str();
        for (how, count) in [("done", of.done), ("failed", of.failed), ("cancelled", of.cancelled)] {
            ended.add(&[("kind", kind), ("ending", how)], count);
        }
        let all = of.done + of.failed + of.cancelled;
        let within: u64 = of.buckets.iter().sum();
        let beyond = [(f64::INFINITY, all.saturating_sub(within))];
        let buckets = docassist_app::jobs::BUCKETS.into_iter().zip(of.buckets).chain(beyond).collect();
        times.add_histogram(&[("kind", kind)], of.total.as_secs_f64(), buckets);
        lag.set(&[("kind", kind)], of.waited.as_secs_f64());
    }
    for family in [ended, times, lag] {
        family.encode(encoder)?;
    }
    // A store that cannot be read now has its say in the health report.
    let Some((queued, running)) = state.service.monitor.jobs() else { return Ok(()) };
    let mut load = Family::gauge("docassist_sync_jobs_now", "Syncs of the whole service that wait or run");
    load.set(&[("state", "queued")], queued as f64);
    load.set(&[("state", "running")], running as f64);
    load.encode(encoder)
}

fn search(state: &AppState, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let stats = state.service.search().stats();
    let mut passages = Family::gauge("docassist_search_passages", "Passages in the search index");
    let mut embedded = Family::gauge("docassist_search_embedded", "Passages that are found by meaning as well");
    for (org, counts) in &stats.orgs {
        let labels = [("org", org.as_str())];
        passages.set(&labels, counts.passages as f64);
        embedded.set(&labels, counts.embedded as f64);
    }
    passages.encode(encoder)?;
    embedded.encode(encoder)?;
    let waiting = Family::gauge("docassist_search_waiting", "Organisations that wait to be indexed");
    waiting.with(&[], stats.waiting as f64).encode(encoder)?;
    for (name, help, count) in [
        ("docassist_search_updates", "Times that a search index was brought up to date", stats.followed),
        ("docassist_search_documents", "Documents that were indexed, changed or removed", stats.documents),
        ("docassist_search_rebuilds", "Search indexes that had to be built anew", stats.rebuilt),
        ("docassist_search_vectors", "Passages that were given a vector", stats.embedded),
        ("docassist_search_failures", "Times that indexing or embedding failed", stats.failed),
    ] {
        let mut family = Family::counter(name, help);
        family.add(&[], count);
        family.encode(encoder)?;
    }
    let mut took =
        Family::counter("docassist_search_update_seconds", "Time that bringing search indexes up to date took");
    took.add_seconds(&[], stats.took.as_secs_f64());
    took.encode(encoder)
}

/// What Linux tells of the process; nothing elsewhere.
fn process(encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |name: &str| -> Option<f64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    for (name, help, key) in [
        ("process_resident_memory_bytes", "Resident memory", "VmRSS:"),
        ("process_virtual_memory_bytes", "Virtual memory", "VmSize:"),
    ] {
        if let Some(value) = kilobytes(key) {
            Family::gauge(name, help).with(&[], value * 1024.0).encode(encoder)?;
        }
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let name = "process_open_fds";
        Family::gauge(name, "Open files").with(&[], files.count() as f64).encode(encoder)?;
    }
    let mut cpu = Family::counter("process_cpu_seconds", "Time of all cores spent");
    if let Some(seconds) = cpu_seconds() {
        cpu.add_seconds(&[], seconds);
    }
    cpu.encode(encoder)
}

fn cpu_seconds() -> Option<f64> {
    /// `sysconf(_SC_CLK_TCK)` is 100 on every Linux that we know.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name may hold spaces and ends with the last parenthesis; times are the 14th and 15th fields.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}
