//! Pages of documentation: [`parse`] turns the bytes of one into its headings, links, and mentions of tickets and files.
//!
//! The parsers are pure and take anything: bytes that are no UTF-8, markup that is broken, files of any size. None of
//! them fails, because a page that is odd in one place still says something in the others.

use docassist_model::{Page, PageFormat, TicketMention, Timestamp, file_kind, reference};
use rustc_hash::FxHashSet;

mod asciidoc;
mod collector;
pub(crate) mod file_reference;
pub(crate) mod front_matter;
mod html;
mod markdown;
mod plain;
mod restructured_text;

use collector::Collector;

/// How much of a page is read. Pages that people write stay far below; what is longer is a log or a dump under a page's
/// name, and reading on would cost more than it tells.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How many mentions of each sort one page yields; the rest of such a page is a list made by a program.
const MAX_MENTIONS: usize = 100_000;

/// The markup of the file at `path`, or `None` where the file is no page.
///
/// Whether a page should be read at all, or is generated or vendored, is for [`file_kind::classify`] to tell.
#[must_use]
pub fn format_of(path: &str) -> Option<PageFormat> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension),
        _ => (name, ""),
    };
    match extension.to_ascii_lowercase().as_str() {
        "md" | "markdown" | "mdx" => Some(PageFormat::Markdown),
        "rst" => Some(PageFormat::ReStructuredText),
        "adoc" | "asciidoc" | "asc" => Some(PageFormat::AsciiDoc),
        "" | "txt" | "text" => {
            // The text of a licence says nothing about the project.
            let is_legal =
                ["license", "licence", "copying", "notice", "patents", "unlicense", "copyright", "disclaimer"]
                    .iter()
                    .any(|word| stem.to_ascii_lowercase().starts_with(word));
            let is_named_document = file_kind::classify_path(name) == docassist_model::FileKind::Documentation;
            let is_text_of_a_tool = matches!(
                file_kind::classify_path(name),
                docassist_model::FileKind::Dependency | docassist_model::FileKind::Configuration
            );
            let is_below_docs = !extension.is_empty()
                && !is_text_of_a_tool
                && path[..path.len() - name.len()].split('/').any(|folder| {
                    ["docs", "doc", "documentation"].iter().any(|docs| folder.eq_ignore_ascii_case(docs))
                });
            (!is_legal && (is_named_document || is_below_docs)).then_some(PageFormat::Plain)
        }
        _ => None,
    }
}

/// Reads a page. `path` decides the markup (plain text where [`format_of`] knows none) and is what relative links are
/// resolved against.
///
/// ```
/// let page = docassist_sources::pages::parse("docs/guide.md", b"# Guide\n\nSee [main](../src/main.rs).", None);
/// assert_eq!(page.title, "Guide");
/// assert_eq!(page.paths[0].path, "src/main.rs");
/// assert_eq!(page.paths[0].line, 3);
/// ```
#[must_use]
pub fn parse(path: &str, bytes: &[u8], modified: Option<Timestamp>) -> Page {
    let text = decode(bytes);
    let format = format_of(path).unwrap_or(PageFormat::Plain);
    let mut collector = Collector::new(path, &text);
    let mut title = None;
    let body = match format {
        PageFormat::Markdown | PageFormat::AsciiDoc => front_matter::read(&text).map_or(0, |front| {
            title = front.value("title").map(str::to_owned);
            front.end
        }),
        PageFormat::ReStructuredText | PageFormat::Plain => 0,
    };
    match format {
        PageFormat::Markdown => markdown::scan(&mut collector, body),
        PageFormat::ReStructuredText => restructured_text::scan(&mut collector),
        PageFormat::AsciiDoc => asciidoc::scan(&mut collector, body),
        PageFormat::Plain => plain::scan(&mut collector),
    }
    let tickets = tickets(&text);
    let (headings, links, paths) = collector.finish();
    let title = title
        .filter(|title| !title.is_empty())
        .or_else(|| headings.first().map(|heading| heading.text.clone()))
        .unwrap_or_else(|| path.rsplit('/').next().unwrap_or(path).to_owned());
    Page { path: path.to_owned(), title, format, headings, links, tickets, paths, text, modified }
}

/// The text of a file, up to the limit.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut end = bytes.len().min(MAX_PAGE_BYTES);
    if end < bytes.len() {
        // Cuts no character in two.
        while end > MAX_PAGE_BYTES - 4 && bytes[end] & 0b1100_0000 == 0b1000_0000 {
            end -= 1;
        }
    }
    let mut text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    // Neither terminals nor every database take a NUL.
    if text.contains('\0') {
        text = text.replace('\0', "\u{fffd}");
    }
    // A replaced byte takes three.
    if text.len() > MAX_PAGE_BYTES {
        text.truncate(text.floor_char_boundary(MAX_PAGE_BYTES));
    }
    text
}

fn tickets(text: &str) -> Vec<TicketMention> {
    let mut mentions = Vec::new();
    let mut on_line = FxHashSet::default();
    for (line, content) in (1..).zip(text.split('\n')) {
        on_line.clear();
        for key in reference::candidates(content) {
            if mentions.len() == MAX_MENTIONS {
                return mentions;
            }
            if on_line.insert(key.clone()) {
                mentions.push(TicketMention { key, line });
            }
        }
    }
    mentions
}

#[cfg(test)]
mod tests;
