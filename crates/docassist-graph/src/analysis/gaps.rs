//! What is missing between tickets, code, pages and decisions.

use docassist_model::findings::gaps::{
    Comprehensive, Dangling, DanglingReference, MissingDecision, MissingDecisions, OrphanClass, Orphaned,
    OrphanedTicket, OutdatedDocs, OutdatedReference, Stale, StaleTicket, Summary, Undocumented, UndocumentedChange,
};
use docassist_model::findings::{Answer, Counts};
use docassist_model::{StatusCategory, Timestamp};

use super::{InvalidCursor, PageRequest, Tally, page};
use crate::derive::{FeatureScratch, feature_work, significance};
use crate::graph::{CommitId, FeatureWork, FileId, Graph, KeyId, PageId};

/// Default window of orphaned tickets and undocumented changes, in days.
pub const DEFAULT_DAYS: u32 = 90;
/// Default age of stale work, in days.
pub const DEFAULT_STALE_DAYS: u32 = 30;
/// Items of each section of the comprehensive answer.
pub const COMPREHENSIVE_ITEMS: usize = 10;
/// Commits listed for a dangling reference; their number is given as well.
const CITING_COMMITS: usize = 5;

/// Group of tickets without an assignee, or without a priority.
const UNASSIGNED: &str = "unassigned";
const NO_PRIORITY: &str = "none";

impl Graph {
    /// Whether a commit up to the horizon refers to a key.
    fn is_referred(&self, key: KeyId, horizon: CommitId) -> bool {
        self.key_commits.row(key.0).first().is_some_and(|&first| first < horizon)
    }

    /// Tickets created in `(as_of − days, as_of]`, oldest first. Logarithmic.
    pub(super) fn created_in(&self, as_of: Timestamp, days: u32) -> &[KeyId] {
        let created = |key: &KeyId| self.tickets[key.at()].created;
        let from = self.by_created.partition_point(|key| created(key) <= as_of.minus_days(days).unix());
        let to = self.by_created.partition_point(|key| created(key) <= as_of.unix());
        &self.by_created[from.min(to)..to]
    }

    /// Tickets created in `(as_of − days, as_of]` that no commit up to `as_of` refers to, by priority, then newest.
    /// Linear in the tickets of the window, and n log n in those found.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn orphaned(
        &self,
        as_of: Timestamp,
        days: u32,
        request: &PageRequest,
    ) -> Result<Answer<Orphaned>, InvalidCursor> {
        let horizon = self.horizon(as_of);
        let mut found: Vec<KeyId> =
            self.created_in(as_of, days).iter().copied().filter(|&key| !self.is_referred(key, horizon)).collect();
        let symbols = self.symbols.len();
        let (mut by_status, mut by_priority, mut by_assignee) =
            (Tally::new(symbols), Tally::new(symbols), Tally::new(symbols));
        let mut by_class = [0_u64; 3];
        for key in &found {
            let ticket = &self.tickets[key.at()];
            by_status.add(Some(ticket.status));
            by_priority.add(ticket.priority);
            by_assignee.add(ticket.assignee);
            by_class[orphan_class(ticket) as usize] += 1;
        }
        found.sort_unstable_by_key(|key| {
            let ticket = &self.tickets[key.at()];
            (ticket.priority_rank, std::cmp::Reverse(ticket.created), *key)
        });
        let page = page("orphaned", &found, request, |&key| {
            let ticket = &self.tickets[key.at()];
            let symbol = |id: u32| self.symbol(id).to_owned();
            OrphanedTicket {
                key: self.key(key).to_owned(),
                summary: self.ticket_summary.get(key.0).to_owned(),
                type_name: symbol(ticket.type_name),
                status: symbol(ticket.status),
                priority: ticket.priority.map(symbol),
                assignee: ticket.assignee.map(symbol),
                created: Timestamp::from_unix(ticket.created),
                updated: Timestamp::from_unix(ticket.updated),
                class: orphan_class(ticket),
            }
        })?;
        let mut notes = self.source_notes(None);
        self.ticket_notes(as_of, &mut notes);
        let classes = [OrphanClass::NotApplicable, OrphanClass::DoneUnlinked, OrphanClass::NeverStarted];
        let body = Orphaned {
            days,
            page,
            by_class: Counts::new(
                classes.iter().map(|class| (class.as_str().to_owned(), by_class[*class as usize])).collect(),
            ),
            by_status: by_status.finish("", |id| self.symbol(id)),
            by_priority: by_priority.finish(NO_PRIORITY, |id| self.symbol(id)),
            by_assignee: by_assignee.finish(UNASSIGNED, |id| self.symbol(id)),
        };
        Ok(self.answer(as_of, notes, body))
    }

    /// Commits of the window that are undocumented.
    pub(super) fn undocumented_in(&self, as_of: Timestamp, days: u32) -> &[CommitId] {
        let (from, to) = (self.horizon(as_of.minus_days(days)), self.horizon(as_of));
        let at = |commit: CommitId| self.undocumented.partition_point(|&other| other < commit);
        &self.undocumented[at(from).min(at(to))..at(to)]
    }

    /// Commits of the window that are no merge, no revert and not by a bot, change source and no documentation, and
    /// refer to no ticket; newest first. Linear in those found.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn undocumented(
        &self,
        as_of: Timestamp,
        days: u32,
        request: &PageRequest,
    ) -> Result<Answer<Undocumented>, InvalidCursor> {
        let found: Vec<CommitId> = self.undocumented_in(as_of, days).iter().rev().copied().collect();
        let (mut by_author, mut by_repository) = (Tally::new(self.people.len()), Tally::new(self.repos.len()));
        let mut total_lines = 0;
        for commit in &found {
            by_author.add(Some(self.commits.author[commit.at()].0));
            by_repository.add(Some(self.commits.repo[commit.at()].0));
            total_lines +=
                u64::from(self.commits.additions[commit.at()]) + u64::from(self.commits.deletions[commit.at()]);
        }
        let page = page("undocumented", &found, request, |&commit| {
            let line = self.commit_line(commit);
            UndocumentedChange {
                sha: line.sha,
                repo: line.repo,
                subject: line.subject,
                author: line.author,
                time: line.time,
                files: self.changes.row(commit.0).len() as u64,
                additions: u64::from(self.commits.additions[commit.at()]),
                deletions: u64::from(self.commits.deletions[commit.at()]),
            }
        })?;
        let mut notes = self.source_notes(None);
        if self.repos.is_empty() {
            notes.push("no repository is synced".to_owned());
        }
        if self.projects.prefixes.is_empty() {
            notes.push("no ticket project is known, so no commit counts as referring to a ticket".to_owned());
        }
        self.tip_notes(as_of, &mut notes);
        let body = Undocumented {
            days,
            page,
            total_lines,
            by_author: by_author.finish("", |id| &self.people[id as usize].name),
            by_repository: by_repository.finish("", |id| self.repo_name(crate::graph::RepoId(id))),
        };
        Ok(self.answer(as_of, notes, body))
    }

    /// Features that a commit up to `as_of` refers to and no decision record does, most significant first. For the
    /// present the order is kept ready; for the past it takes the changes of all features.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn missing_decisions(
        &self,
        as_of: Timestamp,
        request: &PageRequest,
    ) -> Result<Answer<MissingDecisions>, InvalidCursor> {
        let past: Vec<(KeyId, FeatureWork)>;
        let found: &[(KeyId, FeatureWork)] = if self.is_present(as_of) {
            &self.undecided
        } else {
            past = self.undecided_at(as_of);
            &past
        };
        let mut by_type = Tally::new(self.symbols.len());
        for (key, _) in found {
            by_type.add(Some(self.tickets[key.at()].type_name));
        }
        let page = page("missing-decisions", found, request, |(key, work)| {
            let ticket = &self.tickets[key.at()];
            let mut reasons = vec![format!("{} files in {} folders", work.files, work.folders)];
            for (fact, reason) in [
                (work.schema, "changes a schema"),
                (work.dependency, "changes a dependency"),
                (work.interface, "changes a public interface"),
            ] {
                if fact {
                    reasons.push(reason.to_owned());
                }
            }
            MissingDecision {
                key: self.key(*key).to_owned(),
                summary: self.ticket_summary.get(key.0).to_owned(),
                type_name: self.symbol(ticket.type_name).to_owned(),
                status: self.symbol(ticket.status).to_owned(),
                commits: u64::from(work.commits),
                files: u64::from(work.files),
                significance: significance(work),
                reasons,
            }
        })?;
        let mut notes = self.source_notes(None);
        self.ticket_notes(as_of, &mut notes);
        self.tip_notes(as_of, &mut notes);
        if self.decisions.is_empty() {
            notes.push("no decision records were found".to_owned());
        }
        let body = MissingDecisions { page, by_type: by_type.finish("", |id| self.symbol(id)) };
        Ok(self.answer(as_of, notes, body))
    }

    /// Whether no commit and no ticket is later than `as_of`.
    pub(super) fn is_present(&self, as_of: Timestamp) -> bool {
        let later = |time: Option<i64>| time.is_some_and(|time| time > as_of.unix());
        let last_created = self.by_created.last().map(|key| self.tickets[key.at()].created);
        !later(self.commits.time.last().copied()) && !later(last_created)
    }

    fn undecided_at(&self, as_of: Timestamp) -> Vec<(KeyId, FeatureWork)> {
        let horizon = self.horizon(as_of);
        let mut scratch = FeatureScratch::default();
        let mut found: Vec<(f64, KeyId, FeatureWork)> = self
            .undecided
            .iter()
            .filter(|(key, _)| self.ticket_at(*key, as_of).is_some())
            .filter_map(|(key, _)| {
                let commits = Self::until(self.key_commits.row(key.0), horizon);
                if commits.is_empty() {
                    return None;
                }
                let work = feature_work(self, commits, &mut scratch);
                Some((significance(&work), *key, work))
            })
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.into_iter().map(|(_, key, work)| (key, work)).collect()
    }

    /// Tickets that are not done and were last updated before `as_of − days`, longest first. Linear in those found.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn stale(&self, as_of: Timestamp, days: u32, request: &PageRequest) -> Result<Answer<Stale>, InvalidCursor> {
        let found = self.stale_at(as_of, days);
        let symbols = self.symbols.len();
        let (mut by_status, mut by_assignee) = (Tally::new(symbols), Tally::new(symbols));
        for key in found {
            let ticket = &self.tickets[key.at()];
            by_status.add(Some(ticket.status));
            by_assignee.add(ticket.assignee);
        }
        let page = page("stale", found, request, |&key| {
            let ticket = &self.tickets[key.at()];
            let updated = Timestamp::from_unix(ticket.updated);
            let symbol = |id: u32| self.symbol(id).to_owned();
            StaleTicket {
                key: self.key(key).to_owned(),
                summary: self.ticket_summary.get(key.0).to_owned(),
                status: symbol(ticket.status),
                priority: ticket.priority.map(symbol),
                assignee: ticket.assignee.map(symbol),
                updated,
                days_since_update: as_of.days_since(updated),
            }
        })?;
        let mut notes = self.source_notes(None);
        self.ticket_notes(as_of, &mut notes);
        let body = Stale {
            days,
            page,
            by_status: by_status.finish("", |id| self.symbol(id)),
            by_assignee: by_assignee.finish(UNASSIGNED, |id| self.symbol(id)),
        };
        Ok(self.answer(as_of, notes, body))
    }

    /// Stale tickets, longest first. Logarithmic. A ticket is never updated before it is created, so those found existed.
    pub(super) fn stale_at(&self, as_of: Timestamp, days: u32) -> &[KeyId] {
        let before = as_of.minus_days(days).unix();
        &self.open_by_updated[..self.open_by_updated.partition_point(|key| self.tickets[key.at()].updated < before)]
    }

    /// References from commits to tickets that do not exist at `as_of`, most cited first.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn dangling(&self, as_of: Timestamp, request: &PageRequest) -> Result<Answer<Dangling>, InvalidCursor> {
        let horizon = self.horizon(as_of);
        let found = self.dangling_at(as_of);
        let mut by_project: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
        for key in &found {
            let key = self.key(*key);
            *by_project
                .entry(docassist_model::reference::split(key).map_or(key, |(project, _)| project))
                .or_default() += 1;
        }
        let page = page("dangling", &found, request, |&key| {
            let commits = Self::until(self.key_commits.row(key.0), horizon);
            let pages = self.key_pages.row(key.0).iter().map(|(page, _)| self.page_name(*page));
            DanglingReference {
                key: self.key(key).to_owned(),
                commits: commits.iter().take(CITING_COMMITS).map(|&commit| self.commit_line(commit)).collect(),
                commits_total: commits.len() as u64,
                pages: pages.collect(),
            }
        })?;
        let mut notes = self.source_notes(None);
        self.ticket_notes(as_of, &mut notes);
        let by_project = Counts::new(by_project.into_iter().map(|(name, count)| (name.to_owned(), count)).collect());
        Ok(self.answer(as_of, notes, Dangling { page, by_project }))
    }

    fn dangling_at(&self, as_of: Timestamp) -> Vec<KeyId> {
        let horizon = self.horizon(as_of);
        if self.is_present(as_of) {
            return self.dangling.clone();
        }
        // A ticket that was created later did not exist yet.
        let later = self.by_created.partition_point(|key| self.tickets[key.at()].created <= as_of.unix());
        let candidates = self.dangling.iter().chain(&self.by_created[later..]).copied();
        let mut found: Vec<(usize, KeyId)> = candidates
            .map(|key| (Self::until(self.key_commits.row(key.0), horizon).len(), key))
            .filter(|(commits, _)| *commits > 0)
            .collect();
        found.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| crate::keys::compare(self.key(a.1), self.key(b.1))));
        found.into_iter().map(|(_, key)| key).collect()
    }

    /// `source:path` where there are several sources of pages, else the path.
    pub(super) fn page_name(&self, page: PageId) -> String {
        self.page_name_among(page, self.facts.several_page_sources)
    }

    pub(crate) fn page_name_among(&self, page: PageId, several_sources: bool) -> String {
        let info = &self.pages[page.at()];
        if several_sources {
            format!("{}:{}", self.sources[info.source as usize].name, info.path)
        } else {
            info.path.clone()
        }
    }

    /// References of pages to files that are gone, by page and line. Change logs are left out: they speak of the past.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn outdated_docs(
        &self,
        as_of: Timestamp,
        request: &PageRequest,
    ) -> Result<Answer<OutdatedDocs>, InvalidCursor> {
        let page = page("outdated-docs", &self.facts.outdated, request, |&(page, line, file)| {
            let info = &self.pages[page.at()];
            OutdatedReference {
                source: self.sources[info.source as usize].name.clone(),
                page: info.path.clone(),
                line,
                path: self.path(file).to_owned(),
                renamed_to: self.moved_to(file).map(|to| self.path(to).to_owned()),
                removed_in: self.removed_in(file).map(|commit| self.commit_line(commit)),
            }
        })?;
        let mut notes = self.source_notes(None);
        self.tip_notes(as_of, &mut notes);
        Ok(self.answer(as_of, notes, OutdatedDocs { page, by_page: self.facts.outdated_by_page.clone() }))
    }

    /// Where a file that is gone was last moved to, through further moves, if that exists.
    pub(super) fn moved_to(&self, file: FileId) -> Option<FileId> {
        let mut at = file;
        // A chain of moves ends; swaps do not.
        for _ in 0..64 {
            let last = *self.file_moves.row(at.0).last()?;
            at = self.change(last).file;
            if self.files.exists[at.at()] {
                return Some(at);
            }
        }
        None
    }

    /// The last commit that deleted or moved a file.
    fn removed_in(&self, file: FileId) -> Option<CommitId> {
        let deleted = self
            .file_changes
            .row(file.0)
            .iter()
            .rev()
            .find(|&&at| self.change(at).status == docassist_model::ChangeStatus::Deleted);
        let moved = self.file_moves.row(file.0).last();
        deleted.max(moved).map(|&at| self.change_commit[at as usize])
    }

    /// All gap analyses with their default windows, ten items each.
    #[must_use]
    pub fn comprehensive(&self, as_of: Timestamp) -> Answer<Comprehensive> {
        let first = PageRequest::first(COMPREHENSIVE_ITEMS);
        let mut notes: Vec<String> = Vec::new();
        // Without a cursor there is none to be invalid.
        let mut keep = |other: Vec<String>| {
            for note in other {
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        };
        macro_rules! section {
            ($answer:expr) => {
                match $answer {
                    Ok(answer) => {
                        keep(answer.completeness.notes);
                        answer.body
                    }
                    Err(InvalidCursor(_)) => unreachable!("no cursor was given"),
                }
            };
        }
        let orphaned = section!(self.orphaned(as_of, DEFAULT_DAYS, &first));
        let undocumented = section!(self.undocumented(as_of, DEFAULT_DAYS, &first));
        let missing_decisions = section!(self.missing_decisions(as_of, &first));
        let stale = section!(self.stale(as_of, DEFAULT_STALE_DAYS, &first));
        let dangling = section!(self.dangling(as_of, &first));
        let outdated_docs = section!(self.outdated_docs(as_of, &first));
        let (health, health_parts) = self.health(as_of, &stale, &undocumented, &missing_decisions, &outdated_docs);
        let summary = Summary {
            orphaned: orphaned.page.total,
            undocumented: undocumented.page.total,
            missing_decisions: missing_decisions.page.total,
            stale: stale.page.total,
            dangling: dangling.page.total,
            outdated_docs: outdated_docs.page.total,
            health,
            health_parts,
        };
        let body = Comprehensive { summary, orphaned, undocumented, missing_decisions, stale, dangling, outdated_docs };
        self.answer(as_of, notes, body)
    }
}

fn orphan_class(ticket: &crate::graph::TicketInfo) -> OrphanClass {
    if ticket.not_applicable {
        OrphanClass::NotApplicable
    } else if ticket.category == StatusCategory::Done {
        OrphanClass::DoneUnlinked
    } else {
        OrphanClass::NeverStarted
    }
}
