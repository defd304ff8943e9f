//! A file's history through its renames.

use rustc_hash::FxHashMap;

use crate::graph::{CommitId, FileId, Graph};
use docassist_model::ChangeStatus;

/// The changes that made a file what it is.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Indexes of changes, oldest first.
    pub(super) changes: Vec<u32>,
    /// Earlier names, the latest first.
    pub(super) earlier: Vec<FileId>,
}

impl History {
    /// The commits of the history, oldest first, each once.
    pub(super) fn commits(&self, graph: &Graph) -> Vec<CommitId> {
        let mut commits: Vec<CommitId> = self.changes.iter().map(|&at| graph.change_commit[at as usize]).collect();
        commits.dedup();
        commits
    }
}

impl Graph {
    /// All changes at a file's path up to `horizon`; and for each that moved it there, the changes at the earlier path
    /// before that move, and the edits there after it until the path is used anew: those come from a line of development
    /// that did not know of the move. Linear in the number of changes of all names.
    pub(super) fn history(&self, file: FileId, horizon: CommitId) -> History {
        // For each name, up to where its changes are taken: a later bound includes an earlier one.
        let mut taken: FxHashMap<FileId, usize> = FxHashMap::default();
        let mut pending = vec![(file, self.changes_before(file, horizon))];
        let mut changes: Vec<u32> = Vec::new();
        let mut moves: Vec<(CommitId, FileId)> = Vec::new();
        while let Some((name, to)) = pending.pop() {
            let from = taken.get(&name).copied().unwrap_or(0);
            if to <= from {
                continue;
            }
            taken.insert(name, to);
            for &at in &self.file_changes.row(name.0)[from..to] {
                changes.push(at);
                if let Some(earlier) = self.change(at).from {
                    let commit = self.change_commit[at as usize];
                    moves.push((commit, earlier));
                    pending.push((earlier, self.changes_of_earlier_name(earlier, commit, horizon)));
                }
            }
        }
        changes.sort_unstable();
        moves.sort_unstable_by(|a, b| b.cmp(a));
        let mut earlier: Vec<FileId> = Vec::new();
        for (_, name) in moves {
            if name != file && !earlier.contains(&name) {
                earlier.push(name);
            }
        }
        History { changes, earlier }
    }

    /// How many of a path's changes lie before a commit.
    fn changes_before(&self, file: FileId, commit: CommitId) -> usize {
        self.file_changes.row(file.0).partition_point(|&at| self.change_commit[at as usize] < commit)
    }

    /// How many of a path's changes belong to what was moved away from it in `moved`.
    fn changes_of_earlier_name(&self, file: FileId, moved: CommitId, horizon: CommitId) -> usize {
        let all = &self.file_changes.row(file.0)[..self.changes_before(file, horizon)];
        let mut to = self.changes_before(file, moved);
        // The moving commit may use the path anew itself.
        while let Some(&at) = all.get(to) {
            if matches!(self.change(at).status, ChangeStatus::Added | ChangeStatus::Renamed) {
                break;
            }
            to += 1;
        }
        to
    }
}
