//! Numbers of paths and identities.
//!
//! A writer looks each one up once and remembers it. What a batch brings is looked up in one statement, and what is new is
//! loaded in one more: a statement per path would be a round trip per path.

use std::collections::hash_map::Entry;

use docassist_model::{Identity, SourceId};
use postgres::GenericClient;
use postgres::types::Type;
use rustc_hash::FxHashMap;

use super::bulk::Table;
use super::rows;
use crate::derived::{Hash, hash};
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text;

fn path_hash(path: &str) -> Hash {
    hash(&[path.as_bytes()])
}

fn identity_hash(identity: &Identity) -> Hash {
    hash(&[identity.email.as_bytes(), identity.name.as_bytes()])
}

/// Numbers that were looked up or given, of one source. After a transaction that was rolled back it is wrong and has to be
/// dropped.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    paths: FxHashMap<Box<str>, u32>,
    identities: FxHashMap<Identity, u32>,
    /// Whether all that the source has are here, so that one that is not here is new; unknown until it is asked for.
    has_all_paths: Option<bool>,
    has_all_identities: Option<bool>,
}

const PATHS: Table = Table {
    name: "paths",
    columns: &[("id", Type::INT4), ("source", Type::INT4), ("hash", Type::BYTEA), ("path", Type::TEXT)],
    conflict: "",
};
const IDENTITIES: Table = Table {
    name: "identities",
    columns: &[
        ("id", Type::INT4),
        ("source", Type::INT4),
        ("hash", Type::BYTEA),
        ("name", Type::TEXT),
        ("email", Type::TEXT),
    ],
    conflict: "",
};

impl Numbers {
    /// The number of a path that was [learnt](Numbers::learn) or found.
    pub(super) fn path(&self, path: &str) -> Inner<u32> {
        self.paths.get(path).copied().ok_or_else(|| Fault::Malformed("a path has no number".to_owned()))
    }

    /// The same, where it may have none.
    pub(super) fn known_path(&self, path: &str) -> Option<u32> {
        self.paths.get(path).copied()
    }

    /// The number of an identity that was learnt.
    pub(super) fn identity(&self, identity: &Identity) -> Inner<u32> {
        self.identities.get(identity).copied().ok_or_else(|| Fault::Malformed("an identity has no number".to_owned()))
    }

    /// Looks up those of `paths` and `identities` that are not known yet, and gives numbers to those that have none.
    pub(super) fn learn<'a>(
        &mut self,
        client: &mut impl GenericClient,
        org: i64,
        source: SourceId,
        paths: impl Iterator<Item = &'a str>,
        identities: impl Iterator<Item = &'a Identity>,
    ) -> Inner<()> {
        let missing = self.find_paths(client, org, source, paths)?;
        if !missing.is_empty() {
            let first = take_numbers(client, org, "next_path", missing.len())?;
            let mut numbered = Vec::with_capacity(missing.len());
            for (id, (hash, path)) in (first..).zip(missing) {
                self.paths.insert(path.into(), id.cast_unsigned());
                numbered.push((id, hash, path));
            }
            PATHS.insert(client, org, &mut |rows| {
                for (id, hash, path) in &numbered {
                    rows.row(&[id, &rows::id(source), &hash.as_slice(), &text::stored(path).as_ref()])?;
                }
                Ok(())
            })?;
        }
        self.learn_identities(client, org, source, identities)
    }

    /// Looks up those of `paths` that are not known yet, and returns those that have no number, in their order.
    pub(super) fn find_paths<'a>(
        &mut self,
        client: &mut impl GenericClient,
        org: i64,
        source: SourceId,
        paths: impl Iterator<Item = &'a str>,
    ) -> Inner<Vec<(Hash, &'a str)>> {
        // One look into the index for each. With `hash = ANY($3)` a table without statistics, as one is that is being filled, is
        // read as a whole each time.
        const FIND: &str = "SELECT found.id, found.hash FROM unnest($3::bytea[]) AS wanted (hash) CROSS JOIN LATERAL \
             (SELECT id, hash FROM paths WHERE org = $1 AND source = $2 AND paths.hash = wanted.hash LIMIT 1) AS found";
        let mut wanted: FxHashMap<Hash, &str> = FxHashMap::default();
        let mut order = Vec::new();
        for path in paths.filter(|&path| !self.paths.contains_key(path)) {
            if let Entry::Vacant(entry) = wanted.entry(path_hash(path)) {
                order.push((*entry.key(), path));
                entry.insert(path);
            }
        }
        if order.is_empty() || has_all(&mut self.has_all_paths, client, org, source, "paths")? {
            return Ok(order);
        }
        let hashes: Vec<&[u8]> = order.iter().map(|(hash, _)| hash.as_slice()).collect();
        for row in client.query(FIND, &[&org, &rows::id(source), &hashes])? {
            if let Some(path) = wanted.remove(rows::bytes(&row, 1)?) {
                self.paths.insert(path.into(), rows::number32(&row, 0)?);
            }
        }
        order.retain(|(hash, _)| wanted.contains_key(hash));
        Ok(order)
    }

    fn learn_identities<'a>(
        &mut self,
        client: &mut impl GenericClient,
        org: i64,
        source: SourceId,
        identities: impl Iterator<Item = &'a Identity>,
    ) -> Inner<()> {
        const FIND: &str = "SELECT found.id, found.hash FROM unnest($3::bytea[]) AS wanted (hash) CROSS JOIN LATERAL \
             (SELECT id, hash FROM identities WHERE org = $1 AND source = $2 AND identities.hash = wanted.hash LIMIT 1) AS found";
        let mut wanted: FxHashMap<Hash, &Identity> = FxHashMap::default();
        let mut order = Vec::new();
        for identity in identities.filter(|&identity| !self.identities.contains_key(identity)) {
            if let Entry::Vacant(entry) = wanted.entry(identity_hash(identity)) {
                order.push((*entry.key(), identity));
                entry.insert(identity);
            }
        }
        if order.is_empty() {
            return Ok(());
        }
        if !has_all(&mut self.has_all_identities, client, org, source, "identities")? {
            let hashes: Vec<&[u8]> = order.iter().map(|(hash, _)| hash.as_slice()).collect();
            for row in client.query(FIND, &[&org, &rows::id(source), &hashes])? {
                if let Some(identity) = wanted.remove(rows::bytes(&row, 1)?) {
                    self.identities.insert(identity.clone(), rows::number32(&row, 0)?);
                }
            }
            order.retain(|(hash, _)| wanted.contains_key(hash));
            if order.is_empty() {
                return Ok(());
            }
        }
        let first = take_numbers(client, org, "next_identity", order.len())?;
        let numbered: Vec<_> = (first..).zip(order).collect();
        for &(id, (_, identity)) in &numbered {
            self.identities.insert(identity.clone(), id.cast_unsigned());
        }
        IDENTITIES.insert(client, org, &mut |rows| {
            for (id, (hash, identity)) in &numbered {
                let (name, email) = (text::stored(&identity.name), text::stored(&identity.email));
                rows.row(&[id, &rows::id(source), &hash.as_slice(), &name.as_ref(), &email.as_ref()])?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// What `known` says, or finds out: whether all rows that the source has in `table` are known, since it had none when the
/// writer first asked. Nobody else writes them while the writer holds the organisation's lock.
fn has_all(
    known: &mut Option<bool>,
    client: &mut impl GenericClient,
    org: i64,
    source: SourceId,
    table: &str,
) -> Inner<bool> {
    if let Some(known) = *known {
        return Ok(known);
    }
    let none = has_none(client, org, source, table)?;
    *known = Some(none);
    Ok(none)
}

/// Whether the source has no row in `table`.
pub(super) fn has_none(client: &mut impl GenericClient, org: i64, source: SourceId, table: &str) -> Inner<bool> {
    let sql = format!("SELECT NOT EXISTS (SELECT FROM {table} WHERE org = $1 AND source = $2)");
    rows::value(&client.query_one(&sql, &[&org, &rows::id(source)])?, 0)
}

/// Takes `count` numbers from the organisation's counter `column` of 32 bits and returns the first.
fn take_numbers(client: &mut impl GenericClient, org: i64, column: &str, count: usize) -> Inner<i32> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let sql = format!("UPDATE tenants SET {column} = {column} + $2 WHERE id = $1 RETURNING {column} - $2");
    rows::value(&client.query_one(&sql, &[&org, &count])?, 0)
}

/// Takes `count` numbers from the organisation's counter `column` of 64 bits and returns the first.
pub(super) fn take_long_numbers(client: &mut impl GenericClient, org: i64, column: &str, count: usize) -> Inner<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let sql = format!("UPDATE tenants SET {column} = {column} + $2 WHERE id = $1 RETURNING {column} - $2");
    rows::value(&client.query_one(&sql, &[&org, &count])?, 0)
}
