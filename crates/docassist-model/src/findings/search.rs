//! What search finds, and what answers to questions say and cite.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Timestamp;

/// Where a reader finds a passage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Place {
    /// For people, and to paste into an editor or a browser: `docs/guide.md:12`, `APP-7, comment 2`, `3f2a91c0de`.
    pub label: String,
    /// A file's path from the root of its repository or folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The first line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_line: Option<u32>,
    /// The last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_line: Option<u32>,
    /// A ticket's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Which of its comments, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<u32>,
    /// A commit's object name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// A page's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Part of a text that has words of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Highlight {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Why a passage was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Why {
    /// The words of the question that it has, the most telling first.
    pub words: Vec<String>,
    /// Where they stand: `title`, `headings`, `text`.
    pub fields: Vec<String>,
    /// BM25.
    pub lexical: f32,
    /// The cosine of its vector and the question's, where both exist.
    pub meaning: Option<f32>,
}

/// A passage that was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FoundPassage {
    /// Its identity: the same as long as it keeps its place in its document.
    pub id: String,
    /// `page`, `ticket`, `comment`, `commit`, `decision`, `code`.
    pub kind: String,
    /// Where a reader finds it.
    pub place: Place,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// The part of it that has most of the question's words.
    pub text: String,
    /// Where in `text` words of the question stand.
    pub highlights: Vec<Highlight>,
    /// From 0 to 1, within this answer.
    pub score: f32,
    /// Why it was found.
    pub why: Why,
    /// When it was last changed, where known.
    pub time: Option<Timestamp>,
    /// Who wrote it, where known.
    pub author: Option<String>,
    /// Labels, components, statuses.
    pub labels: Vec<String>,
}

/// A document that was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FoundDocument {
    /// Its source.
    pub source: String,
    /// Its path, key or object name.
    pub document: String,
    /// `page`, `ticket`, `commit`, `decision`, `code`.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// The score of its best passage.
    pub score: f32,
    /// Its best passages, best first.
    pub passages: Vec<FoundPassage>,
}

/// A word that nothing has, and the one that was looked for instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Correction {
    /// What was typed.
    pub typed: String,
    /// What was looked for.
    pub used: String,
}

/// A value of a field and how many of the passages that were considered have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// Passages.
    pub passages: u64,
}

/// The values of a field among what was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Facet {
    /// `kind`, `source`, `repository`, `author`, `labels`.
    pub field: String,
    /// Most frequent first.
    pub values: Vec<FacetValue>,
}

/// How much there is to find, and how much of it by meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Coverage {
    /// Passages.
    pub passages: u64,
    /// Those that are found by meaning as well; 0 without a model.
    pub embedded: u64,
    /// The model, where there is one.
    pub model: Option<String>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SearchResults {
    /// What was looked for.
    pub query: String,
    /// `lexical`, `dense` or `hybrid`: how it was looked for.
    pub mode: String,
    /// Passages that match and were considered: the best hundred by words, and by meaning.
    pub total: u64,
    /// The documents of the best of them.
    pub items: Vec<FoundDocument>,
    /// Always `null`: a larger `limit` shows more.
    pub next: Option<String>,
    /// Words that were corrected.
    pub corrections: Vec<Correction>,
    /// Values of fields among the passages that were considered, where they were asked for.
    pub facets: Vec<Facet>,
    /// How much there is to find.
    pub coverage: Coverage,
}

/// Something that an answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Citation {
    /// Its number in the answer, from 1.
    pub number: usize,
    /// `page`, `ticket`, `comment`, `commit`, `decision`, `code`; `analysis` for what the graph says.
    pub kind: String,
    /// Its source; empty for an analysis.
    pub source: String,
    /// Its document's title; for an analysis, the command that prints it.
    pub title: String,
    /// The headings that it stands under, outermost first; without the title.
    pub headings: Vec<String>,
    /// Where a reader finds it.
    pub place: Place,
    /// What it says: all of it, as far as the answer was made from it.
    pub text: String,
    /// When it was last changed, where known.
    pub time: Option<Timestamp>,
    /// Who wrote it, where known.
    pub author: Option<String>,
}

/// A sentence of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AnswerSentence {
    /// The sentence, without the numbers of its citations.
    pub text: String,
    /// The numbers of what it cites.
    pub citations: Vec<usize>,
    /// Whether what it cites says so: always, where it stands in it word for word.
    pub supported: bool,
    /// What is wrong with it otherwise: `no_citation`, `no_such_source`, `not_supported`, `other_number`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Two sentences of an answer that say different things of the same matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Conflict {
    /// The newer one, by its place in the answer, from 0.
    pub newer: usize,
    /// The older one.
    pub older: usize,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AskAnswer {
    /// What was asked.
    pub question: String,
    /// How well what was found supports an answer: `none`, `weak`, `good`. Without support there is no answer.
    pub support: String,
    /// The answer as text, with citations as `[1]`; empty without support.
    pub answer: String,
    /// The same, sentence by sentence.
    pub sentences: Vec<AnswerSentence>,
    /// What it cites.
    pub citations: Vec<Citation>,
    /// Sentences that contradict each other.
    pub conflicts: Vec<Conflict>,
    /// `extractive`: sentences of the sources; `model`: written by a language model and checked.
    pub engine: String,
    /// The language model that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_by: Option<String>,
    /// Why the language model that was asked did not write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// The conversation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Words that were corrected.
    pub corrections: Vec<Correction>,
    /// How much there is to find.
    pub coverage: Coverage,
}
