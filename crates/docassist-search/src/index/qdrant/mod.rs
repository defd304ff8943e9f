//! The index on a Qdrant server, which several processes share.
//!
//! All organisations whose vectors are of one model are in one collection; what keeps them apart is in `tenant`. One process writes
//! an organisation at a time, which its caller sees to, all may read. They notice by the state, which every commit writes last,
//! that what they remember of an organisation is old: a search costs a small request for that.
//!
//! The state names who writes from the first write to the end of the commit. Where a process finds another's name and is to write,
//! that one was cut short: the organisation is emptied, and says that it has to be built from the store. Until then what is there is
//! served, to those who only read.

mod collection;
mod condition;
mod connection;
mod organisation;
mod point;
mod share;
mod tenant;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docassist_model::{OrgSlug, TenantScope};

use super::{
    Candidate, Counts, DenseSpace, Entry, FacetCount, FacetField, Filter, Index, IndexQuery, IndexedDocument, Position,
    Result, Selection, StoredVectors,
};
use crate::lexical::Statistics;
use crate::passage::{Passage, PassageId};
use collection::Collection;
use connection::Connection;
use organisation::Organisation;
use tenant::Tenant;

/// Where an index on a server is, and how it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct QdrantOptions {
    /// The address for gRPC, `http://HOST:6334` where nothing else was chosen.
    pub url: String,
    /// The server's key, where it asks for one.
    pub api_key: Option<String>,
    /// What the names of collections begin with: 1 to 64 of `a-z 0-9 -`. Installations that share a server need different ones.
    pub prefix: String,
    /// The space of its dense vectors; `None` for an index that is searched by words only.
    pub dense: Option<DenseSpace>,
    /// Shards that the collection is spread over, on a cluster; the server's own number if `None`. Taken when the collection is made.
    pub shards: Option<u32>,
    /// Copies of each shard, on a cluster; the server's own number if `None`. Taken when the collection is made.
    pub replicas: Option<u32>,
    /// How long any one request may take. A search makes about five, a write as many as it has parts.
    pub timeout: Duration,
}

impl QdrantOptions {
    /// The usual ones for a server.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            api_key: None,
            prefix: "docassist".into(),
            dense: None,
            shards: None,
            replicas: None,
            timeout: Duration::from_secs(10),
        }
    }
}

impl std::fmt::Debug for QdrantOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QdrantOptions")
            .field("url", &self.url)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("prefix", &self.prefix)
            .field("dense", &self.dense)
            .field("shards", &self.shards)
            .field("replicas", &self.replicas)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// An index on a server.
///
/// Its calls block the thread until the server has answered. A write that fails leaves the organisation to be built anew: what the
/// server has done of it is not known.
#[derive(Debug)]
pub struct QdrantIndex {
    collection: Arc<Collection>,
    organisations: Mutex<BTreeMap<OrgSlug, Arc<Organisation>>>,
}

impl QdrantIndex {
    /// The index on a server. Nothing is asked of it before it is needed.
    ///
    /// # Errors
    ///
    /// Where the options cannot be used, or no threads can be started.
    pub fn new(options: &QdrantOptions) -> Result<Self> {
        let connection = Connection::new(&options.url, options.api_key.as_deref(), options.timeout)?;
        let collection = Collection::new(connection, options)?;
        Ok(Self { collection: Arc::new(collection), organisations: Mutex::default() })
    }

    /// Whether the server answers, knows the key and has the collection, which is created where it is missing.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check(&self) -> Result<()> {
        self.collection.ensure()
    }

    /// Forgets what is remembered of an organisation, where nothing is lost by it: no call uses it, and all is committed or failed.
    /// Returns whether it is forgotten now. For a service that bounds how much it remembers.
    #[must_use = "it stays remembered while it is used"]
    pub fn close(&self, scope: &TenantScope) -> bool {
        let mut organisations = self.organisations.lock().unwrap_or_else(PoisonError::into_inner);
        let closable = organisations
            .get_mut(scope.org())
            .is_none_or(|known| Arc::get_mut(known).is_some_and(|known| !known.is_writing()));
        if closable {
            organisations.remove(scope.org());
        }
        closable
    }

    fn organisation(&self, scope: &TenantScope) -> Arc<Organisation> {
        let mut organisations = self.organisations.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Organisation::new(Arc::clone(&self.collection), Tenant::of(scope)));
        Arc::clone(organisations.entry(scope.org().clone()).or_insert_with(new))
    }
}

impl Index for QdrantIndex {
    fn upsert(&self, scope: &TenantScope, entries: &[Entry]) -> Result<()> {
        self.organisation(scope).upsert(entries)
    }

    fn set_dense(&self, scope: &TenantScope, vectors: &[(PassageId, Vec<f32>)]) -> Result<u64> {
        self.organisation(scope).set_dense(vectors)
    }

    fn remove(&self, scope: &TenantScope, which: &Selection) -> Result<u64> {
        self.organisation(scope).remove(which)
    }

    fn documents(&self, scope: &TenantScope) -> Result<Vec<IndexedDocument>> {
        self.organisation(scope).documents()
    }

    fn note_documents(&self, scope: &TenantScope, noted: &[IndexedDocument], gone: &[(String, String)]) -> Result<()> {
        self.organisation(scope).note_documents(noted, gone)
    }

    fn search(&self, scope: &TenantScope, query: &IndexQuery<'_>) -> Result<Vec<Candidate>> {
        self.organisation(scope).search(query)
    }

    fn get(&self, scope: &TenantScope, ids: &[PassageId]) -> Result<Vec<Passage>> {
        self.organisation(scope).get(ids)
    }

    fn vectors(&self, scope: &TenantScope, ids: &[PassageId]) -> Result<Vec<StoredVectors>> {
        self.organisation(scope).vectors(ids)
    }

    fn facets(&self, scope: &TenantScope, filter: &Filter, field: FacetField, limit: usize) -> Result<Vec<FacetCount>> {
        self.organisation(scope).facets(filter, field, limit)
    }

    fn facets_among(
        &self,
        scope: &TenantScope,
        ids: &[PassageId],
        field: FacetField,
        limit: usize,
    ) -> Result<Vec<FacetCount>> {
        self.organisation(scope).facets_among(ids, field, limit)
    }

    fn scroll(
        &self,
        scope: &TenantScope,
        filter: &Filter,
        after: Option<PassageId>,
        limit: usize,
    ) -> Result<Vec<Passage>> {
        self.organisation(scope).scroll(filter, after, limit)
    }

    fn without_dense(&self, scope: &TenantScope, limit: usize) -> Result<Vec<Passage>> {
        self.organisation(scope).without_dense(limit)
    }

    fn counts(&self, scope: &TenantScope) -> Result<Counts> {
        self.organisation(scope).counts()
    }

    fn read_statistics(&self, scope: &TenantScope, read: &mut dyn FnMut(&Statistics)) -> Result<()> {
        self.organisation(scope).read_statistics(read)
    }

    fn commit(&self, scope: &TenantScope, sequence: u64) -> Result<()> {
        self.organisation(scope).commit(sequence)
    }

    fn position(&self, scope: &TenantScope) -> Result<Position> {
        self.organisation(scope).position()
    }

    /// The server does it by itself.
    fn optimise(&self, _: &TenantScope) -> Result<bool> {
        Ok(false)
    }

    fn remove_org(&self, scope: &TenantScope) -> Result<()> {
        self.organisation(scope).remove_all()
    }
}

#[cfg(test)]
mod tests;
