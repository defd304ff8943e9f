//! Records in SQLite: one database file per organisation.

use std::path::PathBuf;

/// Records in SQLite files below a data directory: `DATA/orgs/<slug>/records.db`.
#[derive(Debug)]
pub struct SqliteStore {
    data: PathBuf,
}

impl SqliteStore {
    /// A store below `data`. Touches nothing yet: folders and files come with an organisation's first writer.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into() }
    }
}
