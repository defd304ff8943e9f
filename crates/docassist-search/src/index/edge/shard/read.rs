//! What a shard is asked.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use qdrant_edge::{
    FacetRequest, FacetValue, Filter as EdgeFilter, NamedQuery, PointId, QueryEnum, QueryRequest, Record, ScoredPoint,
    ScoringQuery, ScrollRequest, VectorInternal, WithVector,
};
use rustc_hash::FxHashMap;

use super::super::condition::{self, FACETS};
use super::super::payload::{self, engine, passage_id, point_id};
use super::{DENSE, SPARSE, Shard, Stored, edge_sparse};
use crate::index::memory::sort_facets;
use crate::index::{
    Candidate, Counts, FacetCount, FacetField, IndexError, IndexQuery, MOST_VALUES, Result, StoredVectors,
};
use crate::passage::{Passage, PassageId};

impl Shard {
    pub(in crate::index::edge) fn search(&self, query: &IndexQuery<'_>) -> Result<Vec<Candidate>> {
        query.dense.map_or(Ok(()), |vector| self.check(vector))?;
        let filter = condition::of(query.filter);
        let sparse =
            (!query.sparse.indices.is_empty()).then(|| VectorInternal::Sparse(edge_sparse(query.sparse.clone())));
        let dense = query.dense.map(|vector| VectorInternal::Dense(vector.to_vec()));
        let by_terms = self.nearest(sparse.as_ref(), SPARSE, filter.clone(), query.limit)?;
        let by_meaning = self.nearest(dense.as_ref(), DENSE, filter, query.limit)?;
        let mut found: FxHashMap<PassageId, Candidate> = FxHashMap::default();
        let new = |id| Candidate { id, lexical: 0.0, dense: None };
        let (mut without_terms, mut without_meaning) = (Vec::new(), Vec::new());
        for point in &by_terms {
            let id = passage_id(&point.id);
            found.entry(id).or_insert_with(|| new(id)).lexical = point.score;
        }
        for point in &by_meaning {
            let id = passage_id(&point.id);
            if !found.contains_key(&id) {
                without_terms.push(id);
            }
            found.entry(id).or_insert_with(|| new(id)).dense = Some(point.score);
        }
        without_meaning.extend(found.values().filter(|candidate| candidate.dense.is_none()).map(|c| c.id));
        // The other score of what only one vector found: few points, by name. Fusion with them beats fusion without by .005.
        for (vector, name, ids) in [(sparse, SPARSE, without_terms), (dense, DENSE, without_meaning)] {
            if vector.is_none() || ids.is_empty() {
                continue;
            }
            let limit = ids.len();
            for point in self.nearest(vector.as_ref(), name, Some(condition::among(&ids)), limit)? {
                if let Some(candidate) = found.get_mut(&passage_id(&point.id)) {
                    if name == SPARSE { candidate.lexical = point.score } else { candidate.dense = Some(point.score) }
                }
            }
        }
        let mut found: Vec<Candidate> = found.into_values().collect();
        found.sort_by_key(|candidate| candidate.id);
        Ok(found)
    }

    fn nearest(
        &self,
        vector: Option<&VectorInternal>,
        name: &str,
        filter: Option<EdgeFilter>,
        limit: usize,
    ) -> Result<Vec<ScoredPoint>> {
        let Some(vector) = vector else { return Ok(Vec::new()) };
        let query = QueryEnum::Nearest(NamedQuery { query: vector.clone(), using: Some(name.into()) });
        let request = QueryRequest {
            prefetches: Vec::new(),
            query: Some(ScoringQuery::Vector(query)),
            filter,
            score_threshold: None,
            limit,
            offset: 0,
            params: None,
            with_vector: WithVector::Bool(false),
            with_payload: false.into(),
        };
        self.edge()?.query(request).map_err(engine)
    }

    pub(in crate::index::edge) fn get(&self, ids: &[PassageId]) -> Result<Vec<Passage>> {
        let ids: Vec<PointId> = ids.iter().copied().map(point_id).collect();
        let records = self.edge()?.retrieve(&ids, Some(true.into()), None).map_err(engine)?;
        records.into_iter().map(passage).collect()
    }

    pub(in crate::index::edge) fn vectors(&self, ids: &[PassageId]) -> Result<Vec<StoredVectors>> {
        let ids: Vec<PointId> = ids.iter().copied().map(point_id).collect();
        let stored = self.stored(&ids)?;
        let one = |(id, stored): (PassageId, Stored)| StoredVectors { id, sparse: stored.sparse, dense: stored.dense };
        Ok(stored.into_iter().map(one).collect())
    }

    pub(in crate::index::edge) fn facets(
        &self,
        filter: Option<EdgeFilter>,
        field: FacetField,
        limit: usize,
    ) -> Result<Vec<FacetCount>> {
        let Some(key) = condition::path(FACETS) else { return Ok(Vec::new()) };
        let request = FacetRequest { key, limit: MOST_VALUES, filter, exact: true };
        let response = self.edge()?.facet(request).map_err(engine)?;
        let prefix = condition::facet(field, "");
        let count = |hit: qdrant_edge::FacetValueHit| match hit.value {
            FacetValue::Keyword(value) => {
                Some(FacetCount { value: value.strip_prefix(&prefix)?.to_owned(), passages: hit.count as u64 })
            }
            _ => None,
        };
        let mut counts: Vec<FacetCount> = response.hits.into_iter().filter_map(count).collect();
        sort_facets(&mut counts);
        counts.truncate(limit);
        Ok(counts)
    }

    pub(in crate::index::edge) fn scroll(
        &self,
        filter: Option<EdgeFilter>,
        after: Option<PassageId>,
        limit: usize,
    ) -> Result<Vec<Passage>> {
        let offset = match after {
            Some(PassageId(u128::MAX)) => return Ok(Vec::new()),
            Some(after) => Some(point_id(PassageId(after.0 + 1))),
            None => None,
        };
        let request = ScrollRequest {
            offset,
            limit: Some(limit),
            filter,
            with_payload: Some(true.into()),
            with_vector: WithVector::Bool(false),
            order_by: None,
        };
        let (records, _) = self.edge()?.scroll(request).map_err(engine)?;
        records.into_iter().map(passage).collect()
    }

    pub(in crate::index::edge) fn without_dense(&self, limit: usize) -> Result<Vec<Passage>> {
        if self.dense.is_none() {
            return self.scroll(None, None, limit);
        }
        self.scroll(Some(condition::without(DENSE)), None, limit)
    }

    pub(in crate::index::edge) fn counts(&self) -> Counts {
        let passages = self.statistics.read().unwrap_or_else(PoisonError::into_inner).passages();
        Counts { passages, embedded: self.embedded.load(Ordering::Relaxed) }
    }
}

fn passage(record: Record) -> Result<Passage> {
    payload::read(record.payload.ok_or_else(|| IndexError::Engine("a passage without content".into()))?)
}
