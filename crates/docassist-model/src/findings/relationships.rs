//! Relationships: the whole story of a ticket, a developer, a file, a repository; and decisions.

use schemars::JsonSchema;
use serde::Serialize;

use super::Page;
use super::gaps::CommitLine;
use super::impact::{FileLine, LinkedTicket, Mention, PersonShare, TicketCount, TicketLine, Totals};
use crate::{DecisionStatus, FileKind, Timestamp};

/// A pull request in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the pull request's own")]
pub struct PullRequestLine {
    pub repo: String,
    pub number: u64,
    pub title: String,
    pub state: String,
    pub opened: Timestamp,
    pub merged: Option<Timestamp>,
}

/// A page in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the page's own")]
pub struct PageLine {
    pub source: String,
    pub path: String,
    pub title: String,
    /// First line that mentions the subject, from 1.
    pub line: u32,
}

/// A decision record in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the decision's own")]
pub struct DecisionLine {
    /// `SOURCE/NUMBER`, or `SOURCE/PATH` where there is no number or several records share it.
    pub id: String,
    pub number: Option<u32>,
    pub title: String,
    pub status: DecisionStatus,
    /// As written.
    pub status_text: String,
    pub date: Option<String>,
    pub source: String,
    pub path: String,
    /// Ids of the records that this one replaces.
    pub supersedes: Vec<String>,
    /// Ids of the records that replace this one.
    pub superseded_by: Vec<String>,
    /// Known tickets that it refers to.
    pub tickets: Vec<String>,
    /// Commits that it refers to.
    pub commits: Vec<CommitLine>,
}

/// Decision records, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Decisions {
    /// One page.
    #[serde(flatten)]
    pub page: Page<DecisionLine>,
    /// By status.
    pub by_status: super::Counts,
}

/// One decision record with what is around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionDetail {
    /// The record.
    pub decision: DecisionLine,
    /// Non-merge commits that changed its page, newest first.
    pub history: Vec<CommitLine>,
    /// Known tickets with their state.
    pub tickets: Vec<TicketCount>,
}

/// What happened at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// `created`, `commit`, `review`, `pull_request_opened`, `pull_request_merged`, `page`, `decision`, `resolved`.
    pub kind: &'static str,
    /// In words.
    pub title: String,
    /// Key, sha, page or decision that it is about.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// The whole story of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TicketRelations {
    /// The ticket.
    pub ticket: TicketLine,
    /// Commits that refer to it, newest first.
    pub commits: Vec<CommitLine>,
    /// Pull requests that refer to it.
    pub pull_requests: Vec<PullRequestLine>,
    /// Pages that mention it.
    pub documents: Vec<PageLine>,
    /// Files that its commits change.
    pub files: Vec<FileLine>,
    /// Who made its commits.
    pub developers: Vec<PersonShare>,
    /// Decision records that refer to it.
    pub decisions: Vec<DecisionLine>,
    /// Linked tickets.
    pub links: Vec<LinkedTicket>,
    /// Tickets whose description or comments mention it.
    pub mentioned_in: Vec<Mention>,
    /// Oldest first.
    pub timeline: Vec<Event>,
    /// Sizes of the lists above.
    pub totals: Totals,
}

/// A person and every address that they are known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the person's own")]
pub struct Person {
    pub name: String,
    pub emails: Vec<String>,
    pub bot: bool,
}

/// A person's work in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PersonStats {
    /// Non-merge commits as author or co-author.
    pub commits: u64,
    /// Pull requests opened.
    pub pull_requests: u64,
    /// Commits credited with a review.
    pub reviews: u64,
    /// Distinct tickets that the commits refer to.
    pub tickets: u64,
    /// Distinct files changed.
    pub files: u64,
    /// Lines added.
    pub additions: u64,
    /// Lines deleted.
    pub deletions: u64,
    /// The first commit's time.
    pub first: Option<Timestamp>,
    /// The last commit's time.
    pub last: Option<Timestamp>,
}

/// A folder with its share of a person's changes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Area {
    /// The folder, at most two levels deep; `.` for the root.
    pub path: String,
    /// Share of the person's file changes, 0–1.
    pub share: f64,
}

/// The whole story of a developer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeveloperRelations {
    /// The person.
    pub person: Person,
    /// In numbers.
    pub stats: PersonStats,
    /// Tickets, most commits first.
    pub tickets: Vec<TicketCount>,
    /// Files, most commits first.
    pub files: Vec<FileLine>,
    /// Where they work.
    pub areas: Vec<Area>,
    /// Newest first.
    pub timeline: Vec<Event>,
    /// Sizes of the lists above.
    pub totals: Totals,
}

/// The whole story of a file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FileRelations {
    /// The path asked for.
    pub path: String,
    /// Its repository.
    pub repo: String,
    /// Its kind.
    pub kind: FileKind,
    /// Whether the branch's tip has it.
    pub exists: bool,
    /// Non-merge commits that changed it under all its names, newest first.
    pub commits: Vec<CommitLine>,
    /// Who made them.
    pub developers: Vec<PersonShare>,
    /// Tickets that they refer to.
    pub tickets: Vec<TicketCount>,
    /// The first.
    pub first: Option<CommitLine>,
    /// The last.
    pub last: Option<CommitLine>,
    /// Earlier paths, latest first.
    pub renamed_from: Vec<String>,
    /// Sizes of the lists above.
    pub totals: Totals,
}

/// A repository in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RepositoryStats {
    /// Commits, merges included.
    pub commits: u64,
    /// Merges among them.
    pub merges: u64,
    /// People who authored a non-merge commit.
    pub authors: u64,
    /// Lines added by non-merge commits.
    pub additions: u64,
    /// Lines deleted by non-merge commits.
    pub deletions: u64,
    /// Files at the branch's tip.
    pub files: u64,
    /// The first commit's time.
    pub first: Option<Timestamp>,
    /// The last commit's time.
    pub last: Option<Timestamp>,
}

/// Commits of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MonthActivity {
    /// `2024-05`.
    pub month: String,
    /// Commits, merges included.
    pub commits: u64,
}

/// The whole story of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RepositoryRelations {
    /// Its name.
    pub repository: String,
    /// In numbers.
    pub stats: RepositoryStats,
    /// Most commits first.
    pub top_contributors: Vec<PersonShare>,
    /// Most commits first.
    pub tickets: Vec<TicketCount>,
    /// Oldest first, months without commits included between the first and the last.
    pub activity: Vec<MonthActivity>,
    /// Sizes of the lists above.
    pub totals: Totals,
}

/// Something that a text search over the graph found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Match {
    /// `ticket`, `commit`, `file`, `person`, `page`, `decision`, `repository`.
    pub kind: &'static str,
    /// Key, sha, path, address: what the commands take.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Summary, subject, title or name.
    pub title: String,
    /// The time that it was last touched.
    pub time: Option<Timestamp>,
}

/// What a text search over the graph found: names and titles that contain every word.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Matches {
    /// The text.
    pub query: String,
    /// Exact names first, then newest.
    #[serde(flatten)]
    pub page: Page<Match>,
    /// By kind.
    pub by_kind: super::Counts,
}
