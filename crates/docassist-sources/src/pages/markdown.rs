//! CommonMark and what forges add to it.

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeWithOffset};

use super::collector::Collector;
use super::{html, plain};

/// How deep quotes and lists may be nested on one line. The parser visits all open containers on every line, so that
/// markup nested a million deep would take hours; such a page is read as plain text.
const MAX_NESTING: usize = 100;

/// Scans the page from `body`, where its front matter ends.
pub(super) fn scan(collector: &mut Collector<'_>, body: usize) {
    let text = &collector.text[body..];
    if is_nested_too_deep(text) {
        plain::scan(collector);
        return;
    }
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    let events = TextMergeWithOffset::new(Parser::new_ext(text, options).into_offset_iter());
    let mut heading: Option<(u8, u32, String)> = None;
    let mut is_code = false;
    // For each open link, whether its target says more than its text.
    let mut links: Vec<bool> = Vec::new();
    for (event, range) in events {
        let line = collector.line_at(body + range.start);
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level as u8, line, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, line, text)) = heading.take() {
                    collector.heading(level, without_identifier(&text), line);
                }
            }
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Start(Tag::HtmlBlock) => html::scan(collector, body + range.start, body + range.end),
            Event::InlineHtml(_) => html::scan(collector, body + range.start, body + range.end),
            Event::Start(Tag::Link { link_type: LinkType::Email, .. }) => links.push(true),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                collector.link(&dest_url, line);
                links.push(!dest_url.starts_with('#'));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                links.pop();
            }
            Event::Text(text) if !is_code => {
                if let Some((_, _, heading)) = &mut heading {
                    heading.push_str(&text);
                }
                if links.last() != Some(&true) {
                    collector.prose(&text, line);
                }
            }
            Event::Code(text) => {
                if let Some((_, _, heading)) = &mut heading {
                    heading.push_str(&text);
                }
                if links.last() != Some(&true) {
                    collector.code(&text, line);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some((_, _, heading)) = &mut heading {
                    heading.push(' ');
                }
            }
            _ => {}
        }
    }
}

/// Whether a line opens more containers than any page does.
fn is_nested_too_deep(text: &str) -> bool {
    let mut depth = 0;
    for line in text.split('\n') {
        // Containers may also be opened one a line, each indented further.
        let markers = line
            .bytes()
            .take_while(|byte| matches!(byte, b'>' | b'-' | b'*' | b'+' | b' ' | b'\t' | b'.' | b')' | b'0'..=b'9'))
            .filter(|byte| matches!(byte, b'>' | b'-' | b'*' | b'+' | b'.' | b')'))
            .count();
        let is_ruler = {
            let mut marks = line.bytes().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
            marks.next().is_some_and(|first| matches!(first, b'-' | b'*') && marks.all(|mark| mark == first))
        };
        let is_single_mark = line.trim_end().bytes().all(|byte| !matches!(byte, b' ' | b'\t' | b'>'));
        if !is_single_mark && !is_ruler {
            depth = depth.max(markers);
        }
    }
    depth > MAX_NESTING
}

/// A heading without the `{#identifier}` that some renderers take from its end.
fn without_identifier(text: &str) -> &str {
    match text.trim_end().strip_suffix('}').and_then(|rest| rest.rsplit_once('{')) {
        Some((heading, identifier)) if identifier.starts_with('#') => heading,
        _ => text,
    }
}
