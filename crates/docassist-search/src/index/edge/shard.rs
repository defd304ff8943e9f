//! One organisation's shard: the engine, and what the engine does not keep.

mod read;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use qdrant_edge::{
    CountRequest, CreateIndex, Distance, EdgeConfig, EdgeConfigBuilder, EdgeOptimizersConfig, EdgeShard,
    EdgeSparseVectorParams, EdgeVectorParamsBuilder, FieldIndexOperations, Filter as EdgeFilter, NamedVectors,
    PayloadFieldSchema, PayloadSchemaType, PointId, PointInsertOperations, PointOperations, PointStructPersisted,
    PointVectorsPersisted, Record, ScrollRequest, SparseVector as EdgeSparse, UpdateOperation, UpdateVectorsOp, Vector,
    VectorInternal, VectorOperations, VectorStructInternal, VectorStructPersisted, Vectors, WalOptions,
    WithPayloadInterface, WithVector,
};
use rustc_hash::FxHashMap;

use super::condition::{self, DOCUMENT, FACETS, INSTANT};
use super::files::{FORMAT, Folder, State};
use super::noted::Noted;
use super::payload::{self, engine, passage_id, point_id};
use crate::index::documents::DocumentChanges;
use crate::index::{
    DenseSpace, Entry, FacetField, IndexError, IndexedDocument, MOST_DRIFT, Position, Result, Selection,
};
use crate::lexical::{Bm25, SparseVector, Statistics};
use crate::passage::PassageId;

/// The names of the two vectors.
const SPARSE: &str = "terms";
const DENSE: &str = "meaning";
/// Points per operation: large enough that an operation costs little by itself, small enough for the log's segments.
const BATCH: usize = 256;
/// Of the engine's log, which is not read again and shortened at every commit.
const LOG_SEGMENT: usize = 8 << 20;
/// Points that are written to one segment before it is closed. Adding to an open segment takes time in proportion to how many of
/// its passages have the same terms (a quarter of all time at 8,192); closing takes the same for every passage, and each segment
/// costs some files. Half as many and twice as many were both slower.
const SEGMENT: usize = 4_096;
/// Closed segments before small ones are merged: each costs every search a little.
const SEGMENTS: usize = 32;
/// Kilobytes of terms, or of vectors, from which a segment is worth closing: about the quarter of a segment of pages.
const WORTH_CLOSING: usize = 1_000;
/// Passages at which an index that grows looks whether the average length has moved from the one that it weighs with.
const LOOKS: [u64; 3] = [1_024, 4_096, 16_384];

const NO_DOCUMENTS: &str = "its documents cannot be read";

#[derive(Debug)]
pub(super) struct Shard {
    folder: Folder,
    /// `None` only while it is being dropped.
    edge: Option<Arc<EdgeShard>>,
    dense: Option<DenseSpace>,
    /// Held by every write. The engine's own locks are not enough: its flush panics where it has to wait for one.
    writer: Mutex<Writer>,
    statistics: RwLock<Statistics>,
    /// Passages with a dense vector: counting them in the engine would look at every one for every search.
    embedded: AtomicU64,
    /// Whether a write failed half-way: then the counts and the engine may differ, and nothing more is committed.
    broken: AtomicBool,
}

#[derive(Debug)]
struct Writer {
    state: State,
    /// Whether the marker of unfinished writing is on disk.
    dirty: bool,
    /// What happened to the documents since the last commit; those of before are read from their file when they are asked for.
    documents: DocumentChanges,
    /// Points written since a segment was closed.
    open: usize,
    /// The thread that closes one.
    closing: Option<JoinHandle<std::result::Result<bool, String>>>,
}

impl Writer {
    /// Waits for the thread that closes a segment: the engine's flush panics beside it.
    fn settle(&mut self) -> Result<()> {
        match self.closing.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(_))) => Ok(()),
            Some(Ok(Err(error))) => Err(engine(error)),
            Some(Err(_)) => Err(engine("closing a segment panicked")),
        }
    }
}

impl Shard {
    /// Opens the first of an organisation's indexes that no process has open.
    pub(super) fn first_free(organisation: &Path, dense: Option<&DenseSpace>) -> Result<Self> {
        let folder = Folder::first_free(organisation)?;
        match whole(&folder, dense) {
            Ok(Some((edge, state, statistics))) => {
                let embedded = count(&edge, state.dense.is_some().then(|| condition::with(DENSE))).map_err(engine)?;
                let embedded = if state.dense.is_some() { embedded } else { 0 };
                Ok(Self::with(folder, edge, state, statistics, embedded))
            }
            Ok(None) => Self::create(folder, dense, None),
            Err(reason) => {
                tracing::warn!(reason, "the search index is built anew");
                Self::create(folder, dense, Some(reason))
            }
        }
    }

    fn create(folder: Folder, dense: Option<&DenseSpace>, reason: Option<String>) -> Result<Self> {
        // The marker stays over a kill in here.
        folder.writing()?;
        folder.wipe()?;
        std::fs::create_dir_all(folder.engine())?;
        let edge = EdgeShard::new(&folder.engine(), config(dense)).map_err(engine)?;
        let keyword = PayloadSchemaType::Keyword;
        for (field, schema) in [(FACETS, keyword), (DOCUMENT, keyword), (INSTANT, PayloadSchemaType::Integer)] {
            let Some(field_name) = condition::path(field) else { continue };
            let index = CreateIndex { field_name, field_schema: Some(PayloadFieldSchema::FieldType(schema)) };
            let operation = UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(index));
            edge.update(operation).map_err(engine)?;
        }
        let state = State::empty(dense.cloned(), reason);
        let shard = Self::with(folder, edge, state, Statistics::default(), 0);
        shard.flush()?;
        let writer = shard.writer();
        shard.folder.write_statistics(&Statistics::default())?;
        shard.folder.write_state(&writer.state)?;
        shard.folder.written()?;
        drop(writer);
        Ok(shard)
    }

    fn with(folder: Folder, edge: EdgeShard, state: State, statistics: Statistics, embedded: u64) -> Self {
        Self {
            folder,
            edge: Some(Arc::new(edge)),
            dense: state.dense.clone(),
            writer: Mutex::new(Writer {
                state,
                dirty: false,
                documents: DocumentChanges::default(),
                open: 0,
                closing: None,
            }),
            statistics: RwLock::new(statistics),
            embedded: AtomicU64::new(embedded),
            broken: AtomicBool::new(false),
        }
    }

    fn edge(&self) -> Result<&Arc<EdgeShard>> {
        self.edge.as_ref().ok_or_else(|| IndexError::Engine("closed".into()))
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to write, with the marker on disk.
    fn begin(&self) -> Result<MutexGuard<'_, Writer>> {
        let mut writer = self.writer();
        self.mark(&mut writer)?;
        Ok(writer)
    }

    fn mark(&self, writer: &mut Writer) -> Result<()> {
        if !writer.dirty {
            self.folder.writing()?;
            writer.dirty = true;
        }
        Ok(())
    }

    fn update(&self, operation: UpdateOperation) -> Result<()> {
        let updated = self.edge()?.update(operation).map_err(engine);
        self.broken.fetch_or(updated.is_err(), Ordering::Relaxed);
        updated
    }

    /// The engine panics where it cannot write, for example to a full disk.
    fn flush(&self) -> Result<()> {
        let edge = self.edge()?;
        catch_unwind(AssertUnwindSafe(|| edge.flush()))
            .map_err(|_| IndexError::Engine("it could not be written to disk".into()))
    }

    fn check(&self, vector: &[f32]) -> Result<()> {
        let expected = self.dense.as_ref().map_or(0, |dense| dense.dimensions);
        if vector.len() == expected { Ok(()) } else { Err(IndexError::Dimensions { got: vector.len(), expected }) }
    }

    pub(super) fn upsert(&self, entries: &[Entry]) -> Result<()> {
        entries.iter().filter_map(|entry| entry.dense.as_deref()).try_for_each(|vector| self.check(vector))?;
        let mut writer = self.begin()?;
        for batch in entries.chunks(BATCH) {
            let before = self.passages();
            self.upsert_batch(batch, &mut writer)?;
            let after = self.passages();
            // The first passages may be shorter or longer than most: found early, few are weighed twice; found at the commit, all.
            if LOOKS.iter().any(|&look| before < look && after >= look) {
                self.weigh_anew(&mut writer)?;
            }
        }
        Ok(())
    }

    fn passages(&self) -> u64 {
        self.statistics.read().unwrap_or_else(PoisonError::into_inner).passages()
    }

    fn upsert_batch(&self, batch: &[Entry], writer: &mut Writer) -> Result<()> {
        let ids: Vec<PointId> = batch.iter().map(|entry| point_id(entry.passage.id)).collect();
        let mut before: FxHashMap<PassageId, Stored> = self.stored(&ids)?;
        let mut last: FxHashMap<PassageId, usize> = FxHashMap::default();
        for (index, entry) in batch.iter().enumerate() {
            last.insert(entry.passage.id, index);
        }
        let mut statistics = self.statistics.write().unwrap_or_else(PoisonError::into_inner);
        let mut kept = FxHashMap::default();
        let (mut with, mut without) = (0, 0);
        for (index, entry) in batch.iter().enumerate() {
            // Of an identity that comes twice, the later one stands.
            if last.get(&entry.passage.id) != Some(&index) {
                continue;
            }
            if let Some(stored) = before.remove(&entry.passage.id) {
                statistics.remove(&stored.sparse.indices, stored.length);
                without += u64::from(stored.dense.is_some());
                if stored.hash == entry.passage.hash {
                    kept.insert(entry.passage.id, stored.dense);
                }
            }
            statistics.add(&entry.terms);
        }
        let average = *writer.state.weighed_with.get_or_insert_with(|| statistics.average_length());
        drop(statistics);
        let mut points = Vec::with_capacity(batch.len());
        for (index, entry) in batch.iter().enumerate() {
            if last.get(&entry.passage.id) != Some(&index) {
                continue;
            }
            let mut vectors =
                NamedVectors::default().add_vector(SPARSE, to_edge(entry.terms.vector(Bm25::default(), average)));
            let dense = entry.dense.clone().or_else(|| kept.remove(&entry.passage.id).flatten());
            if let Some(dense) = dense {
                vectors = vectors.add_vector(DENSE, dense);
                with += 1;
            }
            points.push(PointStructPersisted {
                id: point_id(entry.passage.id),
                vector: persisted(vectors),
                payload: Some(payload::write(&entry.passage, entry.terms.length)?),
            });
        }
        let operation = PointOperations::UpsertPoints(PointInsertOperations::PointsList(points));
        self.update(UpdateOperation::PointOperation(operation))?;
        self.embedded.fetch_add(with, Ordering::Relaxed);
        self.embedded.fetch_sub(without, Ordering::Relaxed);
        self.wrote(batch.len(), writer)
    }

    /// Closes the open segment where it has grown enough, on another thread; later writes go to a new one meanwhile.
    fn wrote(&self, points: usize, writer: &mut Writer) -> Result<()> {
        writer.open += points;
        if writer.open >= SEGMENT {
            writer.open = 0;
            // One at a time: a writer that is faster than it waits.
            self.settle(writer)?;
            let edge = Arc::clone(self.edge()?);
            writer.closing = Some(std::thread::spawn(move || edge.optimize().map_err(|error| error.to_string())));
        }
        Ok(())
    }

    fn settle(&self, writer: &mut Writer) -> Result<()> {
        let settled = writer.settle();
        self.broken.fetch_or(settled.is_err(), Ordering::Relaxed);
        settled
    }

    /// What the counts and the kept vectors of a replacement need of the points that are there.
    fn stored(&self, ids: &[PointId]) -> Result<FxHashMap<PassageId, Stored>> {
        let fields = WithPayloadInterface::Fields(
            [payload::LENGTH, "hash"].iter().filter_map(|field| condition::path(field)).collect(),
        );
        let records = self.edge()?.retrieve(ids, Some(fields), Some(WithVector::Bool(true))).map_err(engine)?;
        Ok(records.into_iter().map(|record| (passage_id(&record.id), Stored::from(record))).collect())
    }

    pub(super) fn set_dense(&self, vectors: &[(PassageId, Vec<f32>)]) -> Result<u64> {
        vectors.iter().try_for_each(|(_, vector)| self.check(vector))?;
        let mut writer = self.begin()?;
        let mut set = 0;
        for batch in vectors.chunks(BATCH) {
            let ids: Vec<PointId> = batch.iter().map(|(id, _)| point_id(*id)).collect();
            // The engine refuses the whole operation for one point that is gone.
            let mut there = self.stored(&ids)?;
            let mut with = 0;
            let points: Vec<PointVectorsPersisted> = batch
                .iter()
                .filter_map(|(id, vector)| {
                    // Taken out, so that an identity that comes twice counts once.
                    with += u64::from(there.remove(id)?.dense.is_none());
                    let vector = persisted(NamedVectors::default().add_vector(DENSE, vector.clone()));
                    Some(PointVectorsPersisted { id: point_id(*id), vector })
                })
                .collect();
            set += points.len() as u64;
            let operation = VectorOperations::UpdateVectors(UpdateVectorsOp { points, update_filter: None });
            self.update(UpdateOperation::VectorOperation(operation))?;
            self.embedded.fetch_add(with, Ordering::Relaxed);
            self.wrote(batch.len(), &mut writer)?;
        }
        Ok(set)
    }

    pub(super) fn remove(&self, which: &Selection) -> Result<u64> {
        let filter = match which {
            Selection::Passages(ids) => condition::among(ids),
            Selection::Source(source) => {
                condition::all(vec![condition::one_of(FacetField::Source, std::slice::from_ref(source))])
                    .unwrap_or_default()
            }
            Selection::Document { source, document } => condition::all(vec![
                condition::one_of(FacetField::Source, std::slice::from_ref(source)),
                condition::any(DOCUMENT, std::slice::from_ref(document)),
            ])
            .unwrap_or_default(),
        };
        let mut writer = self.begin()?;
        match which {
            Selection::Passages(_) => {}
            Selection::Source(source) => writer.documents.forget_source(source),
            Selection::Document { source, document } => writer.documents.forget(source, document),
        }
        let mut removed = 0;
        loop {
            let request = ScrollRequest {
                limit: Some(BATCH),
                filter: Some(filter.clone()),
                with_payload: Some(false.into()),
                with_vector: WithVector::Bool(false),
                ..ScrollRequest::default()
            };
            let (records, _) = self.edge()?.scroll(request).map_err(engine)?;
            if records.is_empty() {
                return Ok(removed);
            }
            let ids: Vec<PointId> = records.into_iter().map(|record| record.id).collect();
            let stored = self.stored(&ids)?;
            removed += stored.len() as u64;
            let operation = UpdateOperation::PointOperation(PointOperations::DeletePoints { ids });
            self.update(operation)?;
            let mut statistics = self.statistics.write().unwrap_or_else(PoisonError::into_inner);
            for stored in stored.values() {
                statistics.remove(&stored.sparse.indices, stored.length);
                self.embedded.fetch_sub(u64::from(stored.dense.is_some()), Ordering::Relaxed);
            }
        }
    }

    pub(super) fn documents(&self) -> Result<Vec<IndexedDocument>> {
        let writer = self.writer();
        let noted = self.folder.documents(&writer.state);
        noted.and_then(|noted| noted.with(&writer.documents)).ok_or_else(|| engine(NO_DOCUMENTS))
    }

    pub(super) fn note_documents(&self, noted: &[IndexedDocument], gone: &[(String, String)]) -> Result<()> {
        if !noted.is_empty() || !gone.is_empty() {
            self.begin()?.documents.note(noted, gone);
        }
        Ok(())
    }

    /// Whether closing it loses nothing: all is committed, or cannot be any more.
    pub(super) fn can_close(&self) -> bool {
        !self.writer().dirty || self.broken.load(Ordering::Relaxed)
    }

    /// Its own folder.
    pub(super) fn root(&self) -> &Path {
        self.folder.root()
    }

    /// Empties it, so that whoever still holds it finds nothing.
    pub(super) fn clear(&self) -> Result<()> {
        let mut writer = self.begin()?;
        writer.documents.clear();
        writer.state = State::empty(self.dense.clone(), None);
        self.update(UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(EdgeFilter::new())))?;
        *self.statistics.write().unwrap_or_else(PoisonError::into_inner) = Statistics::default();
        self.embedded.store(0, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn read_statistics(&self, read: &mut dyn FnMut(&Statistics)) {
        read(&self.statistics.read().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn commit(&self, sequence: u64) -> Result<()> {
        let mut writer = self.begin()?;
        if self.broken.load(Ordering::Relaxed) {
            return Err(IndexError::Engine("a write failed; the index is built anew when it is opened again".into()));
        }
        self.weigh_anew(&mut writer)?;
        self.settle(&mut writer)?;
        self.flush()?;
        let statistics = self.statistics.read().unwrap_or_else(PoisonError::into_inner);
        writer.state.sequence = Some(sequence);
        writer.state.reason = None;
        writer.state.passages = statistics.passages();
        writer.state.total_length = statistics.total_length();
        self.folder.write_statistics(&statistics)?;
        drop(statistics);
        if !writer.documents.is_empty() {
            let noted = self.folder.documents(&writer.state);
            let noted = noted.and_then(|noted| noted.changed(&writer.documents)).ok_or_else(|| engine(NO_DOCUMENTS))?;
            self.folder.write_documents(&noted)?;
            writer.state.documents = noted.count();
            writer.documents.clear();
        }
        self.folder.write_state(&writer.state)?;
        self.folder.written()?;
        writer.dirty = false;
        self.folder.shorten_log()
    }

    /// Weighs all sparse vectors by the present average length, where it has moved too far from the one that they carry.
    fn weigh_anew(&self, writer: &mut Writer) -> Result<()> {
        let Some(from) = writer.state.weighed_with else { return Ok(()) };
        let to = {
            let statistics = self.statistics.read().unwrap_or_else(PoisonError::into_inner);
            if statistics.drift(from) <= MOST_DRIFT {
                return Ok(());
            }
            statistics.average_length()
        };
        let mut offset = None;
        loop {
            let request = ScrollRequest {
                offset,
                limit: Some(BATCH),
                with_payload: Some(WithPayloadInterface::Fields(
                    condition::path(payload::LENGTH).into_iter().collect(),
                )),
                with_vector: WithVector::Selector(vec![SPARSE.into()]),
                ..ScrollRequest::default()
            };
            let (records, next) = self.edge()?.scroll(request).map_err(engine)?;
            let points: Vec<PointVectorsPersisted> = records
                .into_iter()
                .map(|record| {
                    let id = record.id;
                    let stored = Stored::from(record);
                    let sparse = Bm25::default().reweigh(&stored.sparse, stored.length, from, to);
                    let vector = persisted(NamedVectors::default().add_vector(SPARSE, to_edge(sparse)));
                    PointVectorsPersisted { id, vector }
                })
                .collect();
            let count = points.len();
            if !points.is_empty() {
                let operation = VectorOperations::UpdateVectors(UpdateVectorsOp { points, update_filter: None });
                self.update(UpdateOperation::VectorOperation(operation))?;
                self.wrote(count, writer)?;
            }
            offset = next;
            if offset.is_none() {
                break;
            }
        }
        writer.state.weighed_with = Some(to);
        Ok(())
    }

    pub(super) fn position(&self) -> Position {
        let writer = self.writer();
        Position { sequence: writer.state.sequence, reason: writer.state.reason.clone() }
    }

    pub(super) fn optimise(&self) -> Result<bool> {
        // Segments are exchanged for better ones: a kill between would leave both.
        let mut writer = self.writer();
        let unfinished = writer.dirty;
        self.mark(&mut writer)?;
        self.settle(&mut writer)?;
        let edge = self.edge()?;
        edge.set_optimizers_config(segments(1, 1)).map_err(engine)?;
        let done = edge.optimize().map_err(engine);
        edge.set_optimizers_config(segments(SEGMENTS, WORTH_CLOSING)).map_err(engine)?;
        let done = done?;
        writer.open = 0;
        self.flush()?;
        // Whatever was written before and not committed stays unfinished.
        if !unfinished {
            self.folder.written()?;
            writer.dirty = false;
        }
        Ok(done)
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        if let Err(error) = self.writer().settle() {
            tracing::warn!(%error, "a segment of the search index could not be closed");
        }
        // The engine writes when it is dropped, and panics where it cannot.
        let edge = self.edge.take();
        if catch_unwind(AssertUnwindSafe(|| drop(edge))).is_err() {
            tracing::warn!("the search index could not be written when it was closed");
        }
    }
}

/// The shard of a folder with its state and counts; `None` where there is none yet; why not, where it is not whole.
fn whole(
    folder: &Folder,
    dense: Option<&DenseSpace>,
) -> std::result::Result<Option<(EdgeShard, State, Statistics)>, String> {
    if folder.is_writing() {
        return Err("writing to it was cut short".into());
    }
    let Some(state) = folder.state() else {
        return if folder.engine().exists() { Err("its state cannot be read".into()) } else { Ok(None) };
    };
    if state.format != FORMAT {
        return Err("it was written by another version".into());
    }
    // Whoever has no model searches by words in whatever there is: throwing vectors away would cost the next one who has.
    if let Some(dense) = dense.filter(|&dense| state.dense.as_ref() != Some(dense)) {
        return Err(format!("it has no vectors of {}", dense.model));
    }
    let dense = state.dense.clone();
    let statistics = folder.statistics(&state).ok_or("its counts cannot be read")?;
    folder.documents(&state).filter(Noted::is_whole).ok_or(NO_DOCUMENTS)?;
    let path = folder.engine();
    let loaded = catch_unwind(|| EdgeShard::load(&path, Some(config(dense.as_ref()))));
    let edge = match loaded {
        Ok(Ok(edge)) => edge,
        Ok(Err(error)) => return Err(format!("it cannot be opened: {error}")),
        Err(_) => return Err("it cannot be opened: its files are damaged".into()),
    };
    let count = count(&edge, None).map_err(|error| error.to_string())?;
    if count != statistics.passages() {
        return Err(format!("it has {count} passages instead of {}", statistics.passages()));
    }
    Ok(Some((edge, state, statistics)))
}

fn count(edge: &EdgeShard, filter: Option<EdgeFilter>) -> std::result::Result<u64, qdrant_edge::OperationError> {
    edge.count(CountRequest { filter, exact: true }).map(|count| count as u64)
}

fn config(dense: Option<&DenseSpace>) -> EdgeConfig {
    let log = WalOptions { segment_capacity: LOG_SEGMENT, ..WalOptions::default() };
    let config = EdgeConfigBuilder::new()
        .on_disk_payload(true)
        .sparse_vector(SPARSE, EdgeSparseVectorParams::default())
        .optimizers(segments(SEGMENTS, WORTH_CLOSING))
        .wal_options(log);
    match dense {
        Some(dense) => {
            let params = EdgeVectorParamsBuilder::new(dense.dimensions, Distance::Cosine).build();
            config.vector(DENSE, params).build()
        }
        None => config.build(),
    }
}

/// So many segments are kept, and those of so many kilobytes closed.
fn segments(number: usize, worth_closing: usize) -> EdgeOptimizersConfig {
    EdgeOptimizersConfig {
        default_segment_number: Some(number),
        indexing_threshold: Some(worth_closing),
        ..EdgeOptimizersConfig::default()
    }
}

/// What a stored point says.
#[derive(Debug, Default)]
struct Stored {
    sparse: SparseVector,
    dense: Option<Vec<f32>>,
    length: u32,
    hash: String,
}

impl From<Record> for Stored {
    fn from(record: Record) -> Self {
        let hash = record.payload.as_ref().and_then(|payload| payload.0.get("hash")?.as_str().map(str::to_owned));
        let mut stored = Self {
            length: payload::length(record.payload.as_ref()),
            hash: hash.unwrap_or_default(),
            ..Self::default()
        };
        if let Some(VectorStructInternal::Named(mut vectors)) = record.vector {
            if let Some(VectorInternal::Sparse(sparse)) = vectors.remove(SPARSE) {
                stored.sparse = from_edge(sparse);
            }
            if let Some(VectorInternal::Dense(dense)) = vectors.remove(DENSE) {
                stored.dense = Some(dense);
            }
        }
        stored
    }
}

fn persisted(vectors: NamedVectors) -> VectorStructPersisted {
    VectorStructPersisted::from(Vectors::from(vectors).0)
}

fn edge_sparse(vector: SparseVector) -> EdgeSparse {
    EdgeSparse { indices: vector.indices, values: vector.values }
}

fn to_edge(vector: SparseVector) -> Vector {
    Vector::from(edge_sparse(vector))
}

/// The engine gives dimensions in an order of its own.
fn from_edge(vector: EdgeSparse) -> SparseVector {
    let mut pairs: Vec<(u32, f32)> = vector.indices.into_iter().zip(vector.values).collect();
    pairs.sort_by_key(|&(dimension, _)| dimension);
    let (indices, values) = pairs.into_iter().unzip();
    SparseVector { indices, values }
}
