//! Measuring search against judged questions, in the format of BEIR: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`.

mod answers;
mod metrics;
mod read;

use std::time::Instant;

use docassist_model::TenantScope;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::embedder::{EmbedError, Embedder};
use crate::fusion::{Fusion, fuse};
use crate::index::{Filter, Index, IndexError, IndexQuery, entries};
use crate::lexical::{SparseVector, query_terms, query_vector};
use crate::passage::{Address, Passage, PassageId, PassageKind, sha256};

pub use answers::{AnswerFigures, Answers, Supported};
pub use metrics::Metrics;
pub use read::{BeirData, BeirDocument, BeirQuery, ReadError, read_beir, read_questions};

/// How deep rankings are judged: recall is asked at 100.
const DEPTH: usize = 100;
/// Documents to index at a time, so that a corpus is never held twice.
const BATCH: usize = 1_000;
/// Texts to embed at a time.
const EMBED_BATCH: usize = 64;

/// The figures of one way to search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// How good.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// The median time of a question, in milliseconds.
    pub p50_ms: f64,
    /// The time that 95 of 100 questions stay within.
    pub p95_ms: f64,
}

/// The figures of all ways to search; those by meaning are absent without a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// By words.
    pub lexical: Figures,
    /// By meaning.
    pub dense: Option<Figures>,
    /// By both.
    pub hybrid: Option<Figures>,
    /// Answers, where questions were given that the corpus does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// Documents in the corpus.
    pub documents: usize,
    /// Questions with at least one relevant document.
    pub queries: usize,
    /// What could not be read.
    pub notes: Vec<String>,
}

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The model.
    #[error("the model failed: {0}")]
    Embed(#[from] EmbedError),
    /// There is nothing to judge by.
    #[error("no question has a relevant document in the corpus")]
    NothingJudged,
}

/// The source that an evaluation's documents come from.
const SOURCE: &str = "evaluation";

/// A document of a collection as one passage.
#[must_use]
pub fn passage_of(document: &BeirDocument) -> Passage {
    let digest = sha256(document.id.as_bytes());
    let id = PassageId(u128::from_str_radix(&digest[..32], 16).unwrap_or_default());
    let mut passage = Passage {
        id,
        source: SOURCE.into(),
        document: document.id.clone(),
        kind: PassageKind::Page,
        address: Address::Url(document.id.clone()),
        title: document.title.clone(),
        headings: Vec::new(),
        text: document.text.clone(),
        time: None,
        author: None,
        repository: None,
        labels: Vec::new(),
        hash: String::new(),
    };
    passage.hash = sha256(passage.embedded_text().as_bytes());
    passage
}

/// Indexes a collection.
///
/// # Errors
///
/// Where the index or the model fails.
pub fn index_beir(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    data: &BeirData,
) -> Result<(), EvalError> {
    for batch in data.corpus.chunks(BATCH) {
        let mut made = entries(batch.iter().map(passage_of).collect());
        if let Some(embedder) = embedder {
            for part in made.chunks_mut(EMBED_BATCH) {
                let texts: Vec<String> = part.iter().map(|entry| entry.passage.embedded_text()).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                for (entry, vector) in part.iter_mut().zip(embedder.embed(&texts)?) {
                    entry.dense = Some(vector);
                }
            }
        }
        index.upsert(scope, &made)?;
    }
    index.commit(scope, 1)?;
    Ok(())
}

/// Measures an index that holds the collection and nothing else. Where there are questions that the collection does not answer, it
/// also answers these and its own.
///
/// # Errors
///
/// Where the index or the model fails, or nothing is judged.
pub fn evaluate(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    data: &BeirData,
    unanswerable: &[BeirQuery],
) -> Result<Evaluation, EvalError> {
    let known: FxHashSet<&str> = data.corpus.iter().map(|document| document.id.as_str()).collect();
    let names: FxHashMap<PassageId, &str> =
        data.corpus.iter().map(|document| (passage_of(document).id, document.id.as_str())).collect();
    let judged: Vec<(&BeirQuery, &FxHashMap<String, f64>)> = data
        .queries
        .iter()
        .filter_map(|query| Some((query, data.judgements.get(&query.id)?)))
        .filter(|(_, relevant)| relevant.keys().any(|document| known.contains(document.as_str())))
        .collect();
    if judged.is_empty() {
        return Err(EvalError::NothingJudged);
    }
    let run = |fusion: Fusion| -> Result<Figures, EvalError> {
        let mut metrics = Vec::with_capacity(judged.len());
        let mut times = Vec::with_capacity(judged.len());
        for (query, relevant) in &judged {
            let begin = Instant::now();
            let ranked = rank(index, scope, embedder, &query.text, fusion)?;
            times.push(begin.elapsed().as_secs_f64() * 1e3);
            let ranking: Vec<&str> = ranked.iter().filter_map(|id| names.get(id).copied()).collect();
            metrics.push(Metrics::of(&ranking, relevant));
        }
        Ok(Figures {
            metrics: Metrics::mean(&metrics),
            p50_ms: metrics::percentile(&mut times, 0.5),
            p95_ms: metrics::percentile(&mut times, 0.95),
        })
    };
    let answers = match unanswerable {
        [] => None,
        others => {
            let own: Vec<&BeirQuery> = judged.iter().map(|(query, _)| *query).collect();
            Some(answers::answers(index, scope, embedder, &own, others)?)
        }
    };
    let by_meaning = |fusion| embedder.map(|_| run(fusion)).transpose();
    Ok(Evaluation {
        lexical: run(Fusion::Lexical)?,
        dense: by_meaning(Fusion::Dense)?,
        hybrid: by_meaning(Fusion::Scores)?,
        answers,
        documents: data.corpus.len(),
        queries: judged.len(),
        notes: data.notes.clone(),
    })
}

/// The ranking of a question: at most so many passages as are judged.
///
/// # Errors
///
/// Where the index or the model fails.
pub fn rank(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    question: &str,
    fusion: Fusion,
) -> Result<Vec<PassageId>, EvalError> {
    let mut sparse = SparseVector::default();
    if fusion != Fusion::Dense {
        index.read_statistics(scope, &mut |statistics| {
            sparse = query_vector(&query_terms(question, statistics));
        })?;
    }
    let dense = match embedder.filter(|_| fusion != Fusion::Lexical) {
        Some(embedder) => embedder.embed(&[question])?.into_iter().next(),
        None => None,
    };
    let query = IndexQuery { sparse: &sparse, dense: dense.as_deref(), filter: &Filter::default(), limit: DEPTH };
    let mut ranked = fuse(&index.search(scope, &query)?, fusion);
    ranked.truncate(DEPTH);
    Ok(ranked.into_iter().map(|ranked| ranked.id).collect())
}

#[cfg(test)]
mod tests;
