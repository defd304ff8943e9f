//! Search over everything that an organisation wrote, and answers that cite it.
//!
//! ```text
//! records ─passage→ passages ─tokens, lexical→ entries ─index→ candidates ─fusion, query→ found documents
//!                                                                        └─answer→ cited sentences
//! ```
//!
//! [`passage`] cuts what sources yield into passages. [`tokens`] and [`lexical`] make BM25's sparse vectors of them. An [`index`] keeps
//! passages with both vectors for each organisation. [`query`] finds and explains, [`fusion`] makes one order of two scores,
//! [`answer`] decides whether there is an answer and gives it in the corpus's own sentences, or checks one that a language model
//! gave. [`eval`] measures all of it.
//!
//! This crate knows nothing of the store, of HTTP, of terminals or of any one model: vectors come from an [`embedder::Embedder`].
//! Without one everything works by words.

pub mod answer;
pub mod embedder;
pub mod eval;
pub mod fusion;
pub mod index;
pub mod lexical;
pub mod passage;
pub mod query;
pub mod tokens;
