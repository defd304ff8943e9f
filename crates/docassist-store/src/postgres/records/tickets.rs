//! Imports of tickets.
//!
//! The whole ticket is stored as JSON with its hash, and the columns that scans read follow from it: two tickets are the
//! same when their hashes are. Tickets are taken in groups, so that an import costs round trips per group and not per ticket.

use std::sync::mpsc::{SendError, SyncSender};

use docassist_model::{Account, SourceId, Ticket, TicketKey, Timestamp};
use postgres::types::Type;
use postgres::{Client, GenericClient};
use rustc_hash::{FxHashMap, FxHashSet};

use super::bulk::{Rows, Table};
use super::intern::take_long_numbers;
use super::{rows, sources};
use crate::derived::{Hash, TicketColumns, hash};
use crate::encoding;
use crate::postgres::database::{in_place, off_the_runtime};
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text;
use crate::settlement::Settlement;
use crate::{BoxError, FeedEnd, Source, StoreError, TicketImport, TicketOutcome, TicketSink};

/// A group ends with so many tickets, or so many bytes of them.
const GROUP: usize = 1_000;
const GROUP_BYTES: usize = 8 << 20;

/// What an import did to a ticket so far, compared with the state before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Added,
    Updated,
    Unchanged,
}

/// A ticket that waits for its group.
struct Waiting {
    ticket: Ticket,
    columns: TicketColumns,
    body: String,
    hash: Hash,
}

/// Where a ticket is stored, and what it is.
#[derive(Debug, Clone, Copy)]
struct Stored {
    n: i64,
    source: SourceId,
    hash: Hash,
}

/// Takes the tickets of one import from its feed and hands groups of them to the [`Importer`]. Memory: two groups.
struct Sink<'a> {
    location: &'a str,
    groups: SyncSender<Vec<Waiting>>,
    group: Vec<Waiting>,
    in_group: FxHashSet<TicketKey>,
    bytes: usize,
    /// A ticket that cannot be taken.
    fault: Option<Fault>,
}

/// Writes groups of tickets. Memory: a few bytes per ticket.
struct Importer<'a> {
    client: &'a mut Client,
    org: i64,
    source: SourceId,
    seen: Seen,
}

/// What an import has done.
#[derive(Default)]
struct Seen {
    /// By number.
    fates: FxHashMap<i64, Fate>,
    /// Tickets that the import has changed, as they were before: the same key may come again and change them back.
    originals: FxHashMap<i64, (SourceId, Hash)>,
    /// Sources that tickets were taken from.
    robbed: FxHashSet<SourceId>,
}

/// Imports what `feed` yields, within the transaction that `client` is in; see [`crate::Writer::import_tickets`].
///
/// The feed reads and prepares a group in the caller's thread while the one before it is written in another.
pub(super) fn import(
    client: &mut Client,
    org: i64,
    before: &Source,
    import: &TicketImport<'_>,
    location: &str,
    feed: &mut dyn FnMut(&mut dyn TicketSink) -> Result<FeedEnd, BoxError>,
) -> Inner<TicketOutcome> {
    let (groups, arriving) = std::sync::mpsc::sync_channel(0);
    let mut importer = Importer { client: &mut *client, org, source: before.id, seen: Seen::default() };
    let (end, written) = std::thread::scope(|threads| {
        // Its end, also one by an error, ends the channel, and the sink refuses what comes then.
        let writing = threads.spawn(move || {
            arriving.into_iter().try_for_each(|group: Vec<Waiting>| importer.write_group(&group))?;
            Ok(importer.seen)
        });
        let mut sink =
            Sink { location, groups, group: Vec::new(), in_group: FxHashSet::default(), bytes: 0, fault: None };
        let mut end = feed(&mut sink);
        if end.is_ok() && sink.fault.is_none() && sink.hand_over().is_err() {
            end = Err(sink.failed().into());
        }
        let Sink { groups, fault, .. } = sink;
        drop(groups);
        let written = in_place(|| writing.join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (end, fault.map_or(written, Err))
    });
    let seen = written?;
    let end = end.map_err(StoreError::Feed)?;
    off_the_runtime(|| settle(client, org, before, import, &end, &seen))
}

fn settle(
    client: &mut Client,
    org: i64,
    before: &Source,
    import: &TicketImport<'_>,
    end: &FeedEnd,
    Seen { fates, robbed, .. }: &Seen,
) -> Inner<TicketOutcome> {
    const MAX: &str = "SELECT max(updated) FROM tickets";
    let count = |wanted| fates.values().filter(|&&fate| fate == wanted).count() as u64;
    let mut outcome = TicketOutcome {
        added: count(Fate::Added),
        updated: count(Fate::Updated),
        unchanged: count(Fate::Unchanged),
        removed: if import.prune && !end.incomplete { prune(client, org, before.id, fates)? } else { 0 },
        ..TicketOutcome::default()
    };
    let changed = outcome.added + outcome.updated + outcome.removed > 0;
    if changed {
        sources::refresh_newest(client, org, before.id, MAX)?;
    }
    (outcome.sequence, outcome.changed) = sources::settle(
        client,
        org,
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
    for &source in robbed {
        sources::refresh_newest(client, org, source, MAX)?;
        client.execute(
            "UPDATE sources SET sequence = $3 WHERE org = $1 AND id = $2",
            &[&org, &rows::id(source), &outcome.sequence.cast_signed()],
        )?;
    }
    Ok(outcome)
}

/// Removes the tickets of a source that the import did not bring.
fn prune(client: &mut Client, org: i64, source: SourceId, fates: &FxHashMap<i64, Fate>) -> Inner<u64> {
    const SQL: &str = "DELETE FROM tickets WHERE org = $1 AND source = $2 AND n <> ALL($3)";
    let kept: Vec<i64> = fates.keys().copied().collect();
    Ok(client.execute(SQL, &[&org, &rows::id(source), &kept])?)
}

impl TicketSink for Sink<'_> {
    fn ticket(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        if self.fault.is_some() {
            return Err(self.failed());
        }
        self.take(ticket).map_err(|fault| {
            self.fault = fault;
            self.failed()
        })
    }
}

impl Sink<'_> {
    /// The error itself is the import's, whatever the feed does with this one.
    fn failed(&self) -> StoreError {
        StoreError::Backend { location: self.location.to_owned(), source: "the import has failed".into() }
    }

    /// Takes a ticket. The error is the ticket's; without one it is the importer that has ended.
    fn take(&mut self, ticket: &Ticket) -> Result<(), Option<Fault>> {
        let body = serde_json::to_string(ticket).map_err(|error| Some(error.into()))?;
        // A key that comes again is compared with what it was before: that has to be in place.
        if self.group.len() >= GROUP || self.bytes + body.len() > GROUP_BYTES || self.in_group.contains(&ticket.key) {
            self.hand_over().map_err(|_| None)?;
        }
        self.bytes += body.len();
        self.in_group.insert(ticket.key.clone());
        let hash = hash(&[body.as_bytes()]);
        let mut columns = TicketColumns::default();
        columns.read(ticket);
        self.group.push(Waiting { ticket: ticket.clone(), columns, body, hash });
        Ok(())
    }

    /// Waits until the group before this one is written.
    fn hand_over(&mut self) -> Result<(), SendError<Vec<Waiting>>> {
        let group = std::mem::take(&mut self.group);
        self.in_group.clear();
        self.bytes = 0;
        in_place(|| self.groups.send(group))
    }
}

impl Importer<'_> {
    /// Writes the tickets of a group that differ from what is stored, and notes what became of each.
    fn write_group(&mut self, group: &[Waiting]) -> Inner<()> {
        if group.is_empty() {
            return Ok(());
        }
        let stored = self.stored(group)?;
        let new = group.iter().filter(|waiting| !stored.contains_key(waiting.ticket.key.as_str())).count();
        let mut next = take_long_numbers(self.client, self.org, "next_ticket", new)?;
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        for waiting in group {
            if let Some(stored) = stored.get(waiting.ticket.key.as_str()) {
                if self.differs(waiting, *stored) {
                    changed.push((stored.n, waiting));
                }
            } else {
                self.seen.fates.insert(next, Fate::Added);
                added.push((next, waiting));
                next += 1;
            }
        }
        let (client, org, source) = (&mut *self.client, self.org, rows::id(self.source));
        TICKETS.insert(client, org, &mut |rows| ticket_rows(&added, source, rows))?;
        BODIES.insert(client, org, &mut |rows| body_rows(&added, rows))?;
        TICKETS.upsert(client, org, &mut |rows| ticket_rows(&changed, source, rows))?;
        BODIES.upsert(client, org, &mut |rows| body_rows(&changed, rows))?;
        Ok(())
    }

    fn stored(&mut self, group: &[Waiting]) -> Inner<FxHashMap<String, Stored>> {
        const SQL: &str = "SELECT found.* FROM unnest($2::text[]) AS wanted (key) CROSS JOIN LATERAL \
             (SELECT key, n, source, hash FROM tickets WHERE org = $1 AND tickets.key = wanted.key LIMIT 1) AS found";
        let keys: Vec<&str> = group.iter().map(|waiting| waiting.ticket.key.as_str()).collect();
        let mut found = FxHashMap::default();
        for row in self.client.query(SQL, &[&self.org, &keys])? {
            let hash = rows::bytes(&row, 3)?.try_into();
            let hash = hash.map_err(|_| Fault::Malformed("a hash of another length".to_owned()))?;
            let stored = Stored { n: rows::value(&row, 1)?, source: rows::source(&row, 2)?, hash };
            found.insert(rows::value(&row, 0)?, stored);
        }
        Ok(found)
    }

    /// Notes what becomes of a ticket that is stored, and returns whether it is to be written.
    fn differs(&mut self, waiting: &Waiting, stored: Stored) -> bool {
        let seen = &mut self.seen;
        let before = seen.fates.get(&stored.n).copied();
        let now = (self.source, waiting.hash);
        if now == (stored.source, stored.hash) {
            seen.fates.insert(stored.n, before.unwrap_or(Fate::Unchanged));
            return false;
        }
        if stored.source != self.source {
            seen.robbed.insert(stored.source);
        }
        let fate = if before == Some(Fate::Added) {
            Fate::Added
        } else if *seen.originals.entry(stored.n).or_insert((stored.source, stored.hash)) == now {
            // As it was before the import.
            Fate::Unchanged
        } else {
            Fate::Updated
        };
        seen.fates.insert(stored.n, fate);
        true
    }
}

fn ticket_rows(tickets: &[(i64, &Waiting)], source: i32, rows: &mut Rows<'_>) -> Inner<()> {
    let name = |account: &Option<Account>| account.as_ref().map(|account| text::stored(&account.name).into_owned());
    let optional = |value: &Option<String>| value.as_deref().map(|value| text::stored(value).into_owned());
    tickets.iter().try_for_each(|(n, Waiting { ticket, columns, hash, .. })| {
        rows.row(&[
            n,
            &source,
            &ticket.key.as_str(),
            &hash.as_slice(),
            &text::stored(&ticket.summary).as_ref(),
            &text::stored(&ticket.type_name).as_ref(),
            &text::stored(&ticket.status).as_ref(),
            &i16::from(encoding::category_code(ticket.category)),
            &optional(&ticket.priority),
            &name(&ticket.assignee),
            &name(&ticket.reporter),
            &ticket.created.unix(),
            &ticket.updated.unix(),
            &ticket.resolved.map(Timestamp::unix),
            &optional(&ticket.resolution),
            &ticket.parent.as_ref().map(TicketKey::as_str),
            &ticket.epic.as_ref().map(TicketKey::as_str),
            &columns.links,
            &columns.mentions,
        ])
    })
}

fn body_rows(tickets: &[(i64, &Waiting)], rows: &mut Rows<'_>) -> Inner<()> {
    // JSON has no NUL: it writes it as an escape.
    tickets.iter().try_for_each(|(n, waiting)| rows.row(&[n, &waiting.body]))
}

const TICKETS: Table = Table {
    name: "tickets",
    columns: &[
        ("n", Type::INT8),
        ("source", Type::INT4),
        ("key", Type::TEXT),
        ("hash", Type::BYTEA),
        ("summary", Type::TEXT),
        ("type_name", Type::TEXT),
        ("status", Type::TEXT),
        ("category", Type::INT2),
        ("priority", Type::TEXT),
        ("assignee", Type::TEXT),
        ("reporter", Type::TEXT),
        ("created", Type::INT8),
        ("updated", Type::INT8),
        ("resolved", Type::INT8),
        ("resolution", Type::TEXT),
        ("parent", Type::TEXT),
        ("epic", Type::TEXT),
        ("links", Type::BYTEA),
        ("mentions", Type::TEXT),
    ],
    conflict: "ON CONFLICT (org, n) DO UPDATE SET source = excluded.source, hash = excluded.hash, \
         summary = excluded.summary, type_name = excluded.type_name, status = excluded.status, \
         category = excluded.category, priority = excluded.priority, assignee = excluded.assignee, \
         reporter = excluded.reporter, created = excluded.created, updated = excluded.updated, \
         resolved = excluded.resolved, resolution = excluded.resolution, parent = excluded.parent, \
         epic = excluded.epic, links = excluded.links, mentions = excluded.mentions",
};
const BODIES: Table = Table {
    name: "ticket_bodies",
    columns: &[("n", Type::INT8), ("body", Type::TEXT)],
    conflict: "ON CONFLICT (org, n) DO UPDATE SET body = excluded.body",
};

/// A ticket with all its texts.
pub(super) fn ticket(client: &mut impl GenericClient, org: i64, key: &TicketKey) -> Inner<Option<Ticket>> {
    const SQL: &str = "SELECT body FROM tickets JOIN ticket_bodies USING (org, n) WHERE tickets.org = $1 AND key = $2";
    let row = client.query_opt(SQL, &[&org, &key.as_str()])?;
    row.map(|row| Ok(serde_json::from_str(rows::value(&row, 0)?)?)).transpose()
}
