//! What an organisation's index is asked.

use std::sync::PoisonError;

use qdrant_client::qdrant::facet_value::Variant;
use qdrant_client::qdrant::{BatchResult, Condition, Query, QueryPoints, RetrievedPoint, VectorInput, vector_input};
use rustc_hash::FxHashMap;

use super::super::collection::Wanted;
use super::super::condition::{self, FACETS, among};
use super::super::point::{self, DENSE, PASSAGE, SPARSE};
use super::super::tenant::Part;
use super::{BATCH, Organisation};
use crate::index::memory::sort_facets;
use crate::index::{Candidate, Counts, FacetCount, FacetField, Filter, IndexQuery, MOST_VALUES, Result, StoredVectors};
use crate::lexical::Statistics;
use crate::passage::{Passage, PassageId};

/// Passages per request: their texts are some megabytes.
const PAGE: usize = 1_000;

impl Organisation {
    pub(in crate::index::qdrant) fn search(&self, query: &IndexQuery<'_>) -> Result<Vec<Candidate>> {
        query.dense.map_or(Ok(()), |vector| self.check(vector))?;
        let sparse = (!query.sparse.indices.is_empty())
            .then(|| vector_input::Variant::Sparse(point::to_server(query.sparse.clone())));
        let dense = query.dense.map(|vector| vector_input::Variant::Dense(vector.to_vec().into()));
        let vectors = [(sparse, SPARSE), (dense, DENSE)];
        let conditions = condition::of(query.filter);
        let mut found: FxHashMap<PassageId, Candidate> = FxHashMap::default();
        let questions = vectors.iter().filter_map(|(vector, name)| {
            Some((*name, self.nearest(vector.clone()?, name, conditions.clone(), query.limit)))
        });
        let mut seen: [Vec<PassageId>; 2] = Default::default();
        self.ask(questions.collect(), |name, id, score| {
            let candidate = found.entry(id).or_insert(Candidate { id, lexical: 0.0, dense: None });
            set(candidate, name, score);
            seen[usize::from(name == DENSE)].push(id);
        })?;
        // The other score of what only one vector found: few points, by name. Fusion with them beats fusion without by .005.
        let mut others = Vec::new();
        for ((vector, name), seen) in vectors.into_iter().zip(seen) {
            let seen: rustc_hash::FxHashSet<PassageId> = seen.into_iter().collect();
            let missed: Vec<PassageId> = found.keys().copied().filter(|id| !seen.contains(id)).collect();
            if let Some(vector) = vector
                && !missed.is_empty()
            {
                let points = among(missed.iter().map(|id| self.tenant.point(*id)));
                others.push((name, self.nearest(vector, name, vec![points], missed.len())));
            }
        }
        self.ask(others, |name, id, score| {
            if let Some(candidate) = found.get_mut(&id) {
                set(candidate, name, score);
            }
        })?;
        let mut found: Vec<Candidate> = found.into_values().collect();
        found.sort_by_key(|candidate| candidate.id);
        Ok(found)
    }

    fn nearest(
        &self,
        vector: vector_input::Variant,
        name: &str,
        conditions: Vec<Condition>,
        limit: usize,
    ) -> QueryPoints {
        QueryPoints {
            query: Some(Query::new_nearest(VectorInput { variant: Some(vector) })),
            using: Some(name.to_owned()),
            filter: Some(self.tenant.filter(Part::Passage, conditions)),
            limit: Some(limit as u64),
            ..QueryPoints::default()
        }
    }

    /// Asks several questions at once and hands each score to `with`.
    fn ask(
        &self,
        questions: Vec<(&'static str, QueryPoints)>,
        mut with: impl FnMut(&'static str, PassageId, f32),
    ) -> Result<()> {
        let (names, questions): (Vec<_>, Vec<_>) = questions.into_iter().unzip();
        for (name, BatchResult { result }) in names.into_iter().zip(self.collection.query(questions)?) {
            for point in result {
                if let Some(id) = self.tenant.passage(point.id.as_ref()) {
                    with(name, id, point.score);
                }
            }
        }
        Ok(())
    }

    pub(in crate::index::qdrant) fn get(&self, ids: &[PassageId]) -> Result<Vec<Passage>> {
        let mut passages = Vec::with_capacity(ids.len());
        for ids in ids.chunks(PAGE) {
            let filter = self.tenant.filter(Part::Passage, [among(ids.iter().map(|id| self.tenant.point(*id)))]);
            let (points, _) = self.collection.scroll(filter, None, ids.len(), whole())?;
            let read = points.iter().map(|point| point::read(point).map(|passage| (passage.id, passage)));
            let mut found: FxHashMap<PassageId, Passage> = read.collect::<Result<_>>()?;
            passages.extend(ids.iter().filter_map(|id| found.remove(id)));
        }
        Ok(passages)
    }

    pub(in crate::index::qdrant) fn vectors(&self, ids: &[PassageId]) -> Result<Vec<StoredVectors>> {
        let mut vectors = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH) {
            let stored = self.stored(ids.iter().map(|id| self.tenant.point(*id)))?;
            vectors.extend(stored.into_iter().map(|(id, stored)| StoredVectors {
                id,
                sparse: stored.sparse,
                dense: stored.dense,
            }));
        }
        Ok(vectors)
    }

    pub(in crate::index::qdrant) fn facets(
        &self,
        filter: &Filter,
        field: FacetField,
        limit: usize,
    ) -> Result<Vec<FacetCount>> {
        self.count_values(condition::of(filter), field, limit)
    }

    pub(in crate::index::qdrant) fn facets_among(
        &self,
        ids: &[PassageId],
        field: FacetField,
        limit: usize,
    ) -> Result<Vec<FacetCount>> {
        self.count_values(vec![among(ids.iter().map(|id| self.tenant.point(*id)))], field, limit)
    }

    fn count_values(&self, conditions: Vec<Condition>, field: FacetField, limit: usize) -> Result<Vec<FacetCount>> {
        let hits = self.collection.facet(self.tenant.filter(Part::Passage, conditions), FACETS, MOST_VALUES as u64)?;
        let prefix = condition::facet(field, "");
        let count = |hit: qdrant_client::qdrant::FacetHit| match hit.value?.variant? {
            Variant::StringValue(value) => {
                Some(FacetCount { value: value.strip_prefix(&prefix)?.to_owned(), passages: hit.count })
            }
            _ => None,
        };
        let mut counts: Vec<FacetCount> = hits.into_iter().filter_map(count).collect();
        sort_facets(&mut counts);
        counts.truncate(limit);
        Ok(counts)
    }

    pub(in crate::index::qdrant) fn scroll(
        &self,
        filter: &Filter,
        after: Option<PassageId>,
        limit: usize,
    ) -> Result<Vec<Passage>> {
        let first = match after {
            Some(PassageId(u128::MAX)) => return Ok(Vec::new()),
            Some(after) => PassageId(after.0 + 1),
            None => PassageId(0),
        };
        self.scroll_from(&condition::of(filter), first, limit)
    }

    /// Passages from `first`, by identity. Names of points are passages' in their order, but begin anew in one place: behind it
    /// everything is read from the beginning.
    fn scroll_from(&self, conditions: &[Condition], first: PassageId, limit: usize) -> Result<Vec<Passage>> {
        let mut passages = Vec::new();
        let mut beyond = self.tenant.is_beyond(first);
        let mut offset = Some(self.tenant.point(first));
        while passages.len() < limit {
            let filter = self.tenant.filter(Part::Passage, conditions.iter().cloned());
            let page = (limit - passages.len()).min(PAGE);
            let (points, next) = self.collection.scroll(filter, offset, page, whole())?;
            let is_here = |point: &&RetrievedPoint| {
                self.tenant.passage(point.id.as_ref()).is_some_and(|id| self.tenant.is_beyond(id) == beyond)
            };
            let here = points.iter().take_while(is_here).count();
            passages.extend(points[..here].iter().map(point::read).collect::<Result<Vec<_>>>()?);
            offset = next.filter(|_| here == points.len());
            if offset.is_none() {
                if beyond {
                    break;
                }
                beyond = true;
            }
        }
        Ok(passages)
    }

    pub(in crate::index::qdrant) fn without_dense(&self, limit: usize) -> Result<Vec<Passage>> {
        let conditions = if self.collection.dimensions() == 0 { Vec::new() } else { vec![condition::without(DENSE)] };
        self.scroll_from(&conditions, PassageId(0), limit)
    }

    pub(in crate::index::qdrant) fn counts(&self) -> Result<Counts> {
        self.refresh()?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Counts { passages: known.statistics.passages(), embedded: known.embedded })
    }

    pub(in crate::index::qdrant) fn read_statistics(&self, read: &mut dyn FnMut(&Statistics)) -> Result<()> {
        self.refresh()?;
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner).statistics);
        Ok(())
    }
}

fn set(candidate: &mut Candidate, name: &str, score: f32) {
    if name == SPARSE { candidate.lexical = score } else { candidate.dense = Some(score) }
}

fn whole() -> Wanted {
    Wanted { payload: vec![PASSAGE], vectors: Vec::new() }
}
