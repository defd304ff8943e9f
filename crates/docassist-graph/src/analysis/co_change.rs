//! Files that change together.

use docassist_model::findings::impact::{CoChange, Totals};
use rustc_hash::FxHashMap;

use super::history::History;
use crate::graph::{CommitId, FileId, Graph};

/// Commits of more files are sweeps: they say nothing about which files belong together.
pub(super) const MAX_FILES: usize = 50;

/// What changed together with a file.
pub(super) struct Partners {
    /// Other files with the number of commits that touch both, most first.
    pub(super) files: Vec<(FileId, u64)>,
    /// Commits that touch the file, of those that count.
    pub(super) commits: u64,
    /// Commits that were too large to count.
    pub(super) left_out: u64,
}

impl Graph {
    /// Counts the files that the commits of a history touch besides the file itself, under any of its names.
    pub(super) fn partners(&self, file: FileId, history: &History) -> Partners {
        let mut together: FxHashMap<FileId, u64> = FxHashMap::default();
        let (mut commits, mut left_out) = (0, 0);
        for commit in history.commits(self) {
            let changes = self.changes.row(commit.0);
            if changes.len() > MAX_FILES {
                left_out += 1;
                continue;
            }
            commits += 1;
            for change in changes {
                *together.entry(change.file).or_default() += 1;
            }
        }
        together.remove(&file);
        for name in &history.earlier {
            together.remove(name);
        }
        let mut files: Vec<(FileId, u64)> = together.into_iter().collect();
        files.sort_unstable_by_key(|(other, count)| (std::cmp::Reverse(*count), *other));
        Partners { files, commits, left_out }
    }

    /// The first `limit` of the files that changed together, to be shown.
    pub(super) fn co_changes(&self, partners: &Partners, limit: usize, totals: &mut Totals) -> Vec<CoChange> {
        totals.insert("co_changed", partners.files.len() as u64);
        let shown = partners.files.iter().take(limit);
        shown
            .map(|&(file, together)| CoChange {
                path: self.path(file).to_owned(),
                together,
                confidence: ratio(together, partners.commits),
            })
            .collect()
    }

    /// Says what co-change leaves out, if anything.
    pub(super) fn co_change_note(left_out: u64) -> Option<String> {
        let commits = if left_out == 1 { "commit" } else { "commits" };
        (left_out > 0).then(|| format!("co-change leaves out {left_out} {commits} of more than {MAX_FILES} files"))
    }

    /// How many of the latest of a path's own commits are looked at for files that usually come along.
    pub(super) fn recent_commits(&self, file: FileId, horizon: CommitId, most: usize) -> Vec<CommitId> {
        let mut commits: Vec<CommitId> = Vec::new();
        for &at in self.file_changes.row(file.0).iter().rev() {
            let commit = self.change_commit[at as usize];
            if commit < horizon && commits.last() != Some(&commit) {
                commits.push(commit);
                if commits.len() == most {
                    break;
                }
            }
        }
        commits
    }
}

/// `part ÷ whole`, rounded to four places; 0 of nothing.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}
