//! What `bench infra` asks of a server besides what the product asks: statements as an operator types them, maintenance, and
//! what the server says of itself.
//!
//! It connects as a superuser, whom row-level security does not hold: an operator looks at all organisations at once. Nothing
//! of the product uses it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::config::PostgresConfig;
use super::database::{Connection, Database};
use super::fault::{Fault, Inner};
use crate::{Result, StoreError};

/// A statement over the records of all organisations, as an operator would type it in `psql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Analytical {
    /// A name for programs.
    pub id: &'static str,
    /// What it finds out, and what it takes.
    pub about: &'static str,
    /// The statement.
    pub sql: &'static str,
}

/// Statements that read whole tables, sort and hash: what `work_mem`, the planner's costs and parallel workers are set for. The
/// product itself has none of this kind: its analyses work on a graph in memory.
pub const ANALYTICAL: [Analytical; 3] = [
    Analytical {
        id: "sql_unreferenced_tickets",
        about: "tickets that no commit refers to: an anti-join over all keys of all messages",
        sql: "SELECT tickets.org, tickets.status, count(*) AS tickets FROM tickets \
             WHERE NOT EXISTS (SELECT FROM commits, \
             unnest(string_to_array(subject_keys || ' ' || body_keys, ' ')) AS named (key) \
             WHERE commits.org = tickets.org AND named.key = tickets.key) \
             GROUP BY tickets.org, tickets.status ORDER BY tickets DESC, org, status LIMIT 100",
    },
    Analytical {
        id: "sql_messages_by_author",
        about: "how long each author's messages are: a join of two large tables and a sort that carries texts",
        sql: "SELECT commits.org, author, count(*) AS commits, count(DISTINCT subject) AS subjects, \
             percentile_cont(0.5) WITHIN GROUP (ORDER BY length(message)) AS length \
             FROM commits JOIN commit_texts USING (org, n) \
             GROUP BY commits.org, author ORDER BY commits DESC, org, author LIMIT 100",
    },
    Analytical {
        id: "sql_message_search",
        about: "the newest commits whose message has a word: a scan of all messages",
        sql: "SELECT commits.org, commits.time, subject FROM commit_texts JOIN commits USING (org, n) \
             WHERE message ILIKE '%timeout%' ORDER BY commits.time DESC, n LIMIT 100",
    },
];

/// Work on the tables themselves, which `maintenance_work_mem` is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maintenance {
    /// Statistics of all tables of records.
    Analyze,
    /// Cleaning of all tables of records.
    Vacuum,
    /// An index of the commits' subjects, which is dropped again outside of the time.
    CreateIndex,
}

/// The tables that hold nearly all bytes.
const TABLES: &str = "commits, commit_texts, tickets, ticket_bodies, pages, page_texts, paths, identities, files";

/// What a server has counted since it was asked to begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Pages of tables that were found in shared buffers.
    pub hits: u64,
    /// Pages that were asked of the system.
    pub reads: u64,
    /// Bytes of sorts and hashes that did not fit `work_mem` and went through files.
    pub spilled: u64,
}

/// One server, seen by a superuser.
pub struct PostgresWorkload {
    database: Database,
    client: Option<Connection>,
}

impl std::fmt::Debug for PostgresWorkload {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PostgresWorkload").field("location", &self.database.location()).finish_non_exhaustive()
    }
}

impl PostgresWorkload {
    /// The server of `config`, whose user is a superuser. Connects to nothing yet.
    #[must_use]
    pub fn new(config: PostgresConfig) -> Self {
        Self { database: Database::new(config), client: None }
    }

    /// Makes the product's own role and its database, as `deploy/initdb` does.
    ///
    /// # Errors
    /// [`StoreError::InvalidAddress`] where a name or the password has anything but ASCII letters, digits and `_`, and what
    /// the server reports.
    pub fn found(&mut self, role: &str, password: &str, database: &str) -> Result<()> {
        let is_plain =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if ![role, password, database].into_iter().all(is_plain) {
            return Err(StoreError::InvalidAddress { detail: "a name has more than letters and digits".to_owned() });
        }
        self.with(|client| {
            client.batch_execute(&format!(
                "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{password}'"
            ))?;
            Ok(client.batch_execute(&format!("CREATE DATABASE {database} OWNER {role}"))?)
        })
    }

    /// Connects, so that what follows is not the time of that. Where the server was restarted, a new connection takes the
    /// place of the one that died.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`].
    pub fn connect(&mut self) -> Result<()> {
        if self.client.as_mut().is_none_or(|client| client.batch_execute("").is_err()) {
            self.client = None;
            self.client = Some(self.database.connect("docassist bench")?);
        }
        Ok(())
    }

    fn with<T>(&mut self, run: impl FnOnce(&mut Connection) -> Inner<T>) -> Result<T> {
        self.connect()?;
        let Some(client) = self.client.as_mut() else {
            return Err(StoreError::Unreachable {
                location: self.database.location().to_owned(),
                detail: "not connected".to_owned(),
            });
        };
        run(client).map_err(|fault: Fault| fault.at(self.database.location()))
    }

    /// Runs a statement and reads all that it yields. Returns the rows.
    ///
    /// # Errors
    /// What the server reports.
    pub fn run(&mut self, statement: &Analytical) -> Result<u64> {
        self.with(|client| Ok(client.query(statement.sql, &[])?.len() as u64))
    }

    /// Works on the tables of records, and returns how long it took.
    ///
    /// # Errors
    /// What the server reports.
    pub fn maintain(&mut self, what: Maintenance) -> Result<Duration> {
        self.with(|client| {
            let sql = match what {
                Maintenance::Analyze => format!("ANALYZE {TABLES}"),
                Maintenance::Vacuum => format!("VACUUM {TABLES}"),
                // The first characters: an index takes no long texts.
                Maintenance::CreateIndex => {
                    "CREATE INDEX bench_subjects ON commits (org, left(subject, 200), time)".to_owned()
                }
            };
            let began = Instant::now();
            client.batch_execute(&sql)?;
            let took = began.elapsed();
            if what == Maintenance::CreateIndex {
                client.batch_execute("DROP INDEX bench_subjects")?;
            }
            Ok(took)
        })
    }

    /// Makes organisations without records, named `{prefix}0` and so on, so that a service of many can be asked about.
    ///
    /// # Errors
    /// What the server reports.
    pub fn empty_organisations(&mut self, prefix: &str, count: u32) -> Result<()> {
        const SQL: &str = "INSERT INTO tenants (slug, sequence) \
             SELECT $1 || number, 1 FROM generate_series(0, $2::bigint - 1) AS number ON CONFLICT DO NOTHING";
        self.with(|client| {
            client.execute(SQL, &[&prefix, &i64::from(count)])?;
            Ok(())
        })
    }

    /// All settings, with their units, as `SHOW` tells them.
    ///
    /// # Errors
    /// What the server reports.
    pub fn settings(&mut self) -> Result<BTreeMap<String, String>> {
        self.with(|client| {
            let rows = client.query("SELECT name, current_setting(name, true) FROM pg_settings", &[])?;
            rows.iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get::<_, Option<String>>(1)?.unwrap_or_default())))
                .collect()
        })
    }

    /// Bytes of the database's files.
    ///
    /// # Errors
    /// What the server reports.
    pub fn size(&mut self) -> Result<u64> {
        self.with(|client| {
            let row = client.query_one("SELECT pg_database_size(current_database())", &[])?;
            Ok(row.try_get::<_, i64>(0)?.unsigned_abs())
        })
    }

    /// Begins to count anew.
    ///
    /// # Errors
    /// What the server reports.
    pub fn reset_counts(&mut self) -> Result<()> {
        self.with(|client| Ok(client.batch_execute("SELECT pg_stat_reset()")?))
    }

    /// What was counted. Other connections tell their counts when they rest: what they did in the last second or so may be
    /// missing.
    ///
    /// # Errors
    /// What the server reports.
    pub fn counted(&mut self) -> Result<Counted> {
        const SQL: &str = "SELECT (SELECT coalesce(sum(heap_blks_hit), 0)::bigint FROM pg_statio_user_tables), \
             (SELECT coalesce(sum(heap_blks_read), 0)::bigint FROM pg_statio_user_tables), \
             (SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database())";
        self.with(|client| {
            client.batch_execute("SELECT pg_stat_force_next_flush()")?;
            let row = client.query_one(SQL, &[])?;
            let number = |at: usize| row.try_get::<_, i64>(at).map(i64::unsigned_abs);
            Ok(Counted { hits: number(0)?, reads: number(1)?, spilled: number(2)? })
        })
    }
}
