//! Writing one store's records into another one.

use std::time::Duration;

use docassist_model::{Identity, Progress, SourceKind, TenantScope, Timestamp};
use rustc_hash::FxHashMap;

use crate::{
    DocsFinish, FeedEnd, FileChanges, GitFinish, PageChanges, Reading, RecordCounts, Result, Source, Store, StoreError,
    TicketImport, Writer,
};

/// The source that an organisation has while a copy into it is not finished. No user can give such a name; everybody sees
/// it, and that it never ended.
pub const UNFINISHED_COPY: &str = "(unfinished copy)";

/// Tickets between two looks at whether to stop.
const CHECK_EVERY: u64 = 256;

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Sources.
    pub sources: u64,
    /// Those of them that never finished a sync: they are there, and without records.
    pub unfinished: u64,
    /// Records.
    pub records: RecordCounts,
    /// Whether what another copy had left when it was interrupted was removed before.
    pub resumed: bool,
}

/// Writes all that `from` reads into the organisation `scope` of `to`, which must be empty unless `replace`.
///
/// The target has another sequence and other numbers, and equal records: its graph is the same. What it had before is
/// removed source by source and not as an organisation: its sequence goes on, so that nobody who remembers something by its
/// number takes old for new, and what is kept beside records stays. Readers of the target see the old records go and the
/// new ones come. A copy that was interrupted leaves [`UNFINISHED_COPY`], and the next one starts from the beginning.
///
/// # Errors
/// [`StoreError::Occupied`] where the target has records and may not be replaced, [`StoreError::UnfinishedCopy`] where `from`
/// is not whole itself, [`StoreError::Cancelled`], and both stores' errors.
pub fn copy(
    from: &mut dyn Reading,
    to: &dyn Store,
    scope: &TenantScope,
    replace: bool,
    wait: Duration,
    progress: &dyn Progress,
) -> Result<Copied> {
    if from.sources().iter().any(|source| source.name == UNFINISHED_COPY) {
        return Err(StoreError::UnfinishedCopy { location: format!("organisation {}", scope.org()) });
    }
    let mut writer = to.writer(scope, "store copy", wait, &|| progress.cancelled())?;
    let writer = writer.as_mut();
    // Whoever held the writer before has ended: nothing changes any more but by this copy.
    let before = to.sources(scope)?;
    let resumed = before.iter().any(|source| source.name == UNFINISHED_COPY);
    if !before.is_empty() && !resumed && !replace {
        return Err(StoreError::Occupied { location: to.location(scope) });
    }
    let mark = writer.source(SourceKind::Docs, UNFINISHED_COPY, "another store")?;
    for source in before.iter().filter(|source| source.name != UNFINISHED_COPY) {
        progress.phase(&format!("removing {}", source.name), None);
        check(progress)?;
        writer.remove_source(source.id)?;
    }
    let mut copied = Copied { resumed, ..Copied::default() };
    let sources = from.sources().to_vec();
    // All of them first, in the order in which they were connected: those whose turn never came show as unfinished.
    let targets: Vec<Source> = sources
        .iter()
        .map(|source| writer.source(source.kind, &source.name, &source.location))
        .collect::<Result<_>>()?;
    for (source, target) in sources.iter().zip(&targets) {
        copied.sources += 1;
        let Some(synced) = source.synced else {
            copied.unfinished += 1;
            continue;
        };
        let mut job = Job { from: &mut *from, writer: &mut *writer, source, target, progress };
        let counts = match source.kind {
            SourceKind::Git => job.git(synced)?,
            SourceKind::Tickets => job.tickets(synced)?,
            SourceKind::Docs => job.docs(synced)?,
        };
        copied.records.commits += counts.commits;
        copied.records.files += counts.files;
        copied.records.tickets += counts.tickets;
        copied.records.pages += counts.pages;
        copied.records.decisions += counts.decisions;
    }
    check(progress)?;
    writer.remove_source(mark.id)?;
    Ok(copied)
}

fn check(progress: &dyn Progress) -> Result<()> {
    if progress.cancelled() { Err(StoreError::Cancelled) } else { Ok(()) }
}

/// The copy of one source.
struct Job<'a> {
    from: &'a mut dyn Reading,
    writer: &'a mut dyn Writer,
    source: &'a Source,
    target: &'a Source,
    progress: &'a dyn Progress,
}

impl Job<'_> {
    fn phase(&self, what: &str, total: u64) {
        self.progress.phase(&format!("copying {what} of {}", self.source.name), Some(total));
    }

    fn git(&mut self, synced: Timestamp) -> Result<RecordCounts> {
        let (source, target, progress) = (self.source, self.target.id, self.progress);
        self.phase("commits", source.records.commits);
        let mut commits = 0;
        let writer = &mut *self.writer;
        self.from.commits(source.id, &mut |batch| {
            check(progress)?;
            commits += writer.stage_commits(target, batch)?;
            progress.advance(batch.len() as u64);
            Ok(())
        })?;
        self.phase("files and pages", source.records.files + source.records.pages);
        let canonical: FxHashMap<Identity, Identity> = self.from.identities(source.id)?.into_iter().collect();
        let files = self.from.files(source.id)?;
        let pages = self.from.pages(source.id)?;
        let decisions = self.from.decisions(source.id)?;
        check(progress)?;
        self.writer.finish_git(
            target,
            GitFinish {
                location: &source.location,
                cursor: &source.cursor,
                synced,
                notes: &source.notes,
                remove: &[],
                files: FileChanges { replace_all: true, removed: &[], upserted: &files },
                pages: PageChanges { replace_all: true, removed: &[], upserted: &pages },
                decisions: Some(&decisions),
                canonical: &|recorded| canonical.get(recorded).unwrap_or(recorded).clone(),
                mailmap_changed: true,
            },
        )?;
        Ok(RecordCounts {
            commits,
            files: files.len() as u64,
            pages: pages.len() as u64,
            decisions: decisions.len() as u64,
            ..RecordCounts::default()
        })
    }

    fn tickets(&mut self, synced: Timestamp) -> Result<RecordCounts> {
        let (source, progress) = (self.source, self.progress);
        self.phase("tickets", source.records.tickets);
        let import = TicketImport { location: &source.location, projects: &source.projects, prune: true, synced };
        let mut tickets = 0;
        let from = &mut *self.from;
        let imported = self.writer.import_tickets(self.target.id, import, &mut |sink| {
            from.tickets(source.id, &mut |ticket| {
                tickets += 1;
                if tickets % CHECK_EVERY == 0 {
                    check(progress)?;
                    progress.advance(CHECK_EVERY);
                }
                sink.ticket(ticket)
            })?;
            Ok(FeedEnd { notes: source.notes.clone(), cursor: source.cursor.clone(), incomplete: false })
        });
        match imported {
            Ok(_) => Ok(RecordCounts { tickets, ..RecordCounts::default() }),
            // What the reading of the other store said, not a failure of this one.
            Err(StoreError::Feed(error)) => Err(match error.downcast::<StoreError>() {
                Ok(own) => *own,
                Err(other) => StoreError::Feed(other),
            }),
            Err(error) => Err(error),
        }
    }

    fn docs(&mut self, synced: Timestamp) -> Result<RecordCounts> {
        let source = self.source;
        self.phase("pages", source.records.pages);
        let pages = self.from.pages(source.id)?;
        let decisions = self.from.decisions(source.id)?;
        check(self.progress)?;
        self.writer.finish_docs(
            self.target.id,
            DocsFinish {
                location: &source.location,
                cursor: &source.cursor,
                synced,
                notes: &source.notes,
                pages: PageChanges { replace_all: true, removed: &[], upserted: &pages },
                decisions: Some(&decisions),
            },
        )?;
        Ok(RecordCounts { pages: pages.len() as u64, decisions: decisions.len() as u64, ..RecordCounts::default() })
    }
}
