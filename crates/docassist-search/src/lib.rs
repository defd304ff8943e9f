//! Search.
pub mod lexical;
pub mod passage;
pub mod tokens;
