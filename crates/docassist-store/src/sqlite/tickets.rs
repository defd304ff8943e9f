//! Imports of tickets.
//!
//! The whole ticket is stored as JSON, and the columns that scans read follow from it: two tickets are the same when
//! their JSON is.

use docassist_model::{Account, SourceId, Ticket, TicketKey, Timestamp};
use rusqlite::{OptionalExtension, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::fault::{Fault, Inner};
use super::sources;
use crate::derived::{self, TicketColumns};
use crate::encoding;
use crate::settlement::Settlement;
use crate::{BoxError, FeedEnd, Source, StoreError, TicketImport, TicketOutcome, TicketSink};

/// What an import did to a ticket so far, compared with the state before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Added,
    Updated,
    Unchanged,
}

/// Takes the tickets of one import. Memory: a few bytes per ticket.
struct Importer<'a> {
    transaction: &'a Transaction<'a>,
    source: SourceId,
    location: &'a str,
    /// By row.
    fates: FxHashMap<i64, Fate>,
    /// Sources that tickets were taken from.
    robbed: FxHashSet<u32>,
    /// The first error; the import cannot succeed any more.
    fault: Option<Fault>,
    body: Vec<u8>,
    columns: TicketColumns,
}

/// Imports what `feed` yields; see [`crate::Writer::import_tickets`].
pub(super) fn import(
    transaction: &Transaction<'_>,
    before: &Source,
    import: &TicketImport<'_>,
    location: &str,
    feed: &mut dyn FnMut(&mut dyn TicketSink) -> Result<FeedEnd, BoxError>,
) -> Inner<TicketOutcome> {
    // Tickets as they were before the import, for those that it changes: the same key may come again and change them
    // back, as in a file that was exported page by page.
    transaction.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS originals (n INTEGER PRIMARY KEY, source INTEGER, body TEXT); \
         DELETE FROM originals",
    )?;
    let mut importer = Importer {
        transaction,
        source: before.id,
        location,
        fates: FxHashMap::default(),
        robbed: FxHashSet::default(),
        fault: None,
        body: Vec::new(),
        columns: TicketColumns::default(),
    };
    let end = feed(&mut importer);
    let Importer { fates, robbed, fault, .. } = importer;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let end = end.map_err(StoreError::Feed)?;
    let count = |wanted| fates.values().filter(|&&fate| fate == wanted).count() as u64;
    let mut outcome = TicketOutcome {
        added: count(Fate::Added),
        updated: count(Fate::Updated),
        unchanged: count(Fate::Unchanged),
        removed: if import.prune && !end.incomplete { prune(transaction, before.id, &fates)? } else { 0 },
        ..TicketOutcome::default()
    };
    let changed = outcome.added + outcome.updated + outcome.removed > 0;
    if changed {
        refresh_newest(transaction, before.id)?;
    }
    (outcome.sequence, outcome.changed) = sources::settle(
        transaction,
        before,
        &Settlement {
            location: import.location,
            cursor: &end.cursor,
            projects: import.projects,
            notes: &end.notes,
            synced: import.synced,
            changed,
        },
    )?;
    for source in robbed {
        refresh_newest(transaction, SourceId(source))?;
        transaction
            .execute("UPDATE sources SET sequence = ?2 WHERE id = ?1", (source, outcome.sequence.cast_signed()))?;
    }
    transaction.execute("DELETE FROM originals", [])?;
    Ok(outcome)
}

/// Removes the tickets of a source that the import did not bring.
fn prune(transaction: &Transaction<'_>, source: SourceId, fates: &FxHashMap<i64, Fate>) -> Inner<u64> {
    let rows: Vec<i64> = transaction
        .prepare_cached("SELECT n FROM tickets WHERE source = ?1")?
        .query_map([source.0], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut delete = transaction.prepare_cached("DELETE FROM tickets WHERE n = ?1")?;
    let mut removed = 0;
    for n in rows.iter().filter(|&n| !fates.contains_key(n)) {
        removed += delete.execute([n])? as u64;
    }
    Ok(removed)
}

fn refresh_newest(transaction: &Transaction<'_>, source: SourceId) -> Inner<()> {
    let newest = "SELECT max(updated) FROM tickets NOT INDEXED WHERE source = ?1";
    let newest = transaction.query_row(newest, [source.0], |row| row.get::<_, Option<i64>>(0))?;
    sources::set_newest(transaction, source, newest.map(Timestamp::from_unix))
}

impl TicketSink for Importer<'_> {
    fn ticket(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        if self.fault.is_none() {
            let Err(fault) = self.take(ticket) else { return Ok(()) };
            self.fault = Some(fault);
        }
        // The error itself is the import's, whatever the feed does with this one.
        Err(StoreError::Backend { location: self.location.to_owned(), source: "the import has failed".into() })
    }
}

impl Importer<'_> {
    fn take(&mut self, ticket: &Ticket) -> Inner<()> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        serde_json::to_writer(&mut body, ticket)?;
        let result = str::from_utf8(&body)
            .map_err(|error| Fault::Malformed(error.to_string()))
            .and_then(|text| self.place(ticket, text));
        self.body = body;
        result
    }

    /// Writes a ticket where it differs from what is stored, and notes its fate.
    fn place(&mut self, ticket: &Ticket, body: &str) -> Inner<()> {
        let found = self
            .transaction
            .prepare_cached("SELECT n, source, body = ?2 FROM tickets JOIN ticket_bodies USING (n) WHERE key = ?1")?
            .query_row((ticket.key.as_str(), body), |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?, row.get::<_, bool>(2)?))
            })
            .optional()?;
        let Some((n, source, same)) = found else {
            let n = self.write(ticket, body, None)?;
            self.transaction
                .prepare_cached("INSERT INTO ticket_bodies (n, body) VALUES (?1, ?2)")?
                .execute((n, body))?;
            self.fates.insert(n, Fate::Added);
            return Ok(());
        };
        let fate = self.fates.get(&n).copied();
        if same && source == self.source.0 {
            self.fates.insert(n, fate.unwrap_or(Fate::Unchanged));
            return Ok(());
        }
        if matches!(fate, None | Some(Fate::Unchanged)) {
            self.transaction
                .prepare_cached(
                    "INSERT INTO originals SELECT n, source, body FROM tickets JOIN ticket_bodies USING (n) \
                     WHERE n = ?1",
                )?
                .execute([n])?;
        }
        if source != self.source.0 {
            self.robbed.insert(source);
        }
        self.write(ticket, body, Some(n))?;
        self.transaction.prepare_cached("UPDATE ticket_bodies SET body = ?2 WHERE n = ?1")?.execute((n, body))?;
        let fate = match fate {
            Some(Fate::Added) => Fate::Added,
            _ => {
                let mut original = self
                    .transaction
                    .prepare_cached("SELECT 1 FROM originals WHERE n = ?1 AND source = ?2 AND body = ?3")?;
                if original.exists((n, self.source.0, body))? { Fate::Unchanged } else { Fate::Updated }
            }
        };
        if fate == Fate::Unchanged {
            // As it was: should it change once more, it is an original again.
            self.transaction.prepare_cached("DELETE FROM originals WHERE n = ?1")?.execute([n])?;
        }
        self.fates.insert(n, fate);
        Ok(())
    }

    /// Writes the columns of a ticket, into row `n` or a new one, and returns the row.
    fn write(&mut self, ticket: &Ticket, body: &str, n: Option<i64>) -> Inner<i64> {
        const INSERT: &str = "INSERT INTO tickets (n, source, key, summary, type_name, status, category, priority, \
             assignee, reporter, created, updated, resolved, resolution, parent, epic, links, mentions, fingerprint) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
        const UPDATE: &str = "UPDATE tickets SET source = ?2, key = ?3, summary = ?4, type_name = ?5, status = ?6, \
             category = ?7, priority = ?8, assignee = ?9, reporter = ?10, created = ?11, updated = ?12, \
             resolved = ?13, resolution = ?14, parent = ?15, epic = ?16, links = ?17, mentions = ?18, fingerprint = ?19 \
             WHERE n = ?1";
        self.columns.read(ticket);
        let name = |account: &'_ Option<Account>| account.as_ref().map(|account| account.name.clone());
        self.transaction.prepare_cached(if n.is_some() { UPDATE } else { INSERT })?.execute(rusqlite::params![
            n,
            self.source.0,
            ticket.key.as_str(),
            ticket.summary,
            ticket.type_name,
            ticket.status,
            encoding::category_code(ticket.category),
            ticket.priority,
            name(&ticket.assignee),
            name(&ticket.reporter),
            ticket.created.unix(),
            ticket.updated.unix(),
            ticket.resolved.map(Timestamp::unix),
            ticket.resolution,
            ticket.parent.as_ref().map(TicketKey::as_str),
            ticket.epic.as_ref().map(TicketKey::as_str),
            self.columns.links,
            self.columns.mentions,
            derived::body_fingerprint(body).cast_signed(),
        ])?;
        Ok(n.unwrap_or_else(|| self.transaction.last_insert_rowid()))
    }
}
