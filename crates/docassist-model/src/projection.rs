//! The stream of records from which projections (the graph, the search index) are built: a store reads its records
//! into a [`RecordSink`], in the order of the methods below, and borrows every text so that nothing is copied twice.

use crate::{ChangeStatus, CreditRole, Decision, FileKind, LinkDirection, Page, StatusCategory, Timestamp};

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, schemars::JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A git repository.
    Git,
    /// A tracker's export.
    Tickets,
    /// A folder of pages.
    Docs,
}

impl SourceKind {
    /// Its name in commands and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Tickets => "tickets",
            Self::Docs => "docs",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Git, Self::Tickets, Self::Docs].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A source's number in its store; never used again after it was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A connected source.
#[derive(Debug, Clone, Copy)]
pub struct SourceRow<'a> {
    /// Its number.
    pub id: SourceId,
    /// What it is.
    pub kind: SourceKind,
    /// Its name, unique in the organisation.
    pub name: &'a str,
    /// Ticket project prefixes named by the user for it (`--project`), upper case.
    pub projects: &'a [String],
    /// What could not be seen of it.
    pub notes: &'a [String],
    /// Whether a sync of it was interrupted, so that records are missing.
    pub interrupted: bool,
    /// Whether a sync of it ever ended.
    pub synced: bool,
}

/// A name and address as recorded in commits of one source, with what `.mailmap` makes of it.
#[derive(Debug, Clone, Copy)]
pub struct IdentityRow<'a> {
    /// Its number, which commit rows use. Numbers are small and dense.
    pub id: u32,
    /// The name after `.mailmap`.
    pub name: &'a str,
    /// The address after `.mailmap`.
    pub email: &'a str,
}

/// A path that a repository has, or once had.
#[derive(Debug, Clone, Copy)]
pub struct PathRow<'a> {
    /// Its number, which change and file rows use. Numbers are small and dense, and unique over all sources.
    pub id: u32,
    /// The repository.
    pub source: SourceId,
    /// The path from the root.
    pub path: &'a str,
}

/// A file at the tip of a repository's branch.
#[derive(Debug, Clone, Copy)]
pub struct FileRow {
    /// The number of its path.
    pub path: u32,
    /// Its kind by path, attributes and content.
    pub kind: FileKind,
    /// Size in bytes.
    pub size: u64,
}

/// One changed file of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeRow {
    /// The number of its path.
    pub path: u32,
    /// The number of the path before a rename.
    pub from: Option<u32>,
    /// What happened.
    pub status: ChangeStatus,
    /// Whether it has no lines.
    pub binary: bool,
    /// Lines added.
    pub additions: u32,
    /// Lines deleted.
    pub deletions: u32,
}

/// A commit that is part of the synced branch.
#[derive(Debug, Clone, Copy)]
pub struct CommitRow<'a> {
    /// The repository.
    pub source: SourceId,
    /// Its object name, raw: 20 or 32 bytes.
    pub id: &'a [u8],
    /// Number of parents.
    pub parents: u32,
    /// Number of the author's identity.
    pub author: u32,
    /// When it was written.
    pub authored: Timestamp,
    /// When it was committed.
    pub time: Timestamp,
    /// First line of the message.
    pub subject: &'a str,
    /// Whether the message takes an earlier commit back.
    pub revert: bool,
    /// Ticket key candidates of the first line, upper case, separated by spaces, each once.
    pub subject_keys: &'a str,
    /// Ticket key candidates of the rest of the message that the first line does not have, in the same form.
    pub body_keys: &'a str,
    /// People named in trailers: role and identity number.
    pub credits: &'a [(CreditRole, u32)],
    /// Changed files; empty for merges.
    pub changes: &'a [ChangeRow],
}

/// A ticket without its long texts.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the fields are those of `Ticket`")]
pub struct TicketRow<'a> {
    pub source: SourceId,
    pub key: &'a str,
    pub summary: &'a str,
    pub type_name: &'a str,
    pub status: &'a str,
    pub category: StatusCategory,
    pub priority: Option<&'a str>,
    pub assignee: Option<&'a str>,
    pub reporter: Option<&'a str>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub resolved: Option<Timestamp>,
    pub resolution: Option<&'a str>,
    pub parent: Option<&'a str>,
    pub epic: Option<&'a str>,
    /// Link type, direction, other key.
    pub links: &'a [(String, LinkDirection, String)],
    /// Ticket key candidates of description and comments, upper case, separated by spaces, each once, without its own.
    pub mentions: &'a str,
}

/// Receives an organisation's records, each kind whole before the next: sources, identities, paths, files, commits
/// (in any order), tickets, pages, decisions.
pub trait RecordSink {
    /// A connected source.
    fn source(&mut self, row: &SourceRow<'_>);
    /// A person's name and address.
    fn identity(&mut self, row: &IdentityRow<'_>);
    /// A path.
    fn path(&mut self, row: &PathRow<'_>);
    /// A file at the tip.
    fn file(&mut self, row: &FileRow);
    /// A commit.
    fn commit(&mut self, row: &CommitRow<'_>);
    /// A ticket.
    fn ticket(&mut self, row: &TicketRow<'_>);
    /// A page; its `text` is empty.
    fn page(&mut self, source: SourceId, page: &Page);
    /// A decision record.
    fn decision(&mut self, source: SourceId, decision: &Decision);
}
