//! HTML within other markup: links, pictures and headings.

use super::collector::Collector;

/// A longer tag is text after a lone `<`.
const MAX_TAG: usize = 4096;

/// Scans the HTML in the page between two offsets.
pub(super) fn scan(collector: &mut Collector<'_>, from: usize, to: usize) {
    let text = collector.text;
    let mut at = from;
    let mut heading: Option<(u8, usize)> = None;
    while let Some(open) = text[at..to].find('<').map(|offset| at + offset) {
        collector.prose_at(at, open);
        let rest = &text[open..to];
        if rest.starts_with("<!--") {
            match rest.find("-->") {
                Some(end) => at = open + end + 3,
                None => return,
            }
            continue;
        }
        let limit = rest.floor_char_boundary(MAX_TAG);
        let Some(close) = rest[..limit].find('>') else {
            at = open + 1;
            continue;
        };
        let tag = &rest[1..close];
        let name_end = tag.find(|c: char| !(c.is_ascii_alphanumeric() || c == '/')).unwrap_or(tag.len());
        let name = tag[..name_end].trim_end_matches('/').to_ascii_lowercase();
        at = open + close + 1;
        match name.as_bytes() {
            [b'h', level @ b'1'..=b'6'] => heading = Some((level - b'0', at)),
            [b'/', b'h', b'1'..=b'6'] => {
                if let Some((level, start)) = heading.take() {
                    let line = collector.line_at(start);
                    collector.heading(level, &without_tags(&text[start..open]), line);
                }
            }
            _ => {}
        }
        for target in ["href", "src"].iter().filter_map(|attribute| attribute_value(tag, attribute)) {
            let line = collector.line_at(open);
            collector.link(target, line);
        }
        // What is in these is no text for readers.
        if let "script" | "style" | "pre" = name.as_str() {
            match text[at..to].find("</") {
                Some(end) => at += end,
                None => return,
            }
        }
    }
    collector.prose_at(at, to);
}

/// The value of an attribute in quotes.
fn attribute_value<'t>(tag: &'t str, attribute: &str) -> Option<&'t str> {
    let mut from = 0;
    while let Some(at) = tag[from..].find(attribute).map(|offset| from + offset) {
        let rest = tag[at + attribute.len()..].trim_start();
        let is_whole = tag[..at].ends_with(|c: char| c.is_ascii_whitespace());
        if let (true, Some(value)) = (is_whole, rest.strip_prefix('=')) {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            return value[1..].split(quote).next();
        }
        from = at + attribute.len();
    }
    None
}

/// The text of some HTML.
pub(super) fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        match rest[open..].find('>') {
            Some(close) => rest = &rest[open + close + 1..],
            None => return text,
        }
    }
    text.push_str(rest);
    text
}
