//! The knowledge graph of an organisation, in memory and immutable, and the analyses over it.
//!
//! A [`GraphBuilder`] takes an organisation's records (it is a [`docassist_model::RecordSink`]) and makes a [`Graph`];
//! readers share it behind an `Arc`, and a sync publishes the next one. Analyses are pure functions of a graph and of
//! their arguments: nothing here does I/O, is asynchronous, or reads a clock. `as_of` is an argument of every analysis.
//!
//! Ids are `u32` in the order that answers are sorted by (commits by time, files by path, tickets by key), and relations
//! are compressed sparse rows, so that a cut in time is a binary search and a neighbourhood is a slice.

mod adjacency;
pub mod analysis;
mod builder;
mod derive;
mod export;
mod graph;
mod keys;
mod lookup;
mod resolve;
mod text;

pub use analysis::{InvalidCursor, PageRequest};
pub use builder::GraphBuilder;
pub use graph::{CommitId, DecisionId, FileId, FolderId, Graph, KeyId, PageId, PersonId, RepoId};
pub use lookup::{Lookup, Nearest};
