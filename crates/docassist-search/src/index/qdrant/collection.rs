//! A collection: what is asked of the server, each time with the filter of an organisation.

use std::sync::{Mutex, PoisonError};

use qdrant_client::qdrant::{
    BatchResult, Condition, CreateCollection, CreateFieldIndexCollection, DeletePoints, Distance, FacetCounts,
    FacetHit, FieldType, Filter, GetCollectionInfoRequest, HnswConfigDiff, KeywordIndexParams, Memory,
    PayloadIndexParams, PayloadStorageParams, PointId, PointStruct, PointVectors, QueryBatchPoints, QueryPoints,
    RetrievedPoint, ScrollPoints, SparseVectorConfig, SparseVectorParams, UpdatePointVectors, UpsertPoints,
    VectorParams, VectorParamsMap, VectorsConfig, payload_index_params, vectors_config,
};

use super::QdrantOptions;
use super::condition::{DOCUMENT, FACETS, INSTANT};
use super::connection::Connection;
use super::point::{DENSE, SPARSE};
use super::share::REVISION;
use super::tenant::{ORG, PART};
use crate::index::{DenseSpace, IndexError, Result};
use crate::passage::sha256;

/// Raised when stored points change their meaning: terms, dimensions, weights, fields. Other formats have collections of their own.
const FORMAT: u32 = 2;
/// Links of a vector within its organisation's graph: the server's default, given to each organisation instead of to all together.
const LINKS: u64 = 16;

#[derive(Debug)]
pub(super) struct Collection {
    connection: Connection,
    name: String,
    /// What the names of all our collections begin with.
    prefix: String,
    dense: Option<DenseSpace>,
    shards: Option<u32>,
    replicas: Option<u32>,
    /// Whether it is known to exist.
    ready: Mutex<bool>,
}

/// What to read of points.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) payload: Vec<&'static str>,
    pub(super) vectors: Vec<&'static str>,
}

impl Collection {
    pub(super) fn new(connection: Connection, options: &QdrantOptions) -> Result<Self> {
        let (prefix, dense) = (&options.prefix, options.dense.as_ref());
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(valid) {
            return Err(IndexError::Options("the prefix of collections has to be 1 to 64 of a-z, 0-9 and -".into()));
        }
        // Closed by what a prefix cannot have, so that none begins another.
        let prefix = format!("{prefix}_");
        let name = format!("{prefix}v{FORMAT}_{}", space(dense));
        let QdrantOptions { shards, replicas, .. } = *options;
        Ok(Self { connection, name, prefix, dense: dense.cloned(), shards, replicas, ready: Mutex::new(false) })
    }

    /// Of its dense vectors; 0 where it has none.
    pub(super) fn dimensions(&self) -> usize {
        self.dense.as_ref().map_or(0, |dense| dense.dimensions)
    }

    /// The names of the vectors that it has.
    pub(super) fn vectors(&self) -> Vec<&'static str> {
        if self.dense.is_some() { vec![SPARSE, DENSE] } else { vec![SPARSE] }
    }

    pub(super) fn failed(&self, what: impl std::fmt::Display) -> IndexError {
        self.connection.failed(what)
    }

    /// Creates the collection and what it is filtered by, where that is missing.
    pub(super) fn ensure(&self) -> Result<()> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if *ready {
            return Ok(());
        }
        let indexed = match self.indexed() {
            Ok(indexed) => indexed,
            Err(IndexError::Missing { .. }) => {
                let request = self.creation();
                let created = self.connection.call(|client| async move { client.create_collection(request).await });
                // Another process may have been faster.
                match (created, self.indexed()) {
                    (_, Ok(indexed)) => indexed,
                    (Err(error), _) | (Ok(_), Err(error)) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        for (field, kind, is_tenant) in [
            (ORG, FieldType::Keyword, true),
            (PART, FieldType::Keyword, false),
            (FACETS, FieldType::Keyword, false),
            (DOCUMENT, FieldType::Keyword, false),
            (INSTANT, FieldType::Integer, false),
            (REVISION, FieldType::Integer, false),
        ] {
            if indexed.iter().any(|known| known == field) {
                continue;
            }
            let request = self.field(field, kind, is_tenant);
            self.connection.call(|client| async move { client.create_field_index(request).await })?;
        }
        *ready = true;
        Ok(())
    }

    /// The fields that it can be filtered by.
    fn indexed(&self) -> Result<Vec<String>> {
        let request = GetCollectionInfoRequest { collection_name: self.name.clone() };
        let info = self.connection.call(|client| async move { client.collection_info(request).await })?;
        Ok(info.result.map(|info| info.payload_schema.into_keys().collect()).unwrap_or_default())
    }

    fn creation(&self) -> CreateCollection {
        let dense = self.dense.as_ref().map(|dense| {
            let params = VectorParams {
                size: dense.dimensions as u64,
                distance: Distance::Cosine.into(),
                ..VectorParams::default()
            };
            VectorParamsMap { map: [(DENSE.to_owned(), params)].into() }
        });
        CreateCollection {
            collection_name: self.name.clone(),
            vectors_config: dense.map(|map| VectorsConfig { config: Some(vectors_config::Config::ParamsMap(map)) }),
            sparse_vectors_config: Some(SparseVectorConfig {
                map: [(SPARSE.to_owned(), SparseVectorParams::default())].into(),
            }),
            // No graph over all organisations, one for each: a search never leaves its own.
            hnsw_config: Some(HnswConfigDiff { m: Some(0), payload_m: Some(LINKS), ..HnswConfigDiff::default() }),
            shard_number: self.shards,
            replication_factor: self.replicas,
            // Texts are read for the few passages that are shown.
            payload: Some(PayloadStorageParams { memory: Some(Memory::Cold.into()) }),
            ..CreateCollection::default()
        }
    }

    fn field(&self, name: &str, kind: FieldType, is_tenant: bool) -> CreateFieldIndexCollection {
        // Graphs are for organisations; one for each document and label would cost more than it could give.
        let keyword = KeywordIndexParams {
            is_tenant: Some(is_tenant),
            enable_hnsw: Some(is_tenant),
            ..KeywordIndexParams::default()
        };
        let params = (kind == FieldType::Keyword).then_some(PayloadIndexParams {
            index_params: Some(payload_index_params::IndexParams::KeywordIndexParams(keyword)),
        });
        CreateFieldIndexCollection {
            collection_name: self.name.clone(),
            wait: Some(true),
            field_name: name.to_owned(),
            field_type: Some(kind.into()),
            field_index_params: params,
            ..CreateFieldIndexCollection::default()
        }
    }

    /// Notices where the collection is gone: it is created again when it is next used.
    fn checked<T>(&self, result: Result<T>) -> Result<T> {
        if matches!(result, Err(IndexError::Missing { .. })) {
            *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = false;
        }
        result
    }

    /// Points in the order of their names, from `offset`, and the name of the next.
    pub(super) fn scroll(
        &self,
        filter: Filter,
        offset: Option<PointId>,
        limit: usize,
        wanted: Wanted,
    ) -> Result<(Vec<RetrievedPoint>, Option<PointId>)> {
        self.ensure()?;
        let request = ScrollPoints {
            collection_name: self.name.clone(),
            filter: Some(filter),
            offset,
            limit: Some(u32::try_from(limit).unwrap_or(u32::MAX)),
            with_payload: Some(selected(wanted.payload)),
            with_vectors: Some(if wanted.vectors.is_empty() { false.into() } else { wanted.vectors.into() }),
            ..ScrollPoints::default()
        };
        let response = self.connection.call(|client| async move { client.scroll(request).await });
        let response = self.checked(response)?;
        Ok((response.result, response.next_page_offset))
    }

    /// The nearest points for each of some questions.
    pub(super) fn query(&self, questions: Vec<QueryPoints>) -> Result<Vec<BatchResult>> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        self.ensure()?;
        let named = |question| QueryPoints { collection_name: self.name.clone(), ..question };
        let request = QueryBatchPoints {
            collection_name: self.name.clone(),
            query_points: questions.into_iter().map(named).collect(),
            ..QueryBatchPoints::default()
        };
        let response = self.connection.call(|client| async move { client.query_batch(request).await });
        Ok(self.checked(response)?.result)
    }

    pub(super) fn facet(&self, filter: Filter, key: &str, limit: u64) -> Result<Vec<FacetHit>> {
        self.ensure()?;
        let request = FacetCounts {
            collection_name: self.name.clone(),
            key: key.to_owned(),
            filter: Some(filter),
            limit: Some(limit),
            exact: Some(true),
            ..FacetCounts::default()
        };
        let response = self.connection.call(|client| async move { client.facet(request).await });
        Ok(self.checked(response)?.hits)
    }

    pub(super) fn upsert(&self, points: Vec<PointStruct>) -> Result<()> {
        if points.is_empty() {
            return Ok(());
        }
        self.ensure()?;
        let request =
            UpsertPoints { collection_name: self.name.clone(), wait: Some(true), points, ..UpsertPoints::default() };
        let response = self.connection.call(|client| async move { client.upsert_points(request).await });
        self.checked(response).map(drop)
    }

    /// Gives points that are there other vectors; those that are not named stay.
    pub(super) fn update_vectors(&self, points: Vec<PointVectors>) -> Result<()> {
        if points.is_empty() {
            return Ok(());
        }
        self.ensure()?;
        let request = UpdatePointVectors {
            collection_name: self.name.clone(),
            wait: Some(true),
            points,
            ..UpdatePointVectors::default()
        };
        let response = self.connection.call(|client| async move { client.update_vectors(request).await });
        self.checked(response).map(drop)
    }

    pub(super) fn delete(&self, filter: Filter) -> Result<()> {
        self.ensure()?;
        self.delete_in(self.name.clone(), filter)
    }

    fn delete_in(&self, collection_name: String, filter: Filter) -> Result<()> {
        let request =
            DeletePoints { collection_name, wait: Some(true), points: Some(filter.into()), ..DeletePoints::default() };
        let response = self.connection.call(|client| async move { client.delete_points(request).await });
        self.checked(response).map(drop)
    }

    /// Removes points a part at a time, so that no request takes longer than it may.
    pub(super) fn delete_all(&self, filter: &Filter) -> Result<()> {
        /// The server deletes as many in far less than a second.
        const AT_ONCE: usize = 5_000;
        loop {
            let (points, _) = self.scroll(filter.clone(), None, AT_ONCE, Wanted::default())?;
            if points.is_empty() {
                return Ok(());
            }
            let mut these = filter.clone();
            these.must.push(Condition::has_id(points.into_iter().filter_map(|point| point.id)));
            self.delete(these)?;
        }
    }

    /// Removes points from our other collections: those of models that are not used any more, and of former formats.
    pub(super) fn delete_elsewhere(&self, filter: &Filter) -> Result<()> {
        let list = self.connection.call(|client| async move { client.list_collections().await })?;
        for other in list.collections {
            if other.name.starts_with(&self.prefix) && other.name != self.name {
                match self.delete_in(other.name, filter.clone()) {
                    // Removed by another meanwhile.
                    Err(IndexError::Missing { .. }) | Ok(()) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn selected(fields: Vec<&'static str>) -> qdrant_client::qdrant::WithPayloadSelector {
    use qdrant_client::qdrant::{PayloadIncludeSelector, with_payload_selector::SelectorOptions};
    if fields.is_empty() {
        return false.into();
    }
    let fields = fields.into_iter().map(str::to_owned).collect();
    SelectorOptions::Include(PayloadIncludeSelector { fields }).into()
}

/// A name for a space of vectors, readable and different for different ones.
fn space(dense: Option<&DenseSpace>) -> String {
    let Some(dense) = dense else { return "words".into() };
    let readable: String =
        dense.model.to_lowercase().chars().take(64).filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let digest = sha256(format!("{}\0{}", dense.model, dense.dimensions).as_bytes());
    format!("{readable}_{}_{}", dense.dimensions, &digest[..8])
}
