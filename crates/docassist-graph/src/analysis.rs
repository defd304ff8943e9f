//! The analyses: pure functions of a graph, an instant and their arguments.
//!
//! All of them see the graph as it was at `as_of`: later commits and tickets do not exist. Pages, decision records, file
//! kinds and the status of tickets are those of the last sync, since their history is not recorded; answers about the
//! past say so in `completeness`.

use docassist_model::Timestamp;
use docassist_model::findings::gaps::CommitLine;
use docassist_model::findings::impact::{PersonShare, TicketCount, TicketLine, Totals};
use docassist_model::findings::{Answer, Completeness, Page};
use rustc_hash::FxHashMap;

use crate::graph::{CommitId, Graph, KeyId, PersonId, RepoId};

mod co_change;
pub mod decisions;
pub mod gaps;
pub mod health;
mod history;
pub mod impact;
pub mod relationships;
mod reviewers;
mod risk;
mod status;

/// Which page of a list to return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Number of items at most.
    pub limit: usize,
    /// `next` of the page before; `None` for the first.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The first `limit` items.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self { limit, cursor: None }
    }
}

/// The text is no cursor of this list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCursor(pub String);

impl std::fmt::Display for InvalidCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no cursor of this list: take `next` of the page before", self.0)
    }
}

impl std::error::Error for InvalidCursor {}

/// One page of `all`, rendered by `render`. A cursor is the list's name and the position that it goes on at.
fn page<T, R>(
    name: &str,
    all: &[T],
    request: &PageRequest,
    render: impl FnMut(&T) -> R,
) -> Result<Page<R>, InvalidCursor> {
    let from = match &request.cursor {
        None => 0,
        Some(cursor) => {
            let position = cursor.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
            let position = position.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
            position.and_then(|digits| digits.parse().ok()).ok_or_else(|| InvalidCursor(cursor.clone()))?
        }
    };
    let from = all.len().min(from);
    let to = all.len().min(from.saturating_add(request.limit));
    // A page of no items would point at itself for ever.
    let next = (to < all.len() && to > from).then(|| format!("{name}.{to}"));
    Ok(Page { total: all.len() as u64, items: all[from..to].iter().map(render).collect(), next })
}

/// Counts occurrences of small numbers (symbols, people), then names them.
struct Tally {
    counts: Vec<u64>,
    none: u64,
}

impl Tally {
    fn new(size: usize) -> Self {
        Self { counts: vec![0; size], none: 0 }
    }

    fn add(&mut self, id: Option<u32>) {
        match id.and_then(|id| self.counts.get_mut(id as usize)) {
            Some(count) => *count += 1,
            None => self.none += 1,
        }
    }

    fn finish<'a>(self, none: &str, name: impl Fn(u32) -> &'a str) -> docassist_model::findings::Counts {
        let mut counts: FxHashMap<String, u64> = FxHashMap::default();
        for (id, count) in self.counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            *counts.entry(name(id as u32).to_owned()).or_default() += count;
        }
        if self.none > 0 {
            *counts.entry(none.to_owned()).or_default() += self.none;
        }
        docassist_model::findings::Counts::new(counts.into_iter().collect())
    }
}

impl Graph {
    /// Wraps an answer with what every answer carries.
    fn answer<T>(&self, as_of: Timestamp, notes: Vec<String>, body: T) -> Answer<T> {
        Answer { org: self.org.clone(), as_of, body, completeness: Completeness::of(notes) }
    }

    /// Notes of an answer about tickets: their present state stands for their past one.
    fn ticket_notes(&self, as_of: Timestamp, notes: &mut Vec<String>) {
        if self.tickets.is_empty() {
            notes.push("no tickets are synced".to_owned());
        } else if self.facts.last_update > as_of.unix() {
            notes.push(
                "tickets have no change log: those updated later are shown with their present status, not that at as_of"
                    .to_owned(),
            );
        }
        if self.projects.learnt && !self.projects.prefixes.is_empty() {
            let prefixes: Vec<&str> = self.projects.prefixes.iter().map(String::as_str).collect();
            notes.push(format!("ticket projects were learnt from commit subjects: {}", prefixes.join(", ")));
        }
    }

    fn commit_line(&self, commit: CommitId) -> CommitLine {
        CommitLine {
            sha: self.commits.ids[commit.at()],
            repo: self.repo_name(self.commits.repo[commit.at()]).to_owned(),
            subject: self.commits.subject.get(commit.0).to_owned(),
            author: self.person(self.commits.author[commit.at()]).name.clone(),
            time: Timestamp::from_unix(self.time(commit)),
        }
    }

    pub(crate) fn ticket_line(&self, key: KeyId) -> Option<TicketLine> {
        let ticket = self.ticket(key)?;
        let symbol = |id: u32| self.symbol(id).to_owned();
        Some(TicketLine {
            key: self.key(key).to_owned(),
            type_name: symbol(ticket.type_name),
            summary: self.ticket_summary.get(key.0).to_owned(),
            status: symbol(ticket.status),
            priority: ticket.priority.map(symbol),
            assignee: ticket.assignee.map(symbol),
            reporter: ticket.reporter.map(symbol),
            created: Timestamp::from_unix(ticket.created),
            updated: Timestamp::from_unix(ticket.updated),
            resolved: ticket.resolved.map(Timestamp::from_unix),
            resolution: ticket.resolution.map(symbol),
            parent: ticket.parent.map(|key| self.key(key).to_owned()),
            epic: ticket.epic.map(|key| self.key(key).to_owned()),
        })
    }

    /// The ticket of a key, if it existed.
    pub(crate) fn ticket_at(&self, key: KeyId, as_of: Timestamp) -> Option<&crate::graph::TicketInfo> {
        self.ticket(key).filter(|ticket| ticket.created <= as_of.unix())
    }

    /// Keys that commits refer to with the number of commits, most first.
    fn ticket_counts(&self, commits: impl Iterator<Item = CommitId>, as_of: Timestamp) -> Vec<TicketCount> {
        let mut counts: FxHashMap<KeyId, u64> = FxHashMap::default();
        for key in commits.flat_map(|commit| self.commit_keys.row(commit.0)) {
            *counts.entry(*key).or_default() += 1;
        }
        let mut counts: Vec<(KeyId, u64)> = counts.into_iter().collect();
        counts.sort_unstable_by_key(|(key, count)| (std::cmp::Reverse(*count), *key));
        counts.into_iter().map(|(key, commits)| self.ticket_count_of(key, commits, as_of)).collect()
    }

    fn ticket_count_of(&self, key: KeyId, commits: u64, as_of: Timestamp) -> TicketCount {
        let ticket = self.ticket_at(key, as_of);
        TicketCount {
            key: self.key(key).to_owned(),
            summary: ticket.map(|_| self.ticket_summary.get(key.0).to_owned()),
            status: ticket.map(|ticket| self.symbol(ticket.status).to_owned()),
            commits,
        }
    }

    /// The author of a commit and its co-authors.
    fn writers(&self, commit: CommitId) -> impl Iterator<Item = PersonId> {
        std::iter::once(self.commits.author[commit.at()]).chain(self.co_authors.row(commit.0).iter().copied())
    }

    /// People by their part in some changes (non-merge commit, lines): most commits first, then most lines.
    fn people_shares(&self, changes: impl Iterator<Item = (CommitId, u64)>) -> Vec<PersonShare> {
        struct Part {
            commits: u64,
            lines: u64,
            last: CommitId,
            counted: CommitId,
        }
        let mut parts: FxHashMap<PersonId, Part> = FxHashMap::default();
        for (commit, lines) in changes {
            for person in self.writers(commit) {
                let part = parts.entry(person).or_insert(Part {
                    commits: 0,
                    lines: 0,
                    last: commit,
                    counted: CommitId(u32::MAX),
                });
                // Several changes of one commit come in a row.
                if part.counted != commit {
                    part.counted = commit;
                    part.commits += 1;
                }
                part.lines += lines;
                part.last = part.last.max(commit);
            }
        }
        let mut parts: Vec<(PersonId, Part)> = parts.into_iter().collect();
        parts.sort_unstable_by_key(|(person, part)| {
            (std::cmp::Reverse(part.commits), std::cmp::Reverse(part.lines), *person)
        });
        parts
            .into_iter()
            .map(|(person, part)| PersonShare {
                name: self.person(person).name.clone(),
                email: self.person(person).email.clone(),
                commits: part.commits,
                lines: part.lines,
                last: Some(Timestamp::from_unix(self.time(part.last))),
            })
            .collect()
    }

    /// Whether the page, decision or file listing belongs to the state at `as_of` is not known; said once.
    fn tip_notes(&self, as_of: Timestamp, notes: &mut Vec<String>) {
        if self.commits.time.last().is_some_and(|&last| last > as_of.unix()) {
            notes.push(
                "pages, decision records and file kinds are those of the last sync, not those at as_of".to_owned(),
            );
        }
    }

    fn repo_of_name(&self, repo: RepoId) -> String {
        self.repo_name(repo).to_owned()
    }
}

/// Cuts a list to `limit` and notes how long it was.
fn cut<T>(name: &'static str, mut list: Vec<T>, limit: usize, totals: &mut Totals) -> Vec<T> {
    totals.insert(name, list.len() as u64);
    list.truncate(limit);
    list
}
