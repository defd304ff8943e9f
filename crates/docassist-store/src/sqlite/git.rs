//! Commits and files of repositories.

use docassist_model::commit::is_revert;
use docassist_model::projection::ChangeRow;
use docassist_model::{Commit, Identity, ObjectId, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::fault::{Fault, Inner};
use super::intern::{Interner, Known, Numbers};
use super::sources::{self, SourceState};
use super::{columns, pages};
use crate::derived::Keys;
use crate::encoding;
use crate::settlement::Settlement;
use crate::{FileChanges, GitFinish, Outcome};

/// The row of a visible commit.
fn visible(connection: &Connection, source: SourceId, id: &ObjectId) -> Inner<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT n FROM commit_ids WHERE source = ?1 AND id = ?2")?;
    Ok(find.query_row((source.0, id.as_bytes()), |row| row.get(0)).optional()?)
}

/// The staged commits and their rows.
fn staged<'a>(
    connection: &Connection,
    source: SourceId,
    staged: &'a mut Option<FxHashMap<ObjectId, i64>>,
) -> Inner<&'a mut FxHashMap<ObjectId, i64>> {
    if staged.is_none() {
        let mut rows_by_id = FxHashMap::default();
        // Rows of other sources may lie between: this goes through rows after the mark, in order.
        let mut statement = connection.prepare_cached(
            "SELECT commits.id, n FROM sources JOIN commits ON n > visible_commit AND commits.source = sources.id \
             WHERE sources.id = ?1 AND staged > 0",
        )?;
        let mut rows = statement.query([source.0])?;
        while let Some(row) = rows.next()? {
            rows_by_id.insert(object_id(columns::blob(row, 0)?)?, columns::integer(row, 1)?);
        }
        *staged = Some(rows_by_id);
    }
    Ok(staged.get_or_insert_default())
}

/// Whether a commit is visible or staged.
pub(super) fn known(connection: &Connection, source: SourceId, known: &mut Known, id: &ObjectId) -> Inner<bool> {
    Ok(staged(connection, source, &mut known.staged)?.contains_key(id) || visible(connection, source, id)?.is_some())
}

/// All commits with their parents.
pub(super) fn graph(connection: &Connection, source: SourceId) -> Inner<Vec<(ObjectId, Vec<ObjectId>)>> {
    // By row, not by the index of (source, id): that would visit the rows at random.
    let mut statement = connection.prepare_cached("SELECT id, parents FROM commits WHERE source = ?1 ORDER BY n")?;
    let mut rows = statement.query([source.0])?;
    let mut graph = Vec::new();
    while let Some(row) = rows.next()? {
        let raw = columns::blob(row, 0)?;
        let parents = columns::blob(row, 1)?.chunks(raw.len().max(1)).map(object_id).collect::<Inner<_>>()?;
        graph.push((object_id(raw)?, parents));
    }
    Ok(graph)
}

fn object_id(raw: &[u8]) -> Inner<ObjectId> {
    ObjectId::from_bytes(raw).ok_or_else(|| Fault::Malformed(format!("an object name of {} bytes", raw.len())))
}

/// Stages those of `commits` that are not known and returns how many they are.
pub(super) fn stage(
    transaction: &Transaction<'_>,
    source: SourceId,
    known: &mut Known,
    commits: &[Commit],
) -> Inner<u64> {
    let rows_by_id = staged(transaction, source, &mut known.staged)?;
    let mut interner = Interner::new(transaction, source, &mut known.numbers)?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO commits (source, id, parents, author, authored, time, revert, subject, subject_keys, body_keys, \
         credits, changes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut insert_text =
        transaction.prepare_cached("INSERT INTO commit_texts (n, committer, message) VALUES (?1, ?2, ?3)")?;
    let (mut parents, mut credits, mut changes, mut keys) = (Vec::new(), Vec::new(), Vec::new(), Keys::default());
    let mut count = 0_u64;
    let mut newest = None;
    for commit in commits {
        if rows_by_id.contains_key(&commit.id) || visible(transaction, source, &commit.id)?.is_some() {
            continue;
        }
        parents.clear();
        for parent in &commit.parents {
            if parent.as_bytes().len() != commit.id.as_bytes().len() {
                return Err(Fault::Malformed(format!("commit {} has a parent of another hash", commit.id)));
            }
            parents.extend_from_slice(parent.as_bytes());
        }
        credits.clear();
        for credit in &commit.credits {
            encoding::put_credit(&mut credits, credit.role, interner.identity(&credit.identity)?);
        }
        changes.clear();
        let mut previous = 0;
        for change in &commit.changes {
            let from = change.from.as_deref().map(|from| interner.path(from)).transpose()?;
            let row = ChangeRow {
                path: interner.path(&change.path)?,
                from,
                status: change.status,
                binary: change.binary,
                additions: change.additions,
                deletions: change.deletions,
            };
            encoding::put_change(&mut changes, previous, &row);
            previous = row.path;
        }
        keys.read(&commit.message);
        let committer = interner.identity(&commit.committer)?;
        let n = insert.insert((
            source.0,
            commit.id.as_bytes(),
            &parents,
            interner.identity(&commit.author)?,
            commit.authored.unix(),
            commit.time.unix(),
            is_revert(&commit.message),
            commit.subject(),
            &keys.subject,
            &keys.body,
            &credits,
            &changes,
        ))?;
        insert_text.execute((n, committer, &commit.message))?;
        rows_by_id.insert(commit.id, n);
        count += 1;
        newest = newest.max(Some(commit.time));
    }
    if count > 0 {
        transaction
            .prepare_cached(
                "UPDATE sources SET staged = staged + ?2, \
                 staged_newest = max(ifnull(staged_newest, ?3), ?3) WHERE id = ?1",
            )?
            .execute((source.0, count.cast_signed(), newest.map(Timestamp::unix)))?;
    }
    Ok(count)
}

/// Ends a sync; see [`crate::Writer::finish_git`].
pub(super) fn finish(
    transaction: &Transaction<'_>,
    state: &SourceState,
    known: &mut Known,
    finish: &GitFinish<'_>,
) -> Inner<Outcome> {
    let source = state.source.id;
    let removed = remove(transaction, source, known, finish.remove)?;
    let mut outcome = Outcome {
        commits_added: state.source.staged.saturating_sub(removed.staged),
        commits_removed: removed.visible,
        ..Outcome::default()
    };
    (outcome.files_upserted, outcome.files_removed) = files(transaction, source, &mut known.numbers, &finish.files)?;
    (outcome.pages_upserted, outcome.pages_removed) = pages::change(transaction, source, &finish.pages)?;
    outcome.decisions_changed = match finish.decisions {
        Some(decisions) => pages::replace_decisions(transaction, source, decisions)?,
        None => false,
    };
    outcome.identities_changed = canonicalise(transaction, source, finish)?;
    if state.source.staged > 0 {
        enter(transaction, source, staged(transaction, source, &mut known.staged)?)?;
        // Every row so far is below the mark, and every later one above it. Other sources have marks of their own.
        transaction.execute(
            "UPDATE sources SET visible_commit = (SELECT ifnull(max(n), 0) FROM commits), staged = 0, \
             staged_newest = NULL WHERE id = ?1",
            [source.0],
        )?;
    }
    let newest = if removed == Removed::default() {
        state.source.newest.max(state.staged_newest)
    } else {
        let newest = "SELECT max(time) FROM commits WHERE source = ?1";
        transaction.query_row(newest, [source.0], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp::from_unix)
    };
    if newest != state.source.newest {
        sources::set_newest(transaction, source, newest)?;
    }
    let changed = state.source.staged > 0 || outcome != Outcome::default();
    (outcome.sequence, outcome.changed) = sources::settle(
        transaction,
        &state.source,
        &Settlement {
            location: finish.location,
            cursor: finish.cursor,
            projects: &state.source.projects,
            notes: finish.notes,
            synced: finish.synced,
            changed,
        },
    )?;
    Ok(outcome)
}

/// How many commits went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Removed {
    visible: u64,
    staged: u64,
}

/// Removes commits. Their paths and identities stay: nothing refers to them, and many come back with the rewritten
/// commits that usually follow.
fn remove(transaction: &Transaction<'_>, source: SourceId, known: &mut Known, ids: &[ObjectId]) -> Inner<Removed> {
    let mut removed = Removed::default();
    if ids.is_empty() {
        return Ok(removed);
    }
    let rows_by_id = staged(transaction, source, &mut known.staged)?;
    let mut delete = transaction.prepare_cached("DELETE FROM commits WHERE n = ?1")?;
    let mut delete_id = transaction.prepare_cached("DELETE FROM commit_ids WHERE source = ?1 AND id = ?2")?;
    for id in ids {
        if let Some(n) = rows_by_id.remove(id) {
            delete.execute([n])?;
            removed.staged += 1;
        } else if let Some(n) = visible(transaction, source, id)? {
            delete.execute([n])?;
            delete_id.execute((source.0, id.as_bytes()))?;
            removed.visible += 1;
        }
    }
    Ok(removed)
}

/// Enters the staged commits among the visible ones, in the order of the index, and forgets that they were staged.
fn enter(transaction: &Transaction<'_>, source: SourceId, staged: &mut FxHashMap<ObjectId, i64>) -> Inner<()> {
    let mut rows: Vec<_> = staged.drain().collect();
    rows.sort_unstable();
    let mut insert = transaction.prepare_cached("INSERT INTO commit_ids (source, id, n) VALUES (?1, ?2, ?3)")?;
    for (id, n) in rows {
        insert.execute((source.0, id.as_bytes(), n))?;
    }
    Ok(())
}

/// Brings the files at the tip up to date and returns how many are new or differ, and how many went.
fn files(
    transaction: &Transaction<'_>,
    source: SourceId,
    known: &mut Numbers,
    changes: &FileChanges<'_>,
) -> Inner<(u64, u64)> {
    let mut interner = Interner::new(transaction, source, known)?;
    // A file that equals the stored one is not written, so that it does not count as changed.
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO files (path, kind, size) VALUES (?1, ?2, ?3) \
         ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, size = excluded.size \
         WHERE kind <> excluded.kind OR size <> excluded.size",
    )?;
    let mut delete = transaction.prepare_cached("DELETE FROM files WHERE path = ?1")?;
    let (mut upserted, mut removed) = (0, 0);
    for path in changes.removed {
        if let Some(path) = interner.known_path(path)? {
            removed += delete.execute([path])?;
        }
    }
    let mut kept = FxHashSet::default();
    for file in changes.upserted {
        let path = interner.path(&file.path)?;
        let size = i64::try_from(file.size).unwrap_or(i64::MAX);
        upserted += upsert.execute((path, encoding::kind_code(file.kind), size))?;
        if changes.replace_all {
            kept.insert(path);
        }
    }
    if changes.replace_all {
        let mut of_source = transaction
            .prepare_cached("SELECT files.path FROM files JOIN paths ON paths.id = files.path WHERE source = ?1")?;
        let mut rows = of_source.query([source.0])?;
        let mut gone = Vec::new();
        while let Some(row) = rows.next()? {
            let path: u32 = columns::number(row, 0)?;
            if !kept.contains(&path) {
                gone.push(path);
            }
        }
        for path in gone {
            removed += delete.execute([path])?;
        }
    }
    Ok((upserted as u64, removed as u64))
}

/// Gives identities their canonical form and returns how many have another one than before.
fn canonicalise(transaction: &Transaction<'_>, source: SourceId, finish: &GitFinish<'_>) -> Inner<u64> {
    const ALL: &str = "SELECT id, name, email, canonical_name, canonical_email FROM identities WHERE source = ?1";
    const NEW: &str = "SELECT id, name, email, canonical_name, canonical_email FROM identities \
         WHERE source = ?1 AND canonical_email IS NULL";
    let mut changed = Vec::new();
    {
        let mut statement = transaction.prepare_cached(if finish.mailmap_changed { ALL } else { NEW })?;
        let mut rows = statement.query([source.0])?;
        while let Some(row) = rows.next()? {
            let recorded =
                Identity { name: columns::text(row, 1)?.to_owned(), email: columns::text(row, 2)?.to_owned() };
            let canonical = (finish.canonical)(&recorded);
            let before = (columns::optional_text(row, 3)?, columns::optional_text(row, 4)?);
            if before != (Some(canonical.name.as_str()), Some(canonical.email.as_str())) {
                changed.push((columns::number::<u32>(row, 0)?, canonical));
            }
        }
    }
    let mut update =
        transaction.prepare_cached("UPDATE identities SET canonical_name = ?2, canonical_email = ?3 WHERE id = ?1")?;
    for (id, canonical) in &changed {
        update.execute((id, &canonical.name, &canonical.email))?;
    }
    Ok(changed.len() as u64)
}
