//! Pages and decision records, of repositories and of folders.

use docassist_model::{Decision, Page, SourceId, Timestamp};
use rusqlite::{OptionalExtension, Transaction};
use rustc_hash::FxHashSet;

use super::columns;
use super::fault::Inner;
use super::sources;
use crate::derived::{self, outline};
use crate::settlement::Settlement;
use crate::{DocsFinish, Outcome, PageChanges, Source};

/// Ends a sync; see [`crate::Writer::finish_docs`].
pub(super) fn finish(transaction: &Transaction<'_>, source: &Source, finish: &DocsFinish<'_>) -> Inner<Outcome> {
    let mut outcome = Outcome::default();
    (outcome.pages_upserted, outcome.pages_removed) = change(transaction, source.id, &finish.pages)?;
    outcome.decisions_changed = match finish.decisions {
        Some(decisions) => replace_decisions(transaction, source.id, decisions)?,
        None => false,
    };
    if outcome.pages_upserted + outcome.pages_removed > 0 {
        let newest = "SELECT max(modified) FROM pages WHERE source = ?1";
        let newest = transaction.query_row(newest, [source.id.0], |row| row.get::<_, Option<i64>>(0))?;
        sources::set_newest(transaction, source.id, newest.map(Timestamp::from_unix))?;
    }
    (outcome.sequence, outcome.changed) = sources::settle(
        transaction,
        source,
        &Settlement {
            location: finish.location,
            cursor: finish.cursor,
            projects: &source.projects,
            notes: finish.notes,
            synced: finish.synced,
            changed: outcome != Outcome::default(),
        },
    )?;
    Ok(outcome)
}

/// Brings the pages of a source up to date and returns how many are new or differ, and how many went.
pub(super) fn change(transaction: &Transaction<'_>, source: SourceId, changes: &PageChanges<'_>) -> Inner<(u64, u64)> {
    let (mut upserted, mut removed) = (0, 0);
    let mut delete = transaction.prepare_cached("DELETE FROM pages WHERE source = ?1 AND path = ?2")?;
    for path in changes.removed {
        removed += delete.execute((source.0, path))? as u64;
    }
    for page in changes.upserted {
        upserted += u64::from(upsert(transaction, source, page)?);
    }
    if changes.replace_all {
        let kept: FxHashSet<&str> = changes.upserted.iter().map(|page| page.path.as_str()).collect();
        let mut gone = Vec::new();
        {
            let mut of_source = transaction.prepare_cached("SELECT path FROM pages WHERE source = ?1")?;
            let mut rows = of_source.query([source.0])?;
            while let Some(row) = rows.next()? {
                let path = columns::text(row, 0)?;
                if !kept.contains(path) {
                    gone.push(path.to_owned());
                }
            }
        }
        for path in gone {
            removed += delete.execute((source.0, path))? as u64;
        }
    }
    Ok((upserted, removed))
}

/// Writes a page unless it equals the stored one, and returns whether it did.
fn upsert(transaction: &Transaction<'_>, source: SourceId, page: &Page) -> Inner<bool> {
    let outline = serde_json::to_string(&outline(page))?;
    let modified = page.modified.map(Timestamp::unix);
    let fingerprint = derived::page_fingerprint(&outline, &page.text).cast_signed();
    let mut find = transaction.prepare_cached(
        "SELECT n, outline = ?3 AND modified IS ?4 AND text = ?5 FROM pages JOIN page_texts USING (n) \
         WHERE source = ?1 AND path = ?2",
    )?;
    let found = find
        .query_row((source.0, &page.path, &outline, modified, &page.text), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
        })
        .optional()?;
    match found {
        Some((_, true)) => return Ok(false),
        Some((n, false)) => {
            transaction
                .prepare_cached("UPDATE pages SET outline = ?2, modified = ?3, fingerprint = ?4 WHERE n = ?1")?
                .execute((n, &outline, modified, fingerprint))?;
            transaction.prepare_cached("UPDATE page_texts SET text = ?2 WHERE n = ?1")?.execute((n, &page.text))?;
        }
        None => {
            let n = transaction
                .prepare_cached(
                    "INSERT INTO pages (source, path, outline, modified, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .insert((source.0, &page.path, &outline, modified, fingerprint))?;
            transaction.prepare_cached("INSERT INTO page_texts (n, text) VALUES (?1, ?2)")?.execute((n, &page.text))?;
        }
    }
    Ok(true)
}

/// Replaces the decision records of a source and returns whether any differs.
pub(super) fn replace_decisions(
    transaction: &Transaction<'_>,
    source: SourceId,
    decisions: &[Decision],
) -> Inner<bool> {
    let bodies = decisions.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    {
        let mut statement =
            transaction.prepare_cached("SELECT body FROM decisions WHERE source = ?1 ORDER BY position")?;
        let mut rows = statement.query([source.0])?;
        let mut new = bodies.iter();
        loop {
            match (rows.next()?, new.next()) {
                (None, None) => return Ok(false),
                (Some(row), Some(body)) if columns::text(row, 0)? == body => {}
                _ => break,
            }
        }
    }
    transaction.execute("DELETE FROM decisions WHERE source = ?1", [source.0])?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO decisions (source, position, body) VALUES (?1, ?2, ?3)")?;
    for (position, body) in bodies.iter().enumerate() {
        insert.execute((source.0, position as i64, body))?;
    }
    Ok(true)
}
