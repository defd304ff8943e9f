//! Streams the visible records of an organisation.

use docassist_model::projection::{CommitRow, FileRow, IdentityRow, PathRow, SourceRow, TicketRow};
use docassist_model::{Decision, Page, RecordSink};
use rusqlite::Transaction;

use super::fault::Inner;
use super::sources::SourceState;
use super::{columns, sources};
use crate::encoding;

/// Streams everything that is visible in `transaction` and returns the sequence.
pub(super) fn project(transaction: &Transaction<'_>, sink: &mut dyn RecordSink) -> Inner<u64> {
    let sequence = sources::sequence(transaction)?;
    let states = sources::states(transaction)?;
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
    identities(transaction, sink)?;
    paths(transaction, sink, &states)?;
    files(transaction, sink)?;
    commits(transaction, sink, &states)?;
    tickets(transaction, sink)?;
    pages(transaction, sink)?;
    decisions(transaction, sink)?;
    Ok(sequence)
}

fn identities(transaction: &Transaction<'_>, sink: &mut dyn RecordSink) -> Inner<()> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, canonical_name, canonical_email FROM identities WHERE canonical_email IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        sink.identity(&IdentityRow {
            id: columns::number(row, 0)?,
            name: columns::text(row, 1)?,
            email: columns::text(row, 2)?,
        });
    }
    Ok(())
}

fn paths(transaction: &Transaction<'_>, sink: &mut dyn RecordSink, states: &[SourceState]) -> Inner<()> {
    let mut statement = transaction.prepare_cached("SELECT id, source, path FROM paths NOT INDEXED")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let source = columns::source(row, 1)?;
        // A shadow has paths before anybody is to see it.
        if states.iter().any(|state| state.source.id == source) {
            sink.path(&PathRow { id: columns::number(row, 0)?, source, path: columns::text(row, 2)? });
        }
    }
    Ok(())
}

fn files(transaction: &Transaction<'_>, sink: &mut dyn RecordSink) -> Inner<()> {
    let mut statement = transaction.prepare_cached("SELECT path, kind, size FROM files")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        sink.file(&FileRow {
            path: columns::number(row, 0)?,
            kind: encoding::kind(columns::integer(row, 1)?)?,
            size: columns::number(row, 2)?,
        });
    }
    Ok(())
}

fn commits(transaction: &Transaction<'_>, sink: &mut dyn RecordSink, states: &[SourceState]) -> Inner<()> {
    let mut statement = transaction.prepare_cached(
        "SELECT n, source, id, parents, author, authored, time, revert, subject, subject_keys, body_keys, credits, \
         changes FROM commits",
    )?;
    let mut rows = statement.query([])?;
    let (mut credits, mut changes) = (Vec::new(), Vec::new());
    // Commits of one source come in long runs: its mark is looked up once per run.
    let mut run = None;
    while let Some(row) = rows.next()? {
        let source = columns::source(row, 1)?;
        let visible = match run {
            Some((of, mark)) if of == source => mark,
            _ => states.iter().find(|state| state.source.id == source).map_or(0, |state| state.visible_commit),
        };
        run = Some((source, visible));
        if columns::integer(row, 0)? > visible {
            continue;
        }
        encoding::credits(columns::blob(row, 11)?, &mut credits)?;
        encoding::changes(columns::blob(row, 12)?, &mut changes)?;
        let id = columns::blob(row, 2)?;
        let parents = columns::blob(row, 3)?.len() / id.len().max(1);
        sink.commit(&CommitRow {
            source,
            id,
            parents: u32::try_from(parents).unwrap_or(u32::MAX),
            author: columns::number(row, 4)?,
            authored: columns::time(row, 5)?,
            time: columns::time(row, 6)?,
            subject: columns::text(row, 8)?,
            revert: columns::integer(row, 7)? != 0,
            subject_keys: columns::text(row, 9)?,
            body_keys: columns::text(row, 10)?,
            credits: &credits,
            changes: &changes,
        });
    }
    Ok(())
}

fn tickets(transaction: &Transaction<'_>, sink: &mut dyn RecordSink) -> Inner<()> {
    let mut statement = transaction.prepare_cached(
        "SELECT source, key, summary, type_name, status, category, priority, assignee, reporter, created, updated, \
         resolved, resolution, parent, epic, links, mentions FROM tickets",
    )?;
    let mut rows = statement.query([])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        let count = encoding::links(columns::blob(row, 15)?, &mut links)?;
        sink.ticket(&TicketRow {
            source: columns::source(row, 0)?,
            key: columns::text(row, 1)?,
            summary: columns::text(row, 2)?,
            type_name: columns::text(row, 3)?,
            status: columns::text(row, 4)?,
            category: encoding::category(columns::integer(row, 5)?)?,
            priority: columns::optional_text(row, 6)?,
            assignee: columns::optional_text(row, 7)?,
            reporter: columns::optional_text(row, 8)?,
            created: columns::time(row, 9)?,
            updated: columns::time(row, 10)?,
            resolved: columns::optional_time(row, 11)?,
            resolution: columns::optional_text(row, 12)?,
            parent: columns::optional_text(row, 13)?,
            epic: columns::optional_text(row, 14)?,
            links: &links[..count],
            mentions: columns::text(row, 16)?,
        });
    }
    Ok(())
}

fn pages(transaction: &Transaction<'_>, sink: &mut dyn RecordSink) -> Inner<()> {
    let mut statement = transaction.prepare_cached("SELECT source, outline FROM pages ORDER BY source, path")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let page: Page = serde_json::from_str(columns::text(row, 1)?)?;
        sink.page(columns::source(row, 0)?, &page);
    }
    Ok(())
}

fn decisions(transaction: &Transaction<'_>, sink: &mut dyn RecordSink) -> Inner<()> {
    let mut statement = transaction.prepare_cached("SELECT source, body FROM decisions ORDER BY source, position")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let decision: Decision = serde_json::from_str(columns::text(row, 1)?)?;
        sink.decision(columns::source(row, 0)?, &decision);
    }
    Ok(())
}
