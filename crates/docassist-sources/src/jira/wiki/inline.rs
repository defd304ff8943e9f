//! The third pass over wiki markup: what stands within a line. One look at each byte; a mark is text until its partner
//! is found.

use std::borrow::Cow;

use crate::jira::markdown::{begins_html, inline_code, target};

/// The marks: in wiki markup, opening and closing in Markdown. Markdown has no words for the later ones, HTML has.
const MARKS: [(&str, &str, &str); 7] = [
    ("*", "**", "**"),
    ("_", "*", "*"),
    ("-", "~~", "~~"),
    ("+", "<ins>", "</ins>"),
    ("^", "<sup>", "</sup>"),
    ("~", "<sub>", "</sub>"),
    ("??", "<cite>", "</cite>"),
];

/// Schemes after which everything up to a space is an address.
const SCHEMES: [&str; 6] = ["http://", "https://", "ftp://", "file://", "mailto:", "git://"];

/// Names with these endings are pictures or recordings when they stand between exclamation marks.
const MEDIA: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "svg", "bmp", "webp", "tif", "tiff", "mp4", "mov", "webm", "avi", "pdf"];

/// Appends `text`, a line or cell, as Markdown.
pub(super) fn convert(text: &str, out: &mut String) {
    let mut inline = Inline { text, at: 0, from: 0, pieces: Vec::new(), open: [None; MARKS.len()], missing: 0 };
    inline.run();
    for piece in inline.pieces {
        out.push_str(&piece);
    }
}

struct Inline<'a> {
    text: &'a str,
    at: usize,
    /// Text from here to `at` is not yet a piece.
    from: usize,
    pieces: Vec<Cow<'a, str>>,
    /// The piece that may turn out to open each mark.
    open: [Option<usize>; MARKS.len()],
    /// A bit for each end that is known not to come any more.
    missing: u8,
}

const NO_MONO_END: u8 = 1;
const NO_TICK: u8 = 2;

impl<'a> Inline<'a> {
    fn run(&mut self) {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            let taken = match byte {
                b'\\' => self.escape(),
                b'{' => self.brace(),
                b'[' => self.link(),
                b'!' => self.image(),
                b'`' => self.ticks(),
                b'<' => self.angle(),
                b'*' | b'_' | b'-' | b'+' | b'^' | b'~' | b'?' => self.mark(byte),
                b'h' | b'f' | b'm' | b'g' => self.address(),
                _ => false,
            };
            if !taken {
                self.at += 1;
            }
        }
        self.flush(self.text.len());
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn before(&self) -> Option<char> {
        self.text.get(..self.at)?.chars().next_back()
    }

    /// Makes a piece of the text so far.
    fn flush(&mut self, end: usize) {
        if let Some(text) = self.text.get(self.from..end)
            && !text.is_empty()
        {
            self.pieces.push(Cow::Borrowed(text));
        }
        self.from = end;
    }

    /// Replaces the next `length` bytes.
    fn replace(&mut self, length: usize, with: impl Into<Cow<'a, str>>) -> bool {
        self.flush(self.at);
        self.pieces.push(with.into());
        self.at += length;
        self.from = self.at;
        true
    }

    /// `\\` is a line break, and `\*` a star.
    fn escape(&mut self) -> bool {
        let Some(next) = self.rest().chars().nth(1) else { return false };
        if next == '\\' {
            // `C:\\folder` is a path.
            if self.before() == Some(':') {
                self.at += 2;
                return true;
            }
            let spaces = self.rest()[2..].len() - self.rest()[2..].trim_start().len();
            return if self.rest().len() == 2 + spaces {
                self.replace(2, "")
            } else {
                self.replace(2 + spaces, "\\\n")
            };
        }
        if !next.is_ascii_punctuation() {
            return false;
        }
        let needs_escape = "*_[]<>#`~|\\".contains(next);
        let literal = if needs_escape { format!("\\{next}") } else { next.to_string() };
        self.replace(2, literal)
    }

    /// `{{mono}}`, `{color:red}`, `{anchor:x}`, and marks in braces such as `{*}`.
    fn brace(&mut self) -> bool {
        let rest = self.rest();
        if let Some(code) = rest.strip_prefix("{{") {
            if self.missing & NO_MONO_END != 0 {
                return false;
            }
            let Some(mut end) = code.find("}}").map(|at| at + 2) else {
                self.missing |= NO_MONO_END;
                return false;
            };
            // Braces within: the last of a run of them ends it.
            while rest.as_bytes().get(end + 2) == Some(&b'}') {
                end += 1;
            }
            let mut code = String::new();
            inline_code(&rest[2..end], &mut code);
            return self.replace(end + 2, code);
        }
        // A colour's name or a mark; longer tags are text.
        let Some(end) = rest.bytes().take(80).position(|byte| byte == b'}') else { return false };
        let inside = &rest[1..end];
        if let Some(mark) = MARKS.iter().position(|(wiki, ..)| *wiki == inside) {
            return if self.open[mark].is_some() {
                self.close(mark, end + 1)
            } else {
                self.flush(self.at);
                self.open(mark, end + 1)
            };
        }
        let name = inside.split(':').next().unwrap_or_default();
        let is_dropped = ["color", "anchor"].iter().any(|dropped| name.eq_ignore_ascii_case(dropped));
        is_dropped && self.replace(end + 1, "")
    }

    /// `[text|address]`, `[address]`, `[~user]`, `[^attachment]`, `[#anchor]`.
    fn link(&mut self) -> bool {
        let rest = self.rest();
        // A bracket within: this one is text, and what it holds is looked at next.
        let Some(end) = memchr::memchr2(b'[', b']', &rest.as_bytes()[1..]).map(|at| at + 1) else { return false };
        if rest.as_bytes()[end] == b'[' {
            return false;
        }
        let inside = &rest[1..end];
        let mut out = String::new();
        if let Some(user) = inside.strip_prefix('~').filter(|user| !user.is_empty() && !user.contains(' ')) {
            out.push('@');
            out.push_str(user.strip_prefix("accountid:").unwrap_or(user));
            return self.replace(end + 1, out);
        }
        // A third part is how the link looks.
        let mut parts = inside.splitn(3, '|');
        let first = parts.next().unwrap_or_default();
        let address = parts.next().unwrap_or(first).trim();
        let file = address.strip_prefix('^').filter(|name| !name.is_empty());
        if file.is_none() && !is_address(address) {
            return false;
        }
        let address = file.unwrap_or(address);
        let label = first.trim_start_matches(['^', '#']).trim();
        if label == address && address.contains(':') && !address.contains(['<', '>', ' ']) {
            out.push('<');
            out.push_str(address);
            out.push('>');
        } else {
            out.push('[');
            // No bracket is in it, so this goes one level deep.
            convert(if label.is_empty() { address } else { label }, &mut out);
            out.push_str("](");
            target(address, &mut out);
            out.push(')');
        }
        self.replace(end + 1, out)
    }

    /// `!picture.png|thumbnail!`.
    fn image(&mut self) -> bool {
        let rest = self.rest();
        let Some(end) = memchr::memchr(b'!', &rest.as_bytes()[1..]).map(|at| at + 1) else { return false };
        let name = rest[1..end].split('|').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_media = MEDIA.iter().any(|media| extension.eq_ignore_ascii_case(media));
        let is_remote = name.starts_with("http://") || name.starts_with("https://");
        if !(is_media || is_remote) || name.starts_with(char::is_whitespace) {
            return false;
        }
        let mut out = format!("![{}](", if is_remote { "" } else { name.trim_start_matches('^') });
        target(name.trim_start_matches('^'), &mut out);
        out.push(')');
        self.replace(end + 1, out)
    }

    /// Markdown's own code, which people write by habit.
    fn ticks(&mut self) -> bool {
        if self.missing & NO_TICK != 0 {
            return false;
        }
        match self.rest()[1..].find('`') {
            Some(length) => self.at += length + 2,
            None => {
                self.missing |= NO_TICK;
                return false;
            }
        }
        true
    }

    fn angle(&mut self) -> bool {
        begins_html(self.rest().chars().nth(1)) && self.replace(1, "\\<")
    }

    /// A bare address is left as it is, underscores and all.
    fn address(&mut self) -> bool {
        let rest = self.rest();
        if !SCHEMES.iter().any(|scheme| rest.starts_with(scheme)) || self.before().is_some_and(char::is_alphanumeric) {
            return false;
        }
        let end = rest.find(|c: char| c.is_whitespace() || "|[]<>{}\"\\`".contains(c)).unwrap_or(rest.len());
        // What ends a sentence or a mark is none of it.
        let length =
            rest[..end].trim_end_matches(['*', '_', '-', '+', '^', '~', '?', '!', '.', ',', ';', ':', ')', '\'']).len();
        self.at += length.max(1);
        true
    }

    /// A mark, a dash or a star.
    fn mark(&mut self, byte: u8) -> bool {
        let Some(mark) = MARKS.iter().position(|(wiki, ..)| wiki.as_bytes()[0] == byte) else { return false };
        let length = MARKS[mark].0.len();
        let rest = self.rest();
        let run = rest.bytes().take_while(|&same| same == byte).count();
        if run != length {
            self.at += run;
            return true;
        }
        let before = self.before();
        let after = rest[length..].chars().next();
        let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
        if self.open[mark].is_some() && !is_space(before) && !in_word(after) {
            return self.close(mark, length);
        }
        let may_follow = match byte {
            // A dash joins and divides far more often than it deletes.
            b'-' => before.is_none_or(|c| c.is_whitespace() || "([{\"'*_+>".contains(c)) && after != Some('>'),
            _ => !in_word(before),
        };
        if may_follow && !is_space(after) {
            self.flush(self.at);
            return self.open(mark, length);
        }
        false
    }

    fn open(&mut self, mark: usize, length: usize) -> bool {
        self.open[mark] = Some(self.pieces.len());
        let literal = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.replace(length, literal)
    }

    fn close(&mut self, mark: usize, length: usize) -> bool {
        let (_, opening, closing) = MARKS[mark];
        let Some(opened_at) = self.open[mark].take() else { return false };
        if let Some(piece) = self.pieces.get_mut(opened_at) {
            *piece = Cow::Borrowed(opening);
        }
        // Marks that were opened within and not closed are text.
        for other in &mut self.open {
            *other = other.filter(|&at| at < opened_at);
        }
        self.replace(length, closing)
    }
}

/// Whether a link's target reads like one; `[a|b]` in a text most often does not.
fn is_address(text: &str) -> bool {
    let begins =
        ["mailto:", "www.", "/", "#", "tel:"].iter().any(|start| text.len() > start.len() && text.starts_with(start));
    let is_word = !text.contains(char::is_whitespace);
    is_word && (begins || text.contains("://"))
}
