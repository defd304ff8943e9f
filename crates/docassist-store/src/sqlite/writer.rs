//! The writer of an organisation's database.

use std::cell::RefCell;

use docassist_model::{Commit, Decision, ObjectId, SourceId, SourceKind};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::fault::{Fault, Inner};
use super::intern::Known;
use super::lock::WriterLock;
use super::{columns, database, git, pages, shadow, sources, tickets};
use crate::{
    BoxError, DocsFinish, FeedEnd, GitFinish, Outcome, Result, Source, TicketImport, TicketOutcome, TicketSink, Writer,
};

/// Holds the organisation's lock and one connection.
pub(super) struct SqliteWriter {
    // Closed before the lock goes: closing moves the log into the database.
    connection: Connection,
    location: String,
    /// Readers fill it as well, hence the cell.
    known: RefCell<FxHashMap<SourceId, Known>>,
    _lock: WriterLock,
}

impl SqliteWriter {
    pub(super) fn new(connection: Connection, location: String, lock: WriterLock) -> Self {
        Self { connection, location, known: RefCell::default(), _lock: lock }
    }

    /// Runs `change` in a transaction; `durable` says whether it has reached the disk at the end.
    fn write<T>(
        &mut self,
        durable: bool,
        change: impl FnOnce(&Transaction<'_>, &mut FxHashMap<SourceId, Known>) -> Inner<T>,
    ) -> Result<T> {
        let result = (|| {
            database::durable(&self.connection, durable)?;
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = change(&transaction, self.known.get_mut())?;
            transaction.commit()?;
            Ok(result)
        })();
        result.map_err(|fault: Fault| {
            // Numbers that were given in this transaction are gone.
            self.known.get_mut().clear();
            fault.at(&self.location)
        })
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> Inner<T>) -> Result<T> {
        read(&self.connection).map_err(|fault| fault.at(&self.location))
    }
}

impl Writer for SqliteWriter {
    fn source(&mut self, kind: SourceKind, name: &str, location: &str) -> Result<Source> {
        let existing = self.read(|connection| {
            let Some(state) = sources::by_name(connection, name)? else { return Ok(None) };
            state.source.check_kind(kind)?;
            sources::counted(connection, state).map(Some)
        })?;
        if let Some(source) = existing {
            return Ok(source);
        }
        self.write(false, |transaction, _| {
            transaction.execute(
                "INSERT INTO sources (kind, name, location) VALUES (?1, ?2, ?3)",
                (kind.as_str(), name, location),
            )?;
            Ok(sources::named(transaction, name)?.source)
        })
    }

    fn remove_source(&mut self, source: SourceId) -> Result<()> {
        self.write(true, |transaction, known| {
            // The numbers of sources are never used again: what is known of a shadow that goes as well is no harm.
            known.remove(&source);
            let state = sources::of_any_kind(transaction, source)?;
            shadow::drop_of(transaction, &state.source.name)?;
            // What belongs to it goes with it (ON DELETE CASCADE).
            transaction.execute("DELETE FROM sources WHERE id = ?1", [source.0])?;
            sources::advance(transaction)?;
            Ok(())
        })
    }

    fn shadow(&mut self, source: SourceId, terms: &Value) -> Result<Source> {
        self.write(false, |transaction, _| shadow::begin(transaction, source, terms))
    }

    fn known_commit(&self, source: SourceId, id: &ObjectId) -> Result<bool> {
        let mut known = self.known.borrow_mut();
        self.read(|connection| git::known(connection, source, known.entry(source).or_default(), id))
    }

    fn commit_graph(&self, source: SourceId) -> Result<Vec<(ObjectId, Vec<ObjectId>)>> {
        self.read(|connection| {
            sources::of_kind(connection, source, SourceKind::Git)?;
            git::graph(connection, source)
        })
    }

    fn has_staged(&self, source: SourceId) -> Result<bool> {
        self.read(|connection| Ok(sources::of_kind(connection, source, SourceKind::Git)?.source.staged > 0))
    }

    fn decisions(&self, source: SourceId) -> Result<Vec<Decision>> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT body FROM decisions WHERE source = ?1 ORDER BY position")?;
            let mut rows = statement.query([source.0])?;
            let mut decisions = Vec::new();
            while let Some(row) = rows.next()? {
                decisions.push(serde_json::from_str(columns::text(row, 0)?)?);
            }
            Ok(decisions)
        })
    }

    fn stage_commits(&mut self, source: SourceId, commits: &[Commit]) -> Result<u64> {
        // Not durable against a loss of power: what is lost is read again, and finishing waits for the whole log.
        self.write(false, |transaction, known| {
            sources::of_kind(transaction, source, SourceKind::Git)?;
            git::stage(transaction, source, known.entry(source).or_default(), commits)
        })
    }

    fn finish_git(&mut self, source: SourceId, finish: GitFinish<'_>) -> Result<Outcome> {
        self.write(true, |transaction, known| {
            let state = sources::of_kind(transaction, source, SourceKind::Git)?;
            let mut end = |state| git::finish(transaction, state, known.entry(source).or_default(), &finish);
            let Some(original) = shadow::original(transaction, &state.source)? else {
                // Whoever began to read it anew did not go on.
                shadow::drop_of(transaction, &state.source.name)?;
                return end(&state);
            };
            let outcome = end(&state)?;
            shadow::replace(transaction, &original.source, source)?;
            known.remove(&original.source.id);
            Ok(outcome)
        })
    }

    fn import_tickets(
        &mut self,
        source: SourceId,
        import: TicketImport<'_>,
        feed: &mut dyn FnMut(&mut dyn TicketSink) -> Result<FeedEnd, BoxError>,
    ) -> Result<TicketOutcome> {
        let location = self.location.clone();
        self.write(true, |transaction, _| {
            let state = sources::of_kind(transaction, source, SourceKind::Tickets)?;
            tickets::import(transaction, &state.source, &import, &location, feed)
        })
    }

    fn finish_docs(&mut self, source: SourceId, finish: DocsFinish<'_>) -> Result<Outcome> {
        self.write(true, |transaction, _| {
            let state = sources::of_kind(transaction, source, SourceKind::Docs)?;
            pages::finish(transaction, &state.source, &finish)
        })
    }
}
