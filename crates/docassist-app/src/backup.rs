//! Backups of everything that a service has, while it serves, and putting them back.
//!
//! A backup is a folder: `manifest.json`, which says what is in it with lengths and hashes, and the files. It gets its name
//! when it is whole. Clones of repositories and files that wait to be imported are no part of it: the next sync clones again.

mod files;
mod manifest;
mod restore;

use std::path::{Path, PathBuf};

use docassist_model::{ErrorCode, Progress, TenantScope, Timestamp};
use docassist_store::{PostgresArchive, PostgresConfig, SqliteFiles, SqliteStore, Store};
use serde::Serialize;

use crate::transfer::{digest, digest_of};
use crate::{AppError, Database, now};
use files::Partial;
pub use manifest::{BackedUp, Engine, SavedFile};
use manifest::{CONTROL, DUMP, Manifest, RECORDS, SECRET};
pub use restore::{Mismatch, RestoreReport, RestoreRequest, check_backup, restore};

/// Why no scope is checked.
const REASON: &str = "a backup is of all organisations, made by whoever has the data";

/// What is saved, and where.
#[derive(Debug, Clone)]
pub struct BackupRequest {
    /// The data directory.
    pub data: PathBuf,
    /// What keeps records and the service's rows.
    pub database: Database,
    /// The same PostgreSQL by a role that reads the rows of all organisations at once.
    pub role: Option<Database>,
    /// The folder to make.
    pub folder: PathBuf,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// Where it is.
    pub folder: String,
    /// The instant at which it was begun.
    pub created: Timestamp,
    /// What it is of.
    pub engine: Engine,
    /// Organisations, each in one state.
    pub organisations: Vec<BackedUp>,
    /// Its files.
    pub files: Vec<SavedFile>,
    /// What is to be known about it.
    pub notes: Vec<String>,
}

/// Makes a backup.
///
/// Every organisation, and what the service keeps besides, is saved as it was at one instant; of PostgreSQL all of them at
/// the same one, of SQLite one file after the other.
///
/// # Errors
/// When there is nothing to save, the folder has something in it, something cannot be read or written, or `progress` says to
/// stop; then no folder is left.
pub fn backup(request: &BackupRequest, progress: &dyn Progress) -> Result<BackupReport, AppError> {
    let created = now();
    if let (Database::Files, Some(_)) = (&request.database, &request.role) {
        return Err(AppError::new(ErrorCode::InvalidInput, "records are in files, which no role of a database reads")
            .hint("Name the PostgreSQL with --database, or leave --role-url out."));
    }
    let partial = Partial::new(&request.folder)?;
    let (engine, organisations) = match &request.database {
        Database::Files => (Engine::Sqlite, save_files(&request.data, partial.path(), progress)?),
        Database::Postgres(config) => {
            let role = match &request.role {
                Some(Database::Postgres(role)) => role,
                _ => config,
            };
            (Engine::Postgresql, save_postgres(config, role, &request.data, partial.path(), progress)?)
        }
    };
    let mut notes = Vec::new();
    let secret = request.data.join(SECRET);
    if secret.is_file() {
        files::copy(&secret, &partial.path().join(SECRET), progress)?;
        notes.push("the service's secret is in the backup: whoever reads it can sign in as anybody".to_owned());
    } else {
        notes.push("the service's secret is not in the data directory, and not in the backup: keep it too".to_owned());
    }
    let files = manifest::hash_all(partial.path(), engine, &organisations, progress)?;
    let manifest = Manifest::new(created, engine, organisations, files);
    manifest.write(partial.path())?;
    partial.finish()?;
    let Manifest { organisations, files, .. } = manifest;
    Ok(BackupReport { folder: request.folder.display().to_string(), created, engine, organisations, files, notes })
}

fn save_files(data: &Path, folder: &Path, progress: &dyn Progress) -> Result<Vec<BackedUp>, AppError> {
    let files = SqliteFiles::new(data);
    // First: a job that ends meanwhile is then run once more, not forgotten.
    progress.phase("saving what the service keeps besides records", None);
    let control = folder.join(CONTROL);
    files::create(&control)?;
    let has_control = files.save_control(&control)?;
    if !has_control {
        files::remove(&control)?;
    }
    for org in SqliteStore::new(data).organisations()? {
        files::check(progress)?;
        progress.phase(&format!("saving {org}"), None);
        let path = folder.join("orgs").join(org.as_str());
        files::create_folder(&path)?;
        let file = path.join(RECORDS);
        files::create(&file)?;
        let scope = TenantScope::unchecked(org, REASON);
        if !files.save_records(&scope, &file)? {
            files::remove(&file)?;
        }
    }
    let copies = SqliteStore::new(folder);
    let mut organisations = Vec::new();
    for org in copies.organisations()? {
        files::check(progress)?;
        progress.phase(&format!("computing the digest of {org}"), None);
        let scope = TenantScope::unchecked(org, REASON);
        let (sequence, digest) = digest(&copies, &scope)?;
        organisations.push(BackedUp { org: scope.org().to_string(), sequence, digest });
    }
    if !has_control && organisations.is_empty() {
        return Err(AppError::new(ErrorCode::NotFound, format!("there is nothing to save in {}", data.display()))
            .hint("Name the data directory with --data, or the PostgreSQL with --database."));
    }
    Ok(organisations)
}

fn save_postgres(
    config: &PostgresConfig,
    role: &PostgresConfig,
    data: &Path,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Vec<BackedUp>, AppError> {
    // Brings the tables up to date, which the role that reads cannot.
    drop(Database::Postgres(config.clone()).records(data)?);
    let archive = PostgresArchive::new(role.clone());
    if archive.location() != config.location() {
        let message = format!("the role's address is of {}, and records are in {}", role.location(), config.location());
        return Err(AppError::new(ErrorCode::InvalidInput, message).hint("Name the same host, port and database."));
    }
    if !archive.sees_everything()? {
        return Err(AppError::new(
            ErrorCode::Forbidden,
            "the role sees one organisation at a time, which no backup can use",
        )
        .hint(
            "Make one that reads everything, as a superuser: CREATE ROLE docassist_backup LOGIN BYPASSRLS PASSWORD '…' \
                 IN ROLE pg_read_all_data; and name its address with --role-url. Without it, `docassist store copy \
                 --all-orgs` copies the records alone into a data directory.",
        ));
    }
    let dump = folder.join(DUMP);
    files::create(&dump)?;
    progress.phase("dumping the database", None);
    let mut organisations = Vec::new();
    archive.dump(&dump, &|| progress.cancelled(), &mut |org, reading| {
        progress.phase(&format!("dumping the database; computing the digest of {org}"), None);
        let digest = digest_of(reading, org)?;
        organisations.push(BackedUp { org: org.to_string(), sequence: reading.sequence(), digest });
        Ok(())
    })?;
    Ok(organisations)
}
