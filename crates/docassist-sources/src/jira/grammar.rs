//! One JSON value, token by token: enough grammar to see where it ends and whether it is damaged, without reading it.

use std::io::Read;

use super::window::Window;

/// Deeper nesting is damage: serde_json refuses it too, and so going back to a later line stays linear in the input (a
/// byte lies within at most this many objects that could each be scanned again).
const MAX_DEPTH: usize = 128;

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// The input ends within it.
    Ended,
    /// A line break within a string, which JSON forbids: most often a line cut short.
    BrokenString,
    /// A byte that cannot stand where it stands.
    Misplaced(u8),
    /// An object begins where a member's name or a comma must be: most often a closing brace is missing before it.
    StrayObject,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Ended => f.write_str("the input ends inside it"),
            Self::BrokenString => f.write_str("a line ends inside a string"),
            Self::Misplaced(byte) => write!(f, "unexpected `{}`", byte.escape_ascii()),
            Self::StrayObject => f.write_str("a closing brace seems to be missing"),
            Self::TooDeep => write!(f, "nested more than {MAX_DEPTH} levels deep"),
        }
    }
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
}

/// The members at the first level of an object that matter to who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Issues,
    Names,
    Key,
    Other,
}

impl Member {
    /// The member that `quoted`, a string with its quotes, names.
    pub(super) fn of(quoted: &[u8]) -> Self {
        match quoted {
            b"\"issues\"" => Self::Issues,
            b"\"names\"" => Self::Names,
            b"\"key\"" => Self::Key,
            _ => Self::Other,
        }
    }
}

/// How a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After the value.
    Complete,
    /// Before the `[` of the first-level member `issues`.
    Issues,
}

/// A range of what the window keeps.
pub(super) type Kept = std::ops::Range<usize>;

/// Scans one value at a time.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The open brackets.
    open: Vec<u8>,
    /// The text of the member name last read, while it is short enough to matter.
    name: Vec<u8>,
    /// Where in what is kept the value of the first-level member `key` stands, with its quotes.
    pub(super) key: Option<Kept>,
    /// Where in what is kept the value of the first-level member `names` stands.
    pub(super) names: Option<Kept>,
    /// Whether more than `cap` bytes passed, so that they are kept no longer.
    pub(super) oversize: bool,
}

impl Scan {
    /// How many brackets are open; after damage, from where to look for the balanced end.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Scans the value that begins at the next byte. With `find_issues`, stops at the array that makes it a wrapper.
    pub(super) fn value<R: Read>(
        &mut self,
        window: &mut Window<R>,
        cap: usize,
        find_issues: bool,
    ) -> Result<End, Damage> {
        *self = Self { open: std::mem::take(&mut self.open), name: std::mem::take(&mut self.name), ..Self::default() };
        self.open.clear();
        let mut expect = Expect::Value;
        let mut member = Member::Other;
        let mut value_at = 0;
        loop {
            if window.kept().len() > cap {
                window.release();
                self.oversize = true;
                (self.key, self.names) = (None, None);
            }
            let byte = skip_space(window).ok_or(Damage::Ended)?;
            let first_level = self.open.len() == 1;
            if first_level && expect == Expect::Value {
                value_at = window.kept().len();
            }
            let takes_value = matches!(expect, Expect::Value | Expect::ValueOrEnd);
            let in_object = self.open.last() == Some(&b'{');
            match byte {
                b'[' if takes_value && first_level && in_object && find_issues && member == Member::Issues => {
                    return Ok(End::Issues);
                }
                b'{' | b'[' if takes_value => {
                    if self.open.len() == MAX_DEPTH {
                        return Err(Damage::TooDeep);
                    }
                    self.open.push(byte);
                    window.advance(1);
                    expect = if byte == b'{' { Expect::NameOrEnd } else { Expect::ValueOrEnd };
                    continue;
                }
                b'}' if in_object && matches!(expect, Expect::NameOrEnd | Expect::CommaOrEnd) => self.close(window),
                b']' if !in_object && matches!(expect, Expect::ValueOrEnd | Expect::CommaOrEnd) => {
                    self.close(window);
                }
                b',' if expect == Expect::CommaOrEnd => {
                    window.advance(1);
                    expect = if in_object { Expect::Name } else { Expect::Value };
                    continue;
                }
                b':' if expect == Expect::Colon => {
                    window.advance(1);
                    expect = Expect::Value;
                    continue;
                }
                b'"' if matches!(expect, Expect::Name | Expect::NameOrEnd) => {
                    self.name.clear();
                    string(window, Some(&mut self.name))?;
                    if first_level {
                        member = Member::of(&self.name);
                    }
                    expect = Expect::Colon;
                    continue;
                }
                b'"' if takes_value => string(window, None)?,
                b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' if takes_value => scalar(window),
                b'{' if in_object && expect != Expect::Colon => return Err(Damage::StrayObject),
                other => return Err(Damage::Misplaced(other)),
            }
            // A value is complete.
            if self.open.is_empty() {
                return Ok(End::Complete);
            }
            if self.open.len() == 1 && !self.oversize {
                let range = value_at..window.kept().len();
                match member {
                    Member::Key => self.key = Some(range),
                    Member::Names => self.names = Some(range),
                    Member::Issues | Member::Other => {}
                }
            }
            expect = Expect::CommaOrEnd;
        }
    }

    fn close<R: Read>(&mut self, window: &mut Window<R>) {
        self.open.pop();
        window.advance(1);
    }
}

/// Skips white space and gives the byte after it.
pub(super) fn skip_space<R: Read>(window: &mut Window<R>) -> Option<u8> {
    loop {
        let bytes = window.available();
        if bytes.is_empty() {
            return None;
        }
        let space = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        let next = bytes.get(space).copied();
        window.advance(space);
        if next.is_some() {
            return next;
        }
    }
}

/// Names longer than this are none that matter.
const NAME_LEN: usize = 16;

/// Passes a string whose opening quote is the next byte. Its first bytes are copied to `text`. At a line break, stops
/// before it.
pub(super) fn string<R: Read>(window: &mut Window<R>, mut text: Option<&mut Vec<u8>>) -> Result<(), Damage> {
    let mut copy = |bytes: &[u8]| {
        if let Some(text) = &mut text {
            text.extend_from_slice(&bytes[..bytes.len().min(NAME_LEN.saturating_sub(text.len()))]);
        }
    };
    copy(b"\"");
    window.advance(1);
    loop {
        let bytes = window.available();
        if bytes.is_empty() {
            return Err(Damage::Ended);
        }
        let Some(stop) = memchr::memchr3(b'"', b'\\', b'\n', bytes) else {
            copy(bytes);
            let count = bytes.len();
            window.advance(count);
            continue;
        };
        copy(&bytes[..=stop]);
        match bytes[stop] {
            b'"' => {
                window.advance(stop + 1);
                return Ok(());
            }
            b'\n' => {
                window.advance(stop);
                return Err(Damage::BrokenString);
            }
            _ => {
                window.advance(stop + 1);
                // The escaped byte, whatever it is; a line break stays to be seen.
                if window.peek().is_some_and(|byte| byte != b'\n') {
                    window.advance(1);
                }
            }
        }
    }
}

/// Passes a number or literal; whether it is one is serde_json's to say.
fn scalar<R: Read>(window: &mut Window<R>) {
    while let Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') = window.peek() {
        window.advance(1);
    }
}
