//! Connections kept open for the next read.
//!
//! A folder may be removed, and one of the same name made, while a connection to its database is open here or in
//! another process. Such a connection goes on with the old file, which nobody else sees any more; so each remembers
//! which file it has, and is never used again once that is not the one at its path.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use docassist_model::OrgSlug;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::RECORDS;
use super::database::{self, Purpose};
use super::identity::{self, Identity};
use crate::Result;

/// Connections kept open, over all organisations. Opening one costs about as much as twenty small reads; each holds a
/// few file handles.
const IDLE: usize = 8;

/// How often a file that is replaced while it is opened is opened again.
const TRIES: usize = 10;

/// A connection that reads, and the file that it has.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) connection: Connection,
    path: PathBuf,
    file: Option<Identity>,
}

impl Reader {
    /// Opens the database at `path`; `None` where there is nothing to read yet.
    fn open(path: &Path) -> Result<Option<Self>> {
        let mut tries = 0;
        loop {
            // The log is opened by its name, after the file itself: both are the same database's only if the file is
            // still the same when both are open.
            let file = identity::at(path);
            let Some(connection) = database::open(path, Purpose::Read, &RECORDS)? else { return Ok(None) };
            let reader = Self { connection, path: path.to_owned(), file };
            tries += 1;
            if reader.is_current() || tries >= TRIES {
                return Ok(Some(reader));
            }
        }
    }

    /// Whether its file is still the one at its path.
    fn is_current(&self) -> bool {
        self.file.is_some() && identity::at(&self.path) == self.file
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.is_current() {
            // The last connection removes the log by its name when it is closed, and that name may be another one's.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

/// The connections that nobody uses at the moment.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<Vec<(OrgSlug, Reader)>>);

impl Readers {
    /// A connection to the organisation's database at `path`; `None` where there is nothing to read yet.
    pub(super) fn take(&self, org: &OrgSlug, path: &Path) -> Result<Option<Reader>> {
        while let Some(reader) = self.idle(org) {
            if reader.is_current() {
                return Ok(Some(reader));
            }
        }
        Reader::open(path)
    }

    fn idle(&self, org: &OrgSlug) -> Option<Reader> {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = readers.iter().position(|(of, _)| of == org)?;
        Some(readers.swap_remove(at).1)
    }

    /// Keeps a connection for the next read, in place of the one that has waited longest.
    pub(super) fn give(&self, org: &OrgSlug, reader: Reader) {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if readers.len() >= IDLE { Some(readers.remove(0)) } else { None };
        readers.push((org.clone(), reader));
        // Closing may write: nobody has to wait for that.
        drop(readers);
        drop(oldest);
    }

    /// Closes the organisation's connections.
    pub(super) fn close(&self, org: &OrgSlug) {
        while let Some(reader) = self.idle(org) {
            drop(reader);
        }
    }
}
