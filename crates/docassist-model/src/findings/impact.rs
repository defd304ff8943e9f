//! Impact analyses: what a file, ticket, commit or diff touches, its risk, and who should review it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Counts;
use super::gaps::CommitLine;
use crate::{FileKind, ObjectId, Timestamp};

/// How many entries each list of an answer has in all, by the list's name: lists may be cut, totals are not.
pub type Totals = BTreeMap<&'static str, u64>;

/// A ticket with the number of commits that join it to the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the ticket's own")]
pub struct TicketCount {
    pub key: String,
    /// `None` for a reference to a ticket that is not known.
    pub summary: Option<String>,
    pub status: Option<String>,
    /// Commits of the subject that refer to it.
    pub commits: u64,
}

/// A person's part in the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the person's own")]
pub struct PersonShare {
    pub name: String,
    pub email: String,
    /// Non-merge commits, as author or co-author.
    pub commits: u64,
    /// Lines added and deleted in them.
    pub lines: u64,
    /// The latest of them.
    pub last: Option<Timestamp>,
}

/// A file that changes together with the subject.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CoChange {
    /// The other file.
    pub path: String,
    /// Non-merge commits of at most 50 files that touch both.
    pub together: u64,
    /// `together` ÷ such commits that touch the subject.
    pub confidence: f64,
}

/// A file that uses the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dependent {
    /// The using file.
    pub path: String,
    /// How: the import as written.
    pub via: String,
}

/// A place in a page that names the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DocumentMention {
    /// `source:path` of the page where it is not the subject's repository, else its path.
    pub page: String,
    /// Line, from 1.
    pub line: u32,
    /// The changed file that it names; for a file's own impact, that file.
    pub path: String,
}

/// Somebody who should review.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the person's own")]
pub struct Reviewer {
    pub name: String,
    pub email: String,
    /// 0–1; the best candidate of an answer that rests on full evidence has the highest.
    pub score: f64,
    /// Why, in words with numbers.
    pub reasons: Vec<String>,
}

/// The level of a risk score: low < 25 ≤ medium < 50 ≤ high < 75 ≤ critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "named by their bounds above")]
pub enum Level {
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    /// The level of a score of 0–100.
    #[must_use]
    pub const fn of(score: u8) -> Self {
        match score {
            0..25 => Self::Low,
            25..50 => Self::Medium,
            50..75 => Self::High,
            _ => Self::Critical,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One reason for a risk score.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RiskFactor {
    /// A stable name.
    pub name: &'static str,
    /// The points that it adds; the score is their rounded sum.
    pub value: f64,
    /// The observation behind it.
    pub why: String,
}

/// How likely a change here is to do harm.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Risk {
    /// 0–100: the rounded sum of the factors.
    pub score: u8,
    /// The band that the score is in.
    pub level: Level,
    /// Largest first.
    pub factors: Vec<RiskFactor>,
}

/// What a file touches.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FileImpact {
    /// The path asked for.
    pub path: String,
    /// Its repository.
    pub repo: String,
    /// Its kind.
    pub kind: FileKind,
    /// Whether the branch's tip has it.
    pub exists: bool,
    /// Earlier paths, latest first.
    pub renamed_from: Vec<String>,
    /// Non-merge commits that changed it, under all its names.
    pub commits: u64,
    /// The first of them.
    pub first: Option<CommitLine>,
    /// The last of them.
    pub last: Option<CommitLine>,
    /// Tickets that those commits refer to, most commits first.
    pub tickets: Vec<TicketCount>,
    /// Who made them, most commits first.
    pub people: Vec<PersonShare>,
    /// What changes with it.
    pub co_changed: Vec<CoChange>,
    /// What uses it.
    pub dependents: Vec<Dependent>,
    /// Pages that name it.
    pub documents: Vec<DocumentMention>,
    /// Who should review a change to it.
    pub reviewers: Vec<Reviewer>,
    /// The risk of changing it.
    pub risk: Risk,
    /// Sizes of the lists above.
    pub totals: Totals,
}

/// A ticket in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the ticket's own")]
pub struct TicketLine {
    pub key: String,
    #[serde(rename = "type")]
    pub type_name: String,
    pub summary: String,
    pub status: String,
    pub priority: Option<String>,
    pub assignee: Option<String>,
    pub reporter: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub resolved: Option<Timestamp>,
    pub resolution: Option<String>,
    pub parent: Option<String>,
    pub epic: Option<String>,
}

/// A file with what was done to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the file's own")]
pub struct FileLine {
    pub path: String,
    pub repo: String,
    pub kind: FileKind,
    /// Commits of the subject that changed it.
    pub commits: u64,
    pub additions: u64,
    pub deletions: u64,
}

/// A link between tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LinkedTicket {
    /// The other ticket.
    pub key: String,
    /// The link's type name; `Parent`, `Child`, `Epic`, `In epic` for those relations.
    #[serde(rename = "type")]
    pub kind: String,
    /// `outward`, `inward`.
    pub direction: &'static str,
    /// `None` if the other is not known.
    pub summary: Option<String>,
    /// `None` if the other is not known.
    pub status: Option<String>,
}

/// A ticket like the subject.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the ticket's own")]
pub struct SimilarTicket {
    pub key: String,
    pub summary: String,
    pub score: f64,
}

/// Where a ticket is mentioned other than in commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mention {
    /// `ticket`, `page` or `decision`.
    pub kind: &'static str,
    /// The key, `source:path`, or decision id.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Summary or title.
    pub title: String,
}

/// How far a ticket's work reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BlastRadius {
    /// The band of files, areas and lines together.
    pub level: Level,
    /// Distinct files changed.
    pub files: u64,
    /// Lines added and deleted.
    pub lines: u64,
    /// Distinct folders (two levels deep) changed, most files first.
    pub areas: Vec<String>,
}

/// What a ticket touches.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TicketImpact {
    /// The ticket.
    pub ticket: TicketLine,
    /// Whether a commit refers to it.
    pub implemented: bool,
    /// Commits that refer to it, newest first.
    pub commits: Vec<CommitLine>,
    /// Files that they change, most lines first.
    pub files: Vec<FileLine>,
    /// Lines added by them.
    pub additions: u64,
    /// Lines deleted by them.
    pub deletions: u64,
    /// Tickets like it.
    pub similar: Vec<SimilarTicket>,
    /// Tickets linked with it.
    pub linked: Vec<LinkedTicket>,
    /// Tickets, pages and decisions that mention it.
    pub mentioned_in: Vec<Mention>,
    /// Who made the commits.
    pub people: Vec<PersonShare>,
    /// How far it reaches.
    pub blast_radius: BlastRadius,
    /// Sizes of the lists above.
    pub totals: Totals,
}

/// A changed file of a commit or diff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the change's own")]
pub struct ChangedFile {
    pub path: String,
    /// The path before a rename.
    pub from: Option<String>,
    pub kind: FileKind,
    /// Git's letter: `A M D R T`.
    pub status: char,
    pub additions: u64,
    pub deletions: u64,
    pub binary: bool,
}

/// A file that usually changes with those of a change, and did not.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MissingCoChange {
    /// The file that is missing.
    pub path: String,
    /// The changed file that it goes with.
    pub with: String,
    /// Commits that touched both.
    pub together: u64,
    /// `together` ÷ commits that touched `with`.
    pub confidence: f64,
}

/// What a change touches: a commit's, or one not committed yet.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChangeImpact {
    /// The repository.
    pub repo: String,
    /// Changed files in git's order.
    pub files: Vec<ChangedFile>,
    /// Number of files by kind.
    pub by_kind: Counts,
    /// Lines added.
    pub additions: u64,
    /// Lines deleted.
    pub deletions: u64,
    /// Tickets: those the message refers to, or for a diff those that the files' history refers to most.
    pub tickets: Vec<TicketCount>,
    /// Files that usually change with these and did not.
    pub co_change_missing: Vec<MissingCoChange>,
    /// Files outside the change that use changed ones.
    pub dependents: Vec<Dependent>,
    /// Pages that name changed files.
    pub documents: Vec<DocumentMention>,
    /// Who should review it.
    pub reviewers: Vec<Reviewer>,
    /// Its risk.
    pub risk: Risk,
    /// Sizes of the lists above.
    pub totals: Totals,
}

/// What a commit touches.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CommitImpact {
    /// Its name.
    pub sha: ObjectId,
    /// First line of its message.
    pub subject: String,
    /// `Name <email>`.
    pub author: String,
    /// When it was committed.
    pub time: Timestamp,
    /// When it was written.
    pub authored: Timestamp,
    /// Whether it has more than one parent; then its changes are those of its parents' commits and not listed.
    pub merge: bool,
    /// What it changes.
    #[serde(flatten)]
    pub change: ChangeImpact,
}

/// What a diff touches.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DiffImpact {
    /// What was compared: `HEAD and the working tree`, `main..HEAD`.
    pub range: String,
    /// What it changes.
    #[serde(flatten)]
    pub change: ChangeImpact,
}

/// Who should review a change to the given files.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Reviewers {
    /// The files asked for.
    pub paths: Vec<String>,
    /// Their repository.
    pub repo: String,
    /// Whom the change is by, who is left out.
    pub author: Option<String>,
    /// Best first.
    pub reviewers: Vec<Reviewer>,
    /// Sizes of the lists above.
    pub totals: Totals,
}
