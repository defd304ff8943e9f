//! Text with marks. Marks stay open over the nodes that share them, because Markdown cannot put `**` beside `**`.

use docassist_model::Timestamp;
use serde_json::Value;

use super::{attribute, kind};
use crate::jira::markdown::{begins_html, inline_code, target};

/// A mark around text, in the order in which they are opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Link(String),
    Strong,
    Emphasis,
    Strike,
    Underline,
    Subscript,
    Superscript,
}

impl Mark {
    fn of(mark: &Value) -> Option<Self> {
        Some(match kind(mark) {
            "link" => Self::Link(attribute(mark, "href")),
            "strong" => Self::Strong,
            "em" => Self::Emphasis,
            "strike" => Self::Strike,
            "underline" => Self::Underline,
            "subsup" if attribute(mark, "type") == "sub" => Self::Subscript,
            "subsup" => Self::Superscript,
            _ => return None,
        })
    }

    const fn opening(&self) -> &'static str {
        match self {
            Self::Link(_) => "[",
            Self::Strong => "**",
            Self::Emphasis => "*",
            Self::Strike => "~~",
            Self::Underline => "<u>",
            Self::Subscript => "<sub>",
            Self::Superscript => "<sup>",
        }
    }

    fn close(&self, out: &mut String) {
        match self {
            Self::Link(url) => {
                out.push_str("](");
                target(url, out);
                out.push(')');
            }
            Self::Underline => out.push_str("</u>"),
            Self::Subscript => out.push_str("</sub>"),
            Self::Superscript => out.push_str("</sup>"),
            Self::Strong | Self::Emphasis | Self::Strike => out.push_str(self.opening()),
        }
    }
}

/// A paragraph's text in the making.
#[derive(Debug, Default)]
pub(super) struct Inline {
    out: String,
    open: Vec<Mark>,
    /// Line breaks that are written when something follows them.
    breaks: usize,
}

impl Inline {
    pub(super) fn finish(mut self) -> String {
        self.close_to(0);
        self.out
    }

    /// Text without marks.
    pub(super) fn plain(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.close_to(0);
        self.write_breaks();
        escape(text, &mut self.out);
    }

    /// A node that stands in a line.
    pub(super) fn node(&mut self, node: &Value) {
        match kind(node) {
            "text" => self.text(node),
            "hardBreak" => {
                self.close_to(0);
                self.breaks += usize::from(!self.out.is_empty());
            }
            "mention" => {
                let (text, id) = (attribute(node, "text"), attribute(node, "id"));
                let name = if text.is_empty() { id } else { text };
                self.plain(&format!("@{}", name.trim_start_matches('@')));
            }
            "emoji" => {
                let text = attribute(node, "text");
                self.plain(&if text.is_empty() { attribute(node, "shortName") } else { text });
            }
            "inlineCard" | "blockCard" | "embedCard" => self.card(node),
            "media" | "mediaInline" => self.media(node),
            "date" => {
                let milliseconds = attribute(node, "timestamp").parse::<i64>().ok();
                let date = milliseconds.map(|number| Timestamp::from_unix(number.div_euclid(1000)).date());
                self.plain(&date.unwrap_or_default());
            }
            _ => {
                let own = node.get("text").and_then(Value::as_str).unwrap_or_default();
                let text = if own.is_empty() { attribute(node, "text") } else { own.to_owned() };
                self.plain(&text);
            }
        }
    }

    fn text(&mut self, node: &Value) {
        let text = node.get("text").and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            return;
        }
        self.write_breaks();
        let marks = node.get("marks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_code = marks.iter().any(|mark| kind(mark) == "code");
        let mut marks: Vec<Mark> = marks.iter().filter_map(Mark::of).collect();
        marks.sort();
        marks.dedup_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b));

        let shared = self.open.iter().zip(&marks).take_while(|(open, mark)| open == mark).count();
        // White space alone needs no marks of its own.
        if text.trim().is_empty() {
            self.close_to(shared);
            self.out.push_str(text);
            return;
        }
        self.close_to(shared);
        let inner = if shared < marks.len() {
            // Marks begin at the text, not at the space before it.
            let inner = text.trim_start();
            self.out.push_str(&text[..text.len() - inner.len()]);
            inner
        } else {
            text
        };
        for mark in marks.into_iter().skip(shared) {
            self.out.push_str(mark.opening());
            self.open.push(mark);
        }
        if is_code {
            inline_code(inner, &mut self.out);
        } else {
            escape(inner, &mut self.out);
        }
    }

    /// Closes marks from the innermost until `count` are open; space at their end goes after them.
    fn close_to(&mut self, count: usize) {
        if self.open.len() <= count {
            return;
        }
        let end = self.out.trim_end().len();
        let space = self.out.split_off(end);
        for mark in self.open.drain(count..).rev() {
            mark.close(&mut self.out);
        }
        self.out.push_str(&space);
    }

    fn write_breaks(&mut self) {
        for _ in 0..std::mem::take(&mut self.breaks) {
            self.out.push_str("\\\n");
        }
    }

    fn card(&mut self, node: &Value) {
        self.close_to(0);
        self.write_breaks();
        let url = attribute(node, "url");
        let data = node.pointer("/attrs/data");
        let datum = |name: &str| data.and_then(|data| data.get(name)).and_then(Value::as_str).unwrap_or_default();
        let url = if url.is_empty() { datum("url") } else { &url };
        if url.is_empty() {
            escape(datum("name"), &mut self.out);
        } else if url.contains(|c: char| c.is_whitespace() || c == '<' || c == '>') {
            self.out.push('[');
            escape(url, &mut self.out);
            self.out.push_str("](");
            target(url, &mut self.out);
            self.out.push(')');
        } else {
            self.out.push('<');
            self.out.push_str(url);
            self.out.push('>');
        }
    }

    fn media(&mut self, node: &Value) {
        self.close_to(0);
        self.write_breaks();
        // A group's pictures follow each other.
        if self.out.ends_with(')') {
            self.out.push(' ');
        }
        let (alt, url) = (attribute(node, "alt"), attribute(node, "url"));
        let address = [url, alt.clone(), attribute(node, "id")].into_iter().find(|text| !text.is_empty());
        if let Some(address) = address {
            self.out.push_str("![");
            escape(&alt.replace(['[', ']', '\n'], " "), &mut self.out);
            self.out.push_str("](");
            target(&address, &mut self.out);
            self.out.push(')');
        }
    }
}

/// Plain text as Markdown. An underscore within a word stays as it is, and so do ticket keys.
fn escape(text: &str, out: &mut String) {
    let mut before = out.chars().next_back();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let next = rest.clone().next();
        let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let needs_escape = match c {
            '`' => true,
            // Between spaces it marks nothing.
            '*' => !(before.is_none_or(char::is_whitespace) && next.is_none_or(char::is_whitespace)),
            '\\' => next.is_some_and(|next| next.is_ascii_punctuation()),
            '_' => !in_word(before) && next.is_some_and(char::is_alphanumeric),
            '<' => begins_html(next),
            '(' => before == Some(']'),
            '~' => next == Some('~'),
            _ => false,
        };
        if needs_escape {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
}
