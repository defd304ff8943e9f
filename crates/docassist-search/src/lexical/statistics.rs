//! What BM25 has to know of the whole corpus, kept up to date passage by passage.

use rustc_hash::FxHashMap;

/// A term of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermEntry {
    /// The term.
    pub term: String,
    /// One way that the corpus writes it; empty where it is the term itself, as most are.
    pub surface: String,
    /// Passages that have it.
    pub passages: u32,
}

impl TermEntry {
    /// One way that the corpus writes it.
    #[must_use]
    pub fn written(&self) -> &str {
        if self.surface.is_empty() { &self.term } else { &self.surface }
    }
}

/// Counts over all passages of one organisation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    passages: u64,
    total_length: u64,
    terms: FxHashMap<u32, TermEntry>,
}

/// What a passage's length is taken for while there is none to average: about the size that chunks are cut to.
const USUAL_LENGTH: f32 = 100.0;

impl Statistics {
    /// Counts of a corpus whose terms are counted elsewhere.
    #[must_use]
    pub fn new(passages: u64, total_length: u64) -> Self {
        Self { passages, total_length, terms: FxHashMap::default() }
    }

    /// Adds a passage.
    pub fn add(&mut self, counted: &super::CountedTerms) {
        self.passages += 1;
        self.total_length += u64::from(counted.length);
        for term in &counted.terms {
            self.terms.entry(term.dimension).and_modify(|entry| entry.passages += 1).or_insert_with(|| TermEntry {
                term: term.term.clone(),
                surface: term.surface.clone(),
                passages: 1,
            });
        }
    }

    /// Takes a passage away that was added with these dimensions and this length.
    pub fn remove(&mut self, dimensions: &[u32], length: u32) {
        self.passages = self.passages.saturating_sub(1);
        self.total_length = self.total_length.saturating_sub(u64::from(length));
        for dimension in dimensions {
            if let Some(entry) = self.terms.get_mut(dimension) {
                entry.passages = entry.passages.saturating_sub(1);
                if entry.passages == 0 {
                    self.terms.remove(dimension);
                }
            }
        }
    }

    /// Adds a term that was counted before, as it was stored.
    pub fn restore(&mut self, dimension: u32, entry: TermEntry) {
        self.terms.insert(dimension, entry);
    }

    /// Sets what was counted elsewhere.
    pub(crate) fn set_totals(&mut self, passages: u64, total_length: u64) {
        (self.passages, self.total_length) = (passages, total_length);
    }

    /// Forgets the terms of all dimensions but those that `keep` says.
    pub(crate) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.terms.retain(|&dimension, _| keep(dimension));
    }

    /// Number of passages.
    #[must_use]
    pub const fn passages(&self) -> u64 {
        self.passages
    }

    /// Sum of their lengths.
    #[must_use]
    pub const fn total_length(&self) -> u64 {
        self.total_length
    }

    /// All terms, in no order.
    pub fn terms(&self) -> impl Iterator<Item = (u32, &TermEntry)> {
        self.terms.iter().map(|(&dimension, entry)| (dimension, entry))
    }

    /// Number of distinct terms.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.terms.len()
    }

    /// The term of a dimension.
    #[must_use]
    pub fn term(&self, dimension: u32) -> Option<&TermEntry> {
        self.terms.get(&dimension)
    }

    /// How many passages have a term.
    #[must_use]
    pub fn passages_with(&self, dimension: u32) -> u64 {
        self.terms.get(&dimension).map_or(0, |entry| u64::from(entry.passages))
    }

    /// The passages' average length.
    #[must_use]
    pub fn average_length(&self) -> f32 {
        #[allow(clippy::cast_precision_loss, reason = "an average needs no more than 24 bits")]
        let average = self.total_length as f32 / self.passages as f32;
        if self.passages == 0 || self.total_length == 0 { USUAL_LENGTH } else { average }
    }

    /// How rare a term is that `with` passages have: BM25's inverse document frequency, never negative.
    #[must_use]
    pub fn rarity(&self, with: u64) -> f32 {
        #[allow(clippy::cast_precision_loss, reason = "a logarithm of a ratio needs no more than 24 bits")]
        let (all, with) = (self.passages as f32, with.min(self.passages) as f32);
        (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
    }

    /// How far the average length has moved from the one that vectors were weighed with, as a share of it.
    #[must_use]
    pub fn drift(&self, weighed_with: f32) -> f32 {
        (self.average_length() / weighed_with.max(1.0) - 1.0).abs()
    }
}
