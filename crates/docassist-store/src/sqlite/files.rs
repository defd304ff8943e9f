//! Database files as wholes: copying them while others read and write, and putting copies into use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use docassist_model::TenantScope;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::control::CONTROL;
use super::database::{self, Format, Purpose};
use super::fault::{Fault, Inner};
use super::{RECORDS, SqliteStore, connections};
use crate::{Result, Store, StoreError};

/// How long to wait for somebody who has a file open: a command that is about to end, not a service.
const BRIEFLY: Duration = Duration::from_millis(500);

/// The database files of a data directory, for backups.
#[derive(Debug)]
pub struct SqliteFiles {
    store: SqliteStore,
    control: PathBuf,
}

impl SqliteFiles {
    /// The files below `data`. Touches nothing yet.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { store: SqliteStore::new(data), control: data.join("control.db") }
    }

    /// The file of an organisation's records.
    #[must_use]
    pub fn records(&self, scope: &TenantScope) -> PathBuf {
        self.store.file(scope)
    }

    /// The file of what the service keeps besides records.
    #[must_use]
    pub fn control(&self) -> &Path {
        &self.control
    }

    /// Writes a copy of an organisation's records, as they are at one instant, to `to`, which must be missing or empty.
    /// False where there are none. Nobody waits for it.
    ///
    /// # Errors
    /// When one of the files cannot be used.
    pub fn save_records(&self, scope: &TenantScope, to: &Path) -> Result<bool> {
        let from = self.records(scope);
        // The organisation may be removed meanwhile: this reader knows what to leave alone then.
        let Some(reader) = connections().take(scope.org(), &from)? else { return Ok(false) };
        save(&reader.connection, &from, to)?;
        Ok(true)
    }

    /// The same of what the service keeps besides records.
    ///
    /// # Errors
    /// When one of the files cannot be used.
    pub fn save_control(&self, to: &Path) -> Result<bool> {
        let Some(connection) = database::open(&self.control, Purpose::Read, &CONTROL)? else { return Ok(false) };
        save(&connection, &self.control, to)?;
        Ok(true)
    }

    /// Readies copies for use: checks what they are, brings them up to date, and switches them to the log of changes, which a
    /// copy does not have.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn ready(&self) -> Result<()> {
        for (path, format) in self.files()? {
            if let Some(connection) = database::open(&path, Purpose::Write, format)? {
                let result = database::use_log(&connection).and_then(|()| database::durable(&connection, true));
                result.map_err(|fault| fault.at(&path.display().to_string()))?;
            }
        }
        Ok(())
    }

    /// A file that another process has open, if there is one: what is moved away under a process is written to no end.
    ///
    /// # Errors
    /// When the folders cannot be read.
    pub fn in_use(&self) -> Result<Option<PathBuf>> {
        // A file that is damaged is in nobody's use.
        let in_use = |path: &Path| matches!(is_open_elsewhere(path), Ok(true));
        Ok(self.files()?.into_iter().map(|(path, _)| path).find(|path| in_use(path)))
    }

    fn files(&self) -> Result<Vec<(PathBuf, &'static Format)>> {
        let mut files = Vec::new();
        if self.control.exists() {
            files.push((self.control.clone(), &CONTROL));
        }
        for org in self.store.organisations()? {
            let scope = TenantScope::unchecked(org, "a backup or a restore is of the files as wholes");
            files.push((self.records(&scope), &RECORDS));
        }
        Ok(files)
    }
}

fn save(connection: &Connection, from: &Path, to: &Path) -> Result<()> {
    let Some(name) = to.to_str() else {
        let detail = "SQLite takes only names that are UTF-8".to_owned();
        return Err(StoreError::Permission { location: to.display().to_string(), detail });
    };
    // In one transaction that reads, and without what was deleted.
    let saved = connection.execute("VACUUM INTO ?1", [name]);
    saved.map_err(|error| {
        let location = if error.sqlite_error_code() == Some(ErrorCode::DiskFull) { to } else { from };
        Fault::from(error).at(&location.display().to_string())
    })?;
    Ok(())
}

/// Whether another connection has the database open: the log can be done away with only by one that is alone.
fn is_open_elsewhere(path: &Path) -> Inner<bool> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BRIEFLY)?;
    match connection.pragma_update(None, "journal_mode", "DELETE") {
        Ok(()) => {
            // It may stay in use.
            database::use_log(&connection)?;
            Ok(false)
        }
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
