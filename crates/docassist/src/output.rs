//! How answers are printed: a [`document::Document`] of headings, facts and tables, laid out as text for a terminal or as
//! Markdown; JSON is the answer itself.

pub(crate) mod clean;
pub(crate) mod columns;
pub(crate) mod document;
pub(crate) mod figures;
pub(crate) mod markdown;
pub(crate) mod progress;
pub(crate) mod screen;
pub(crate) mod streams;
pub(crate) mod text;
pub(crate) mod width;

use docassist_model::Timestamp;
use docassist_model::findings::impact::Totals;

use crate::invocation::Invocation;
use document::{Column, Document, Section};

/// What an answer is looked at with.
pub(crate) struct View<'a> {
    /// To suggest commands about the same data.
    pub(crate) invocation: &'a Invocation,
    /// How much of each list is shown where an answer has several.
    pub(crate) rows: usize,
    /// The time of the newest commit, and the last update of a ticket.
    pub(crate) newest: (Option<Timestamp>, Option<Timestamp>),
    /// Whether commands are suggested that go beyond the question.
    pub(crate) hints: bool,
}

impl View<'_> {
    /// The first rows of one of an answer's lists, with the size of all of it and the command that shows it.
    pub(crate) fn list(
        &self,
        heading: &str,
        totals: &Totals,
        list: &str,
        columns: &[Column],
        rows: impl ExactSizeIterator<Item = Vec<String>>,
    ) -> Section {
        let total = totals.get(list).copied().unwrap_or(rows.len() as u64);
        let section = Section::counted(heading, total).table(columns, rows.take(self.rows));
        section.more(total, || self.invocation.with_limit(total))
    }
}

/// Answers that people can read.
pub(crate) trait Present {
    /// Whether it comes from the graph, so that how new that is matters to it.
    const OF_THE_GRAPH: bool = true;

    /// The answer in headings, facts and tables.
    fn document(&self, view: &View<'_>) -> Document;
}
