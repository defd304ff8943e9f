//! What goes into a store and what it tells of its sources.

use docassist_model::{Decision, FileEntry, Identity, ObjectId, Page, SourceId, SourceKind, Timestamp};
use serde_json::Value;

/// A connected source and the state of its last sync.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its number; never used again after it was removed.
    pub id: SourceId,
    /// What it is.
    pub kind: SourceKind,
    /// Its name, unique in the organisation.
    pub name: String,
    /// Where it is read from.
    pub location: String,
    /// Where the last sync ended, in the connector's own terms; `null` before the first one.
    pub cursor: Value,
    /// Ticket project prefixes named for it by the user, upper case.
    pub projects: Vec<String>,
    /// When the last sync ended; `None` before the first one.
    pub synced: Option<Timestamp>,
    /// The sequence number of the last change to its records; 0 before the first one.
    pub sequence: u64,
    /// What could not be seen of it.
    pub notes: Vec<String>,
    /// Whether no sync ever ended, or staged commits wait for theirs to end: a sync is under way or was interrupted.
    pub interrupted: bool,
    /// How much of it is visible.
    pub records: RecordCounts,
    /// Commits that wait for their sync to end.
    pub staged: u64,
    /// The newest commit's time, ticket's update or page's modification.
    pub newest: Option<Timestamp>,
}

/// Numbers of visible records by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RecordCounts {
    pub commits: u64,
    pub files: u64,
    pub tickets: u64,
    pub pages: u64,
    pub decisions: u64,
}

/// Changes to the files at a branch's tip.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileChanges<'a> {
    /// Whether `upserted` is the whole tree, so that every other file goes.
    pub replace_all: bool,
    /// Paths that are gone. Unknown ones are ignored.
    pub removed: &'a [String],
    /// New and changed files. Those that equal the stored ones are recognised, and no change.
    pub upserted: &'a [FileEntry],
}

/// Changes to the pages of a source.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageChanges<'a> {
    /// Whether `upserted` are all the pages, so that every other one goes.
    pub replace_all: bool,
    /// Paths of pages that are gone. Unknown ones are ignored.
    pub removed: &'a [String],
    /// New and changed pages. Those that equal the stored ones are recognised, and no change.
    pub upserted: &'a [Page],
}

/// The end of a repository's sync.
#[derive(Clone, Copy)]
pub struct GitFinish<'a> {
    /// Where it was read from.
    pub location: &'a str,
    /// Where the sync ended.
    pub cursor: &'a Value,
    /// When.
    pub synced: Timestamp,
    /// What could not be seen.
    pub notes: &'a [String],
    /// Commits that are no longer reachable, visible or staged: all that [`Writer::commit_graph`] lists and the branch
    /// does not reach, since every other staged commit becomes visible. Unknown ones are ignored.
    ///
    /// [`Writer::commit_graph`]: crate::Writer::commit_graph
    pub remove: &'a [ObjectId],
    /// The tree at the tip.
    pub files: FileChanges<'a>,
    /// The pages at the tip.
    pub pages: PageChanges<'a>,
    /// All decision records of the source; `None` leaves the stored ones.
    pub decisions: Option<&'a [Decision]>,
    /// What `.mailmap` makes of an identity; the identity itself without one. Applied to those that are new.
    pub canonical: &'a dyn Fn(&Identity) -> Identity,
    /// Whether `canonical` may differ from that of the last sync, so that it is applied to all identities.
    pub mailmap_changed: bool,
}

/// The end of a folder's sync.
#[derive(Debug, Clone, Copy)]
pub struct DocsFinish<'a> {
    /// Where it was read from.
    pub location: &'a str,
    /// Where the sync ended.
    pub cursor: &'a Value,
    /// When.
    pub synced: Timestamp,
    /// What could not be seen.
    pub notes: &'a [String],
    /// Its pages.
    pub pages: PageChanges<'a>,
    /// All decision records of the source; `None` leaves the stored ones.
    pub decisions: Option<&'a [Decision]>,
}

/// An import of tickets.
#[derive(Debug, Clone, Copy)]
pub struct TicketImport<'a> {
    /// Where they are read from.
    pub location: &'a str,
    /// Project prefixes named by the user, upper case; they replace the stored ones.
    pub projects: &'a [String],
    /// Whether tickets of this source that are not in the feed go.
    pub prune: bool,
    /// When.
    pub synced: Timestamp,
}

/// What a feed of tickets knows once it has ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedEnd {
    /// What could not be read.
    pub notes: Vec<String>,
    /// Where the import ended, in the connector's own terms.
    pub cursor: Value,
    /// Whether something could not be read: such a feed removes nothing, whatever it does not have.
    pub incomplete: bool,
}

/// What a finished sync did. `changed` tells whether the sequence moved: whether any record, the cursor or the notes
/// differ from before, or staged commits were decided on, or it was the source's first sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Outcome {
    /// The organisation's sequence afterwards.
    pub sequence: u64,
    /// Whether this sync moved it.
    pub changed: bool,
    pub commits_added: u64,
    pub commits_removed: u64,
    pub files_upserted: u64,
    pub files_removed: u64,
    pub pages_upserted: u64,
    pub pages_removed: u64,
    /// Whether the list of decision records differs.
    pub decisions_changed: bool,
    /// Identities whose canonical form is new or differs.
    pub identities_changed: u64,
}

/// What an import of tickets did, each key counted once by its state before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TicketOutcome {
    /// The organisation's sequence afterwards.
    pub sequence: u64,
    /// Whether this import moved it.
    pub changed: bool,
    pub added: u64,
    /// Content differs, or the ticket came from another source before.
    pub updated: u64,
    pub unchanged: u64,
    /// Pruned.
    pub removed: u64,
}
