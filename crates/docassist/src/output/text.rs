//! A document as text for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::clean::clean;
use super::columns::{GAP, Layout, clean_rows};
use super::document::{Document, Section, Table};
use super::figures::number;
use super::{streams, width};

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
/// Before a suggested command.
const NEXT: &str = "next: ";
const PLAIN: &str = "\u{1b}[0m";

/// Lays a document out for the terminal that stdout is.
pub(crate) fn render(document: &Document) -> String {
    Writer { out: String::new(), most: width::terminal(), colour: streams::stdout_takes_colour() }.document(document)
}

struct Writer {
    out: String,
    most: usize,
    colour: bool,
}

impl Writer {
    fn document(mut self, document: &Document) -> String {
        self.styled(BOLD, &document.title);
        if !document.conditions.is_empty() {
            self.styled(DIM, &document.conditions.join(", "));
        }
        for section in &document.sections {
            self.out.push('\n');
            self.section(section);
        }
        if !document.notes.is_empty() {
            self.out.push('\n');
        }
        for note in &document.notes {
            self.labelled("note: ", note);
        }
        if !document.next.is_empty() {
            self.out.push('\n');
        }
        let longest = document.next.iter().map(|next| width::of(&next.command)).max().unwrap_or(0);
        let purpose = document.next.iter().map(|next| width::of(&next.purpose)).max().unwrap_or(0);
        // Commands are never broken: somebody copies them. What follows `#` is a comment to the shell as well.
        let beside = NEXT.len() + longest + GAP + 2 + purpose <= self.most;
        for next in &document.next {
            let comment = self.style(DIM, &format!("# {}", next.purpose));
            let padding = " ".repeat(longest - width::of(&next.command) + GAP);
            let _ = if beside {
                writeln!(self.out, "{NEXT}{}{padding}{comment}", next.command)
            } else {
                writeln!(self.out, "{NEXT}{}\n{}{comment}", next.command, " ".repeat(NEXT.len()))
            };
        }
        self.out
    }

    fn section(&mut self, section: &Section) {
        if let Some(heading) = &section.heading {
            self.styled(BOLD, heading);
        }
        for line in &section.lines {
            self.labelled("", line);
        }
        let label = section.facts.iter().map(|(name, _)| width::of(name)).max().unwrap_or(0);
        for (name, value) in &section.facts {
            let padding = " ".repeat(label.saturating_sub(width::of(name)) + GAP);
            self.labelled(&format!("{name}{padding}"), value);
        }
        if let Some(table) = section.table.as_ref().filter(|table| !table.rows.is_empty()) {
            if !section.facts.is_empty() || !section.lines.is_empty() {
                self.out.push('\n');
            }
            self.table(table);
        }
        if let Some((rest, command)) = &section.more {
            let line = format!("… {} more: {command}", number(*rest));
            let line = self.style(DIM, &line);
            let _ = writeln!(self.out, "{line}");
        }
    }

    fn table(&mut self, table: &Table) {
        let rows = clean_rows(table);
        let layout = Layout::new(&table.columns, &rows, self.most);
        let header: Vec<String> = table.columns.iter().map(|column| column.header.to_uppercase()).collect();
        let header = row(table, &layout, &header);
        let header = self.style(DIM, &header);
        let _ = writeln!(self.out, "{header}");
        for cells in &rows {
            let line = row(table, &layout, cells);
            let _ = writeln!(self.out, "{line}");
        }
    }

    /// A label and a text that goes on below its own beginning.
    fn labelled(&mut self, label: &str, text: &str) {
        let indent = width::of(label);
        let lines = width::wrap(&clean(text), self.most.saturating_sub(indent).max(20));
        for (at, line) in lines.iter().enumerate() {
            if at == 0 {
                let label = self.style(DIM, label);
                let _ = writeln!(self.out, "{label}{line}");
            } else {
                let _ = writeln!(self.out, "{}{line}", " ".repeat(indent));
            }
        }
    }

    fn styled(&mut self, style: &str, text: &str) {
        for line in width::wrap(&clean(text), self.most) {
            let line = self.style(style, &line);
            let _ = writeln!(self.out, "{line}");
        }
    }

    fn style(&self, style: &str, text: &str) -> String {
        if self.colour && !text.trim().is_empty() { format!("{style}{text}{PLAIN}") } else { text.to_owned() }
    }
}

/// A row, on several lines where a cell is wrapped.
fn row(table: &Table, layout: &Layout, cells: &[String]) -> String {
    let parts: Vec<Vec<Cow<'_, str>>> = layout
        .0
        .iter()
        .map(|&(at, wide)| {
            let column = &table.columns[at];
            let cell = cells.get(at).map_or("", String::as_str);
            if !column.wrapped {
                return vec![width::cut(cell, wide, column.keep_end)];
            }
            let lines = width::wrap(cell, wide).into_iter();
            lines.map(|line| Cow::Owned(width::cut(&line, wide, false).into_owned())).collect()
        })
        .collect();
    let height = parts.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let lines: Vec<String> = (0..height)
        .map(|number| {
            let mut line = String::new();
            for (position, (&(at, wide), part)) in layout.0.iter().zip(&parts).enumerate() {
                let text = part.get(number).map_or("", |text| text);
                let padding = " ".repeat(wide.saturating_sub(width::of(text)));
                let gap = " ".repeat(if position > 0 { GAP } else { 0 });
                let (before, after) =
                    if table.columns[at].right { (padding, String::new()) } else { (String::new(), padding) };
                let _ = write!(line, "{gap}{before}{text}{after}");
            }
            line.trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::document::{name, reasons, right, text};
    use super::*;

    fn rendered(document: &Document, most: usize) -> String {
        Writer { out: String::new(), most, colour: false }.document(document)
    }

    #[test]
    fn tables_are_aligned_and_cut() {
        let rows = [("A-1", "A summary that is rather long", "7"), ("A-22", "日本語", "1,234")];
        let rows = rows.map(|(key, summary, n)| vec![key.to_owned(), summary.to_owned(), n.to_owned()]);
        let section = Section::new("Things").table(&[name("key"), text("summary", 5), right("files")], rows);
        let mut document = Document { title: "All".to_owned(), ..Document::default() };
        document.add(section.more(4, || "docassist things --limit 4".to_owned()));
        assert_eq!(
            rendered(&document, 30),
            "All\n\nThings\nKEY   SUMMARY            FILES\nA-1   A summary that i…      7\nA-22  日本語             1,234\n\
             … 2 more: docassist things --limit 4\n"
        );
    }

    #[test]
    fn evidence_is_wrapped() {
        let row = vec!["Ann".to_owned(), "wrote 3 commits; last here 2024-01-01".to_owned()];
        let section = Section::default().table(&[name("who"), reasons("why", 10)], [row]);
        let mut document = Document { title: "Who".to_owned(), ..Document::default() };
        document.add(section);
        assert_eq!(
            rendered(&document, 22),
            "Who\n\nWHO  WHY\nAnn  wrote 3 commits;\n     last here\n     2024-01-01\n"
        );
    }

    #[test]
    fn escapes_of_others_do_not_reach_the_terminal() {
        let evil = "\u{1b}[2J\u{202e}evil";
        let section = Section::new(evil).line(evil).fact("who", evil).table(&[text("x", 3)], [vec![evil.to_owned()]]);
        let mut document = Document { title: evil.to_owned(), notes: vec![evil.to_owned()], ..Document::default() };
        document.add(section);
        let text = rendered(&document, 80);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert_eq!(text.matches("evil").count(), 6);
    }
}
