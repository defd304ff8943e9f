//! The first pass over wiki markup: tells code from text, and finds the macros that hold blocks.

/// A part of the markup.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// Markup to be converted; may begin and end within a line.
    Text(&'a str),
    /// Code as it is.
    Verbatim { language: &'a str, title: &'a str, body: &'a str },
    /// `{quote}`: begins or ends a quote.
    Quote,
    /// `{panel}` or `{panel:title=…}`: begins or ends a panel.
    Panel { title: &'a str },
}

/// Longer tags are text; the longest that editors write, a panel's, stay below.
const MAX_TAG: usize = 400;

/// Splits `text` into parts.
pub(super) fn split(text: &str) -> Vec<Segment<'_>> {
    let mut splitter =
        Splitter { text, from: 0, segments: Vec::new(), missing: [false; 3], mono_end: Some(0), line_end: 0 };
    splitter.run();
    splitter.segments
}

struct Splitter<'a> {
    text: &'a str,
    /// Text from here on is not yet in a segment.
    from: usize,
    segments: Vec<Segment<'a>>,
    /// Whether no end of `code`, `noformat` and a fence is left.
    missing: [bool; 3],
    /// The first `}}` at or after where one was last looked for; `None` when none is left.
    mono_end: Option<usize>,
    /// The first line break at or after where one was last looked for.
    line_end: usize,
}

impl<'a> Splitter<'a> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(found) = memchr::memchr2(b'{', b'`', &bytes[at..]) {
            let start = at + found;
            at = if bytes[start] == b'`' {
                self.fence(start)
            } else if start > 0 && bytes[start - 1] == b'\\' {
                start + 1
            } else if bytes.get(start + 1) == Some(&b'{') {
                self.mono(start)
            } else {
                self.tag(start)
            };
        }
        self.text_until(self.text.len(), self.text.len());
    }

    /// Ends the text before `end` and goes on after `next`.
    fn text_until(&mut self, end: usize, next: usize) {
        if self.from < end {
            self.segments.push(Segment::Text(&self.text[self.from..end]));
        }
        self.from = next;
    }

    /// Passes `{{mono}}`, in which tags are text.
    fn mono(&mut self, start: usize) -> usize {
        if let Some(known) = self.mono_end
            && known < start + 2
        {
            self.mono_end = self.text[start + 2..].find("}}").map(|at| at + start + 2);
        }
        if self.line_end < start {
            let rest = &self.text.as_bytes()[start..];
            self.line_end = memchr::memchr(b'\n', rest).map_or(self.text.len(), |at| at + start);
        }
        match self.mono_end {
            Some(end) if end < self.line_end => end + 2,
            _ => start + 2,
        }
    }

    /// A fence of Markdown, which people write in Jira by habit.
    fn fence(&mut self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let run = bytes[start..].iter().take_while(|&&byte| byte == b'`').count();
        let after = start + run;
        let indent = bytes[self.from..start].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let line = start - indent;
        let begins_line = line == self.from || bytes[line - 1] == b'\n';
        if run < 3 || !begins_line || self.missing[2] {
            return after;
        }
        let Some(first) = memchr::memchr(b'\n', &bytes[after..]).map(|at| after + at) else { return after };
        let info = self.text[after..first].trim();
        if info.contains('`') {
            return after;
        }
        let Some(end) = memchr::memmem::find(&bytes[first..], b"\n```").map(|at| first + at) else {
            self.missing[2] = true;
            return after;
        };
        let rest = bytes[end + 1..].iter().take_while(|&&byte| byte == b'`').count();
        self.text_until(line, end + 1 + rest);
        let body = self.text.get(first + 1..end).unwrap_or_default();
        self.segments.push(Segment::Verbatim { language: info, title: "", body });
        self.from
    }

    /// A `{tag}` or `{tag:parameters}`.
    fn tag(&mut self, start: usize) -> usize {
        let after_brace = start + 1;
        let limit = (after_brace + MAX_TAG).min(self.text.len());
        let window = &self.text.as_bytes()[after_brace..limit];
        let Some(length) = memchr::memchr3(b'}', b'\n', b'{', window).filter(|&at| window[at] == b'}') else {
            return after_brace;
        };
        let inside = &self.text[after_brace..after_brace + length];
        let end = after_brace + length + 1;
        let (name, parameters) = inside.split_once(':').unwrap_or((inside, ""));
        let verbatim = ["code", "noformat"].iter().position(|verbatim| name.eq_ignore_ascii_case(verbatim));
        if let Some(which) = verbatim {
            return self.verbatim(start, end, which, parameters);
        }
        if name.eq_ignore_ascii_case("quote") {
            self.text_until(start, end);
            self.segments.push(Segment::Quote);
        } else if name.eq_ignore_ascii_case("panel") {
            self.text_until(start, end);
            self.segments.push(Segment::Panel { title: parameter(parameters, "title") });
        }
        end
    }

    fn verbatim(&mut self, start: usize, body_start: usize, which: usize, parameters: &'a str) -> usize {
        let (tag, is_code) = if which == 0 { ("{code}", true) } else { ("{noformat}", false) };
        let closing = if self.missing[which] { None } else { find_tag(self.text, body_start, tag) };
        self.missing[which] = closing.is_none();
        // Without its end, the rest is code: most likely the text was cut, and code is left as it is.
        let body_end = closing.unwrap_or(self.text.len());
        let next = closing.map_or(body_end, |end| end + tag.len());
        self.text_until(start, next);
        let language = if is_code { language(parameters) } else { "" };
        let body = trim_blank_ends(&self.text[body_start..body_end]);
        let title = parameter(parameters, "title");
        self.segments.push(Segment::Verbatim { language, title, body });
        next
    }
}

/// Finds `tag` in any case.
fn find_tag(text: &str, from: usize, tag: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'{', &bytes[from..])
        .map(|at| from + at)
        .find(|&at| bytes.get(at..at + tag.len()).is_some_and(|found| found.eq_ignore_ascii_case(tag.as_bytes())))
}

/// The language of `{code:java|title=x}`, `{code:title=x|java}` or `{code:lang=java}`.
fn language(parameters: &str) -> &str {
    let named = ["lang", "language"].map(|name| parameter(parameters, name));
    let language = named
        .into_iter()
        .find(|value| !value.is_empty())
        .or_else(|| parameters.split('|').find(|part| !part.contains('=')))
        .unwrap_or_default()
        .trim();
    if ["none", "text", "plain"].iter().any(|none| language.eq_ignore_ascii_case(none)) { "" } else { language }
}

fn parameter<'a>(parameters: &'a str, name: &str) -> &'a str {
    parameters
        .split('|')
        .filter_map(|part| part.split_once('='))
        .find(|(found, _)| found.trim().eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value.trim())
}

/// Without blank lines around; the first line's indentation stays.
fn trim_blank_ends(body: &str) -> &str {
    let body = body.trim_end();
    let indent = body.len() - body.trim_start().len();
    match body[..indent].rfind('\n') {
        Some(line_break) => &body[line_break + 1..],
        None => body,
    }
}
