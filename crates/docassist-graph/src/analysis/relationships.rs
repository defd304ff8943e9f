//! The whole story of a ticket, a developer, a file, a repository.

mod developer;
mod repository;
mod search;
mod ticket;

use docassist_model::Timestamp;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::Totals;
use docassist_model::findings::relationships::FileRelations;

use super::cut;
use crate::graph::{FileId, Graph};

/// Said wherever pull requests would be listed.
const NO_PULL_REQUESTS: &str = "pull requests are not known: no forge is synced";

impl Graph {
    /// The whole story of a file. Linear in its history.
    #[must_use]
    pub fn relations_of_file(&self, file: FileId, as_of: Timestamp, limit: usize) -> Answer<FileRelations> {
        let repo = self.files.repo[file.at()];
        let history = self.history(file, self.horizon(as_of));
        let commits = history.commits(self);
        let mut notes = self.source_notes(Some(repo));
        self.tip_notes(as_of, &mut notes);
        let mut totals = Totals::new();
        let body = FileRelations {
            path: self.path(file).to_owned(),
            repo: self.repo_of_name(repo),
            kind: self.files.kind[file.at()],
            exists: self.files.exists[file.at()],
            commits: {
                totals.insert("commits", commits.len() as u64);
                commits.iter().rev().take(limit).map(|&commit| self.commit_line(commit)).collect()
            },
            developers: cut("developers", self.people_shares(self.lines_of(&history)), limit, &mut totals),
            tickets: cut("tickets", self.ticket_counts(commits.iter().copied(), as_of), limit, &mut totals),
            first: commits.first().map(|&commit| self.commit_line(commit)),
            last: commits.last().map(|&commit| self.commit_line(commit)),
            renamed_from: history.earlier.iter().map(|&name| self.path(name).to_owned()).collect(),
            totals,
        };
        self.answer(as_of, notes, body)
    }
}
