//! One organisation's index on the server: what this process knows of it, and how it is written.

mod read;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use qdrant_client::qdrant::{Condition, PointId, PointVectors};
use rustc_hash::FxHashMap;

use super::collection::{Collection, Wanted};
use super::condition::{self, among};
use super::point::{self, HASH, LENGTH, SPARSE, Stored};
use super::share::{self, CONTENT, Marks, REVISION, SHARES, State};
use super::tenant::{Part, Tenant};
use crate::index::documents::DocumentChanges;
use crate::index::{Entry, FacetField, IndexError, IndexedDocument, MOST_DRIFT, Position, Result, Selection};
use crate::lexical::{Bm25, Statistics};
use crate::passage::PassageId;

/// Points per request: some megabytes with their vectors and texts.
const BATCH: usize = 256;
/// Shares per request: each has up to some hundred kilobytes.
const SHARES_AT_ONCE: usize = 8;

const CUT_SHORT: &str = "writing to it was cut short";

#[derive(Debug)]
pub(super) struct Organisation {
    collection: Arc<Collection>,
    tenant: Tenant,
    /// Held by every write.
    writer: Mutex<Writer>,
    known: RwLock<Known>,
}

/// What this process knows of what is stored.
#[derive(Debug, Default)]
struct Known {
    /// As of the last commit that was seen.
    state: State,
    statistics: Statistics,
    embedded: u64,
    /// Whether it is this process that writes: then the counts are ahead of what is stored.
    writing: bool,
}

#[derive(Debug, Default)]
struct Writer {
    /// What the state names this process by, from the first write to the end of the commit.
    token: Option<String>,
    /// A name that may stand in the state though nothing was written under it: setting it failed.
    unused: Option<String>,
    documents: DocumentChanges,
    /// The shares of counts that changed.
    terms: Marks,
}

impl Organisation {
    pub(super) fn new(collection: Arc<Collection>, tenant: Tenant) -> Self {
        Self { collection, tenant, writer: Mutex::default(), known: RwLock::default() }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as it is stored now; one without an epoch where there is none.
    fn state(&self) -> Result<State> {
        let wanted = Wanted { payload: vec![CONTENT], vectors: Vec::new() };
        let (points, _) = self.collection.scroll(self.tenant.filter(Part::State, []), None, 1, wanted)?;
        points.first().map_or_else(|| Ok(State::default()), State::read)
    }

    fn save(&self, state: &State) -> Result<()> {
        self.collection.upsert(vec![state.write(&self.tenant)?])
    }

    /// Reads the counts anew where another process has committed since.
    fn refresh(&self) -> Result<()> {
        if self.known.read().unwrap_or_else(PoisonError::into_inner).writing {
            return Ok(());
        }
        self.follow(self.state()?)
    }

    fn follow(&self, state: State) -> Result<()> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.writing {
            return Ok(());
        }
        let same_epoch = known.state.epoch == state.epoch;
        if same_epoch && state.revision < known.state.revision {
            // Another thread was told of a later commit meanwhile.
            return Ok(());
        }
        if !same_epoch {
            known.statistics = Statistics::default();
        }
        if !same_epoch || known.state.revision != state.revision {
            let since = if same_epoch { known.state.revision } else { 0 };
            let points = self.shares(Part::Terms, [newer(since)])?;
            share::read_terms(&points, &mut known.statistics)?;
        }
        known.statistics.set_totals(state.passages, state.total_length);
        known.embedded = state.embedded;
        known.state = state;
        Ok(())
    }

    /// Shares that fulfil some conditions.
    fn shares(
        &self,
        part: Part,
        conditions: impl IntoIterator<Item = Condition>,
    ) -> Result<Vec<qdrant_client::qdrant::RetrievedPoint>> {
        let filter = self.tenant.filter(part, conditions);
        let (mut all, mut offset) = (Vec::new(), None);
        loop {
            let wanted = Wanted { payload: share::FIELDS.to_vec(), vectors: Vec::new() };
            let (points, next) = self.collection.scroll(filter.clone(), offset, SHARES_AT_ONCE, wanted)?;
            all.extend(points);
            offset = next;
            if offset.is_none() {
                return Ok(all);
            }
        }
    }

    /// The right to write, with the marker in the state. What another process left half written is emptied: the caller says that
    /// nobody else writes now.
    fn begin(&self) -> Result<MutexGuard<'_, Writer>> {
        let mut writer = self.writer();
        let mut state = self.state()?;
        match (&writer.token, &state.writer) {
            (Some(token), Some(stored)) if token == stored => return Ok(writer),
            (Some(_), _) => {
                self.abandon(&mut writer);
                return Err(self.collection.failed("another process has begun to write to the index"));
            }
            (None, _) => {}
        }
        let cut_short = state.writer.as_ref().is_some_and(|stored| writer.unused.as_ref() != Some(stored));
        let token = random();
        if cut_short || state.epoch.is_empty() {
            let reason = if cut_short { Some(CUT_SHORT.to_owned()) } else { state.reason.take() };
            state = State { epoch: random(), reason, ..State::default() };
        }
        state.writer = Some(token.clone());
        writer.unused = Some(token.clone());
        self.save(&state)?;
        writer.unused = None;
        if cut_short {
            tracing::warn!(reason = CUT_SHORT, "the search index is built anew");
            self.clear_parts()?;
        }
        self.follow(state)?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).writing = true;
        writer.token = Some(token);
        Ok(writer)
    }

    /// Whether something is written that is not committed.
    pub(super) fn is_writing(&mut self) -> bool {
        self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).token.is_some()
    }

    fn clear_parts(&self) -> Result<()> {
        [Part::Passage, Part::Terms, Part::Documents]
            .into_iter()
            .try_for_each(|part| self.collection.delete_all(&self.tenant.filter(part, [])))
    }

    /// After a write that may have been done or not: nobody commits it. The marker stays, and the next write begins anew.
    fn abandon(&self, writer: &mut Writer) {
        *writer = Writer::default();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }

    /// Writes, or gives up all that is not committed.
    fn attempt<T>(&self, writer: &mut Writer, write: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        let result = write(writer);
        if let Err(error) = &result {
            tracing::warn!(%error, "a write to the search index failed; what was not committed is written anew");
            self.abandon(writer);
        }
        result
    }

    pub(super) fn check(&self, vector: &[f32]) -> Result<()> {
        let expected = self.collection.dimensions();
        if vector.len() == expected { Ok(()) } else { Err(IndexError::Dimensions { got: vector.len(), expected }) }
    }

    pub(super) fn upsert(&self, entries: &[Entry]) -> Result<()> {
        entries.iter().filter_map(|entry| entry.dense.as_deref()).try_for_each(|vector| self.check(vector))?;
        if entries.is_empty() {
            return Ok(());
        }
        let mut writer = self.begin()?;
        self.attempt(&mut writer, |writer| entries.chunks(BATCH).try_for_each(|batch| self.upsert_batch(batch, writer)))
    }

    fn upsert_batch(&self, batch: &[Entry], writer: &mut Writer) -> Result<()> {
        let is_first = self.known.read().unwrap_or_else(PoisonError::into_inner).statistics.passages() == 0;
        let mut before = FxHashMap::default();
        if !is_first {
            before = self.stored(batch.iter().map(|entry| self.tenant.point(entry.passage.id)))?;
        }
        let mut last: FxHashMap<PassageId, &Entry> = FxHashMap::default();
        for entry in batch {
            // Of an identity that comes twice, the later one stands.
            last.insert(entry.passage.id, entry);
        }
        let mut points = Vec::with_capacity(last.len());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for entry in last.values() {
            let mut dense = entry.dense.clone();
            if let Some(stored) = before.remove(&entry.passage.id) {
                known.take_out(&stored, writer);
                if stored.hash == entry.passage.hash {
                    dense = dense.or(stored.dense);
                }
            }
            known.statistics.add(&entry.terms);
            entry.terms.terms.iter().for_each(|term| writer.terms.set(share::of_dimension(term.dimension)));
            known.embedded += u64::from(dense.is_some());
            points.push((*entry, dense));
        }
        let average = known.statistics.average_length();
        let average = *known.state.weighed_with.get_or_insert(average);
        drop(known);
        let points = points.into_iter().map(|(entry, dense)| {
            point::write(&self.tenant, entry, entry.terms.vector(Bm25::default(), average), dense)
        });
        self.collection.upsert(points.collect::<Result<_>>()?)
    }

    /// What the counts and the kept vectors of a replacement need of the points that are there.
    fn stored(&self, points: impl IntoIterator<Item = PointId>) -> Result<FxHashMap<PassageId, Stored>> {
        let points: Vec<PointId> = points.into_iter().collect();
        let limit = points.len();
        if limit == 0 {
            return Ok(FxHashMap::default());
        }
        let filter = self.tenant.filter(Part::Passage, [among(points)]);
        let wanted = Wanted { payload: vec![LENGTH, HASH], vectors: self.collection.vectors() };
        let (points, _) = self.collection.scroll(filter, None, limit, wanted)?;
        let stored =
            points.into_iter().filter_map(|point| Some((self.tenant.passage(point.id.as_ref())?, point.into())));
        Ok(stored.collect())
    }

    pub(super) fn set_dense(&self, vectors: &[(PassageId, Vec<f32>)]) -> Result<u64> {
        vectors.iter().try_for_each(|(_, vector)| self.check(vector))?;
        if vectors.is_empty() {
            return Ok(0);
        }
        let mut writer = self.begin()?;
        self.attempt(&mut writer, |_| {
            let mut set = 0;
            for batch in vectors.chunks(BATCH) {
                // The server refuses the whole request for one point that is gone.
                let mut there = self.stored(batch.iter().map(|(id, _)| self.tenant.point(*id)))?;
                let mut with = 0;
                let points: Vec<PointVectors> = batch
                    .iter()
                    .filter_map(|(id, vector)| {
                        // Taken out, so that an identity that comes twice counts once.
                        with += u64::from(there.remove(id)?.dense.is_none());
                        let vectors = Some(point::named(None, Some(vector.clone())));
                        Some(PointVectors { id: Some(self.tenant.point(*id)), vectors })
                    })
                    .collect();
                set += points.len() as u64;
                self.collection.update_vectors(points)?;
                self.known.write().unwrap_or_else(PoisonError::into_inner).embedded += with;
            }
            Ok(set)
        })
    }

    pub(super) fn remove(&self, which: &Selection) -> Result<u64> {
        let conditions = match which {
            Selection::Passages(ids) => vec![among(ids.iter().map(|id| self.tenant.point(*id)))],
            Selection::Source(source) => vec![condition::one_of(FacetField::Source, [source.as_str()])],
            Selection::Document { source, document } => vec![
                condition::one_of(FacetField::Source, [source.as_str()]),
                condition::of_documents(std::slice::from_ref(document)),
            ],
        };
        let filter = self.tenant.filter(Part::Passage, conditions);
        let mut writer = self.begin()?;
        match which {
            Selection::Passages(_) => {}
            Selection::Source(source) => writer.documents.forget_source(source),
            Selection::Document { source, document } => writer.documents.forget(source, document),
        }
        self.attempt(&mut writer, |writer| {
            let mut removed = 0;
            loop {
                let wanted = Wanted { payload: vec![LENGTH], vectors: self.collection.vectors() };
                let (points, _) = self.collection.scroll(filter.clone(), None, BATCH, wanted)?;
                if points.is_empty() {
                    return Ok(removed);
                }
                removed += points.len() as u64;
                let these = among(points.iter().filter_map(|point| point.id.clone()));
                self.collection.delete(self.tenant.filter(Part::Passage, [these]))?;
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                points.into_iter().for_each(|point| known.take_out(&point.into(), writer));
            }
        })
    }

    pub(super) fn note_documents(&self, noted: &[IndexedDocument], gone: &[(String, String)]) -> Result<()> {
        if !noted.is_empty() || !gone.is_empty() {
            self.begin()?.documents.note(noted, gone);
        }
        Ok(())
    }

    pub(super) fn documents(&self) -> Result<Vec<IndexedDocument>> {
        let writer = self.writer();
        let state = self.state()?;
        if state.writer != writer.token {
            // Half written: whoever writes next empties it.
            return Ok(Vec::new());
        }
        self.committed_documents(Marks::ALL, &writer.documents)
    }

    /// The documents of some shares as they are with changes.
    fn committed_documents(&self, marks: Marks, changes: &DocumentChanges) -> Result<Vec<IndexedDocument>> {
        let points =
            (0..SHARES).filter(|&number| marks.has(number)).map(|number| self.tenant.share(Part::Documents, number));
        let mut documents = Vec::new();
        for point in self.shares(Part::Documents, [among(points)])? {
            let stored = share::read_documents(&point)?.into_iter();
            documents.extend(stored.filter(|stored| changes.keep(&stored.source, &stored.document)));
        }
        documents.extend(changes.noted().map(|(source, document, fingerprint)| IndexedDocument {
            source: source.to_owned(),
            document: document.to_owned(),
            fingerprint,
        }));
        Ok(documents)
    }

    pub(super) fn commit(&self, sequence: u64) -> Result<()> {
        let mut writer = self.begin()?;
        let was_complete = self.attempt(&mut writer, |writer| self.write_commit(writer, sequence))?;
        *writer = Writer::default();
        if !was_complete {
            // What another model, or a former version, kept of the organisation is not followed any more.
            let removed = self.collection.delete_elsewhere(&self.tenant.everything());
            if let Err(error) = removed {
                tracing::warn!(%error, "what a former search index holds could not be removed");
            }
        }
        Ok(())
    }

    /// Whether there was a whole index before.
    fn write_commit(&self, writer: &Writer, sequence: u64) -> Result<bool> {
        self.weigh_anew()?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let revision = known.state.revision + 1;
        let mut points = share::write_terms(&self.tenant, &known.statistics, writer.terms, revision);
        if !writer.documents.is_empty() {
            let marks = share::of_changes(&writer.documents);
            let documents = self.committed_documents(marks, &writer.documents)?;
            points.extend(share::write_documents(&self.tenant, documents, marks, revision)?);
        }
        let mut points = points.into_iter();
        loop {
            let some: Vec<_> = points.by_ref().take(SHARES_AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            self.collection.upsert(some)?;
        }
        let state = State {
            epoch: known.state.epoch.clone(),
            revision,
            sequence: Some(sequence),
            reason: None,
            writer: None,
            weighed_with: known.state.weighed_with,
            passages: known.statistics.passages(),
            total_length: known.statistics.total_length(),
            embedded: known.embedded,
        };
        // Last: a commit is there when the state says so.
        self.save(&state)?;
        let was_complete = known.state.sequence.is_some();
        known.state = state;
        known.writing = false;
        Ok(was_complete)
    }

    /// Weighs all sparse vectors by the present average length, where it has moved too far from the one that they carry.
    fn weigh_anew(&self) -> Result<()> {
        let (from, to) = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let Some(from) = known.state.weighed_with else { return Ok(()) };
            if known.statistics.drift(from) <= MOST_DRIFT {
                return Ok(());
            }
            (from, known.statistics.average_length())
        };
        let mut offset = None;
        loop {
            let wanted = Wanted { payload: vec![LENGTH], vectors: vec![SPARSE] };
            let (points, next) =
                self.collection.scroll(self.tenant.filter(Part::Passage, []), offset, BATCH, wanted)?;
            let points = points.into_iter().map(|point| {
                let id = point.id.clone();
                let stored = Stored::from(point);
                let sparse = Bm25::default().reweigh(&stored.sparse, stored.length, from, to);
                PointVectors { id, vectors: Some(point::named(Some(sparse), None)) }
            });
            self.collection.update_vectors(points.collect())?;
            offset = next;
            if offset.is_none() {
                break;
            }
        }
        self.known.write().unwrap_or_else(PoisonError::into_inner).state.weighed_with = Some(to);
        Ok(())
    }

    pub(super) fn position(&self) -> Result<Position> {
        let writer = self.writer();
        let state = self.state()?;
        if state.writer != writer.token {
            let reason = "another process is writing to it, or was cut short".to_owned();
            return Ok(Position { sequence: None, reason: Some(reason) });
        }
        Ok(Position { sequence: state.sequence, reason: state.reason })
    }

    pub(super) fn remove_all(&self) -> Result<()> {
        let mut writer = self.writer();
        self.abandon(&mut writer);
        // The state goes last: until then it says that the rest is not whole.
        let mut state = self.state()?;
        state.writer = Some(random());
        state.sequence = None;
        self.save(&state)?;
        self.clear_parts()?;
        self.collection.delete(self.tenant.everything())?;
        self.collection.delete_elsewhere(&self.tenant.everything())
    }
}

impl Known {
    /// Takes a stored passage out of the counts.
    fn take_out(&mut self, stored: &Stored, writer: &mut Writer) {
        self.statistics.remove(&stored.sparse.indices, stored.length);
        stored.sparse.indices.iter().for_each(|&dimension| writer.terms.set(share::of_dimension(dimension)));
        self.embedded = self.embedded.saturating_sub(u64::from(stored.dense.is_some()));
    }
}

/// Whether a share was written after a commit.
fn newer(revision: i64) -> Condition {
    #[allow(clippy::cast_precision_loss, reason = "a count of commits is exact in 53 bits")]
    let gt = Some(revision as f64);
    Condition::range(REVISION, qdrant_client::qdrant::Range { gt, ..Default::default() })
}

/// A name that no other process gives. The standard library draws the keys of its maps from the system.
fn random() -> String {
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(std::process::id()))
}
