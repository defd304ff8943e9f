//! Sources that stand in for others while those are read anew.
//!
//! A shadow is a source like any other, but for its name, which no user can give: whatever lists sources leaves it out.
//! Its commits are staged until its sync ends, and nothing else is written before, so that readers see nothing of it.

use docassist_model::{SourceId, SourceKind};
use rusqlite::{Connection, Transaction};
use serde_json::Value;

use super::fault::Inner;
use super::sources::{self, SourceState};
use crate::Source;
use crate::derived::{original_of, shadow_of};

/// The shadow of a source: the one there is, if it is of the same `terms`, or a new one.
pub(super) fn begin(transaction: &Transaction<'_>, original: SourceId, terms: &Value) -> Inner<Source> {
    let original = sources::of_kind(transaction, original, SourceKind::Git)?.source;
    let name = shadow_of(&original.name);
    let mut found = sources::by_name(transaction, &name)?;
    if found.as_ref().is_some_and(|found| found.source.cursor != *terms) {
        drop_of(transaction, &original.name)?;
        found = None;
    }
    let shadow = match found {
        Some(found) => found,
        None => {
            transaction.execute(
                "INSERT INTO sources (kind, name, location, cursor) VALUES (?1, ?2, ?3, ?4)",
                (original.kind.as_str(), &name, &original.location, serde_json::to_string(terms)?),
            )?;
            sources::named(transaction, &name)?
        }
    };
    // Under the name that it is going to have.
    Ok(Source { name: original.name, ..shadow.source })
}

/// The source that `shadow` stands in for; `None` where it is no shadow.
pub(super) fn original(connection: &Connection, shadow: &Source) -> Inner<Option<SourceState>> {
    match original_of(&shadow.name) {
        Some(name) => sources::by_name(connection, name),
        None => Ok(None),
    }
}

/// Puts a shadow whose sync has ended in the place of its original.
pub(super) fn replace(transaction: &Transaction<'_>, original: &Source, shadow: SourceId) -> Inner<()> {
    // What belongs to it goes with it (ON DELETE CASCADE).
    transaction.execute("DELETE FROM sources WHERE id = ?1", [original.id.0])?;
    transaction.execute("UPDATE sources SET name = ?2 WHERE id = ?1", (shadow.0, &original.name))?;
    Ok(())
}

/// Drops the shadow of the source of that name, if it has one.
pub(super) fn drop_of(transaction: &Transaction<'_>, original: &str) -> Inner<()> {
    transaction.execute("DELETE FROM sources WHERE name = ?1", [shadow_of(original)])?;
    Ok(())
}
