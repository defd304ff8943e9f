//! Decision records.

use docassist_model::findings::Answer;
use docassist_model::findings::impact::Totals;
use docassist_model::findings::relationships::{DecisionDetail, DecisionLine, Decisions as DecisionsAnswer};

use super::Context;
use super::gaps::listing;
use super::impact::{COMMIT_COLUMNS, commit_cells, tickets};
use crate::cli::{Decisions, PageArgs};
use crate::failure::Failure;
use crate::output::document::{Column, Document, Section, path, text};
use crate::output::figures::{count_or_no, number};
use crate::output::{Present, View};

/// Lists decision records, or shows one.
pub(crate) fn run(context: &Context, action: Option<Decisions>, page: &PageArgs) -> Result<(), Failure> {
    match action {
        Some(Decisions::Show { id, limit }) => {
            context.print_lists(&context.app.decision(&id, context.question(&limit))?, &limit)
        }
        Some(Decisions::List { page }) => list(context, &page),
        None => list(context, page),
    }
}

fn list(context: &Context, page: &PageArgs) -> Result<(), Failure> {
    context.print(&context.app.decisions(&context.page(page, None))?)
}

/// Columns of [`decision_cells`].
pub(super) const DECISION_COLUMNS: [Column; 5] =
    [path("id", 16), text("title", 24), text("status", 8), text("date", 10), text("tickets", 8).dispensable(1)];

/// A decision record in a list.
pub(super) fn decision_cells(decision: &DecisionLine) -> Vec<String> {
    vec![
        decision.id.clone(),
        decision.title.clone(),
        decision.status.as_str().to_owned(),
        decision.date.clone().unwrap_or_default(),
        decision.tickets.join(", "),
    ]
}

impl Present for Answer<DecisionsAnswer> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, count_or_no(body.page.total, "decision record"));
        if body.page.total == 0 {
            let line = "No page of a synced repository or folder looks like a decision record (ADR, RFC, KIP, PEP and the like).";
            document.add(Section::default().line(line));
        }
        document.add(Section::default().counts("status", &body.by_status));
        document.add(listing(Section::default(), &body.page, &DECISION_COLUMNS, view, decision_cells));
        document
    }
}

impl Present for Answer<DecisionDetail> {
    fn document(&self, view: &View<'_>) -> Document {
        let decision = &self.body.decision;
        let mut document = Document::of(self, format!("{}: {}", decision.id, decision.title));
        let written =
            if decision.status_text.is_empty() || decision.status_text.eq_ignore_ascii_case(decision.status.as_str()) {
                String::new()
            } else {
                format!(" (\"{}\")", decision.status_text)
            };
        document.add(
            Section::default()
                .fact("number", decision.number.map(|n| number(n.into())).unwrap_or_default())
                .fact("status", format!("{}{written}", decision.status.as_str()))
                .fact("date", decision.date.clone().unwrap_or_default())
                .fact("page", format!("{}:{}", decision.source, decision.path))
                .fact("supersedes", decision.supersedes.join(", "))
                .fact("superseded by", decision.superseded_by.join(", ")),
        );
        let totals = Totals::new();
        document.add(tickets(&self.body.tickets, &totals, view));
        let named = decision.commits.iter().map(|commit| commit_cells(commit, self.as_of));
        document.add(view.list("Commits that it names", &totals, "commits", &COMMIT_COLUMNS, named));
        let history = self.body.history.iter().map(|commit| commit_cells(commit, self.as_of));
        document.add(view.list("History of its page", &totals, "history", &COMMIT_COLUMNS, history));
        document
    }
}
