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
use std::sync::{Arc, Mutex, PoisonError};

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
    shards: Mutex<BTreeMap<OrgSlug, Slot>>,
}

/// An organisation's shard, where it is open.
type Slot = Arc<Mutex<Option<Arc<Shard>>>>;

impl EdgeIndex {
    /// The index under a folder. Nothing is opened before it is asked for.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, options: EdgeOptions) -> Self {
        Self { root: root.into(), options, shards: Mutex::default() }
    }

    /// The organisation's shard, opened if it is not. Its slot is locked while it opens, others' are not.
    fn shard(&self, scope: &TenantScope) -> Result<Arc<Shard>> {
        let slot = self.slot(scope);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shard) = slot.as_ref() {
            return Ok(Arc::clone(shard));
        }
        // A slug is a file name: `OrgSlug` admits nothing that could leave the folder.
        let opened = Arc::new(Shard::first_free(&self.folder(scope), self.options.dense.as_ref())?);
        *slot = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Lets go of an organisation's index, where it is open and nothing is lost by it: no call uses it, and all is committed or
    /// failed. It is opened again when it is asked for. Returns whether it is closed now. For a service that bounds how many are
    /// open.
    #[must_use = "it stays open while it is used"]
    pub fn close(&self, scope: &TenantScope) -> bool {
        let slot = self.slot(scope);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        // Dropped under the slot's lock: whoever opens it next finds its folder free.
        let closable = slot.as_mut().is_none_or(|shard| Arc::get_mut(shard).is_some_and(|shard| shard.can_close()));
        if closable {
            *slot = None;
        }
        closable
    }

    /// The organisation's folder, in which others keep data as well.
    fn folder(&self, scope: &TenantScope) -> PathBuf {
        self.root.join(scope.org().as_str())
    }

    fn slot(&self, scope: &TenantScope) -> Slot {
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
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
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
