//! Commits and files of repositories.

use docassist_model::commit::is_revert;
use docassist_model::projection::ChangeRow;
use docassist_model::{Commit, Identity, ObjectId, SourceId, Timestamp};
use postgres::GenericClient;
use postgres::types::Type;
use rustc_hash::FxHashSet;

use super::bulk::Table;
use super::intern::{Numbers, has_none, take_long_numbers};
use super::sources::{self, SourceState};
use super::{pages, rows};
use crate::derived::{Keys, fingerprint};
use crate::encoding;
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text;
use crate::settlement::Settlement;
use crate::{FileChanges, GitFinish, Outcome};

/// Whether a commit is visible or staged.
pub(super) fn known(client: &mut impl GenericClient, org: i64, source: SourceId, id: &ObjectId) -> Inner<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM commits WHERE org = $1 AND source = $2 AND id = $3)";
    rows::value(&client.query_one(SQL, &[&org, &rows::id(source), &id.as_bytes()])?, 0)
}

/// All commits with their parents.
pub(super) fn graph(
    client: &mut impl GenericClient,
    org: i64,
    source: SourceId,
) -> Inner<Vec<(ObjectId, Vec<ObjectId>)>> {
    const SQL: &str = "SELECT id, parents FROM commits WHERE org = $1 AND source = $2 ORDER BY n";
    let mut graph = Vec::new();
    for row in client.query(SQL, &[&org, &rows::id(source)])? {
        let raw = rows::bytes(&row, 0)?;
        let parents = rows::bytes(&row, 1)?.chunks(raw.len().max(1)).map(rows::object_id).collect::<Inner<_>>()?;
        graph.push((rows::object_id(raw)?, parents));
    }
    Ok(graph)
}

const COMMITS: Table = Table {
    name: "commits",
    columns: &[
        ("n", Type::INT8),
        ("source", Type::INT4),
        ("id", Type::BYTEA),
        ("parents", Type::BYTEA),
        ("author", Type::INT4),
        ("authored", Type::INT8),
        ("time", Type::INT8),
        ("revert", Type::BOOL),
        ("subject", Type::TEXT),
        ("subject_keys", Type::TEXT),
        ("body_keys", Type::TEXT),
        ("credits", Type::BYTEA),
        ("changes", Type::BYTEA),
        ("committer", Type::INT4),
    ],
    conflict: "",
};
const TEXTS: Table =
    Table { name: "commit_texts", columns: &[("n", Type::INT8), ("message", Type::TEXT)], conflict: "" };

/// What a writer knows of a repository. After a transaction that was rolled back it is wrong and has to be dropped.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) numbers: Numbers,
    commits: Stored,
}

/// Which commits may be stored: the first sync of a repository need not ask for each whether it is.
#[derive(Debug, Default)]
enum Stored {
    #[default]
    Unasked,
    /// None but those, which the writer has written itself; by the first eight bytes of their names.
    Only(FxHashSet<u64>),
    Any,
}

impl Stored {
    /// So many are remembered: some 20 MB of them.
    const MOST: usize = 1 << 20;

    /// The names of those of `commits` that may be stored.
    fn perhaps<'a>(
        &mut self,
        client: &mut impl GenericClient,
        org: i64,
        source: SourceId,
        commits: &'a [Commit],
    ) -> Inner<Vec<&'a [u8]>> {
        if matches!(self, Self::Unasked) {
            // Nobody else writes commits while the writer holds the organisation's lock.
            let none = has_none(client, org, source, "commits")?;
            *self = if none { Self::Only(FxHashSet::default()) } else { Self::Any };
        }
        let names = commits.iter().map(|commit| commit.id.as_bytes());
        Ok(match self {
            Self::Only(known) => names.filter(|name| known.contains(&fingerprint(name))).collect(),
            _ => names.collect(),
        })
    }

    fn add(&mut self, commits: &[&Commit]) {
        if let Self::Only(known) = self {
            known.extend(commits.iter().map(|commit| fingerprint(commit.id.as_bytes())));
            if known.len() > Self::MOST {
                *self = Self::Any;
            }
        }
    }
}

/// Those of `commits` that are neither visible nor staged, each once.
fn new_ones<'a>(
    client: &mut impl GenericClient,
    org: i64,
    source: SourceId,
    stored: &mut Stored,
    commits: &'a [Commit],
) -> Inner<Vec<&'a Commit>> {
    const SQL: &str = "SELECT found.id FROM unnest($3::bytea[]) AS wanted (id) CROSS JOIN LATERAL \
         (SELECT id FROM commits WHERE org = $1 AND source = $2 AND commits.id = wanted.id LIMIT 1) AS found";
    let asked = stored.perhaps(client, org, source, commits)?;
    let mut known = FxHashSet::default();
    if !asked.is_empty() {
        for row in client.query(SQL, &[&org, &rows::id(source), &asked])? {
            known.insert(rows::object_id(rows::bytes(&row, 0)?)?);
        }
    }
    Ok(commits.iter().filter(|commit| known.insert(commit.id)).collect())
}

/// What a commit's row has that follows from its message.
struct OfMessage {
    keys: Keys,
    revert: bool,
}

/// Stages those of `commits` that are not known and returns how many they are.
pub(super) fn stage(
    client: &mut (impl GenericClient + Send),
    org: i64,
    source: SourceId,
    known: &mut Known,
    commits: &[Commit],
) -> Inner<u64> {
    const COUNT: &str = "UPDATE sources SET staged = staged + $3, staged_newest = greatest(staged_newest, $4) \
         WHERE org = $1 AND id = $2";
    let Known { numbers, commits: stored } = known;
    let new = new_ones(client, org, source, stored, commits)?;
    if new.is_empty() {
        return Ok(0);
    }
    for commit in &new {
        let width = commit.id.as_bytes().len();
        if commit.parents.iter().any(|parent| parent.as_bytes().len() != width) {
            return Err(Fault::Malformed(format!("commit {} has a parent of another hash", commit.id)));
        }
    }
    // Messages are read while the database is busy with what does not need to know what is in them.
    let (of_messages, first) = std::thread::scope(|threads| {
        let reading = threads.spawn(|| {
            let of_message = |commit: &&Commit| {
                let mut keys = Keys::default();
                keys.read(&commit.message);
                OfMessage { keys, revert: is_revert(&commit.message) }
            };
            new.iter().map(of_message).collect::<Vec<_>>()
        });
        let first = take_long_numbers(client, org, "next_commit", new.len())?;
        TEXTS.insert(client, org, &mut |rows| {
            (first..).zip(&new).try_for_each(|(n, commit)| rows.row(&[&n, &text::stored(&commit.message).as_ref()]))
        })?;
        let changes = new.iter().flat_map(|commit| &commit.changes);
        let paths = changes.flat_map(|change| [Some(change.path.as_str()), change.from.as_deref()]).flatten();
        let identities = new.iter().flat_map(|commit| {
            let credited = commit.credits.iter().map(|credit| &credit.identity);
            [&commit.author, &commit.committer].into_iter().chain(credited)
        });
        numbers.learn(client, org, source, paths, identities)?;
        Inner::Ok((reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), first))
    })?;
    let numbers = &*numbers;
    let (mut parents, mut credits, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    COMMITS.insert(client, org, &mut |rows| {
        for ((n, commit), OfMessage { keys, revert }) in (first..).zip(&new).zip(&of_messages) {
            parents.clear();
            commit.parents.iter().for_each(|parent| parents.extend_from_slice(parent.as_bytes()));
            credits.clear();
            for credit in &commit.credits {
                encoding::put_credit(&mut credits, credit.role, numbers.identity(&credit.identity)?);
            }
            encode_changes(&mut changes, commit, numbers)?;
            rows.row(&[
                &n,
                &rows::id(source),
                &commit.id.as_bytes(),
                &parents,
                &numbers.identity(&commit.author)?.cast_signed(),
                &commit.authored.unix(),
                &commit.time.unix(),
                revert,
                &text::stored(commit.subject()).as_ref(),
                &keys.subject,
                &keys.body,
                &credits,
                &changes,
                &numbers.identity(&commit.committer)?.cast_signed(),
            ])?;
        }
        Ok(())
    })?;
    stored.add(&new);
    let newest = new.iter().map(|commit| commit.time).max().map(Timestamp::unix);
    client.execute(COUNT, &[&org, &rows::id(source), &(new.len() as u64).cast_signed(), &newest])?;
    Ok(new.len() as u64)
}

fn encode_changes(encoded: &mut Vec<u8>, commit: &Commit, numbers: &Numbers) -> Inner<()> {
    encoded.clear();
    let mut previous = 0;
    for change in &commit.changes {
        let row = ChangeRow {
            path: numbers.path(&change.path)?,
            from: change.from.as_deref().map(|from| numbers.path(from)).transpose()?,
            status: change.status,
            binary: change.binary,
            additions: change.additions,
            deletions: change.deletions,
        };
        encoding::put_change(encoded, previous, &row);
        previous = row.path;
    }
    Ok(())
}

/// Ends a sync; see [`crate::Writer::finish_git`].
pub(super) fn finish(
    client: &mut impl GenericClient,
    org: i64,
    state: &SourceState,
    numbers: &mut Numbers,
    finish: &GitFinish<'_>,
) -> Inner<Outcome> {
    const SHOW: &str = "UPDATE sources SET staged = 0, staged_newest = NULL, \
         visible_commit = (SELECT next_commit - 1 FROM tenants WHERE id = $1), \
         newest = greatest(newest, staged_newest) WHERE org = $1 AND id = $2";
    let source = state.source.id;
    let removed = remove(client, org, state, finish.remove)?;
    let mut outcome = Outcome {
        commits_added: state.source.staged.saturating_sub(removed.staged),
        commits_removed: removed.visible,
        ..Outcome::default()
    };
    (outcome.files_upserted, outcome.files_removed) = files(client, org, source, numbers, &finish.files)?;
    (outcome.pages_upserted, outcome.pages_removed) = pages::change(client, org, source, &finish.pages)?;
    outcome.decisions_changed = match finish.decisions {
        Some(decisions) => pages::replace_decisions(client, org, source, decisions)?,
        None => false,
    };
    outcome.identities_changed = canonicalise(client, org, source, finish)?;
    if state.source.staged > 0 {
        // Every number so far is below the mark, and every later one above it. Other sources have marks of their own.
        client.execute(SHOW, &[&org, &rows::id(source)])?;
    }
    if removed != Removed::default() {
        sources::refresh_newest(client, org, source, "SELECT max(time) FROM commits")?;
    }
    let changed = state.source.staged > 0 || outcome != Outcome::default();
    (outcome.sequence, outcome.changed) = sources::settle(
        client,
        org,
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
fn remove(client: &mut impl GenericClient, org: i64, state: &SourceState, ids: &[ObjectId]) -> Inner<Removed> {
    const SQL: &str = "WITH gone AS (DELETE FROM commits WHERE org = $1 AND source = $2 AND id = ANY($3) RETURNING n) \
         SELECT count(*) FILTER (WHERE n <= $4), count(*) FILTER (WHERE n > $4) FROM gone";
    if ids.is_empty() {
        return Ok(Removed::default());
    }
    let ids: Vec<&[u8]> = ids.iter().map(ObjectId::as_bytes).collect();
    let row = client.query_one(SQL, &[&org, &rows::id(state.source.id), &ids, &state.visible_commit])?;
    Ok(Removed { visible: rows::number(&row, 0)?, staged: rows::number(&row, 1)? })
}

const FILES: Table = Table {
    name: "files",
    columns: &[("source", Type::INT4), ("path", Type::INT4), ("kind", Type::INT2), ("size", Type::INT8)],
    // A file that equals the stored one is not written, so that it does not count as changed.
    conflict: "ON CONFLICT (org, source, path) DO UPDATE SET kind = excluded.kind, size = excluded.size \
         WHERE (files.kind, files.size) IS DISTINCT FROM (excluded.kind, excluded.size)",
};

/// Brings the files at the tip up to date and returns how many are new or differ, and how many went.
fn files(
    client: &mut impl GenericClient,
    org: i64,
    source: SourceId,
    numbers: &mut Numbers,
    changes: &FileChanges<'_>,
) -> Inner<(u64, u64)> {
    const REMOVE: &str = "DELETE FROM files WHERE org = $1 AND source = $2 AND path = ANY($3)";
    const KEEP: &str = "DELETE FROM files WHERE org = $1 AND source = $2 AND path <> ALL($3)";
    let of_source = rows::id(source);
    let mut removed = 0;
    if !changes.removed.is_empty() {
        numbers.find_paths(client, org, source, changes.removed.iter().map(String::as_str))?;
        let gone = changes.removed.iter().filter_map(|path| numbers.known_path(path)).map(u32::cast_signed);
        removed += client.execute(REMOVE, &[&org, &of_source, &gone.collect::<Vec<_>>()])?;
    }
    let paths = changes.upserted.iter().map(|file| file.path.as_str());
    numbers.learn(client, org, source, paths, std::iter::empty())?;
    // The last of several entries of one path counts, and a statement may touch a row only once.
    let mut entries = std::collections::BTreeMap::new();
    for file in changes.upserted {
        let size = i64::try_from(file.size).unwrap_or(i64::MAX);
        let kind = i16::from(encoding::kind_code(file.kind));
        entries.insert(numbers.path(&file.path)?.cast_signed(), (kind, size));
    }
    let upserted = FILES.upsert(client, org, &mut |rows| {
        for (path, (kind, size)) in &entries {
            rows.row(&[&of_source, path, kind, size])?;
        }
        Ok(())
    })?;
    if changes.replace_all {
        let kept: Vec<i32> = entries.keys().copied().collect();
        removed += client.execute(KEEP, &[&org, &of_source, &kept])?;
    }
    Ok((upserted, removed))
}

/// Gives identities their canonical form and returns how many have another one than before.
fn canonicalise(client: &mut impl GenericClient, org: i64, source: SourceId, finish: &GitFinish<'_>) -> Inner<u64> {
    const ALL: &str = "SELECT id, name, email, canonical_name, canonical_email FROM identities \
         WHERE org = $1 AND source = $2";
    const NEW: &str = "SELECT id, name, email, canonical_name, canonical_email FROM identities \
         WHERE org = $1 AND source = $2 AND canonical_email IS NULL";
    const UPDATE: &str = "UPDATE identities SET canonical_name = new.name, canonical_email = new.email \
         FROM unnest($2::int[], $3::text[], $4::text[]) AS new (id, name, email) \
         WHERE org = $1 AND identities.id = new.id";
    let sql = if finish.mailmap_changed { ALL } else { NEW };
    let (mut ids, mut names, mut emails) = (Vec::new(), Vec::new(), Vec::new());
    for row in client.query(sql, &[&org, &rows::id(source)])? {
        let recorded =
            Identity { name: rows::string(&row, 1)?.into_owned(), email: rows::string(&row, 2)?.into_owned() };
        let canonical = (finish.canonical)(&recorded);
        let before = (rows::optional_string(&row, 3)?, rows::optional_string(&row, 4)?);
        if (before.0.as_deref(), before.1.as_deref()) != (Some(&canonical.name), Some(&canonical.email)) {
            ids.push(rows::value::<i32>(&row, 0)?);
            names.push(text::stored(&canonical.name).into_owned());
            emails.push(text::stored(&canonical.email).into_owned());
        }
    }
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(client.execute(UPDATE, &[&org, &ids, &names, &emails])?)
}
