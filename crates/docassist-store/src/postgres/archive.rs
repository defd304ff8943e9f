//! A database as a whole: dumped from one state by `pg_dump`, and put back by `pg_restore`.
//!
//! Row-level security is what makes this more than a call of a program. It hides rows from the role of the service, so that
//! `pg_dump` refuses to work with it; a role with `BYPASSRLS` is needed, which may do nothing but read. Putting back takes no
//! such role: a dump has the policies after the rows.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use docassist_model::OrgSlug;
use postgres::{Client, GenericClient, IsolationLevel};

use super::config::PostgresConfig;
use super::database::{Database, in_place, off_the_runtime};
use super::fault::{Fault, Inner};
use super::migrations;
use super::records::{PostgresReading, organisations};
use super::tools::Tool;
use crate::{Reading, Result, StoreError};

/// What was there before is kept under this name until what was put back has been looked at.
const REPLACED: &str = "docassist_replaced";

/// The session of a process that has just ended is there for a moment.
const LEAVING: Duration = Duration::from_secs(1);
/// How often to look whether it is gone.
const POLL: Duration = Duration::from_millis(50);

/// One PostgreSQL database, for backups.
#[derive(Debug)]
pub struct PostgresArchive {
    config: PostgresConfig,
    database: Database,
}

impl PostgresArchive {
    /// The database of `config`. Connects to nothing yet, and never makes or migrates tables.
    #[must_use]
    pub fn new(config: PostgresConfig) -> Self {
        Self { database: Database::new(config.clone()), config }
    }

    /// Host, port and database.
    #[must_use]
    pub fn location(&self) -> &str {
        self.config.location()
    }

    /// Whether the role sees the rows of all organisations at once, as a dump has to.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn sees_everything(&self) -> Result<bool> {
        const SQL: &str = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
        self.run(|client| Ok(client.query_one(SQL, &[])?.try_get(0)?))
    }

    /// Dumps everything into the file `to`, and calls `each` with every organisation as it is in the very state that is
    /// dumped. Nobody waits for it.
    ///
    /// # Errors
    /// When the server or `pg_dump` fails, what `each` returns, and [`StoreError::Cancelled`].
    pub fn dump(
        &self,
        to: &Path,
        cancelled: &dyn Fn() -> bool,
        each: &mut dyn FnMut(&OrgSlug, &mut dyn Reading) -> Result<()>,
    ) -> Result<()> {
        let mut client = self.database.connect("docassist backup")?;
        let location = self.location();
        let result = in_place(|| {
            let mut transaction =
                client.build_transaction().read_only(true).isolation_level(IsolationLevel::RepeatableRead).start()?;
            migrations::check(&mut transaction, location)?;
            let snapshot: String = transaction.query_one("SELECT pg_export_snapshot()", &[])?.try_get(0)?;
            // Both at once: the program reads while the digests are computed here.
            let tool = Tool::start("pg_dump", &self.config, &dump_arguments(&snapshot, to))?;
            for org in organisations(&mut transaction)? {
                if cancelled() {
                    return Err(StoreError::Cancelled.into());
                }
                if let Some(mut reading) = PostgresReading::new(&mut transaction, location, &org)? {
                    each(&org, &mut reading)?;
                }
            }
            tool.wait(cancelled)?;
            transaction.commit()?;
            Ok(())
        });
        result.map_err(|fault: Fault| fault.at(location))
    }

    /// Whether there is something that a restore would replace. Tables without rows are nothing.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn is_occupied(&self) -> Result<bool> {
        // Where a table hides its rows, the one of organisations or accounts tells of them.
        const TABLES: &str = "SELECT format('SELECT EXISTS (SELECT 1 FROM docassist.%I)', relname) FROM pg_class \
             WHERE relnamespace = to_regnamespace('docassist') AND relkind = 'r' AND NOT relrowsecurity \
             AND relname <> 'format'";
        self.run(|client| {
            if exists(client, REPLACED)? {
                return Ok(true);
            }
            for row in client.query(TABLES, &[])? {
                if client.query_one(row.try_get::<_, &str>(0)?, &[])?.try_get(0)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// What other sessions of this program are in the database, by their names.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn users(&self) -> Result<Vec<String>> {
        const SQL: &str = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND application_name LIKE 'docassist%' ORDER BY 1";
        let deadline = Instant::now() + LEAVING;
        self.run(|client| {
            loop {
                let rows = client.query(SQL, &[])?;
                if rows.is_empty() || Instant::now() >= deadline {
                    return rows.iter().map(|row| Ok(row.try_get(0)?)).collect();
                }
                std::thread::sleep(POLL);
            }
        })
    }

    /// Puts back the dump in the file `from`, in one transaction, in the place of everything that is there, and keeps it if
    /// `good` says so; otherwise, and after an error, everything is as before. Returns what `good` said.
    ///
    /// What was there is moved aside first and removed last. Killed in between, it is found in the schema
    /// `docassist_replaced`.
    ///
    /// # Errors
    /// When the server or `pg_restore` fails, what `good` returns, and [`StoreError::Cancelled`].
    pub fn restore(
        &self,
        from: &Path,
        cancelled: &dyn Fn() -> bool,
        good: &mut dyn FnMut() -> Result<bool>,
    ) -> Result<bool> {
        let moved = self.run(move_aside)?;
        if !moved {
            let detail = format!(
                "an earlier restore was interrupted: `{REPLACED}` is what was there before it. Drop it, or \
                 `docassist`, whichever is not wanted, and rename the other to `docassist`"
            );
            return Err(StoreError::Damaged { location: self.location().to_owned(), detail });
        }
        let restored = Tool::start("pg_restore", &self.config, &restore_arguments(&self.config, from))
            .and_then(|tool| tool.wait(cancelled))
            .and_then(|()| self.run(analyze))
            .and_then(|()| good());
        let keep = matches!(restored, Ok(true));
        let settled = self.run(|client| if keep { forget(client) } else { move_back(client) });
        // The first error is the one that tells.
        let restored = restored?;
        settled?;
        Ok(restored)
    }

    /// Runs `run` once, in a connection that is closed afterwards: nothing of this program is to stay in the database.
    fn run<T: Send>(&self, run: impl FnOnce(&mut Client) -> Inner<T> + Send) -> Result<T> {
        let result = off_the_runtime(|| {
            let mut client = self.database.connect("docassist restore")?;
            run(&mut client)
        });
        result.map_err(|fault: Fault| fault.at(self.location()))
    }
}

fn dump_arguments(snapshot: &str, to: &Path) -> Vec<OsString> {
    let mut file = OsString::from("--file=");
    file.push(to);
    vec![
        "--format=custom".into(),
        "--schema=docassist".into(),
        "--no-owner".into(),
        "--no-privileges".into(),
        "--no-password".into(),
        format!("--snapshot={snapshot}").into(),
        file,
    ]
}

fn restore_arguments(config: &PostgresConfig, from: &Path) -> Vec<OsString> {
    let name = config.client.get_dbname().or(config.client.get_user()).unwrap_or_default();
    // As a part of a connection string, in which any name can be quoted.
    let name = name.replace('\\', "\\\\").replace('\'', "\\'");
    vec![
        "--single-transaction".into(),
        "--exit-on-error".into(),
        "--no-owner".into(),
        "--no-privileges".into(),
        "--no-password".into(),
        format!("--dbname=dbname='{name}'").into(),
        from.into(),
    ]
}

fn exists(client: &mut impl GenericClient, schema: &str) -> Inner<bool> {
    Ok(client.query_one("SELECT to_regnamespace($1) IS NOT NULL", &[&schema])?.try_get(0)?)
}

/// Makes room; false where an earlier restore left two schemas, of which nobody knows which is wanted.
fn move_aside(client: &mut Client) -> Inner<bool> {
    match (exists(client, "docassist")?, exists(client, REPLACED)?) {
        (true, true) => return Ok(false),
        (true, false) => client.batch_execute(&format!("ALTER SCHEMA docassist RENAME TO {REPLACED}"))?,
        (false, _) => {}
    }
    Ok(true)
}

fn move_back(client: &mut Client) -> Inner<()> {
    let mut transaction = client.transaction()?;
    transaction.batch_execute("DROP SCHEMA IF EXISTS docassist CASCADE")?;
    if exists(&mut transaction, REPLACED)? {
        transaction.batch_execute(&format!("ALTER SCHEMA {REPLACED} RENAME TO docassist"))?;
    }
    Ok(transaction.commit()?)
}

fn forget(client: &mut Client) -> Inner<()> {
    Ok(client.batch_execute(&format!("DROP SCHEMA IF EXISTS {REPLACED} CASCADE"))?)
}

/// What the planner knows of rows is not in a dump.
fn analyze(client: &mut Client) -> Inner<()> {
    const TABLES: &str = "SELECT format('ANALYZE docassist.%I', relname) FROM pg_class \
         WHERE relnamespace = to_regnamespace('docassist') AND relkind = 'r'";
    for row in client.query(TABLES, &[])? {
        client.batch_execute(row.try_get(0)?)?;
    }
    Ok(())
}
