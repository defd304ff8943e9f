//! Commands that work after a sync, with names that exist.

use docassist_app::{App, AppError, Question};
use docassist_model::FileKind;
use docassist_model::findings::status::SourceStatus;

use crate::invocation::Invocation;
use crate::output::document::Suggestion;

/// Files that are looked at for one that still exists.
const CANDIDATES: usize = 50;
/// Data that is older than the longest default window would give empty answers.
const WINDOW_DAYS: u32 = 90;

/// What to do next, by what is there and what is missing.
pub(super) fn after(app: &App, invocation: &Invocation) -> Result<Vec<Suggestion>, AppError> {
    let sources = app.status(false)?.body.sources;
    let graph = app.graph()?;
    let mut next: Vec<Suggestion> = Vec::new();
    let mut suggest = |command: String, purpose: &str| next.push(Suggestion { command, purpose: purpose.to_owned() });
    let repositories: Vec<&SourceStatus> = sources.iter().filter(|source| source.kind == "git").collect();
    let (commit, ticket) = graph.newest();
    let oldest = [commit, ticket].into_iter().flatten().min();
    match oldest.filter(|oldest| *oldest < docassist_app::now().minus_days(WINDOW_DAYS)) {
        Some(oldest) => {
            suggest(invocation.other_as_of(&["gaps"], &oldest.date()), "what was missing when the data was new");
        }
        None => suggest(invocation.other(&["gaps"]), "what is missing between tickets, code and pages"),
    }
    if let Some(repository) = repositories.iter().max_by_key(|source| source.newest) {
        about_repository(app, repository, &mut |words, purpose| suggest(invocation.other(words), purpose))?;
    }
    if graph.ticket_count() == 0 {
        suggest(invocation.other(&["sync", "tickets", "FILE"]), "connect a tracker's export (Jira JSON or CSV)");
    }
    if repositories.is_empty() {
        suggest(invocation.other(&["sync", "git", "PATH"]), "connect the repository that the tickets are about");
    }
    Ok(next)
}

/// A file, and a ticket or a developer, that there is much to say about.
fn about_repository(
    app: &App,
    repository: &SourceStatus,
    suggest: &mut dyn FnMut(&[&str], &str),
) -> Result<(), AppError> {
    let question = Question { as_of: None, limit: Some(CANDIDATES) };
    // A repository without commits has nothing to say.
    let Ok(relations) = app.relations_of_repository(&repository.name, question) else { return Ok(()) };
    let Some(developer) = relations.body.top_contributors.first() else { return Ok(()) };
    let who = if developer.email.is_empty() { &developer.name } else { &developer.email };
    let known = relations.body.tickets.iter().find(|ticket| ticket.summary.is_some());
    if let Ok(work) = app.relations_of_developer(who, question) {
        let here = work.body.files.iter().filter(|file| file.repo == repository.name);
        let mut written: Vec<_> = here.filter(|file| matches!(file.kind, FileKind::Source | FileKind::Test)).collect();
        written.sort_by_key(|file| file.kind != FileKind::Source);
        let existing = |path: &str| {
            app.relations_of_file(path, Some(&repository.name), question).is_ok_and(|answer| answer.body.exists)
        };
        if let Some(file) = written.iter().find(|file| existing(&file.path)) {
            suggest(&["impact", "file", &file.path], "what one of the most changed files touches");
        }
    }
    match known {
        Some(ticket) => suggest(&["rel", "ticket", &ticket.key], "the whole story of a ticket"),
        None => suggest(&["rel", "developer", who], "who worked on what"),
    }
    Ok(())
}
