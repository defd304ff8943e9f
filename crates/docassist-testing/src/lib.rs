//! What tests and benchmarks start from: short [`builders`] of records, real little git repositories ([`fixture`]), and
//! a deterministic generator of large histories, as records ([`records`]), as a git repository ([`repository`]) and as
//! a tracker's export ([`jira`]).
//!
//! A dev-dependency only. Nothing here reads a clock or the user's configuration, so that a test sees the same today
//! and tomorrow, here and elsewhere. Failures of the environment (no git, a full disk) end the test with a message:
//! there is nothing that a test could do about them.

mod backlog;
pub mod builders;
pub mod fixture;
mod history;
mod random;
pub mod records;
mod shape;
mod words;

pub use builders::{commit, decision, organisation, page, ticket};
