//! What an answer looks like to people, before anybody knows whether it becomes text or Markdown.

use docassist_model::findings::{Answer, Completeness, Counts};

use super::figures::{instant, number};

/// Names of a count that are listed; the rest is counted.
const NAMED_COUNTS: usize = 5;

/// An answer for people.
#[derive(Debug, Default, Clone)]
pub(crate) struct Document {
    /// What it is about.
    pub(crate) title: String,
    /// Under which conditions: instant, window.
    pub(crate) conditions: Vec<String>,
    pub(crate) sections: Vec<Section>,
    /// What the answer does not rest on.
    pub(crate) notes: Vec<String>,
    /// Commands that come next, with what they are for.
    pub(crate) next: Vec<Suggestion>,
}

/// A command and why one would run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suggestion {
    pub(crate) command: String,
    pub(crate) purpose: String,
}

/// A part of a document.
#[derive(Debug, Default, Clone)]
pub(crate) struct Section {
    pub(crate) heading: Option<String>,
    /// Sentences.
    pub(crate) lines: Vec<String>,
    /// Names with values.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) table: Option<Table>,
    /// How many rows are not shown, and the command that shows them.
    pub(crate) more: Option<(u64, String)>,
    pub(crate) folding: Folding,
}

/// Whether Markdown shows a section only on a click.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Folding {
    #[default]
    IfLong,
    Always,
    Never,
}

/// Rows of the same shape.
#[derive(Debug, Default, Clone)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// How a column is laid out.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) header: &'static str,
    /// Numbers stand on the right.
    pub(crate) right: bool,
    /// It is not made narrower than this.
    pub(crate) least: usize,
    /// Paths lose their beginning, everything else its end.
    pub(crate) keep_end: bool,
    /// A name that people copy: key, sha, path.
    pub(crate) code: bool,
    /// Evidence that is shown in full, on several lines if need be.
    pub(crate) wrapped: bool,
    /// Left out before all others where there is no room; the highest first.
    pub(crate) dispensable: u8,
}

/// A column of text.
pub(crate) const fn text(header: &'static str, least: usize) -> Column {
    Column { header, right: false, least, keep_end: false, code: false, wrapped: false, dispensable: 0 }
}

/// A column of evidence.
pub(crate) const fn reasons(header: &'static str, least: usize) -> Column {
    Column { header, right: false, least, keep_end: false, code: false, wrapped: true, dispensable: 0 }
}

/// A column of numbers.
pub(crate) const fn right(header: &'static str) -> Column {
    Column { header, right: true, least: usize::MAX, keep_end: false, code: false, wrapped: false, dispensable: 0 }
}

/// A column of names that are never cut: keys and shas.
pub(crate) const fn name(header: &'static str) -> Column {
    Column { header, right: false, least: usize::MAX, keep_end: false, code: true, wrapped: false, dispensable: 0 }
}

/// A column of paths.
pub(crate) const fn path(header: &'static str, least: usize) -> Column {
    Column { header, right: false, least, keep_end: true, code: true, wrapped: false, dispensable: 0 }
}

impl Column {
    /// May be left out where there is no room.
    pub(crate) const fn dispensable(mut self, rank: u8) -> Self {
        self.dispensable = rank;
        self
    }
}

impl Document {
    /// A document of an answer: its instant and its notes are filled in.
    pub(crate) fn of<T>(answer: &Answer<T>, title: impl Into<String>) -> Self {
        let mut document = Self { title: title.into(), ..Self::default() };
        document.conditions.push(format!("as of {}", instant(answer.as_of)));
        document.notes(&answer.completeness);
        document
    }

    pub(crate) fn notes(&mut self, completeness: &Completeness) {
        self.notes.extend(completeness.notes.iter().cloned());
    }

    /// Adds a section, unless it has nothing to show.
    pub(crate) fn add(&mut self, section: Section) {
        if !section.is_empty() {
            self.sections.push(section);
        }
    }

    pub(crate) fn suggest(&mut self, command: String, purpose: &str) {
        self.next.push(Suggestion { command, purpose: purpose.to_owned() });
    }
}

impl Section {
    pub(crate) fn new(heading: impl Into<String>) -> Self {
        Self { heading: Some(heading.into()), ..Self::default() }
    }

    /// A heading with the size of the list below it.
    pub(crate) fn counted(heading: &str, total: u64) -> Self {
        Self::new(format!("{heading} ({})", number(total)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.facts.is_empty() && self.table.as_ref().is_none_or(|table| table.rows.is_empty())
    }

    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Adds a fact unless its value is empty.
    pub(crate) fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.facts.push((name.into(), value));
        }
        self
    }

    /// The most frequent names of a count; nothing if there are none.
    pub(crate) fn counts(self, name: &str, counts: &Counts) -> Self {
        self.fact(name, listed(counts))
    }

    pub(crate) fn table(mut self, columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.table = Some(Table { columns: columns.to_vec(), rows: rows.into_iter().collect() });
        self
    }

    /// Says how many of `total` rows are not there, and which command shows them.
    pub(crate) fn more(mut self, total: u64, command: impl FnOnce() -> String) -> Self {
        let shown = self.table.as_ref().map_or(0, |table| table.rows.len()) as u64;
        if total > shown {
            self.more = Some((total - shown, command()));
        }
        self
    }

    /// Markdown shows it only on a click, or never hides it.
    pub(crate) fn folding(mut self, folding: Folding) -> Self {
        self.folding = folding;
        self
    }
}

/// `Open 90, Closed 4, +3 more`.
pub(crate) fn listed(counts: &Counts) -> String {
    let mut parts: Vec<String> =
        counts.iter().take(NAMED_COUNTS).map(|(name, count)| format!("{name} {}", number(count))).collect();
    if counts.iter().len() > NAMED_COUNTS {
        parts.push(format!("+{} more", counts.iter().len() - NAMED_COUNTS));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_the_most_frequent() {
        let counts = |n: u64| Counts::new((0..n).map(|i| (format!("n{i}"), 2_000 - i)).collect());
        assert_eq!(listed(&counts(2)), "n0 2,000, n1 1,999");
        assert!(listed(&counts(7)).ends_with("n4 1,996, +2 more"));
        assert_eq!(listed(&counts(0)), "");
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let section = Section::default().table(&[name("key")], [vec!["A-1".to_owned()]]);
        assert_eq!(section.more(3, || "again".to_owned()).more, Some((2, "again".to_owned())));
    }
}
