//! One writer per organisation: a file that its writer holds locked.
//!
//! The operating system frees the lock with the process that holds it, however that ends. The file's content only
//! tells others who holds it; it is never trusted.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use docassist_model::{OrgSlug, Timestamp};
use serde::{Deserialize, Serialize};

use super::identity;
use crate::{Result, StoreError};

/// How often a waiting writer tries again: short for people, long for the machine.
const POLL: Duration = Duration::from_millis(50);
/// Longest description of a purpose, in bytes.
const MAX_PURPOSE: usize = 200;
/// Longest lock file that is read.
const MAX_FILE: u64 = 4096;

/// The file in an organisation's folder.
const NAME: &str = "writer.lock";

/// The lock, held until dropped.
#[derive(Debug)]
pub(super) struct WriterLock {
    file: File,
}

/// Who holds the lock.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    purpose: String,
    since: Timestamp,
}

impl WriterLock {
    /// Takes the lock of the organisation in `folder`, which is made where there is none, waiting at most `wait` and
    /// asking `cancel` between tries.
    pub(super) fn take(
        folder: &Path,
        org: &OrgSlug,
        purpose: &str,
        wait: Duration,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Self> {
        let path = &folder.join(NAME);
        let failed = |error| StoreError::io(path.display().to_string(), error);
        let started = Instant::now();
        let mut file = open(folder, path)?;
        loop {
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => break,
                // The organisation was removed by the one that held the lock: this is the lock of nothing any more.
                Ok(()) => {
                    file = open(folder, path)?;
                    continue;
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if cancel() {
                return Err(StoreError::Cancelled);
            }
            let left = wait.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(StoreError::Busy { org: org.to_string(), holder: describe(path) });
            }
            std::thread::sleep(left.min(POLL));
        }
        let mut lock = Self { file };
        lock.sign(purpose).map_err(failed)?;
        Ok(lock)
    }

    fn sign(&mut self, purpose: &str) -> std::io::Result<()> {
        let mut purpose: String = purpose.chars().filter(|c| !c.is_control()).collect();
        purpose.truncate(purpose.floor_char_boundary(MAX_PURPOSE));
        let holder = Holder { pid: std::process::id(), purpose, since: now() };
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&serde_json::to_vec(&holder)?)
    }
}

fn open(folder: &Path, path: &Path) -> Result<File> {
    std::fs::create_dir_all(folder).map_err(|error| StoreError::io(folder.display().to_string(), error))?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|error| StoreError::io(path.display().to_string(), error))
}

/// Whether the file is the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let file = file.metadata().ok().as_ref().and_then(identity::of);
    file.is_some() && file == identity::at(path)
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // So that nobody reads of a holder that is gone.
        let _ = self.file.set_len(0);
        // Closing the file would do, but for a program that this process starts at this moment, which has the file as well
        // until it runs.
        let _ = self.file.unlock();
    }
}

/// The clock is read here alone, to tell people since when somebody holds the lock; no record has this instant.
fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Who holds the lock at `path`, for people.
fn describe(path: &Path) -> String {
    let mut text = String::new();
    let holder = File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
        .ok()
        .and_then(|_| serde_json::from_str::<Holder>(&text).ok());
    let Some(holder) = holder else {
        return "another process".to_owned();
    };
    let since = holder.since.to_string();
    // The time of day says enough on the same day.
    let since = match since.split_once('T') {
        Some((day, time)) if day == now().date() => time.trim_end_matches('Z'),
        _ => since.trim_end_matches('Z'),
    };
    format!("process {} ({}) since {since} UTC", holder.pid, holder.purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(folder: &Path, wait: Duration, cancel: &dyn Fn() -> bool) -> Result<WriterLock> {
        WriterLock::take(folder, &"org".parse().unwrap(), "sync git kafka\n", wait, cancel)
    }

    #[test]
    fn a_second_writer_waits_then_names_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("org");
        let held = take(&path, Duration::ZERO, &|| false).unwrap();
        let started = Instant::now();
        let error = take(&path, Duration::from_millis(120), &|| false).unwrap_err().to_string();
        assert!(started.elapsed() >= Duration::from_millis(120));
        let start =
            format!("organisation `org` is being written by process {} (sync git kafka) since ", std::process::id());
        assert!(error.starts_with(&start) && error.ends_with(" UTC"), "{error}");
        assert!(matches!(take(&path, Duration::from_secs(60), &|| true), Err(StoreError::Cancelled)));
        drop(held);
        take(&path, Duration::ZERO, &|| false).unwrap();
    }

    #[test]
    fn a_waiting_writer_gets_the_lock_when_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("org");
        let held = take(&path, Duration::ZERO, &|| false).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| take(&path, Duration::from_secs(30), &|| false).unwrap());
            std::thread::sleep(Duration::from_millis(80));
            drop(held);
        });
    }

    #[test]
    fn the_lock_goes_although_a_child_has_its_file_for_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("org");
        let held = take(&path, Duration::ZERO, &|| false).unwrap();
        let inherited = held.file.try_clone().unwrap();
        drop(held);
        take(&path, Duration::ZERO, &|| false).unwrap();
        drop(inherited);
    }

    #[test]
    fn garbage_in_the_file_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, [0xff; 9000]).unwrap();
        assert_eq!(describe(&path), "another process");
        take(folder.path(), Duration::ZERO, &|| false).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn who_waits_for_what_was_removed_gets_the_lock_of_what_is_there() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, gone) = (parent.path().join("org"), parent.path().join("gone"));
        let held = take(&folder, Duration::ZERO, &|| false).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| take(&folder, Duration::from_secs(30), &|| false).unwrap());
            std::thread::sleep(Duration::from_millis(80));
            std::fs::rename(&folder, &gone).unwrap();
            drop(held);
            let lock = waiting.join().unwrap();
            assert!(is_at(&lock.file, &folder.join(NAME)));
            assert!(matches!(take(&folder, Duration::ZERO, &|| false), Err(StoreError::Busy { .. })));
        });
    }
}
