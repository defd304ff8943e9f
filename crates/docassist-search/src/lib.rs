//! Search.
pub mod embedder;
pub mod fusion;
pub mod index;
pub mod lexical;
pub mod passage;
pub mod query;
pub mod tokens;
