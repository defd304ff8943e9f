//! Answers to questions: the passages' own sentences, each cited; and what an answer of a language model is asked with and checked
//! by. Nothing here calls a model.
//!
//! Whether there is an answer at all is decided from the retrieved passages alone ([`Evidence`]), before anything is written.

mod check;
mod extract;
mod prompt;
mod sentences;
mod support;

use docassist_model::{TenantScope, Timestamp};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::embedder::Embedder;
use crate::index::Index;
use crate::passage::{Address, Passage, PassageId, PassageKind};
use crate::query::{Correction, ParsedQuery, Retrieved, SearchError, SearchRequest, retrieve_from};

pub use check::{CheckedAnswer, CheckedSentence, Fault, check_answer};
pub use prompt::{ChatMessage, ChatRole, Prompt, PromptOptions, Turn, build_prompt, estimate_tokens};
pub use sentences::sentences;
pub use support::{Evidence, Support};

/// Passages that an answer may rest on. More than a reader opens, and what the evidence was calibrated with.
pub const PASSAGES: usize = 8;
/// Passages that these are chosen from: all that a question finds, nearly.
const CONSIDERED: usize = 250;

/// Kinds that people wrote for people. Most repositories have more passages of code and commits than of these.
const PROSE: [PassageKind; 5] =
    [PassageKind::Page, PassageKind::Decision, PassageKind::Ticket, PassageKind::Comment, PassageKind::PullRequest];

/// How far a kind of passage answers questions, beside how well it was found: pages and decisions are written to explain, comments
/// to converse, and commits and code say how it is done to those who know what.
const fn explains(kind: PassageKind) -> f32 {
    match kind {
        PassageKind::Page | PassageKind::Decision => 1.0,
        PassageKind::Ticket => 0.9,
        PassageKind::Comment | PassageKind::PullRequest => 0.85,
        PassageKind::Commit => 0.7,
        PassageKind::Code => 0.6,
    }
}

/// A passage that an answer cites.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Citation {
    /// Its number in the answer, from 1.
    pub number: usize,
    /// The passage.
    pub id: PassageId,
    /// Its source.
    pub source: String,
    /// Its document.
    pub document: String,
    /// What it is.
    pub kind: PassageKind,
    /// Its document's title.
    pub title: String,
    /// Where a reader finds it.
    pub address: Address,
    /// When it was last changed.
    pub time: Option<Timestamp>,
}

/// A sentence of an extractive answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CitedSentence {
    /// The sentence, as it stands in its passage.
    pub text: String,
    /// The number of its citation.
    pub citation: usize,
}

/// Two sentences of an answer that say different things of the same matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The newer one, by its place in the answer.
    pub newer: usize,
    /// The older one.
    pub older: usize,
}

/// An answer of sentences that stand in the corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// How well the corpus supports an answer; without support there are no sentences.
    pub support: Support,
    /// The sentences, the most telling first.
    pub sentences: Vec<CitedSentence>,
    /// What they cite.
    pub citations: Vec<Citation>,
    /// Sentences that contradict each other: of each pair the newer one stands first.
    pub conflicts: Vec<Conflict>,
    /// What the support was decided by.
    pub evidence: Evidence,
    /// Words that were corrected.
    pub corrections: Vec<Correction>,
}

/// What was found for a question: the passages that an answer may rest on, and how well they support one.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// The question.
    pub question: String,
    /// The passages, best first.
    pub passages: Vec<Passage>,
    /// The question's terms and the whole ranking.
    pub retrieved: Retrieved,
    /// What the support is decided by.
    pub evidence: Evidence,
    /// How well they support an answer.
    pub support: Support,
}

/// Finds what an answer may rest on.
///
/// # Errors
///
/// Where the index cannot be read.
pub fn grounds(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    request: &SearchRequest,
) -> Result<Grounds, SearchError> {
    // A question's quotation marks and dashes are its own, no operators.
    let parsed = ParsedQuery { text: request.text.clone(), ..ParsedQuery::default() };
    let retrieved = retrieve_from(index, scope, embedder, &parsed, request, &PROSE)?;
    let best = &retrieved.ranked[..CONSIDERED.min(retrieved.ranked.len())];
    let scores: FxHashMap<PassageId, f32> = best.iter().map(|ranked| (ranked.id, ranked.score)).collect();
    let ids: Vec<PassageId> = best.iter().map(|ranked| ranked.id).collect();
    let mut passages = index.get(scope, &ids)?;
    let score = |passage: &Passage| scores.get(&passage.id).copied().unwrap_or_default() * explains(passage.kind);
    // Equals stay in the order of the ranking.
    passages.sort_by(|a, b| score(b).total_cmp(&score(a)));
    passages.truncate(PASSAGES);
    let evidence = Evidence::gather(&retrieved, &passages);
    let support = evidence.support();
    Ok(Grounds { question: request.text.clone(), passages, retrieved, evidence, support })
}

/// Answers a question in the passages' own sentences.
///
/// # Errors
///
/// Where the index cannot be read.
pub fn answer(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    request: &SearchRequest,
) -> Result<Answer, SearchError> {
    Ok(extractive(&grounds(index, scope, embedder, request)?, embedder))
}

/// The answer that grounds give in the passages' own sentences, chosen by words, and by meaning where there is a model.
#[must_use]
pub fn extractive(grounds: &Grounds, embedder: Option<&dyn Embedder>) -> Answer {
    extract::extract(grounds, embedder)
}

pub(crate) fn cite(number: usize, passage: &Passage) -> Citation {
    Citation {
        number,
        id: passage.id,
        source: passage.source.clone(),
        document: passage.document.clone(),
        kind: passage.kind,
        title: passage.title.clone(),
        address: passage.address.clone(),
        time: passage.time,
    }
}

#[cfg(test)]
mod tests;
