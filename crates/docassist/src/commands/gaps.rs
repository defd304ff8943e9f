//! What is missing between tickets, code, pages and decisions.

mod comprehensive;

use docassist_model::Timestamp;
use docassist_model::findings::gaps::{
    Dangling, DanglingReference, MissingDecision, MissingDecisions, Orphaned, OrphanedTicket, OutdatedDocs,
    OutdatedReference, Stale, StaleTicket, Undocumented, UndocumentedChange,
};
use docassist_model::findings::{Answer, Counts, Page};

use super::Context;
use crate::cli::{Gaps, LimitArgs};
use crate::failure::Failure;
use crate::output::document::{Column, Document, Section, listed, name, path, reasons, right, text};
use crate::output::figures::{age, count, count_or_no, lines, number};
use crate::output::{Present, View};

/// Answers the analysis, or all of them.
pub(crate) fn run(context: &Context, analysis: Option<Gaps>) -> Result<(), Failure> {
    let app = &context.app;
    match analysis {
        None => context.print(&app.comprehensive_gaps(context.question(&LimitArgs::default()))?),
        Some(Gaps::Orphaned { window, page }) => context.print(&app.orphaned(&context.page(&page, window.days))?),
        Some(Gaps::Undocumented { window, page }) => {
            context.print(&app.undocumented(&context.page(&page, window.days))?)
        }
        Some(Gaps::MissingDecisions { page }) => context.print(&app.missing_decisions(&context.page(&page, None))?),
        Some(Gaps::Stale { days, page }) => context.print(&app.stale(&context.page(&page, days))?),
        Some(Gaps::Dangling { page }) => context.print(&app.dangling(&context.page(&page, None))?),
        Some(Gaps::OutdatedDocs { page }) => context.print(&app.outdated_docs(&context.page(&page, None))?),
    }
}

/// The rows of one page, and how to see the rest of them.
pub(super) fn listing<T>(
    section: Section,
    page: &Page<T>,
    columns: &[Column],
    view: &View<'_>,
    row: impl Fn(&T) -> Vec<String>,
) -> Section {
    let mut section = section.table(columns, page.items.iter().map(row));
    if let Some(next) = &page.next {
        let shown = page.items.len() as u64;
        let paging = view.invocation.has_cursor();
        let before: u64 = if paging { position(next).saturating_sub(shown) } else { 0 };
        let command = if paging { view.invocation.with_cursor(next) } else { view.invocation.with_limit(page.total) };
        section.more = Some((page.total.saturating_sub(before + shown), command));
    }
    section
}

/// How many items come before a cursor.
fn position(cursor: &str) -> u64 {
    cursor.rsplit('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Says why a window may hold nothing, where the reason is that the data is older.
fn explain_empty(document: &mut Document, view: &View<'_>, as_of: Timestamp, days: u32, what: &Newest, words: &[&str]) {
    let (commit, ticket) = view.newest;
    let (newest, from) = match what {
        Newest::Commit => (commit, "docassist sync git PATH"),
        Newest::Ticket => (ticket, "docassist sync tickets FILE"),
    };
    let Some(newest) = newest else {
        document.sections.push(Section::default().line(format!("Nothing is synced to look at: run `{from}` first.")));
        return;
    };
    if newest < as_of.minus_days(days) {
        let told =
            |name: &str, time: Option<Timestamp>| time.map(|time| format!("the newest {name} is of {}", time.date()));
        let told = [told("commit", commit), told("ticket", ticket)].into_iter().flatten().collect::<Vec<_>>();
        let mut line = told.join(", ");
        line.replace_range(..1, "T");
        let command = view.invocation.other_as_of(words, &newest.date());
        document.sections.push(Section::default().line(format!("{line}: older than the window.")));
        document.suggest(command, "the window before the newest of them");
    }
}

/// Which records a window is about.
enum Newest {
    Commit,
    Ticket,
}

/// Columns and cells of a kind of finding, for its own list and for the comprehensive one.
trait Finding {
    const COLUMNS: &'static [Column];
    fn cells(&self, as_of: Timestamp) -> Vec<String>;
}

impl Finding for OrphanedTicket {
    const COLUMNS: &'static [Column] = &[
        name("key"),
        text("summary", 24),
        text("type", 11).dispensable(3),
        text("status", 11),
        text("priority", 8).dispensable(2),
        text("assignee", 8).dispensable(4),
        right("age"),
        text("class", 14),
    ];

    fn cells(&self, as_of: Timestamp) -> Vec<String> {
        vec![
            self.key.clone(),
            self.summary.clone(),
            self.type_name.clone(),
            self.status.clone(),
            self.priority.clone().unwrap_or_default(),
            self.assignee.clone().unwrap_or_default(),
            age(self.created, as_of),
            self.class.as_str().replace('_', " "),
        ]
    }
}

impl Finding for UndocumentedChange {
    const COLUMNS: &'static [Column] = &[
        name("sha"),
        text("subject", 24),
        text("author", 8),
        text("repo", 6).dispensable(1),
        right("age"),
        right("files"),
        right("lines"),
    ];

    fn cells(&self, as_of: Timestamp) -> Vec<String> {
        vec![
            self.sha.short().to_string(),
            self.subject.clone(),
            self.author.clone(),
            self.repo.clone(),
            age(self.time, as_of),
            number(self.files),
            lines(self.additions, self.deletions),
        ]
    }
}

impl Finding for MissingDecision {
    const COLUMNS: &'static [Column] = &[
        name("key"),
        right("score"),
        text("summary", 24),
        text("type", 11).dispensable(3),
        text("status", 11).dispensable(2),
        right("commits"),
        right("files"),
        reasons("why", 30).dispensable(1),
    ];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        vec![
            self.key.clone(),
            format!("{:.0}", self.significance),
            self.summary.clone(),
            self.type_name.clone(),
            self.status.clone(),
            number(self.commits),
            number(self.files),
            self.reasons.join("; "),
        ]
    }
}

impl Finding for StaleTicket {
    const COLUMNS: &'static [Column] = &[
        name("key"),
        text("summary", 24),
        text("status", 11),
        text("priority", 8).dispensable(2),
        text("assignee", 8),
        text("updated", 10),
        right("idle"),
    ];

    fn cells(&self, as_of: Timestamp) -> Vec<String> {
        vec![
            self.key.clone(),
            self.summary.clone(),
            self.status.clone(),
            self.priority.clone().unwrap_or_default(),
            self.assignee.clone().unwrap_or_default(),
            self.updated.date(),
            age(self.updated, as_of),
        ]
    }
}

impl Finding for DanglingReference {
    const COLUMNS: &'static [Column] =
        &[name("key"), right("commits"), right("pages"), name("first cited in"), text("subject", 24)];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        let first = self.commits.first();
        vec![
            self.key.clone(),
            number(self.commits_total),
            if self.pages.is_empty() { String::new() } else { number(self.pages.len() as u64) },
            first
                .map(|commit| commit.sha.short().to_string())
                .or_else(|| self.pages.first().cloned())
                .unwrap_or_default(),
            first.map(|commit| commit.subject.clone()).unwrap_or_default(),
        ]
    }
}

impl Finding for OutdatedReference {
    const COLUMNS: &'static [Column] =
        &[path("page", 20), right("line"), path("names", 20), path("now", 20), text("removed in", 20).dispensable(1)];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        let removed = self.removed_in.as_ref();
        vec![
            self.page.clone(),
            number(self.line.into()),
            self.path.clone(),
            self.renamed_to.clone().unwrap_or_default(),
            removed
                .map(|commit| format!("{} {} {}", commit.sha.short(), commit.time.date(), commit.subject))
                .unwrap_or_default(),
        ]
    }
}

/// Counts whose names are those of JSON.
fn in_words(counts: &Counts) -> String {
    listed(counts).replace('_', " ")
}

/// The page's rows as a section without a heading.
fn rows<T: Finding>(page: &Page<T>, as_of: Timestamp, view: &View<'_>) -> Section {
    listing(Section::default(), page, T::COLUMNS, view, |item| item.cells(as_of))
}

impl Present for Answer<Orphaned> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let title = format!("{} without a commit or pull request", count_or_no(body.page.total, "ticket"));
        let mut document = Document::of(self, title);
        document.conditions.push(format!("created in the last {}", count(body.days.into(), "day")));
        if body.page.total == 0 {
            explain_empty(&mut document, view, self.as_of, body.days, &Newest::Ticket, &["gaps", "orphaned"]);
        }
        document.add(
            Section::default()
                .fact("class", in_words(&body.by_class))
                .counts("status", &body.by_status)
                .counts("priority", &body.by_priority)
                .counts("assignee", &body.by_assignee),
        );
        document.add(rows(&body.page, self.as_of, view));
        document
    }
}

impl Present for Answer<Undocumented> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let title = format!("{} without a ticket or documentation", count_or_no(body.page.total, "source change"));
        let mut document = Document::of(self, title);
        document.conditions.push(format!("committed in the last {}", count(body.days.into(), "day")));
        if body.page.total == 0 {
            explain_empty(&mut document, view, self.as_of, body.days, &Newest::Commit, &["gaps", "undocumented"]);
        }
        let mut figures = Section::default().counts("author", &body.by_author);
        // In one repository its name says nothing.
        if body.by_repository.iter().len() > 1 {
            figures = figures.counts("repository", &body.by_repository);
        }
        if body.page.total > 0 {
            figures = figures.fact("lines", number(body.total_lines));
        }
        document.add(figures);
        document.add(rows(&body.page, self.as_of, view));
        document
    }
}

impl Present for Answer<MissingDecisions> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let title = format!("{} built without a decision record", count_or_no(body.page.total, "feature"));
        let mut document = Document::of(self, title);
        document.add(Section::default().counts("type", &body.by_type));
        document.add(rows(&body.page, self.as_of, view));
        document
    }
}

impl Present for Answer<Stale> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let title = format!("{} without an update", count_or_no(body.page.total, "open ticket"));
        let mut document = Document::of(self, title);
        document.conditions.push(format!("last updated more than {} before", count(body.days.into(), "day")));
        document.add(Section::default().counts("status", &body.by_status).counts("assignee", &body.by_assignee));
        document.add(rows(&body.page, self.as_of, view));
        document
    }
}

impl Present for Answer<Dangling> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let tickets = count_or_no(body.page.total, "ticket");
        // Where no tickets are known, that one is not says nothing.
        let mut document = match view.newest.1 {
            Some(_) => Document::of(self, format!("{tickets} referred to that do not exist")),
            None => Document::of(self, format!("{tickets} referred to, and no tickets are synced to compare with")),
        };
        document.add(Section::default().counts("project", &body.by_project));
        document.add(rows(&body.page, self.as_of, view));
        document
    }
}

impl Present for Answer<OutdatedDocs> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let title = format!("{} of pages to files that are gone", count_or_no(body.page.total, "reference"));
        let mut document = Document::of(self, title);
        document.add(Section::default().counts("page", &body.by_page));
        document.add(rows(&body.page, self.as_of, view));
        document
    }
}
