//! The files beside the engine's: who has it open, what it is, and the corpus's counts.

use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::noted::Noted;
use crate::index::{DenseSpace, IndexError, Result, terms};
use crate::lexical::{Statistics, dimension};

/// Raised when stored vectors or payloads change their meaning: terms, dimensions, weights. Other formats are built anew.
pub(super) const FORMAT: u32 = 3;

/// What an index is, as of its last commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) format: u32,
    /// The store's sequence number.
    pub(super) sequence: Option<u64>,
    /// Why it was built anew and is not complete yet.
    pub(super) reason: Option<String>,
    /// The average length that sparse vectors are weighed with.
    pub(super) weighed_with: Option<f32>,
    pub(super) dense: Option<DenseSpace>,
    pub(super) passages: u64,
    pub(super) total_length: u64,
    /// Documents that were noted.
    pub(super) documents: u64,
}

impl State {
    pub(super) const fn empty(dense: Option<DenseSpace>, reason: Option<String>) -> Self {
        Self {
            format: FORMAT,
            sequence: None,
            reason,
            weighed_with: None,
            dense,
            passages: 0,
            total_length: 0,
            documents: 0,
        }
    }
}

/// An organisation's folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Held as long as the index is open; the system lets go of it whatever ends the process.
    lock: File,
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing the file is not enough: a program that is just being started has a copy of it for a moment.
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the search index could not be unlocked");
        }
    }
}

/// Processes that can have an organisation's index open at a time, each its own: a service beside a few commands.
const SLOTS: usize = 8;

fn slot(organisation: &Path, number: usize) -> PathBuf {
    organisation.join(format!("search-{number}"))
}

impl Folder {
    /// The first folder of an organisation's that no process has open.
    pub(super) fn first_free(organisation: &Path) -> Result<Self> {
        for number in 0..SLOTS {
            if let Some(folder) = Self::open(slot(organisation, number))? {
                return Ok(folder);
            }
        }
        Err(IndexError::InUse)
    }

    /// Removes those of an organisation's folders that no process has open.
    pub(super) fn remove_free(organisation: &Path) -> Result<()> {
        for number in 0..SLOTS {
            let root = slot(organisation, number);
            if root.exists()
                && let Some(folder) = Self::open(root)?
            {
                fs::remove_dir_all(&folder.root)?;
            }
        }
        Ok(())
    }

    /// A folder; `None` where another process has it open.
    fn open(root: PathBuf) -> Result<Option<Self>> {
        loop {
            fs::create_dir_all(&root)?;
            let path = root.join("lock");
            let lock = match File::options().create(true).truncate(false).write(true).open(&path) {
                Ok(lock) => lock,
                // The folder was removed since.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            match lock.try_lock() {
                Ok(()) if is_at(&lock, &path)? => return Ok(Some(Self { root, lock })),
                // Whoever had it removed the folder, and this lock with it.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }

    /// Its own path.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The engine's folder.
    pub(super) fn engine(&self) -> PathBuf {
        self.root.join("shard")
    }

    fn marker(&self) -> PathBuf {
        self.root.join("writing")
    }

    /// Says on disk that what follows is not whole until [`Folder::written`].
    pub(super) fn writing(&self) -> Result<()> {
        File::create(self.marker())?.sync_all()?;
        self.sync()
    }

    pub(super) fn is_writing(&self) -> bool {
        self.marker().exists()
    }

    /// Says that everything is whole.
    pub(super) fn written(&self) -> Result<()> {
        match fs::remove_file(self.marker()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        self.sync()
    }

    fn sync(&self) -> Result<()> {
        // Only Unix can make the entries of a folder durable by opening it.
        #[cfg(unix)]
        File::open(&self.root)?.sync_all()?;
        Ok(())
    }

    /// The state, `None` where there is none that can be read.
    pub(super) fn state(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(self.root.join("state.json")).ok()?).ok()
    }

    pub(super) fn write_state(&self, state: &State) -> Result<()> {
        let json = serde_json::to_vec(state).map_err(|error| IndexError::Engine(error.to_string()))?;
        self.replace("state.json", |file| file.write_all(&json))
    }

    /// The counts, `None` where they cannot be read.
    pub(super) fn statistics(&self, state: &State) -> Option<Statistics> {
        let mut statistics = Statistics::new(state.passages, state.total_length);
        for line in BufReader::new(File::open(self.root.join("terms.tsv")).ok()?).lines() {
            let entry = terms::read(&line.ok()?)?;
            statistics.restore(dimension(&entry.term), entry);
        }
        Some(statistics)
    }

    pub(super) fn write_statistics(&self, statistics: &Statistics) -> Result<()> {
        self.replace("terms.tsv", |file| {
            let mut line = String::new();
            statistics.terms().try_for_each(|(_, entry)| {
                line.clear();
                terms::write(&mut line, entry);
                file.write_all(line.as_bytes())
            })
        })
    }

    /// The documents as of a state; `None` where their file cannot be read.
    pub(super) fn documents(&self, state: &State) -> Option<Noted> {
        match fs::read(self.root.join("documents")) {
            Ok(bytes) => Some(Noted::new(bytes, state.documents)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && state.documents == 0 => {
                Some(Noted::default())
            }
            Err(_) => None,
        }
    }

    pub(super) fn write_documents(&self, noted: &Noted) -> Result<()> {
        self.replace("documents", |file| file.write_all(noted.bytes()))
    }

    fn replace(&self, name: &str, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
        let new = self.root.join(format!("{name}.new"));
        let mut file = BufWriter::new(File::create(&new)?);
        write(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(new, self.root.join(name))?;
        Ok(())
    }

    /// Removes everything but the lock.
    pub(super) fn wipe(&self) -> Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name == "lock" || name == "writing") {
                continue;
            }
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        Ok(())
    }

    /// Removes the engine's log of operations that are durable otherwise. The engine never reads it again, and never shortens
    /// it: it would grow as large as all that was ever written.
    pub(super) fn shorten_log(&self) -> Result<()> {
        let mut closed: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(self.engine().join("wal"))? {
            let path = entry?.path();
            let number = path.file_name().and_then(|name| name.to_str()?.strip_prefix("closed-")?.parse().ok());
            closed.extend(number.map(|number: u64| (number, path)));
        }
        closed.sort_unstable();
        // The last one stays: new operations are numbered after it.
        closed.pop();
        closed.into_iter().try_for_each(|(_, path)| fs::remove_file(path))?;
        Ok(())
    }
}

/// Whether an open file is the one at a path still.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere a file that is open keeps its folder.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> Result<bool> {
    Ok(path.exists())
}
