//! The story of a developer.

use docassist_model::Timestamp;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::Totals;
use docassist_model::findings::relationships::{Area, DeveloperRelations, Event, Person, PersonStats};
use rustc_hash::FxHashMap;

use super::NO_PULL_REQUESTS;
use crate::analysis::co_change::ratio;
use crate::analysis::cut;
use crate::analysis::impact::{FileSum, area};
use crate::graph::{CommitId, Graph, PersonId};

impl Graph {
    /// The whole story of a person, who may be known by several addresses. Linear in the changes of their commits.
    #[must_use]
    pub fn relations_of_developer(
        &self,
        people: &[PersonId],
        as_of: Timestamp,
        limit: usize,
    ) -> Answer<DeveloperRelations> {
        let horizon = self.horizon(as_of);
        let of_all = |rows: &crate::adjacency::Rows<CommitId>| {
            let mut commits: Vec<CommitId> =
                people.iter().flat_map(|person| Self::until(rows.row(person.0), horizon)).copied().collect();
            commits.sort_unstable();
            commits.dedup();
            commits
        };
        let commits = of_all(&self.person_commits);
        let reviews = of_all(&self.person_reviews);
        let mut files = self.file_sums(&commits);
        files.sort_by_key(|sum| std::cmp::Reverse(sum.commits));
        let tickets = self.ticket_counts(commits.iter().copied(), as_of);
        let sum = |lines: &[u32]| commits.iter().map(|commit| u64::from(lines[commit.at()])).sum();
        let stats = PersonStats {
            commits: commits.len() as u64,
            pull_requests: 0,
            reviews: reviews.len() as u64,
            tickets: tickets.len() as u64,
            files: files.len() as u64,
            additions: sum(&self.commits.additions),
            deletions: sum(&self.commits.deletions),
            first: commits.first().map(|&commit| Timestamp::from_unix(self.time(commit))),
            last: commits.last().map(|&commit| Timestamp::from_unix(self.time(commit))),
        };
        let mut totals = Totals::new();
        let events = commits.len() + reviews.len();
        totals.insert("timeline", events as u64);
        let body = DeveloperRelations {
            person: Person {
                name: people.first().map(|&person| self.person(person).name.clone()).unwrap_or_default(),
                emails: people
                    .iter()
                    .map(|&p| self.person(p).email.clone())
                    .filter(|email| !email.is_empty())
                    .collect(),
                bot: people.iter().any(|&person| self.person(person).bot),
            },
            stats,
            tickets: cut("tickets", tickets, limit, &mut totals),
            areas: cut("areas", self.areas(&files), limit, &mut totals),
            files: self.file_lines(files, limit, &mut totals),
            timeline: self.person_timeline(&commits, &reviews, limit),
            totals,
        };
        let mut notes = self.source_notes(None);
        notes.push(NO_PULL_REQUESTS.to_owned());
        self.tip_notes(as_of, &mut notes);
        self.answer(as_of, notes, body)
    }

    /// Folders by their share of the file changes.
    fn areas(&self, files: &[FileSum]) -> Vec<Area> {
        let mut counts: FxHashMap<&str, u64> = FxHashMap::default();
        let mut all = 0;
        for sum in files {
            *counts.entry(area(self.path(sum.file))).or_default() += sum.commits;
            all += sum.commits;
        }
        let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        counts.into_iter().map(|(path, count)| Area { path: path.to_owned(), share: ratio(count, all) }).collect()
    }

    /// The newest commits and reviews.
    fn person_timeline(&self, commits: &[CommitId], reviews: &[CommitId], limit: usize) -> Vec<Event> {
        let latest = |list: &[CommitId], kind: &'static str| {
            list.iter().rev().take(limit).map(|&commit| (commit, kind)).collect::<Vec<_>>()
        };
        let mut events = latest(commits, "commit");
        events.extend(latest(reviews, "review"));
        events.sort_unstable_by(|a, b| b.cmp(a));
        events.truncate(limit);
        events
            .into_iter()
            .map(|(commit, kind)| {
                let line = self.commit_line(commit);
                Event { time: line.time, kind, title: line.subject, reference: line.sha.to_hex() }
            })
            .collect()
    }
}
