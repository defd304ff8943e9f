//! How a running PostgreSQL does: what `docassist monitor`, `/api/v1/ops/postgres` and the metrics tell.

use postgres::error::SqlState;
use postgres::{Client, Row};

use super::{LOOKING, look};
use crate::Result;
use crate::postgres::config::PostgresConfig;
use crate::postgres::fault::{Fault, Inner};

/// What PostgreSQL tells of itself, of this database unless said otherwise. Counts are since its statistics were reset.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PostgresFigures {
    /// Connections of clients of all databases, by state; `hidden` where the role may not see it.
    pub connections: Vec<(String, u64)>,
    /// How many connections it takes.
    pub max_connections: u64,
    /// Blocks of tables found in shared buffers, and blocks that were not.
    pub heap_blocks: (u64, u64),
    /// Slow statements, where they are counted.
    pub statements: Statements,
    /// The fifty tables with the most dead rows.
    pub tables: Vec<TableFigures>,
    /// Indexes without a scan, unless they keep rows unique; the fifty largest.
    pub unused_indexes: Vec<UnusedIndex>,
    /// Size of the database.
    pub database_bytes: u64,
    /// Age in seconds of the oldest open transaction of a client.
    pub oldest_transaction_seconds: Option<f64>,
    /// Read replicas; on a read replica, how far it is behind itself.
    pub replicas: Vec<ReplicaLag>,
}

/// Statements, as `pg_stat_statements` counts them.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Statements {
    /// The extension is not in this database.
    #[default]
    NoExtension,
    /// The extension is there, and the library was not loaded at the server's start.
    NotLoaded,
    /// The role may not read it.
    Hidden,
    /// The ten slowest of those with a mean time above 100 ms, the slowest first.
    Counted(Vec<SlowStatement>),
}

/// A kind of statement.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowStatement {
    /// Its number, which log lines have too.
    pub query_id: String,
    /// Its text, cut at a thousand characters, with `$1` for values.
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

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFigures {
    /// `schema.table`.
    pub table: String,
    /// Rows, estimated.
    pub live_tuples: u64,
    /// Rows that VACUUM has not cleaned, estimated.
    pub dead_tuples: u64,
    /// Its size without indexes.
    pub bytes: u64,
    /// When autovacuum cleaned it last, in seconds since 1970.
    pub last_autovacuum: Option<i64>,
}

/// An index that nobody uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedIndex {
    /// `schema.index`.
    pub index: String,
    /// `schema.table`.
    pub table: String,
    /// Its size.
    pub bytes: u64,
}

/// A read replica.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaLag {
    /// Its `application_name`, or its address.
    pub name: String,
    /// How far its replay is behind.
    pub seconds: f64,
}

/// Whoever sets a password in a statement has it counted with its text before PostgreSQL 16: such a text is not shown.
const SLOWEST: &str = "SELECT coalesce(queryid, 0)::text, \
     CASE WHEN query ~* 'password\\s+''' THEN '(sets a password)' ELSE left(query, 1000) END, \
     calls, mean_exec_time, total_exec_time, rows FROM STATEMENTS \
     WHERE mean_exec_time > 100 AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     ORDER BY mean_exec_time DESC LIMIT 10";
/// Where a role may not see others' sessions only `usename` tells them from the server's own processes.
const CONNECTIONS: &str = "SELECT coalesce(state, 'hidden'), count(*) FROM pg_stat_activity \
     WHERE usename IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend' GROUP BY 1 ORDER BY 1";
const HEAP_BLOCKS: &str = "SELECT coalesce(sum(heap_blks_hit), 0)::bigint, coalesce(sum(heap_blks_read), 0)::bigint \
     FROM pg_statio_user_tables";
/// Fifty are more than we have; beyond is a list that nobody reads, and a label that grows.
const TABLES: &str = "SELECT schemaname || '.' || relname, n_live_tup, n_dead_tup, pg_table_size(relid), \
     extract(epoch FROM last_autovacuum)::bigint FROM pg_stat_user_tables ORDER BY n_dead_tup DESC, 1 LIMIT 50";
const UNUSED_INDEXES: &str = "SELECT s.schemaname || '.' || s.indexrelname, s.schemaname || '.' || s.relname, \
     pg_relation_size(s.indexrelid) FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid) \
     WHERE s.idx_scan = 0 AND NOT i.indisunique AND NOT i.indisprimary \
     AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = s.indexrelid) ORDER BY 3 DESC, 1 LIMIT 50";
const OLDEST_TRANSACTION: &str = "SELECT extract(epoch FROM clock_timestamp() - min(xact_start))::float8 FROM pg_stat_activity \
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
/// A replica that has replayed all that it received is not behind, however long nothing was written.
const REPLICAS: &str = "SELECT coalesce(nullif(application_name, ''), client_addr::text, 'replica'), \
     coalesce(extract(epoch FROM replay_lag), 0)::float8 FROM pg_stat_replication \
     UNION ALL SELECT 'this server', CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 \
     ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END::float8 \
     WHERE pg_is_in_recovery() ORDER BY 1";

/// Asks the server how it does.
///
/// # Errors
/// When it cannot be reached, or does not answer within seconds.
pub fn figures(config: &PostgresConfig) -> Result<PostgresFigures> {
    look(config, "docassist monitor", |client| {
        client.batch_execute(LOOKING)?;
        let one = client.query_one(
            "SELECT current_setting('max_connections')::bigint, pg_database_size(current_database())",
            &[],
        )?;
        let blocks = client.query_one(HEAP_BLOCKS, &[])?;
        Ok(PostgresFigures {
            connections: rows(client, CONNECTIONS, |row| Ok((row.try_get(0)?, number(row, 1)?)))?,
            max_connections: number(&one, 0)?,
            heap_blocks: (number(&blocks, 0)?, number(&blocks, 1)?),
            statements: statements(client)?,
            tables: rows(client, TABLES, |row| {
                Ok(TableFigures {
                    table: row.try_get(0)?,
                    live_tuples: number(row, 1)?,
                    dead_tuples: number(row, 2)?,
                    bytes: number(row, 3)?,
                    last_autovacuum: row.try_get(4)?,
                })
            })?,
            unused_indexes: rows(client, UNUSED_INDEXES, |row| {
                Ok(UnusedIndex { index: row.try_get(0)?, table: row.try_get(1)?, bytes: number(row, 2)? })
            })?,
            database_bytes: number(&one, 1)?,
            oldest_transaction_seconds: client.query_one(OLDEST_TRANSACTION, &[])?.try_get(0)?,
            replicas: rows(client, REPLICAS, |row| {
                let seconds: f64 = row.try_get(1)?;
                Ok(ReplicaLag { name: row.try_get(0)?, seconds: seconds.max(0.0) })
            })?,
        })
    })
}

fn statements(client: &mut Client) -> Inner<Statements> {
    // It can be in any schema; what it is called there is the server's to quote.
    const PLACE: &str = "SELECT quote_ident(nspname) || '.pg_stat_statements' FROM pg_extension \
         JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_stat_statements'";
    let Some(place) = client.query_opt(PLACE, &[])? else { return Ok(Statements::NoExtension) };
    let place: String = place.try_get(0)?;
    let slowest = rows(client, &SLOWEST.replace("STATEMENTS", &place), |row| {
        Ok(SlowStatement {
            query_id: row.try_get(0)?,
            // Hidden where the role may not see others' statements.
            query: row.try_get::<_, Option<String>>(1)?.unwrap_or_default(),
            calls: number(row, 2)?,
            mean_ms: row.try_get(3)?,
            total_ms: row.try_get(4)?,
            rows: number(row, 5)?,
        })
    });
    match slowest {
        Ok(slowest) => Ok(Statements::Counted(slowest)),
        Err(Fault::Sql(error)) if error.code() == Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE) => {
            Ok(Statements::NotLoaded)
        }
        Err(Fault::Sql(error)) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(Statements::Hidden),
        Err(fault) => Err(fault),
    }
}

fn rows<T>(client: &mut Client, sql: &str, read: impl Fn(&Row) -> Inner<T>) -> Inner<Vec<T>> {
    client.query(sql, &[])?.iter().map(read).collect()
}

/// Counts are never below zero; the column is signed all the same, and a size of what was just removed is null.
fn number(row: &Row, at: usize) -> Inner<u64> {
    let number: Option<i64> = row.try_get(at)?;
    Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use docassist_testing::PostgresServer;

    use super::*;
    use crate::PostgresControl;

    #[test]
    fn a_server_tells_how_it_does() {
        let settings = [("shared_preload_libraries", "pg_stat_statements"), ("max_connections", "20")];
        let Some(server) = PostgresServer::start(&settings) else { return };
        let url = server.database();
        let config = PostgresConfig::parse(&url).unwrap();
        drop(PostgresControl::open(config.clone()).unwrap());
        let before = figures(&config).unwrap();
        assert_eq!(before.statements, Statements::NoExtension);
        assert_eq!((before.max_connections, before.replicas.len()), (20, 0));
        assert!(before.database_bytes > 1 << 20);
        assert!(before.connections.iter().map(|(_, count)| count).sum::<u64>() >= 1, "{:?}", before.connections);
        assert!(before.tables.iter().any(|table| table.table == "docassist.commits"));
        assert!(before.unused_indexes.iter().any(|index| index.index == "docassist.jobs_of_org"));
        assert!(!before.unused_indexes.iter().any(|index| index.index.ends_with("_pkey")));

        server.psql(&url, "CREATE SCHEMA \"odd one\"; CREATE EXTENSION pg_stat_statements SCHEMA \"odd one\"");
        assert_eq!(figures(&config).unwrap().statements, Statements::Hidden);
        server.psql(&url, "GRANT USAGE ON SCHEMA \"odd one\" TO docassist; GRANT pg_monitor TO docassist");
        server.psql(&url, "SELECT pg_sleep(0.15)");
        let after = figures(&config).unwrap();
        let Statements::Counted(slow) = &after.statements else { panic!("{:?}", after.statements) };
        assert_eq!(slow.len(), 1, "{slow:?}");
        assert_eq!((slow[0].query.as_str(), slow[0].calls), ("SELECT pg_sleep($1)", 1));
        assert!((100.0..5000.0).contains(&slow[0].mean_ms) && slow[0].query_id.parse::<i64>().is_ok(), "{slow:?}");
        assert!(after.heap_blocks.0 >= before.heap_blocks.0);
    }

    #[test]
    fn a_library_that_is_not_loaded_is_told() {
        let Some(server) = PostgresServer::shared() else { return };
        let url = server.database();
        server.psql(&url, "CREATE EXTENSION pg_stat_statements; GRANT pg_monitor TO docassist");
        let figures = figures(&PostgresConfig::parse(&url).unwrap()).unwrap();
        assert_eq!(figures.statements, Statements::NotLoaded);
    }

    #[test]
    fn a_server_that_is_not_there_is_unreachable() {
        let config = PostgresConfig::parse("postgres://nobody@127.0.0.1:1/none?sslmode=disable").unwrap();
        let error = figures(&config).unwrap_err();
        assert!(matches!(error, crate::StoreError::Unreachable { .. }), "{error}");
    }
}
