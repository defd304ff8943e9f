//! What the end of a sync writes into its source, whichever kind the source and the backend are of.

use docassist_model::{SourceKind, Timestamp};
use serde_json::Value;

use crate::{Source, StoreError};

/// The end of a sync.
pub(crate) struct Settlement<'a> {
    pub(crate) location: &'a str,
    pub(crate) cursor: &'a Value,
    pub(crate) projects: &'a [String],
    pub(crate) notes: &'a [String],
    pub(crate) synced: Timestamp,
    /// Whether the source's records differ.
    pub(crate) changed: bool,
}

impl Settlement<'_> {
    /// Whether anything differs from before, so that the sequence moves.
    pub(crate) fn changes(&self, before: &Source) -> bool {
        self.changed
            || before.synced.is_none()
            || before.cursor != *self.cursor
            || before.projects != self.projects
            || before.notes != self.notes
    }
}

impl Source {
    /// Whether the source is of the kind that an operation is for.
    pub(crate) fn check_kind(&self, wanted: SourceKind) -> Result<(), StoreError> {
        if self.kind == wanted {
            return Ok(());
        }
        let name = self.name.clone();
        Err(StoreError::KindMismatch { name, found: self.kind.as_str(), wanted: wanted.as_str() })
    }
}
