//! Looking at a running PostgreSQL: its settings, its role, and whether the tables are as the migrations make them
//! ([`inspect`]); and how it does ([`figures`](fn@figures)).
//!
//! Everything here only reads, over a connection of its own that ends with it: a pool that is used up or a server that was
//! set up wrongly is what one wants to look at.

mod figures;
mod schema;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postgres::error::SqlState;
use postgres::{Client, Row};

use super::config::PostgresConfig;
use super::database::off_the_runtime;
use super::fault::{Fault, Inner};
use super::migrations;
use crate::Result;

pub use figures::{PostgresFigures, ReplicaLag, SlowStatement, Statements, TableFigures, UnusedIndex, figures};

/// Whoever looks does not wait: a question that takes longer is part of the trouble.
const LOOKING: &str = "SET statement_timeout = '5s'; SET lock_timeout = '1s'; \
     SET default_transaction_read_only = on; SET search_path = pg_catalog";

/// What a PostgreSQL says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresInspection {
    /// `server_version_num`: 150020 is 15.20.
    pub version_num: u32,
    /// `pg_settings`, as far as the role may see them.
    pub settings: Vec<SettingRow>,
    /// `pg_extension` of this database.
    pub extensions: Vec<String>,
    /// The role that we are.
    pub role: String,
    /// Whether it is a superuser.
    pub is_superuser: bool,
    /// Whether row-level security does not hold for it.
    pub bypasses_row_security: bool,
    /// Whether it is a read replica.
    pub in_recovery: bool,
    /// How much the server's clock is ahead of this machine's, in milliseconds.
    pub clock_ahead_ms: i64,
    /// The tables.
    pub schema: SchemaState,
}

/// A row of `pg_settings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// Its name, as the server spells it.
    pub name: String,
    /// The value in the connection that asks.
    pub setting: String,
    /// `8kB`, `kB`, `ms`, …, or nothing.
    pub unit: String,
    /// What a session gets that sets nothing itself.
    pub reset_val: String,
    /// `configuration file`, `default`, `command line`, …
    pub source: String,
    /// The file, where it comes from one and the role may see it.
    pub sourcefile: Option<String>,
    /// The line in it.
    pub sourceline: Option<u32>,
    /// Whether the files have another value, which takes a restart.
    pub pending_restart: bool,
}

/// The tables, against what the migrations make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SchemaState {
    /// The version of the tables; 0 where there are none yet.
    pub version: i64,
    /// The version that this program makes.
    pub known: i64,
    /// Indexes that the migrations make and that are not there. Empty where there are no tables yet.
    pub missing_indexes: Vec<String>,
    /// Indexes of any schema that are not valid.
    pub invalid_indexes: Vec<String>,
    /// Tables of records on which row-level security is not as the migrations make it, each with what is wrong.
    pub unprotected: Vec<(String, &'static str)>,
}

/// Asks the server what it is and how it is set.
///
/// # Errors
/// When it cannot be reached, or does not answer within seconds.
pub fn inspect(config: &PostgresConfig) -> Result<PostgresInspection> {
    look(config, "docassist doctor", |client| {
        // Before anything is set for this connection, or the server would tell that it is the connection's own.
        let mut settings = settings(client);
        client.batch_execute(LOOKING)?;
        if is_timeout(&settings) {
            // The server's own limit is so short that nothing can be asked; where it comes from is not to be seen then.
            settings = self::settings(client).map(without_source);
        }
        let settings = settings?;
        let row = client.query_one(
            "SELECT current_setting('server_version_num')::int, rolname::text, rolsuper, rolbypassrls, pg_is_in_recovery() \
             FROM pg_roles WHERE rolname = current_user",
            &[],
        )?;
        Ok(PostgresInspection {
            version_num: u32::try_from(row.try_get::<_, i32>(0)?).unwrap_or_default(),
            role: row.try_get(1)?,
            is_superuser: row.try_get(2)?,
            bypasses_row_security: row.try_get(3)?,
            in_recovery: row.try_get(4)?,
            settings,
            extensions: names(client, "SELECT extname::text FROM pg_extension ORDER BY 1")?,
            clock_ahead_ms: clock(client)?,
            schema: schema::look(client)?,
        })
    })
}

/// Runs `read` over a connection of its own.
fn look<T: Send>(
    config: &PostgresConfig,
    purpose: &str,
    read: impl FnOnce(&mut Client) -> Inner<T> + Send,
) -> Result<T> {
    off_the_runtime(|| {
        let at = |fault: Fault| fault.at(config.location());
        let mut client = config.connect(purpose).map_err(|error| at(error.into()))?;
        read(&mut client).map_err(at)
    })
}

fn settings(client: &mut Client) -> Inner<Vec<SettingRow>> {
    const SQL: &str = "SELECT name, coalesce(setting, ''), coalesce(unit, ''), coalesce(reset_val, ''), source, sourcefile, \
         sourceline, pending_restart FROM pg_settings";
    let row = |row: &Row| -> Inner<SettingRow> {
        Ok(SettingRow {
            name: row.try_get(0)?,
            setting: row.try_get(1)?,
            unit: row.try_get(2)?,
            reset_val: row.try_get(3)?,
            source: row.try_get(4)?,
            sourcefile: row.try_get(5)?,
            sourceline: row.try_get::<_, Option<i32>>(6)?.and_then(|line| u32::try_from(line).ok()),
            pending_restart: row.try_get(7)?,
        })
    };
    client.query(SQL, &[])?.iter().map(row).collect()
}

/// Whether the server ended the statement for its time.
fn is_timeout<T>(result: &Inner<T>) -> bool {
    matches!(result, Err(Fault::Sql(error)) if error.code() == Some(&SqlState::QUERY_CANCELED))
}

fn without_source(mut rows: Vec<SettingRow>) -> Vec<SettingRow> {
    rows.iter_mut().filter(|row| row.name == "statement_timeout").for_each(|row| row.source.clear());
    rows
}

/// One column of texts.
fn names(client: &mut Client, sql: &str) -> Inner<Vec<String>> {
    client.query(sql, &[])?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The server's clock against the middle of the time that asking took.
fn clock(client: &mut Client) -> Inner<i64> {
    let before = unix_ms();
    let row = client.query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", &[])?;
    let server: i64 = row.try_get(0)?;
    Ok(server - i64::midpoint(before, unix_ms()))
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
