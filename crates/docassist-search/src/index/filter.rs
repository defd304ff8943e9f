//! What passages must fulfil.

use docassist_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::passage::{Passage, PassageKind};

/// Conditions that all must hold; of the values of one condition, any. An empty condition holds always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Kinds.
    pub kinds: Vec<PassageKind>,
    /// Sources.
    pub sources: Vec<String>,
    /// Documents.
    pub documents: Vec<String>,
    /// Repositories.
    pub repositories: Vec<String>,
    /// Authors, as the records name them.
    pub authors: Vec<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// Not before. Passages without a time fulfil no bound.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether a passage fulfils it.
    #[must_use]
    pub fn admits(&self, passage: &Passage) -> bool {
        let any = |wanted: &[String], value: Option<&str>| {
            wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|wanted| wanted == value))
        };
        (self.kinds.is_empty() || self.kinds.contains(&passage.kind))
            && any(&self.sources, Some(&passage.source))
            && any(&self.documents, Some(&passage.document))
            && any(&self.repositories, passage.repository.as_deref())
            && any(&self.authors, passage.author.as_deref())
            && (self.labels.is_empty() || passage.labels.iter().any(|label| self.labels.contains(label)))
            && self.since.is_none_or(|since| passage.time.is_some_and(|time| time >= since))
            && self.until.is_none_or(|until| passage.time.is_some_and(|time| time <= until))
    }

    /// Whether every passage fulfils it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A field whose values are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FacetField {
    /// The kind.
    Kind,
    /// The source.
    Source,
    /// The repository.
    Repository,
    /// The author.
    Author,
    /// The labels.
    Labels,
}

impl FacetField {
    /// All fields.
    pub const ALL: [Self; 5] = [Self::Kind, Self::Source, Self::Repository, Self::Author, Self::Labels];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Source => "source",
            Self::Repository => "repository",
            Self::Author => "author",
            Self::Labels => "labels",
        }
    }

    /// A passage's values of it.
    pub fn values(self, passage: &Passage) -> impl Iterator<Item = &str> {
        let one = match self {
            Self::Kind => Some(passage.kind.as_str()),
            Self::Source => Some(passage.source.as_str()),
            Self::Repository => passage.repository.as_deref(),
            Self::Author => passage.author.as_deref(),
            Self::Labels => None,
        };
        let many: &[String] = if self == Self::Labels { &passage.labels } else { &[] };
        one.into_iter().chain(many.iter().map(String::as_str))
    }
}
