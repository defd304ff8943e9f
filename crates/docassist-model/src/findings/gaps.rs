//! Gap analyses: what is missing between tickets, code, pages and decisions.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Counts, Page};
use crate::{ObjectId, Timestamp};

/// Why an orphaned ticket has no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrphanClass {
    /// Resolved without a change: won't fix, duplicate, invalid, cannot reproduce, incomplete.
    NotApplicable,
    /// Done, and no commit says so.
    DoneUnlinked,
    /// Neither.
    NeverStarted,
}

impl OrphanClass {
    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::DoneUnlinked => "done_unlinked",
            Self::NeverStarted => "never_started",
        }
    }
}

/// A ticket that no commit or pull request refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the ticket's own")]
pub struct OrphanedTicket {
    pub key: String,
    pub summary: String,
    #[serde(rename = "type")]
    pub type_name: String,
    pub status: String,
    pub priority: Option<String>,
    pub assignee: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub class: OrphanClass,
}

/// Tickets of the window that no commit or pull request refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "counts by what their names say")]
pub struct Orphaned {
    /// Length of the window in days.
    pub days: u32,
    #[serde(flatten)]
    pub page: Page<OrphanedTicket>,
    pub by_class: Counts,
    pub by_status: Counts,
    pub by_priority: Counts,
    pub by_assignee: Counts,
}

/// A source change without ticket or documentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the commit's own")]
pub struct UndocumentedChange {
    pub sha: ObjectId,
    pub repo: String,
    pub subject: String,
    pub author: String,
    pub time: Timestamp,
    /// Number of changed files.
    pub files: u64,
    pub additions: u64,
    pub deletions: u64,
}

/// Commits of the window that change source, and neither documentation nor refer to a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "counts by what their names say")]
pub struct Undocumented {
    /// Length of the window in days.
    pub days: u32,
    #[serde(flatten)]
    pub page: Page<UndocumentedChange>,
    /// Lines added and deleted by all of them.
    pub total_lines: u64,
    pub by_author: Counts,
    pub by_repository: Counts,
}

/// A feature that was built and has no decision record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the ticket's own")]
pub struct MissingDecision {
    pub key: String,
    pub summary: String,
    #[serde(rename = "type")]
    pub type_name: String,
    pub status: String,
    /// Commits that refer to it.
    pub commits: u64,
    /// Distinct files that they change.
    pub files: u64,
    /// 0–100; grows with files and folders touched, and most with a changed dependency, schema or public interface.
    pub significance: f64,
    /// What makes it significant, in words.
    pub reasons: Vec<String>,
}

/// Features that were built and have no decision record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "counts by what their names say")]
pub struct MissingDecisions {
    #[serde(flatten)]
    pub page: Page<MissingDecision>,
    pub by_type: Counts,
}

/// A ticket that is not done and has not moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the ticket's own")]
pub struct StaleTicket {
    pub key: String,
    pub summary: String,
    pub status: String,
    pub priority: Option<String>,
    pub assignee: Option<String>,
    pub updated: Timestamp,
    pub days_since_update: i64,
}

/// Tickets that are not done and were last updated before the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "counts by what their names say")]
pub struct Stale {
    /// Length of the window in days.
    pub days: u32,
    #[serde(flatten)]
    pub page: Page<StaleTicket>,
    pub by_status: Counts,
    pub by_assignee: Counts,
}

/// A commit in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the commit's own")]
pub struct CommitLine {
    pub sha: ObjectId,
    pub repo: String,
    pub subject: String,
    pub author: String,
    pub time: Timestamp,
}

/// A ticket that is referred to and is not known, though its project is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DanglingReference {
    /// The key as referred to.
    pub key: String,
    /// The first commits that cite it, oldest first.
    pub commits: Vec<CommitLine>,
    /// How many commits cite it.
    pub commits_total: u64,
    /// Pages that cite it.
    pub pages: Vec<String>,
}

/// References to tickets that do not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dangling {
    /// Ordered by number of citing commits, then by key.
    #[serde(flatten)]
    pub page: Page<DanglingReference>,
    /// By project prefix.
    pub by_project: Counts,
}

/// A page that names a file which is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutdatedReference {
    /// The page's source (repository or folder).
    pub source: String,
    /// The page's path.
    pub page: String,
    /// Line of the page, from 1.
    pub line: u32,
    /// The file that it names.
    pub path: String,
    /// Where the file is now, if it was renamed.
    pub renamed_to: Option<String>,
    /// The last commit that removed it.
    pub removed_in: Option<CommitLine>,
}

/// Pages that speak of code that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutdatedDocs {
    /// Ordered by page and line.
    #[serde(flatten)]
    pub page: Page<OutdatedReference>,
    /// By page.
    pub by_page: Counts,
}

/// Totals of every gap analysis with its default window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "totals of the sections of the same names")]
pub struct Summary {
    pub orphaned: u64,
    pub undocumented: u64,
    pub missing_decisions: u64,
    pub stale: u64,
    pub dangling: u64,
    pub outdated_docs: u64,
    /// 0–100, 100 is best: see `docassist_graph::analysis::health`.
    pub health: u8,
    /// The parts that `health` is the mean of: name and percentage, worst first. A part with nothing to measure is left out.
    pub health_parts: Vec<HealthPart>,
}

/// A part of the health figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HealthPart {
    /// What is measured.
    pub name: &'static str,
    /// How many are as they should be.
    pub good: u64,
    /// Of how many.
    pub of: u64,
    /// `good` in per cent of `of`, rounded down.
    pub percent: u8,
}

/// All gap analyses with their default windows, ten items each.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "sections of the names of their analyses")]
pub struct Comprehensive {
    pub summary: Summary,
    pub orphaned: Orphaned,
    pub undocumented: Undocumented,
    pub missing_decisions: MissingDecisions,
    pub stale: Stale,
    pub dangling: Dangling,
    pub outdated_docs: OutdatedDocs,
}
