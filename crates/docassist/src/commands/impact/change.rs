//! What a commit or a change that is not committed touches, for people.

use docassist_model::findings::Answer;
use docassist_model::findings::impact::{ChangeImpact, CommitImpact, DiffImpact};

use super::{documents, reviewer_rows, risk, tickets, total_of};
use crate::output::document::{Document, Folding, Section, listed, path, right, text};
use crate::output::figures::{count, day, lines, of_commits, percent, whole};
use crate::output::{Present, View};

impl Present for Answer<CommitImpact> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, format!("Impact of {}: {}", body.sha.short(), body.subject));
        document.conditions.push(format!("repository {}", body.change.repo));
        let mut about = Section::default().fact("author", &*body.author).fact("committed", day(body.time, self.as_of));
        // A rebased or applied commit was written earlier than it was committed.
        if body.authored.date() != body.time.date() {
            about = about.fact("written", body.authored.date());
        }
        if body.merge {
            about = about.fact("merge", "its changes are those of the commits that it brings in");
        }
        change(&mut document, about, &body.change, view);
        document
    }
}

impl Present for Answer<DiffImpact> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, format!("Impact of the change: {}", body.range));
        document.conditions.push(format!("repository {}", body.change.repo));
        if body.change.files.is_empty() {
            document.add(Section::default().line("Nothing has changed."));
        }
        change(&mut document, Section::default(), &body.change, view);
        document
    }
}

fn change(document: &mut Document, about: Section, change: &ChangeImpact, view: &View<'_>) {
    let files = total_of(&change.totals, "files", change.files.len());
    if files == 0 {
        document.add(about);
        return;
    }
    let size = format!("{}, {}", count(files, "file"), lines(change.additions, change.deletions));
    document.add(about.fact("size", size).fact("kinds", listed(&change.by_kind)));
    document.add(risk(&change.risk));
    if change.reviewers.is_empty() {
        document.add(Section::new("Reviewers").line("Nobody but the author has worked on these files."));
    }
    document.add(reviewer_rows(&change.reviewers, &change.totals, view));
    document.add(missing(change, view));
    document.add(tickets(&change.tickets, &change.totals, view));
    document.add(documents(&change.documents, &change.totals, view));
    let rows = change.files.iter().map(|file| {
        vec![
            file.status.to_string(),
            file.path.clone(),
            file.kind.as_str().to_owned(),
            if file.binary { "binary".to_owned() } else { lines(file.additions, file.deletions) },
            file.from.clone().unwrap_or_default(),
        ]
    });
    let columns = [
        text("", 1),
        path("path", 30),
        text("kind", 8).dispensable(2),
        right("lines"),
        path("renamed from", 20).dispensable(1),
    ];
    document.add(view.list("Changed files", &change.totals, "files", &columns, rows).folding(Folding::Always));
}

/// Files that one would have expected in the change, with how often they came along.
fn missing(change: &ChangeImpact, view: &View<'_>) -> Section {
    let rows = change.co_change_missing.iter().map(|file| {
        vec![
            file.path.clone(),
            of_commits(file.together, whole(file.together, file.confidence)),
            percent(file.confidence),
            file.with.clone(),
        ]
    });
    let columns = [path("path", 24), text("together", 16), right("share"), path("with", 20)];
    view.list("Usually changed as well", &change.totals, "co_change_missing", &columns, rows)
}
