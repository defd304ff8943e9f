//! What sort of file a path is.

use serde::{Deserialize, Serialize};

/// The sort of a file, decided in the order: generated, binary, documentation, dependency, test, configuration, source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Code that people write.
    Source,
    /// Tests and their fixtures.
    Test,
    /// Pages and other texts for readers.
    Documentation,
    /// Settings of tools, builds and deployments.
    Configuration,
    /// Manifests and lock files.
    Dependency,
    /// Written by a program.
    Generated,
    /// Not text.
    Binary,
    /// None of these.
    Other,
}

/// A file at the tip of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path from the root. Bytes that are not UTF-8 are written `\xHH`.
    pub path: String,
    /// Its kind by path, attributes and content.
    pub kind: FileKind,
    /// Size in bytes; 0 for submodules.
    pub size: u64,
}
