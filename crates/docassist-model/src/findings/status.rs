//! What is connected and how much of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Counts;
use crate::Timestamp;

/// A connected source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// `git`, `tickets`, `docs`.
    pub kind: String,
    /// Where it was read from.
    pub location: String,
    /// The synced branch, for git.
    pub branch: Option<String>,
    /// The commit that the branch was at, for git.
    pub tip: Option<String>,
    /// When the last sync ended.
    pub synced: Option<Timestamp>,
    /// Whether a sync is under way or was interrupted; the next one goes on from there.
    pub interrupted: bool,
    /// Number of records by kind.
    pub records: Counts,
    /// The newest record's time.
    pub newest: Option<Timestamp>,
    /// What could not be seen.
    pub notes: Vec<String>,
}

/// What is connected and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Status {
    /// Where the data is.
    pub data: String,
    /// Bytes that it takes.
    pub bytes: u64,
    /// The sequence number of the last change.
    pub sequence: u64,
    /// In the order of their names.
    pub sources: Vec<SourceStatus>,
    /// Number of graph nodes by kind.
    pub nodes: Counts,
    /// Number of graph edges by kind.
    pub edges: Counts,
    /// Project prefixes whose keys are read as ticket references.
    pub projects: Vec<String>,
    /// SHA-256 of the graph's export; only where it was asked for (it costs an export).
    pub digest: Option<String>,
}
