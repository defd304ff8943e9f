//! Connecting sources and bringing them up to date.

mod next;

use docassist_app::sync::{Access, DocsReport, DocsRequest, GitReport, GitRequest, TicketsReport, TicketsRequest};
use serde::Serialize;

use super::Context;
use crate::cli::{Format, Sync};
use crate::failure::Failure;
use crate::output::document::{Document, Section};
use crate::output::figures::{count, number};
use crate::output::progress::SyncProgress;
use crate::output::{Present, View};

/// Brings a source up to date and says what that changed.
pub(crate) fn run(context: &Context, source: Sync) -> Result<(), Failure> {
    let progress = SyncProgress::watched(context.settings.quiet, context.settings.verbose)?;
    match source {
        Sync::Git { location, name, branch, full, wait } => {
            let request =
                GitRequest { location, name, branch, full, wait: context.wait(wait.wait), access: Access::default() };
            let report = context.app.sync_git(&request, progress.as_ref());
            progress.finish();
            finish(context, report?)
        }
        Sync::Tickets { files, projects, name, prune, wait } => {
            let request = TicketsRequest { files, name, projects, prune, wait: context.wait(wait.wait), folder: None };
            let report = context.app.sync_tickets(&request, progress.as_ref());
            progress.finish();
            finish(context, report?)
        }
        Sync::Docs { folder, name, wait } => {
            let request = DocsRequest { folder, name, wait: context.wait(wait.wait) };
            let report = context.app.sync_docs(&request, progress.as_ref());
            progress.finish();
            finish(context, report?)
        }
    }
}

/// Prints a report; for people, with commands that work now.
fn finish<R: Report>(context: &Context, report: R) -> Result<(), Failure> {
    // Programs do not need commands, and finding good ones takes the graph.
    let next = if context.settings.format == Format::Table && !context.settings.quiet {
        next::after(&context.app, &context.invocation)?
    } else {
        Vec::new()
    };
    let mut document = Document { title: report.title(), notes: Vec::new(), next, ..Document::default() };
    let mut section = Section::default();
    for line in report.changes() {
        section = section.line(line);
    }
    for note in report.notes() {
        section = section.line(format!("not seen: {note}"));
    }
    document.add(section);
    context.print(&Told { report, document })
}

/// A report as it is printed.
#[derive(Serialize)]
struct Told<R> {
    #[serde(flatten)]
    report: R,
    #[serde(skip)]
    document: Document,
}

impl<R> Present for Told<R> {
    fn document(&self, _: &View<'_>) -> Document {
        self.document.clone()
    }
}

/// What a sync did, in words.
trait Report: Serialize {
    fn title(&self) -> String;
    fn changes(&self) -> Vec<String>;
    fn notes(&self) -> &[String];
}

/// `12 commits added, 3 removed`; nothing where nothing happened.
fn changed(what: &str, more: u64, adverb: &str, removed: u64) -> Option<String> {
    match (more, removed) {
        (0, 0) => None,
        (0, removed) => Some(format!("{} removed", count(removed, what))),
        (more, 0) => Some(format!("{} {adverb}", count(more, what))),
        (more, removed) => Some(format!("{} {adverb}, {} removed", count(more, what), number(removed))),
    }
}

impl Report for GitReport {
    fn title(&self) -> String {
        let tip = self.tip.map(|tip| format!(" at {}", tip.short())).unwrap_or_default();
        format!("Synced {}: branch {}{tip}", self.source, self.branch)
    }

    fn changes(&self) -> Vec<String> {
        if self.tip.is_none() {
            return vec!["the branch has no commits yet".to_owned()];
        }
        if !self.changed {
            return vec!["nothing has changed since the last sync".to_owned()];
        }
        let parts = [
            changed("commit", self.commits_added, "added", self.commits_removed),
            changed("file", self.files_changed, "new or changed", self.files_removed),
            changed("page", self.pages_changed, "new or changed", self.pages_removed),
            (self.decisions > 0).then(|| count(self.decisions, "decision record")),
        ];
        vec![parts.into_iter().flatten().collect::<Vec<_>>().join("; ")]
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Report for TicketsReport {
    fn title(&self) -> String {
        format!("Synced {}: {}", self.source, count(self.files.len() as u64, "file"))
    }

    fn changes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let parts = [
            changed("ticket", self.added, "added", self.removed),
            (self.updated > 0).then(|| format!("{} updated", number(self.updated))),
            (self.unchanged > 0).then(|| format!("{} unchanged", number(self.unchanged))),
        ];
        let told = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        lines.push(if told.is_empty() { "the files have no tickets".to_owned() } else { told });
        if self.skipped > 0 {
            lines.push(format!("{} could not be read", count(self.skipped, "issue")));
        }
        lines
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Report for DocsReport {
    fn title(&self) -> String {
        format!("Synced {}: {}", self.source, count(self.pages, "page"))
    }

    fn changes(&self) -> Vec<String> {
        if self.pages == 0 && !self.changed {
            return vec!["the folder has no pages (Markdown, reStructuredText, AsciiDoc, plain text)".to_owned()];
        }
        if !self.changed {
            return vec!["nothing has changed since the last sync".to_owned()];
        }
        let parts = [
            changed("page", self.pages_changed, "new or changed", self.pages_removed),
            (self.decisions > 0).then(|| count(self.decisions, "decision record")),
        ];
        vec![parts.into_iter().flatten().collect::<Vec<_>>().join("; ")]
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_in_words() {
        assert_eq!(changed("commit", 12, "added", 3).as_deref(), Some("12 commits added, 3 removed"));
        assert_eq!(changed("page", 1, "new or changed", 0).as_deref(), Some("1 page new or changed"));
        assert_eq!(changed("file", 0, "added", 2).as_deref(), Some("2 files removed"));
        assert_eq!(changed("file", 0, "added", 0), None);
    }
}
