//! What the graph says to a question: reviewers, gaps, the state of a ticket, who knows a file. Each fact is an analysis of its own,
//! cited by the command that prints it.
//!
//! An intent is recognised by plain words. A question that has none of them is answered from texts alone; one that has them by
//! accident gets a true sentence more, so that both ways are cheap to be wrong.

use docassist_graph::{Graph, Lookup};
use docassist_model::findings::search::{Citation, Place};
use docassist_model::{Timestamp, reference};

use crate::{App, AppError, GapQuery, PathQuery, Question};

/// Names in one sentence.
const NAMED: usize = 3;
/// Tickets and files of one question that are looked up.
const SUBJECTS: usize = 2;

/// What an analysis says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fact {
    /// The command that prints all of it.
    pub(super) command: String,
    /// Sentences, each ending with a full stop.
    pub(super) sentences: Vec<String>,
    /// The document that it is about, whose own words belong beside it.
    pub(super) document: Option<String>,
    as_of: Timestamp,
}

impl Fact {
    /// As an answer cites it.
    pub(super) fn citation(&self, number: usize) -> Citation {
        Citation {
            number,
            kind: "analysis".to_owned(),
            source: String::new(),
            title: self.command.clone(),
            headings: Vec::new(),
            place: Place { label: self.command.clone(), ..Place::default() },
            text: self.sentences.join(" "),
            time: Some(self.as_of),
            author: None,
        }
    }
}

/// The words of a question that intents are told by, and what it names.
struct Asked<'a> {
    words: Vec<String>,
    tickets: Vec<String>,
    paths: Vec<String>,
    app: &'a App,
    question: Question,
    as_of: Timestamp,
}

/// What the graph says to a question.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn facts(app: &App, text: &str, as_of: Timestamp) -> Result<Vec<Fact>, AppError> {
    let graph = app.graph()?;
    let asked = Asked::of(app, &graph, text, as_of);
    let mut facts = Vec::new();
    for find in [Asked::reviewers, Asked::experts, Asked::tickets_of, Asked::impact, Asked::gaps] {
        // A subject that is not there is no fact, and no failure of the answer either.
        facts.extend(find(&asked).unwrap_or_default());
    }
    Ok(facts)
}

impl<'a> Asked<'a> {
    fn of(app: &'a App, graph: &Graph, text: &str, as_of: Timestamp) -> Self {
        let words = text.to_lowercase();
        let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned);
        let mut tickets: Vec<String> =
            reference::candidates(text).map(|key| key.to_string()).filter(|key| graph.had_ticket(key, as_of)).collect();
        tickets.dedup();
        tickets.truncate(SUBJECTS);
        let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_owned();
        let mut paths: Vec<String> = text
            .split_whitespace()
            .map(trimmed)
            .filter(|word| word.contains(['/', '.']))
            .filter(|word| matches!(graph.find_file(word, None), Lookup::Found(_)))
            .collect();
        paths.dedup();
        paths.truncate(SUBJECTS);
        Self {
            words: words.collect(),
            tickets,
            paths,
            app,
            question: Question { as_of: Some(as_of), limit: Some(5) },
            as_of,
        }
    }

    fn has(&self, any: &[&str]) -> bool {
        self.words.iter().any(|word| any.contains(&word.as_str()))
    }

    fn fact(&self, command: String, sentences: Vec<String>) -> Fact {
        Fact { command, sentences, document: None, as_of: self.as_of }
    }

    fn page(&self) -> GapQuery {
        GapQuery { question: self.question, ..GapQuery::default() }
    }

    fn reviewers(&self) -> Result<Vec<Fact>, AppError> {
        if self.paths.is_empty() || !self.has(&["review", "reviewer", "reviewers", "reviews", "approve"]) {
            return Ok(Vec::new());
        }
        let query = PathQuery { paths: self.paths.clone(), repo: None };
        let answer = self.app.reviewers(&query, None, self.question)?;
        let paths = self.paths.join(" and ");
        let sentences: Vec<String> = answer
            .body
            .reviewers
            .iter()
            .take(NAMED)
            .map(|person| match person.reasons.as_slice() {
                [] => format!("{} can review changes to {paths}.", person.name),
                reasons => format!("{} can review changes to {paths}: {}.", person.name, reasons.join("; ")),
            })
            .collect();
        let sentences =
            if sentences.is_empty() { vec![format!("Nobody is left who has worked on {paths}.")] } else { sentences };
        Ok(vec![self.fact(format!("docassist reviewers {}", self.paths.join(" ")), sentences)])
    }

    fn experts(&self) -> Result<Vec<Fact>, AppError> {
        let asks = self.has(&["who", "whom", "whose"])
            && self.has(&[
                "knows",
                "know",
                "wrote",
                "write",
                "maintains",
                "maintain",
                "owns",
                "owner",
                "worked",
                "changed",
                "ask",
            ]);
        if !asks {
            return Ok(Vec::new());
        }
        let mut facts = Vec::new();
        for path in &self.paths {
            let body = self.app.relations_of_file(path, None, self.question)?.body;
            let people = body.developers.iter().take(NAMED);
            let names: Vec<String> =
                people.map(|person| format!("{} ({})", person.name, commits(person.commits))).collect();
            if !names.is_empty() {
                let mut sentences = vec![format!("Most of {} was written by {}.", body.path, list(&names))];
                sentences.extend(body.last.as_ref().map(|last| {
                    format!("{} changed it last, on {}: {}.", last.author, last.time.date(), last.subject)
                }));
                facts.push(self.fact(format!("docassist rel file {path}"), sentences));
            }
        }
        Ok(facts)
    }

    fn tickets_of(&self) -> Result<Vec<Fact>, AppError> {
        let mut facts = Vec::new();
        for key in &self.tickets {
            let body = self.app.impact_of_ticket(key, self.question)?.body;
            let ticket = &body.ticket;
            let assignee = ticket.assignee.as_ref().map(|who| format!(", assigned to {who}")).unwrap_or_default();
            let mut sentences = vec![format!(
                "{key} ({}) is {}{assignee}: {}.",
                ticket.type_name.to_lowercase(),
                ticket.status.to_lowercase(),
                ticket.summary.trim_end_matches('.')
            )];
            let total = body.totals.get("commits").copied().unwrap_or_default();
            if total == 0 {
                sentences.push(format!("No commit refers to {key}."));
            } else {
                let people = body.people.iter().take(NAMED).map(|person| person.name.clone()).collect::<Vec<_>>();
                let verb = if total == 1 { "refers" } else { "refer" };
                let by = if people.is_empty() { String::new() } else { format!(", by {}", list(&people)) };
                sentences.push(format!(
                    "{} {verb} to it and change {} files{by}.",
                    capital(&commits(total)),
                    body.blast_radius.files
                ));
            }
            let fact = self.fact(format!("docassist impact ticket {key}"), sentences);
            facts.push(Fact { document: Some(key.clone()), ..fact });
        }
        Ok(facts)
    }

    fn impact(&self) -> Result<Vec<Fact>, AppError> {
        if !self.has(&[
            "risk", "risky", "impact", "affect", "affects", "break", "breaks", "touch", "touches", "together",
            "depends",
        ]) {
            return Ok(Vec::new());
        }
        let query = PathQuery { paths: self.paths.clone(), repo: None };
        if query.paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut facts = Vec::new();
        for answer in self.app.impact_of_files(&query, self.question)? {
            let body = answer.body;
            let mut sentences = vec![format!(
                "Changing {} has a {} risk ({} of 100).",
                body.path,
                body.risk.level.as_str(),
                body.risk.score
            )];
            sentences.extend(body.risk.factors.first().map(|factor| format!("Most of it: {}.", factor.why)));
            let others: Vec<String> = body
                .co_changed
                .iter()
                .take(NAMED)
                .map(|other| format!("{} ({} times)", other.path, other.together))
                .collect();
            if !others.is_empty() {
                sentences.push(format!("It usually changes together with {}.", list(&others)));
            }
            facts.push(self.fact(format!("docassist impact file {}", body.path), sentences));
        }
        Ok(facts)
    }

    fn gaps(&self) -> Result<Vec<Fact>, AppError> {
        let mut facts = Vec::new();
        let of_tickets = self.has(&["ticket", "tickets", "issue", "issues", "work", "story", "stories", "bug", "bugs"]);
        let of_pages = self.has(&["page", "pages", "docs", "documentation", "documents"]);
        if self.has(&["stale", "stuck", "abandoned", "stalled", "forgotten"]) && !of_pages {
            let body = self.app.stale(&self.page())?.body;
            let mut sentences =
                vec![format!("{} are open and have not moved for {} days.", tickets(body.page.total), body.days)];
            let items = body.page.items.iter().take(NAMED);
            sentences.extend(items.map(|item| {
                format!("{} has not moved for {} days: {}.", item.key, item.days_since_update, item.summary)
            }));
            facts.push(self.fact("docassist gaps stale".to_owned(), sentences));
        }
        if self.has(&["orphaned"]) || of_tickets && self.has(&["without"]) && self.has(&["code", "commit", "commits"]) {
            let body = self.app.orphaned(&self.page())?.body;
            let mut sentences =
                vec![format!("Of the tickets of the last {} days, {} have no commit.", body.days, body.page.total)];
            let items: Vec<String> = body.page.items.iter().take(NAMED).map(|item| item.key.clone()).collect();
            if !items.is_empty() {
                sentences.push(format!("The first of them are {}.", list(&items)));
            }
            facts.push(self.fact("docassist gaps orphaned".to_owned(), sentences));
        }
        if self.has(&["undocumented"])
            || self.has(&["without"]) && self.has(&["changes", "commits"]) && self.has(&["ticket", "page"])
        {
            let body = self.app.undocumented(&self.page())?.body;
            let sentence = format!(
                "In the last {} days {} changed code without a ticket and without documentation.",
                body.days,
                commits(body.page.total)
            );
            facts.push(self.fact("docassist gaps undocumented".to_owned(), vec![sentence]));
        }
        if self.has(&["dangling"]) {
            let body = self.app.dangling(&self.page())?.body;
            let sentence = format!("{} are referred to and not known.", tickets(body.page.total));
            facts.push(self.fact("docassist gaps dangling".to_owned(), vec![sentence]));
        }
        if self.has(&["outdated", "obsolete", "stale"]) && of_pages {
            let body = self.app.outdated_docs(&self.page())?.body;
            let mut sentences = vec![format!("Pages speak of code that is gone in {} places.", body.page.total)];
            let items = body.page.items.iter().take(NAMED);
            sentences.extend(items.map(|item| match &item.renamed_to {
                Some(to) => format!("{}:{} speaks of {}, which is {to} now.", item.page, item.line, item.path),
                None => format!("{}:{} speaks of {}, which is gone.", item.page, item.line, item.path),
            }));
            facts.push(self.fact("docassist gaps outdated-docs".to_owned(), sentences));
        }
        if self.has(&["without", "missing", "lack", "lacks"]) && self.has(&["decision", "decisions", "adr", "adrs"]) {
            let body = self.app.missing_decisions(&self.page())?.body;
            let mut sentences = vec![format!("{} were built without a recorded decision.", tickets(body.page.total))];
            let items = body.page.items.iter().take(NAMED);
            sentences.extend(items.map(|item| format!("{} is one of them: {}.", item.key, item.summary)));
            facts.push(self.fact("docassist gaps missing-decisions".to_owned(), sentences));
        }
        Ok(facts)
    }
}

/// `a`, `a and b`, `a, b and c`.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn commits(count: u64) -> String {
    if count == 1 { "one commit".to_owned() } else { format!("{count} commits") }
}

fn tickets(count: u64) -> String {
    if count == 1 { "1 ticket".to_owned() } else { format!("{count} tickets") }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
