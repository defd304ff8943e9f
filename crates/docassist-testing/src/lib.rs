//! What tests and benchmarks start from: short [`builders`] of records, real little git repositories ([`fixture`]), and
//! a deterministic generator of large histories, as records ([`records`]), as a git repository ([`repository`]) and as
//! a tracker's export ([`jira`]); and a real Redis ([`RedisServer`]) and PostgreSQL ([`PostgresServer`]),
//! also encrypted ([`Authority`]).
//!
//! A dev-dependency only. Nothing here reads a clock or the user's configuration, so that a test sees the same today
//! and tomorrow, here and elsewhere. Failures of the environment (no git, a full disk) end the test with a message:
//! there is nothing that a test could do about them.

mod backlog;
pub mod builders;
mod certificates;
pub mod fixture;
mod history;
pub mod jira;
mod postgres_server;
mod prepared;
mod random;
pub mod records;
mod redis_server;
pub mod repository;
mod shape;
mod words;

pub use builders::{commit, decision, organisation, page, ticket};
pub use certificates::{Authority, Issued};
pub use postgres_server::PostgresServer;
pub use prepared::prepared;
pub use redis_server::RedisServer;

/// The `index`-th of a sequence of numbers in `0..below` that repeats never and is the same each time: subjects for
/// measurements, drawn from all alike.
#[must_use]
pub fn nth_random(index: u32, below: u32) -> u32 {
    random::Random::new(u64::from(index), 2).below(below)
}
