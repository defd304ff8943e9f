//! A document as Markdown for pull requests and chats.
//!
//! What others wrote is shown, never obeyed: markup is escaped, and people and issues that a text names are not notified
//! or linked.

use std::fmt::Write as _;

use super::clean::clean;
use super::columns::clean_rows;
use super::document::{Column, Document, Folding, Section, Table};
use super::figures::number;
use super::width;

/// A cell is cut here: a table with pages of text in its cells is none.
const LONGEST_CELL: usize = 120;
/// Tables with more rows are folded: a comment should fit a screen.
const OPEN_ROWS: usize = 5;
/// Between a sign and what it would refer to.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// Lays a document out as Markdown.
pub(crate) fn render(document: &Document) -> String {
    let mut out = format!("### {}\n", escape(&document.title));
    if !document.conditions.is_empty() {
        let _ = write!(out, "\n*{}*\n", escape(&document.conditions.join(", ")));
    }
    for block in &document.sections {
        section(&mut out, block);
    }
    if !document.notes.is_empty() {
        out.push('\n');
    }
    for note in &document.notes {
        let _ = writeln!(out, "> Note: {}  ", escape(note));
    }
    if !document.next.is_empty() {
        out.push('\n');
    }
    for next in &document.next {
        let _ = writeln!(out, "- {}: {}", escape(&next.purpose), code(&next.command));
    }
    out
}

fn section(out: &mut String, section: &Section) {
    let rows = section.table.as_ref().map_or(0, |table| table.rows.len());
    let folded = match (&section.heading, section.folding) {
        // Without a heading there is nothing to click on.
        (None, _) | (_, Folding::Never) => None,
        (Some(heading), Folding::Always) => Some(heading),
        (Some(heading), Folding::IfLong) => Some(heading).filter(|_| rows > OPEN_ROWS),
    };
    match (folded, &section.heading) {
        (Some(heading), _) => {
            let _ = write!(out, "\n<details><summary>{}</summary>\n", escape_html(heading));
        }
        (None, Some(heading)) => {
            let _ = write!(out, "\n#### {}\n", escape(heading));
        }
        (None, None) => {}
    }
    if !section.lines.is_empty() || !section.facts.is_empty() {
        out.push('\n');
    }
    for line in &section.lines {
        let _ = writeln!(out, "{}  ", escape_line(line));
    }
    for (name, value) in &section.facts {
        let _ = writeln!(out, "- {}: {}", escape(name), escape(value));
    }
    if let Some(shown) = section.table.as_ref().filter(|_| rows > 0) {
        out.push('\n');
        table(out, shown);
    }
    if let Some((rest, command)) = &section.more {
        let _ = write!(out, "\n… {} more: {}\n", number(*rest), code(command));
    }
    if folded.is_some() {
        out.push_str("\n</details>\n");
    }
}

fn table(out: &mut String, table: &Table) {
    let rows = clean_rows(table);
    let used = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
    let columns: Vec<(usize, &Column)> = table.columns.iter().enumerate().filter(|(at, _)| used(*at)).collect();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(columns.iter().map(|(_, column)| column.header.to_owned()).collect()));
    let rule = |column: &Column| if column.right { "--:".to_owned() } else { "---".to_owned() };
    out.push_str(&line(columns.iter().map(|(_, column)| rule(column)).collect()));
    for row in &rows {
        let cell = |at: usize, column: &Column| {
            let text = row.get(at).map_or("", String::as_str);
            let text = width::cut(text, LONGEST_CELL, column.keep_end);
            // A pipe ends a cell even inside code.
            if column.code { code(&text).replace('|', "\\|") } else { escape(&text) }
        };
        out.push_str(&line(columns.iter().map(|(at, column)| cell(*at, column)).collect()));
    }
}

/// Text that shows itself: no markup, no mention (`@team`), no reference to an issue (`#12`).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let text = clean(text);
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // An address (`ann@example.org`) is no mention.
            '@' if !before.is_alphanumeric() => {
                escaped.push(c);
                escaped.push(ZERO_WIDTH_SPACE);
            }
            '#' | '!' if characters.peek().is_some_and(char::is_ascii_digit) => {
                escaped.push(c);
                escaped.push(ZERO_WIDTH_SPACE);
            }
            // `GH-12` is a reference to an issue as well.
            '-' if escaped.ends_with("GH") && characters.peek().is_some_and(char::is_ascii_digit) => {
                escaped.push(c);
                escaped.push(ZERO_WIDTH_SPACE);
            }
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

/// The same at the beginning of a line, where more is markup: headings, lists, rules.
fn escape_line(text: &str) -> String {
    let escaped = escape(text.trim_start());
    if escaped.starts_with(['#', '-', '+', '=']) {
        return format!("\\{escaped}");
    }
    let digits = escaped.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && escaped[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &escaped[..digits], &escaped[digits..]);
    }
    escaped
}

/// Text inside of an HTML element, where backslashes would be seen.
fn escape_html(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "@\u{200b}")
}

/// Text in a code span, whatever backticks are in it.
fn code(text: &str) -> String {
    let text = clean(text);
    if text.is_empty() {
        return text;
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() {
        return format!("{fence} {text} {fence}");
    }
    format!("{fence}{text}{fence}")
}

#[cfg(test)]
mod tests {
    use super::super::document::{name, right, text};
    use super::*;

    #[test]
    fn markup_mentions_and_references_are_shown_not_obeyed() {
        assert_eq!(escape("*a* `b` <img> [x](y) a|b"), "\\*a\\* \\`b\\` &lt;img&gt; \\[x\\](y) a\\|b");
        assert_eq!(escape("cc @all, ann@example.org"), "cc @\u{200b}all, ann@example.org");
        assert_eq!(escape("Fix #12 and GH-3"), "Fix #\u{200b}12 and GH-\u{200b}3");
        assert_eq!(escape_line("# no heading"), "\\# no heading");
        assert_eq!(escape_line("1. no list"), "1\\. no list");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
    }

    #[test]
    fn long_tables_are_folded() {
        let rows = |n: usize| (0..n).map(|i| vec![format!("A|{i}"), "t".to_owned(), i.to_string()]);
        let columns = [name("key"), text("title", 5), right("n")];
        let mut document = Document { title: "Gaps".to_owned(), ..Document::default() };
        document.add(Section::new("Short").table(&columns, rows(1)));
        document.add(Section::new("Long").table(&columns, rows(6)).more(9, || "docassist x".to_owned()));
        let text = render(&document);
        assert!(
            text.contains("#### Short\n\n| key | title | n |\n| --- | --- | --: |\n| `A\\|0` | t | 0 |\n"),
            "{text}"
        );
        assert!(text.contains("<details><summary>Long</summary>\n\n| key |"), "{text}");
        assert!(text.ends_with("… 3 more: `docassist x`\n\n</details>\n"), "{text}");
    }
}
