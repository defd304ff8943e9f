//! An organisation's records read whole and from one state: all that another store needs to hold the same.
//!
//! [`Store::project`](crate::Store::project) gives what a graph is made of, in the store's own numbers; this gives records
//! as they once came from their sources, so that they can be written again by a [`Writer`](crate::Writer) of any backend.

use docassist_model::projection::ChangeRow;
use docassist_model::{
    Commit, Credit, CreditRole, Decision, FileChange, FileEntry, Identity, ObjectId, Page, RecordSink, SourceId,
    Ticket, TicketKey,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::encoding::{self, Malformed};
use crate::{Result, Source};

/// Commits that are handed on at a time: what a [`Writer`](crate::Writer) stages at a time.
pub(crate) const BATCH: usize = 1_000;

/// What a document is among a source's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// A commit.
    Commit,
    /// A ticket.
    Ticket,
    /// A page.
    Page,
    /// A decision record: what was understood of a page.
    Decision,
}

/// A document and a number that changes when its content does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentRow<'a> {
    /// What it is.
    pub kind: DocumentKind,
    /// The hexadecimal name of a commit, the key of a ticket, the path of a page or of a decision record's page.
    pub key: &'a str,
    /// Of a commit: its name and its author as `.mailmap` has it; of the others: everything that is stored. Made of
    /// SHA-256, so that equal documents have equal ones in every store, whichever process wrote them and whenever.
    pub fingerprint: u64,
}

/// One state of an organisation's records. What a sync under way has staged, and what stands in for a source that is read
/// anew, is no part of it.
///
/// The order of calls is the caller's. In memory are a batch of commits or one ticket, and of a source the names of its
/// people and paths; files, pages and decisions come whole, as [`GitFinish`](crate::GitFinish) takes them.
///
/// # Errors
/// Those of [`Store`](crate::Store), and what `take` returns.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Reading {
    /// The number of this state.
    fn sequence(&self) -> u64;

    /// The sources, in the order in which they were connected.
    fn sources(&self) -> &[Source];

    /// The visible commits of a source, in the order in which they were staged.
    fn commits(&mut self, source: SourceId, take: &mut dyn FnMut(&[Commit]) -> Result<()>) -> Result<()>;

    /// The identities of a source's commits as recorded, and what `.mailmap` made of each.
    fn identities(&mut self, source: SourceId) -> Result<Vec<(Identity, Identity)>>;

    /// The files at the tip.
    fn files(&mut self, source: SourceId) -> Result<Vec<FileEntry>>;

    /// The pages with their texts, in the order of their paths.
    fn pages(&mut self, source: SourceId) -> Result<Vec<Page>>;

    /// The decision records, in their order.
    fn decisions(&mut self, source: SourceId) -> Result<Vec<Decision>>;

    /// The tickets of a source, whole.
    fn tickets(&mut self, source: SourceId, take: &mut dyn FnMut(&Ticket) -> Result<()>) -> Result<()>;

    /// What documents a source has, each with its fingerprint, in any order: whoever keeps something about documents
    /// compares it with what was before, and reads those that differ. Parses none; about a second for 140,000 commits and
    /// 90,000 tickets.
    fn documents(&mut self, source: SourceId, take: &mut dyn FnMut(DocumentRow<'_>)) -> Result<()>;

    /// Those of the named commits that are visible, whole and each once, in any order. O(log n) for each; any number may
    /// be named at once.
    fn commits_of(
        &mut self,
        source: SourceId,
        ids: &[ObjectId],
        take: &mut dyn FnMut(&Commit) -> Result<()>,
    ) -> Result<()>;

    /// The same of tickets. Those of other sources are passed over.
    fn tickets_of(
        &mut self,
        source: SourceId,
        keys: &[TicketKey],
        take: &mut dyn FnMut(&Ticket) -> Result<()>,
    ) -> Result<()>;

    /// The same of pages, with their texts.
    fn pages_of(&mut self, source: SourceId, paths: &[String], take: &mut dyn FnMut(&Page) -> Result<()>)
    -> Result<()>;

    /// The same state as [`Store::project`](crate::Store::project) gives it.
    fn project(&mut self, sink: &mut dyn RecordSink) -> Result<u64>;
}

/// What the numbers in a source's commits stand for.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) identities: FxHashMap<u32, Identity>,
    pub(crate) paths: FxHashMap<u32, Box<str>>,
    credits: Vec<(CreditRole, u32)>,
    changes: Vec<ChangeRow>,
}

/// Numbers whose names are to be looked up.
#[derive(Default)]
pub(crate) struct Unknown {
    pub(crate) identities: FxHashSet<u32>,
    pub(crate) paths: FxHashSet<u32>,
}

impl Names {
    /// The identity of a number.
    pub(crate) fn identity(&self, number: u32) -> Result<Identity, Malformed> {
        self.identities.get(&number).cloned().ok_or(Malformed)
    }

    fn path(&self, number: u32) -> Result<String, Malformed> {
        self.paths.get(&number).map(|path| (**path).to_owned()).ok_or(Malformed)
    }

    /// The numbers of a commit that are not known here yet, to be looked up: of identities and of paths.
    pub(crate) fn unknown(
        &mut self,
        people: [u32; 2],
        credits: &[u8],
        changes: &[u8],
        unknown: &mut Unknown,
    ) -> Result<(), Malformed> {
        encoding::credits(credits, &mut self.credits)?;
        let people = people.into_iter().chain(self.credits.iter().map(|(_, identity)| *identity));
        unknown.identities.extend(people.filter(|identity| !self.identities.contains_key(identity)));
        encoding::changes(changes, &mut self.changes)?;
        let paths = self.changes.iter().flat_map(|change| [Some(change.path), change.from]).flatten();
        unknown.paths.extend(paths.filter(|path| !self.paths.contains_key(path)));
        Ok(())
    }

    /// The credits of a commit.
    pub(crate) fn credits(&mut self, bytes: &[u8]) -> Result<Vec<Credit>, Malformed> {
        encoding::credits(bytes, &mut self.credits)?;
        let credit = |&(role, number): &(CreditRole, u32)| Ok(Credit { role, identity: self.identity(number)? });
        self.credits.iter().map(credit).collect()
    }

    /// The changes of a commit.
    pub(crate) fn changes(&mut self, bytes: &[u8]) -> Result<Vec<FileChange>, Malformed> {
        encoding::changes(bytes, &mut self.changes)?;
        let change = |row: &ChangeRow| {
            Ok(FileChange {
                path: self.path(row.path)?,
                from: row.from.map(|from| self.path(from)).transpose()?,
                status: row.status,
                additions: row.additions,
                deletions: row.deletions,
                binary: row.binary,
            })
        };
        self.changes.iter().map(change).collect()
    }
}
