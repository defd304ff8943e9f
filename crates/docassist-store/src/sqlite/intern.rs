//! Numbers of paths and identities.
//!
//! A writer looks each path up once and remembers it, so that ten new commits on top of 100,000 cost a few look-ups
//! and not the loading of all paths, and a first sync costs one look-up per path and not one per change.

use docassist_model::{Identity, ObjectId, SourceId};
use rusqlite::{CachedStatement, Connection, OptionalExtension};
use rustc_hash::FxHashMap;

use super::fault::{Fault, Inner};

/// What a writer remembers of one source. After a transaction that was rolled back it is wrong and has to be dropped.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Staged commits and their rows; read when first needed.
    pub(super) staged: Option<FxHashMap<ObjectId, i64>>,
    pub(super) numbers: Numbers,
}

/// Numbers that were looked up or given.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    paths: FxHashMap<Box<str>, u32>,
    identities: FxHashMap<Identity, u32>,
}

/// Gives numbers within a transaction.
pub(super) struct Interner<'a> {
    source: SourceId,
    known: &'a mut Numbers,
    find_path: CachedStatement<'a>,
    insert_path: CachedStatement<'a>,
    find_identity: CachedStatement<'a>,
    insert_identity: CachedStatement<'a>,
}

impl<'a> Interner<'a> {
    pub(super) fn new(connection: &'a Connection, source: SourceId, known: &'a mut Numbers) -> Inner<Self> {
        Ok(Self {
            source,
            known,
            find_path: connection.prepare_cached("SELECT id FROM paths WHERE source = ?1 AND path = ?2")?,
            insert_path: connection.prepare_cached("INSERT INTO paths (source, path) VALUES (?1, ?2)")?,
            find_identity: connection
                .prepare_cached("SELECT id FROM identities WHERE source = ?1 AND email = ?2 AND name = ?3")?,
            insert_identity: connection
                .prepare_cached("INSERT INTO identities (source, email, name) VALUES (?1, ?2, ?3)")?,
        })
    }

    /// The number of a path.
    pub(super) fn path(&mut self, path: &str) -> Inner<u32> {
        if let Some(&id) = self.known.paths.get(path) {
            return Ok(id);
        }
        let source = self.source.0;
        let found = self.find_path.query_row((source, path), |row| row.get(0)).optional()?;
        let id = number(match found {
            Some(id) => id,
            None => self.insert_path.insert((source, path))?,
        })?;
        self.known.paths.insert(path.into(), id);
        Ok(id)
    }

    /// The number of a path, if it has one.
    pub(super) fn known_path(&mut self, path: &str) -> Inner<Option<u32>> {
        if let Some(&id) = self.known.paths.get(path) {
            return Ok(Some(id));
        }
        let found = self.find_path.query_row((self.source.0, path), |row| row.get(0)).optional()?;
        found.map(number).transpose()
    }

    /// The number of an identity.
    pub(super) fn identity(&mut self, identity: &Identity) -> Inner<u32> {
        if let Some(&id) = self.known.identities.get(identity) {
            return Ok(id);
        }
        let row = (self.source.0, identity.email.as_str(), identity.name.as_str());
        let found = self.find_identity.query_row(row, |row| row.get(0)).optional()?;
        let id = number(match found {
            Some(id) => id,
            None => self.insert_identity.insert(row)?,
        })?;
        self.known.identities.insert(identity.clone(), id);
        Ok(id)
    }
}

fn number(id: i64) -> Inner<u32> {
    u32::try_from(id).map_err(|_| Fault::Malformed(format!("number {id} is out of range")))
}
