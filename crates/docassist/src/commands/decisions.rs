//! Decision records.

use docassist_model::DecisionStatus;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::Totals;
use docassist_model::findings::relationships::{DecisionDetail, DecisionLine, Decisions as DecisionsAnswer};

use super::Context;
use super::gaps::listing;
use super::impact::{COMMIT_COLUMNS, commit_cells, tickets};
use crate::cli::{Decisions, PageArgs};
use crate::failure::Failure;
use crate::output::document::{Column, Document, Section, path, text};
use crate::output::figures::{count, number};
use crate::output::{Present, View};

/// Lists decision records, or shows one.
pub(crate) fn run(context: &Context, action: Option<Decisions>, page: PageArgs) -> Result<(), Failure> {
    match action {
        Some(Decisions::Show { id, limit }) => context.print(&context.app.decision(&id, context.question(&limit))?),
        Some(Decisions::List { page }) => list(context, &page),
        None => list(context, &page),
    }
}

fn list(context: &Context, page: &PageArgs) -> Result<(), Failure> {
    context.print(&context.app.decisions(&context.page(page, None))?)
}

const COLUMNS: [Column; 5] =
    [path("id", 16), text("title", 24), text("status", 8), text("date", 10), text("tickets", 8).dispensable(1)];

fn cells(decision: &DecisionLine) -> Vec<String> {
    vec![
        decision.id.clone(),
        decision.title.clone(),
        status_name(decision.status).to_owned(),
        decision.date.clone().unwrap_or_default(),
        decision.tickets.join(", "),
    ]
}

/// Decision records in a section of something else.
pub(super) fn decision_rows(section: Section, decisions: &[DecisionLine]) -> Section {
    section.table(&COLUMNS, decisions.iter().map(cells))
}

fn status_name(status: DecisionStatus) -> &'static str {
    match status {
        DecisionStatus::Proposed => "proposed",
        DecisionStatus::Accepted => "accepted",
        DecisionStatus::Rejected => "rejected",
        DecisionStatus::Deprecated => "deprecated",
        DecisionStatus::Superseded => "superseded",
        DecisionStatus::Unknown => "unknown",
    }
}

impl Present for Answer<DecisionsAnswer> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, count(body.page.total, "decision record"));
        if body.page.total == 0 {
            let line = "No page of a synced repository or folder looks like a decision record (ADR, RFC, KIP, PEP and the like).";
            document.add(Section::default().line(line));
        }
        document.add(Section::default().counts("status", &body.by_status));
        document.add(listing(Section::default(), &body.page, &COLUMNS, view, cells));
        document
    }
}

impl Present for Answer<DecisionDetail> {
    fn document(&self, view: &View<'_>) -> Document {
        let decision = &self.body.decision;
        let mut document = Document::of(self, format!("{}: {}", decision.id, decision.title));
        let written = if decision.status_text.is_empty()
            || decision.status_text.eq_ignore_ascii_case(status_name(decision.status))
        {
            String::new()
        } else {
            format!(" (\"{}\")", decision.status_text)
        };
        document.add(
            Section::default()
                .fact("number", decision.number.map(|n| number(n.into())).unwrap_or_default())
                .fact("status", format!("{}{written}", status_name(decision.status)))
                .fact("date", decision.date.clone().unwrap_or_default())
                .fact("page", format!("{}:{}", decision.source, decision.path))
                .fact("supersedes", decision.supersedes.join(", "))
                .fact("superseded by", decision.superseded_by.join(", ")),
        );
        document.add(tickets(&self.body.tickets, &Totals::new(), view));
        let section = |heading: &str, commits: &[docassist_model::findings::gaps::CommitLine]| {
            let rows = commits.iter().map(|commit| commit_cells(commit, self.as_of));
            Section::counted(heading, commits.len() as u64).table(&COMMIT_COLUMNS, rows)
        };
        document.add(section("Commits that it names", &decision.commits));
        document.add(section("History of its page", &self.body.history));
        document
    }
}
