//! The operations that every backend has.

use std::time::Duration;

use docassist_model::{
    Commit, Decision, ObjectId, OrgSlug, Page, RecordSink, SourceId, SourceKind, TenantScope, Ticket, TicketKey,
};
use serde_json::Value;

use crate::{
    BoxError, DocsFinish, FeedEnd, GitFinish, Outcome, Reading, Result, Source, StoreError, TicketImport,
    TicketOutcome, VectorStore,
};

/// The records of organisations. Reading needs no lock and never waits for a writer; an organisation that was never
/// written has sequence 0 and no records, and reading it creates nothing.
///
/// Every method fails with [`StoreError::Newer`] or [`StoreError::Damaged`] where the data cannot be used, and with the
/// environment's errors.
pub trait Store: VectorStore {
    /// The number of changes so far: +1 with every finished sync that changed something and every removal of a source.
    /// Equal numbers mean equal visible records. (Whether a source is `interrupted` is no record and may differ.)
    ///
    /// Cheap enough to be asked several times a second for a thousand organisations: while nothing is written it reads
    /// no records.
    ///
    /// # Errors
    /// See [`Store`].
    fn sequence(&self, scope: &TenantScope) -> Result<u64>;

    /// The sequences of several organisations, in their order: one question to a database that serves many.
    ///
    /// # Errors
    /// See [`Store`].
    fn sequences(&self, scopes: &[TenantScope]) -> Result<Vec<u64>> {
        scopes.iter().map(|scope| self.sequence(scope)).collect()
    }

    /// The connected sources, in the order of their names. Takes a few milliseconds per 100,000 records (it counts).
    ///
    /// # Errors
    /// See [`Store`].
    fn sources(&self, scope: &TenantScope) -> Result<Vec<Source>>;

    /// Streams all visible records into `sink` from one consistent state and returns the sequence number of that
    /// state. Identities and paths may include some that no visible record uses.
    ///
    /// # Errors
    /// See [`Store`]. `sink` has then received a part and is of no use.
    fn project(&self, scope: &TenantScope, sink: &mut dyn RecordSink) -> Result<u64>;

    /// Calls `read` once with all visible records in one consistent state, which others do not change meanwhile; returns
    /// false, without calling it, where the organisation was never written.
    ///
    /// # Errors
    /// What `read` returns; see also [`Store`].
    fn read_whole(&self, scope: &TenantScope, read: &mut dyn FnMut(&mut dyn Reading) -> Result<()>) -> Result<bool>;

    /// The organisations that were ever written, in the order of their names.
    ///
    /// For whoever has the store itself (a backup, a copy of everything): it is the one question that is about no
    /// organisation, so that no scope can answer for it, and it gives nothing but names. To touch one of them takes a scope
    /// like everything else.
    ///
    /// # Errors
    /// See [`Store`].
    fn organisations(&self) -> Result<Vec<OrgSlug>>;

    /// The organisation's writer, exclusive between threads and processes until it is dropped. `purpose` ("sync git
    /// kafka") is shown to others that wait. Waits at most `wait`; `cancel` is asked about every 50 ms. A writer that
    /// dies frees the organisation.
    ///
    /// # Errors
    /// [`StoreError::Busy`] after `wait`, [`StoreError::Cancelled`]; see also [`Store`].
    fn writer(
        &self,
        scope: &TenantScope,
        purpose: &str,
        wait: Duration,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Writer + '_>>;

    /// A ticket with all its texts.
    ///
    /// # Errors
    /// See [`Store`].
    fn ticket(&self, scope: &TenantScope, key: &TicketKey) -> Result<Option<Ticket>>;

    /// A page with its text.
    ///
    /// # Errors
    /// See [`Store`].
    fn page(&self, scope: &TenantScope, source: &str, path: &str) -> Result<Option<Page>>;

    /// The whole message of a visible commit.
    ///
    /// # Errors
    /// See [`Store`].
    fn commit_message(&self, scope: &TenantScope, source: &str, id: &ObjectId) -> Result<Option<String>>;

    /// Removes the organisation's records, and everything else that is kept beside them (vectors, clones, uploads). Afterwards it
    /// reads as never written: its sequence begins anew, so whoever remembers something by sequence has to forget it.
    /// Nothing happens where there is nothing.
    ///
    /// Whoever is in the midst of reading, here or in another process, reads on in the state from before and ends; the
    /// next read sees that there is nothing. A writer is waited for a few seconds; one that waits itself then writes a
    /// new organisation. Killed half-way, the organisation is there as a whole or not at all, and what is left on the
    /// disk goes with the next removal.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where a writer does not end in time; see also [`Store`].
    fn remove_org(&self, scope: &TenantScope) -> Result<()>;

    /// Where the organisation's records are, for people to read. No secrets.
    fn location(&self, scope: &TenantScope) -> String;

    /// Bytes that the organisation's records take on disk.
    ///
    /// # Errors
    /// See [`Store`].
    fn bytes(&self, scope: &TenantScope) -> Result<u64>;
}

/// Takes an organisation's changes. Every method is one transaction: it happens as a whole or not at all, also when the
/// process is killed. What a `finish_…`, `import_…` or `remove_…` did has reached the disk when it returns.
///
/// # Errors
/// Every method that names a source fails with [`StoreError::UnknownSource`] where there is none, and those for one
/// kind of source with [`StoreError::KindMismatch`] for others; see also [`Store`].
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Writer: Send {
    /// The source of that name; created where there is none (it then counts as interrupted until its first sync ends).
    /// The location of one that exists changes when its sync ends.
    ///
    /// # Errors
    /// [`StoreError::KindMismatch`] where one of another kind has the name.
    fn source(&mut self, kind: SourceKind, name: &str, location: &str) -> Result<Source>;

    /// A source that stands in for the repository `source` while that is read anew. Readers see `source` as it was, and
    /// nothing of the shadow, until [`Writer::finish_git`] of the shadow puts it in the place of `source`, under its
    /// name, in one transaction; the sequence moves by one, and the [`Outcome`] is that of a first sync: everything that
    /// was read counts as added.
    ///
    /// One that was begun and not finished is returned again, so that an interrupted reading goes on, if its `terms`
    /// (such as the reader's version; they are its cursor until it ends) are the same; otherwise a new one is begun.
    /// It goes with its source, and when a sync of the source itself ends.
    fn shadow(&mut self, source: SourceId, terms: &Value) -> Result<Source>;

    /// Removes a source and all its records; the sequence moves.
    fn remove_source(&mut self, source: SourceId) -> Result<()>;

    /// Whether a commit is visible or staged. O(log n).
    fn known_commit(&self, source: SourceId, id: &ObjectId) -> Result<bool>;

    /// All visible and staged commits with their parents, in the order in which they were staged.
    fn commit_graph(&self, source: SourceId) -> Result<Vec<(ObjectId, Vec<ObjectId>)>>;

    /// Whether commits wait for their sync to end.
    fn has_staged(&self, source: SourceId) -> Result<bool>;

    /// The decision records of a source.
    fn decisions(&self, source: SourceId) -> Result<Vec<Decision>>;

    /// Keeps commits for the sync under way; they stay invisible until [`Writer::finish_git`]. Known ones are left as
    /// they are. Callers stage parents before children, so that what is staged is closed under parents and a sync
    /// that was killed goes on from there. Returns how many were new.
    ///
    /// A batch survives the death of the process at once, and a loss of power once the sync has finished: until then
    /// it can be read again from its source. Batches of about a thousand are fast and bound the memory.
    fn stage_commits(&mut self, source: SourceId, commits: &[Commit]) -> Result<u64>;

    /// Ends a repository's sync: staged commits become visible, removed ones go, files, pages, decisions and
    /// identities are brought up to date. Where nothing differs from before, the sequence stays and only `synced` moves.
    fn finish_git(&mut self, source: SourceId, finish: GitFinish<'_>) -> Result<Outcome>;

    /// Imports tickets: calls `feed` once with a sink that takes any number of them, one in memory at a time.
    ///
    /// A key that another source had becomes this source's. The last of several tickets with the same key wins. Where
    /// nothing differs from before (the same file again), the sequence stays and only `synced` moves.
    ///
    /// # Errors
    /// [`StoreError::Feed`] with the error that `feed` returned; nothing is imported then. An error of the sink itself
    /// is returned as such, whatever `feed` makes of it.
    fn import_tickets(
        &mut self,
        source: SourceId,
        import: TicketImport<'_>,
        feed: &mut dyn FnMut(&mut dyn TicketSink) -> Result<FeedEnd, BoxError>,
    ) -> Result<TicketOutcome>;

    /// Ends a folder's sync. Where nothing differs from before, the sequence stays and only `synced` moves.
    fn finish_docs(&mut self, source: SourceId, finish: DocsFinish<'_>) -> Result<Outcome>;
}

/// Takes the tickets of an import.
pub trait TicketSink {
    /// Takes one ticket.
    ///
    /// # Errors
    /// The store's; the import is lost and `feed` should return.
    fn ticket(&mut self, ticket: &Ticket) -> Result<(), StoreError>;
}
