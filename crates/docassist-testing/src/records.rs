//! A generated organisation as records.
//!
//! ```
//! use docassist_testing::records::{History, Shape, tickets};
//!
//! let shape = Shape::small(100);
//! let mut history = History::new(&shape);
//! assert_eq!(history.by_ref().count(), 100);
//! assert!(!history.tip().is_empty());
//! assert_eq!(tickets(&shape).count(), shape.tickets as usize);
//! ```

mod pages;

use docassist_model::file_kind::classify_path;
use docassist_model::{Commit, Credit, Decision, FileChange, FileEntry, ObjectId, Page, Ticket, Timestamp};

use crate::backlog::Backlog;
use crate::history::{Plan, Step};
use crate::random::mix;

pub use crate::shape::Shape;

/// The commits of a generated repository, parents before children. [`History::tip`] and its like are those of the
/// commits so far.
#[derive(Debug)]
pub struct History {
    plan: Plan,
    step: u32,
}

impl History {
    /// The history of that shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Self {
        Self { plan: Plan::new(shape), step: 0 }
    }

    /// The files at the tip, by path.
    #[must_use]
    pub fn tip(&self) -> Vec<FileEntry> {
        let tree = &self.plan.tree;
        let entry = |file: &crate::history::File| {
            let path = tree.path(file.path).to_owned();
            FileEntry { kind: classify_path(&path), path, size: 36 * u64::from(file.lines) + 2 }
        };
        let mut files: Vec<FileEntry> = tree.living().map(entry).collect();
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// The pages at the tip: its Markdown files, with headings, and mentions of files (some of them gone) and tickets.
    #[must_use]
    pub fn pages(&self) -> Vec<Page> {
        pages::pages(&self.plan)
    }

    /// The decision records among the pages, some about tickets, some replaced by later ones.
    #[must_use]
    pub fn decisions(&self) -> Vec<Decision> {
        pages::decisions(&self.plan)
    }

    fn record(&self, number: u32, step: Step) -> Commit {
        let seed = self.plan.shape.seed;
        let tree = &self.plan.tree;
        let mut message = step.message;
        if let Some(earlier) = step.reverts {
            message.push_str("\n\nThis reverts commit ");
            message.push_str(&commit_id(seed, earlier).to_hex());
            message.push('.');
        }
        Commit {
            id: commit_id(seed, number),
            parents: step.parents.into_iter().map(|parent| commit_id(seed, parent)).collect(),
            committer: step.committer.unwrap_or_else(|| step.author.clone()),
            author: step.author,
            authored: Timestamp::from_unix(step.authored),
            time: Timestamp::from_unix(step.time),
            message,
            credits: step.credits.into_iter().map(|(role, identity)| Credit { role, identity }).collect(),
            changes: step
                .changes
                .iter()
                .map(|change| FileChange {
                    path: tree.path(change.path).to_owned(),
                    from: change.from.map(|from| tree.path(from).to_owned()),
                    status: change.status,
                    additions: change.additions,
                    deletions: change.deletions,
                    binary: change.binary,
                })
                .collect(),
        }
    }
}

impl Iterator for History {
    type Item = Commit;

    fn next(&mut self) -> Option<Commit> {
        let step = self.plan.next()?;
        self.step += 1;
        Some(self.record(self.step - 1, step))
    }
}

/// The tickets of that shape, oldest first.
pub fn tickets(shape: &Shape) -> impl Iterator<Item = Ticket> + use<> {
    let backlog = Backlog::new(shape);
    (0..backlog.len()).map(move |index| backlog.ticket(index))
}

/// The object name of a commit: as spread as real ones are.
fn commit_id(seed: u64, number: u32) -> ObjectId {
    let mut bytes = [0; 24];
    for (round, part) in bytes.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&mix(seed.rotate_left(40) ^ mix(u64::from(number) << 2 | round as u64)).to_be_bytes());
    }
    ObjectId::from_bytes(&bytes[..20]).expect("20 bytes are an object name")
}

#[cfg(test)]
mod tests;
