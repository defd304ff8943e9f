//! What the dashboard shows.

use crate::metrics::*;
use crate::render::queries::{
    buffer_ratio, cache_ratio, connection_ratio, error_ratio, graph_ratio, latency, rate, redis_memory_ratio,
    redis_ratio,
};

/// Panels under one heading.
pub(super) struct Row {
    pub(super) title: &'static str,
    pub(super) panels: Vec<Panel>,
}

/// A panel.
pub(super) struct Panel {
    pub(super) title: &'static str,
    /// What one learns from it.
    pub(super) description: &'static str,
    /// Grafana's name of the unit.
    pub(super) unit: &'static str,
    /// Expressions, and how their lines are named.
    pub(super) queries: Vec<(String, &'static str)>,
}

fn panel(
    title: &'static str,
    unit: &'static str,
    description: &'static str,
    queries: Vec<(String, &'static str)>,
) -> Panel {
    Panel { title, description, unit, queries }
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { title: "Requests", panels: requests() },
        Row { title: "Cache of answers", panels: cache() },
        Row { title: "Graphs and syncs", panels: work() },
        Row { title: "Search", panels: search() },
        Row { title: "PostgreSQL", panels: postgres() },
        Row { title: "Redis", panels: redis() },
        Row { title: "Qdrant", panels: qdrant() },
        Row { title: "Process", panels: process() },
    ]
}

fn requests() -> Vec<Panel> {
    vec![
        panel(
            "Requests",
            "reqps",
            "By route: what is asked most.",
            vec![(format!("sum by (route) ({})", rate(&HTTP_REQUESTS)), "{{route}}")],
        ),
        panel(
            "Failures",
            "percentunit",
            "Requests that failed for a reason of ours, of all. Above 1% there is an alert.",
            vec![(error_ratio(), "5xx")],
        ),
        panel(
            "Time to an answer",
            "s",
            "Half, 19 of 20, and 99 of 100 requests are answered within.",
            vec![(latency(0.5), "half"), (latency(0.95), "95%"), (latency(0.99), "99%")],
        ),
    ]
}

fn cache() -> Vec<Panel> {
    let by = |metric: &Metric| format!("sum by (family, tier) ({})", rate(metric));
    vec![
        panel(
            "Answered without a computation",
            "percentunit",
            "By family; below half with traffic there is an alert.",
            vec![(cache_ratio(true), "{{family}}")],
        ),
        panel(
            "Hits and misses",
            "ops",
            "By family and tier: what memory does not have, Redis may.",
            vec![(by(&CACHE_HITS), "{{family}} hits {{tier}}"), (by(&CACHE_MISSES), "{{family}} misses {{tier}}")],
        ),
        panel(
            "Memory of answers",
            "bytes",
            "Of this process' tier, with what was removed for want of room.",
            vec![(format!("sum by (family) ({CACHE_BYTES})"), "{{family}}")],
        ),
        panel(
            "Evictions, stale and overtaken values",
            "ops",
            "Evictions: too little memory. Stale and overtaken: syncs that ended meanwhile.",
            vec![
                (format!("sum({})", rate(&CACHE_EVICTIONS)), "evicted"),
                (format!("sum({})", rate(&CACHE_STALE)), "stale"),
                (format!("sum({})", rate(&CACHE_OVERTAKEN)), "overtaken"),
                (format!("sum({})", rate(&CACHE_COLLAPSED)), "shared with another request"),
            ],
        ),
        panel(
            "Redis, as the service sees it",
            "short",
            "1 for the state it is in: open means that it does not answer.",
            vec![(format!("max by (state) ({CACHE_REDIS_STATE})"), "{{state}}")],
        ),
        panel(
            "Troubles with Redis",
            "ops",
            "Time-outs, refused and dropped writes.",
            vec![(format!("sum by (event) ({})", rate(&CACHE_REDIS_EVENTS)), "{{event}}")],
        ),
    ]
}

fn work() -> Vec<Panel> {
    vec![
        panel(
            "Graphs in memory",
            "bytes",
            "By process, with what they may take.",
            vec![
                (format!("sum by (instance) ({GRAPH_BYTES})"), "{{instance}}"),
                (format!("sum by (instance) ({GRAPH_BUDGET})"), "budget {{instance}}"),
            ],
        ),
        panel(
            "Use of the budget",
            "percentunit",
            "Full, and many drops: graphs do not fit.",
            vec![(graph_ratio(), "{{instance}}")],
        ),
        panel(
            "Graphs loaded and dropped",
            "ops",
            "Each load takes from milliseconds to seconds.",
            vec![
                (format!("sum({})", rate(&GRAPH_LOADS)), "loaded"),
                (format!("sum({})", rate(&GRAPH_DROPS)), "dropped"),
            ],
        ),
        panel(
            "Syncs by ending",
            "ops",
            "Failed ones name their reason in the jobs' list.",
            vec![(format!("sum by (kind, ending) ({})", rate(&SYNC_JOBS)), "{{kind}} {{ending}}")],
        ),
        panel(
            "Time that syncs take",
            "s",
            "19 of 20 are done within.",
            vec![(
                format!("histogram_quantile(0.95, sum by (le, kind) (rate({SYNC_DURATION}_bucket[30m])))"),
                "{{kind}}",
            )],
        ),
        panel(
            "Queue",
            "short",
            "Syncs that wait and run, of the whole service; and how long the last one had waited.",
            vec![
                (format!("max by (state) ({SYNC_JOBS_NOW})"), "{{state}}"),
                (format!("max by (kind) ({SYNC_LAG})"), "{{kind}} waited (s)"),
            ],
        ),
    ]
}

fn search() -> Vec<Panel> {
    vec![
        panel(
            "Passages",
            "short",
            "Of all organisations that each process was asked for, and those of them that are found by meaning as well.",
            vec![
                (format!("sum by (instance) ({SEARCH_PASSAGES})"), "{{instance}}"),
                (format!("sum by (instance) ({SEARCH_EMBEDDED})"), "embedded {{instance}}"),
            ],
        ),
        panel(
            "Indexing",
            "ops",
            "Documents that were brought up to date, and passages that were given a vector.",
            vec![
                (format!("sum({})", rate(&SEARCH_DOCUMENTS)), "documents"),
                (format!("sum({})", rate(&SEARCH_VECTORS)), "vectors"),
            ],
        ),
        panel(
            "Time per update",
            "s",
            "What the first search after a change waits for.",
            vec![(format!("sum({}) / sum({})", rate(&SEARCH_SECONDS), rate(&SEARCH_FOLLOWED)), "update")],
        ),
        panel(
            "Waiting, rebuilt and failed",
            "short",
            "Organisations that wait to be indexed; indexes built anew and failures in the last hour.",
            vec![
                (format!("sum({SEARCH_WAITING})"), "waiting"),
                (format!("sum(increase({SEARCH_REBUILDS}[1h]))"), "rebuilt"),
                (format!("sum(increase({SEARCH_FAILURES}[1h]))"), "failed"),
            ],
        ),
    ]
}

fn postgres() -> Vec<Panel> {
    vec![
        panel(
            "Connections",
            "short",
            "By state, with what PostgreSQL takes.",
            vec![
                (format!("max by (state) ({POSTGRES_CONNECTIONS})"), "{{state}}"),
                (format!("max({POSTGRES_MAX_CONNECTIONS})"), "most"),
            ],
        ),
        panel("Use of connections", "percentunit", "Above 80% there is an alert.", vec![(connection_ratio(), "taken")]),
        panel(
            "Shared buffers",
            "percentunit",
            "Blocks of tables found there. What is missing may still come from the page cache.",
            vec![(buffer_ratio(), "found")],
        ),
        panel(
            "Slowest statements",
            "s",
            "Mean time of the ten slowest above 100 ms; `docassist monitor` shows their text.",
            vec![
                (format!("topk(10, max by (query_id) ({POSTGRES_STATEMENT_MEAN}))"), "{{query_id}}"),
                (format!("max({POSTGRES_SLOW_STATEMENTS})"), "how many"),
            ],
        ),
        panel(
            "Dead rows",
            "percentunit",
            "Of all rows, by table: the ten worst.",
            vec![(
                format!(
                    "topk(10, max by (table) ({POSTGRES_DEAD_TUPLES} / ({POSTGRES_LIVE_TUPLES} + {POSTGRES_DEAD_TUPLES} > 0)))"
                ),
                "{{table}}",
            )],
        ),
        panel(
            "Size, and indexes that nobody uses",
            "bytes",
            "Unused since the statistics were reset; those that keep rows unique are not counted.",
            vec![
                (format!("max({POSTGRES_DATABASE_BYTES})"), "database"),
                (format!("max({POSTGRES_UNUSED_INDEX_BYTES})"), "unused indexes"),
            ],
        ),
        panel(
            "Oldest transaction, replicas",
            "s",
            "What is open for long keeps VACUUM from cleaning; how far replicas are behind.",
            vec![
                (format!("max({POSTGRES_OLDEST_TRANSACTION})"), "oldest transaction"),
                (format!("max by (replica) ({POSTGRES_REPLICATION_LAG})"), "{{replica}}"),
            ],
        ),
        panel(
            "Reached, unused indexes",
            "short",
            "1 where it answers.",
            vec![
                (format!("max({POSTGRES_UP})"), "reached"),
                (format!("max({POSTGRES_UNUSED_INDEXES})"), "unused indexes"),
            ],
        ),
    ]
}

fn redis() -> Vec<Panel> {
    vec![
        panel(
            "Hits",
            "percentunit",
            "Keys that Redis had, of all that were looked up.",
            vec![(redis_ratio(), "found")],
        ),
        panel(
            "Memory",
            "bytes",
            "Used by data, had of the system, and the most that data may use.",
            vec![
                (format!("max({REDIS_MEMORY_USED})"), "used"),
                (format!("max({REDIS_MEMORY_RESIDENT})"), "of the system"),
                (format!("max({REDIS_MEMORY_MAX})"), "most"),
            ],
        ),
        panel("Use of memory", "percentunit", "A full cache is a good one.", vec![(redis_memory_ratio(), "used")]),
        panel(
            "Keys that went",
            "ops",
            "Evicted for want of room, expired at their end.",
            vec![
                (format!("max({})", rate(&REDIS_EVICTED)), "evicted"),
                (format!("max({})", rate(&REDIS_EXPIRED)), "expired"),
            ],
        ),
        panel(
            "Connections and commands",
            "short",
            "A replica holds two connections.",
            vec![
                (format!("max({REDIS_CLIENTS})"), "connections"),
                (format!("max({REDIS_OPERATIONS})"), "commands a second"),
                (format!("max({})", rate(&REDIS_REJECTED)), "refused connections a second"),
            ],
        ),
        panel(
            "Fragmentation, reached",
            "short",
            "Memory of the system by memory used: above 1.5 there is an alert.",
            vec![(format!("max({REDIS_FRAGMENTATION})"), "fragmentation"), (format!("max({REDIS_UP})"), "reached")],
        ),
    ]
}

fn qdrant() -> Vec<Panel> {
    vec![
        panel(
            "Points",
            "short",
            "By collection.",
            vec![(format!("max by (collection) ({QDRANT_POINTS})"), "{{collection}}")],
        ),
        panel(
            "Segments",
            "short",
            "Many small ones: the optimizer has not got to them yet.",
            vec![(format!("max by (collection) ({QDRANT_SEGMENTS})"), "{{collection}}")],
        ),
        panel(
            "Status",
            "short",
            "Collections by status: yellow is indexing, red is a failure.",
            vec![
                (format!("sum by (status) (max by (collection, status) ({QDRANT_STATUS}))"), "{{status}}"),
                (format!("max({QDRANT_UP})"), "reached"),
            ],
        ),
    ]
}

fn process() -> Vec<Panel> {
    vec![
        panel(
            "Memory",
            "bytes",
            "Resident memory of each process.",
            vec![(format!("{PROCESS_RESIDENT}{{job=\"docassist\"}}"), "{{instance}}")],
        ),
        panel(
            "Processors",
            "short",
            "How many are busy.",
            vec![(format!("rate({PROCESS_CPU}{{job=\"docassist\"}}[5m])"), "{{instance}}")],
        ),
        panel(
            "Open files, time since the start",
            "short",
            "A start shows as a drop of the second line, which is in hours.",
            vec![
                (format!("{PROCESS_OPEN_FDS}{{job=\"docassist\"}}"), "files {{instance}}"),
                (format!("{UPTIME} / 3600"), "hours {{instance}}"),
            ],
        ),
    ]
}
