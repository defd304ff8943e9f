//! What a file, a ticket, a commit or a diff touches.

mod change;
mod file;
mod ticket;

pub use change::DiffRequest;
pub(in crate::analysis) use ticket::{FileSum, area};

use docassist_model::Timestamp;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::{Reviewers, Totals};

use super::history::History;
use crate::graph::{FileId, Graph, PersonId};

/// Said wherever a list is empty because nothing can fill it yet.
const NO_DEPENDENTS: &str = "dependents are not known: code is not analysed";
/// Said of the impact of a ticket: the graph holds no texts to compare. Whoever has a search index adds them and takes it away.
pub const NO_SIMILAR: &str = "similar tickets are not known: there is no search index; `docassist index` builds it";

impl Graph {
    /// Who should review a change by `author` to some files.
    #[must_use]
    pub fn reviewers(
        &self,
        files: &[FileId],
        author: &[PersonId],
        as_of: Timestamp,
        limit: usize,
    ) -> Answer<Reviewers> {
        let horizon = self.horizon(as_of);
        let histories: Vec<(FileId, History)> = files.iter().map(|&file| (file, self.history(file, horizon))).collect();
        let with: Vec<(FileId, &History)> = histories.iter().map(|(file, history)| (*file, history)).collect();
        let suggestion = self.suggest_reviewers(&with, author, None, horizon, as_of);
        let repo = files.first().map(|file| self.files.repo[file.at()]);
        let mut notes = self.source_notes(repo);
        notes.extend(suggestion.note.clone());
        let mut totals = Totals::new();
        let body = Reviewers {
            paths: files.iter().map(|&file| self.path(file).to_owned()).collect(),
            repo: repo.map(|repo| self.repo_of_name(repo)).unwrap_or_default(),
            author: author.first().map(|&person| self.display_person(person)),
            reviewers: suggestion.cut(limit, &mut totals),
            totals,
        };
        self.answer(as_of, notes, body)
    }
}
