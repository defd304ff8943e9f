//! One figure for how well work, code and documentation are joined.

use docassist_model::findings::gaps::{HealthPart, MissingDecisions, OutdatedDocs, Stale, Undocumented};
use docassist_model::{StatusCategory, Timestamp};

use super::gaps::DEFAULT_DAYS;
use crate::graph::{CommitFlags, Graph};

impl Graph {
    /// The mean of these percentages, rounded; a part with nothing to measure is left out, and without any part the
    /// figure is 100:
    ///
    /// - `tickets_with_code`: of the tickets created in the last 90 days and done (but not as won't fix, duplicate and the
    ///   like), those that a commit refers to;
    /// - `changes_explained`: of the last 90 days' commits that change source (no merges, reverts, bots), those that are
    ///   not undocumented;
    /// - `features_decided`: of the features that a commit refers to, those that a decision record refers to;
    /// - `open_work_fresh`: of the tickets that are not done, those updated in the last 30 days;
    /// - `references_resolved`: of the keys of known projects that commits refer to, those that are tickets; only where
    ///   tickets are synced;
    /// - `pages_up_to_date`: of the references of pages to files, those to files that exist.
    pub(super) fn health(
        &self,
        as_of: Timestamp,
        stale: &Stale,
        undocumented: &Undocumented,
        missing: &MissingDecisions,
        outdated: &OutdatedDocs,
    ) -> (u8, Vec<HealthPart>) {
        let horizon = self.horizon(as_of);
        let referred = |key: u32| self.key_commits.row(key).first().is_some_and(|&first| first < horizon);
        let mut parts: Vec<HealthPart> = Vec::new();
        let mut part = |name: &'static str, good: u64, of: u64| {
            if let Some(percent) = (good.min(of) * 100).checked_div(of) {
                let percent = u8::try_from(percent).unwrap_or(100);
                parts.push(HealthPart { name, good: good.min(of), of, percent });
            }
        };

        let done = self.created_in(as_of, DEFAULT_DAYS).iter().filter(|key| {
            let ticket = &self.tickets[key.at()];
            ticket.category == StatusCategory::Done && !ticket.not_applicable
        });
        let (mut linked, mut all_done) = (0, 0);
        for key in done {
            all_done += 1;
            linked += u64::from(referred(key.0));
        }
        part("tickets_with_code", linked, all_done);

        let from = self.horizon(as_of.minus_days(DEFAULT_DAYS));
        let source_changes = self.commits.flags[from.at().min(horizon.at())..horizon.at()]
            .iter()
            .filter(|flags| {
                flags.has(CommitFlags::SOURCE)
                    && !flags.any(CommitFlags::MERGE | CommitFlags::REVERT | CommitFlags::BOT)
            })
            .count() as u64;
        part("changes_explained", source_changes.saturating_sub(undocumented.page.total), source_changes);

        let features = self
            .decisions
            .iter()
            .flat_map(|decision| &decision.keys)
            .filter(|key| self.ticket_at(**key, as_of).is_some_and(|ticket| ticket.feature) && referred(key.0))
            .collect::<std::collections::BTreeSet<_>>()
            .len() as u64;
        part("features_decided", features, features + missing.page.total);

        let present = self.is_present(as_of);
        let open = if present {
            self.open_by_updated.len() as u64
        } else {
            self.open_by_updated.iter().filter(|key| self.tickets[key.at()].created <= as_of.unix()).count() as u64
        };
        part("open_work_fresh", open.saturating_sub(stale.page.total), open);

        if !self.tickets.is_empty() {
            let known = if present {
                self.facts.referred_tickets
            } else {
                self.known_keys().filter(|key| referred(key.0)).count() as u64
            };
            let dangling = self.dangling.iter().filter(|key| referred(key.0)).count() as u64;
            part("references_resolved", known, known + dangling);
        }

        let references = self.facts.page_references;
        part("pages_up_to_date", references.saturating_sub(outdated.page.total), references);

        let sum: u32 = parts.iter().map(|part| u32::from(part.percent)).sum();
        let count = parts.len() as u32;
        let health = (sum + count / 2).checked_div(count).and_then(|mean| u8::try_from(mean).ok()).unwrap_or(100);
        parts.sort_by_key(|part| (part.percent, part.name));
        (health, parts)
    }
}
