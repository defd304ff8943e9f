//! Putting a backup back.

use std::path::{Path, PathBuf};

use docassist_model::{ErrorCode, OrgSlug, Progress, TenantScope, Timestamp};
use docassist_store::{PostgresArchive, PostgresConfig, SqliteFiles, SqliteStore, Store, StoreError};
use serde::Serialize;

use super::files::{self, failed};
use super::manifest::{BackedUp, CONTROL, DUMP, Engine, Manifest, SECRET};
use crate::transfer::digest;
use crate::{AppError, Database};

/// Why no scope is checked.
const REASON: &str = "a backup is put back by whoever has the data";

/// How the folders begin in which restores work, inside the data directory: there alone a file can be moved into place in
/// one step, wherever that is mounted.
const WORK: &str = ".restore-";

/// What is put back, and where.
#[derive(Debug, Clone)]
pub struct RestoreRequest {
    /// The data directory.
    pub data: PathBuf,
    /// What keeps records and the service's rows.
    pub database: Database,
    /// The backup.
    pub folder: PathBuf,
    /// Whether what is there may be replaced.
    pub replace: bool,
    /// Whether it is kept although a digest differs, as it may where another version computes it differently.
    pub any_digest: bool,
}

/// A backup that was put back, or only looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// The backup.
    pub folder: String,
    /// When it was made.
    pub created: Timestamp,
    /// The version that made it.
    pub docassist: String,
    /// What it is of.
    pub engine: Engine,
    /// Its organisations.
    pub organisations: Vec<BackedUp>,
    /// Whether its data is in place now.
    pub restored: bool,
    /// Organisations whose graph is not what it was.
    pub mismatches: Vec<Mismatch>,
    /// What is to be known about it.
    pub notes: Vec<String>,
}

/// An organisation whose graph is not what it was when it was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// The organisation.
    pub org: String,
    /// The digest that the manifest has; none where it does not have the organisation.
    pub saved: Option<String>,
    /// The digest now; none where the organisation is missing.
    pub now: Option<String>,
}

impl RestoreReport {
    fn new(folder: &Path, manifest: Manifest) -> Self {
        let Manifest { docassist, created, engine, organisations, .. } = manifest;
        let folder = folder.display().to_string();
        Self {
            folder,
            created,
            docassist,
            engine,
            organisations,
            restored: false,
            mismatches: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Reads a whole backup, and finds whether it is as it was made. Changes nothing.
///
/// # Errors
/// When it is not, or `progress` says to stop.
pub fn check_backup(folder: &Path, progress: &dyn Progress) -> Result<RestoreReport, AppError> {
    let manifest = Manifest::read(folder)?;
    manifest.verify(folder, progress)?;
    Ok(RestoreReport::new(folder, manifest))
}

/// Puts a backup back: all of it, or, where something is wrong with it or with what is there, nothing.
///
/// # Errors
/// When the backup is damaged or of another engine, something is there and may not be replaced or is in use, something
/// cannot be written, or `progress` says to stop.
pub fn restore(request: &RestoreRequest, progress: &dyn Progress) -> Result<RestoreReport, AppError> {
    let manifest = Manifest::read(&request.folder)?;
    match (manifest.engine, &request.database) {
        (Engine::Sqlite, Database::Files) | (Engine::Postgresql, Database::Postgres(_)) => {}
        (engine, _) => {
            let message = format!("the backup is of {}, and records are kept elsewhere", engine.as_str());
            return Err(AppError::new(ErrorCode::InvalidInput, message).hint(
                "Put it back where it came from, and use `docassist store copy --all-orgs` to bring records over.",
            ));
        }
    }
    manifest.verify(&request.folder, progress)?;
    let work = Work::new(&request.data)?;
    let mut found = found(request, &manifest, &work)?;
    let (mismatches, kept) = match &request.database {
        Database::Files => restore_files(request, &manifest, &work, &mut found, progress)?,
        Database::Postgres(config) => restore_postgres(request, config, &manifest, &work, &mut found, progress)?,
    };
    let has_secret = manifest.file(SECRET).is_some();
    let mut report = RestoreReport::new(&request.folder, manifest);
    if kept && !has_secret {
        report.notes.push("the service's secret is not in the backup: start it with the one that it had".to_owned());
    }
    if kept {
        work.forget_others();
    }
    report.restored = kept;
    report.mismatches = mismatches;
    Ok(report)
}

/// Refuses where something is there that may not be replaced, or is in use; gives the names in the data directory that are
/// to make room.
fn found(request: &RestoreRequest, manifest: &Manifest, work: &Work) -> Result<Vec<&'static str>, AppError> {
    let mut names = Vec::new();
    // One that was killed between going out and coming in: what it moved away may be wanted.
    let interrupted = work.others().into_iter().map(|path| path.join("old")).filter(|old| old.exists());
    let mut there: Vec<String> =
        interrupted.map(|old| format!("{} (what was there before an interrupted restore)", old.display())).collect();
    let secret = request.data.join(SECRET);
    if let Some(saved) = manifest.file(SECRET)
        && secret.exists()
    {
        names.push(SECRET);
        if files::hash(&secret, &docassist_model::Unobserved)?.1 != saved.sha256 {
            there.push(secret.display().to_string());
        }
    }
    let mut in_use = None;
    match &request.database {
        Database::Files => {
            let files = SqliteFiles::new(&request.data);
            for (name, path) in [("control.db", files.control().to_owned()), ("orgs", request.data.join("orgs"))] {
                let has_something = path.is_file() || path.read_dir().is_ok_and(|mut entries| entries.next().is_some());
                if has_something {
                    there.push(path.display().to_string());
                }
                if path.exists() {
                    names.push(name);
                }
            }
            if request.replace {
                in_use = files.in_use()?.map(|path| path.display().to_string());
            }
        }
        Database::Postgres(config) => {
            let archive = PostgresArchive::new(config.clone());
            if archive.is_occupied()? {
                there.push(archive.location().to_owned());
            }
            let users = archive.users()?;
            in_use = (!users.is_empty()).then(|| format!("{} (by {})", archive.location(), users.join(", ")));
        }
    }
    if !there.is_empty() && !request.replace {
        let message = format!("something is there already: {}", there.join(", "));
        return Err(AppError::new(ErrorCode::Conflict, message)
            .hint("Make a backup of it if it matters, and say --replace; or name another --data or --database."));
    }
    if let Some(in_use) = in_use {
        return Err(AppError::new(ErrorCode::Busy, format!("{in_use} is in use"))
            .hint("Stop the service, and whatever else works with the data, first."));
    }
    Ok(names)
}

fn restore_files(
    request: &RestoreRequest,
    manifest: &Manifest,
    work: &Work,
    found: &mut Vec<&'static str>,
    progress: &dyn Progress,
) -> Result<(Vec<Mismatch>, bool), AppError> {
    let new = work.new_folder()?;
    copy_all(&request.folder, manifest, &new, progress)?;
    SqliteFiles::new(&new).ready()?;
    let mismatches = compare(&SqliteStore::new(&new), &manifest.organisations, progress)?;
    let keep = mismatches.is_empty() || request.any_digest;
    if keep {
        files::check(progress)?;
        // What SQLite keeps beside the file is of the file that goes.
        found.extend(["control.db-wal", "control.db-shm"]);
        work.swap(found, &["orgs", SECRET, CONTROL])?;
    }
    Ok((mismatches, keep))
}

fn restore_postgres(
    request: &RestoreRequest,
    config: &PostgresConfig,
    manifest: &Manifest,
    work: &Work,
    found: &mut Vec<&'static str>,
    progress: &dyn Progress,
) -> Result<(Vec<Mismatch>, bool), AppError> {
    let new = work.new_folder()?;
    copy_all(&request.folder, manifest, &new, progress)?;
    progress.phase("restoring the database", None);
    let mut mismatches = Vec::new();
    let mut swapped = Ok(());
    let kept = PostgresArchive::new(config.clone()).restore(&new.join(DUMP), &|| progress.cancelled(), &mut || {
        let store = request.database.records(&request.data).map_err(|error| StoreError::Feed(Box::new(error)))?;
        mismatches = compare(store.as_ref(), &manifest.organisations, progress)?;
        if !mismatches.is_empty() && !request.any_digest {
            return Ok(false);
        }
        // The last that can fail, while all can still be as before.
        swapped = work.swap(found, &[SECRET]);
        Ok(swapped.is_ok())
    })?;
    swapped?;
    Ok((mismatches, kept))
}

/// Copies the backup's files, and checks once more that what was written is what was saved.
fn copy_all(folder: &Path, manifest: &Manifest, to: &Path, progress: &dyn Progress) -> Result<(), AppError> {
    progress.phase("copying the backup (bytes)", Some(manifest.files.iter().map(|file| file.bytes).sum()));
    for file in &manifest.files {
        let target = to.join(&file.path);
        target.parent().map_or(Ok(()), files::create_folder)?;
        files::verify(file, &files::copy(&folder.join(&file.path), &target, progress)?)?;
    }
    Ok(())
}

/// The organisations whose graph is not what was saved, or that are missing, or were not saved.
fn compare(store: &dyn Store, saved: &[BackedUp], progress: &dyn Progress) -> Result<Vec<Mismatch>, StoreError> {
    let present = store.organisations()?;
    let mut mismatches = Vec::new();
    let mut now = std::collections::BTreeMap::new();
    for org in present {
        if progress.cancelled() {
            return Err(StoreError::Cancelled);
        }
        progress.phase(&format!("computing the digest of {org}"), None);
        let scope = TenantScope::unchecked(org, REASON);
        now.insert(scope.org().clone(), digest(store, &scope)?.1);
    }
    for saved in saved {
        let found = saved.org.parse::<OrgSlug>().ok().and_then(|org| now.remove(&org));
        if found.as_ref() != Some(&saved.digest) {
            let saved_digest = Some(saved.digest.clone());
            mismatches.push(Mismatch { org: saved.org.clone(), saved: saved_digest, now: found });
        }
    }
    mismatches.extend(now.into_iter().map(|(org, digest)| Mismatch {
        org: org.to_string(),
        saved: None,
        now: Some(digest),
    }));
    Ok(mismatches)
}

/// The folder in which a restore works. It goes away, unless what was there before could not be put back.
struct Work {
    data: PathBuf,
    path: PathBuf,
}

impl Work {
    fn new(data: &Path) -> Result<Self, AppError> {
        crate::prepare_folder(data);
        files::create_folder(data)?;
        // In a container, every process has the same number: it tells nothing.
        let free = (0_u64..).map(|number| data.join(format!("{WORK}{number}"))).find(|path| !path.exists());
        let path = free.unwrap_or_else(|| data.join(WORK));
        Ok(Self { data: data.to_owned(), path })
    }

    /// What earlier restores left that were killed.
    fn others(&self) -> Vec<PathBuf> {
        let entries = self.data.read_dir().into_iter().flatten().flatten();
        let left = |path: &PathBuf| {
            let is_one = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(WORK));
            is_one && *path != self.path
        };
        entries.map(|entry| entry.path()).filter(left).collect()
    }

    /// Removes what earlier restores left.
    fn forget_others(&self) {
        for path in self.others() {
            let _ = std::fs::remove_dir_all(path);
        }
    }

    fn new_folder(&self) -> Result<PathBuf, AppError> {
        let new = self.path.join("new");
        files::create_folder(&new)?;
        Ok(new)
    }

    /// Moves `out` out of the data directory and then `new` into it; what is missing is passed over. After a failure
    /// everything is where it was.
    ///
    /// Everything goes out before anything comes in, so that no moment has new rows beside old records.
    fn swap(&self, out: &[&str], new: &[&str]) -> Result<(), AppError> {
        let old = self.path.join("old");
        files::create_folder(&old)?;
        let moves = out.iter().map(|name| (self.data.join(name), old.join(name)));
        let moves = moves.chain(new.iter().map(|name| (self.path.join("new").join(name), self.data.join(name))));
        let mut done: Vec<(PathBuf, PathBuf)> = Vec::new();
        for (from, to) in moves {
            match std::fs::rename(&from, &to) {
                Ok(()) => done.push((from, to)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    for (from, to) in done.iter().rev() {
                        let _ = std::fs::rename(to, from);
                    }
                    return Err(failed(&to, &error));
                }
            }
        }
        files::sync_folder(&self.data);
        // Only now is nothing lost with it.
        let _ = std::fs::remove_dir_all(&old);
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let old = self.path.join("old");
        let is_empty = old.read_dir().map_or(true, |mut entries| entries.next().is_none());
        if is_empty {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
