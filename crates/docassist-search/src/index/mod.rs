//! The index: passages with a sparse vector, and a dense one once they are embedded.
//!
//! [`Index`] is what search needs of it; [`EdgeIndex`] keeps it on disk in the process, [`QdrantIndex`] on a server that several
//! processes share, [`MemoryIndex`] in memory, for tests and for evaluations of a few thousand documents. Every call names the organisation by its [`TenantScope`]; there is no call over
//! two.

mod documents;
mod edge;
mod entry;
mod filter;
mod memory;
mod qdrant;
mod replace;
mod terms;

use docassist_model::TenantScope;
use serde::{Deserialize, Serialize};

use crate::lexical::{SparseVector, Statistics};
use crate::passage::{Passage, PassageId};

pub use documents::IndexedDocument;
pub use edge::{EdgeIndex, EdgeOptions};
pub use entry::{Entry, entries, index_all};
pub use filter::{FacetField, Filter};
pub use memory::MemoryIndex;
pub use qdrant::{QdrantIndex, QdrantOptions};
pub use replace::{Replaced, replace_document};

/// Why the index could not do something.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// As many processes as may have the index open have it open.
    #[error("the search index is open in as many processes as can have it open; stop one, or ask it instead")]
    InUse,
    /// A vector of the wrong size.
    #[error("a vector of {got} dimensions for an index of {expected}")]
    Dimensions {
        /// What came.
        got: usize,
        /// What the index has; 0 where it has no dense vectors.
        expected: usize,
    },
    /// Files could not be read or written.
    #[error("the search index could not be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The options of an index cannot be used.
    #[error("{0}")]
    Options(String),
    /// The server gives no answer.
    #[error("the search server at {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// Why not.
        reason: String,
    },
    /// The server refuses the key.
    #[error("the search server at {address} refuses the key, or asks for one")]
    Unauthorised {
        /// Where it is.
        address: String,
    },
    /// The server has no such collection.
    #[error("the search server at {address} has no such collection; it is created when it is needed next")]
    Missing {
        /// Where it is.
        address: String,
    },
    /// The engine failed.
    #[error("the search index failed: {0}")]
    Engine(String),
}

/// How far the average length may move before stored vectors are weighed anew, which rewrites every point: at a tenth, nDCG loses
/// .002 on Cranfield.
const MOST_DRIFT: f32 = 0.05;
/// More values of all facets together than an organisation has; the most frequent ones are counted.
const MOST_VALUES: usize = 100_000;

/// A result of the index.
pub type Result<T> = std::result::Result<T, IndexError>;

/// The space that dense vectors live in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenseSpace {
    /// Dimensions.
    pub dimensions: usize,
    /// The model's name. Vectors of two models cannot be compared, whatever their size.
    pub model: String,
}

/// Which passages to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those of a document of a source.
    Document {
        /// The source.
        source: String,
        /// The document.
        document: String,
    },
    /// Those of a source.
    Source(String),
    /// These.
    Passages(Vec<PassageId>),
}

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct IndexQuery<'a> {
    /// The question's sparse vector; empty to search by meaning only.
    pub sparse: &'a SparseVector,
    /// The question's dense vector.
    pub dense: Option<&'a [f32]>,
    /// What passages must fulfil.
    pub filter: &'a Filter,
    /// How many to find by each vector.
    pub limit: usize,
}

/// A passage that a query found, with its score by both vectors, whichever it was found by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The passage.
    pub id: PassageId,
    /// BM25; 0 where it has none of the terms.
    pub lexical: f32,
    /// The cosine of its vector and the question's; `None` where it is not embedded, or no vector was asked for.
    pub dense: Option<f32>,
}

/// How often a value occurs among passages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// Passages that have it.
    pub passages: u64,
}

/// How much an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Passages.
    pub passages: u64,
    /// Those with a dense vector.
    pub embedded: u64,
}

/// Up to where an index follows the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The store's sequence number at the last commit. `None`: the index is empty and has to be built from the store.
    pub sequence: Option<u64>,
    /// Why it has to be built anew, where it existed before.
    pub reason: Option<String>,
}

/// A passage's vectors as they are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredVectors {
    /// The passage.
    pub id: PassageId,
    /// Its sparse vector.
    pub sparse: SparseVector,
    /// Its dense vector.
    pub dense: Option<Vec<f32>>,
}

/// An index of all organisations' passages.
///
/// What is written is found by every search that begins afterwards; it outlives the process after [`Index::commit`]. An index
/// whose process ended between a write and its commit has to be built anew, and [`Index::position`] says so: on disk it is empty
/// when it is opened again, on a server when it is written to again.
pub trait Index: Send + Sync {
    /// Adds passages, or replaces those with the same identity. A passage whose hash is unchanged keeps its dense vector.
    ///
    /// # Errors
    ///
    /// Where the index cannot be written, or a vector has the wrong size.
    fn upsert(&self, scope: &TenantScope, entries: &[Entry]) -> Result<()>;

    /// Gives passages their dense vectors; those that are gone are passed over. Returns how many there were.
    ///
    /// # Errors
    ///
    /// Where the index cannot be written, or a vector has the wrong size.
    fn set_dense(&self, scope: &TenantScope, vectors: &[(PassageId, Vec<f32>)]) -> Result<u64>;

    /// Removes passages from every later answer. Returns how many there were. What was noted of a document or a source that is
    /// removed is forgotten.
    ///
    /// # Errors
    ///
    /// Where the index cannot be written.
    fn remove(&self, scope: &TenantScope, which: &Selection) -> Result<u64>;

    /// The documents that the index was told to hold, in any order. Time and memory grow with all of them.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn documents(&self, scope: &TenantScope) -> Result<Vec<IndexedDocument>>;

    /// Notes documents that the index holds now, and forgets those that are `gone` (source, document), so that whoever follows a
    /// store can see what differs. It touches no passage. Durable with [`Index::commit`].
    ///
    /// # Errors
    ///
    /// Where the index cannot be written.
    fn note_documents(&self, scope: &TenantScope, noted: &[IndexedDocument], gone: &[(String, String)]) -> Result<()>;

    /// The best passages by each of the query's vectors, in no order.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read, or the vector has the wrong size.
    fn search(&self, scope: &TenantScope, query: &IndexQuery<'_>) -> Result<Vec<Candidate>>;

    /// Passages by identity, in the order asked for; those that are gone are left out.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn get(&self, scope: &TenantScope, ids: &[PassageId]) -> Result<Vec<Passage>>;

    /// The vectors of passages; those that are gone are left out.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn vectors(&self, scope: &TenantScope, ids: &[PassageId]) -> Result<Vec<StoredVectors>>;

    /// The most frequent values of a field among the passages that fulfil a filter.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn facets(&self, scope: &TenantScope, filter: &Filter, field: FacetField, limit: usize) -> Result<Vec<FacetCount>>;

    /// The most frequent values of a field among some passages.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn facets_among(
        &self,
        scope: &TenantScope,
        ids: &[PassageId],
        field: FacetField,
        limit: usize,
    ) -> Result<Vec<FacetCount>>;

    /// Passages that fulfil a filter, by identity, from the one after `after`.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn scroll(
        &self,
        scope: &TenantScope,
        filter: &Filter,
        after: Option<PassageId>,
        limit: usize,
    ) -> Result<Vec<Passage>>;

    /// Passages that have no dense vector yet.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn without_dense(&self, scope: &TenantScope, limit: usize) -> Result<Vec<Passage>>;

    /// How much there is.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn counts(&self, scope: &TenantScope) -> Result<Counts>;

    /// Hands the corpus's counts to `read`.
    ///
    /// # Errors
    ///
    /// Where the index cannot be read.
    fn read_statistics(&self, scope: &TenantScope, read: &mut dyn FnMut(&Statistics)) -> Result<()>;

    /// Makes all that was written durable, as of the store's `sequence`.
    ///
    /// # Errors
    ///
    /// Where the index cannot be written.
    fn commit(&self, scope: &TenantScope, sequence: u64) -> Result<()>;

    /// Up to where the index follows the store.
    ///
    /// # Errors
    ///
    /// Where the index cannot be opened.
    fn position(&self, scope: &TenantScope) -> Result<Position>;

    /// Builds what makes searches in many passages fast. Searches go on meanwhile, writes wait. Whether there was anything to do.
    ///
    /// # Errors
    ///
    /// Where the index cannot be written.
    fn optimise(&self, scope: &TenantScope) -> Result<bool>;

    /// Removes everything of an organisation.
    ///
    /// # Errors
    ///
    /// Where the index cannot be written.
    fn remove_org(&self, scope: &TenantScope) -> Result<()>;
}

#[cfg(test)]
pub(crate) mod suite;
