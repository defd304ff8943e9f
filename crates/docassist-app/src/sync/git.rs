//! Syncing a git repository.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use docassist_model::{Commit, Decision, ErrorCode, ObjectId, Page, Progress, SourceKind};
use docassist_sources::decisions;
use docassist_sources::git::{
    Access, Branch, CommitBatch, FileTree, GitRepository, TreeSelection, Walk, is_remote, update_clone,
};
use docassist_store::{FileChanges, GitFinish, Outcome, PageChanges, Source, Writer};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::{App, AppError, now};

/// Raised when what is read from a repository changes its meaning, so that the next sync reads everything anew.
const READER_VERSION: u32 = 1;
/// Commits per durable batch.
const BATCH: usize = 2_048;
/// Unreadable objects that are named in notes; the rest is counted.
const NAMED_OBJECTS: usize = 5;
/// Missing objects that are remembered, so that a sync notices when they have come.
const REMEMBERED_OBJECTS: usize = 1_000;

/// A repository to sync.
#[derive(Debug, Clone, Default)]
pub struct GitRequest {
    /// A path, or a URL that the system's git can clone.
    pub location: String,
    /// Its name here; the last part of the location if `None`.
    pub name: Option<String>,
    /// The branch; the one that `HEAD` is at if `None`.
    pub branch: Option<String>,
    /// Read everything anew. What was read before stays until that has ended.
    pub full: bool,
    /// How long to wait for another sync; [`crate::DEFAULT_WAIT`] if `None`.
    pub wait: Option<Duration>,
    /// With whose rights a URL is read; the user's own by default.
    pub access: Access,
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GitReport {
    /// The repository's name.
    pub source: String,
    /// Where it was read.
    pub location: String,
    /// The branch.
    pub branch: String,
    /// Its tip, if it has commits.
    pub tip: Option<ObjectId>,
    /// Commits that are new.
    pub commits_added: u64,
    /// Commits that the branch no longer reaches.
    pub commits_removed: u64,
    /// Files that are new or changed at the tip.
    pub files_changed: u64,
    /// Files that are gone from the tip.
    pub files_removed: u64,
    /// Pages that are new or changed.
    pub pages_changed: u64,
    /// Pages that are gone.
    pub pages_removed: u64,
    /// Decision records at the tip.
    pub decisions: u64,
    /// Whether anything changed.
    pub changed: bool,
    /// What could not be seen.
    pub notes: Vec<String>,
}

/// Where a sync ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    version: u32,
    branch: String,
    tip: Option<String>,
    mailmap: u64,
    /// Objects that the repository did not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// Commits at the boundary of a shallow clone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shallow: Vec<String>,
    /// Notes about single commits; they stay while the commits do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
    #[serde(default)]
    unreadable_total: u64,
    /// Notes about files at the tip; they stay until the file is read again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
}

impl Cursor {
    fn tip(&self) -> Option<ObjectId> {
        self.tip.as_deref().and_then(|tip| tip.parse().ok())
    }

    /// Whether history that was out of reach is there now: a shallow clone was deepened, lost objects came back.
    fn more_is_readable(&self, repository: &GitRepository) -> bool {
        let parsed =
            |names: &[String]| names.iter().filter_map(|name| name.parse::<ObjectId>().ok()).collect::<Vec<_>>();
        parsed(&self.missing).iter().any(|id| repository.has_object(id))
            || parsed(&self.shallow).iter().any(|id| !repository.is_shallow_boundary(id) && repository.has_object(id))
    }
}

impl App {
    /// Brings a repository's records up to date: reads the commits that are new, forgets those that the branch no longer
    /// reaches, and reads the files and pages that differ at its tip. Stopped or killed, the next one goes on from there.
    ///
    /// # Errors
    /// When the repository or the store cannot be used, or `progress` says to stop.
    pub fn sync_git(&self, request: &GitRequest, progress: &dyn Progress) -> Result<GitReport, AppError> {
        let name = match &request.name {
            Some(name) => checked_name(name)?,
            None => name_of(&request.location)?,
        };
        let wait = request.wait.unwrap_or(crate::DEFAULT_WAIT);
        let cancelled = || progress.cancelled();
        self.prepare_folder();
        let mut writer = self.store.writer(&self.scope, &format!("sync git {name}"), wait, &cancelled)?;
        let (repository, location) = if is_remote(&request.location) {
            progress.phase(&format!("fetching {}", request.location), None);
            let folder = self.folder().join("clones").join(format!("{name}.git"));
            update_clone(&request.location, &folder, &request.access, &cancelled)?;
            (GitRepository::open(&folder)?, request.location.clone())
        } else {
            let repository = GitRepository::open(Path::new(&request.location))?;
            let location = repository.location();
            (repository, location.canonicalize().unwrap_or(location).display().to_string())
        };
        let branch = repository.branch(request.branch.as_deref())?;
        let source = self.git_source(writer.as_mut(), &name, &location, request, &repository)?;
        let sync = Sync { writer, repository, branch, source, location, progress };
        sync.run()
    }

    /// The source to write to: one that stands in for it where everything has to be read anew.
    fn git_source(
        &self,
        writer: &mut dyn Writer,
        name: &str,
        location: &str,
        request: &GitRequest,
        repository: &GitRepository,
    ) -> Result<Source, AppError> {
        let source = writer.source(SourceKind::Git, name, location)?;
        if source.location != location && request.name.is_none() && source.synced.is_some() {
            return Err(AppError::new(
                ErrorCode::InvalidInput,
                format!("the name `{name}` belongs to the repository at {}", source.location),
            )
            .hint(format!(
                "Give this one another name with --name, or say --name {name} if that one has moved here."
            )));
        }
        let cursor: Option<Cursor> = serde_json::from_value(source.cursor.clone()).ok();
        let anew = request.full
            || cursor.as_ref().is_some_and(|c| c.version != READER_VERSION || c.more_is_readable(repository))
            || (cursor.is_none() && !source.cursor.is_null());
        if !anew {
            return Ok(source);
        }
        // Readers go on with what there is until all of it is read; so does everybody, should that not come to an end.
        Ok(writer.shadow(source.id, &serde_json::json!({ "reader": READER_VERSION }))?)
    }
}

/// The last part of a path or URL, without `.git`.
fn name_of(location: &str) -> Result<String, AppError> {
    let resolved = if is_remote(location) {
        location.to_owned()
    } else {
        let path = Path::new(location);
        let open = GitRepository::open(path)?;
        let root = open.location();
        let root = root.canonicalize().unwrap_or(root);
        root.to_string_lossy().into_owned()
    };
    let trimmed = resolved.trim_end_matches(['/', '\\']);
    let trimmed = trimmed.strip_suffix("/.git").unwrap_or(trimmed);
    let last = trimmed.rsplit(['/', '\\', ':']).next().unwrap_or(trimmed);
    let name: String = last
        .strip_suffix(".git")
        .unwrap_or(last)
        .chars()
        .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .collect();
    checked_name(name.trim_start_matches(['.', '-']))
}

/// Source names are part of node ids, file names and commands.
pub(crate) fn checked_name(name: &str) -> Result<String, AppError> {
    let valid = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(['.', '-'])
        && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    if valid {
        return Ok(name.to_owned());
    }
    Err(AppError::new(ErrorCode::InvalidInput, format!("`{name}` cannot be the name of a source"))
        .hint("Give one with --name: letters, digits, `-`, `_` and `.`, not beginning with `.` or `-`."))
}

struct Sync<'a> {
    writer: Box<dyn Writer + 'a>,
    repository: GitRepository,
    branch: Branch,
    source: Source,
    location: String,
    progress: &'a dyn Progress,
}

impl Sync<'_> {
    fn run(mut self) -> Result<GitReport, AppError> {
        let before: Option<Cursor> = serde_json::from_value(self.source.cursor.clone()).ok();
        let old_tip = before.as_ref().and_then(Cursor::tip);
        let was_staged = self.writer.has_staged(self.source.id)?;
        let walk = self.walk()?;
        let mut unreadable = self.read_commits(&walk)?;
        let mut missing: Vec<String> = walk.unreadable.iter().map(|(id, _)| id.to_hex()).collect();
        unreadable.extend(walk.unreadable.iter().map(|(_, reason)| format!("{reason}; its ancestors are unknown")));
        missing.extend(unreadable_objects(&unreadable));
        // What was reachable stays so unless the branch was moved elsewhere, or a sync that never ended left commits.
        let moved =
            old_tip.is_some() && self.branch.tip != old_tip && !walk.met.iter().any(|met| Some(*met) == old_tip);
        let remove = if moved || was_staged { self.unreachable()? } else { Vec::new() };
        self.progress.phase("reading files and pages", None);
        let tree = self.file_tree(old_tip.filter(|_| self.source.synced.is_some()));
        let mut cursor = self.cursor(before, &walk, missing, unreadable, &remove);
        cursor.files = file_notes(cursor.files, &tree);
        self.finish(&cursor, &remove, &tree)
    }

    /// The commits that are new.
    fn walk(&mut self) -> Result<Walk, AppError> {
        self.progress.phase("listing commits", None);
        let (writer, source) = (&self.writer, self.source.id);
        let mut failed = None;
        let Some(tip) = self.branch.tip else { return Ok(Walk::default()) };
        let nothing_known = self.source.synced.is_none() && !writer.has_staged(source)?;
        let walk = self.repository.walk(&tip, &mut |id| {
            if nothing_known || failed.is_some() {
                return false;
            }
            writer.known_commit(source, id).unwrap_or_else(|error| {
                failed = Some(error);
                true
            })
        });
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(walk),
        }
    }

    /// Reads the new commits and keeps them in durable batches. Returns what could not be read.
    fn read_commits(&mut self, walk: &Walk) -> Result<Vec<String>, AppError> {
        if walk.is_empty() {
            return Ok(Vec::new());
        }
        self.progress.phase("reading commits", Some(walk.len() as u64));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut unreadable: Vec<String> = Vec::new();
        let mut waiting: Vec<Commit> = Vec::with_capacity(BATCH);
        let mut failed: Option<AppError> = None;
        let (writer, source, progress) = (&mut self.writer, self.source.id, self.progress);
        let mut stage = |commits: &mut Vec<Commit>| match writer.stage_commits(source, commits) {
            Ok(_) => {
                commits.clear();
                Ok(())
            }
            Err(error) => Err(AppError::from(error)),
        };
        self.repository.read_commits(walk, threads, &mut |batch: CommitBatch| {
            unreadable.extend(
                batch
                    .unreadable
                    .into_iter()
                    .map(|problem| format!("{} in commit {}", problem.reason, problem.commit.short())),
            );
            // Told as they are read, not as they are stored: a batch in the store takes seconds to fill.
            progress.advance(batch.commits.len() as u64);
            waiting.extend(batch.commits);
            if progress.cancelled() {
                failed = Some(AppError::cancelled());
            } else if waiting.len() >= BATCH
                && let Err(error) = stage(&mut waiting)
            {
                failed = Some(error);
            }
            if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        // What was read in full is kept even when the sync stops here.
        if !waiting.is_empty() && failed.as_ref().is_none_or(|error| error.code == ErrorCode::Cancelled) {
            stage(&mut waiting)?;
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(unreadable),
        }
    }

    /// Known commits that the branch's tip does not reach. Linear in the number of all commits.
    fn unreachable(&self) -> Result<Vec<ObjectId>, AppError> {
        let graph = self.writer.commit_graph(self.source.id)?;
        let index: FxHashMap<ObjectId, usize> = graph.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
        let mut reached: FxHashSet<ObjectId> = FxHashSet::default();
        let mut pending: Vec<ObjectId> = self.branch.tip.into_iter().collect();
        while let Some(id) = pending.pop() {
            if let Some(&at) = index.get(&id)
                && reached.insert(id)
            {
                pending.extend(&graph[at].1);
            }
        }
        Ok(graph.into_iter().map(|(id, _)| id).filter(|id| !reached.contains(id)).collect())
    }

    fn file_tree(&self, old_tip: Option<ObjectId>) -> FileTree {
        let Some(tip) = self.branch.tip else { return FileTree { complete: true, ..FileTree::default() } };
        if old_tip == Some(tip) {
            return FileTree::default();
        }
        // An old tip that is gone (a rewritten branch after `git gc`) cannot be compared with.
        let old_tip = old_tip.filter(|old| self.repository.has_object(old));
        let selection = if old_tip.is_some() { TreeSelection::Changed } else { TreeSelection::All };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        self.repository.file_tree(old_tip.as_ref(), &tip, selection, threads)
    }

    fn cursor(
        &self,
        before: Option<Cursor>,
        walk: &Walk,
        missing: Vec<String>,
        unreadable: Vec<String>,
        removed: &[ObjectId],
    ) -> Cursor {
        let mailmap = self.branch.tip.map(|tip| self.repository.mailmap(&tip).fingerprint());
        let mut cursor = before.unwrap_or(Cursor {
            version: READER_VERSION,
            branch: String::new(),
            tip: None,
            mailmap: 0,
            missing: Vec::new(),
            shallow: Vec::new(),
            unreadable: Vec::new(),
            unreadable_total: 0,
            files: Vec::new(),
        });
        cursor.branch.clone_from(&self.branch.name);
        cursor.tip = self.branch.tip.map(|tip| tip.to_hex());
        cursor.mailmap = mailmap.unwrap_or_default();
        cursor.missing.extend(missing);
        cursor.missing.sort_unstable();
        cursor.missing.dedup();
        cursor.missing.truncate(REMEMBERED_OBJECTS);
        cursor.shallow.extend(walk.shallow.iter().map(ObjectId::to_hex));
        cursor.shallow.retain(|id| !removed.iter().any(|gone| gone.to_hex() == *id));
        cursor.shallow.sort_unstable();
        cursor.shallow.dedup();
        // A problem of a commit that is gone is none any more.
        let gone = |note: &String| removed.iter().any(|id| note.ends_with(&format!("in commit {}", id.short())));
        let forgotten = cursor.unreadable.iter().filter(|note| gone(note)).count() as u64;
        cursor.unreadable.retain(|note| !gone(note));
        let fresh: Vec<String> = unreadable.into_iter().filter(|note| !cursor.unreadable.contains(note)).collect();
        cursor.unreadable_total = cursor.unreadable_total.saturating_sub(forgotten) + fresh.len() as u64;
        cursor.unreadable.extend(fresh);
        cursor.unreadable.truncate(REMEMBERED_OBJECTS);
        cursor
    }

    fn notes(&self, cursor: &Cursor) -> Vec<String> {
        let mut notes: Vec<String> = self.branch.note.iter().cloned().collect();
        if !cursor.shallow.is_empty() {
            let commits = if cursor.shallow.len() == 1 { "commit" } else { "commits" };
            notes.push(format!(
                "this is a shallow clone: the history before {} {commits} is not here, nor what those changed; \
                 `git fetch --unshallow` brings it",
                cursor.shallow.len()
            ));
        }
        notes.extend(cursor.unreadable.iter().take(NAMED_OBJECTS).cloned());
        let unnamed = cursor.unreadable_total.saturating_sub(NAMED_OBJECTS as u64);
        if unnamed > 0 {
            notes.push(format!("{unnamed} more objects could not be read; `git fsck` lists them"));
        }
        notes.extend(cursor.files.iter().take(NAMED_OBJECTS).cloned());
        if cursor.files.len() > NAMED_OBJECTS {
            notes.push(format!("{} more files could not be read", cursor.files.len() - NAMED_OBJECTS));
        }
        notes
    }

    fn finish(mut self, cursor: &Cursor, remove: &[ObjectId], tree: &FileTree) -> Result<GitReport, AppError> {
        let old: Option<Cursor> = serde_json::from_value(self.source.cursor.clone()).ok();
        let notes = self.notes(cursor);
        let known = self.writer.decisions(self.source.id)?;
        let records = decisions_after(known, tree);
        let mailmap = self.branch.tip.map(|tip| self.repository.mailmap(&tip));
        let cursor_value = serde_json::to_value(cursor)
            .map_err(|error| AppError::new(ErrorCode::Internal, format!("the cursor cannot be written: {error}")))?;
        self.progress.phase("storing", None);
        let outcome: Outcome = self.writer.finish_git(
            self.source.id,
            GitFinish {
                location: &self.location,
                cursor: &cursor_value,
                synced: now(),
                notes: &notes,
                remove,
                files: FileChanges { replace_all: tree.complete, removed: &tree.removed, upserted: &tree.files },
                pages: PageChanges { replace_all: tree.complete, removed: &tree.removed, upserted: &tree.pages },
                decisions: Some(&records),
                canonical: &|identity| mailmap.as_ref().map_or_else(|| identity.clone(), |map| map.resolve(identity)),
                mailmap_changed: old.is_none_or(|old| old.mailmap != cursor.mailmap),
            },
        )?;
        Ok(GitReport {
            source: self.source.name,
            location: self.location,
            branch: self.branch.name,
            tip: self.branch.tip,
            commits_added: outcome.commits_added,
            commits_removed: outcome.commits_removed,
            files_changed: outcome.files_upserted,
            files_removed: outcome.files_removed,
            pages_changed: outcome.pages_upserted,
            pages_removed: outcome.pages_removed,
            decisions: records.len() as u64,
            changed: outcome.changed,
            notes,
        })
    }
}

/// Object names in `object NAME is missing …`.
fn unreadable_objects(notes: &[String]) -> impl Iterator<Item = String> {
    notes.iter().filter_map(|note| {
        let name = note.strip_prefix("object ")?.split(' ').next()?;
        note.contains(" is missing").then(|| name.to_owned())
    })
}

/// Notes about files after some of them were read again. A note begins with its file's path.
fn file_notes(known: Vec<String>, tree: &FileTree) -> Vec<String> {
    let touched: FxHashSet<&str> =
        tree.removed.iter().map(String::as_str).chain(tree.files.iter().map(|file| file.path.as_str())).collect();
    let about = |note: &str| note.split_once(": ").is_some_and(|(path, _)| touched.contains(path));
    let mut notes: Vec<String> =
        known.into_iter().filter(|note| !tree.complete && !about(note) && !tree.notes.contains(note)).collect();
    notes.extend(tree.notes.iter().cloned());
    notes.truncate(REMEMBERED_OBJECTS);
    notes
}

/// The decision records of a source after some of its pages changed, in the order of their paths.
fn decisions_after(known: Vec<Decision>, tree: &FileTree) -> Vec<Decision> {
    let touched: FxHashSet<&str> =
        tree.removed.iter().map(String::as_str).chain(tree.files.iter().map(|file| file.path.as_str())).collect();
    let mut records: Vec<Decision> =
        known.into_iter().filter(|record| !tree.complete && !touched.contains(record.path.as_str())).collect();
    records.extend(detect_all(&tree.pages));
    records.sort_by(|a, b| a.path.cmp(&b.path));
    records
}

pub(super) fn detect_all(pages: &[Page]) -> impl Iterator<Item = Decision> {
    pages.iter().filter_map(decisions::detect)
}
