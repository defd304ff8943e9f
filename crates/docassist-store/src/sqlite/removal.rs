//! Removing an organisation.

use std::io;
use std::path::Path;
use std::time::Duration;

use docassist_model::OrgSlug;

use super::lock::WriterLock;
use crate::{Result, StoreError};

/// How long to wait for a writer: it may be at its end. A whole sync is not waited for.
const WAIT: Duration = Duration::from_secs(5);

/// How the folders of removed organisations begin. No organisation's name does.
const REMOVED: &str = ".removed-";

/// Removes the folder of an organisation; `forget` is called while nobody else writes to it.
pub(super) fn remove(folder: &Path, org: &OrgSlug, forget: impl FnOnce()) -> Result<()> {
    let failed = |error| StoreError::io(folder.display().to_string(), error);
    if !folder.try_exists().map_err(failed)? {
        return Ok(());
    }
    let lock = WriterLock::take(folder, org, "remove the organisation", WAIT, &|| false)?;
    forget();
    // Out of sight in one step: nobody ever sees a part of it, or puts a new one where files still go away.
    for number in 0_u64.. {
        let name = format!("{REMOVED}{org}-{}-{number}", std::process::id());
        match std::fs::rename(folder, folder.with_file_name(name)) {
            Ok(()) => break,
            // Left by a process of the same number that was killed.
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    drop(lock);
    let Some(parent) = folder.parent() else { return Ok(()) };
    if let Ok(parent) = std::fs::File::open(parent) {
        let _ = parent.sync_all();
    }
    sweep(parent).map_err(|error| StoreError::io(parent.display().to_string(), error))
}

/// Removes what removals left, this one and earlier ones that were killed.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(REMOVED) {
            match std::fs::remove_dir_all(entry.path()) {
                // Somebody else does it as well.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
    }
    Ok(())
}
