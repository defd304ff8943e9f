//! The questions that [`PostgresFigures`](super::PostgresFigures) are the answers to. Each needs `pg_monitor` at most, and
//! takes milliseconds. Whoever holds a connection asks them; columns are in the order of the structs' fields.

/// The ten slowest kinds of statement of this database, the seed's question: mean above 100 ms, the slowest first.
/// Columns: query id, text, calls, mean, total, rows.
pub const SLOWEST: &str = "SELECT coalesce(queryid, 0)::text, query, calls, mean_exec_time, total_exec_time, rows FROM pg_stat_statements \
     WHERE mean_exec_time > 100 AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     ORDER BY mean_exec_time DESC LIMIT 10";

/// The seed's cache hit rate, word for word; null where nothing was read.
pub const BUFFER_HIT_PERCENT: &str = "SELECT sum(heap_blks_hit) / nullif(sum(heap_blks_hit + heap_blks_read), 0) * 100 as cache_hit_rate \
     FROM pg_statio_user_tables";

/// The two sums that the rate is made of.
pub const HEAP_BLOCKS: &str = "SELECT coalesce(sum(heap_blks_hit), 0)::bigint, coalesce(sum(heap_blks_read), 0)::bigint FROM pg_statio_user_tables";

/// Connections of clients by state. Columns: state, count.
pub const CONNECTIONS: &str = "SELECT coalesce(state, 'hidden'), count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' \
     GROUP BY 1 ORDER BY 1";

/// How many connections PostgreSQL takes.
pub const MAX_CONNECTIONS: &str = "SELECT current_setting('max_connections')::bigint";

/// The fifty tables with the most dead rows: more are a list that nobody reads, and a label that grows.
/// Columns: table, live, dead, bytes.
pub const TABLES: &str = "SELECT schemaname || '.' || relname, n_live_tup, n_dead_tup, pg_table_size(relid) FROM pg_stat_user_tables \
     ORDER BY n_dead_tup DESC, 1 LIMIT 50";

/// Indexes without a scan since the statistics were reset, unless they keep rows unique. Columns: index, table, bytes.
pub const UNUSED_INDEXES: &str = "SELECT s.schemaname || '.' || s.indexrelname, s.schemaname || '.' || s.relname, pg_relation_size(s.indexrelid) \
     FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid) WHERE s.idx_scan = 0 AND NOT i.indisunique \
     AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = s.indexrelid) ORDER BY 3 DESC, 1 LIMIT 50";

/// Size of this database.
pub const DATABASE_BYTES: &str = "SELECT pg_database_size(current_database())";

/// Read replicas, and how far their replay is behind. Columns: name, seconds.
pub const REPLICAS: &str = "SELECT coalesce(nullif(application_name, ''), client_addr::text, 'replica'), \
     coalesce(extract(epoch FROM replay_lag), 0)::float8 FROM pg_stat_replication ORDER BY 1";

/// Age of the oldest open transaction of a client in seconds, ours left out; null where there is none.
pub const OLDEST_TRANSACTION: &str = "SELECT extract(epoch FROM clock_timestamp() - min(xact_start))::float8 FROM pg_stat_activity \
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
