//! Rows of `sources`, the sequence, and the end that all kinds of sync have in common.

use docassist_model::{SourceId, SourceKind};
use postgres::{GenericClient, Row};

use super::rows;
use crate::derived::is_shadow;
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text;
use crate::settlement::Settlement;
use crate::{RecordCounts, Source, StoreError};

/// The columns that [`read`] reads, in its order.
const COLUMNS: &str = "id, kind, name, location, cursor, projects, notes, synced, sequence, newest, visible_commit, \
     staged";

/// A row of `sources`.
#[derive(Debug)]
pub(super) struct SourceState {
    pub(super) source: Source,
    /// Commits up to this number are visible.
    pub(super) visible_commit: i64,
}

fn read(row: &Row) -> Inner<SourceState> {
    let synced = rows::optional_time(row, 7)?;
    let staged = rows::number(row, 11)?;
    Ok(SourceState {
        source: Source {
            id: rows::source(row, 0)?,
            kind: rows::kind(row, 1)?,
            name: rows::string(row, 2)?.into_owned(),
            location: rows::string(row, 3)?.into_owned(),
            cursor: serde_json::from_str(rows::value(row, 4)?)?,
            projects: serde_json::from_str(rows::value(row, 5)?)?,
            notes: serde_json::from_str(rows::value(row, 6)?)?,
            synced,
            sequence: rows::number(row, 8)?,
            interrupted: synced.is_none() || staged > 0,
            records: RecordCounts::default(),
            staged,
            newest: rows::optional_time(row, 9)?,
        },
        visible_commit: rows::value(row, 10)?,
    })
}

/// All sources that users know of, without their counts, in the order of their names' bytes.
pub(super) fn states(client: &mut impl GenericClient, org: i64) -> Inner<Vec<SourceState>> {
    let sql = format!("SELECT {COLUMNS} FROM sources WHERE org = $1 ORDER BY name COLLATE \"C\"");
    let mut states = Vec::new();
    for row in client.query(&sql, &[&org])? {
        let state = read(&row)?;
        if !is_shadow(&state.source.name) {
            states.push(state);
        }
    }
    Ok(states)
}

/// All sources with their counts.
pub(super) fn all(client: &mut impl GenericClient, org: i64) -> Inner<Vec<Source>> {
    states(client, org)?.into_iter().map(|state| counted(client, org, state)).collect()
}

/// The source of that name, without its counts.
pub(super) fn by_name(client: &mut impl GenericClient, org: i64, name: &str) -> Inner<Option<SourceState>> {
    let sql = format!("SELECT {COLUMNS} FROM sources WHERE org = $1 AND name = $2");
    client.query_opt(&sql, &[&org, &text::stored(name).as_ref()])?.as_ref().map(read).transpose()
}

/// The source of that number, without its counts.
pub(super) fn of_any_kind(client: &mut impl GenericClient, org: i64, id: SourceId) -> Inner<SourceState> {
    let sql = format!("SELECT {COLUMNS} FROM sources WHERE org = $1 AND id = $2");
    match client.query_opt(&sql, &[&org, &rows::id(id)])? {
        Some(row) => read(&row),
        None => Err(StoreError::UnknownSource(id.0.to_string()).into()),
    }
}

/// The source of that number, without its counts, provided it is of `kind`.
pub(super) fn of_kind(client: &mut impl GenericClient, org: i64, id: SourceId, kind: SourceKind) -> Inner<SourceState> {
    let state = of_any_kind(client, org, id)?;
    state.source.check_kind(kind)?;
    Ok(state)
}

/// Makes a source.
pub(super) fn make(
    client: &mut impl GenericClient,
    org: i64,
    kind: SourceKind,
    name: &str,
    location: &str,
    cursor: &str,
) -> Inner<Source> {
    const NUMBER: &str = "UPDATE tenants SET next_source = next_source + 1 WHERE id = $1 RETURNING next_source - 1";
    const INSERT: &str = "INSERT INTO sources (org, id, kind, name, location, cursor) VALUES ($1, $2, $3, $4, $5, $6)";
    let id: i32 = rows::value(&client.query_one(NUMBER, &[&org])?, 0)?;
    let (stored_name, location) = (text::stored(name), text::stored(location));
    client.execute(INSERT, &[&org, &id, &kind.as_str(), &stored_name.as_ref(), &location.as_ref(), &cursor])?;
    let state = by_name(client, org, name)?;
    state.map(|state| state.source).ok_or_else(|| Fault::Malformed("a new source is missing".to_owned()))
}

/// The source with its counts. Each count goes through an index.
pub(super) fn counted(client: &mut impl GenericClient, org: i64, state: SourceState) -> Inner<Source> {
    const COMMITS: &str = "SELECT count(*) FROM commits WHERE org = $1 AND source = $2 AND n <= $3";
    let SourceState { mut source, visible_commit, .. } = state;
    let id = rows::id(source.id);
    let mut count = |table: &str| -> Inner<u64> {
        let sql = format!("SELECT count(*) FROM {table} WHERE org = $1 AND source = $2");
        rows::number(&client.query_one(&sql, &[&org, &id])?, 0)
    };
    match source.kind {
        SourceKind::Git => source.records.files = count("files")?,
        SourceKind::Tickets => source.records.tickets = count("tickets")?,
        SourceKind::Docs => {}
    }
    if source.kind != SourceKind::Tickets {
        source.records.pages = count("pages")?;
        source.records.decisions = count("decisions")?;
    }
    if source.kind == SourceKind::Git {
        source.records.commits = rows::number(&client.query_one(COMMITS, &[&org, &id, &visible_commit])?, 0)?;
    }
    Ok(source)
}

/// The organisation's sequence.
pub(super) fn sequence(client: &mut impl GenericClient, org: i64) -> Inner<u64> {
    rows::number(&client.query_one("SELECT sequence FROM tenants WHERE id = $1", &[&org])?, 0)
}

/// Moves the sequence and returns its new value.
pub(super) fn advance(client: &mut impl GenericClient, org: i64) -> Inner<u64> {
    const SQL: &str = "UPDATE tenants SET sequence = sequence + 1 WHERE id = $1 RETURNING sequence";
    rows::number(&client.query_one(SQL, &[&org])?, 0)
}

/// Ends a sync: writes the row and moves the sequence if anything differs from before. Returns the sequence and
/// whether it moved.
pub(super) fn settle(
    client: &mut impl GenericClient,
    org: i64,
    before: &Source,
    end: &Settlement<'_>,
) -> Inner<(u64, bool)> {
    const SQL: &str = "UPDATE sources SET location = $3, cursor = $4, projects = $5, notes = $6, synced = $7, \
         sequence = $8 WHERE org = $1 AND id = $2";
    let changed = end.changes(before);
    let sequence = if changed { advance(client, org)? } else { sequence(client, org)? };
    let of_source = if changed { sequence } else { before.sequence };
    client.execute(
        SQL,
        &[
            &org,
            &rows::id(before.id),
            &text::stored(end.location).as_ref(),
            &serde_json::to_string(end.cursor)?,
            &serde_json::to_string(end.projects)?,
            &serde_json::to_string(end.notes)?,
            &end.synced.unix(),
            &i64::try_from(of_source).unwrap_or(i64::MAX),
        ],
    )?;
    Ok((sequence, changed))
}

/// Sets the time of the newest record of a source to what `newest` selects.
pub(super) fn refresh_newest(client: &mut impl GenericClient, org: i64, id: SourceId, newest: &str) -> Inner<()> {
    let sql =
        format!("UPDATE sources SET newest = ({newest} WHERE org = $1 AND source = $2) WHERE org = $1 AND id = $2");
    client.execute(&sql, &[&org, &rows::id(id)])?;
    Ok(())
}

/// Removes a source with everything that belongs to it, by its name; nothing where there is none.
pub(super) fn remove_named(client: &mut impl GenericClient, org: i64, name: &str) -> Inner<()> {
    client.execute("DELETE FROM sources WHERE org = $1 AND name = $2", &[&org, &text::stored(name).as_ref()])?;
    Ok(())
}

/// Removes a source with everything that belongs to it.
pub(super) fn remove(client: &mut impl GenericClient, org: i64, id: SourceId) -> Inner<()> {
    client.execute("DELETE FROM sources WHERE org = $1 AND id = $2", &[&org, &rows::id(id)])?;
    Ok(())
}
