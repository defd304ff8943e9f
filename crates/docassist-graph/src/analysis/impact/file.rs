//! The impact of a file.

use docassist_model::findings::Answer;
use docassist_model::findings::impact::{DocumentMention, FileImpact, Risk, Totals};
use docassist_model::{FileKind, Timestamp, file_kind};

use super::NO_DEPENDENTS;
use crate::analysis::co_change::{Partners, ratio};
use crate::analysis::cut;
use crate::analysis::history::History;
use crate::analysis::risk::{RECENT_DAYS, RiskBuilder, log_share, recent_since};
use crate::graph::{CommitId, FileId, Graph, PersonId};

/// Partners with at least this confidence, and so many common commits, are coupled.
const COUPLED_CONFIDENCE: f64 = 0.5;
const COUPLED_COMMITS: u64 = 3;

impl Graph {
    /// What a file touches. Linear in the changes of its history and of their commits, and in the latest commits of its
    /// folder.
    #[must_use]
    pub fn impact_of_file(&self, file: FileId, as_of: Timestamp, limit: usize) -> Answer<FileImpact> {
        let horizon = self.horizon(as_of);
        let repo = self.files.repo[file.at()];
        let history = self.history(file, horizon);
        let commits = history.commits(self);
        let partners = self.partners(file, &history);
        let suggestion = self.suggest_reviewers(&[(file, &history)], &[], None, horizon, as_of);
        let mut notes = self.source_notes(Some(repo));
        notes.push(NO_DEPENDENTS.to_owned());
        notes.extend(Self::co_change_note(partners.left_out));
        notes.extend(suggestion.note.clone());
        self.tip_notes(as_of, &mut notes);
        let risk = self.file_risk(file, &history, &commits, &partners, horizon, as_of);
        let mut totals = Totals::new();
        let body = FileImpact {
            path: self.path(file).to_owned(),
            repo: self.repo_of_name(repo),
            kind: self.files.kind[file.at()],
            exists: self.files.exists[file.at()],
            renamed_from: history.earlier.iter().map(|&name| self.path(name).to_owned()).collect(),
            commits: commits.len() as u64,
            first: commits.first().map(|&commit| self.commit_line(commit)),
            last: commits.last().map(|&commit| self.commit_line(commit)),
            tickets: cut("tickets", self.ticket_counts(commits.iter().copied(), as_of), limit, &mut totals),
            people: cut("people", self.people_shares(self.lines_of(&history)), limit, &mut totals),
            co_changed: self.co_changes(&partners, limit, &mut totals),
            dependents: Vec::new(),
            documents: cut("documents", self.documents(&[file]), limit, &mut totals),
            reviewers: suggestion.cut(limit, &mut totals),
            risk,
            totals,
        };
        self.answer(as_of, notes, body)
    }

    /// Commit and lines of each change of a history.
    pub(in crate::analysis) fn lines_of<'a>(
        &'a self,
        history: &'a History,
    ) -> impl Iterator<Item = (CommitId, u64)> + 'a {
        history.changes.iter().map(|&at| {
            let change = self.change(at);
            (self.change_commit[at as usize], u64::from(change.additions) + u64::from(change.deletions))
        })
    }

    /// Places in pages that name files.
    pub(in crate::analysis) fn documents(&self, files: &[FileId]) -> Vec<DocumentMention> {
        let mut found: Vec<(crate::graph::PageId, u32, FileId)> = files
            .iter()
            .flat_map(|&file| self.file_pages.row(file.0).iter().map(move |&(page, line)| (page, line, file)))
            .collect();
        found.sort_unstable();
        let mention = |(page, line, file): (crate::graph::PageId, u32, FileId)| DocumentMention {
            page: self.page_name(page),
            line,
            path: self.path(file).to_owned(),
        };
        found.into_iter().map(mention).collect()
    }

    /// The risk of changing a file: recent churn up to 25 points, defects up to 20, ownership up to 20, coupling up to 15,
    /// kind up to 15, size of its history up to 5.
    fn file_risk(
        &self,
        file: FileId,
        history: &History,
        commits: &[CommitId],
        partners: &Partners,
        horizon: CommitId,
        as_of: Timestamp,
    ) -> Risk {
        let mut risk = RiskBuilder::default();
        let recent = commits.iter().filter(|&&commit| self.time(commit) > recent_since(as_of)).count() as u64;
        risk.add("churn", log_share(recent, 31), 25.0, || {
            format!("{recent} of its {} commits are of the last {RECENT_DAYS} days", commits.len())
        });
        let defects = commits
            .iter()
            .filter(|commit| {
                let keys = self.commit_keys.row(commit.0);
                keys.iter().any(|key| self.ticket(*key).is_some_and(|ticket| ticket.defect))
            })
            .count() as u64;
        // Two commits of which both were fixes say less than twenty of forty.
        let defect_share = ratio(defects, commits.len() as u64) * log_share(defects, 7).min(1.0);
        risk.add("defects", defect_share * 2.0, 20.0, || {
            format!("{defects} of its {} commits refer to a bug", commits.len())
        });
        self.ownership_risk(&mut risk, history, horizon, as_of);
        let coupled = partners
            .files
            .iter()
            .filter(|(_, together)| {
                *together >= COUPLED_COMMITS && ratio(*together, partners.commits) >= COUPLED_CONFIDENCE
            })
            .count() as u64;
        risk.add("coupling", log_share(coupled, 7), 15.0, || match coupled {
            1 => "1 file changes with it at least every second time".to_owned(),
            _ => format!("{coupled} files change with it at least every second time"),
        });
        let path = self.path(file);
        let (kind_share, kind_why) = match self.files.kind[file.at()] {
            FileKind::Dependency => (1.0, "it decides what the build takes in"),
            _ if file_kind::is_schema(path) => (1.0, "it is a schema that others rely on"),
            _ if file_kind::is_public_interface(path) => (0.6, "it is a public interface"),
            FileKind::Configuration => (0.4, "it configures a build or a deployment"),
            _ => (0.0, ""),
        };
        risk.add("kind", kind_share, 15.0, || kind_why.to_owned());
        let lines: u64 = self.lines_of(history).map(|(_, lines)| lines).sum();
        risk.add("history", log_share(lines, 4_095), 5.0, || format!("{lines} lines changed in its history"));
        risk.finish()
    }

    fn ownership_risk(&self, risk: &mut RiskBuilder, history: &History, horizon: CommitId, as_of: Timestamp) {
        let mut lines: rustc_hash::FxHashMap<PersonId, u64> = rustc_hash::FxHashMap::default();
        for (commit, changed) in self.lines_of(history) {
            *lines.entry(self.commits.author[commit.at()]).or_default() += changed + 1;
        }
        let total: u64 = lines.values().sum();
        let active = |person: PersonId| {
            self.last_activity(person, horizon).is_some_and(|last| last > as_of.minus_days(365).unix())
        };
        let gone: u64 = lines.iter().filter(|(person, _)| !active(**person)).map(|(_, lines)| *lines).sum();
        let present = lines.keys().filter(|person| active(**person)).count();
        risk.add("ownership", ratio(gone, total), 15.0, || {
            format!(
                "{:.0} % of its lines were changed by people who have been gone for a year",
                ratio(gone, total) * 100.0
            )
        });
        risk.add("bus_factor", if present <= 1 && total > 0 { 1.0 } else { 0.0 }, 5.0, || match present {
            0 => "nobody who worked on it is still here".to_owned(),
            _ => "one person who worked on it is still here".to_owned(),
        });
    }
}
