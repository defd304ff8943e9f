//! Streams the visible records of an organisation.

use docassist_model::projection::{CommitRow, FileRow, IdentityRow, PathRow, SourceRow, TicketRow};
use docassist_model::{Decision, Page, RecordSink};
use postgres::{Row, Transaction};

use super::rows;
use super::sources::{self, SourceState};
use crate::encoding;
use crate::postgres::fault::Inner;

/// Rows that are in memory at a time.
const PART: i32 = 4_000;

/// Streams everything that is visible in `transaction` and returns the sequence.
pub(super) fn project(transaction: &mut Transaction<'_>, org: i64, sink: &mut dyn RecordSink) -> Inner<u64> {
    // As long as it takes.
    transaction.batch_execute("SET LOCAL statement_timeout = 0")?;
    let sequence = sources::sequence(transaction, org)?;
    let states = sources::states(transaction, org)?;
    for SourceState { source, .. } in &states {
        sink.source(&SourceRow {
            id: source.id,
            kind: source.kind,
            name: &source.name,
            projects: &source.projects,
            notes: &source.notes,
            interrupted: source.interrupted,
            synced: source.synced.is_some(),
        });
    }
    identities(transaction, org, sink)?;
    paths(transaction, org, sink, &states)?;
    files(transaction, org, sink)?;
    commits(transaction, org, sink, &states)?;
    tickets(transaction, org, sink)?;
    pages(transaction, org, sink)?;
    decisions(transaction, org, sink)?;
    Ok(sequence)
}

/// Calls `take` with every row of a query about the organisation, a part of them in memory at a time.
fn each(transaction: &mut Transaction<'_>, org: i64, sql: &str, take: &mut dyn FnMut(&Row) -> Inner<()>) -> Inner<()> {
    let portal = transaction.bind(sql, &[&org])?;
    loop {
        let rows = transaction.query_portal(&portal, PART)?;
        for row in &rows {
            take(row)?;
        }
        if rows.len() < usize::try_from(PART).unwrap_or_default() {
            return Ok(());
        }
    }
}

fn identities(transaction: &mut Transaction<'_>, org: i64, sink: &mut dyn RecordSink) -> Inner<()> {
    const SQL: &str = "SELECT id, canonical_name, canonical_email FROM identities \
         WHERE org = $1 AND canonical_email IS NOT NULL";
    each(transaction, org, SQL, &mut |row| {
        let (name, email) = (rows::string(row, 1)?, rows::string(row, 2)?);
        sink.identity(&IdentityRow { id: rows::number32(row, 0)?, name: &name, email: &email });
        Ok(())
    })
}

fn paths(transaction: &mut Transaction<'_>, org: i64, sink: &mut dyn RecordSink, states: &[SourceState]) -> Inner<()> {
    each(transaction, org, "SELECT id, source, path FROM paths WHERE org = $1", &mut |row| {
        let source = rows::source(row, 1)?;
        // A shadow has paths before anybody is to see it.
        if states.iter().any(|state| state.source.id == source) {
            sink.path(&PathRow { id: rows::number32(row, 0)?, source, path: &rows::string(row, 2)? });
        }
        Ok(())
    })
}

fn files(transaction: &mut Transaction<'_>, org: i64, sink: &mut dyn RecordSink) -> Inner<()> {
    each(transaction, org, "SELECT path, kind, size FROM files WHERE org = $1", &mut |row| {
        sink.file(&FileRow {
            path: rows::number32(row, 0)?,
            kind: encoding::kind(i64::from(rows::value::<i16>(row, 1)?))?,
            size: rows::number(row, 2)?,
        });
        Ok(())
    })
}

fn commits(
    transaction: &mut Transaction<'_>,
    org: i64,
    sink: &mut dyn RecordSink,
    states: &[SourceState],
) -> Inner<()> {
    const SQL: &str = "SELECT n, source, id, parents, author, authored, time, revert, subject, subject_keys, body_keys, \
         credits, changes FROM commits WHERE org = $1";
    let (mut credits, mut changes) = (Vec::new(), Vec::new());
    // Commits of one source come in long runs: its mark is looked up once per run.
    let mut run = None;
    each(transaction, org, SQL, &mut |row| {
        let source = rows::source(row, 1)?;
        let visible = match run {
            Some((of, mark)) if of == source => mark,
            _ => states.iter().find(|state| state.source.id == source).map_or(0, |state| state.visible_commit),
        };
        run = Some((source, visible));
        if rows::value::<i64>(row, 0)? > visible {
            return Ok(());
        }
        encoding::credits(rows::bytes(row, 11)?, &mut credits)?;
        encoding::changes(rows::bytes(row, 12)?, &mut changes)?;
        let id = rows::bytes(row, 2)?;
        let parents = rows::bytes(row, 3)?.len() / id.len().max(1);
        sink.commit(&CommitRow {
            source,
            id,
            parents: u32::try_from(parents).unwrap_or(u32::MAX),
            author: rows::number32(row, 4)?,
            authored: rows::time(row, 5)?,
            time: rows::time(row, 6)?,
            subject: &rows::string(row, 8)?,
            revert: rows::value(row, 7)?,
            subject_keys: rows::value(row, 9)?,
            body_keys: rows::value(row, 10)?,
            credits: &credits,
            changes: &changes,
        });
        Ok(())
    })
}

fn tickets(transaction: &mut Transaction<'_>, org: i64, sink: &mut dyn RecordSink) -> Inner<()> {
    const SQL: &str = "SELECT source, key, summary, type_name, status, category, priority, assignee, reporter, created, \
         updated, resolved, resolution, parent, epic, links, mentions FROM tickets WHERE org = $1";
    let mut links = Vec::new();
    each(transaction, org, SQL, &mut |row| {
        let count = encoding::links(rows::bytes(row, 15)?, &mut links)?;
        sink.ticket(&TicketRow {
            source: rows::source(row, 0)?,
            key: rows::value(row, 1)?,
            summary: &rows::string(row, 2)?,
            type_name: &rows::string(row, 3)?,
            status: &rows::string(row, 4)?,
            category: encoding::category(i64::from(rows::value::<i16>(row, 5)?))?,
            priority: rows::optional_string(row, 6)?.as_deref(),
            assignee: rows::optional_string(row, 7)?.as_deref(),
            reporter: rows::optional_string(row, 8)?.as_deref(),
            created: rows::time(row, 9)?,
            updated: rows::time(row, 10)?,
            resolved: rows::optional_time(row, 11)?,
            resolution: rows::optional_string(row, 12)?.as_deref(),
            parent: rows::value(row, 13)?,
            epic: rows::value(row, 14)?,
            links: &links[..count],
            mentions: rows::value(row, 16)?,
        });
        Ok(())
    })
}

fn pages(transaction: &mut Transaction<'_>, org: i64, sink: &mut dyn RecordSink) -> Inner<()> {
    const SQL: &str = "SELECT source, outline FROM pages WHERE org = $1 ORDER BY source, path COLLATE \"C\"";
    each(transaction, org, SQL, &mut |row| {
        let page: Page = serde_json::from_str(rows::value(row, 1)?)?;
        sink.page(rows::source(row, 0)?, &page);
        Ok(())
    })
}

fn decisions(transaction: &mut Transaction<'_>, org: i64, sink: &mut dyn RecordSink) -> Inner<()> {
    const SQL: &str = "SELECT source, body FROM decisions WHERE org = $1 ORDER BY source, position";
    each(transaction, org, SQL, &mut |row| {
        let decision: Decision = serde_json::from_str(rows::value(row, 1)?)?;
        sink.decision(rows::source(row, 0)?, &decision);
        Ok(())
    })
}
