//! The index on disk: one Qdrant Edge shard per organisation, in the process.

mod condition;
mod files;
mod payload;
mod shard;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use docassist_model::{OrgSlug, TenantScope};

use super::{
    Candidate, Counts, DenseSpace, Entry, FacetCount, FacetField, Filter, Index, IndexQuery, Position, Result,
    Selection, StoredVectors,
};
use crate::lexical::Statistics;
use crate::passage::{Passage, PassageId};
use shard::Shard;

/// How an index on disk is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EdgeOptions {
    /// The space of its dense vectors; `None` for an index that is searched by words only.
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
        let opened = Arc::new(Shard::open(&self.root.join(scope.org().as_str()), self.options.dense.as_ref())?);
        *slot = Some(Arc::clone(&opened));
        Ok(opened)
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
        }
        match std::fs::remove_dir_all(self.root.join(scope.org().as_str())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod kill;
#[cfg(test)]
mod tests;
