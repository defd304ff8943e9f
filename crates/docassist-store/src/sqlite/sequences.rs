//! Sequences that were read, with what the files looked like just before: asking again, while they look the same, opens
//! no database.
//!
//! What makes a commit visible to others is that the header of the log's index (`records.db-shm`) is written: it names
//! the last commit in the log by its place, a checksum over everything before it, and the log's random salt. As long as
//! it is the same, so are the records. (The log's own length and time would not do: a commit is written to the log, then
//! waits for the disk, and only then becomes visible, and no time moves at that moment.) Where nobody has the database
//! open there is no log, and what counts are the length and time of the database file.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use docassist_model::OrgSlug;
use rustc_hash::FxHashMap;

use super::database;

/// Organisations that are remembered: some ten megabytes. Beyond, all are forgotten and each is read once more.
const REMEMBERED: usize = 100_000;

/// Bytes of the header, of which the index has two copies, so that one that is being written is noticed
/// (<https://sqlite.org/walformat.html>).
const HEADER: usize = 48;

/// A file that was written so shortly before it was looked at may be written again without its time moving.
const FRESH: Duration = Duration::from_millis(100);
/// The same where the file system knows whole seconds, or every other one, only.
const FRESH_IN_SECONDS: Duration = Duration::from_millis(2_100);

/// What the files of a database looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    length: u64,
    modified: SystemTime,
    /// `None`: nobody has the database open.
    header: Option<[u8; HEADER]>,
}

impl Look {
    /// Looks at the files of the database at `path`; `None` where the look says nothing for certain.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let now = SystemTime::now();
        let [_, log, index] = database::files(path);
        // Before the file: should the log be moved into the file and go away in between, the file tells.
        let header = match File::open(index) {
            Ok(index) => Some(header(index)?),
            // A log without an index was left by a machine that stopped.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !log.exists() => None,
            Err(_) => return None,
        };
        let metadata = path.metadata().ok()?;
        let look = Self { length: metadata.len(), modified: metadata.modified().ok()?, header };
        look.is_settled(now).then_some(look)
    }

    /// Whether a change after `now` changes the look as well.
    fn is_settled(&self, now: SystemTime) -> bool {
        let whole_seconds = self.modified.duration_since(UNIX_EPOCH).is_ok_and(|since| since.subsec_nanos() == 0);
        let fresh = if whole_seconds { FRESH_IN_SECONDS } else { FRESH };
        // A time in the future is no earlier than any.
        now.duration_since(self.modified).is_ok_and(|age| age > fresh)
    }
}

/// The header of a log's index, unless it is being written.
fn header(mut index: File) -> Option<[u8; HEADER]> {
    let mut copies = [0; 2 * HEADER];
    index.read_exact(&mut copies).ok()?;
    let (first, second) = copies.split_at(HEADER);
    (first == second).then(|| first.try_into().ok()).flatten()
}

/// The sequences by organisation.
#[derive(Debug, Default)]
pub(super) struct Sequences(Mutex<FxHashMap<OrgSlug, (Look, u64)>>);

impl Sequences {
    /// The sequence, if it was read when the files looked like this.
    pub(super) fn get(&self, org: &OrgSlug, look: &Look) -> Option<u64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(org).filter(|(then, _)| then == look).map(|(_, sequence)| *sequence)
    }

    /// Remembers a sequence that was read after the look.
    pub(super) fn put(&self, org: &OrgSlug, look: Look, sequence: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED && !known.contains_key(org) {
            known.clear();
        }
        known.insert(org.clone(), (look, sequence));
    }

    /// Forgets the sequence of an organisation.
    pub(super) fn forget(&self, org: &OrgSlug) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(org);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(modified: SystemTime) -> Look {
        Look { length: 1, modified, header: None }
    }

    #[test]
    fn what_was_just_written_is_looked_at_again() {
        let written = UNIX_EPOCH + Duration::new(1_000, 5);
        for (age, settled) in [(0, false), (100, false), (101, true)] {
            assert_eq!(looked(written).is_settled(written + Duration::from_millis(age)), settled, "{age}");
        }
        assert!(!looked(written).is_settled(written - Duration::from_secs(9)));
        // Nothing below the second: it may be a file system that knows no more.
        let written = UNIX_EPOCH + Duration::from_secs(1_000);
        for (age, settled) in [(101, false), (2_000, false), (2_101, true)] {
            assert_eq!(looked(written).is_settled(written + Duration::from_millis(age)), settled, "{age}");
        }
    }

    #[test]
    fn a_look_that_says_nothing_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.db");
        let [_, log, index] = database::files(&path);
        assert_eq!(Look::at(&path), None);
        std::fs::write(&path, "x").unwrap();
        let past = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
        assert!(Look::at(&path).is_some_and(|look| look.header.is_none()));
        std::fs::write(&log, "").unwrap();
        assert_eq!(Look::at(&path), None);
        std::fs::write(&index, [7; 2 * HEADER - 1]).unwrap();
        assert_eq!(Look::at(&path), None);
        let mut halves = [7; 2 * HEADER];
        std::fs::write(&index, halves).unwrap();
        assert_eq!(Look::at(&path).and_then(|look| look.header), Some([7; HEADER]));
        halves[HEADER] = 8;
        std::fs::write(&index, halves).unwrap();
        assert_eq!(Look::at(&path), None);
    }

    #[test]
    fn the_memory_is_bounded() {
        let sequences = Sequences::default();
        let look = looked(UNIX_EPOCH);
        for number in 0..=REMEMBERED {
            sequences.put(&format!("org-{number}").parse().unwrap(), look, 1);
        }
        assert!(sequences.0.lock().unwrap().len() <= REMEMBERED);
        assert_eq!(sequences.get(&format!("org-{REMEMBERED}").parse().unwrap(), &look), Some(1));
    }
}
