//! BM25 as sparse vectors.
//!
//! A passage's vector carries what depends on the passage alone: how often it has a term, saturated, and its length against the
//! average. The query's vector carries what depends on the corpus: how rare a term is *now*. So the rarity of a term never goes
//! stale in stored vectors; the average length can, and [`Statistics::drift`] says when it has.

mod statistics;
mod vector;

pub use statistics::{Statistics, TermEntry};
pub use vector::{SparseVector, dimension};

use crate::tokens::each_token;

/// The two constants of BM25.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25 {
    /// How slowly repetitions of a term stop to count.
    pub k1: f32,
    /// How much length counts, from 0 (not) to 1 (fully).
    pub b: f32,
}

impl Default for Bm25 {
    fn default() -> Self {
        Self { k1: 1.2, b: 0.75 }
    }
}

/// How much one occurrence counts by where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldWeights {
    /// In the document's title.
    pub title: f32,
    /// In the headings above the passage.
    pub headings: f32,
    /// In the passage's text.
    pub text: f32,
}

impl Default for FieldWeights {
    fn default() -> Self {
        // Without a weight for titles nDCG@10 is .516 and .500 on Cranfield and CACM, with 2 it is .526 and .505; 3 gives
        // little more and would let titles outvote texts. Neither set has headings, so they count as text does.
        Self { title: 2.0, headings: 1.0, text: 1.0 }
    }
}

/// One term of a passage.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedTerm {
    /// Its dimension.
    pub dimension: u32,
    /// The term.
    pub term: String,
    /// How people write it, for suggestions: as it first stood in the text, in lower case; empty where it is the term itself.
    pub surface: String,
    /// Occurrences, by the weights of their fields.
    pub frequency: f32,
}

/// A passage as BM25 sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CountedTerms {
    /// Its distinct terms by dimension.
    pub terms: Vec<CountedTerm>,
    /// Its length: occurrences of terms, those of compounds' own terms not counted.
    pub length: u32,
}

impl CountedTerms {
    /// Counts the terms of a passage's fields.
    #[must_use]
    pub fn count<'a>(fields: impl IntoIterator<Item = (&'a str, f32)>) -> Self {
        let mut occurrences: Vec<CountedTerm> = Vec::new();
        let mut length = 0_f32;
        for (text, weight) in fields {
            each_token(text, |token| {
                if !token.whole {
                    length += weight;
                }
                occurrences.push(CountedTerm {
                    dimension: dimension(&token.term),
                    surface: if token.at.len() == token.term.len() && text[token.at.clone()] == token.term {
                        String::new()
                    } else {
                        text[token.at].to_lowercase()
                    },
                    term: token.term,
                    frequency: weight,
                });
            });
        }
        // Stable, so that the first way to write a term is the one that is kept.
        occurrences.sort_by_key(|term| term.dimension);
        occurrences.dedup_by(|next, kept| {
            let same = next.dimension == kept.dimension;
            if same {
                kept.frequency += next.frequency;
            }
            same
        });
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a length, bounded by the passage's size"
        )]
        let length = length.round() as u32;
        Self { terms: occurrences, length }
    }

    /// The passage's sparse vector, where passages have `average_length` on average.
    #[must_use]
    pub fn vector(&self, bm25: Bm25, average_length: f32) -> SparseVector {
        let norm = norm(bm25, self.length, average_length);
        SparseVector {
            indices: self.terms.iter().map(|term| term.dimension).collect(),
            values: self.terms.iter().map(|term| saturated(bm25, term.frequency, norm)).collect(),
        }
    }
}

fn norm(bm25: Bm25, length: u32, average_length: f32) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "lengths are far below 2^24")]
    let relative = length as f32 / average_length.max(1.0);
    bm25.k1 * (1.0 - bm25.b + bm25.b * relative)
}

fn saturated(bm25: Bm25, frequency: f32, norm: f32) -> f32 {
    frequency * (bm25.k1 + 1.0) / (frequency + norm)
}

impl Bm25 {
    /// The vector of the same passage of `length` for another average length, computed from the vector alone.
    #[must_use]
    pub fn reweigh(self, vector: &SparseVector, length: u32, from_average: f32, to_average: f32) -> SparseVector {
        let (old, new) = (norm(self, length, from_average), norm(self, length, to_average));
        let values = vector.values.iter().map(|&value| {
            // The inverse of `saturated`; a value is below k1 + 1, rounding aside.
            let frequency = value * old / (self.k1 + 1.0 - value).max(f32::EPSILON);
            saturated(self, frequency, new)
        });
        SparseVector { indices: vector.indices.clone(), values: values.collect() }
    }
}

/// A term of a question with what the corpus says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryTerm {
    /// Its dimension.
    pub dimension: u32,
    /// The term.
    pub term: String,
    /// As it was typed.
    pub typed: String,
    /// Whether it is the own term of a compound whose parts are terms as well.
    pub whole: bool,
    /// How often it was typed.
    pub count: u32,
    /// Passages that have it.
    pub passages: u64,
    /// Its weight: rarity times count.
    pub weight: f32,
}

/// The terms of a question, weighed by a corpus; in the order that they were typed.
#[must_use]
pub fn query_terms(text: &str, statistics: &Statistics) -> Vec<QueryTerm> {
    let mut terms: Vec<QueryTerm> = Vec::new();
    each_token(text, |token| {
        if let Some(known) = terms.iter_mut().find(|known| known.term == token.term) {
            known.count += 1;
        } else if terms.len() < MAX_QUERY_TERMS {
            terms.push(QueryTerm {
                dimension: dimension(&token.term),
                typed: text[token.at].to_owned(),
                term: token.term,
                whole: token.whole,
                count: 1,
                passages: 0,
                weight: 0.0,
            });
        }
    });
    for term in &mut terms {
        weigh(term, statistics);
    }
    terms
}

/// A question of more distinct terms is a document; its first terms say what it is about, and the rest would only cost time.
pub const MAX_QUERY_TERMS: usize = 256;

/// Sets what the corpus says about a term.
pub fn weigh(term: &mut QueryTerm, statistics: &Statistics) {
    term.passages = statistics.passages_with(term.dimension);
    #[allow(clippy::cast_precision_loss, reason = "a count of repetitions")]
    let count = term.count as f32;
    term.weight = statistics.rarity(term.passages) * count;
}

/// The sparse vector of a question. Terms that no passage has are left out: they can match nothing.
#[must_use]
pub fn query_vector(terms: &[QueryTerm]) -> SparseVector {
    let mut pairs: Vec<(u32, f32)> =
        terms.iter().filter(|term| term.passages > 0).map(|term| (term.dimension, term.weight)).collect();
    pairs.sort_by_key(|&(dimension, _)| dimension);
    // Two terms of one dimension cannot be told apart in the index either.
    pairs.dedup_by_key(|pair| pair.0);
    let (indices, values) = pairs.into_iter().unzip();
    SparseVector { indices, values }
}

#[cfg(test)]
mod tests;
