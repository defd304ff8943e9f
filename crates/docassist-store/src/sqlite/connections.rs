//! Connections kept open for what comes next.
//!
//! A folder may be removed, and one of the same name made, while a connection to its database is open here or in
//! another process. Such a connection goes on with the old file, which nobody else sees any more; so each remembers
//! which file it has, and is never used again once that is not the one at its path.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use docassist_model::OrgSlug;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::database::{self, Format, Purpose};
use super::identity::{self, Identity};
use crate::Result;

/// Connections kept open, over all organisations. Opening one costs about as much as twenty small reads; each holds a
/// few file handles.
const IDLE: usize = 8;

/// How often a file that is replaced while it is opened is opened again.
const TRIES: usize = 10;

/// A connection, and the file that it has.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    path: PathBuf,
    file: Option<Identity>,
}

impl Opened {
    fn open(path: &Path, purpose: Purpose, format: &Format) -> Result<Option<Self>> {
        let mut tries = 0;
        loop {
            // The log is opened by its name, after the file itself: both are the same database's only if the file is
            // still the same when both are open.
            let file = identity::at(path);
            let Some(connection) = database::open(path, purpose, format)? else { return Ok(None) };
            let opened = Self { connection, path: path.to_owned(), file };
            tries += 1;
            if opened.is_current() || tries >= TRIES {
                return Ok(Some(opened));
            }
        }
    }

    /// Whether its file is still the one at its path.
    fn is_current(&self) -> bool {
        self.file.is_some() && identity::at(&self.path) == self.file
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if !self.is_current() {
            // The last connection removes the log by its name when it is closed, and that name may be another one's.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

/// The connections of one kind that nobody uses at the moment.
#[derive(Debug)]
pub(super) struct Connections {
    purpose: Purpose,
    format: &'static Format,
    idle: Mutex<Vec<(OrgSlug, Opened)>>,
}

impl Connections {
    /// Connections for that purpose to databases of that format; none is open yet.
    pub(super) fn new(purpose: Purpose, format: &'static Format) -> Self {
        Self { purpose, format, idle: Mutex::default() }
    }

    /// A connection to the organisation's database at `path`; `None` where there is nothing to read yet.
    pub(super) fn take(&self, org: &OrgSlug, path: &Path) -> Result<Option<Opened>> {
        match self.idle(org) {
            Some(opened) => Ok(Some(opened)),
            None => self.open(path),
        }
    }

    /// A new connection to the database at `path`; `None` where there is nothing to read yet.
    pub(super) fn open(&self, path: &Path) -> Result<Option<Opened>> {
        Opened::open(path, self.purpose, self.format)
    }

    /// A connection to the organisation's database that is open.
    pub(super) fn idle(&self, org: &OrgSlug) -> Option<Opened> {
        while let Some(opened) = self.any(org) {
            if opened.is_current() {
                return Some(opened);
            }
        }
        None
    }

    /// The same, also where the database is another one by now.
    fn any(&self, org: &OrgSlug) -> Option<Opened> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().position(|(of, _)| of == org)?;
        Some(idle.swap_remove(at).1)
    }

    /// Keeps a connection for the next time, in place of the one that has waited longest.
    pub(super) fn give(&self, org: &OrgSlug, opened: Opened) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if idle.len() >= IDLE { Some(idle.remove(0)) } else { None };
        idle.push((org.clone(), opened));
        // Closing may write: nobody has to wait for that.
        drop(idle);
        drop(oldest);
    }

    /// Closes the organisation's connections.
    pub(super) fn close(&self, org: &OrgSlug) {
        while let Some(opened) = self.any(org) {
            drop(opened);
        }
    }
}
