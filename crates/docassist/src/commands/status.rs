//! What is connected and how much of it.

use docassist_model::findings::Answer;
use docassist_model::findings::status::{SourceStatus, Status};

use super::Context;
use crate::failure::Failure;
use crate::output::document::{Document, Section, listed, path, text};
use crate::output::figures::{age, bytes, count, day, number};
use crate::output::{Present, View};

/// Tells what is connected.
pub(crate) fn run(context: &Context, digest: bool) -> Result<(), Failure> {
    context.print(&context.app.status(digest)?)
}

impl Present for Answer<Status> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let title = format!("{} in organisation {}", count(body.sources.len() as u64, "source"), self.org);
        let mut document = Document::of(self, title);
        document.add(
            Section::default()
                .fact("data", format!("{} ({})", body.data, bytes(body.bytes)))
                .fact("sequence", number(body.sequence))
                .fact("holds", listed(&body.nodes))
                .fact("ticket projects", body.projects.join(", "))
                .fact("digest", body.digest.clone().unwrap_or_default()),
        );
        let rows = body.sources.iter().map(|source| self.cells(source));
        let columns = [
            text("name", 8),
            text("kind", 7),
            text("records", 20),
            text("newest", 10),
            text("synced", 8),
            text("branch", 6).dispensable(1),
            path("from", 16).dispensable(2),
        ];
        document.add(Section::new("Sources").table(&columns, rows));
        if body.sources.is_empty() && view.hints {
            document.suggest(view.invocation.other(&["sync", "git", "."]), "connect the repository that you are in");
        }
        document
    }
}

trait Cells {
    fn cells(&self, source: &SourceStatus) -> Vec<String>;
}

impl Cells for Answer<Status> {
    fn cells(&self, source: &SourceStatus) -> Vec<String> {
        let synced = match (source.synced, source.interrupted) {
            (Some(time), false) => format!("{} ago", age(time, self.as_of)),
            (Some(_), true) => "interrupted".to_owned(),
            (None, true) => "unfinished".to_owned(),
            (None, false) => "never".to_owned(),
        };
        vec![
            source.name.clone(),
            source.kind.clone(),
            listed(&source.records),
            source.newest.map(|newest| day(newest, self.as_of)).unwrap_or_default(),
            synced,
            source.branch.clone().unwrap_or_default(),
            source.location.clone(),
        ]
    }
}
