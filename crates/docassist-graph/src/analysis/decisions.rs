//! Decision records.

use docassist_model::Timestamp;
use docassist_model::findings::relationships::{DecisionDetail, DecisionLine, Decisions};
use docassist_model::findings::{Answer, Counts};

use super::{InvalidCursor, PageRequest, page};
use crate::graph::{CommitId, DecisionId, Graph};

impl Graph {
    pub(super) fn decision_line(&self, id: DecisionId) -> DecisionLine {
        let info = &self.decisions[id.at()];
        let ids = |ids: &[DecisionId]| ids.iter().map(|id| self.decisions[id.at()].id.clone()).collect();
        DecisionLine {
            id: info.id.clone(),
            number: info.record.number,
            title: info.record.title.clone(),
            status: info.record.status,
            status_text: info.record.status_text.clone(),
            date: info.record.date.clone(),
            source: self.sources[info.source as usize].name.clone(),
            path: info.record.path.clone(),
            supersedes: ids(&info.supersedes),
            superseded_by: ids(&info.superseded_by),
            tickets: info.keys.iter().map(|key| self.key(*key).to_owned()).collect(),
            commits: info.commits.iter().map(|&commit| self.commit_line(commit)).collect(),
        }
    }

    /// All decision records, in the order of their ids.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn decisions(&self, as_of: Timestamp, request: &PageRequest) -> Result<Answer<Decisions>, InvalidCursor> {
        let ids: Vec<DecisionId> = (0..self.decisions.len() as u32).map(DecisionId).collect();
        let mut by_status: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
        for decision in &self.decisions {
            *by_status.entry(decision.record.status.as_str()).or_default() += 1;
        }
        let page = page("decisions", &ids, request, |&id| self.decision_line(id))?;
        let mut notes = self.source_notes(None);
        self.tip_notes(as_of, &mut notes);
        let by_status = Counts::new(by_status.into_iter().map(|(name, count)| (name.to_owned(), count)).collect());
        Ok(self.answer(as_of, notes, Decisions { page, by_status }))
    }

    /// One decision record, with the history of its page.
    #[must_use]
    pub fn decision(&self, id: DecisionId, as_of: Timestamp) -> Answer<DecisionDetail> {
        let info = &self.decisions[id.at()];
        let horizon = self.horizon(as_of);
        let history: Vec<CommitId> =
            info.file.map(|file| self.history(file, horizon).commits(self)).unwrap_or_default();
        let commits = |key: crate::graph::KeyId| Self::until(self.key_commits.row(key.0), horizon).len() as u64;
        let body = DecisionDetail {
            decision: self.decision_line(id),
            history: history.iter().rev().map(|&commit| self.commit_line(commit)).collect(),
            tickets: info.keys.iter().map(|&key| self.ticket_count_of(key, commits(key), as_of)).collect(),
        };
        let mut notes = self.source_notes(None);
        self.tip_notes(as_of, &mut notes);
        self.answer(as_of, notes, body)
    }
}
