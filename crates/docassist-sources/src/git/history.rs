//! Reading many commits on all cores, in order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

use docassist_model::{ChangeStatus, Commit, FileChange, ObjectId};

use super::lines::{LineCounts, count_changed_lines, is_binary, line_count};
use super::message::{credits, parse_commit};
use super::myers::Differ;
use super::object_reader::{BIG_FILE_BYTES, ObjectReader, Unreadable};
use super::tree_diff::{Side, TreeChange, tree_diff};
use super::{model_id, path_text, renames};

/// Commits that one thread reads in a row: enough that neighbours share its caches, few enough that the threads end
/// together.
const CHUNK: usize = 256;
/// Chunks per thread that may wait for their turn, which bounds the memory of a slow consumer.
const CHUNKS_AHEAD: usize = 4;

/// A run of commits in the order asked for, and what could not be seen of them.
pub struct CommitBatch {
    /// The commits.
    pub commits: Vec<Commit>,
    /// Objects that were missing or damaged: what, and in which commit.
    pub unreadable: Vec<UnreadableObject>,
}

/// An object that could not be read while its commit was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableObject {
    /// The commit.
    pub commit: ObjectId,
    /// The reason, with the object's name.
    pub reason: String,
}

/// Reads the commits `ids` on `threads` threads and hands them to `consume` in their order, until it breaks.
pub(super) fn read_commits(
    repository: &gix::ThreadSafeRepository,
    ids: &[gix::ObjectId],
    shallow: &[gix::ObjectId],
    threads: usize,
    consume: &mut dyn FnMut(CommitBatch) -> ControlFlow<()>,
) {
    let chunks: Vec<&[gix::ObjectId]> = ids.chunks(CHUNK).collect();
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let turn = Turn::default();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(chunks.len()).max(1) {
            let sender = sender.clone();
            let (chunks, next, stopped, turn) = (&chunks, &next, &stopped, &turn);
            scope.spawn(move || {
                let mut reader = CommitReader::new(repository, shallow);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(chunk) = chunks.get(index) else { return };
                    turn.wait_until(index.saturating_sub(CHUNKS_AHEAD * threads), stopped);
                    let batch = reader.batch(chunk, stopped);
                    if stopped.load(Ordering::Relaxed) || sender.send((index, batch)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        for (index, batch) in receiver {
            waiting.insert(index, batch);
            while let Some(batch) = waiting.remove(&due) {
                due += 1;
                turn.advance(due);
                if consume(batch).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                    turn.advance(usize::MAX);
                    return;
                }
            }
        }
    });
}

/// How many chunks have been consumed; readers that are too far ahead wait for it.
#[derive(Default)]
struct Turn {
    consumed: Mutex<usize>,
    moved: Condvar,
}

impl Turn {
    fn wait_until(&self, least: usize, stopped: &AtomicBool) {
        let mut consumed = self.consumed.lock().unwrap_or_else(PoisonError::into_inner);
        while *consumed < least && !stopped.load(Ordering::Relaxed) {
            consumed = self.moved.wait(consumed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn advance(&self, to: usize) {
        *self.consumed.lock().unwrap_or_else(PoisonError::into_inner) = to;
        self.moved.notify_all();
    }
}

struct CommitReader<'a> {
    reader: ObjectReader,
    shallow: &'a [gix::ObjectId],
    changes: Vec<TreeChange>,
    differ: Differ,
}

impl<'a> CommitReader<'a> {
    fn new(repository: &gix::ThreadSafeRepository, shallow: &'a [gix::ObjectId]) -> Self {
        Self { reader: ObjectReader::new(repository), shallow, changes: Vec::new(), differ: Differ::default() }
    }

    /// Reads a chunk from its newest commit to its oldest, the direction in which packs chain their deltas.
    fn batch(&mut self, ids: &[gix::ObjectId], stopped: &AtomicBool) -> CommitBatch {
        let mut batch = CommitBatch { commits: Vec::with_capacity(ids.len()), unreadable: Vec::new() };
        for id in ids.iter().rev() {
            if stopped.load(Ordering::Relaxed) {
                break;
            }
            if let Some(commit) = self.commit(id, &mut batch.unreadable) {
                batch.commits.push(commit);
            }
        }
        batch.commits.reverse();
        batch
    }

    /// Reads a commit with its changes against its only parent. Merges have none. A root is compared with nothing; a
    /// commit whose parent the repository does not have is not compared at all, since every file would look new.
    fn commit(&mut self, id: &gix::oid, unreadable: &mut Vec<UnreadableObject>) -> Option<Commit> {
        let commit_id = model_id(id);
        let mut note = |error: &Unreadable| {
            unreadable.push(UnreadableObject { commit: commit_id, reason: error.to_string() });
        };
        let raw = match self.reader.commit(id) {
            Ok(raw) => parse_commit(raw),
            Err(error) => {
                note(&error);
                return None;
            }
        };
        let mut changes = Vec::new();
        if raw.parents.len() <= 1 && !self.shallow.iter().any(|boundary| boundary.as_ref() == id) {
            let old =
                match raw.parents.first().map(|parent| self.reader.commit(parent).map(|raw| parse_commit(raw).tree)) {
                    None => Ok(None),
                    Some(Ok(tree)) => Ok(tree),
                    Some(Err(error)) => Err(error),
                };
            match (old, raw.tree) {
                (Ok(old), Some(new)) => changes = self.changes(old, new, &mut note),
                (Err(error), _) => note(&error),
                (Ok(_), None) => {}
            }
        }
        Some(Commit {
            id: commit_id,
            parents: raw.parents.iter().map(|parent| model_id(parent)).collect(),
            author: raw.author.identity(),
            committer: raw.committer.identity(),
            authored: raw.author.time,
            time: raw.committer.time,
            credits: credits(&raw.message),
            message: raw.message,
            changes,
        })
    }

    fn changes(
        &mut self,
        old: Option<gix::ObjectId>,
        new: gix::ObjectId,
        note: &mut dyn FnMut(&Unreadable),
    ) -> Vec<FileChange> {
        let mut changes = std::mem::take(&mut self.changes);
        changes.clear();
        tree_diff(&mut self.reader, old, Some(new), &mut changes, &mut |error| note(&error));
        let renames = renames::detect(&mut self.reader, &changes);
        let mut files = Vec::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            if renames.moved_away[index] {
                continue;
            }
            let source = renames.from[index].map(|from| &changes[from]);
            let old = source.map_or(change.old, |source| source.old);
            let status = match (old, change.new) {
                _ if source.is_some() => ChangeStatus::Renamed,
                (Some(old), Some(new)) if !old.mode.same_type(new.mode) => ChangeStatus::TypeChanged,
                (Some(_), Some(_)) => ChangeStatus::Modified,
                (None, _) => ChangeStatus::Added,
                (Some(_), None) => ChangeStatus::Deleted,
            };
            let lines = self.lines(old, change.new).unwrap_or_else(|error| {
                note(&error);
                Lines::Counted(LineCounts::default())
            });
            let (counts, binary) = match lines {
                Lines::Counted(counts) => (counts, false),
                Lines::Binary => (LineCounts::default(), true),
            };
            files.push(FileChange {
                path: path_text(&change.path),
                from: source.map(|source| path_text(&source.path)),
                status,
                additions: counts.additions,
                deletions: counts.deletions,
                binary,
            });
        }
        self.changes = changes;
        files
    }

    fn lines(&mut self, old: Option<Side>, new: Option<Side>) -> Result<Lines, Unreadable> {
        let mut read = |side: Option<Side>| match side {
            None => Ok(Some(Content::Empty)),
            // Git shows a submodule as a text of one line.
            Some(side) if side.mode.is_submodule() => {
                Ok(Some(Content::Submodule(format!("Subproject commit {}\n", side.id))))
            }
            Some(side) if self.reader.size(&side.id)? > BIG_FILE_BYTES => Ok(None),
            Some(side) => self.reader.blob(&side.id).map(|content| Some(Content::Blob(content))),
        };
        let (Some(old), Some(new)) = (read(old)?, read(new)?) else { return Ok(Lines::Binary) };
        let (old, new) = (old.bytes(), new.bytes());
        if is_binary(old) || is_binary(new) {
            return Ok(Lines::Binary);
        }
        if old == new {
            return Ok(Lines::Counted(LineCounts::default()));
        }
        Ok(Lines::Counted(match (old.is_empty(), new.is_empty()) {
            (true, _) => LineCounts { additions: line_count(new), deletions: 0 },
            (_, true) => LineCounts { additions: 0, deletions: line_count(old) },
            _ => count_changed_lines(&mut self.differ, old, new),
        }))
    }
}

enum Lines {
    Counted(LineCounts),
    Binary,
}

enum Content {
    Empty,
    Submodule(String),
    Blob(std::sync::Arc<[u8]>),
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Submodule(text) => text.as_bytes(),
            Self::Blob(content) => content,
        }
    }
}
