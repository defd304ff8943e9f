//! The index on disk: one Qdrant Edge shard per organisation, in the process.
//!
//! A shard can be open in one process only. So that several can work on one data directory, each has one of its own: an
//! organisation's are `search-0`, `search-1` and so on in its folder, and a process takes the first that is free. They follow the
//! store independently.

mod condition;
mod files;
mod noted;
mod payload;
mod shard;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use docassist_model::{OrgSlug, TenantScope};

use super::{
    Candidate, Counts, DenseSpace, Entry, FacetCount, FacetField, Filter, Index, IndexQuery, IndexedDocument, Position,
    Result, Selection, StoredVectors,
};
use crate::lexical::Statistics;
use crate::passage::{Passage, PassageId};
use files::Folder;
use shard::Shard;

/// How an index on disk is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EdgeOptions {
    /// The space of its dense vectors. `None`: an index that has any keeps them, and a new one is searched by words only.
    pub dense: Option<DenseSpace>,
}

/// An index on disk.
#[derive(Debug)]
pub struct EdgeIndex {
    root: PathBuf,
    options: EdgeOptions,
    most_open: Option<usize>,
    shards: Mutex<BTreeMap<OrgSlug, Arc<Slot>>>,
    /// Counts the uses of all shards, so that the one that rested longest is known.
    uses: AtomicU64,
}

/// An organisation's place.
#[derive(Debug, Default)]
struct Slot {
    /// Its shard, where it is open.
    shard: Mutex<Option<Arc<Shard>>>,
    /// When it was last asked for, as a number of uses of all.
    used: AtomicU64,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Shard>>> {
        self.shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the shard where nobody uses it and all of it is committed or failed; whether it is closed now.
    fn close(shard: &mut Option<Arc<Shard>>) -> bool {
        let closable = shard.as_mut().is_none_or(|shard| Arc::get_mut(shard).is_some_and(|shard| shard.can_close()));
        if closable {
            *shard = None;
        }
        closable
    }
}

impl EdgeIndex {
    /// The index under a folder. Nothing is opened before it is asked for.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, options: EdgeOptions) -> Self {
        Self { root: root.into(), options, most_open: None, shards: Mutex::default(), uses: AtomicU64::new(0) }
    }

    /// Keeps at most that many organisations' indexes open, each of which holds memory and files: the one that rested longest is
    /// closed, and opened again when it is asked for. One that is written or searched stays, so that there may be more for a
    /// while.
    #[must_use]
    pub const fn keeping_open(mut self, most: usize) -> Self {
        self.most_open = Some(most);
        self
    }

    /// The organisation's shard, opened if it is not. Its slot is locked while it opens, others' are not.
    fn shard(&self, scope: &TenantScope) -> Result<Arc<Shard>> {
        let slot = self.slot(scope);
        slot.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let mut shard = slot.lock();
        if let Some(shard) = shard.as_ref() {
            return Ok(Arc::clone(shard));
        }
        // A slug is a file name: `OrgSlug` admits nothing that could leave the folder.
        let opened = Arc::new(Shard::first_free(&self.folder(scope), self.options.dense.as_ref())?);
        *shard = Some(Arc::clone(&opened));
        drop(shard);
        self.close_resting();
        Ok(opened)
    }

    /// Closes those that rested longest, as far as there are more than may be open. O(n log n) of all organisations that were ever
    /// asked for, and only where one is opened.
    fn close_resting(&self) {
        let Some(most) = self.most_open else { return };
        let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slots: Vec<Arc<Slot>> = shards.values().map(Arc::clone).collect();
        drop(shards);
        slots.sort_by_key(|slot| slot.used.load(Ordering::Relaxed));
        // One that is locked is just being opened or closed.
        let mut open: Vec<_> =
            slots.iter().filter_map(|slot| slot.shard.try_lock().ok()).filter(|shard| shard.is_some()).collect();
        let mut above = open.len().saturating_sub(most);
        for shard in &mut open {
            if above == 0 {
                break;
            }
            above -= usize::from(Slot::close(shard));
        }
    }

    /// Lets go of an organisation's index, where it is open and nothing is lost by it: no call uses it, and all is committed or
    /// failed. It is opened again when it is asked for. Returns whether it is closed now.
    #[must_use = "it stays open while it is used"]
    pub fn close(&self, scope: &TenantScope) -> bool {
        // Dropped under the slot's lock: whoever opens it next finds its folder free.
        Slot::close(&mut self.slot(scope).lock())
    }

    /// The organisation's folder, in which others keep data as well.
    fn folder(&self, scope: &TenantScope) -> PathBuf {
        self.root.join(scope.org().as_str())
    }

    fn slot(&self, scope: &TenantScope) -> Arc<Slot> {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shards.entry(scope.org().clone()).or_default())
    }
}

impl Index for EdgeIndex {
    fn upsert(&self, scope: &TenantScope, entries: &[Entry]) -> Result<()> {
        self.shard(scope)?.upsert(entries)
    }

    fn set_dense(&self, scope: &TenantScope, vectors: &[(PassageId, Vec<f32>)]) -> Result<u64> {
        self.shard(scope)?.set_dense(vectors)
    }

    fn remove(&self, scope: &TenantScope, which: &Selection) -> Result<u64> {
        self.shard(scope)?.remove(which)
    }

    fn documents(&self, scope: &TenantScope) -> Result<Vec<IndexedDocument>> {
        self.shard(scope)?.documents()
    }

    fn note_documents(&self, scope: &TenantScope, noted: &[IndexedDocument], gone: &[(String, String)]) -> Result<()> {
        self.shard(scope)?.note_documents(noted, gone)
    }

    fn search(&self, scope: &TenantScope, query: &IndexQuery<'_>) -> Result<Vec<Candidate>> {
        self.shard(scope)?.search(query)
    }

    fn get(&self, scope: &TenantScope, ids: &[PassageId]) -> Result<Vec<Passage>> {
        self.shard(scope)?.get(ids)
    }

    fn vectors(&self, scope: &TenantScope, ids: &[PassageId]) -> Result<Vec<StoredVectors>> {
        self.shard(scope)?.vectors(ids)
    }

    fn facets(&self, scope: &TenantScope, filter: &Filter, field: FacetField, limit: usize) -> Result<Vec<FacetCount>> {
        self.shard(scope)?.facets(condition::of(filter), field, limit)
    }

    fn facets_among(
        &self,
        scope: &TenantScope,
        ids: &[PassageId],
        field: FacetField,
        limit: usize,
    ) -> Result<Vec<FacetCount>> {
        self.shard(scope)?.facets(Some(condition::among(ids)), field, limit)
    }

    fn scroll(
        &self,
        scope: &TenantScope,
        filter: &Filter,
        after: Option<PassageId>,
        limit: usize,
    ) -> Result<Vec<Passage>> {
        self.shard(scope)?.scroll(condition::of(filter), after, limit)
    }

    fn without_dense(&self, scope: &TenantScope, limit: usize) -> Result<Vec<Passage>> {
        self.shard(scope)?.without_dense(limit)
    }

    fn counts(&self, scope: &TenantScope) -> Result<Counts> {
        Ok(self.shard(scope)?.counts())
    }

    fn read_statistics(&self, scope: &TenantScope, read: &mut dyn FnMut(&Statistics)) -> Result<()> {
        self.shard(scope)?.read_statistics(read);
        Ok(())
    }

    fn commit(&self, scope: &TenantScope, sequence: u64) -> Result<()> {
        self.shard(scope)?.commit(sequence)
    }

    fn position(&self, scope: &TenantScope) -> Result<Position> {
        Ok(self.shard(scope)?.position())
    }

    fn optimise(&self, scope: &TenantScope) -> Result<bool> {
        self.shard(scope)?.optimise()
    }

    fn remove_org(&self, scope: &TenantScope) -> Result<()> {
        let slot = self.slot(scope);
        let mut slot = slot.lock();
        if let Some(shard) = slot.take() {
            // Searches that still hold it find nothing more.
            shard.clear()?;
            match std::fs::remove_dir_all(shard.root()) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Folder::remove_free(&self.folder(scope))
    }
}

#[cfg(test)]
mod kill;
#[cfg(test)]
mod tests;
