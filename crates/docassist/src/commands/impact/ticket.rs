//! What a ticket touches, for people.

use docassist_model::Timestamp;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::{FileLine, LinkedTicket, Mention, TicketImpact, TicketLine, Totals};

use super::{commits, people};
use crate::commands::impact::file::names;
use crate::output::document::{Document, Section, name, path, right, text};
use crate::output::figures::{count, day, lines, number};
use crate::output::{Present, View};

impl Present for Answer<TicketImpact> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, format!("Impact of {}: {}", body.ticket.key, body.ticket.summary));
        let mut about = about(&body.ticket, self.as_of);
        if body.implemented {
            let radius = &body.blast_radius;
            about = about
                .fact(
                    "reach",
                    format!(
                        "{}: {}, {} lines",
                        radius.level.as_str(),
                        count(radius.files, "file"),
                        number(radius.lines)
                    ),
                )
                .fact("areas", names(&radius.areas))
                .fact("lines", lines(body.additions, body.deletions));
        } else {
            about = about.fact("code", "no commit refers to it");
        }
        document.add(about);
        document.add(commits(&body.commits, &body.totals, self.as_of, view));
        document.add(files("Files", &body.files, &body.totals, view));
        document.add(people("People", "people", &body.people, &body.totals, self.as_of, view));
        document.add(links("linked", &body.linked, &body.totals, view));
        document.add(mentions(&body.mentioned_in, &body.totals, view));
        let similar = body
            .similar
            .iter()
            .map(|other| vec![other.key.clone(), other.summary.clone(), format!("{:.2}", other.score)]);
        document.add(view.list(
            "Similar tickets",
            &body.totals,
            "similar",
            &[name("key"), text("summary", 24), right("score")],
            similar,
        ));
        document
    }
}

/// A ticket in a few facts.
pub(in crate::commands) fn about(ticket: &TicketLine, as_of: Timestamp) -> Section {
    let of = |value: &Option<String>| value.clone().unwrap_or_default();
    let resolution = ticket.resolution.as_ref().map(|resolution| format!(" ({resolution})")).unwrap_or_default();
    let kind = match &ticket.priority {
        Some(priority) => format!("{}, priority {priority}", ticket.type_name),
        None => ticket.type_name.clone(),
    };
    Section::default()
        .fact("type", kind)
        .fact("status", format!("{}{resolution}", ticket.status))
        .fact("assignee", of(&ticket.assignee))
        .fact("reporter", of(&ticket.reporter))
        .fact("parent", of(&ticket.parent))
        .fact("epic", of(&ticket.epic))
        .fact("created", day(ticket.created, as_of))
        .fact("updated", day(ticket.updated, as_of))
        .fact("resolved", ticket.resolved.map(|resolved| day(resolved, as_of)).unwrap_or_default())
}

/// Files with what was done to them.
pub(in crate::commands) fn files(heading: &str, files: &[FileLine], totals: &Totals, view: &View<'_>) -> Section {
    // In one repository its name says nothing.
    let several = files.iter().any(|file| file.repo != files[0].repo);
    let rows = files.iter().map(|file| {
        vec![
            file.path.clone(),
            if several { file.repo.clone() } else { String::new() },
            file.kind.as_str().to_owned(),
            number(file.commits),
            lines(file.additions, file.deletions),
        ]
    });
    let columns = [path("path", 30), text("repo", 6), text("kind", 8).dispensable(1), right("commits"), right("lines")];
    view.list(heading, totals, "files", &columns, rows)
}

/// Linked tickets.
pub(in crate::commands) fn links(list: &str, links: &[LinkedTicket], totals: &Totals, view: &View<'_>) -> Section {
    let rows = links.iter().map(|link| {
        vec![
            link.kind.clone(),
            if link.direction == "outward" { "to" } else { "from" }.to_owned(),
            link.key.clone(),
            link.summary.clone().unwrap_or_else(|| "(not known)".to_owned()),
            link.status.clone().unwrap_or_default(),
        ]
    });
    let columns = [text("link", 6), text("way", 4), name("key"), text("summary", 24), text("status", 8)];
    view.list("Linked tickets", totals, list, &columns, rows)
}

/// Tickets, pages and decisions that mention the subject.
pub(in crate::commands) fn mentions(mentions: &[Mention], totals: &Totals, view: &View<'_>) -> Section {
    let rows = mentions.iter().map(|place| vec![place.kind.to_owned(), place.reference.clone(), place.title.clone()]);
    let columns = [text("kind", 6), path("where", 16), text("title", 24)];
    view.list("Mentioned in", totals, "mentioned_in", &columns, rows)
}
