//! The metrics, in the order of who tells them.

use super::{Metric, MetricKind, Origin};
use MetricKind::{Counter, Gauge, Histogram};
use Origin::{Postgres, Qdrant, Redis, Service};

type Labels = &'static [&'static str];

const fn metric(
    origin: Origin,
    kind: MetricKind,
    name: &'static str,
    help: &'static str,
    labels: Labels,
    unit: &'static str,
) -> Metric {
    Metric { name, kind, help, labels, unit, origin }
}

/// Requests by route and status.
pub const HTTP_REQUESTS: Metric = metric(
    Service,
    Counter,
    "docassist_http_requests_total",
    "Requests by route and status",
    &["method", "route", "status"],
    "",
);
/// Time to the answer's headers.
pub const HTTP_DURATION: Metric = metric(
    Service,
    Histogram,
    "docassist_http_request_duration_seconds",
    "Time to the answer's headers",
    &["method", "route"],
    "seconds",
);
/// Time since the start.
pub const UPTIME: Metric = metric(Service, Gauge, "docassist_uptime_seconds", "Time since the start", &[], "seconds");
/// Look-ups that found a value that stands.
pub const CACHE_HITS: Metric = metric(
    Service,
    Counter,
    "docassist_cache_hits_total",
    "Look-ups that found a value that stands",
    &["family", "tier"],
    "",
);
/// Look-ups that found none, or one from before a sync.
pub const CACHE_MISSES: Metric = metric(
    Service,
    Counter,
    "docassist_cache_misses_total",
    "Look-ups that found none, or one from before a sync",
    &["family", "tier"],
    "",
);
/// Look-ups that found a value from before a sync.
pub const CACHE_STALE: Metric = metric(
    Service,
    Counter,
    "docassist_cache_stale_total",
    "Look-ups that found a value from before a sync",
    &["family", "tier"],
    "",
);
/// Values stored.
pub const CACHE_STORES: Metric =
    metric(Service, Counter, "docassist_cache_stores_total", "Values stored", &["family", "tier"], "");
/// Values removed for want of room or at their end.
pub const CACHE_EVICTIONS: Metric = metric(
    Service,
    Counter,
    "docassist_cache_evictions_total",
    "Values removed for want of room or at their end",
    &["family", "tier"],
    "",
);
/// Values held in memory.
pub const CACHE_ENTRIES: Metric =
    metric(Service, Gauge, "docassist_cache_entries", "Values held in memory", &["family", "tier"], "");
/// Bytes that values in memory take.
pub const CACHE_BYTES: Metric =
    metric(Service, Gauge, "docassist_cache_bytes", "Bytes that values in memory take", &["family", "tier"], "bytes");
/// Answers computed.
pub const CACHE_COMPUTATIONS: Metric =
    metric(Service, Counter, "docassist_cache_computations_total", "Answers computed", &["family"], "");
/// Requests answered without a computation.
pub const CACHE_COMPUTATIONS_SAVED: Metric = metric(
    Service,
    Counter,
    "docassist_cache_computations_saved_total",
    "Requests answered without a computation",
    &["family"],
    "",
);
/// Requests that got the result of another's computation.
pub const CACHE_COLLAPSED: Metric = metric(
    Service,
    Counter,
    "docassist_cache_collapsed_total",
    "Requests that got the result of another's computation",
    &["family"],
    "",
);
/// Computations that failed.
pub const CACHE_FAILURES: Metric =
    metric(Service, Counter, "docassist_cache_failures_total", "Computations that failed", &["family"], "");
/// Values not kept because a sync ended meanwhile.
pub const CACHE_OVERTAKEN: Metric = metric(
    Service,
    Counter,
    "docassist_cache_overtaken_total",
    "Values not kept because a sync ended meanwhile",
    &["family"],
    "",
);
/// Requests past the cache, since the present state was not known.
pub const CACHE_BYPASSED: Metric = metric(
    Service,
    Counter,
    "docassist_cache_bypassed_total",
    "Requests past the cache, since the present state was not known",
    &["family"],
    "",
);
/// 1 for the state that Redis is in.
pub const CACHE_REDIS_STATE: Metric =
    metric(Service, Gauge, "docassist_cache_redis_state", "1 for the state that Redis is in", &["state"], "");
/// What happened with Redis.
pub const CACHE_REDIS_EVENTS: Metric =
    metric(Service, Counter, "docassist_cache_redis_events_total", "What happened with Redis", &["event"], "");
/// Bytes of a graph in memory.
pub const GRAPH_BYTES: Metric =
    metric(Service, Gauge, "docassist_graph_bytes", "Bytes of a graph in memory", &["org"], "bytes");
/// Nodes of a graph in memory.
pub const GRAPH_NODES: Metric =
    metric(Service, Gauge, "docassist_graph_nodes", "Nodes of a graph in memory", &["org"], "");
/// Time since a graph was loaded.
pub const GRAPH_AGE: Metric =
    metric(Service, Gauge, "docassist_graph_age_seconds", "Time since a graph was loaded", &["org"], "seconds");
/// Time that loading a graph took.
pub const GRAPH_LOAD: Metric =
    metric(Service, Gauge, "docassist_graph_load_seconds", "Time that loading a graph took", &["org"], "seconds");
/// Bytes that graphs may take.
pub const GRAPH_BUDGET: Metric =
    metric(Service, Gauge, "docassist_graph_budget_bytes", "Bytes that graphs may take", &[], "bytes");
/// Graphs loaded.
pub const GRAPH_LOADS: Metric = metric(Service, Counter, "docassist_graph_loads_total", "Graphs loaded", &[], "");
/// Graphs dropped for want of room.
pub const GRAPH_DROPS: Metric =
    metric(Service, Counter, "docassist_graph_drops_total", "Graphs dropped for want of room", &[], "");
/// Syncs that ended here, by how.
pub const SYNC_JOBS: Metric =
    metric(Service, Counter, "docassist_sync_jobs_total", "Syncs that ended here, by how", &["kind", "ending"], "");
/// Time that syncs took.
pub const SYNC_DURATION: Metric =
    metric(Service, Histogram, "docassist_sync_duration_seconds", "Time that syncs took", &["kind"], "seconds");
/// Time that the last sync had waited for its turn.
pub const SYNC_LAG: Metric = metric(
    Service,
    Gauge,
    "docassist_sync_lag_seconds",
    "Time that the last sync had waited for its turn",
    &["kind"],
    "seconds",
);
/// Syncs of the whole service that wait or run.
pub const SYNC_JOBS_NOW: Metric =
    metric(Service, Gauge, "docassist_sync_jobs_now", "Syncs of the whole service that wait or run", &["state"], "");
/// Passages in the search index.
pub const SEARCH_PASSAGES: Metric =
    metric(Service, Gauge, "docassist_search_passages", "Passages in the search index", &["org"], "");
/// Passages that are found by meaning as well.
pub const SEARCH_EMBEDDED: Metric =
    metric(Service, Gauge, "docassist_search_embedded", "Passages that are found by meaning as well", &["org"], "");
/// Organisations that wait to be indexed.
pub const SEARCH_WAITING: Metric =
    metric(Service, Gauge, "docassist_search_waiting", "Organisations that wait to be indexed", &[], "");
/// Times that a search index was brought up to date.
pub const SEARCH_FOLLOWED: Metric = metric(
    Service,
    Counter,
    "docassist_search_updates_total",
    "Times that a search index was brought up to date",
    &[],
    "",
);
/// Documents that were indexed, changed or removed.
pub const SEARCH_DOCUMENTS: Metric = metric(
    Service,
    Counter,
    "docassist_search_documents_total",
    "Documents that were indexed, changed or removed",
    &[],
    "",
);
/// Time that bringing search indexes up to date took.
pub const SEARCH_SECONDS: Metric = metric(
    Service,
    Counter,
    "docassist_search_update_seconds_total",
    "Time that bringing search indexes up to date took",
    &[],
    "seconds",
);
/// Search indexes that had to be built anew.
pub const SEARCH_REBUILDS: Metric =
    metric(Service, Counter, "docassist_search_rebuilds_total", "Search indexes that had to be built anew", &[], "");
/// Passages that were given a vector.
pub const SEARCH_VECTORS: Metric =
    metric(Service, Counter, "docassist_search_vectors_total", "Passages that were given a vector", &[], "");
/// Times that indexing or embedding failed.
pub const SEARCH_FAILURES: Metric =
    metric(Service, Counter, "docassist_search_failures_total", "Times that indexing or embedding failed", &[], "");
/// Resident memory.
pub const PROCESS_RESIDENT: Metric =
    metric(Service, Gauge, "process_resident_memory_bytes", "Resident memory", &[], "bytes");
/// Virtual memory.
pub const PROCESS_VIRTUAL: Metric =
    metric(Service, Gauge, "process_virtual_memory_bytes", "Virtual memory", &[], "bytes");
/// Open files.
pub const PROCESS_OPEN_FDS: Metric = metric(Service, Gauge, "process_open_fds", "Open files", &[], "");
/// Time of all cores spent.
pub const PROCESS_CPU: Metric =
    metric(Service, Counter, "process_cpu_seconds_total", "Time of all cores spent", &[], "seconds");
/// 1 where PostgreSQL answered the last time it was asked.
pub const POSTGRES_UP: Metric =
    metric(Postgres, Gauge, "docassist_postgres_up", "1 where PostgreSQL answered the last time it was asked", &[], "");
/// Connections of clients, by state.
pub const POSTGRES_CONNECTIONS: Metric =
    metric(Postgres, Gauge, "docassist_postgres_connections", "Connections of clients, by state", &["state"], "");
/// Connections that PostgreSQL takes.
pub const POSTGRES_MAX_CONNECTIONS: Metric =
    metric(Postgres, Gauge, "docassist_postgres_max_connections", "Connections that PostgreSQL takes", &[], "");
/// Blocks of tables found in shared buffers.
pub const POSTGRES_HEAP_HIT: Metric = metric(
    Postgres,
    Counter,
    "docassist_postgres_heap_blocks_hit_total",
    "Blocks of tables found in shared buffers",
    &[],
    "",
);
/// Blocks of tables that were not in shared buffers.
pub const POSTGRES_HEAP_READ: Metric = metric(
    Postgres,
    Counter,
    "docassist_postgres_heap_blocks_read_total",
    "Blocks of tables that were not in shared buffers",
    &[],
    "",
);
/// Size of the database.
pub const POSTGRES_DATABASE_BYTES: Metric =
    metric(Postgres, Gauge, "docassist_postgres_database_bytes", "Size of the database", &[], "bytes");
/// Rows of a table, estimated.
pub const POSTGRES_LIVE_TUPLES: Metric =
    metric(Postgres, Gauge, "docassist_postgres_live_tuples", "Rows of a table, estimated", &["table"], "");
/// Rows of a table that VACUUM has not cleaned, estimated.
pub const POSTGRES_DEAD_TUPLES: Metric = metric(
    Postgres,
    Gauge,
    "docassist_postgres_dead_tuples",
    "Rows of a table that VACUUM has not cleaned, estimated",
    &["table"],
    "",
);
/// Indexes that no query has used since the statistics were reset.
pub const POSTGRES_UNUSED_INDEXES: Metric = metric(
    Postgres,
    Gauge,
    "docassist_postgres_unused_indexes",
    "Indexes that no query has used since the statistics were reset",
    &[],
    "",
);
/// Size of those indexes.
pub const POSTGRES_UNUSED_INDEX_BYTES: Metric =
    metric(Postgres, Gauge, "docassist_postgres_unused_index_bytes", "Size of those indexes", &[], "bytes");
/// Time that a read replica is behind.
pub const POSTGRES_REPLICATION_LAG: Metric = metric(
    Postgres,
    Gauge,
    "docassist_postgres_replication_lag_seconds",
    "Time that a read replica is behind",
    &["replica"],
    "seconds",
);
/// Age of the oldest open transaction.
pub const POSTGRES_OLDEST_TRANSACTION: Metric = metric(
    Postgres,
    Gauge,
    "docassist_postgres_oldest_transaction_seconds",
    "Age of the oldest open transaction",
    &[],
    "seconds",
);
/// Kinds of statement whose mean time is above 100 ms.
pub const POSTGRES_SLOW_STATEMENTS: Metric = metric(
    Postgres,
    Gauge,
    "docassist_postgres_slow_statements",
    "Kinds of statement whose mean time is above 100 ms",
    &[],
    "",
);
/// Mean time of one of the ten slowest statements.
pub const POSTGRES_STATEMENT_MEAN: Metric = metric(
    Postgres,
    Gauge,
    "docassist_postgres_statement_mean_seconds",
    "Mean time of one of the ten slowest statements",
    &["query_id"],
    "seconds",
);
/// 1 where Redis answered the last time it was asked.
pub const REDIS_UP: Metric =
    metric(Redis, Gauge, "docassist_redis_up", "1 where Redis answered the last time it was asked", &[], "");
/// Look-ups of keys that Redis had.
pub const REDIS_HITS: Metric =
    metric(Redis, Counter, "docassist_redis_hits_total", "Look-ups of keys that Redis had", &[], "");
/// Look-ups of keys that Redis did not have.
pub const REDIS_MISSES: Metric =
    metric(Redis, Counter, "docassist_redis_misses_total", "Look-ups of keys that Redis did not have", &[], "");
/// Memory that Redis counts as used.
pub const REDIS_MEMORY_USED: Metric =
    metric(Redis, Gauge, "docassist_redis_memory_used_bytes", "Memory that Redis counts as used", &[], "bytes");
/// Memory above which keys make room; 0: no limit.
pub const REDIS_MEMORY_MAX: Metric = metric(
    Redis,
    Gauge,
    "docassist_redis_memory_max_bytes",
    "Memory above which keys make room; 0: no limit",
    &[],
    "bytes",
);
/// Memory that Redis has of the system.
pub const REDIS_MEMORY_RESIDENT: Metric =
    metric(Redis, Gauge, "docassist_redis_memory_resident_bytes", "Memory that Redis has of the system", &[], "bytes");
/// Memory of the system by memory used.
pub const REDIS_FRAGMENTATION: Metric =
    metric(Redis, Gauge, "docassist_redis_memory_fragmentation_ratio", "Memory of the system by memory used", &[], "");
/// Keys that made room.
pub const REDIS_EVICTED: Metric =
    metric(Redis, Counter, "docassist_redis_evicted_keys_total", "Keys that made room", &[], "");
/// Keys whose time had come.
pub const REDIS_EXPIRED: Metric =
    metric(Redis, Counter, "docassist_redis_expired_keys_total", "Keys whose time had come", &[], "");
/// Connections.
pub const REDIS_CLIENTS: Metric = metric(Redis, Gauge, "docassist_redis_connected_clients", "Connections", &[], "");
/// Connections refused because there were too many.
pub const REDIS_REJECTED: Metric = metric(
    Redis,
    Counter,
    "docassist_redis_rejected_connections_total",
    "Connections refused because there were too many",
    &[],
    "",
);
/// Commands a second, as Redis tells it.
pub const REDIS_OPERATIONS: Metric =
    metric(Redis, Gauge, "docassist_redis_operations_per_second", "Commands a second, as Redis tells it", &[], "");
/// 1 where Qdrant answered the last time it was asked.
pub const QDRANT_UP: Metric =
    metric(Qdrant, Gauge, "docassist_qdrant_up", "1 where Qdrant answered the last time it was asked", &[], "");
/// Points of a collection.
pub const QDRANT_POINTS: Metric =
    metric(Qdrant, Gauge, "docassist_qdrant_points", "Points of a collection", &["collection"], "");
/// Segments of a collection.
pub const QDRANT_SEGMENTS: Metric =
    metric(Qdrant, Gauge, "docassist_qdrant_segments", "Segments of a collection", &["collection"], "");
/// 1 for the status that a collection is in.
pub const QDRANT_STATUS: Metric = metric(
    Qdrant,
    Gauge,
    "docassist_qdrant_collection_status",
    "1 for the status that a collection is in",
    &["collection", "status"],
    "",
);

/// All of them.
pub const METRICS: &[&Metric] = &[
    &HTTP_REQUESTS,
    &HTTP_DURATION,
    &UPTIME,
    &CACHE_HITS,
    &CACHE_MISSES,
    &CACHE_STALE,
    &CACHE_STORES,
    &CACHE_EVICTIONS,
    &CACHE_ENTRIES,
    &CACHE_BYTES,
    &CACHE_COMPUTATIONS,
    &CACHE_COMPUTATIONS_SAVED,
    &CACHE_COLLAPSED,
    &CACHE_FAILURES,
    &CACHE_OVERTAKEN,
    &CACHE_BYPASSED,
    &CACHE_REDIS_STATE,
    &CACHE_REDIS_EVENTS,
    &GRAPH_BYTES,
    &GRAPH_NODES,
    &GRAPH_AGE,
    &GRAPH_LOAD,
    &GRAPH_BUDGET,
    &GRAPH_LOADS,
    &GRAPH_DROPS,
    &SYNC_JOBS,
    &SYNC_DURATION,
    &SYNC_LAG,
    &SYNC_JOBS_NOW,
    &SEARCH_PASSAGES,
    &SEARCH_EMBEDDED,
    &SEARCH_WAITING,
    &SEARCH_FOLLOWED,
    &SEARCH_DOCUMENTS,
    &SEARCH_SECONDS,
    &SEARCH_REBUILDS,
    &SEARCH_VECTORS,
    &SEARCH_FAILURES,
    &PROCESS_RESIDENT,
    &PROCESS_VIRTUAL,
    &PROCESS_OPEN_FDS,
    &PROCESS_CPU,
    &POSTGRES_UP,
    &POSTGRES_CONNECTIONS,
    &POSTGRES_MAX_CONNECTIONS,
    &POSTGRES_HEAP_HIT,
    &POSTGRES_HEAP_READ,
    &POSTGRES_DATABASE_BYTES,
    &POSTGRES_LIVE_TUPLES,
    &POSTGRES_DEAD_TUPLES,
    &POSTGRES_UNUSED_INDEXES,
    &POSTGRES_UNUSED_INDEX_BYTES,
    &POSTGRES_REPLICATION_LAG,
    &POSTGRES_OLDEST_TRANSACTION,
    &POSTGRES_SLOW_STATEMENTS,
    &POSTGRES_STATEMENT_MEAN,
    &REDIS_UP,
    &REDIS_HITS,
    &REDIS_MISSES,
    &REDIS_MEMORY_USED,
    &REDIS_MEMORY_MAX,
    &REDIS_MEMORY_RESIDENT,
    &REDIS_FRAGMENTATION,
    &REDIS_EVICTED,
    &REDIS_EXPIRED,
    &REDIS_CLIENTS,
    &REDIS_REJECTED,
    &REDIS_OPERATIONS,
    &QDRANT_UP,
    &QDRANT_POINTS,
    &QDRANT_SEGMENTS,
    &QDRANT_STATUS,
];
