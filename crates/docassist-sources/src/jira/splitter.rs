//! Finds the issues in a stream of JSON: one after another, in an array, or in a wrapper's `issues` array. Only the
//! element being looked at is held in memory.
//!
//! A damaged element costs itself and nothing more, as far as the text allows: reading goes on at the next line that
//! begins an object no further to the right than the damaged one did, or where its brackets are balanced again.

use std::io::Read;

use super::grammar::{Damage, End, Kept, Member, Scan, skip_space, string};
use super::window::{Position, Window};

/// The largest element that is held. Issues with thousands of comments reach a few MiB.
pub(super) const ELEMENT_CAP: usize = 64 * 1024 * 1024;

/// Wrappers in arrays in wrappers: no more than this, beyond it `issues` is a field like any other.
const MAX_CONTEXTS: usize = 16;

/// After this many stray texts in a row, the rest of them are one problem: it is no export, or something else is within.
const MAX_STRAY: u32 = 20;

/// What was found.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// An element that is JSON as far as brackets, strings and commas tell.
    Element { at: Position, index: u64, bytes: &'a [u8] },
    /// The `names` map of a wrapper: field ids and what people call them.
    Names(&'a [u8]),
    /// Something that had to be passed over.
    Bad { at: Position, index: u64, key: Option<String>, reason: String },
}

/// What the next byte lies in, apart from elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    /// An array of elements.
    Array,
    /// A wrapper object, before or after its `issues`.
    Wrapper,
}

/// An iterator, if iterators could lend.
#[derive(Debug)]
pub(super) struct Splitter<R> {
    window: Window<R>,
    scan: Scan,
    cap: usize,
    contexts: Vec<Context>,
    index: u64,
    stray: u32,
    done: bool,
}

/// A piece without its bytes; they are lent last.
enum Found {
    Element(Position),
    Names(Kept),
    Bad(Position, Option<String>, String),
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(reader: R, cap: usize) -> Self {
        Self {
            window: Window::new(reader),
            scan: Scan::default(),
            cap,
            contexts: Vec::new(),
            index: 0,
            stray: 0,
            done: false,
        }
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Piece<'_>> {
        if self.done {
            return None;
        }
        let found = loop {
            self.window.release();
            let Some(byte) = skip_space(&mut self.window) else {
                self.done = true;
                break self.ending()?;
            };
            let step = match self.contexts.last() {
                Some(Context::Wrapper) => self.in_wrapper(byte),
                context => {
                    let in_array = context.is_some();
                    self.between_elements(byte, in_array)
                }
            };
            if let Some(found) = step {
                break found;
            }
        };
        let index = self.index;
        Some(match found {
            Found::Element(at) => {
                self.index += 1;
                Piece::Element { at, index, bytes: self.window.kept() }
            }
            Found::Names(range) => Piece::Names(self.window.kept().get(range).unwrap_or_default()),
            Found::Bad(at, key, reason) => {
                self.index += 1;
                Piece::Bad { at, index, key, reason }
            }
        })
    }

    /// What is to be said at the end of the input: a failure, or brackets left open.
    fn ending(&mut self) -> Option<Found> {
        let reason = match (self.window.take_failure(), self.contexts.is_empty()) {
            (Some(error), _) => super::cut_short(&error),
            (None, false) => "the input ends before its list of issues does; it was cut short".to_owned(),
            (None, true) => return None,
        };
        Some(Found::Bad(self.window.position(), None, reason))
    }

    /// At the top or in an array of elements.
    fn between_elements(&mut self, byte: u8, in_array: bool) -> Option<Found> {
        match byte {
            // Commas between top-level objects are left of an array that was cut up.
            b',' => self.window.advance(1),
            b']' if in_array => {
                self.window.advance(1);
                self.contexts.pop();
            }
            b'[' if self.contexts.len() < MAX_CONTEXTS => {
                self.window.advance(1);
                self.contexts.push(Context::Array);
            }
            b'{' => return self.object(),
            // A byte order mark where files were joined, a record separator of JSON text sequences.
            0x1e if !in_array => self.window.advance(1),
            0xef if !in_array && self.window.ahead(3).starts_with(b"\xef\xbb\xbf") => self.window.advance(3),
            b'"' | b'-' | b'0'..=b'9' | b'a'..=b'z' if in_array => return self.no_object(),
            _ => return self.stray(in_array),
        }
        None
    }

    fn object(&mut self) -> Option<Found> {
        self.stray = 0;
        let at = self.window.hold();
        let may_wrap = self.contexts.len() + 1 < MAX_CONTEXTS;
        match self.scan.value(&mut self.window, self.cap, may_wrap) {
            Ok(End::Complete) if self.scan.oversize => {
                Some(Found::Bad(at, None, format!("larger than {} MiB", self.cap.div_ceil(1024 * 1024))))
            }
            Ok(End::Complete) => Some(Found::Element(at)),
            Ok(End::Issues) => {
                self.contexts.push(Context::Wrapper);
                self.contexts.push(Context::Array);
                let names = self.scan.names.take();
                // The bracket that was seen; the names before it are still kept.
                self.window.advance(1);
                names.map(Found::Names)
            }
            Err(damage) => Some(self.recover(at, damage)),
        }
    }

    /// Passes over a damaged element.
    fn recover(&mut self, at: Position, damage: Damage) -> Found {
        let kept = self.window.kept();
        let key = self.scan.key.clone().and_then(|range| serde_json::from_slice(kept.get(range)?).ok());
        let mut reason = format!("damaged JSON: {damage}");
        if self.scan.oversize {
            reason = format!("larger than {} MiB, and {reason}", self.cap.div_ceil(1024 * 1024));
        }
        if damage == Damage::Ended
            && let Some(error) = self.window.take_failure()
        {
            reason = format!("{reason} ({})", super::cut_short(&error));
        }
        if let Some(line) = self.later_line(at.column) {
            self.window.rewind(line);
        } else if damage == Damage::Ended {
            // That the list ends as well needs no saying.
            self.contexts.clear();
        } else if damage != Damage::StrayObject || !self.begins_alike() {
            self.window.release();
            self.pass_balanced(at.column);
        }
        Found::Bad(at, key, reason)
    }

    /// Where in what is kept a later line begins an object no further right than `column`.
    fn later_line(&mut self, column: u64) -> Option<usize> {
        // The byte that showed the damage may be that brace.
        let brace_next = self.window.peek() == Some(b'{');
        let kept = self.window.kept();
        memchr::memchr_iter(b'\n', kept).find_map(|line_break| {
            let line = &kept[line_break + 1..];
            let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let begins_object = line.get(indent).map_or(brace_next, |&byte| byte == b'{');
            (begins_object && indent as u64 <= column).then_some(line_break + 1 + indent)
        })
    }

    /// Whether the object that begins at the next byte is an element rather than a part of the damaged one: both are in
    /// an array written on one line, and begin with the same member, as all issues of an export do.
    fn begins_alike(&mut self) -> bool {
        let kept = self.window.kept();
        let quotes = memchr::memchr_iter(b'"', kept.get(..64).unwrap_or(kept)).nth(1);
        let Some(first_member) = quotes.and_then(|end| kept.get(..=end)).map(<[u8]>::to_vec) else { return false };
        self.contexts.last() == Some(&Context::Array)
            && memchr::memchr(b'\n', self.window.kept()).is_none()
            && self.window.ahead(first_member.len()).starts_with(&first_member)
    }

    /// Passes bytes until the brackets that were open are closed, or a line begins an object no further right than
    /// `column`.
    fn pass_balanced(&mut self, column: u64) {
        let mut depth = self.scan.depth() as u64;
        while let Some(byte) = self.window.peek() {
            match byte {
                // At a line break the string is over as far as this is concerned.
                b'"' => drop(string(&mut self.window, None)),
                b'\n' => {
                    self.window.advance(1);
                    let mut indent = 0;
                    while let Some(b' ' | b'\t') = self.window.peek() {
                        self.window.advance(1);
                        indent += 1;
                    }
                    if indent <= column && self.window.peek() == Some(b'{') {
                        return;
                    }
                }
                _ => {
                    self.window.advance(1);
                    match byte {
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    if depth == 0 {
                        return;
                    }
                }
            }
        }
    }

    /// An array's element that is a string, a number, a literal, or an array too deep.
    fn no_object(&mut self) -> Option<Found> {
        let at = self.window.position();
        let what = match self.window.peek() {
            Some(b'"') => "a string",
            Some(b'-' | b'0'..=b'9') => "a number",
            _ => "a bare word",
        };
        Some(match self.scan.value(&mut self.window, self.cap, false) {
            Ok(_) => Found::Bad(at, None, format!("{what} where an issue should be")),
            Err(damage) => Found::Bad(at, None, format!("{what} where an issue should be: {damage}")),
        })
    }

    /// Text that begins no element. At the top, all of its line; in an array, up to where an element may begin.
    fn stray(&mut self, in_array: bool) -> Option<Found> {
        let at = self.window.position();
        self.window.advance(usize::from(in_array));
        loop {
            let bytes = self.window.available();
            let stop = if in_array {
                bytes.iter().position(|byte| matches!(byte, b'{' | b'[' | b']' | b',' | b'\n'))
            } else {
                memchr::memchr(b'\n', bytes)
            };
            let count = stop.unwrap_or(bytes.len());
            self.window.advance(count);
            if stop.is_some() || count == 0 {
                break;
            }
        }
        let what = if in_array { "text between issues" } else { "a line that begins no JSON object" };
        self.stray = self.stray.saturating_add(1);
        match self.stray.cmp(&MAX_STRAY) {
            std::cmp::Ordering::Less => Some(Found::Bad(at, None, what.to_owned())),
            std::cmp::Ordering::Equal => {
                Some(Found::Bad(at, None, format!("{what}, and more of the kind up to the next issue")))
            }
            std::cmp::Ordering::Greater => None,
        }
    }

    /// In a wrapper, after its `issues`.
    fn in_wrapper(&mut self, byte: u8) -> Option<Found> {
        let damage = match byte {
            b',' => {
                self.window.advance(1);
                return None;
            }
            b'}' => {
                self.window.advance(1);
                self.contexts.pop();
                return None;
            }
            b'"' => match self.wrapper_member() {
                Ok(()) => return None,
                Err(damage) => damage,
            },
            other => Damage::Misplaced(other),
        };
        let at = self.window.position();
        self.contexts.clear();
        // No bracket counts here: on to the next line that begins an object.
        self.scan = Scan::default();
        let reason = format!("damaged JSON after a list of issues: {damage}");
        while let Some(byte) = self.window.peek() {
            if byte == b'\n' {
                self.window.advance(1);
                if self.window.peek() == Some(b'{') {
                    break;
                }
            } else {
                self.window.advance(1);
            }
        }
        Some(Found::Bad(at, None, reason))
    }

    fn wrapper_member(&mut self) -> Result<(), Damage> {
        let mut name = Vec::new();
        self.window.release();
        string(&mut self.window, Some(&mut name))?;
        match skip_space(&mut self.window) {
            Some(b':') => self.window.advance(1),
            Some(other) => return Err(Damage::Misplaced(other)),
            None => return Err(Damage::Ended),
        }
        if skip_space(&mut self.window) == Some(b'[') && Member::of(&name) == Member::Issues {
            self.window.advance(1);
            self.contexts.push(Context::Array);
            return Ok(());
        }
        self.scan.value(&mut self.window, self.cap, false).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
