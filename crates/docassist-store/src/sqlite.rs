//! SQLite: records in one database file per organisation, `DATA/orgs/<slug>/records.db`, with vectors beside them
//! ([`vectors`]), and what the service keeps besides both in `DATA/control.db` ([`control`]).
//!
//! Organisations share no file, so that no statement can reach across them, and one is backed up or removed by its
//! folder. The log of changes (WAL) lets readers see a consistent state while a writer is at work.

mod columns;
mod connections;
mod control;
mod database;
mod fault;
mod files;
mod git;
mod identity;
mod intern;
mod lock;
mod pages;
mod project;
mod reading;
mod removal;
mod sequences;
mod shadow;
mod sources;
mod tickets;
mod vectors;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use docassist_model::{ObjectId, OrgSlug, Page, RecordSink, TenantScope, Ticket, TicketKey};
use rusqlite::{OptionalExtension, Transaction};

use crate::{Reading, Result, Source, Store, StoreError, Writer};
use connections::Connections;
pub use control::SqliteControl;
use database::{Format, Purpose};
use fault::{Fault, Inner};
pub use files::SqliteFiles;
use lock::WriterLock;
use reading::SqliteReading;
use sequences::{Look, Sequences};
use writer::SqliteWriter;

/// Records of an organisation ("docA").
const RECORDS: Format = Format {
    application_id: 0x646f_6341,
    migrations: &[
        include_str!("sqlite/migrations/0001_records.sql"),
        include_str!("sqlite/migrations/0002_records.sql"),
    ],
    private: false,
    // Holds the index of 500,000 commits, into which object names fall at random.
    writer_cache_kib: 64 * 1024,
};

/// The connections that read records.
fn connections() -> Connections {
    Connections::new(Purpose::Read, &RECORDS)
}

/// Records in SQLite files below a data directory: `DATA/orgs/<slug>/records.db`.
#[derive(Debug)]
pub struct SqliteStore {
    data: PathBuf,
    readers: Connections,
    vectors: Connections,
    sequences: Sequences,
}

impl SqliteStore {
    /// A store below `data`. Touches nothing yet: folders and files come with an organisation's first writer.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            readers: connections(),
            vectors: vectors::connections(),
            sequences: Sequences::default(),
        }
    }

    fn folder(&self, scope: &TenantScope) -> PathBuf {
        self.data.join("orgs").join(scope.org().as_str())
    }

    fn file(&self, scope: &TenantScope) -> PathBuf {
        self.folder(scope).join("records.db")
    }

    /// Runs `read` in one transaction; `None` where the organisation was never written.
    fn read<T>(&self, scope: &TenantScope, read: impl FnOnce(&Transaction<'_>) -> Inner<T>) -> Result<Option<T>> {
        let path = self.file(scope);
        let Some(mut reader) = self.readers.take(scope.org(), &path)? else { return Ok(None) };
        let result = (|| {
            let transaction = reader.connection.transaction()?;
            let result = read(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })();
        let result = result.map_err(|fault: Fault| fault.at(&path.display().to_string()))?;
        self.readers.give(scope.org(), reader);
        Ok(Some(result))
    }
}

impl Store for SqliteStore {
    fn sequence(&self, scope: &TenantScope) -> Result<u64> {
        let look = Look::at(&self.file(scope));
        if let Some(sequence) = look.as_ref().and_then(|look| self.sequences.get(scope.org(), look)) {
            return Ok(sequence);
        }
        let sequence = self.read(scope, |transaction| sources::sequence(transaction))?;
        if let (Some(look), Some(sequence)) = (look, sequence) {
            self.sequences.put(scope.org(), look, sequence);
        }
        Ok(sequence.unwrap_or_default())
    }

    fn sources(&self, scope: &TenantScope) -> Result<Vec<Source>> {
        Ok(self.read(scope, |transaction| sources::all(transaction))?.unwrap_or_default())
    }

    fn project(&self, scope: &TenantScope, sink: &mut dyn RecordSink) -> Result<u64> {
        Ok(self.read(scope, |transaction| project::project(transaction, sink))?.unwrap_or_default())
    }

    fn read_whole(&self, scope: &TenantScope, read: &mut dyn FnMut(&mut dyn Reading) -> Result<()>) -> Result<bool> {
        let location = self.location(scope);
        let found = self.read(scope, |transaction| Ok(read(&mut SqliteReading::new(transaction, &location)?)?))?;
        Ok(found.is_some())
    }

    fn organisations(&self) -> Result<Vec<OrgSlug>> {
        let folder = self.data.join("orgs");
        let failed = |error| StoreError::io(folder.display().to_string(), error);
        let entries = match folder.read_dir() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut organisations = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            // What is no slug is not ours, or is being removed.
            let Some(org) = name.to_str().and_then(|name| name.parse::<OrgSlug>().ok()) else { continue };
            if folder.join(&name).join("records.db").is_file() {
                organisations.push(org);
            }
        }
        organisations.sort_unstable();
        Ok(organisations)
    }

    fn writer(
        &self,
        scope: &TenantScope,
        purpose: &str,
        wait: Duration,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Writer + '_>> {
        let lock = WriterLock::take(&self.folder(scope), scope.org(), purpose, wait, cancel)?;
        let path = self.file(scope);
        let location = path.display().to_string();
        let Some(connection) = database::open(&path, Purpose::Write, &RECORDS)? else {
            return Err(StoreError::Damaged { location, detail: "it could not be created".to_owned() });
        };
        Ok(Box::new(SqliteWriter::new(connection, location, lock)))
    }

    fn ticket(&self, scope: &TenantScope, key: &TicketKey) -> Result<Option<Ticket>> {
        const SQL: &str = "SELECT body FROM tickets JOIN ticket_bodies USING (n) WHERE key = ?1";
        let ticket = self.read(scope, |transaction| {
            let mut statement = transaction.prepare_cached(SQL)?;
            let mut rows = statement.query([key.as_str()])?;
            rows.next()?.map(|row| Ok(serde_json::from_str(columns::text(row, 0)?)?)).transpose()
        })?;
        Ok(ticket.flatten())
    }

    fn page(&self, scope: &TenantScope, source: &str, path: &str) -> Result<Option<Page>> {
        const SQL: &str = "SELECT outline, text FROM sources JOIN pages ON pages.source = sources.id \
             JOIN page_texts USING (n) WHERE sources.name = ?1 AND pages.path = ?2";
        let page = self.read(scope, |transaction| {
            let mut statement = transaction.prepare_cached(SQL)?;
            let mut rows = statement.query([source, path])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let mut page: Page = serde_json::from_str(columns::text(row, 0)?)?;
            columns::text(row, 1)?.clone_into(&mut page.text);
            Ok(Some(page))
        })?;
        Ok(page.flatten())
    }

    fn commit_message(&self, scope: &TenantScope, source: &str, id: &ObjectId) -> Result<Option<String>> {
        const SQL: &str = "SELECT message FROM sources JOIN commit_ids ON commit_ids.source = sources.id \
             JOIN commit_texts USING (n) WHERE sources.name = ?1 AND commit_ids.id = ?2";
        let message = self.read(scope, |transaction| {
            let mut statement = transaction.prepare_cached(SQL)?;
            Ok(statement.query_row((source, id.as_bytes()), |row| row.get(0)).optional()?)
        })?;
        Ok(message.flatten())
    }

    fn remove_org(&self, scope: &TenantScope) -> Result<()> {
        removal::remove(&self.folder(scope), scope.org(), || {
            self.readers.close(scope.org());
            self.vectors.close(scope.org());
            self.sequences.forget(scope.org());
        })
    }

    fn location(&self, scope: &TenantScope) -> String {
        self.file(scope).display().to_string()
    }

    fn bytes(&self, scope: &TenantScope) -> Result<u64> {
        let mut bytes = 0;
        for path in database::files(&self.file(scope)) {
            match path.metadata() {
                Ok(metadata) => bytes += metadata.len(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::io(path.display().to_string(), error)),
            }
        }
        Ok(bytes)
    }
}
