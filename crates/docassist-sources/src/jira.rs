//! Jira issues from files: REST JSON (`{"issues": […]}`, an array, or one issue after another), and Jira's CSV export,
//! each plain or gzipped.
//!
//! Issues are read one at a time, so an export may be far larger than memory. What cannot be read is reported with its
//! place and passed over; nothing before or after it is lost, and no bytes make it panic.
//!
//! ```
//! use docassist_sources::jira::{Format, Item, TicketReader};
//!
//! let export = r#"{"key": "ALOY-1", "fields": {"created": "2012-05-16T07:56:13.000+0000"}}
//! {"key": "ALOY-2", "fields": {}}"#;
//! let items: Vec<Item> = TicketReader::new(export.as_bytes(), Format::Auto).collect();
//! let [Item::Ticket(ticket), Item::Problem(problem)] = &items[..] else { unreachable!() };
//! assert_eq!(ticket.key.as_str(), "ALOY-1");
//! assert_eq!(problem.to_string(), "line 2 (issue 2, byte 73): ALOY-2: no created date");
//! ```

pub mod adf;
mod custom;
mod date;
mod grammar;
mod input;
mod issue;
mod json;
mod markdown;
mod repair;
mod splitter;
mod table;
mod value;
pub mod wiki;
mod window;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use docassist_model::Ticket;

use self::input::{Input, Kind};
use self::json::Json;
use self::table::Table;

/// Why a file without a single byte gives no issue: it is an export of none, and not a damaged one.
pub const EMPTY: &str = "the file is empty";

/// Something that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line in the unpacked text on which it begins, from 1.
    pub line: u64,
    /// Bytes of unpacked text before it.
    pub offset: u64,
    /// How many issues, good and bad, came before it.
    pub index: u64,
    /// The issue's key, where it could be made out. Not always a valid one.
    pub key: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// Whether text is lost that may have been any issues; not so where a whole issue is only not taken, or a file is empty.
    pub damage: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} (issue {}, byte {}): ", self.line, self.index + 1, self.offset)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// What an export yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// An issue.
    Ticket(Box<Ticket>),
    /// Something that was passed over.
    Problem(Problem),
}

/// What an input is expected to hold. A gzipped input is always recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Told by its first bytes.
    #[default]
    Auto,
    /// JSON in any of its three forms.
    Json,
    /// Jira's CSV export, divided by commas, semicolons or tabs.
    Csv,
}

/// A file that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a directory.
    #[error("{} is a directory; name the export files in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// It is something else than an export.
    #[error("{} is {what}; {hint}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
}

/// Reads tickets, one at a time.
#[derive(Debug)]
pub struct TicketReader<R: Read> {
    body: Body<R>,
    bytes_read: Arc<AtomicU64>,
    length: Option<u64>,
}

#[derive(Debug)]
enum Body<R: Read> {
    Json(Box<Json<Input<R>>>),
    Csv(Box<Table<Input<R>>>),
    /// Nothing to read, and why.
    Nothing(Option<Problem>),
}

impl<R: Read> TicketReader<R> {
    /// Reads from `input`, whose first bytes are looked at here already. An input that is no export yields one
    /// [`Problem`] that says what it is.
    pub fn new(input: R, format: Format) -> Self {
        Self::prepare(input, format).0
    }

    fn prepare(input: R, format: Format) -> (Self, Kind) {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let (input, kind) = input::prepare(input, Arc::clone(&bytes_read), format);
        let nothing = |reason: String| {
            let damage = reason != EMPTY;
            Body::Nothing(Some(Problem { line: 1, offset: 0, index: 0, key: None, reason, damage }))
        };
        let body = match kind {
            Kind::Json => Body::Json(Box::new(Json::new(input))),
            Kind::Csv => Body::Csv(Box::new(Table::new(input))),
            Kind::Empty => nothing(EMPTY.to_owned()),
            Kind::Foreign(what, hint) => nothing(format!("this is {what}; {hint}")),
        };
        (Self { body, bytes_read, length: None }, kind)
    }

    /// Bytes of the input, packed where it is packed, that were read so far; to be watched while reading.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes_read)
    }

    /// Bytes of the input that were read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The input's length in the bytes that [`progress`](Self::progress) counts, where it is a file.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }
}

impl<R: Read> Iterator for TicketReader<R> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        match &mut self.body {
            Body::Json(json) => json.next(),
            Body::Csv(table) => table.next(),
            Body::Nothing(problem) => problem.take().map(Item::Problem),
        }
    }
}

/// Reads tickets from `input`.
pub fn read<R: Read>(input: R, format: Format) -> TicketReader<R> {
    TicketReader::new(input, format)
}

/// Opens an export; what it holds is told by its first bytes.
///
/// # Errors
/// When it cannot be opened, or is recognised as something that is not read.
pub fn open(path: &Path) -> Result<TicketReader<File>, Error> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(Error::Directory { path: path.to_owned() });
    }
    let (mut reader, kind) = TicketReader::prepare(file, Format::Auto);
    if let Kind::Foreign(what, hint) = kind {
        return Err(Error::Foreign { path: path.to_owned(), what, hint });
    }
    reader.length = metadata.is_file().then_some(metadata.len());
    Ok(reader)
}

/// What a failure to read on means for an export.
fn cut_short(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the compressed file was cut short; what follows is lost".to_owned(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("the compressed file is damaged from here on: {error}")
        }
        _ => format!("reading stopped: {error}"),
    }
}

#[cfg(test)]
mod tests;
