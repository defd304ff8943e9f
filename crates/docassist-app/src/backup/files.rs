//! Files of backups: private, hashed, on the disk before they count.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use docassist_model::{ErrorCode, Progress};
use sha2::{Digest as _, Sha256};

use super::manifest::SavedFile;
use crate::AppError;

/// Bytes that are read at a time, between two looks at whether to stop.
const PART: usize = 1 << 20;

/// A folder that is not whole yet, and goes away unless it is finished.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    target: PathBuf,
}

impl Partial {
    /// Begins the folder `target`, which must be missing or empty.
    pub(super) fn new(target: &Path) -> Result<Self, AppError> {
        match target.read_dir().map(|mut entries| entries.next().is_some()) {
            Ok(false) => {}
            Ok(true) => {
                let message = format!("{} is not empty", target.display());
                return Err(AppError::new(ErrorCode::Conflict, message).hint("Name a folder that is not there yet."));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(target, &error)),
        }
        let mut name = target.file_name().map(ToOwned::to_owned).unwrap_or_default();
        name.push(format!(".partial-{}", std::process::id()));
        let path = target.with_file_name(name);
        // Left by a process of the same number that was killed.
        let _ = std::fs::remove_dir_all(&path);
        create_folder(&path)?;
        Ok(Self { path, target: target.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the folder its name.
    pub(super) fn finish(self) -> Result<(), AppError> {
        sync_folder(&self.path);
        // An empty one that is there makes room; one that was filled meanwhile does not.
        let _ = std::fs::remove_dir(&self.target);
        std::fs::rename(&self.path, &self.target).map_err(|error| failed(&self.target, &error))?;
        sync_folder(self.target.parent().unwrap_or(Path::new(".")));
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Nothing is there once it has its name.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A failure of the file system.
pub(super) fn failed(path: &Path, error: &io::Error) -> AppError {
    AppError::new(ErrorCode::Internal, format!("{}: {error}", path.display()))
}

/// Whether to go on.
pub(super) fn check(progress: &dyn Progress) -> Result<(), AppError> {
    if progress.cancelled() {
        return Err(AppError::new(ErrorCode::Cancelled, "stopped"));
    }
    Ok(())
}

/// Makes a folder, and those above it, for their owner alone.
pub(super) fn create_folder(path: &Path) -> Result<(), AppError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| failed(path, &error))
}

/// Makes an empty file for its owner alone.
pub(super) fn create(path: &Path) -> Result<File, AppError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| failed(path, &error))
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> Result<(), AppError> {
    std::fs::remove_file(path).map_err(|error| failed(path, &error))
}

/// Makes the names in a folder last through a loss of power, where folders can be synced.
pub(super) fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(path) {
        let _ = folder.sync_all();
    }
}

/// Copies a file, for its owner alone, onto the disk; returns the length and the hash of what was written.
pub(super) fn copy(from: &Path, to: &Path, progress: &dyn Progress) -> Result<(u64, String), AppError> {
    let mut target = create(to)?;
    let read = read(from, progress, &mut |part| target.write_all(part).map_err(|error| failed(to, &error)))?;
    target.sync_all().map_err(|error| failed(to, &error))?;
    Ok(read)
}

/// The length and the hash of a file, after it has reached the disk.
pub(super) fn hash(path: &Path, progress: &dyn Progress) -> Result<(u64, String), AppError> {
    // Where it may be written, it may also be synced; a backup that is only read may lie on a disk that takes no writing.
    if let Ok(file) = OpenOptions::new().write(true).open(path) {
        let _ = file.sync_all();
    }
    read(path, progress, &mut |_| Ok(()))
}

fn read(
    path: &Path,
    progress: &dyn Progress,
    take: &mut dyn FnMut(&[u8]) -> Result<(), AppError>,
) -> Result<(u64, String), AppError> {
    let mut file = File::open(path).map_err(|error| failed(path, &error))?;
    let (mut length, mut digest, mut part) = (0, Sha256::new(), vec![0; PART]);
    loop {
        check(progress)?;
        let read = file.read(&mut part).map_err(|error| failed(path, &error))?;
        if read == 0 {
            break;
        }
        take(&part[..read])?;
        digest.update(&part[..read]);
        length += read as u64;
        progress.advance(read as u64);
    }
    Ok((length, digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Whether a file of a backup is what was saved.
pub(super) fn verify(saved: &SavedFile, found: &(u64, String)) -> Result<(), AppError> {
    if (saved.bytes, &saved.sha256) == (found.0, &found.1) {
        return Ok(());
    }
    let detail = if saved.bytes == found.0 {
        "its content has changed".to_owned()
    } else {
        format!("it has {} bytes, and had {}", found.0, saved.bytes)
    };
    Err(damaged(&saved.path, &detail))
}

/// A backup that cannot be used.
pub(super) fn damaged(what: &str, detail: &str) -> AppError {
    AppError::new(ErrorCode::StoreUnusable, format!("{what} of the backup is damaged: {detail}"))
        .hint("Nothing was changed. Use another backup.")
}
