//! The story of a repository.

use std::collections::BTreeMap;

use docassist_model::Timestamp;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::Totals;
use docassist_model::findings::relationships::{MonthActivity, RepositoryRelations, RepositoryStats};
use docassist_model::time::SECONDS_PER_DAY;

use crate::analysis::cut;
use crate::graph::{CommitId, Graph, RepoId};

impl Graph {
    /// The whole story of a repository. Linear in the number of all commits.
    #[must_use]
    pub fn relations_of_repository(&self, repo: RepoId, as_of: Timestamp, limit: usize) -> Answer<RepositoryRelations> {
        let horizon = self.horizon(as_of);
        let commits: Vec<CommitId> =
            (0..horizon.0).map(CommitId).filter(|commit| self.commits.repo[commit.at()] == repo).collect();
        let merges = commits.iter().filter(|&&commit| self.is_merge(commit)).count() as u64;
        let people = self.people_shares(self.commit_lines(&commits));
        let sum = |lines: &[u32]| commits.iter().map(|commit| u64::from(lines[commit.at()])).sum();
        let files =
            self.files.repo.iter().zip(&self.files.exists).filter(|(of, exists)| **of == repo && **exists).count();
        let mut authors: Vec<_> = commits
            .iter()
            .filter(|&&commit| !self.is_merge(commit))
            .map(|commit| self.commits.author[commit.at()])
            .collect();
        authors.sort_unstable();
        authors.dedup();
        let mut totals = Totals::new();
        let body = RepositoryRelations {
            repository: self.repo_of_name(repo),
            stats: RepositoryStats {
                commits: commits.len() as u64,
                merges,
                authors: authors.len() as u64,
                additions: sum(&self.commits.additions),
                deletions: sum(&self.commits.deletions),
                files: files as u64,
                first: commits.first().map(|&commit| Timestamp::from_unix(self.time(commit))),
                last: commits.last().map(|&commit| Timestamp::from_unix(self.time(commit))),
            },
            top_contributors: cut("top_contributors", people, limit, &mut totals),
            tickets: cut("tickets", self.ticket_counts(commits.iter().copied(), as_of), limit, &mut totals),
            activity: self.activity(&commits),
            totals,
        };
        let mut notes = self.source_notes(Some(repo));
        self.tip_notes(as_of, &mut notes);
        self.answer(as_of, notes, body)
    }

    /// Commits by month, empty months included.
    fn activity(&self, commits: &[CommitId]) -> Vec<MonthActivity> {
        // Commits come in the order of time, so a day's month is computed once.
        let mut months: BTreeMap<String, u64> = BTreeMap::new();
        let mut day: Option<(i64, String)> = None;
        for &commit in commits {
            let of = self.time(commit).div_euclid(SECONDS_PER_DAY);
            let month = match &day {
                Some((known, month)) if *known == of => month.clone(),
                _ => {
                    let month = Timestamp::from_unix(self.time(commit)).month();
                    day = Some((of, month.clone()));
                    month
                }
            };
            *months.entry(month).or_default() += 1;
        }
        let mut activity: Vec<MonthActivity> = Vec::new();
        for (month, commits) in months {
            while let Some(next) = activity.last().and_then(|last| following(&last.month))
                && next < month
                && activity.len() < MAX_MONTHS
            {
                activity.push(MonthActivity { month: next, commits: 0 });
            }
            activity.push(MonthActivity { month, commits });
        }
        activity
    }
}

/// A commit dated far off must not fill the answer with empty months.
const MAX_MONTHS: usize = 1_200;

/// The month after `2024-05`.
fn following(month: &str) -> Option<String> {
    let (year, number) = month.rsplit_once('-')?;
    let (year, number): (i32, u32) = (year.parse().ok()?, number.parse().ok()?);
    let (year, number) = if number >= 12 { (year + 1, 1) } else { (year, number + 1) };
    (0..=9_999).contains(&year).then(|| format!("{year:04}-{number:02}"))
}
