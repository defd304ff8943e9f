//! Rows of `sources`, the sequence, and the end that all kinds of sync have in common.

use docassist_model::{SourceId, SourceKind, Timestamp};
use rusqlite::{Connection, Row, Transaction};

use super::columns;
use super::fault::{Fault, Inner};
use crate::derived::is_shadow;
use crate::settlement::Settlement;
use crate::{RecordCounts, Source, StoreError};

/// The columns that [`read`] reads, in its order.
const COLUMNS: &str = "id, kind, name, location, cursor, projects, notes, synced, sequence, newest, visible_commit, \
     staged, staged_newest";

/// A row of `sources`.
#[derive(Debug)]
pub(super) struct SourceState {
    pub(super) source: Source,
    /// Commits up to this row are visible.
    pub(super) visible_commit: i64,
    /// The newest time of staged commits.
    pub(super) staged_newest: Option<Timestamp>,
}

fn read(row: &Row<'_>) -> Inner<SourceState> {
    let synced = columns::optional_time(row, 7)?;
    let staged = columns::number(row, 11)?;
    Ok(SourceState {
        source: Source {
            id: columns::source(row, 0)?,
            kind: columns::kind(row, 1)?,
            name: columns::text(row, 2)?.to_owned(),
            location: columns::text(row, 3)?.to_owned(),
            cursor: serde_json::from_str(columns::text(row, 4)?)?,
            projects: serde_json::from_str(columns::text(row, 5)?)?,
            notes: serde_json::from_str(columns::text(row, 6)?)?,
            synced,
            sequence: columns::number(row, 8)?,
            interrupted: synced.is_none() || staged > 0,
            records: RecordCounts::default(),
            staged,
            newest: columns::optional_time(row, 9)?,
        },
        visible_commit: columns::integer(row, 10)?,
        staged_newest: columns::optional_time(row, 12)?,
    })
}

/// All sources that users know of, without their counts, in the order of their names.
pub(super) fn states(connection: &Connection) -> Inner<Vec<SourceState>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM sources ORDER BY name"))?;
    let mut rows = statement.query([])?;
    let mut states = Vec::new();
    while let Some(row) = rows.next()? {
        let state = read(row)?;
        if !is_shadow(&state.source.name) {
            states.push(state);
        }
    }
    Ok(states)
}

/// All sources with their counts.
pub(super) fn all(connection: &Connection) -> Inner<Vec<Source>> {
    states(connection)?.into_iter().map(|state| counted(connection, state)).collect()
}

/// The source of that name, without its counts.
pub(super) fn by_name(connection: &Connection, name: &str) -> Inner<Option<SourceState>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM sources WHERE name = ?1"))?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(read).transpose()
}

/// The source of that name, which was just made, without its counts.
pub(super) fn named(connection: &Connection, name: &str) -> Inner<SourceState> {
    by_name(connection, name)?.ok_or_else(|| Fault::Malformed("a new source is missing".to_owned()))
}

/// The source of that number, without its counts.
pub(super) fn of_any_kind(connection: &Connection, id: SourceId) -> Inner<SourceState> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM sources WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    let Some(row) = rows.next()? else {
        return Err(StoreError::UnknownSource(id.0.to_string()).into());
    };
    read(row)
}

/// The source of that number, without its counts, provided it is of `kind`.
pub(super) fn of_kind(connection: &Connection, id: SourceId, kind: SourceKind) -> Inner<SourceState> {
    let state = of_any_kind(connection, id)?;
    state.source.check_kind(kind)?;
    Ok(state)
}

/// The source with its counts. Each count goes through an index, or a table that is small.
pub(super) fn counted(connection: &Connection, state: SourceState) -> Inner<Source> {
    let mut source = state.source;
    let id = source.id.0;
    let count = |sql: &str| -> Inner<u64> {
        Ok(connection.prepare_cached(sql)?.query_row([id], |row| row.get::<_, i64>(0))?.try_into().unwrap_or(0))
    };
    match source.kind {
        SourceKind::Git => {
            source.records.commits = count("SELECT count(*) FROM commit_ids WHERE source = ?1")?;
            source.records.files =
                count("SELECT count(*) FROM files JOIN paths ON paths.id = files.path WHERE paths.source = ?1")?;
        }
        SourceKind::Tickets => {
            source.records.tickets = count("SELECT count(*) FROM tickets WHERE source = ?1")?;
        }
        SourceKind::Docs => {}
    }
    if source.kind != SourceKind::Tickets {
        source.records.pages = count("SELECT count(*) FROM pages WHERE source = ?1")?;
        source.records.decisions = count("SELECT count(*) FROM decisions WHERE source = ?1")?;
    }
    Ok(source)
}

/// The organisation's sequence.
pub(super) fn sequence(connection: &Connection) -> Inner<u64> {
    let mut statement = connection.prepare_cached("SELECT sequence FROM state")?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        Some(row) => columns::number(row, 0),
        None => Err(Fault::Malformed("the sequence is missing".to_owned())),
    }
}

/// Moves the sequence and returns its new value.
pub(super) fn advance(transaction: &Transaction<'_>) -> Inner<u64> {
    transaction.execute("UPDATE state SET sequence = sequence + 1", [])?;
    sequence(transaction)
}

/// Ends a sync: writes the row and moves the sequence if anything differs from before. Returns the sequence and
/// whether it moved.
pub(super) fn settle(transaction: &Transaction<'_>, before: &Source, end: &Settlement<'_>) -> Inner<(u64, bool)> {
    let changed = end.changes(before);
    let sequence = if changed { advance(transaction)? } else { sequence(transaction)? };
    let of_source = if changed { sequence } else { before.sequence };
    transaction
        .prepare_cached(
            "UPDATE sources SET location = ?2, cursor = ?3, projects = ?4, notes = ?5, synced = ?6, sequence = ?7 \
         WHERE id = ?1",
        )?
        .execute((
            before.id.0,
            end.location,
            serde_json::to_string(end.cursor)?,
            serde_json::to_string(end.projects)?,
            serde_json::to_string(end.notes)?,
            end.synced.unix(),
            i64::try_from(of_source).unwrap_or(i64::MAX),
        ))?;
    Ok((sequence, changed))
}

/// Sets the time of the newest record of a source.
pub(super) fn set_newest(transaction: &Transaction<'_>, id: SourceId, newest: Option<Timestamp>) -> Inner<()> {
    transaction
        .prepare_cached("UPDATE sources SET newest = ?2 WHERE id = ?1")?
        .execute((id.0, newest.map(Timestamp::unix)))?;
    Ok(())
}
