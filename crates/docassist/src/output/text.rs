//! A document as text for a terminal.

use std::fmt::Write as _;

use super::clean::clean;
use super::columns::{GAP, Layout, clean_rows};
use super::document::{Document, Section, Table};
use super::figures::number;
use super::{streams, width};

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
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
        for next in &document.next {
            // Commands are never broken: somebody copies them.
            let command = &next.command;
            let beside = 6 + longest + GAP + width::of(&next.purpose) <= self.most;
            let padding = if beside { " ".repeat(longest - width::of(command) + GAP) } else { "\n      ".to_owned() };
            let purpose = self.style(DIM, &format!("{padding}{}", next.purpose));
            let _ = writeln!(self.out, "next: {command}{purpose}");
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

fn row(table: &Table, layout: &Layout, cells: &[String]) -> String {
    let mut line = String::new();
    for (position, &(at, wide)) in layout.0.iter().enumerate() {
        let column = &table.columns[at];
        let cell = cells.get(at).map_or("", String::as_str);
        let cell = width::cut(cell, wide, column.keep_end);
        let padding = " ".repeat(wide.saturating_sub(width::of(&cell)));
        if position > 0 {
            line.push_str(&" ".repeat(GAP));
        }
        if column.right {
            line.push_str(&padding);
            line.push_str(&cell);
        } else {
            line.push_str(&cell);
            line.push_str(&padding);
        }
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::document::{name, right, text};
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
            "All\n\nThings\nKEY   SUMMARY            FILES\nA-1   A summary that is…      7\nA-22  日本語             1,234\n\
             … 2 more: docassist things --limit 4\n"
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
