//! What files, tickets, commits and changes touch, and who should review.

mod change;
pub(super) mod file;
pub(super) mod ticket;

use std::path::PathBuf;

use docassist_app::{AppError, DiffQuery, Several};
use docassist_model::findings::Answer;
use docassist_model::findings::gaps::CommitLine;
use docassist_model::findings::impact::{
    DocumentMention, PersonShare, Reviewer, Reviewers as ReviewersAnswer, Risk, TicketCount, Totals,
};
use docassist_model::{ErrorCode, Timestamp};

use super::{Context, paths};
use crate::cli::{Impact, Reviewers};
use crate::failure::Failure;
use crate::output::document::{Document, Folding, Section, name, path, reasons, right, text};
use crate::output::figures::{age, count, day, number};
use crate::output::{Present, View};

/// Answers an impact analysis.
pub(crate) fn run(context: &Context, analysis: Impact) -> Result<(), Failure> {
    let app = &context.app;
    match analysis {
        Impact::File { paths: arguments, limit } => {
            let query = paths::query(app, arguments)?;
            let mut answers = app.impact_of_files(&query, context.question(&limit))?;
            match (answers.pop(), answers.is_empty()) {
                (Some(only), true) => context.print_lists(&only, &limit),
                (last, _) => {
                    answers.extend(last);
                    context.print(&Several::of(answers))
                }
            }
        }
        Impact::Ticket { key, limit } => {
            context.print_lists(&app.impact_of_ticket(&key, context.question(&limit))?, &limit)
        }
        Impact::Commit { sha, limit } => {
            let answer =
                app.impact_of_commit(&sha, context.question(&limit)).map_err(|error| commit_hint(error, &sha))?;
            context.print_lists(&answer, &limit)
        }
        Impact::Diff { base, directory, repo, limit } => {
            let folder = directory.unwrap_or_else(|| PathBuf::from("."));
            context
                .print_lists(&app.impact_of_diff(&DiffQuery { folder, base, repo }, context.question(&limit))?, &limit)
        }
    }
}

/// Says how commits can be named.
fn commit_hint(mut error: AppError, sha: &str) -> AppError {
    if error.code == ErrorCode::NotFound && error.candidates.is_empty() && error.hint.is_none() {
        let digits = sha.len() >= 4 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        error.hint = Some(if digits {
            "Only commits that the synced branch reaches are known; sync again if it is new.".to_owned()
        } else {
            "Name a commit by at least four of its first digits; `docassist rel search WORDS` finds it by its subject."
                .to_owned()
        });
    }
    error
}

/// Says who should review.
pub(crate) fn reviewers(context: &Context, arguments: Reviewers) -> Result<(), Failure> {
    let query = paths::query(&context.app, arguments.paths)?;
    let question = context.question(&arguments.limit);
    context.print_lists(&context.app.reviewers(&query, arguments.author.as_deref(), question)?, &arguments.limit)
}

/// The size of a list of an answer.
pub(super) fn total_of(totals: &Totals, list: &str, shown: usize) -> u64 {
    totals.get(list).copied().unwrap_or(shown as u64)
}

/// `3f2a… Subject, by Ann, 2024-05-01 (3 d ago)`.
pub(super) fn commit_in_words(commit: &CommitLine, as_of: Timestamp) -> String {
    format!("{} {}, by {}, {}", commit.sha.short(), commit.subject, commit.author, day(commit.time, as_of))
}

/// A risk with every point explained.
fn risk(risk: &Risk) -> Section {
    let heading = format!("Risk {} of 100: {}", risk.score, risk.level.as_str());
    let rows = risk
        .factors
        .iter()
        .map(|factor| vec![format!("{:.1}", factor.value), factor.name.replace('_', " "), factor.why.clone()]);
    let section = Section::new(heading).table(&[right("points"), text("factor", 8), reasons("why", 30)], rows);
    let section = section.folding(Folding::Never);
    if risk.factors.is_empty() { section.line("nothing speaks for a risk") } else { section }
}

fn reviewer_rows(reviewers: &[Reviewer], totals: &Totals, view: &View<'_>) -> Section {
    let rows = reviewers.iter().map(|reviewer| {
        vec![
            format!("{:.2}", reviewer.score),
            reviewer.name.clone(),
            reviewer.email.clone(),
            reviewer.reasons.join("; "),
        ]
    });
    let columns = [right("score"), text("name", 12), text("address", 16).dispensable(1), reasons("why", 40)];
    view.list("Reviewers", totals, "reviewers", &columns, rows).folding(Folding::Never)
}

pub(super) fn people(
    heading: &str,
    list: &str,
    people: &[PersonShare],
    totals: &Totals,
    as_of: Timestamp,
    view: &View<'_>,
) -> Section {
    let rows = people.iter().map(|person| {
        vec![
            person.name.clone(),
            person.email.clone(),
            number(person.commits),
            number(person.lines),
            person.last.map(Timestamp::date).unwrap_or_default(),
            person.last.map(|last| age(last, as_of)).unwrap_or_default(),
        ]
    });
    let columns = [
        text("name", 12),
        text("address", 16).dispensable(1),
        right("commits"),
        right("lines"),
        text("last", 10),
        right("age"),
    ];
    view.list(heading, totals, list, &columns, rows)
}

/// Tickets with the commits that join them to the subject.
pub(super) fn tickets(tickets: &[TicketCount], totals: &Totals, view: &View<'_>) -> Section {
    let rows = tickets.iter().map(|ticket| {
        vec![
            ticket.key.clone(),
            ticket.summary.clone().unwrap_or_else(|| "(not known)".to_owned()),
            ticket.status.clone().unwrap_or_default(),
            number(ticket.commits),
        ]
    });
    let columns = [name("key"), text("summary", 24), text("status", 8), right("commits")];
    view.list("Tickets", totals, "tickets", &columns, rows)
}

/// Commits, newest first.
pub(super) fn commits(commits: &[CommitLine], totals: &Totals, as_of: Timestamp, view: &View<'_>) -> Section {
    let rows = commits.iter().map(|commit| commit_cells(commit, as_of));
    view.list("Commits", totals, "commits", &COMMIT_COLUMNS, rows)
}

/// Columns of [`commit_cells`].
pub(super) const COMMIT_COLUMNS: [crate::output::document::Column; 5] =
    [name("sha"), text("subject", 24), text("author", 8), text("date", 10).dispensable(1), right("age")];

pub(super) fn commit_cells(commit: &CommitLine, as_of: Timestamp) -> Vec<String> {
    vec![
        commit.sha.short().to_string(),
        commit.subject.clone(),
        commit.author.clone(),
        commit.time.date(),
        age(commit.time, as_of),
    ]
}

fn documents(documents: &[DocumentMention], totals: &Totals, view: &View<'_>) -> Section {
    let rows = documents.iter().map(|place| vec![place.page.clone(), number(place.line.into()), place.path.clone()]);
    let columns = [path("page", 20), right("line"), path("names", 20)];
    view.list("Pages that name it", totals, "documents", &columns, rows)
}

impl Present for Answer<ReviewersAnswer> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let what = match body.paths.as_slice() {
            [only] => only.clone(),
            several => count(several.len() as u64, "file"),
        };
        let mut document = Document::of(self, format!("Reviewers for {what}"));
        document.conditions.push(format!("repository {}", body.repo));
        if let Some(author) = &body.author {
            document.conditions.push(format!("by {author}"));
        }
        if body.reviewers.is_empty() {
            let line = "Nobody else has worked on this: no one can be suggested on evidence.";
            document.add(Section::default().line(line));
        } else {
            let mut section = reviewer_rows(&body.reviewers, &body.totals, view);
            section.heading = None;
            document.add(section);
        }
        document
    }
}
