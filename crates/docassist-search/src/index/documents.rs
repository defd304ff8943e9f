//! Which documents an index holds: changes that are not committed yet, over what was committed.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// A document that an index holds, and a number that changes when its content does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexedDocument {
    /// The source.
    pub source: String,
    /// The document.
    pub document: String,
    /// What it was made of, as whoever noted it counts.
    pub fingerprint: u64,
}

/// What happened to the documents since the last commit.
#[derive(Debug, Default)]
pub(super) struct DocumentChanges {
    /// By source; documents without a fingerprint are gone.
    sources: FxHashMap<String, SourceChanges>,
}

/// What happened to the documents of a source.
#[derive(Debug, Default)]
pub(super) struct SourceChanges {
    /// Whether all that was committed of the source is gone.
    emptied: bool,
    documents: FxHashMap<String, Option<u64>>,
}

impl DocumentChanges {
    pub(super) fn note(&mut self, noted: &[IndexedDocument], gone: &[(String, String)]) {
        for (source, document) in gone {
            self.set(source, document, None);
        }
        for noted in noted {
            self.set(&noted.source, &noted.document, Some(noted.fingerprint));
        }
    }

    pub(super) fn forget_source(&mut self, source: &str) {
        self.sources.insert(source.to_owned(), SourceChanges { emptied: true, ..SourceChanges::default() });
    }

    pub(super) fn forget(&mut self, source: &str, document: &str) {
        self.set(source, document, None);
    }

    fn set(&mut self, source: &str, document: &str, fingerprint: Option<u64>) {
        if !self.sources.contains_key(source) {
            self.sources.insert(source.to_owned(), SourceChanges::default());
        }
        if let Some(changes) = self.sources.get_mut(source) {
            changes.documents.insert(document.to_owned(), fingerprint);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.sources = FxHashMap::default();
    }

    /// What happened to a source's; `None` where all stands as it was committed.
    pub(super) fn of(&self, source: &str) -> Option<&SourceChanges> {
        self.sources.get(source)
    }

    /// What happened to each source's.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&str, &SourceChanges)> {
        self.sources.iter().map(|(source, changes)| (source.as_str(), changes))
    }

    /// Whether a document stands as it was committed.
    pub(super) fn keep(&self, source: &str, document: &str) -> bool {
        self.of(source).is_none_or(|changes| changes.keep(document))
    }

    /// Whether a source was emptied.
    pub(super) fn has_emptied(&self) -> bool {
        self.sources.values().any(|changes| changes.emptied)
    }

    /// The names of the documents that were noted or are gone.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.values().flat_map(|changes| changes.documents.keys().map(String::as_str))
    }

    /// What was noted since the commit: source, document, fingerprint.
    pub(super) fn noted(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.sources().flat_map(|(source, changes)| {
            changes.noted().map(move |(document, fingerprint)| (source, document, fingerprint))
        })
    }
}

impl SourceChanges {
    /// Whether a document stands as it was committed.
    pub(super) fn keep(&self, document: &str) -> bool {
        !self.emptied && !self.documents.contains_key(document)
    }

    /// What was noted since the commit: document, fingerprint.
    pub(super) fn noted(&self) -> impl Iterator<Item = (&str, u64)> {
        self.documents.iter().filter_map(|(document, fingerprint)| Some((document.as_str(), (*fingerprint)?)))
    }
}
