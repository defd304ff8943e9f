//! An index in memory that compares every passage: what the other one is measured and tested against.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use docassist_model::{OrgSlug, TenantScope};

use super::{
    Candidate, Counts, Entry, FacetCount, FacetField, Filter, Index, IndexError, IndexQuery, IndexedDocument, Position,
    Result, Selection, StoredVectors,
};
use crate::lexical::{Bm25, CountedTerms, Statistics};
use crate::passage::{Passage, PassageId};

/// An index that ends with the process.
#[derive(Debug, Default)]
pub struct MemoryIndex {
    dimensions: usize,
    orgs: RwLock<BTreeMap<OrgSlug, Org>>,
}

#[derive(Debug, Default)]
struct Org {
    passages: BTreeMap<PassageId, Stored>,
    statistics: Statistics,
    documents: BTreeMap<(String, String), u64>,
    sequence: Option<u64>,
}

#[derive(Debug)]
struct Stored {
    passage: Passage,
    terms: CountedTerms,
    dense: Option<Vec<f32>>,
}

impl MemoryIndex {
    /// An index of dense vectors of so many dimensions; 0 for none.
    #[must_use]
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, orgs: RwLock::default() }
    }

    fn read<T>(&self, scope: &TenantScope, read: impl FnOnce(&Org) -> T) -> T {
        let orgs = self.orgs.read().unwrap_or_else(PoisonError::into_inner);
        match orgs.get(scope.org()) {
            Some(org) => read(org),
            None => read(&Org::default()),
        }
    }

    fn write<T>(&self, scope: &TenantScope, write: impl FnOnce(&mut Org) -> T) -> T {
        let mut orgs = self.orgs.write().unwrap_or_else(PoisonError::into_inner);
        write(orgs.entry(scope.org().clone()).or_default())
    }

    fn check(&self, vector: &[f32]) -> Result<()> {
        if vector.len() == self.dimensions {
            Ok(())
        } else {
            Err(IndexError::Dimensions { got: vector.len(), expected: self.dimensions })
        }
    }
}

impl Org {
    fn remove(&mut self, id: PassageId) -> Option<Stored> {
        let stored = self.passages.remove(&id)?;
        let dimensions: Vec<u32> = stored.terms.terms.iter().map(|term| term.dimension).collect();
        self.statistics.remove(&dimensions, stored.terms.length);
        Some(stored)
    }
}

impl Index for MemoryIndex {
    fn upsert(&self, scope: &TenantScope, entries: &[Entry]) -> Result<()> {
        entries.iter().filter_map(|entry| entry.dense.as_deref()).try_for_each(|vector| self.check(vector))?;
        self.write(scope, |org| {
            for entry in entries {
                let before = org.remove(entry.passage.id);
                let kept =
                    before.filter(|before| before.passage.hash == entry.passage.hash).and_then(|before| before.dense);
                org.statistics.add(&entry.terms);
                let dense = entry.dense.as_deref().map(unit).or(kept);
                let stored = Stored { passage: entry.passage.clone(), terms: entry.terms.clone(), dense };
                org.passages.insert(entry.passage.id, stored);
            }
        });
        Ok(())
    }

    fn set_dense(&self, scope: &TenantScope, vectors: &[(PassageId, Vec<f32>)]) -> Result<u64> {
        vectors.iter().try_for_each(|(_, vector)| self.check(vector))?;
        Ok(self.write(scope, |org| {
            let mut set = 0;
            for (id, vector) in vectors {
                if let Some(stored) = org.passages.get_mut(id) {
                    stored.dense = Some(unit(vector));
                    set += 1;
                }
            }
            set
        }))
    }

    fn remove(&self, scope: &TenantScope, which: &Selection) -> Result<u64> {
        Ok(self.write(scope, |org| {
            match which {
                Selection::Passages(_) => {}
                Selection::Source(source) => org.documents.retain(|(other, _), _| other != source),
                Selection::Document { source, document } => {
                    org.documents.remove(&(source.clone(), document.clone()));
                }
            }
            let ids: Vec<PassageId> = match which {
                Selection::Passages(ids) => ids.clone(),
                Selection::Source(source) => ids(org, |passage| passage.source == *source),
                Selection::Document { source, document } => {
                    ids(org, |passage| passage.source == *source && passage.document == *document)
                }
            };
            ids.into_iter().filter(|&id| org.remove(id).is_some()).count() as u64
        }))
    }

    fn documents(&self, scope: &TenantScope) -> Result<Vec<IndexedDocument>> {
        Ok(self.read(scope, |org| {
            let document = |((source, document), &fingerprint): (&(String, String), &u64)| IndexedDocument {
                source: source.clone(),
                document: document.clone(),
                fingerprint,
            };
            org.documents.iter().map(document).collect()
        }))
    }

    fn note_documents(&self, scope: &TenantScope, noted: &[IndexedDocument], gone: &[(String, String)]) -> Result<()> {
        self.write(scope, |org| {
            for gone in gone {
                org.documents.remove(gone);
            }
            for noted in noted {
                org.documents.insert((noted.source.clone(), noted.document.clone()), noted.fingerprint);
            }
        });
        Ok(())
    }

    fn search(&self, scope: &TenantScope, query: &IndexQuery<'_>) -> Result<Vec<Candidate>> {
        query.dense.map_or(Ok(()), |vector| self.check(vector))?;
        let dense = query.dense.map(unit);
        Ok(self.read(scope, |org| {
            let average = org.statistics.average_length();
            let mut all: Vec<Candidate> = org
                .passages
                .iter()
                .filter(|(_, stored)| query.filter.admits(&stored.passage))
                .map(|(&id, stored)| Candidate {
                    id,
                    lexical: query.sparse.dot(&stored.terms.vector(Bm25::default(), average)),
                    dense: dense.as_ref().zip(stored.dense.as_ref()).map(|(a, b)| dot(a, b)),
                })
                .collect();
            let mut found = Vec::new();
            all.sort_by(|a, b| b.lexical.total_cmp(&a.lexical));
            found.extend(all.iter().filter(|candidate| candidate.lexical > 0.0).take(query.limit).copied());
            all.retain(|candidate| candidate.dense.is_some());
            all.sort_by(|a, b| b.dense.unwrap_or_default().total_cmp(&a.dense.unwrap_or_default()));
            found.extend(all.iter().take(query.limit).copied());
            found.sort_by_key(|candidate| candidate.id);
            found.dedup_by_key(|candidate| candidate.id);
            found
        }))
    }

    fn get(&self, scope: &TenantScope, ids: &[PassageId]) -> Result<Vec<Passage>> {
        Ok(self.read(scope, |org| {
            ids.iter().filter_map(|id| org.passages.get(id)).map(|stored| stored.passage.clone()).collect()
        }))
    }

    fn vectors(&self, scope: &TenantScope, ids: &[PassageId]) -> Result<Vec<StoredVectors>> {
        Ok(self.read(scope, |org| {
            let average = org.statistics.average_length();
            let vectors = |(&id, stored): (&PassageId, &Stored)| StoredVectors {
                id,
                sparse: stored.terms.vector(Bm25::default(), average),
                dense: stored.dense.clone(),
            };
            ids.iter().filter_map(|id| org.passages.get_key_value(id)).map(vectors).collect()
        }))
    }

    fn facets(&self, scope: &TenantScope, filter: &Filter, field: FacetField, limit: usize) -> Result<Vec<FacetCount>> {
        Ok(self.read(scope, |org| {
            let passages = org.passages.values().map(|stored| &stored.passage);
            count_values(passages.filter(|passage| filter.admits(passage)), field, limit)
        }))
    }

    fn facets_among(
        &self,
        scope: &TenantScope,
        ids: &[PassageId],
        field: FacetField,
        limit: usize,
    ) -> Result<Vec<FacetCount>> {
        Ok(self.read(scope, |org| {
            count_values(ids.iter().filter_map(|id| org.passages.get(id)).map(|stored| &stored.passage), field, limit)
        }))
    }

    fn scroll(
        &self,
        scope: &TenantScope,
        filter: &Filter,
        after: Option<PassageId>,
        limit: usize,
    ) -> Result<Vec<Passage>> {
        Ok(self.read(scope, |org| {
            let passages = org.passages.values().map(|stored| &stored.passage);
            let later = passages.filter(|passage| after.is_none_or(|after| passage.id > after));
            later.filter(|passage| filter.admits(passage)).take(limit).cloned().collect()
        }))
    }

    fn without_dense(&self, scope: &TenantScope, limit: usize) -> Result<Vec<Passage>> {
        Ok(self.read(scope, |org| {
            let waiting = org.passages.values().filter(|stored| stored.dense.is_none());
            waiting.take(limit).map(|stored| stored.passage.clone()).collect()
        }))
    }

    fn counts(&self, scope: &TenantScope) -> Result<Counts> {
        Ok(self.read(scope, |org| Counts {
            passages: org.passages.len() as u64,
            embedded: org.passages.values().filter(|stored| stored.dense.is_some()).count() as u64,
        }))
    }

    fn read_statistics(&self, scope: &TenantScope, read: &mut dyn FnMut(&Statistics)) -> Result<()> {
        self.read(scope, |org| read(&org.statistics));
        Ok(())
    }

    fn commit(&self, scope: &TenantScope, sequence: u64) -> Result<()> {
        self.write(scope, |org| org.sequence = Some(sequence));
        Ok(())
    }

    fn position(&self, scope: &TenantScope) -> Result<Position> {
        Ok(self.read(scope, |org| Position { sequence: org.sequence, reason: None }))
    }

    fn optimise(&self, _: &TenantScope) -> Result<bool> {
        Ok(false)
    }

    fn remove_org(&self, scope: &TenantScope) -> Result<()> {
        self.orgs.write().unwrap_or_else(PoisonError::into_inner).remove(scope.org());
        Ok(())
    }
}

fn count_values<'a>(passages: impl Iterator<Item = &'a Passage>, field: FacetField, limit: usize) -> Vec<FacetCount> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for passage in passages {
        for value in field.values(passage) {
            *counts.entry(value).or_default() += 1;
        }
    }
    let mut counts: Vec<FacetCount> =
        counts.into_iter().map(|(value, passages)| FacetCount { value: value.to_owned(), passages }).collect();
    sort_facets(&mut counts);
    counts.truncate(limit);
    counts
}

fn ids(org: &Org, wanted: impl Fn(&Passage) -> bool) -> Vec<PassageId> {
    org.passages.values().filter(|stored| wanted(&stored.passage)).map(|stored| stored.passage.id).collect()
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 { vector.iter().map(|value| value / length).collect() } else { vector.to_vec() }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Most frequent first, equals by name, so that an answer does not depend on the engine.
pub(super) fn sort_facets(counts: &mut [FacetCount]) {
    counts.sort_by(|a, b| b.passages.cmp(&a.passages).then_with(|| a.value.cmp(&b.value)));
}

#[cfg(test)]
mod tests {
    use crate::index::suite::suite;

    suite!((super::MemoryIndex::new(4), ()));
}
