//! What files touch, for people.

use docassist_model::findings::Answer;
use docassist_model::findings::impact::FileImpact;

use super::{Several, commit_in_words, documents, people, reviewer_rows, risk, tickets, total_of};
use crate::output::document::{Document, Section, path, right, text};
use crate::output::figures::{count, number, of_commits, percent, whole};
use crate::output::{Present, View};

/// Earlier names that are listed.
const NAMES: usize = 3;

impl Present for Answer<FileImpact> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, format!("Impact of {}", body.path));
        document.conditions.push(format!("repository {}", body.repo));
        let mut about = Section::default().fact("kind", body.kind.as_str());
        if !body.exists {
            about = about.fact("state", "not at the branch's tip: removed or renamed");
        }
        about = about.fact("renamed from", names(&body.renamed_from));
        about = about.fact("commits", count(body.commits, "non-merge commit"));
        if let Some(first) = &body.first {
            about = about.fact("first", commit_in_words(first, self.as_of));
        }
        if let Some(last) = body.last.as_ref().filter(|_| body.commits > 1) {
            about = about.fact("last", commit_in_words(last, self.as_of));
        }
        document.add(about);
        document.add(risk(&body.risk));
        document.add(reviewer_rows(&body.reviewers, &body.totals, view));
        document.add(self.co_changed(view));
        document.add(tickets(&body.tickets, &body.totals, view));
        document.add(people("People", "people", &body.people, &body.totals, self.as_of, view));
        document.add(documents(&body.documents, &body.totals, view));
        document
    }
}

trait CoChanged {
    fn co_changed(&self, view: &View<'_>) -> Section;
}

impl CoChanged for Answer<FileImpact> {
    /// Every row says of how many commits it speaks.
    fn co_changed(&self, view: &View<'_>) -> Section {
        let body = &self.body;
        // All rows are shares of the same commits; the first one tells best how many.
        let all = body.co_changed.first().and_then(|most| whole(most.together, most.confidence));
        let rows = body
            .co_changed
            .iter()
            .map(|other| vec![other.path.clone(), of_commits(other.together, all), percent(other.confidence)]);
        let columns = [path("path", 30), text("together", 16), right("share")];
        view.list("Changes together with", &body.totals, "co_changed", &columns, rows)
    }
}

/// The latest of several names, and how many more there are.
pub(in crate::commands) fn names(names: &[String]) -> String {
    let mut text = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        text.push_str(&format!(", +{} more", names.len() - NAMES));
    }
    text
}

impl Present for Several<FileImpact> {
    fn document(&self, _: &View<'_>) -> Document {
        let mut document =
            Document { title: format!("Impact of {}", count(self.total, "file")), ..Document::default() };
        document.conditions.push(format!("as of {}", crate::output::figures::instant(self.as_of)));
        document.notes(&self.completeness);
        let rows = self.items.iter().map(|item| {
            let body = &item.body;
            vec![
                body.path.clone(),
                body.risk.score.to_string(),
                body.risk.level.as_str().to_owned(),
                number(body.commits),
                number(total_of(&body.totals, "people", body.people.len())),
                body.reviewers.first().map(|reviewer| reviewer.name.clone()).unwrap_or_default(),
                body.co_changed.first().map(|other| other.path.clone()).unwrap_or_default(),
            ]
        });
        let columns = [
            path("path", 24),
            right("risk"),
            text("level", 8),
            right("commits"),
            right("people"),
            text("first reviewer", 10).dispensable(1),
            path("changes most with", 20).dispensable(2),
        ];
        document.add(Section::default().table(&columns, rows));
        document
    }
}
