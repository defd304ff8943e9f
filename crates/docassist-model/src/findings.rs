//! What the analyses answer. Field names are a contract with users and other programs; see the project's README for
//! the commands that print them.
//!
//! `total` and every `by_*` count are over all matches; only `items` is one page.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Timestamp;

pub mod gaps;
pub mod impact;
pub mod relationships;
pub mod search;
pub mod status;

/// Counts by name, most first, then by name. Serialises as a JSON object in that order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(Vec<(String, u64)>);

impl Counts {
    /// Orders `counts`; entries of zero are dropped.
    #[must_use]
    pub fn new(mut counts: Vec<(String, u64)>) -> Self {
        counts.retain(|(_, count)| *count > 0);
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self(counts)
    }

    /// Name and count, most first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// The sum of all counts.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl JsonSchema for Counts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Counts".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Counts by name, most first, then by name.",
            "type": "object",
            "additionalProperties": { "type": "integer", "minimum": 0 },
        })
    }
}

/// How much of the truth an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Completeness {
    /// Whether nothing relevant was missing.
    pub complete: bool,
    /// What was missing or left out, one sentence each.
    pub notes: Vec<String>,
}

impl Completeness {
    /// Complete unless there is something to say.
    #[must_use]
    pub fn of(notes: Vec<String>) -> Self {
        Self { complete: notes.is_empty(), notes }
    }

    /// The same without a note that does not hold any more.
    #[must_use]
    pub fn without(self, note: &str) -> Self {
        Self::of(self.notes.into_iter().filter(|other| other != note).collect())
    }
}

/// An analysis's answer with what every answer carries.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Answer<T> {
    /// The organisation.
    pub org: String,
    /// The instant that the answer is about.
    pub as_of: Timestamp,
    /// The answer; its fields stand beside these.
    #[serde(flatten)]
    pub body: T,
    /// What the answer rests on.
    pub completeness: Completeness,
}

/// One page of a list, with the size of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Page<T> {
    /// All matches.
    pub total: u64,
    /// This page.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}
