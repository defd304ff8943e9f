//! Records in PostgreSQL.

mod bulk;
mod git;
mod intern;
mod pages;
mod project;
mod reading;
mod rows;
mod shadow;
mod sources;
mod standby;
mod tickets;
mod vectors;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use docassist_model::{ObjectId, OrgSlug, Page, RecordSink, TenantScope, Ticket, TicketKey};
use postgres::Transaction;
use postgres::types::Type;

use super::changes::{self, Watch};
use super::config::PostgresConfig;
use super::control::PostgresControl;
use super::database::{Database, in_place, off_the_runtime, snapshot};
use super::fault::{Fault, Inner};
use super::text;
use crate::{Reading, Result, Source, Store, StoreError, Writer};
pub(super) use reading::PostgresReading;
pub(super) use rows::organisations;
use standby::Standby;
use writer::PostgresWriter;

/// How long a removal waits for the organisation's writer.
const REMOVAL_WAIT: Duration = Duration::from_secs(5);

/// Records of all organisations in one PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    database: Database,
    /// What bulk reads are asked of, where it has what they need.
    standby: Option<Standby>,
    /// Where files lie that are kept beside records: clones, uploads.
    data: PathBuf,
}

impl PostgresStore {
    /// Opens the database, making or migrating its tables as needed. `data` is the directory of what is kept beside records.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] where it does not answer, [`StoreError::Newer`] where a newer program wrote it, and what
    /// else the server reports.
    pub fn open(mut config: PostgresConfig, data: impl Into<PathBuf>) -> Result<Self> {
        // A standby that is away is no reason not to start: it is not asked then.
        let standby = config.standby.take().map(|standby| Standby::new(*standby));
        let database = Database::new(config);
        database.migrate()?;
        Ok(Self { database, standby, data: data.into() })
    }

    /// Runs a bulk read where it is answered: on the standby, if that has what is stored now. It runs once: what it reads may have
    /// been handed on when it fails.
    fn bulk<T>(&self, scope: &TenantScope, read: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        if let Some(standby) = &self.standby
            && let Some(wanted) = self.database.ask(|client| rows::state(client, scope.org()))?
            && let Some(database) = standby.with(scope, wanted)
        {
            return read(database).inspect_err(|_| standby.rest());
        }
        read(&self.database)
    }

    /// What the service keeps besides records, in the same database and over the same connections.
    #[must_use]
    pub fn control(&self) -> PostgresControl {
        PostgresControl::new(self.database.clone())
    }

    /// Connections in use, and the most there can be, without those of writers.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        self.database.connections()
    }

    /// Calls `changed` in a thread of its own with every organisation whose sequence moves, as soon as the transaction that
    /// moved it has ended, whichever process it was of; with `None` whenever changes may have been missed. Ends with the
    /// returned value.
    #[must_use]
    pub fn watch(&self, changed: impl Fn(Option<&OrgSlug>) + Send + 'static) -> Watch {
        changes::watch(self.database.clone(), Box::new(changed))
    }

    /// Runs `read` in one transaction about the organisation; `None` where it was never written.
    fn read<T: Send>(
        &self,
        scope: &TenantScope,
        mut read: impl FnMut(&mut Transaction<'_>, i64) -> Inner<T> + Send,
    ) -> Result<Option<T>> {
        self.database.read(|transaction| {
            let Some(org) = rows::tenant(transaction, scope.org())? else { return Ok(None) };
            rows::enter(transaction, org)?;
            read(transaction, org).map(Some)
        })
    }
}

impl Store for PostgresStore {
    fn sequence(&self, scope: &TenantScope) -> Result<u64> {
        Ok(self.sequences(std::slice::from_ref(scope))?.first().copied().unwrap_or_default())
    }

    fn sequences(&self, scopes: &[TenantScope]) -> Result<Vec<u64>> {
        // One round trip for all of them.
        const SQL: &str = "SELECT slug, sequence FROM tenants WHERE slug = ANY($1)";
        let slugs: Vec<&str> = scopes.iter().map(|scope| scope.org().as_str()).collect();
        let mut found: Vec<(String, u64)> = self.database.ask(|client| {
            let rows = client.query_typed(SQL, &[(&slugs, Type::TEXT_ARRAY)])?;
            rows.iter().map(|row| Ok((rows::value(row, 0)?, rows::number(row, 1)?))).collect()
        })?;
        found.sort_unstable();
        let of = |slug: &str| {
            let at = found.binary_search_by(|(found, _)| found.as_str().cmp(slug));
            at.ok().and_then(|at| found.get(at)).map_or(0, |(_, sequence)| *sequence)
        };
        Ok(slugs.iter().map(|slug| of(slug)).collect())
    }

    fn sources(&self, scope: &TenantScope) -> Result<Vec<Source>> {
        Ok(self.read(scope, |transaction, org| sources::all(transaction, org))?.unwrap_or_default())
    }

    fn project(&self, scope: &TenantScope, sink: &mut dyn RecordSink) -> Result<u64> {
        // In this thread, since the sink is the caller's own, and once: it cannot take back what it was given.
        self.bulk(scope, |database| {
            let mut client = off_the_runtime(|| database.lend())?;
            let result = in_place(|| {
                let mut transaction = snapshot(&mut client)?;
                let Some(org) = rows::tenant(&mut transaction, scope.org())? else { return Ok(0) };
                rows::enter(&mut transaction, org)?;
                let sequence = project::project(&mut transaction, org, sink)?;
                transaction.commit()?;
                Ok(sequence)
            });
            result.map_err(|fault: Fault| fault.at(database.location()))
        })
    }

    fn read_whole(&self, scope: &TenantScope, read: &mut dyn FnMut(&mut dyn Reading) -> Result<()>) -> Result<bool> {
        self.bulk(scope, |database| {
            // A connection of its own: it is held for as long as the reader takes.
            let mut client = database.connect("docassist read")?;
            let location = database.location();
            let result = in_place(|| {
                let mut transaction = snapshot(&mut client)?;
                let Some(mut reading) = PostgresReading::new(&mut transaction, location, scope.org())? else {
                    return Ok(false);
                };
                read(&mut reading)?;
                transaction.commit()?;
                Ok(true)
            });
            result.map_err(|fault: Fault| fault.at(location))
        })
    }

    fn organisations(&self) -> Result<Vec<OrgSlug>> {
        self.database.ask(rows::organisations)
    }

    fn writer(
        &self,
        scope: &TenantScope,
        purpose: &str,
        wait: Duration,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Writer + '_>> {
        let client = writer::lock(&self.database, scope.org(), purpose, wait, cancel)?;
        Ok(Box::new(PostgresWriter::new(client, scope.org(), self.database.location())?))
    }

    fn ticket(&self, scope: &TenantScope, key: &TicketKey) -> Result<Option<Ticket>> {
        Ok(self.read(scope, |transaction, org| tickets::ticket(transaction, org, key))?.flatten())
    }

    fn page(&self, scope: &TenantScope, source: &str, path: &str) -> Result<Option<Page>> {
        Ok(self.read(scope, |transaction, org| pages::page(transaction, org, source, path))?.flatten())
    }

    fn commit_message(&self, scope: &TenantScope, source: &str, id: &ObjectId) -> Result<Option<String>> {
        const SQL: &str = "SELECT message FROM sources \
             JOIN commits ON commits.org = sources.org AND commits.source = sources.id \
             JOIN commit_texts ON commit_texts.org = commits.org AND commit_texts.n = commits.n \
             WHERE sources.org = $1 AND sources.name = $2 AND commits.id = $3 AND commits.n <= visible_commit";
        let message = self.read(scope, |transaction, org| {
            let row = transaction.query_opt(SQL, &[&org, &text::stored(source).as_ref(), &id.as_bytes()])?;
            row.map(|row| Ok(rows::string(&row, 0)?.into_owned())).transpose()
        })?;
        Ok(message.flatten())
    }

    fn remove_org(&self, scope: &TenantScope) -> Result<()> {
        let held = writer::lock(&self.database, scope.org(), "remove", REMOVAL_WAIT, &|| false)?;
        self.database.write(true, |transaction| {
            // What belongs to it goes with it (ON DELETE CASCADE, and triggers).
            if let Some(org) = rows::tenant(transaction, scope.org())? {
                rows::enter(transaction, org)?;
                transaction.batch_execute("SET LOCAL statement_timeout = 0")?;
                transaction.execute("DELETE FROM tenants WHERE id = $1", &[&org])?;
            }
            Ok(())
        })?;
        let folder = self.data.join("orgs").join(scope.org().as_str());
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io(folder.display().to_string(), error));
            }
            _ => {}
        }
        drop(held);
        Ok(())
    }

    fn location(&self, scope: &TenantScope) -> String {
        format!("{}, organisation {}", self.database.location(), scope.org())
    }

    fn bytes(&self, scope: &TenantScope) -> Result<u64> {
        // The sizes of its values: what pages and indexes add is shared with the others.
        const SQL: &str = "SELECT 256 \
             + (SELECT coalesce(sum(pg_column_size(sources.*)), 0) FROM sources WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(identities.*)), 0) FROM identities WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(paths.*)), 0) FROM paths WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(files.*)), 0) FROM files WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(commits.*)), 0) FROM commits WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(commit_texts.*)), 0) FROM commit_texts WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(tickets.*)), 0) FROM tickets WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(ticket_bodies.*)), 0) FROM ticket_bodies WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(pages.*)), 0) FROM pages WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(page_texts.*)), 0) FROM page_texts WHERE org = $1) \
             + (SELECT coalesce(sum(pg_column_size(decisions.*)), 0) FROM decisions WHERE org = $1)";
        let bytes = self.read(scope, |transaction, org| {
            rows::number(&transaction.query_one(&format!("SELECT ({SQL})::bigint"), &[&org])?, 0)
        })?;
        Ok(bytes.unwrap_or_default())
    }
}
