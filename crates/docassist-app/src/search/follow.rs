//! Bringing an organisation's index up to date with its records.
//!
//! The store says of every document a number that changes when it does; the index remembers the numbers that it was made of.
//! What differs is read, cut into passages and written, the rest is not touched. All of it is seen from one state of the
//! store, whose sequence the index then has.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};

use docassist_graph::Graph;
use docassist_model::{FileKind, Identity, ObjectId, Progress, SourceKind, TenantScope, TicketKey};
use docassist_search::index::{Entry, Index, IndexError, IndexedDocument, Selection, entries, replace_document};
use docassist_search::passage::{
    Budget, Origin, Passage, code_passages, commit_passages, decision_passages, page_passages, ticket_passages,
};
use docassist_sources::git::{GitRepository, TreeFile, is_remote};
use docassist_store::{DocumentKind, Reading, Source, Store, StoreError};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::AppError;

/// Raised when what passages are made of a document changes, so that all are made anew.
const CUTTING: u64 = 1;
/// Documents that are read from the store at a time.
const READ: usize = 512;
/// Passages that are written at a time.
const WRITE: usize = 512;
/// Batches that wait for the writer, so that a fast store does not fill memory.
const WAITING: usize = 3;

/// What following did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// Documents that are new or say something else.
    pub changed: u64,
    /// Documents that are gone.
    pub removed: u64,
    /// Why the index had to be built from the beginning, where it had been there before.
    pub rebuilt: Option<String>,
    /// What could not be indexed.
    pub notes: Vec<String>,
}

/// What a document is, in the low bits of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Commit,
    Ticket,
    Page,
    Decision,
    Code,
}

const TAG_BITS: u64 = 0b111;

impl Tag {
    fn of(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::Commit => Self::Commit,
            DocumentKind::Ticket => Self::Ticket,
            DocumentKind::Page => Self::Page,
            DocumentKind::Decision => Self::Decision,
        }
    }

    /// The number that the index remembers. The multiplication spreads what differs in few bits over those that are kept.
    fn stamp(self, fingerprint: u64) -> u64 {
        let mixed = (fingerprint ^ CUTTING).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)) & !TAG_BITS | self as u64
    }
}

/// A document that differs.
struct Changed {
    tag: Tag,
    key: String,
    stamp: u64,
}

/// What joins the parts: where records are, where passages go.
pub(super) struct Follower<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) index: &'a dyn Index,
    pub(super) scope: &'a TenantScope,
    /// The organisation's folder, with its clones.
    pub(super) folder: PathBuf,
    /// The graph, for when files were last changed; asked only where pages or code differ. It may be of a later state.
    pub(super) graph: &'a dyn Fn() -> Option<std::sync::Arc<Graph>>,
    pub(super) progress: &'a dyn Progress,
}

impl Follower<'_> {
    /// Brings the index to the store's present state. The caller makes sure that nobody else writes it.
    pub(super) fn run(&self) -> Result<Followed, AppError> {
        let position = self.index.position(self.scope)?;
        if position.sequence == Some(self.store.sequence(self.scope)?) {
            return Ok(Followed::default());
        }
        let mut followed = Followed { rebuilt: position.reason, ..Followed::default() };
        let mut failure = None;
        let there = self.store.read_whole(self.scope, &mut |reading| match self.bring(reading, &mut followed) {
            Ok(()) => Ok(()),
            Err(Stopped::Store(error)) => Err(error),
            Err(Stopped::Here(error)) => {
                failure = Some(error);
                Err(StoreError::Cancelled)
            }
        });
        match (failure, there) {
            (Some(error), _) => return Err(error),
            (None, Err(error)) => return Err(error.into()),
            (None, Ok(true)) => {}
            (None, Ok(false)) => {
                // Never written, or removed since.
                if self.index.counts(self.scope)?.passages > 0 {
                    self.index.remove_org(self.scope)?;
                }
                self.index.commit(self.scope, 0)?;
            }
        }
        Ok(followed)
    }

    fn bring(&self, reading: &mut dyn Reading, followed: &mut Followed) -> Result<(), Stopped> {
        let sequence = reading.sequence();
        let mut known: FxHashMap<String, FxHashMap<String, u64>> = FxHashMap::default();
        for IndexedDocument { source, document, fingerprint } in self.index.documents(self.scope)? {
            known.entry(source).or_default().insert(document, fingerprint);
        }
        let sources = reading.sources().to_vec();
        let names: FxHashSet<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        for (source, documents) in &known {
            if !names.contains(source.as_str()) {
                self.index.remove(self.scope, &Selection::Source(source.clone()))?;
                followed.removed += documents.len() as u64;
            }
        }
        let mut plans = Vec::new();
        for source in &sources {
            let plan = self.plan(reading, source, known.remove(&source.name).unwrap_or_default(), followed)?;
            followed.changed += plan.changed.len() as u64;
            followed.removed += plan.gone.len() as u64;
            plans.push(plan);
        }
        let total: usize = plans.iter().map(|plan| plan.changed.len()).sum();
        if total > 0 {
            self.progress.phase("indexing for search", Some(total as u64));
        }
        for (source, plan) in sources.iter().zip(plans) {
            self.carry_out(reading, source, plan)?;
        }
        self.index.commit(self.scope, sequence)?;
        Ok(())
    }

    /// What differs of a source.
    fn plan(
        &self,
        reading: &mut dyn Reading,
        source: &Source,
        mut known: FxHashMap<String, u64>,
        followed: &mut Followed,
    ) -> Result<Plan, Stopped> {
        let mut rows: Vec<Changed> = Vec::new();
        reading.documents(source.id, &mut |row| {
            rows.push(Changed { tag: Tag::of(row.kind), key: row.key.to_owned(), stamp: row.fingerprint });
        })?;
        // A decision record is a page as well, and is searched as a decision.
        let mut pages: FxHashMap<String, u64> = FxHashMap::default();
        let decided: FxHashSet<String> =
            rows.iter().filter(|row| row.tag == Tag::Decision).map(|row| row.key.clone()).collect();
        rows.retain(|row| {
            let shadowed = row.tag == Tag::Page && decided.contains(&row.key);
            if shadowed {
                pages.insert(row.key.clone(), row.stamp);
            }
            !shadowed
        });
        for row in &mut rows {
            let of_page = pages.get(&row.key).copied().filter(|_| row.tag == Tag::Decision).unwrap_or_default();
            row.stamp = row.tag.stamp(row.stamp ^ of_page.rotate_left(17));
        }
        let mut code = Code::default();
        if source.kind == SourceKind::Git {
            match self.code(reading, source)? {
                Ok(found) => {
                    code = found;
                    rows.extend(code.files.iter().map(|(path, file)| {
                        let stamp = Tag::Code.stamp(first_bytes(file.blob.as_bytes()));
                        Changed { tag: Tag::Code, key: path.clone(), stamp }
                    }));
                }
                Err(reason) => {
                    followed.notes.push(format!("the code of {} is not searched anew: {reason}", source.name));
                    known.retain(|_, stamp| *stamp & TAG_BITS != Tag::Code as u64);
                }
            }
        }
        let mut fresh = FxHashSet::default();
        rows.retain(|row| match known.remove(&row.key) {
            Some(stamp) => stamp != row.stamp,
            None => {
                fresh.insert(row.key.clone());
                true
            }
        });
        Ok(Plan { changed: rows, fresh, gone: known.into_keys().collect(), code })
    }

    /// The code files at the tip, where the repository can be read here.
    fn code(&self, reading: &mut dyn Reading, source: &Source) -> Result<Result<Code, String>, Stopped> {
        let Some(tip) = source.cursor.get("tip").and_then(|tip| tip.as_str()) else { return Ok(Ok(Code::default())) };
        let Ok(tip) = tip.parse::<ObjectId>() else { return Ok(Err("its tip is not known".into())) };
        let place = if is_remote(&source.location) {
            self.folder.join("clones").join(format!("{}.git", source.name))
        } else {
            PathBuf::from(&source.location)
        };
        let repository = match GitRepository::open(&place) {
            Ok(repository) => repository,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let wanted: FxHashSet<String> = reading
            .files(source.id)?
            .into_iter()
            .filter(|file| matches!(file.kind, FileKind::Source | FileKind::Test))
            .map(|file| file.path)
            .collect();
        let Some(files) = repository.tree_files(&tip) else {
            return Ok(Err(format!("{} has no readable tree {}", place.display(), tip.short())));
        };
        let files = files.into_iter().filter(|file| wanted.contains(&file.path));
        let files = files.map(|file| (file.path.clone(), file)).collect();
        Ok(Ok(Code { repository: Some(repository), files }))
    }

    fn carry_out(&self, reading: &mut dyn Reading, source: &Source, plan: Plan) -> Result<(), Stopped> {
        let Plan { changed, fresh, gone, code } = plan;
        for document in &gone {
            let which = Selection::Document { source: source.name.clone(), document: document.clone() };
            self.index.remove(self.scope, &which)?;
        }
        if changed.is_empty() {
            return Ok(());
        }
        let stamps: FxHashMap<String, u64> = changed.iter().map(|row| (row.key.clone(), row.stamp)).collect();
        let (index, scope) = (self.index, self.scope);
        std::thread::scope(|threads| {
            let (send, receive) = sync_channel::<Batch>(WAITING);
            let writer = threads.spawn(move || -> Result<(), IndexError> {
                for batch in receive {
                    batch.write(index, scope)?;
                }
                Ok(())
            });
            let mut sender = Sender {
                send,
                batch: Batch::default(),
                taken: FxHashSet::default(),
                source: &source.name,
                fresh: &fresh,
                stamps: &stamps,
            };
            let read = self.read(reading, source, &changed, &code, &mut sender);
            drop(sender);
            match writer.join() {
                Ok(written) => written?,
                Err(defect) => std::panic::resume_unwind(defect),
            }
            read
        })
    }

    /// Reads what differs, kind by kind, and hands its passages on.
    fn read(
        &self,
        reading: &mut dyn Reading,
        source: &Source,
        changed: &[Changed],
        code: &Code,
        sender: &mut Sender<'_>,
    ) -> Result<(), Stopped> {
        let is_repository = source.kind == SourceKind::Git;
        let origin = Origin {
            source: source.name.clone(),
            repository: is_repository.then(|| source.name.clone()),
            ..Origin::default()
        };
        let budget = Budget::default();
        let keys = |tag: Tag| changed.iter().filter(move |row| row.tag == tag).map(|row| row.key.as_str());
        let graph =
            if is_repository && changed.iter().any(|row| row.tag != Tag::Commit) { (self.graph)() } else { None };
        let origin_of = |path: &str| {
            let last = graph.as_ref().and_then(|graph| graph.last_change(&source.name, path));
            Origin {
                time: last.map(|(time, _)| time),
                author: last.map(|(_, author)| author.to_owned()),
                ..origin.clone()
            }
        };

        let commits: Vec<ObjectId> = keys(Tag::Commit).filter_map(|key| key.parse().ok()).collect();
        if !commits.is_empty() {
            let people: FxHashMap<Identity, Identity> = reading.identities(source.id)?.into_iter().collect();
            for ids in commits.chunks(READ) {
                self.check()?;
                reading.commits_of(source.id, ids, &mut |commit| {
                    let mut commit = commit.clone();
                    if let Some(person) = people.get(&commit.author) {
                        commit.author = person.clone();
                    }
                    sender.take(&commit.id.to_hex(), commit_passages(&commit, &origin, budget))
                })?;
                self.progress.advance(ids.len() as u64);
            }
        }
        let tickets: Vec<TicketKey> = keys(Tag::Ticket).filter_map(|key| key.parse().ok()).collect();
        for keys in tickets.chunks(READ) {
            self.check()?;
            reading.tickets_of(source.id, keys, &mut |ticket| {
                sender.take(ticket.key.as_str(), ticket_passages(ticket, &origin, budget))
            })?;
            self.progress.advance(keys.len() as u64);
        }
        let decisions: BTreeMap<String, docassist_model::Decision> = if keys(Tag::Decision).next().is_some() {
            reading.decisions(source.id)?.into_iter().map(|decision| (decision.path.clone(), decision)).collect()
        } else {
            BTreeMap::new()
        };
        let pages: Vec<String> = keys(Tag::Page).chain(keys(Tag::Decision)).map(str::to_owned).collect();
        for paths in pages.chunks(READ) {
            self.check()?;
            reading.pages_of(source.id, paths, &mut |page| {
                let origin = origin_of(&page.path);
                let passages = match decisions.get(&page.path) {
                    Some(decision) => decision_passages(decision, page, &origin, budget),
                    None => page_passages(page, &origin, budget),
                };
                sender.take(&page.path, passages)
            })?;
            self.progress.advance(paths.len() as u64);
        }
        if let Some(repository) = &code.repository {
            let files: Vec<TreeFile> = keys(Tag::Code).filter_map(|path| code.files.get(path).cloned()).collect();
            for files in files.chunks(READ) {
                self.check()?;
                let mut sent = Ok(());
                repository.read_texts(files, &mut |file, text| {
                    if sent.is_ok() {
                        sent = sender.take(&file.path, code_passages(&file.path, text, &origin_of(&file.path), budget));
                    }
                });
                sent?;
                self.progress.advance(files.len() as u64);
            }
        }
        sender.finish(changed)?;
        Ok(())
    }

    fn check(&self) -> Result<(), Stopped> {
        if self.progress.cancelled() { Err(Stopped::Here(AppError::cancelled())) } else { Ok(()) }
    }
}

/// What differs of a source.
struct Plan {
    changed: Vec<Changed>,
    /// Those of them that the index has nothing of.
    fresh: FxHashSet<String>,
    /// Documents that the source does not have any more.
    gone: Vec<String>,
    code: Code,
}

#[derive(Default)]
struct Code {
    repository: Option<GitRepository>,
    files: FxHashMap<String, TreeFile>,
}

/// Documents on their way to the index.
#[derive(Default)]
struct Batch {
    /// Passages of documents that the index has nothing of.
    fresh: Vec<Passage>,
    /// Documents that it has something of.
    known: Vec<(String, String, Vec<Passage>)>,
    noted: Vec<IndexedDocument>,
}

impl Batch {
    fn write(self, index: &dyn Index, scope: &TenantScope) -> Result<(), IndexError> {
        if !self.fresh.is_empty() {
            let made: Vec<Entry> = entries(self.fresh);
            index.upsert(scope, &made)?;
        }
        for (source, document, passages) in self.known {
            replace_document(index, scope, &source, &document, passages)?;
        }
        index.note_documents(scope, &self.noted, &[])
    }
}

/// Collects documents into batches.
struct Sender<'a> {
    send: SyncSender<Batch>,
    batch: Batch,
    taken: FxHashSet<String>,
    source: &'a str,
    fresh: &'a FxHashSet<String>,
    stamps: &'a FxHashMap<String, u64>,
}

impl Sender<'_> {
    /// Takes a document's passages. Fails as a cancelled store does where the writer has ended: it says why itself.
    fn take(&mut self, document: &str, passages: Vec<Passage>) -> Result<(), StoreError> {
        if self.fresh.contains(document) {
            self.batch.fresh.extend(passages);
        } else {
            self.batch.known.push((self.source.to_owned(), document.to_owned(), passages));
        }
        self.taken.insert(document.to_owned());
        self.note(document);
        let waiting = self.batch.fresh.len() + self.batch.known.len();
        if waiting >= WRITE || self.batch.noted.len() >= WRITE { self.send() } else { Ok(()) }
    }

    fn note(&mut self, document: &str) {
        if let Some(&fingerprint) = self.stamps.get(document) {
            self.batch.noted.push(IndexedDocument {
                source: self.source.to_owned(),
                document: document.to_owned(),
                fingerprint,
            });
        }
    }

    /// What was listed and could not be read has no passages, and is not looked at again before it changes.
    fn finish(&mut self, changed: &[Changed]) -> Result<(), StoreError> {
        for row in changed {
            if !self.taken.contains(&row.key) {
                self.take(&row.key, Vec::new())?;
            }
        }
        self.send()
    }

    fn send(&mut self) -> Result<(), StoreError> {
        self.send.send(std::mem::take(&mut self.batch)).map_err(|_| StoreError::Cancelled)
    }
}

fn first_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Why following stopped: the store's error passes through the store as it is, ours stands beside it.
enum Stopped {
    Store(StoreError),
    Here(AppError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<IndexError> for Stopped {
    fn from(error: IndexError) -> Self {
        Self::Here(error.into())
    }
}

impl From<AppError> for Stopped {
    fn from(error: AppError) -> Self {
        Self::Here(error)
    }
}
