//! The whole story of a ticket, a developer, a file or a repository; and finding them by name.

use docassist_model::Timestamp;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::Totals;
use docassist_model::findings::relationships::{
    DeveloperRelations, Event, FileRelations, Matches, RepositoryRelations, TicketRelations,
};

use super::decisions::{DECISION_COLUMNS, decision_cells};
use super::gaps::listing;
use super::impact::file::names;
use super::impact::ticket::{about, files, links, mentions};
use super::impact::{commit_in_words, commits, people, tickets};
use super::{Context, paths};
use crate::cli::{PathArgs, Rel};
use crate::failure::Failure;
use crate::output::document::{Column, Document, Section, path, right, text};
use crate::output::figures::{age, count, count_or_no, day, instant, lines, number, percent};
use crate::output::{Present, View};

/// Events of a story's beginning that are shown before its end.
const BEGINNING: usize = 3;
/// Months of activity that are shown.
const MONTHS: usize = 12;
/// The longest bar of activity.
const BAR: u64 = 30;

/// Answers a question about relationships.
pub(crate) fn run(context: &Context, analysis: Rel) -> Result<(), Failure> {
    let app = &context.app;
    match analysis {
        Rel::Ticket { key, limit } => {
            context.print_lists(&app.relations_of_ticket(&key, context.question(&limit))?, &limit)
        }
        Rel::Developer { who, limit } => {
            context.print_lists(&app.relations_of_developer(&who, context.question(&limit))?, &limit)
        }
        Rel::File { path, repo, limit } => {
            let query = paths::query(app, PathArgs { paths: vec![path], repo })?;
            let path = query.paths.first().map(String::as_str).unwrap_or_default();
            context.print_lists(&app.relations_of_file(path, query.repo.as_deref(), context.question(&limit))?, &limit)
        }
        Rel::Repo { name, limit } => {
            context.print_lists(&app.relations_of_repository(&name, context.question(&limit))?, &limit)
        }
        Rel::Search { text, page } => context.print(&app.search_names(&text.join(" "), &context.page(&page, None))?),
    }
}

impl Present for Answer<TicketRelations> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, format!("{}: {}", body.ticket.key, body.ticket.summary));
        document.add(about(&body.ticket, self.as_of));
        document.add(story(&body.timeline, &body.totals, self.as_of, view));
        document.add(commits(&body.commits, &body.totals, self.as_of, view));
        document.add(files("Files", &body.files, &body.totals, view));
        document.add(people("Developers", "developers", &body.developers, &body.totals, self.as_of, view));
        let decisions = body.decisions.iter().map(decision_cells);
        document.add(view.list("Decision records", &body.totals, "decisions", &DECISION_COLUMNS, decisions));
        document.add(links("links", &body.links, &body.totals, view));
        let rows = body
            .documents
            .iter()
            .map(|page| vec![format!("{}:{}", page.source, page.path), number(page.line.into()), page.title.clone()]);
        document.add(view.list(
            "Pages",
            &body.totals,
            "documents",
            &[path("page", 24), right("line"), text("title", 20)],
            rows,
        ));
        let rows = body.pull_requests.iter().map(|request| {
            vec![
                format!("{}#{}", request.repo, request.number),
                request.title.clone(),
                request.state.clone(),
                request.opened.date(),
            ]
        });
        document.add(view.list(
            "Pull requests",
            &body.totals,
            "pull_requests",
            &[text("number", 6), text("title", 24), text("state", 6), text("opened", 10)],
            rows,
        ));
        document.add(mentions(&body.mentioned_in, &body.totals, view));
        document
    }
}

const EVENT_COLUMNS: [Column; 5] =
    [text("when", 10), right("age"), text("what", 6), path("ref", 10), text("title", 20)];

fn event_cells(event: &Event, as_of: Timestamp) -> Vec<String> {
    let what = event.kind.replace('_', " ");
    vec![instant(event.time), age(event.time, as_of), what, short(&event.reference), event.title.clone()]
}

/// Events, oldest first: how it began and how it ended, where not all of it is shown.
fn story(events: &[Event], totals: &Totals, as_of: Timestamp, view: &View<'_>) -> Section {
    let rows = events.iter().map(|event| event_cells(event, as_of));
    if events.len() <= view.rows {
        return view.list("Timeline", totals, "timeline", &EVENT_COLUMNS, rows);
    }
    let beginning = view.rows.min(BEGINNING);
    let left_out = events.len() - view.rows;
    let gap = vec!["…".to_owned(), String::new(), String::new(), String::new(), count(left_out as u64, "more event")];
    let end = rows.clone().skip(beginning + left_out);
    let total = totals.get("timeline").copied().unwrap_or(events.len() as u64);
    let shown = rows.take(beginning).chain([gap]).chain(end);
    let section = Section::counted("Timeline", total).table(&EVENT_COLUMNS, shown);
    Section { more: Some((left_out as u64, view.invocation.with_limit(total))), ..section }
}

/// A reference as people write it: of a commit's name, forty digits are for programs.
fn short(reference: &str) -> String {
    let sha = reference.len() >= 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    if sha { reference.get(..10).unwrap_or_default().to_owned() } else { reference.to_owned() }
}

impl Present for Answer<DeveloperRelations> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let stats = &body.stats;
        let bot = if body.person.bot { " (a bot)" } else { "" };
        let mut document = Document::of(self, format!("{}{bot}", body.person.name));
        let mut about = Section::default().fact("addresses", body.person.emails.join(", ")).fact(
            "commits",
            format!("{} without merges, {}", number(stats.commits), lines(stats.additions, stats.deletions)),
        );
        if stats.reviews > 0 {
            about = about.fact("reviews", format!("credited in {}", count(stats.reviews, "commit")));
        }
        if let Some(first) = stats.first {
            about = about.fact("first", day(first, self.as_of));
        }
        if let Some(last) = stats.last {
            about = about.fact("last", day(last, self.as_of));
        }
        document.add(about);
        let rows = body.areas.iter().map(|area| vec![area.path.clone(), percent(area.share)]);
        document.add(view.list("Areas", &body.totals, "areas", &[path("area", 24), right("share")], rows));
        document.add(tickets(&body.tickets, &body.totals, view));
        document.add(files("Files", &body.files, &body.totals, view));
        let events = body.timeline.iter().map(|event| event_cells(event, self.as_of));
        document.add(view.list("Timeline", &body.totals, "timeline", &EVENT_COLUMNS, events));
        document
    }
}

impl Present for Answer<FileRelations> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, body.path.clone());
        document.conditions.push(format!("repository {}", body.repo));
        let mut about = Section::default().fact("kind", body.kind.as_str());
        if !body.exists {
            about = about.fact("state", "not at the branch's tip: removed or renamed");
        }
        about = about.fact("renamed from", names(&body.renamed_from));
        if let Some(first) = &body.first {
            about = about.fact("first", commit_in_words(first, self.as_of));
        }
        document.add(about);
        document.add(commits(&body.commits, &body.totals, self.as_of, view));
        document.add(people("Developers", "developers", &body.developers, &body.totals, self.as_of, view));
        document.add(tickets(&body.tickets, &body.totals, view));
        document
    }
}

impl Present for Answer<RepositoryRelations> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let stats = &body.stats;
        let mut document = Document::of(self, format!("Repository {}", body.repository));
        let mut about = Section::default()
            .fact("commits", format!("{}, {} of them merges", number(stats.commits), number(stats.merges)))
            .fact("authors", number(stats.authors))
            .fact("files", number(stats.files))
            .fact("lines", lines(stats.additions, stats.deletions));
        if let Some(first) = stats.first {
            about = about.fact("first", day(first, self.as_of));
        }
        if let Some(last) = stats.last {
            about = about.fact("last", day(last, self.as_of));
        }
        document.add(about);
        document.add(people(
            "Top contributors",
            "top_contributors",
            &body.top_contributors,
            &body.totals,
            self.as_of,
            view,
        ));
        document.add(tickets(&body.tickets, &body.totals, view));
        let latest = &body.activity[body.activity.len().saturating_sub(MONTHS)..];
        let most = latest.iter().map(|month| month.commits).max().unwrap_or(0).max(1);
        let rows = latest.iter().map(|month| {
            // A month with few commits still has a bar.
            let long = (month.commits * BAR).div_ceil(most);
            vec![month.month.clone(), number(month.commits), "▇".repeat(usize::try_from(long).unwrap_or(0))]
        });
        let heading = format!("Activity, the last {} of {}", latest.len(), count(body.activity.len() as u64, "month"));
        document.add(Section::new(heading).table(&[text("month", 7), right("commits"), text("", 5)], rows));
        document
    }
}

impl Present for Answer<Matches> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let title = format!("{} for \"{}\"", count_or_no(body.page.total, "match"), body.query);
        let mut document = Document::of(self, title);
        document.add(Section::default().counts("kind", &body.by_kind));
        let columns = [text("kind", 6), path("ref", 16), text("title", 24), right("age")];
        let section = listing(Section::default(), &body.page, &columns, view, |found| {
            vec![
                found.kind.to_owned(),
                short(&found.reference),
                match found.kind {
                    // A file's title is the name of its repository.
                    "file" => format!("in {}", found.title),
                    _ if found.title == found.reference => String::new(),
                    _ => found.title.clone(),
                },
                found.time.map(|time| age(time, self.as_of)).unwrap_or_default(),
            ]
        });
        document.add(section);
        document
    }
}
