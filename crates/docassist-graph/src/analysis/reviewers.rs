//! Who should review a change.
//!
//! Evidence is authorship and review of the changed files (through their renames) and, weaker, of their folders, each
//! commit weighted by its age: half a year halves it. The idea that those who wrote or reviewed the same or near-by files
//! are the best reviewers is RevFinder's (Thongtanunam et al., SANER 2015) and that recency matters WhoReview's and
//! others'; the weights here are plain, and the backtest will tell better ones.

use docassist_model::findings::impact::{Reviewer, Totals};
use docassist_model::time::SECONDS_PER_DAY;
use docassist_model::{Timestamp, time};
use rustc_hash::FxHashMap;

use super::history::History;
use crate::graph::{CommitId, FileId, Graph, PersonId};

/// A commit this many days old counts half as much as one of today.
const HALF_LIFE_DAYS: f64 = 180.0;
/// Whoever did nothing for this long is taken to have gone.
const GONE_DAYS: i64 = 365;
/// Points of a fresh commit: written, reviewed; in the changed files and in their folders.
const WROTE_FILE: f64 = 1.0;
const REVIEWED_FILE: f64 = 1.2;
const WROTE_FOLDER: f64 = 0.15;
const REVIEWED_FOLDER: f64 = 0.18;
/// The latest commits that are looked at, per file and per folder, and how many files: older and further ones no longer
/// change the order, and a query must not take longer in a long history.
const COMMITS_PER_FILE: usize = 100;
const COMMITS_PER_FOLDER: usize = 60;
const MAX_FILES: usize = 100;
/// People that are named: nobody asks the thirtieth.
const MAX_SUGGESTED: usize = 25;
const MAX_FOLDERS: usize = 20;

#[derive(Default)]
struct Evidence {
    points: f64,
    wrote: u32,
    reviewed: u32,
    nearby: u32,
    last: Option<CommitId>,
}

/// Suggested people and what had to be said about them.
pub(super) struct Suggestion {
    /// The best of them.
    pub(super) reviewers: Vec<Reviewer>,
    /// How many there are in all.
    pub(super) count: u64,
    pub(super) note: Option<String>,
}

impl Suggestion {
    /// The first `limit`, with the number of all in `totals`.
    pub(super) fn cut(self, limit: usize, totals: &mut Totals) -> Vec<Reviewer> {
        totals.insert("reviewers", self.count);
        let mut reviewers = self.reviewers;
        reviewers.truncate(limit);
        reviewers
    }
}

impl Graph {
    /// People who should review a change to `files`, best first: nobody of `authors`, no bot, and nobody gone for a year
    /// unless nobody else is left.
    pub(super) fn suggest_reviewers(
        &self,
        files: &[(FileId, &History)],
        authors: &[PersonId],
        exclude: Option<CommitId>,
        horizon: CommitId,
        as_of: Timestamp,
    ) -> Suggestion {
        let mut evidence: FxHashMap<PersonId, Evidence> = FxHashMap::default();
        let weight = |commit: CommitId| {
            let days = (as_of.unix() - self.time(commit)).max(0) as f64 / time::SECONDS_PER_DAY as f64;
            (-days / HALF_LIFE_DAYS).exp2()
        };
        let counts = |commit: &CommitId| Some(*commit) != exclude;
        for (_, history) in files.iter().take(MAX_FILES) {
            let commits = history.commits(self);
            for &commit in commits.iter().rev().filter(|commit| counts(commit)).take(COMMITS_PER_FILE) {
                let weight = weight(commit);
                for person in self.writers(commit) {
                    let entry = evidence.entry(person).or_default();
                    entry.points += WROTE_FILE * weight;
                    entry.wrote += 1;
                    entry.last = entry.last.max(Some(commit));
                }
                for &person in self.reviewers.row(commit.0) {
                    let entry = evidence.entry(person).or_default();
                    entry.points += REVIEWED_FILE * weight;
                    entry.reviewed += 1;
                    entry.last = entry.last.max(Some(commit));
                }
            }
        }
        let mut folders: Vec<_> = files.iter().map(|(file, _)| self.files.folder[file.at()]).collect();
        folders.sort_unstable();
        folders.dedup();
        for folder in folders.into_iter().take(MAX_FOLDERS) {
            let commits = Self::until(self.folder_commits.row(folder.0), horizon);
            for &commit in commits.iter().rev().filter(|commit| counts(commit)).take(COMMITS_PER_FOLDER) {
                let weight = weight(commit);
                for person in self.writers(commit) {
                    let entry = evidence.entry(person).or_default();
                    entry.points += WROTE_FOLDER * weight;
                    entry.nearby += 1;
                }
                for &person in self.reviewers.row(commit.0) {
                    let entry = evidence.entry(person).or_default();
                    entry.points += REVIEWED_FOLDER * weight;
                    entry.nearby += 1;
                }
            }
        }
        let names: Vec<String> = authors.iter().map(|&author| self.person(author).name.to_lowercase()).collect();
        // Somebody with two addresses is still the author.
        evidence.retain(|&person, _| {
            let info = self.person(person);
            !authors.contains(&person) && !info.bot && !names.contains(&info.name.to_lowercase())
        });
        self.rank(self.joined_by_name(evidence), horizon, as_of)
    }

    /// Joins the evidence of addresses that have the same full name (two words at least): one person would otherwise be
    /// suggested twice, with half the score. The address used last stays.
    fn joined_by_name(&self, evidence: FxHashMap<PersonId, Evidence>) -> FxHashMap<PersonId, Evidence> {
        let mut people: Vec<(PersonId, Evidence)> = evidence.into_iter().collect();
        people.sort_unstable_by_key(|(person, evidence)| (std::cmp::Reverse(evidence.last), *person));
        let mut by_name: FxHashMap<String, PersonId> = FxHashMap::default();
        let mut joined: FxHashMap<PersonId, Evidence> = FxHashMap::default();
        for (person, evidence) in people {
            let name = &self.person(person).name;
            let kept = if name.split_whitespace().nth(1).is_some() {
                *by_name.entry(name.to_lowercase()).or_insert(person)
            } else {
                person
            };
            let sum = joined.entry(kept).or_default();
            sum.points += evidence.points;
            sum.wrote += evidence.wrote;
            sum.reviewed += evidence.reviewed;
            sum.nearby += evidence.nearby;
            sum.last = sum.last.max(evidence.last);
        }
        joined
    }

    fn rank(&self, evidence: FxHashMap<PersonId, Evidence>, horizon: CommitId, as_of: Timestamp) -> Suggestion {
        let present = |person: PersonId| {
            let last = self.last_activity(person, horizon);
            last.is_some_and(|last| as_of.unix() - last <= GONE_DAYS * SECONDS_PER_DAY)
        };
        let (mut candidates, gone): (Vec<_>, Vec<_>) = evidence.into_iter().partition(|(person, _)| present(*person));
        let anybody_present = !candidates.is_empty();
        let mut note = None;
        if !anybody_present {
            candidates = gone;
            if !candidates.is_empty() {
                note = Some("everybody who knows these files has been gone for a year or more".to_owned());
            }
        }
        candidates.sort_by(|a, b| b.1.points.total_cmp(&a.1.points).then(a.0.cmp(&b.0)));
        let total: f64 = candidates.iter().map(|(_, evidence)| evidence.points).sum();
        let count = candidates.len() as u64;
        let reviewers = candidates
            .into_iter()
            .take(MAX_SUGGESTED)
            .map(|(person, evidence)| {
                let info = self.person(person);
                let share = if total > 0.0 { evidence.points / total } else { 0.0 };
                let mut reasons = Vec::new();
                let times = |count: u32| if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") };
                if evidence.wrote > 0 {
                    reasons.push(format!("wrote {} to these files", times(evidence.wrote)));
                }
                if evidence.reviewed > 0 {
                    reasons.push(format!("reviewed {} to these files", times(evidence.reviewed)));
                }
                if let Some(last) = evidence.last {
                    reasons.push(format!("last here {}", Timestamp::from_unix(self.time(last)).date()));
                } else {
                    reasons.push(format!("wrote or reviewed {} in the same folders", times(evidence.nearby)));
                }
                if !anybody_present && let Some(last) = self.last_activity(person, horizon) {
                    reasons.push(format!("last seen {}", Timestamp::from_unix(last).date()));
                }
                Reviewer {
                    name: info.name.clone(),
                    email: info.email.clone(),
                    score: (share * 1000.0).round() / 1000.0,
                    reasons,
                }
            })
            .collect();
        Suggestion { reviewers, count, note }
    }

    /// When a person last wrote or reviewed anything, at a horizon. Logarithmic.
    pub(super) fn last_activity(&self, person: PersonId, horizon: CommitId) -> Option<i64> {
        let last = |commits: &[CommitId]| Self::until(commits, horizon).last().copied();
        let latest = last(self.person_commits.row(person.0)).max(last(self.person_reviews.row(person.0)));
        latest.map(|commit| self.time(commit))
    }
}
