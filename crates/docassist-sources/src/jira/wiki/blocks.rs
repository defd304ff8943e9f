//! The second pass over wiki markup: headings, lists, tables, quotes and paragraphs, line by line.

use super::inline;
use super::segments::{Segment, split};
use crate::jira::markdown::Writer;

/// Deeper lists are written at this depth.
const MAX_LIST_DEPTH: usize = 12;

/// Converts text with unified line breaks.
pub(super) fn convert(text: &str) -> String {
    let segments = split(text);
    let mut blocks = Blocks::default();
    // A tag without its partner would quote the rest of the text; the last of an odd number is left out.
    let count = |of: fn(&Segment<'_>) -> bool| segments.iter().filter(|segment| of(segment)).count();
    let mut quotes = count(|segment| matches!(segment, Segment::Quote)) & !1;
    let mut panels = count(|segment| matches!(segment, Segment::Panel { .. })) & !1;
    let mut after_macro = false;
    for segment in &segments {
        let begins_line = std::mem::replace(&mut after_macro, !matches!(segment, Segment::Text(_)));
        match segment {
            Segment::Text(text) => blocks.text(text, begins_line),
            Segment::Verbatim { language, title, body } => blocks.verbatim(language, title, body),
            Segment::Quote if quotes > 0 => {
                quotes -= 1;
                let opens = quotes % 2 == 1;
                blocks.quote(opens, "");
            }
            Segment::Panel { title } if panels > 0 => {
                panels -= 1;
                let opens = panels % 2 == 1;
                blocks.quote(opens, title);
            }
            Segment::Quote | Segment::Panel { .. } => {}
        }
    }
    blocks.writer.finish()
}

/// What the line before was, which decides where blank lines go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Before {
    #[default]
    Nothing,
    Paragraph,
    List,
    Table,
}

#[derive(Debug, Default)]
struct Blocks {
    writer: Writer,
    before: Before,
    /// The open list items: their marker in wiki markup and their number.
    items: Vec<(u8, u32)>,
}

impl Blocks {
    /// Text up to the next macro. The line breaks beside a macro belong to it.
    fn text(&mut self, text: &str, after_macro: bool) {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = if after_macro {
            let rest = text.trim_start_matches([' ', '\t']);
            if rest.is_empty() {
                return;
            }
            rest.strip_prefix('\n').unwrap_or(rest)
        } else {
            text
        };
        for line in text.split('\n') {
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            self.end_block();
        } else if let Some((level, title)) = heading(trimmed) {
            self.end_block();
            self.writer.lines(&format!("{} {}", &"######"[..level], one_line(title)));
            self.writer.gap();
        } else if let Some(quoted) = trimmed.strip_prefix("bq. ") {
            self.end_block();
            self.writer.open_quote();
            self.writer.lines(&converted(quoted));
            self.writer.close();
            self.writer.gap();
        } else if trimmed.len() >= 4 && trimmed.bytes().all(|byte| byte == b'-') {
            self.end_block();
            self.writer.lines("---");
            self.writer.gap();
        } else if let Some((markers, content)) = list_item(trimmed, !self.items.is_empty()) {
            self.item(markers, content);
        } else if trimmed.len() > 1 && trimmed.starts_with('|') && trimmed[1..].contains('|') {
            self.row(trimmed);
        } else {
            if self.before == Before::Table {
                self.end_block();
            }
            // Within a list item this goes on with the item, and with the paragraph otherwise.
            let indent = if self.before == Before::Nothing && self.items.is_empty() { line_indent(line) } else { "" };
            self.writer.lines(&format!("{indent}{}", converted(trimmed)));
            if self.items.is_empty() {
                self.before = Before::Paragraph;
            }
        }
    }

    /// Ends what is open, up to the quotes.
    fn end_block(&mut self) {
        for _ in self.items.drain(..) {
            self.writer.close();
        }
        self.before = Before::Nothing;
        self.writer.gap();
    }

    fn item(&mut self, markers: &str, content: &str) {
        if self.before != Before::List {
            self.end_block();
        }
        self.before = Before::List;
        // A level that was left out would make its items code in Markdown, by their indentation.
        let depth = markers.len().min(self.items.len() + 1).min(MAX_LIST_DEPTH);
        let marker = markers.as_bytes().last().copied().unwrap_or(b'*');
        let number = match self.items.get(depth - 1) {
            Some(&(same, number)) if same == marker => number.saturating_add(1),
            _ => 1,
        };
        while self.items.len() >= depth {
            self.items.pop();
            self.writer.close();
        }
        self.items.push((marker, number));
        match marker {
            // The writer indents by what a marker is long; past 99 the numbers stay.
            b'#' => self.writer.open_item(&format!("{}. ", number.min(99))),
            _ => self.writer.open_item("- "),
        }
        self.writer.lines(&converted(content));
    }

    fn row(&mut self, line: &str) {
        let is_header = line.starts_with("||");
        let cells = cells(line);
        let mut row = String::from("|");
        for cell in &cells {
            row.push(' ');
            row.push_str(&one_line(cell).replace('|', "\\|"));
            row.push_str(" |");
        }
        if self.before != Before::Table {
            self.end_block();
            self.before = Before::Table;
            // Markdown has no table without a header.
            if !is_header {
                self.writer.lines(&format!("|{}", "  |".repeat(cells.len())));
            }
            let rule = format!("|{}", " --- |".repeat(cells.len()));
            if is_header {
                self.writer.lines(&row);
                self.writer.lines(&rule);
                return;
            }
            self.writer.lines(&rule);
        }
        self.writer.lines(&row);
    }

    fn verbatim(&mut self, language: &str, title: &str, body: &str) {
        // Within a list item it belongs to the item.
        if self.items.is_empty() {
            self.end_block();
        } else {
            self.writer.gap();
        }
        if !title.is_empty() {
            self.writer.lines(&format!("**{}**", title.replace(['*', '\n'], " ").trim()));
            self.writer.gap();
        }
        self.writer.fence(language, body);
        self.writer.gap();
    }

    fn quote(&mut self, opens: bool, title: &str) {
        self.end_block();
        if opens {
            self.writer.open_quote();
            if !title.is_empty() {
                self.writer.lines(&format!("**{}**", title.replace('*', " ").trim()));
                self.writer.gap();
            }
        } else if self.writer.level() > 0 {
            self.writer.close();
            self.writer.gap();
        }
    }
}

fn converted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    inline::convert(text, &mut out);
    out
}

/// Converted, with line breaks as HTML, for where Markdown takes one line.
fn one_line(text: &str) -> String {
    converted(text).replace("\\\n", "<br>").replace('\n', " ")
}

/// White space before a line, at most three columns: with four Markdown would take the line for code.
fn line_indent(line: &str) -> &str {
    let spaces = line.bytes().take_while(|&byte| byte == b' ').count();
    &line[..spaces.min(3)]
}

/// `h2. Title`.
fn heading(line: &str) -> Option<(usize, &str)> {
    let rest = line.strip_prefix('h')?;
    let level = rest.bytes().next().filter(|digit| (b'1'..=b'6').contains(digit))?;
    let title = rest[1..].strip_prefix('.')?.trim();
    (!title.is_empty()).then_some((usize::from(level - b'0'), title))
}

/// `**# text`: the markers and the text. Several dashes are an item only in a list; elsewhere they are a dash.
fn list_item(line: &str, in_list: bool) -> Option<(&str, &str)> {
    let length = line.bytes().take_while(|byte| matches!(byte, b'*' | b'#' | b'-')).count();
    let (markers, rest) = line.split_at(length);
    let is_dash = length > 1 && markers.bytes().all(|byte| byte == b'-');
    let content = rest.strip_prefix([' ', '\t'])?.trim();
    (length > 0 && !content.is_empty() && (!is_dash || in_list)).then_some((markers, content))
}

/// The cells of `|a|b|` or `||a||b||`. A bar within a link, an image or code does not divide.
fn cells(line: &str) -> Vec<&str> {
    let bytes = line.as_bytes();
    let mut cells = Vec::new();
    let mut at = line.len() - line.trim_start_matches('|').len();
    let mut start = at;
    // Where the next of these is, so that each is looked for once.
    let mut bracket_end = 0;
    let mut mono_end = 0;
    let next = |from: usize, what: &[u8], known: usize| {
        if known >= from {
            known
        } else {
            memchr::memmem::find(&bytes[from..], what).map_or(usize::MAX, |at| from + at)
        }
    };
    while at < bytes.len() {
        match bytes[at] {
            b'|' => {
                cells.push(line[start..at].trim());
                at += if bytes.get(at + 1) == Some(&b'|') { 2 } else { 1 };
                start = at;
                continue;
            }
            b'\\' => at += 1,
            b'[' => {
                bracket_end = next(at, b"]", bracket_end);
                if bracket_end != usize::MAX {
                    at = bracket_end;
                }
            }
            b'{' if bytes.get(at + 1) == Some(&b'{') => {
                mono_end = next(at, b"}}", mono_end);
                if mono_end != usize::MAX {
                    at = mono_end + 1;
                }
            }
            // `!picture.png|thumbnail!`; the name has no spaces, so the search is bounded by the word.
            b'!' => {
                let word = bytes[at + 1..].iter().position(|byte| matches!(byte, b' ' | b'!')).map(|end| at + 1 + end);
                if let Some(end) = word.filter(|&end| bytes[end] == b'!' && line[at..end].contains('.')) {
                    at = end;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if let Some(rest) = line.get(start..)
        && !rest.trim().is_empty()
    {
        cells.push(rest.trim());
    }
    cells
}
