//! The impact of a ticket.

use docassist_model::findings::Answer;
use docassist_model::findings::impact::{BlastRadius, FileLine, Level, LinkedTicket, Mention, TicketImpact, Totals};
use docassist_model::{LinkDirection, Timestamp};
use rustc_hash::FxHashMap;

use super::NO_SIMILAR;
use crate::analysis::cut;
use crate::analysis::risk::log_share;
use crate::graph::{CommitId, FileId, Graph, KeyId};

/// What some commits did to a file.
#[derive(Debug, Clone, Copy)]
pub(in crate::analysis) struct FileSum {
    pub(in crate::analysis) file: FileId,
    pub(in crate::analysis) commits: u64,
    additions: u64,
    deletions: u64,
}

impl Graph {
    /// What a known ticket touches; `None` if it did not exist at `as_of`. Linear in the changes of its commits.
    #[must_use]
    pub fn impact_of_ticket(&self, key: KeyId, as_of: Timestamp, limit: usize) -> Option<Answer<TicketImpact>> {
        self.ticket_at(key, as_of)?;
        let commits = Self::until(self.key_commits.row(key.0), self.horizon(as_of));
        let files = self.file_sums(commits);
        let additions = commits.iter().map(|commit| u64::from(self.commits.additions[commit.at()])).sum();
        let deletions = commits.iter().map(|commit| u64::from(self.commits.deletions[commit.at()])).sum();
        let mut notes = self.source_notes(None);
        notes.push(NO_SIMILAR.to_owned());
        self.ticket_notes(as_of, &mut notes);
        self.tip_notes(as_of, &mut notes);
        let mut totals = Totals::new();
        let body = TicketImpact {
            ticket: self.ticket_line(key)?,
            implemented: !commits.is_empty(),
            blast_radius: self.blast_radius(&files, additions + deletions),
            commits: cut("commits", commits.iter().rev().map(|&c| self.commit_line(c)).collect(), limit, &mut totals),
            files: self.file_lines(files, limit, &mut totals),
            additions,
            deletions,
            similar: Vec::new(),
            linked: cut("linked", self.linked(key, as_of), limit, &mut totals),
            mentioned_in: cut("mentioned_in", self.mentions(key, as_of), limit, &mut totals),
            people: cut("people", self.people_shares(self.commit_lines(commits)), limit, &mut totals),
            totals,
        };
        Some(self.answer(as_of, notes, body))
    }

    /// The non-merge ones of some commits with their lines.
    pub(in crate::analysis) fn commit_lines<'a>(
        &'a self,
        commits: &'a [CommitId],
    ) -> impl Iterator<Item = (CommitId, u64)> + 'a {
        commits.iter().filter(|&&commit| !self.is_merge(commit)).map(|&commit| {
            (commit, u64::from(self.commits.additions[commit.at()]) + u64::from(self.commits.deletions[commit.at()]))
        })
    }

    /// Files that commits change, most lines first.
    pub(in crate::analysis) fn file_sums(&self, commits: &[CommitId]) -> Vec<FileSum> {
        let mut sums: FxHashMap<FileId, FileSum> = FxHashMap::default();
        for change in commits.iter().flat_map(|commit| self.changes.row(commit.0)) {
            let new = FileSum { file: change.file, commits: 0, additions: 0, deletions: 0 };
            let sum = sums.entry(change.file).or_insert(new);
            sum.commits += 1;
            sum.additions += u64::from(change.additions);
            sum.deletions += u64::from(change.deletions);
        }
        let mut sums: Vec<FileSum> = sums.into_values().collect();
        sums.sort_unstable_by_key(|sum| (std::cmp::Reverse(sum.additions + sum.deletions), sum.file));
        sums
    }

    /// The first `limit` of some files, to be shown.
    pub(in crate::analysis) fn file_lines(
        &self,
        sums: Vec<FileSum>,
        limit: usize,
        totals: &mut Totals,
    ) -> Vec<FileLine> {
        cut("files", sums, limit, totals)
            .into_iter()
            .map(|sum| FileLine {
                path: self.path(sum.file).to_owned(),
                repo: self.repo_of_name(self.files.repo[sum.file.at()]),
                kind: self.files.kind[sum.file.at()],
                commits: sum.commits,
                additions: sum.additions,
                deletions: sum.deletions,
            })
            .collect()
    }

    /// Tickets linked with one: by links recorded at either end, parent, children, epic.
    pub(in crate::analysis) fn linked(&self, key: KeyId, as_of: Timestamp) -> Vec<LinkedTicket> {
        let mut linked: Vec<(String, &'static str, KeyId)> = Vec::new();
        for link in self.ticket_links.row(key.0) {
            let direction = match link.direction {
                LinkDirection::Outward => "outward",
                LinkDirection::Inward => "inward",
            };
            linked.push((self.symbol(link.kind).to_owned(), direction, link.other));
        }
        if let Some(ticket) = self.ticket(key) {
            linked.extend(ticket.parent.map(|parent| ("Parent".to_owned(), "outward", parent)));
            linked.extend(ticket.epic.map(|epic| ("Epic".to_owned(), "outward", epic)));
        }
        for &child in self.children.row(key.0) {
            let kind = if self.tickets[child.at()].parent == Some(key) { "Child" } else { "In epic" };
            linked.push((kind.to_owned(), "inward", child));
        }
        linked.sort();
        linked.dedup();
        linked
            .into_iter()
            .map(|(kind, direction, other)| {
                let ticket = self.ticket_at(other, as_of);
                LinkedTicket {
                    key: self.key(other).to_owned(),
                    kind,
                    direction,
                    summary: ticket.map(|_| self.ticket_summary.get(other.0).to_owned()),
                    status: ticket.map(|ticket| self.symbol(ticket.status).to_owned()),
                }
            })
            .collect()
    }

    /// Tickets, pages and decisions that mention a key.
    pub(in crate::analysis) fn mentions(&self, key: KeyId, as_of: Timestamp) -> Vec<Mention> {
        let tickets = self.mentioned_by.row(key.0).iter().filter(|other| self.ticket_at(**other, as_of).is_some());
        let mut mentions: Vec<Mention> = tickets
            .map(|&other| Mention {
                kind: "ticket",
                reference: self.key(other).to_owned(),
                title: self.ticket_summary.get(other.0).to_owned(),
            })
            .collect();
        mentions.extend(self.key_pages.row(key.0).iter().map(|&(page, _)| Mention {
            kind: "page",
            reference: self.page_name(page),
            title: self.pages[page.at()].title.clone(),
        }));
        mentions.extend(self.key_decisions.row(key.0).iter().map(|decision| {
            let info = &self.decisions[decision.at()];
            Mention { kind: "decision", reference: info.id.clone(), title: info.record.title.clone() }
        }));
        mentions
    }

    /// A score of 40 points for further files than one (127 are full), 30 for further areas (15) and 30 for lines (4,095), in
    /// the bands of risk.
    fn blast_radius(&self, files: &[FileSum], lines: u64) -> BlastRadius {
        let mut areas: FxHashMap<&str, u64> = FxHashMap::default();
        for sum in files {
            *areas.entry(area(self.path(sum.file))).or_default() += 1;
        }
        let mut areas: Vec<(&str, u64)> = areas.into_iter().collect();
        areas.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let points = |n: usize, full: u64, most: f64| log_share(n as u64, full).min(1.0) * most;
        let score = points(files.len().saturating_sub(1), 127, 40.0)
            + points(areas.len().saturating_sub(1), 15, 30.0)
            + points(lines as usize, 4_095, 30.0);
        BlastRadius {
            level: Level::of(score.round() as u8),
            files: files.len() as u64,
            lines,
            areas: areas.into_iter().map(|(area, _)| area.to_owned()).collect(),
        }
    }
}

/// The folder of a path, at most two levels deep; `.` for the root.
pub(in crate::analysis) fn area(path: &str) -> &str {
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    match (slashes.next(), slashes.next()) {
        (_, Some(second)) => &path[..second],
        (Some(first), None) => &path[..first],
        (None, None) => ".",
    }
}
