//! Search: from what somebody types to ranked passages, grouped by document, with why each matched.

mod highlight;
mod parse;
mod typo;

use docassist_model::TenantScope;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::embedder::Embedder;
use crate::fusion::{Fusion, Ranked, fuse};
use crate::index::{FacetCount, FacetField, Filter, Index, IndexError, IndexQuery};
use crate::lexical::{QueryTerm, query_terms, query_vector, weigh};
use crate::passage::{Passage, PassageId, PassageKind};

pub use highlight::{Highlight, Snippet, snippet};
pub use parse::{ParsedQuery, parse};
pub use typo::distance;

/// Candidates by each vector: enough for ten documents of several passages, and what fusion was measured with.
pub const CANDIDATES: usize = 100;
/// Documents of one answer at most.
pub const MAX_DOCUMENTS: usize = 100;
/// Passages shown of a document.
const PASSAGES_OF_DOCUMENT: usize = 3;
/// Values of a facet.
const FACET_VALUES: usize = 12;

/// A search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchRequest {
    /// What was typed.
    pub text: String,
    /// What passages must fulfil.
    pub filter: Filter,
    /// How many documents to answer with; 0 for ten.
    pub limit: usize,
    /// How both scores become one.
    pub fusion: Fusion,
    /// Whether to count the values of fields among the candidates.
    pub facets: bool,
}

/// A word that no passage has, and the one that was looked for instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Correction {
    /// What was typed.
    pub typed: String,
    /// What was looked for.
    pub used: String,
}

/// Why a passage was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    /// The words of the question that it has, the most telling first.
    pub words: Vec<String>,
    /// Where they stand: `title`, `headings`, `text`.
    pub fields: Vec<&'static str>,
    /// BM25.
    pub lexical: f32,
    /// The cosine of its vector and the question's, where both exist.
    pub meaning: Option<f32>,
}

/// A passage that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundPassage {
    /// The passage.
    pub passage: Passage,
    /// From 0 to 1, within this answer.
    pub score: f32,
    /// Why it was found.
    pub why: Why,
    /// What to show of it.
    pub snippet: Snippet,
}

/// A document that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundDocument {
    /// The source.
    pub source: String,
    /// The document.
    pub document: String,
    /// What it is; a ticket also where one of its comments was found.
    pub kind: PassageKind,
    /// Its title.
    pub title: String,
    /// The score of its best passage.
    pub score: f32,
    /// Its best passages, best first.
    pub passages: Vec<FoundPassage>,
}

/// The values of a field among what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facet {
    /// The field.
    pub field: FacetField,
    /// Its values, most frequent first.
    pub values: Vec<FacetCount>,
}

/// The answer to a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchResponse {
    /// The documents, best first.
    pub documents: Vec<FoundDocument>,
    /// Passages that were considered: the best by words and by meaning.
    pub candidates: usize,
    /// Words that were corrected.
    pub corrections: Vec<Correction>,
    /// Values of each field among the candidates, where they were asked for.
    pub facets: Vec<Facet>,
    /// Whether meaning was searched, and if so, among how many of how many passages.
    pub coverage: Coverage,
}

/// How much of the corpus is searched by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Passages.
    pub passages: u64,
    /// Those with a vector; 0 where there is no model.
    pub embedded: u64,
}

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// What a search found before it is shown: the ranked passages and the question's terms.
#[derive(Debug, Clone)]
pub struct Retrieved {
    /// The terms, weighed.
    pub terms: Vec<QueryTerm>,
    /// Words that were corrected.
    pub corrections: Vec<Correction>,
    /// All candidates, best first.
    pub ranked: Vec<Ranked>,
    /// The weight of a word that only one passage has.
    pub rarest: f32,
}

/// Finds and ranks passages.
///
/// A model that fails costs the meaning, not the answer: the failure is logged and words are searched.
///
/// # Errors
///
/// Where the index cannot be read.
pub fn retrieve(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    parsed: &ParsedQuery,
    request: &SearchRequest,
) -> Result<Retrieved, SearchError> {
    retrieve_from(index, scope, embedder, parsed, request, &[])
}

/// The same, and what is found among some kinds alone besides: where one kind has most of the passages, the others' best are below
/// the hundred best of all.
pub(crate) fn retrieve_from(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    parsed: &ParsedQuery,
    request: &SearchRequest,
    kinds: &[PassageKind],
) -> Result<Retrieved, SearchError> {
    let mut terms = Vec::new();
    let mut corrections = Vec::new();
    let mut rarest = 0.0;
    index.read_statistics(scope, &mut |statistics| {
        rarest = statistics.rarity(1);
        terms = query_terms(&parsed.text, statistics);
        corrections = typo::correct(&mut terms, statistics);
        for term in &mut terms {
            weigh(term, statistics);
        }
    })?;
    let wants_meaning = request.fusion != Fusion::Lexical && !parsed.text.trim().is_empty();
    let dense = embedder.filter(|_| wants_meaning).and_then(|embedder| match embedder.embed(&[parsed.text.as_str()]) {
        Ok(vectors) => vectors.into_iter().next(),
        Err(error) => {
            tracing::warn!(%error, "the question could not be embedded; searching by words");
            None
        }
    });
    let sparse = query_vector(&terms);
    let limit = CANDIDATES.max(request.limit);
    let query = IndexQuery { sparse: &sparse, dense: dense.as_deref(), filter: &request.filter, limit };
    let mut candidates = index.search(scope, &query)?;
    if !kinds.is_empty() && request.filter.kinds.is_empty() {
        let filter = Filter { kinds: kinds.to_vec(), ..request.filter.clone() };
        candidates.extend(index.search(scope, &IndexQuery { filter: &filter, ..query })?);
        candidates.sort_by_key(|candidate| candidate.id);
        candidates.dedup_by_key(|candidate| candidate.id);
    }
    let ranked = fuse(&candidates, request.fusion);
    Ok(Retrieved { terms, corrections, ranked, rarest })
}

/// Answers a search.
///
/// # Errors
///
/// Where the index cannot be read.
pub fn search(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    request: &SearchRequest,
) -> Result<SearchResponse, SearchError> {
    let parsed = parse(&request.text);
    let mut retrieved = retrieve(index, scope, embedder, &parsed, request)?;
    let limit = if request.limit == 0 { 10 } else { request.limit.min(MAX_DOCUMENTS) };
    let mut groups = Groups { limit, documents: Vec::new(), places: FxHashMap::default() };
    if parsed.is_plain() {
        // What is not shown is not read: most of a search's time is the reading of passages.
        for ranked in retrieved.ranked.chunks(2 * limit) {
            let ids: Vec<PassageId> = ranked.iter().map(|ranked| ranked.id).collect();
            let mut passages = by_id(index.get(scope, &ids)?);
            for ranked in ranked {
                if let Some(passage) = passages.remove(&ranked.id) {
                    groups.add(passage, ranked, &retrieved.terms);
                }
            }
            if groups.are_full() {
                break;
            }
        }
    } else {
        // Phrases and exclusions are about the text; the index knows terms.
        let ids: Vec<PassageId> = retrieved.ranked.iter().map(|ranked| ranked.id).collect();
        let mut passages = by_id(index.get(scope, &ids)?);
        retrieved.ranked.retain(|ranked| passages.get(&ranked.id).is_some_and(|passage| parsed.admits(passage)));
        for ranked in &retrieved.ranked {
            if let Some(passage) = passages.remove(&ranked.id) {
                groups.add(passage, ranked, &retrieved.terms);
            }
        }
    }
    let facets = if request.facets { facets(index, scope, &retrieved.ranked)? } else { Vec::new() };
    let candidates = retrieved.ranked.len();
    let documents = groups.documents;
    let counts = index.counts(scope)?;
    Ok(SearchResponse {
        documents,
        candidates,
        corrections: retrieved.corrections,
        facets,
        coverage: Coverage {
            passages: counts.passages,
            embedded: if embedder.is_some() { counts.embedded } else { 0 },
        },
    })
}

fn found(passage: Passage, ranked: &Ranked, terms: &[QueryTerm]) -> FoundPassage {
    let in_title = highlight::matches(&passage.title, terms);
    let headings = passage.headings.join("\n");
    let in_headings = highlight::matches(&headings, terms);
    let in_text = highlight::matches(&passage.text, terms);
    let mut matched: Vec<&QueryTerm> =
        [&in_title, &in_headings, &in_text].into_iter().flatten().map(|found| &terms[found.term]).collect();
    matched.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.dimension.cmp(&b.dimension)));
    matched.dedup_by_key(|term| term.dimension);
    let fields = [("title", &in_title), ("headings", &in_headings), ("text", &in_text)];
    let why = Why {
        words: matched.into_iter().map(|term| term.typed.clone()).collect(),
        fields: fields.into_iter().filter(|(_, found)| !found.is_empty()).map(|(name, _)| name).collect(),
        lexical: ranked.lexical,
        meaning: ranked.dense,
    };
    let snippet = highlight::window(&passage.text, &in_text, terms);
    FoundPassage { passage, score: ranked.score, why, snippet }
}

/// The documents that are shown.
struct Groups {
    limit: usize,
    documents: Vec<FoundDocument>,
    places: FxHashMap<(String, String), usize>,
}

impl Groups {
    fn add(&mut self, passage: Passage, ranked: &Ranked, terms: &[QueryTerm]) {
        let key = (passage.source.clone(), passage.document.clone());
        let place = match self.places.get(&key) {
            Some(&place) => place,
            None if self.documents.len() >= self.limit => return,
            None => {
                let place = self.documents.len();
                self.places.insert(key, place);
                self.documents.push(FoundDocument {
                    source: passage.source.clone(),
                    document: passage.document.clone(),
                    kind: if passage.kind == PassageKind::Comment { PassageKind::Ticket } else { passage.kind },
                    title: passage.title.clone(),
                    score: ranked.score,
                    passages: Vec::new(),
                });
                place
            }
        };
        let shown = &mut self.documents[place].passages;
        if shown.len() < PASSAGES_OF_DOCUMENT {
            shown.push(found(passage, ranked, terms));
        }
    }

    /// Whether no document can be added. Later passages of those that are shown rank too low to be missed.
    fn are_full(&self) -> bool {
        self.documents.len() >= self.limit
    }
}

fn by_id(passages: Vec<Passage>) -> FxHashMap<PassageId, Passage> {
    passages.into_iter().map(|passage| (passage.id, passage)).collect()
}

fn facets(index: &dyn Index, scope: &TenantScope, ranked: &[Ranked]) -> Result<Vec<Facet>, SearchError> {
    let ids: Vec<PassageId> = ranked.iter().map(|ranked| ranked.id).collect();
    let mut facets = Vec::new();
    for field in FacetField::ALL {
        let values = index.facets_among(scope, &ids, field, FACET_VALUES)?;
        if !values.is_empty() {
            facets.push(Facet { field, values });
        }
    }
    Ok(facets)
}

/// Passages like those of a document, of other documents, best first: by their most telling terms, and by meaning where it is
/// embedded.
///
/// # Errors
///
/// Where the index cannot be read.
pub fn similar(
    index: &dyn Index,
    scope: &TenantScope,
    source: &str,
    document: &str,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<(Passage, f32)>, SearchError> {
    // The terms that tell most: more of them find texts of the same length rather than of the same matter.
    const TELLING: usize = 32;
    let own = Filter { sources: vec![source.into()], documents: vec![document.into()], ..Filter::default() };
    // A document's first passages say what it is about.
    let ids: Vec<PassageId> = index.scroll(scope, &own, None, 16)?.into_iter().map(|passage| passage.id).collect();
    let stored = index.vectors(scope, &ids)?;
    let mut weights: FxHashMap<u32, f32> = FxHashMap::default();
    index.read_statistics(scope, &mut |statistics| {
        for vector in &stored {
            for (&dimension, &value) in vector.sparse.indices.iter().zip(&vector.sparse.values) {
                let with = statistics.passages_with(dimension);
                // A term that nothing else has finds nothing else.
                if with > 1 {
                    *weights.entry(dimension).or_default() += value * statistics.rarity(with);
                }
            }
        }
    })?;
    let mut pairs: Vec<(u32, f32)> = weights.into_iter().collect();
    pairs.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    pairs.truncate(TELLING);
    pairs.sort_by_key(|&(dimension, _)| dimension);
    let (indices, values) = pairs.into_iter().unzip();
    let sparse = crate::lexical::SparseVector { indices, values };
    let dense = mean(stored.iter().filter_map(|vector| vector.dense.as_deref()));
    let query = IndexQuery { sparse: &sparse, dense: dense.as_deref(), filter, limit: CANDIDATES.max(limit) };
    let ranked = fuse(&index.search(scope, &query)?, Fusion::default());
    let ids: Vec<PassageId> = ranked.iter().map(|ranked| ranked.id).collect();
    let scores: FxHashMap<PassageId, f32> = ranked.iter().map(|ranked| (ranked.id, ranked.score)).collect();
    let mut seen: Vec<(String, String)> = vec![(source.into(), document.into())];
    let mut found = Vec::new();
    for passage in index.get(scope, &ids)? {
        let key = (passage.source.clone(), passage.document.clone());
        if found.len() >= limit {
            break;
        }
        if !seen.contains(&key) {
            seen.push(key);
            let score = scores.get(&passage.id).copied().unwrap_or_default();
            found.push((passage, score));
        }
    }
    Ok(found)
}

fn mean<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Option<Vec<f32>> {
    let mut sum: Option<Vec<f32>> = None;
    for vector in vectors {
        match &mut sum {
            Some(sum) => sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value),
            None => sum = Some(vector.to_vec()),
        }
    }
    sum
}

#[cfg(test)]
mod tests;
