//! All gap analyses at a glance.

use docassist_model::findings::gaps::Comprehensive;
use docassist_model::findings::{Answer, Counts, Page};

use super::{Finding, in_words};
use crate::output::document::{Document, Folding, Section, right, text};
use crate::output::figures::{count, number};
use crate::output::{Present, View};

/// Rows of each section: the most important ones.
const ROWS: usize = 5;

impl Present for Answer<Comprehensive> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, format!("Documentation health: {} of 100", body.summary.health));
        let parts = &body.summary.health_parts;
        if parts.is_empty() {
            document.conditions.push("nothing could be measured".to_owned());
        }
        let rows = parts.iter().map(|part| {
            vec![part.name.replace('_', " "), format!("{} %", part.percent), number(part.good), number(part.of)]
        });
        document.add(
            Section::default().table(&[text("the mean of", 16), right("share"), right("good"), right("of")], rows),
        );

        let orphaned = &body.orphaned;
        let heading = format!("Tickets without code, created in the last {} days", orphaned.days);
        self.section(&mut document, view, &heading, "orphaned", &orphaned.page, &orphaned.by_class);
        let undocumented = &body.undocumented;
        let heading = format!("Changes without ticket or page in the last {} days", undocumented.days);
        self.section(&mut document, view, &heading, "undocumented", &undocumented.page, &undocumented.by_author);
        let missing = &body.missing_decisions;
        self.section(
            &mut document,
            view,
            "Features without a decision record",
            "missing-decisions",
            &missing.page,
            &missing.by_type,
        );
        let stale = &body.stale;
        let heading = format!("Open tickets without an update for {} days", stale.days);
        self.section(&mut document, view, &heading, "stale", &stale.page, &stale.by_status);
        let dangling = &body.dangling;
        let heading = match view.newest.1 {
            Some(_) => "References to tickets that do not exist",
            None => "Tickets referred to, and no tickets are synced to compare with",
        };
        self.section(&mut document, view, heading, "dangling", &dangling.page, &dangling.by_project);
        let outdated = &body.outdated_docs;
        self.section(
            &mut document,
            view,
            "Pages that name files which are gone",
            "outdated-docs",
            &outdated.page,
            &outdated.by_page,
        );
        self.explain_age(&mut document, view);
        document
    }
}

trait Sections {
    fn section<T: Finding>(
        &self,
        document: &mut Document,
        view: &View<'_>,
        heading: &str,
        analysis: &str,
        page: &Page<T>,
        counts: &Counts,
    );
    fn explain_age(&self, document: &mut Document, view: &View<'_>);
}

impl Sections for Answer<Comprehensive> {
    fn section<T: Finding>(
        &self,
        document: &mut Document,
        view: &View<'_>,
        heading: &str,
        analysis: &str,
        page: &Page<T>,
        counts: &Counts,
    ) {
        if page.total == 0 {
            document.add(Section::default().line(format!("{heading}: none")));
            return;
        }
        let mut section = Section::counted(heading, page.total);
        // One name with the whole count adds nothing.
        if counts.iter().len() > 1 {
            section = section.line(in_words(counts));
        }
        let rows = page.items.iter().take(ROWS).map(|item| item.cells(self.as_of));
        let section = section.table(T::COLUMNS, rows).more(page.total, || view.invocation.other(&["gaps", analysis]));
        document.add(section.folding(Folding::Always));
    }

    /// Where nothing is in the windows because everything is older, that is what has to be said.
    fn explain_age(&self, document: &mut Document, view: &View<'_>) {
        let (commit, ticket) = view.newest;
        let window = self.as_of.minus_days(self.body.undocumented.days);
        let Some(newest) = commit.max(ticket) else {
            let line = "Nothing is synced yet: run `docassist sync git PATH` and `docassist sync tickets FILE`.";
            document.sections.insert(0, Section::default().line(line));
            return;
        };
        let old = |time: Option<docassist_model::Timestamp>| time.is_some_and(|time| time < window);
        if !old(commit) && !old(ticket) {
            return;
        }
        let told = [("commit", commit), ("ticket", ticket)]
            .into_iter()
            .filter_map(|(name, time)| time.map(|time| format!("the newest {name} is of {}", time.date())))
            .collect::<Vec<_>>()
            .join(", ");
        // The older of the two is what the windows miss.
        let date = [commit, ticket].into_iter().flatten().min().unwrap_or(newest).date();
        let days = count(self.body.undocumented.days.into(), "day");
        document.sections.insert(0, Section::default().line(format!("Some of the data is older than {days}: {told}.")));
        document.suggest(view.invocation.other_as_of(&["gaps"], &date), "the same when the data was new");
    }
}
