//! Opening a database: settings, versions, migrations.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::fault::{Fault, Inner};
use crate::{Result, StoreError};

/// A kind of database that this program keeps.
#[derive(Debug)]
pub(super) struct Format {
    /// Marks the file as ours, so that another program's database is never migrated.
    pub(super) application_id: i64,
    /// Each step from one format version to the next; their number is the version that this program knows.
    pub(super) migrations: &'static [&'static str],
    /// Whether nobody but its owner may read the file.
    pub(super) private: bool,
    /// Page cache of a connection that writes.
    pub(super) writer_cache_kib: i64,
}

/// How long to wait for SQLite's own locks: somebody else's transaction, where several write, or else opening,
/// migrating and the end of a checkpoint, which are brief.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often to try again where SQLite does not wait by itself.
const POLL: Duration = Duration::from_millis(5);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading; the file must exist.
    Read,
    /// Writing; the file is created.
    Write,
}

/// Opens the database at `path`, creating (to write) and migrating it as needed. `None`: there is nothing to read yet.
pub(super) fn open(path: &Path, purpose: Purpose, format: &Format) -> Result<Option<Connection>> {
    let location = path.display().to_string();
    let existed = path.try_exists().map_err(|error| StoreError::io(&location, error))?;
    if !existed && purpose == Purpose::Read {
        return Ok(None);
    }
    if !existed && format.private {
        // What SQLite keeps beside the file (log, shared index) gets the permissions of the file.
        create_private(path).map_err(|error| StoreError::io(&location, error))?;
    }
    let connection = connect(path, purpose, format).map_err(|fault| fault.at(&location))?;
    if !existed {
        sync_folders(path);
    }
    Ok(connection)
}

/// Makes an empty file, which is a new database to SQLite.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path, purpose: Purpose, format: &Format) -> Inner<Option<Connection>> {
    // NO_MUTEX: a connection is used by one thread at a time; SQLite's own mutexes would only cost time.
    // Readers open for writing as well: the first connection after a crash has to restore the shared index of the log.
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if purpose == Purpose::Write {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // In one transaction: somebody may be creating the database.
    let transaction = connection.transaction()?;
    let version = version(&transaction, path, format)?;
    drop(transaction);
    match version {
        // The first writer is creating it, or died before it had.
        0 if purpose == Purpose::Read => return Ok(None),
        version if version < format.migrations.len() => migrate(&mut connection, path, format)?,
        _ => {}
    }
    let cache = if purpose == Purpose::Write { format.writer_cache_kib } else { READER_CACHE_KIB };
    settings(&connection, cache)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(Some(connection))
}

/// Makes the names of a new file and of its folders last through a loss of power, where folders can be synced.
fn sync_folders(path: &Path) {
    // At most, the file is in `DATA/orgs/<slug>`: three folders, and the one that has `DATA`, may be new.
    for folder in path.ancestors().skip(1).take(4) {
        if let Ok(folder) = std::fs::File::open(folder) {
            let _ = folder.sync_all();
        }
    }
}

/// Compiled statements kept per connection: all that a writer has, so that none is compiled twice.
const STATEMENTS: usize = 64;
/// A reader goes through tables once, from the operating system's cache.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Pages of log after which they are moved into the database: large, since each time costs two waits for the disk.
const CHECKPOINT_PAGES: i64 = 4_000;
/// What the log is cut back to once it is empty.
const LOG_BYTES: i64 = 64 << 20;

fn settings(connection: &Connection, cache_kib: i64) -> Inner<()> {
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    Ok(())
}

/// Whether the next transaction has reached the disk when it ends.
///
/// With `NORMAL`, a transaction survives the death of the process, not always a loss of power; with `FULL`, SQLite
/// waits for the disk at the end of it, and with it for all that was written to the log before.
pub(super) fn durable(connection: &Connection, durable: bool) -> Inner<()> {
    Ok(connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?)
}

/// The format version of the file; 0 for one that is new.
fn version(connection: &Connection, path: &Path, format: &Format) -> Inner<usize> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let location = || path.display().to_string();
    let known = format.migrations.len();
    if application != format.application_id {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if found != 0 || tables != 0 {
            let detail = "it is the database of another program".to_owned();
            return Err(StoreError::Damaged { location: location(), detail }.into());
        }
    }
    match usize::try_from(found) {
        Ok(version) if version <= known => Ok(version),
        Ok(_) => Err(StoreError::Newer { location: location(), found, known: known as i64 }.into()),
        Err(_) => Err(Fault::Malformed(format!("format version {found}"))),
    }
}

fn migrate(connection: &mut Connection, path: &Path, format: &Format) -> Inner<()> {
    // Only a new file takes the page size.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    use_log(connection)?;
    durable(connection, true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it meanwhile.
    let from = version(&transaction, path, format)?;
    for migration in format.migrations.iter().skip(from) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", format.application_id)?;
    transaction.pragma_update(None, "user_version", format.migrations.len() as i64)?;
    transaction.commit()?;
    Ok(())
}

/// Switches to the log of changes, which lets readers go on while somebody writes.
pub(super) fn use_log(connection: &Connection) -> Inner<()> {
    let started = Instant::now();
    loop {
        // Where two processes do this to a new file at once, SQLite refuses one of them without waiting.
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && started.elapsed() < BUSY_TIMEOUT =>
            {
                std::thread::sleep(POLL);
            }
            result => return Ok(result?),
        }
    }
}

/// Bytes of a database page.
const PAGE_BYTES: i64 = 8192;

/// The files that SQLite keeps for the database at `path`.
pub(super) fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}
