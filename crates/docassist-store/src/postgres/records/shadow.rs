//! Sources that stand in for others while those are read anew.
//!
//! A shadow is a source like any other, but for its name, which no user can give: whatever lists sources leaves it out.
//! Its commits are staged until its sync ends, and nothing else is written before, so that readers see nothing of it.

use docassist_model::{SourceId, SourceKind};
use postgres::GenericClient;
use serde_json::Value;

use super::rows;
use super::sources::{self, SourceState};
use crate::Source;
use crate::derived::{original_of, shadow_of};
use crate::postgres::fault::Inner;
use crate::postgres::text;

/// The shadow of a source: the one there is, if it is of the same `terms`, or a new one.
pub(super) fn begin(client: &mut impl GenericClient, org: i64, original: SourceId, terms: &Value) -> Inner<Source> {
    let original = sources::of_kind(client, org, original, SourceKind::Git)?.source;
    let name = shadow_of(&original.name);
    let mut found = sources::by_name(client, org, &name)?;
    if found.as_ref().is_some_and(|found| found.source.cursor != *terms) {
        drop_of(client, org, &original.name)?;
        found = None;
    }
    let shadow = match found {
        Some(found) => found.source,
        None => {
            let cursor = serde_json::to_string(terms)?;
            sources::make(client, org, original.kind, &name, &original.location, &cursor)?
        }
    };
    // Under the name that it is going to have.
    Ok(Source { name: original.name, ..shadow })
}

/// The source that `shadow` stands in for; `None` where it is no shadow.
pub(super) fn original(client: &mut impl GenericClient, org: i64, shadow: &Source) -> Inner<Option<SourceState>> {
    match original_of(&shadow.name) {
        Some(name) => sources::by_name(client, org, name),
        None => Ok(None),
    }
}

/// Puts a shadow whose sync has ended in the place of its original.
pub(super) fn replace(client: &mut impl GenericClient, org: i64, original: &Source, shadow: SourceId) -> Inner<()> {
    sources::remove(client, org, original.id)?;
    let name = text::stored(&original.name);
    let sql = "UPDATE sources SET name = $3 WHERE org = $1 AND id = $2";
    client.execute(sql, &[&org, &rows::id(shadow), &name.as_ref()])?;
    Ok(())
}

/// Drops the shadow of the source of that name, if it has one.
pub(super) fn drop_of(client: &mut impl GenericClient, org: i64, original: &str) -> Inner<()> {
    sources::remove_named(client, org, &shadow_of(original))
}
