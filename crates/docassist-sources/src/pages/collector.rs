//! What the parsers of all formats hand their findings to.

use docassist_model::{Heading, Link, PathMention};
use rustc_hash::FxHashSet;

use super::{MAX_MENTIONS, file_reference};

/// A longer target is data in the shape of a link, such as an embedded picture.
const MAX_TARGET: usize = 2048;

/// The longest heading that is kept; a longer one is a paragraph that happens to stand above a line.
const MAX_HEADING: usize = 1000;

/// Gathers headings, links and mentions of files, with their lines.
pub(super) struct Collector<'a> {
    /// The whole text of the page.
    pub(super) text: &'a str,
    path: &'a str,
    /// Where each line begins.
    line_starts: Vec<usize>,
    headings: Vec<Heading>,
    links: Vec<Link>,
    paths: Vec<PathMention>,
    seen: FxHashSet<(u32, String)>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(path: &'a str, text: &'a str) -> Self {
        let line_starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self {
            text,
            path,
            line_starts,
            headings: Vec::new(),
            links: Vec::new(),
            paths: Vec::new(),
            seen: FxHashSet::default(),
        }
    }

    /// The page's path.
    pub(super) fn path(&self) -> &'a str {
        self.path
    }

    /// The line, from 1, on which the byte at `offset` stands.
    pub(super) fn line_at(&self, offset: usize) -> u32 {
        u32::try_from(self.line_starts.partition_point(|&start| start <= offset)).unwrap_or(u32::MAX)
    }

    pub(super) fn heading(&mut self, level: u8, text: &str, line: u32) {
        let mut text = collapse(text);
        text.truncate(text.floor_char_boundary(MAX_HEADING));
        if !text.is_empty() && self.headings.len() < MAX_MENTIONS {
            self.headings.push(Heading { level: level.clamp(1, 6), text, line });
        }
    }

    /// A link, and the file that it leads to.
    pub(super) fn link(&mut self, target: &str, line: u32) {
        let target = target.trim();
        if self.link_only(target, line)
            && let Some(path) = file_reference::of_link(self.path, target)
        {
            self.path_mention(path, line);
        }
    }

    /// A link whose file, if it leads to one, is told by the caller. False where it is no link out of the page.
    pub(super) fn link_only(&mut self, target: &str, line: u32) -> bool {
        if target.is_empty() || target.starts_with('#') || target.len() > MAX_TARGET || self.links.len() >= MAX_MENTIONS
        {
            return false;
        }
        self.links.push(Link { target: target.to_owned(), line });
        true
    }

    /// A file that a link or directive leads to, already resolved.
    pub(super) fn path_mention(&mut self, path: String, line: u32) {
        if self.paths.len() < MAX_MENTIONS && self.seen.insert((line, path.clone())) {
            self.paths.push(PathMention { path, line });
        }
    }

    /// Text that is marked as code.
    pub(super) fn code(&mut self, text: &str, line: u32) {
        let text = text.trim();
        if text.contains(char::is_whitespace) {
            // A command: its words count like those of running text.
            self.prose(text, line);
        } else if let Some(path) = file_reference::of_code(self.path, text) {
            self.path_mention(path, line);
        }
    }

    /// Running text of one line.
    pub(super) fn prose(&mut self, text: &str, line: u32) {
        for token in text.split_whitespace() {
            self.token(token, line);
        }
    }

    /// Running text that is a part of the page, of any number of lines.
    pub(super) fn prose_at(&mut self, from: usize, to: usize) {
        let mut at = from;
        for part in self.text[from..to].split_inclusive('\n') {
            let line = self.line_at(at);
            self.prose(part, line);
            at += part.len();
        }
    }

    fn token(&mut self, token: &str, line: u32) {
        if let Some(separator) = token.find("://") {
            let schema_at = ["https", "http"].iter().find_map(|scheme| token[..separator].strip_suffix(scheme));
            if let Some(before) = schema_at {
                let url = &token[before.len()..];
                let end = url.find(['<', '>', '"', '`', '|', '\\', '^']).unwrap_or(url.len());
                self.link(trim_url(&url[..end]), line);
            }
        } else if let Some(path) = file_reference::of_prose(self.path, token) {
            self.path_mention(path, line);
        }
    }

    /// Everything found, by line.
    pub(super) fn finish(mut self) -> (Vec<Heading>, Vec<Link>, Vec<PathMention>) {
        self.headings.sort_by_key(|heading| heading.line);
        self.links.sort_by_key(|link| link.line);
        self.paths.sort_by_key(|mention| mention.line);
        (self.headings, self.links, self.paths)
    }
}

/// A URL in running text without the punctuation of the sentence around it.
fn trim_url(url: &str) -> &str {
    let mut url = url;
    // Counted once: a long tail of brackets is cut in one pass.
    let mut surplus =
        url.bytes().filter(|&b| b == b')').count().saturating_sub(url.bytes().filter(|&b| b == b'(').count());
    loop {
        match url.as_bytes().last() {
            Some(b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b']' | b'}' | b'*' | b'_' | b'[') => {}
            Some(b')') if surplus > 0 => surplus -= 1,
            _ => return url,
        }
        url = &url[..url.len() - 1];
    }
}

/// `text` with each run of white space as one blank.
pub(super) fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len().min(MAX_HEADING + 16));
    for word in text.split_whitespace() {
        if collapsed.len() > MAX_HEADING {
            break;
        }
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed
}
