//! PostgreSQL.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Sample;
use crate::metrics;

/// What PostgreSQL tells of itself, of the service's database unless said otherwise.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct PostgresFigures {
    /// Whether `pg_stat_statements` is there and may be read; without it `slowest` is empty for that reason.
    pub statements_counted: bool,
    /// What is needed for that where it is not; `null` where it is.
    pub statements_missing: Option<String>,
    /// The ten kinds of statement with the longest mean time, above 100 ms.
    pub slowest: Vec<SlowStatement>,
    /// Blocks of tables found in shared buffers since the statistics were reset.
    pub heap_blocks_hit: u64,
    /// Blocks of tables that were not: they came from the page cache or the disk.
    pub heap_blocks_read: u64,
    /// Blocks found in shared buffers, of all, in per cent; `null` where none was read.
    pub buffer_hit_percent: Option<f64>,
    /// Connections of clients, of all databases.
    pub connections: Connections,
    /// Tables, those with the most dead rows first.
    pub tables: Vec<TableFigures>,
    /// Indexes that no query has used since the statistics were reset, the largest first; those that keep rows unique are left out.
    pub unused_indexes: Vec<UnusedIndex>,
    /// Size of the database.
    pub database_bytes: u64,
    /// Read replicas.
    pub replicas: Vec<Replica>,
    /// Age of the oldest open transaction; `null` where none is open.
    pub oldest_transaction_seconds: Option<f64>,
}

/// A kind of statement.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct SlowStatement {
    /// Its number, which log lines have too.
    pub query_id: String,
    /// Its text, with `$1` for values.
    pub query: String,
    /// How often it ran.
    pub calls: u64,
    /// Mean time in milliseconds.
    pub mean_ms: f64,
    /// Time of all runs in milliseconds.
    pub total_ms: f64,
    /// Rows of all runs.
    pub rows: u64,
}

/// Connections by what they do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Connections {
    /// `active`, `idle`, `idle in transaction`, …: how many.
    pub by_state: BTreeMap<String, u64>,
    /// All of them.
    pub total: u64,
    /// How many PostgreSQL takes.
    pub max: u64,
}

impl Connections {
    /// From counts by state; the total is theirs.
    #[must_use]
    pub fn new(by_state: BTreeMap<String, u64>, max: u64) -> Self {
        Self { total: by_state.values().sum(), by_state, max }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct TableFigures {
    /// `schema.table`.
    pub table: String,
    /// Rows, estimated.
    pub live_tuples: u64,
    /// Rows that VACUUM has not cleaned, estimated.
    pub dead_tuples: u64,
    /// Its size without indexes.
    pub bytes: u64,
    /// When autovacuum cleaned it last; `null` where it never did since the statistics were reset.
    pub last_autovacuum: Option<String>,
}

/// An index that nobody uses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct UnusedIndex {
    /// `schema.index`.
    pub index: String,
    /// Its table.
    pub table: String,
    /// Its size.
    pub bytes: u64,
}

/// A read replica.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Replica {
    /// Its `application_name`, or its address.
    pub name: String,
    /// How far it is behind.
    pub lag_seconds: f64,
}

impl PostgresFigures {
    /// The seed's cache hit rate: `sum(heap_blks_hit) / nullif(sum(heap_blks_hit + heap_blks_read), 0) * 100`.
    #[must_use]
    pub fn hit_percent(hit: u64, read: u64) -> Option<f64> {
        super::ratio(hit, read).map(|ratio| ratio * 100.0)
    }

    /// As Prometheus scrapes them.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let of = |metric, value: u64| Sample::plain(metric, value as f64);
        let mut samples = vec![
            of(&metrics::POSTGRES_MAX_CONNECTIONS, self.connections.max),
            of(&metrics::POSTGRES_HEAP_HIT, self.heap_blocks_hit),
            of(&metrics::POSTGRES_HEAP_READ, self.heap_blocks_read),
            of(&metrics::POSTGRES_DATABASE_BYTES, self.database_bytes),
            of(&metrics::POSTGRES_UNUSED_INDEXES, self.unused_indexes.len() as u64),
            of(&metrics::POSTGRES_UNUSED_INDEX_BYTES, self.unused_indexes.iter().map(|index| index.bytes).sum()),
            of(&metrics::POSTGRES_SLOW_STATEMENTS, self.slowest.len() as u64),
            Sample::plain(&metrics::POSTGRES_OLDEST_TRANSACTION, self.oldest_transaction_seconds.unwrap_or_default()),
        ];
        for (state, count) in &self.connections.by_state {
            samples.push(Sample::with(&metrics::POSTGRES_CONNECTIONS, [state.clone()], *count as f64));
        }
        for table in &self.tables {
            let labels = [table.table.clone()];
            samples.push(Sample::with(&metrics::POSTGRES_LIVE_TUPLES, labels.clone(), table.live_tuples as f64));
            samples.push(Sample::with(&metrics::POSTGRES_DEAD_TUPLES, labels, table.dead_tuples as f64));
        }
        for replica in &self.replicas {
            samples.push(Sample::with(&metrics::POSTGRES_REPLICATION_LAG, [replica.name.clone()], replica.lag_seconds));
        }
        for statement in &self.slowest {
            let labels = [statement.query_id.clone()];
            samples.push(Sample::with(&metrics::POSTGRES_STATEMENT_MEAN, labels, statement.mean_ms / 1000.0));
        }
        samples
    }
}
