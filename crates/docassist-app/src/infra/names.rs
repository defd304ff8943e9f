//! What can be asked for by name: every record of the organisation that is measured with.

use docassist_model::projection::{CommitRow, FileRow, IdentityRow, PathRow, SourceRow, TicketRow};
use docassist_model::{Decision, ObjectId, Page, RecordSink, SourceId};
use rustc_hash::{FxHashMap, FxHashSet};

/// The names of records.
#[derive(Debug, Default)]
pub(super) struct Names {
    sources: FxHashMap<SourceId, String>,
    paths: FxHashMap<u32, (SourceId, String)>,
    known_people: FxHashSet<String>,
    /// Repository and object name.
    pub(super) commits: Vec<(SourceId, ObjectId)>,
    pub(super) tickets: Vec<String>,
    /// Source and path.
    pub(super) pages: Vec<(SourceId, String)>,
    /// Repository and path of files at the tip.
    pub(super) files: Vec<(SourceId, String)>,
    /// Addresses.
    pub(super) people: Vec<String>,
}

impl Names {
    /// The name of a source.
    pub(super) fn source(&self, id: SourceId) -> &str {
        self.sources.get(&id).map_or("", String::as_str)
    }
}

impl RecordSink for Names {
    fn source(&mut self, row: &SourceRow<'_>) {
        self.sources.insert(row.id, row.name.to_owned());
    }

    fn identity(&mut self, row: &IdentityRow<'_>) {
        // One person may have several identities.
        if !row.email.is_empty() && self.known_people.insert(row.email.to_owned()) {
            self.people.push(row.email.to_owned());
        }
    }

    fn path(&mut self, row: &PathRow<'_>) {
        self.paths.insert(row.id, (row.source, row.path.to_owned()));
    }

    fn file(&mut self, row: &FileRow) {
        if let Some((source, path)) = self.paths.get(&row.path) {
            self.files.push((*source, path.clone()));
        }
    }

    fn commit(&mut self, row: &CommitRow<'_>) {
        if let Some(id) = ObjectId::from_bytes(row.id) {
            self.commits.push((row.source, id));
        }
    }

    fn ticket(&mut self, row: &TicketRow<'_>) {
        self.tickets.push(row.key.to_owned());
    }

    fn page(&mut self, source: SourceId, page: &Page) {
        self.pages.push((source, page.path.clone()));
    }

    fn decision(&mut self, _: SourceId, _: &Decision) {}
}

/// Takes records and does nothing with them: what is left is the time of reading.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Nowhere;

impl RecordSink for Nowhere {
    fn source(&mut self, _: &SourceRow<'_>) {}
    fn identity(&mut self, _: &IdentityRow<'_>) {}
    fn path(&mut self, _: &PathRow<'_>) {}
    fn file(&mut self, _: &FileRow) {}
    fn commit(&mut self, _: &CommitRow<'_>) {}
    fn ticket(&mut self, _: &TicketRow<'_>) {}
    fn page(&mut self, _: SourceId, _: &Page) {}
    fn decision(&mut self, _: SourceId, _: &Decision) {}
}
