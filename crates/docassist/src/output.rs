//! How answers are printed: a [`document::Document`] of headings, facts and tables, laid out as text for a terminal or as
//! Markdown; JSON is the answer itself.

pub(crate) mod clean;
pub(crate) mod columns;
pub(crate) mod document;
pub(crate) mod figures;
pub(crate) mod markdown;
pub(crate) mod progress;
pub(crate) mod streams;
pub(crate) mod text;
pub(crate) mod width;

use docassist_model::Timestamp;

use crate::invocation::Invocation;
use document::Document;

/// What an answer is looked at with.
pub(crate) struct View<'a> {
    /// To suggest commands about the same data.
    pub(crate) invocation: &'a Invocation,
    /// The time of the newest commit, and the last update of a ticket.
    pub(crate) newest: (Option<Timestamp>, Option<Timestamp>),
    /// Whether commands are suggested that go beyond the question.
    pub(crate) hints: bool,
}

/// Answers that people can read.
pub(crate) trait Present {
    /// The answer in headings, facts and tables.
    fn document(&self, view: &View<'_>) -> Document;
}
