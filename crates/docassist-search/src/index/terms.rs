//! A term and its count as a line of text.

use std::fmt::Write as _;

use crate::lexical::TermEntry;

/// Adds a line. Terms have neither tabs nor line ends: they are made of letters, digits and joints.
pub(super) fn write(lines: &mut String, entry: &TermEntry) {
    // Writing to a string does not fail.
    let _written = writeln!(lines, "{}\t{}\t{}", entry.passages, entry.term, entry.surface);
}

/// The entry of a line; `None` where it is none.
pub(super) fn read(line: &str) -> Option<TermEntry> {
    let (count, words) = line.split_once('\t')?;
    let (term, surface) = words.split_once('\t')?;
    Some(TermEntry { term: term.into(), surface: surface.into(), passages: count.parse().ok()? })
}
