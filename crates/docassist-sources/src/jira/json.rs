//! Tickets from the elements of a JSON export.

use std::io::Read;

use serde_json::Value;

use super::issue::{self, FieldNames};
use super::repair;
use super::splitter::{ELEMENT_CAP, Piece, Splitter};
use super::window::Position;
use super::{Item, Problem};

/// A `names` map beyond this is not one.
const MAX_NAMES_LEN: usize = 4 * 1024 * 1024;

/// Reads a JSON export.
#[derive(Debug)]
pub(super) struct Json<R> {
    splitter: Splitter<R>,
    names: FieldNames,
}

impl<R: Read> Json<R> {
    pub(super) fn new(input: R) -> Self {
        Self::with_cap(input, ELEMENT_CAP)
    }

    pub(super) fn with_cap(input: R, cap: usize) -> Self {
        Self { splitter: Splitter::new(input, cap), names: FieldNames::default() }
    }

    /// The next issue or problem.
    pub(super) fn next(&mut self) -> Option<Item> {
        loop {
            match self.splitter.next()? {
                Piece::Names(bytes) => {
                    if bytes.len() <= MAX_NAMES_LEN
                        && let Ok(names) = serde_json::from_slice::<Value>(bytes)
                    {
                        self.names = issue::field_names(&names);
                    }
                }
                Piece::Element { at, index, bytes } => return Some(element(at, index, bytes, &self.names)),
                Piece::Bad { at, index, key, reason } => return Some(problem(at, index, key, reason, true)),
            }
        }
    }
}

fn problem(at: Position, index: u64, key: Option<String>, reason: String, damage: bool) -> Item {
    Item::Problem(Problem { line: at.line, offset: at.offset, index, key, reason, damage })
}

fn element(at: Position, index: u64, bytes: &[u8], names: &FieldNames) -> Item {
    let parsed = if repair::has_nul(bytes) {
        serde_json::from_str(&repair::repair(bytes))
    } else {
        // The second reading costs nothing on a good export, and tells on a bad one whether only its text is broken.
        serde_json::from_slice(bytes).or_else(|error| serde_json::from_str(&repair::repair(bytes)).map_err(|_| error))
    };
    match parsed.map(|value: Value| issue::ticket(value, names)) {
        Ok(Ok(ticket)) => Item::Ticket(Box::new(ticket)),
        Ok(Err(refusal)) => problem(at, index, refusal.key, refusal.reason, false),
        Err(error) => problem(at, index, key_in(bytes), format!("damaged JSON: {}", describe(&error, bytes)), true),
    }
}

/// The error without serde_json's place, which is within the element; how far into it instead.
fn describe(error: &serde_json::Error, bytes: &[u8]) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let lines_before = error.line().saturating_sub(1);
    let line_start = match lines_before.checked_sub(1) {
        Some(nth) => memchr::memchr_iter(b'\n', bytes).nth(nth).map_or(0, |at| at + 1),
        None => 0,
    };
    format!("{message}, {} bytes into it", line_start + error.column())
}

/// The key of an element that is no JSON: the first thing in it that looks like one.
fn key_in(bytes: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(bytes, b"\"key\"")?;
    let rest = bytes[at + 5..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\n', rest.get(..80).unwrap_or(rest))?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    text.parse::<docassist_model::TicketKey>().ok().map(String::from)
}
