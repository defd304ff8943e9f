//! Vectors in a file of their own beside the records: `DATA/orgs/<slug>/vectors.db`.
//!
//! Of its own, so that writing them never keeps the writer of records waiting, and so that it can be removed, by hand as
//! well: all of it can be computed again. One that is damaged is set aside as `vectors.db.damaged`, and a new one is begun.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use docassist_model::TenantScope;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, ffi};

use super::SqliteStore;
use super::connections::Connections;
use super::database::{self, Format, Purpose};
use super::fault::{Fault, Inner};
use super::identity::{self, Identity};
use crate::vectors::{BATCH, in_order, original, stored};
use crate::{ContentHash, Result, StoreError, VectorStore};

/// Vectors of an organisation ("docV").
pub(super) const VECTORS: Format = Format {
    application_id: 0x646f_6356,
    migrations: &[include_str!("migrations/0001_vectors.sql")],
    private: false,
    writer_cache_kib: 8 * 1024,
};

/// Rows that are removed in one transaction: others who keep vectors wait for that long.
const PRUNED: usize = 10_000;

/// The connections to files of vectors.
pub(super) fn connections() -> Connections {
    Connections::new(Purpose::Write, &VECTORS)
}

impl SqliteStore {
    fn vector_file(&self, scope: &TenantScope) -> PathBuf {
        self.folder(scope).join("vectors.db")
    }

    /// Runs `run` with the organisation's file. Where that is damaged, it is set aside, and `run` runs once more, with a new
    /// one. `None`: there is no file, and `create` does not ask for one, or there is no organisation.
    fn with_vectors<T>(
        &self,
        scope: &TenantScope,
        create: bool,
        mut run: impl FnMut(&mut Connection) -> Inner<T>,
    ) -> Result<Option<T>> {
        let path = self.vector_file(scope);
        // Not for an organisation that was removed meanwhile: nobody would look for what is left of it.
        let wanted = || if create { self.file(scope).exists() } else { path.exists() };
        let mut tries = 0;
        loop {
            if !wanted() {
                return Ok(None);
            }
            let found = identity::at(&path);
            match self.try_vectors(scope, &path, &mut run) {
                Err(StoreError::Damaged { .. }) if tries == 0 => {
                    tries += 1;
                    set_aside(&path, found)?;
                }
                Err(_) if !wanted() => return Ok(None),
                result => return result,
            }
        }
    }

    fn try_vectors<T>(
        &self,
        scope: &TenantScope,
        path: &Path,
        run: &mut impl FnMut(&mut Connection) -> Inner<T>,
    ) -> Result<Option<T>> {
        let idle = self.vectors.idle(scope.org());
        let opened = match idle {
            Some(opened) => Some(opened),
            None => {
                // Nobody sets the file aside while its log is opened by name.
                let _lock = lock(path)?;
                self.vectors.open(path)?
            }
        };
        let Some(mut opened) = opened else { return Ok(None) };
        let result = run(&mut opened.connection).map_err(|fault| at(fault, path))?;
        self.vectors.give(scope.org(), opened);
        Ok(Some(result))
    }
}

/// The error for callers. The statements here are right where the table is: one that SQLite finds wrong means that it is
/// missing.
fn at(fault: Fault, path: &Path) -> StoreError {
    let location = path.display().to_string();
    match fault {
        Fault::Sql(rusqlite::Error::SqliteFailure(failure, detail)) if failure.extended_code == ffi::SQLITE_ERROR => {
            StoreError::Damaged { location, detail: detail.unwrap_or_else(|| failure.to_string()) }
        }
        fault => fault.at(&location),
    }
}

/// Keeps others from opening the file, or setting it aside, until it is dropped.
fn lock(path: &Path) -> Result<File> {
    let path = path.with_extension("lock");
    let failed = |error| StoreError::io(path.display().to_string(), error);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Puts the damaged file out of the way, in the place of an earlier one, unless somebody else has done so.
fn set_aside(path: &Path, damaged: Option<Identity>) -> Result<()> {
    let _lock = lock(path)?;
    if damaged.is_none() || identity::at(path) != damaged {
        return Ok(());
    }
    let [file, log, index] = database::files(path);
    // The log first: it must not be taken for the next file's.
    for path in [&log, &index] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io(path.display().to_string(), error));
            }
            _ => {}
        }
    }
    let aside = path.with_extension("db.damaged");
    std::fs::rename(&file, &aside).map_err(|error| StoreError::io(file.display().to_string(), error))
}

impl VectorStore for SqliteStore {
    fn vectors(&self, scope: &TenantScope, model: &str, hashes: &[ContentHash]) -> Result<Vec<Option<Vec<f32>>>> {
        const SQL: &str = "SELECT vector FROM vectors WHERE model = ?1 AND hash = ?2";
        let found = self.with_vectors(scope, false, |connection| {
            let transaction = connection.transaction()?;
            let mut statement = transaction.prepare_cached(SQL)?;
            let mut vectors = Vec::with_capacity(hashes.len());
            for hash in hashes {
                let read = statement.query_row((model, hash.as_slice()), |row| {
                    // A value of another type is none.
                    Ok(row.get_ref(0)?.as_blob().ok().and_then(original))
                });
                vectors.push(read.optional()?.flatten());
            }
            Ok(vectors)
        })?;
        Ok(found.unwrap_or_else(|| vec![None; hashes.len()]))
    }

    fn keep_vectors(&self, scope: &TenantScope, model: &str, vectors: &[(ContentHash, Vec<f32>)]) -> Result<()> {
        const SQL: &str = "INSERT INTO vectors (model, hash, vector) VALUES (?1, ?2, ?3) \
             ON CONFLICT (model, hash) DO UPDATE SET vector = excluded.vector \
             WHERE length(vector) <> length(excluded.vector) OR typeof(vector) <> 'blob'";
        for batch in in_order(vectors).chunks(BATCH) {
            self.with_vectors(scope, true, |connection| {
                database::durable(connection, false)?;
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut insert = transaction.prepare_cached(SQL)?;
                for (hash, vector) in batch {
                    insert.execute((model, hash.as_slice(), stored(vector)))?;
                }
                drop(insert);
                Ok(transaction.commit()?)
            })?;
        }
        Ok(())
    }

    fn vector_count(&self, scope: &TenantScope) -> Result<u64> {
        let counted = self.with_vectors(scope, false, |connection| {
            let mut statement = connection.prepare_cached("SELECT count(*) FROM vectors")?;
            Ok(statement.query_row([], |row| row.get::<_, i64>(0))?)
        })?;
        Ok(counted.map_or(0, i64::unsigned_abs))
    }

    fn prune_vectors(&self, scope: &TenantScope, model: &str, keep: &dyn Fn(&ContentHash) -> bool) -> Result<u64> {
        const FIND: &str = "SELECT n, model = ?1, hash FROM vectors";
        let pruned = self.with_vectors(scope, false, |connection| {
            let mut refused = Vec::new();
            {
                let mut statement = connection.prepare_cached(FIND)?;
                let mut rows = statement.query([model])?;
                while let Some(row) = rows.next()? {
                    let hash: Option<&ContentHash> =
                        row.get_ref(2)?.as_blob().ok().and_then(|hash| hash.try_into().ok());
                    if !row.get::<_, bool>(1)? || !hash.is_some_and(keep) {
                        refused.push(row.get::<_, i64>(0)?);
                    }
                }
            }
            database::durable(connection, false)?;
            let mut removed = 0;
            for part in refused.chunks(PRUNED) {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut delete = transaction.prepare_cached("DELETE FROM vectors WHERE n = ?1")?;
                for n in part {
                    removed += delete.execute([n])? as u64;
                }
                drop(delete);
                transaction.commit()?;
            }
            Ok(removed)
        })?;
        Ok(pruned.unwrap_or_default())
    }
}
