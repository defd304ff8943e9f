//! The story of a ticket.

use docassist_model::Timestamp;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::Totals;
use docassist_model::findings::relationships::{Event, PageLine, TicketRelations};

use super::NO_PULL_REQUESTS;
use crate::analysis::cut;
use crate::graph::{CommitId, Graph, KeyId};

impl Graph {
    /// The whole story of a known ticket; `None` if it did not exist at `as_of`. Linear in the changes of its commits.
    #[must_use]
    pub fn relations_of_ticket(&self, key: KeyId, as_of: Timestamp, limit: usize) -> Option<Answer<TicketRelations>> {
        self.ticket_at(key, as_of)?;
        let commits = Self::until(self.key_commits.row(key.0), self.horizon(as_of));
        let documents = self.key_pages.row(key.0).iter().map(|&(page, line)| {
            let info = &self.pages[page.at()];
            PageLine {
                source: self.sources[info.source as usize].name.clone(),
                path: info.path.clone(),
                title: info.title.clone(),
                line,
            }
        });
        let mentions = self.mentions(key, as_of).into_iter().filter(|mention| mention.kind == "ticket");
        let mut notes = self.source_notes(None);
        notes.push(NO_PULL_REQUESTS.to_owned());
        self.ticket_notes(as_of, &mut notes);
        self.tip_notes(as_of, &mut notes);
        let mut totals = Totals::new();
        let body = TicketRelations {
            ticket: self.ticket_line(key)?,
            pull_requests: Vec::new(),
            documents: cut("documents", documents.collect(), limit, &mut totals),
            files: self.file_lines(self.file_sums(commits), limit, &mut totals),
            developers: cut("developers", self.people_shares(self.commit_lines(commits)), limit, &mut totals),
            decisions: self.key_decisions.row(key.0).iter().map(|&id| self.decision_line(id)).collect(),
            links: cut("links", self.linked(key, as_of), limit, &mut totals),
            mentioned_in: cut("mentioned_in", mentions.collect(), limit, &mut totals),
            timeline: cut("timeline", self.timeline(key, commits, as_of), limit, &mut totals),
            commits: cut("commits", commits.iter().rev().map(|&c| self.commit_line(c)).collect(), limit, &mut totals),
            totals,
        };
        Some(self.answer(as_of, notes, body))
    }

    /// Created, commits, pages and decisions (when their file was first there with the mention is not known: when it was
    /// added), resolved; oldest first.
    fn timeline(&self, key: KeyId, commits: &[CommitId], as_of: Timestamp) -> Vec<Event> {
        let Some(ticket) = self.ticket(key) else { return Vec::new() };
        let mut events = vec![Event {
            time: Timestamp::from_unix(ticket.created),
            kind: "created",
            title: self.ticket_summary.get(key.0).to_owned(),
            reference: self.key(key).to_owned(),
        }];
        events.extend(commits.iter().map(|&commit| {
            let line = self.commit_line(commit);
            Event { time: line.time, kind: "commit", title: line.subject, reference: line.sha.to_hex() }
        }));
        let horizon = self.horizon(as_of);
        let added = |file: Option<crate::graph::FileId>| {
            let first = file.and_then(|file| self.history(file, horizon).commits(self).first().copied());
            first.map(|commit| Timestamp::from_unix(self.time(commit)))
        };
        for &(page, _) in self.key_pages.row(key.0) {
            let info = &self.pages[page.at()];
            if let Some(time) = added(info.file).or(info.modified) {
                events.push(Event { time, kind: "page", title: info.title.clone(), reference: self.page_name(page) });
            }
        }
        for decision in self.key_decisions.row(key.0) {
            let info = &self.decisions[decision.at()];
            let written = info.record.date.as_deref().and_then(|date| date.parse().ok());
            if let Some(time) = written.or_else(|| added(info.file)) {
                let title = info.record.title.clone();
                events.push(Event { time, kind: "decision", title, reference: info.id.clone() });
            }
        }
        if let Some(resolved) = ticket.resolved {
            let resolution = ticket.resolution.map_or("resolved", |id| self.symbol(id)).to_owned();
            let time = Timestamp::from_unix(resolved);
            events.push(Event { time, kind: "resolved", title: resolution, reference: self.key(key).to_owned() });
        }
        events.retain(|event| event.time <= as_of);
        events.sort_by_key(|event| event.time);
        events
    }
}
