//! The gap lists as the contract defines them, from tickets and commits alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};

use super::git::History;
use super::keys::{Key, Projects};
use super::tickets::Ticket;

/// Resolutions that say a ticket needed no work, as [`squash`]ed.
const NOT_APPLICABLE: &[&str] = &[
    "wontfix",
    "wontdo",
    "duplicate",
    "invalid",
    "cannotreproduce",
    "incomplete",
    "notabug",
    "notourbug",
    "notaproblem",
    "notanissue",
    "worksforme",
    "worksasdesigned",
    "asdesigned",
    "abandoned",
    "rejected",
    "declined",
    "obsolete",
    "needsmoreinfo",
    "hold",
    "deferred",
    "later",
    "withdrawn",
    "canceled",
    "cancelled",
    "nolongerapplicable",
    "outofscope",
];

/// The `by_*` counts of an answer.
pub(crate) type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// One expected item.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) key: String,
    /// Fields of the item, as text.
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// An expected answer, complete and in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expected {
    pub(crate) counts: Counts,
    pub(crate) rows: Vec<Row>,
}

impl Expected {
    fn count(&mut self, by: &str, name: &str) {
        *self.counts.entry(by.to_owned()).or_default().entry(name.to_owned()).or_default() += 1;
    }

    /// An answer without items has its counts all the same.
    fn counting(names: &[&str]) -> Self {
        let counts = names.iter().map(|name| ((*name).to_owned(), BTreeMap::new())).collect();
        Self { counts, rows: Vec::new() }
    }
}

/// Tickets and commits, joined by the keys in the messages.
pub(crate) struct Links<'a> {
    history: &'a History,
    tickets: &'a BTreeMap<Key, Ticket>,
    /// For each key, known or dangling, the places of the commits that name it.
    pub(crate) citing: BTreeMap<Key, Vec<usize>>,
}

impl<'a> Links<'a> {
    /// Scans every message.
    pub(crate) fn new(history: &'a History, tickets: &'a BTreeMap<Key, Ticket>, projects: &Projects) -> Self {
        let mut citing: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (at, commit) in history.commits.iter().enumerate() {
            for key in projects.scan(&commit.message) {
                citing.entry(key).or_default().push(at);
            }
        }
        Self { history, tickets, citing }
    }

    /// The commits up to `as_of` that name the ticket.
    fn commits(&self, key: &Key, as_of: Timestamp) -> Vec<usize> {
        let places = self.citing.get(key).map_or(&[][..], Vec::as_slice);
        let there = |at: &&usize| self.history.commits[**at].time <= as_of.as_second();
        places.iter().filter(there).copied().collect()
    }

    fn existing(&self, as_of: Timestamp) -> impl Iterator<Item = &Ticket> {
        self.tickets.values().filter(move |ticket| ticket.created <= as_of)
    }

    /// Tickets of the window that no commit names: by priority, then newest, then key.
    pub(crate) fn orphaned(&self, as_of: Timestamp, days: i64) -> Result<Expected> {
        let since = days_before(as_of, days)?;
        let mut tickets: Vec<&Ticket> = self
            .existing(as_of)
            .filter(|ticket| ticket.created > since && self.commits(&ticket.key, as_of).is_empty())
            .collect();
        tickets.sort_by_key(|t| (priority_rank(t.priority.as_deref()), Reverse(t.created), t.key.clone()));
        let mut expected = Expected::counting(&["by_class", "by_status", "by_priority", "by_assignee"]);
        for ticket in tickets {
            expected.count("by_class", class(ticket));
            expected.count("by_status", &ticket.status);
            expected.count("by_priority", ticket.priority.as_deref().unwrap_or("none"));
            expected.count("by_assignee", ticket.assignee.as_deref().unwrap_or("unassigned"));
            let facts = vec![("class", class(ticket).to_owned()), ("status", ticket.status.clone())];
            expected.rows.push(Row { key: ticket.key.to_string(), facts });
        }
        Ok(expected)
    }

    /// Open tickets that nobody touched since before the window: longest first, then key.
    pub(crate) fn stale(&self, as_of: Timestamp, days: i64) -> Result<Expected> {
        let since = days_before(as_of, days)?;
        let mut tickets: Vec<&Ticket> =
            self.existing(as_of).filter(|ticket| !ticket.done && ticket.updated < since).collect();
        tickets.sort_by_key(|ticket| (ticket.updated, ticket.key.clone()));
        let mut expected = Expected::counting(&["by_status", "by_assignee"]);
        for ticket in tickets {
            expected.count("by_status", &ticket.status);
            expected.count("by_assignee", ticket.assignee.as_deref().unwrap_or("unassigned"));
            let facts = vec![("status", ticket.status.clone())];
            expected.rows.push(Row { key: ticket.key.to_string(), facts });
        }
        Ok(expected)
    }

    /// Stories, epics and features with commits that no decision record names. Their order goes by significance, which is
    /// the program's own figure; here they stand by key.
    pub(crate) fn missing_decisions(&self, as_of: Timestamp, decided: &BTreeSet<Key>) -> Expected {
        let mut expected = Expected::counting(&["by_type"]);
        for ticket in self.existing(as_of) {
            let kind = ticket.kind.to_lowercase();
            let commits = self.commits(&ticket.key, as_of);
            let large = ["story", "epic", "feature"].iter().any(|word| kind.contains(word));
            if !large || commits.is_empty() || decided.contains(&ticket.key) {
                continue;
            }
            let files: BTreeSet<&str> = commits
                .iter()
                .filter_map(|at| self.history.changes.get(&self.history.commits[*at].sha))
                .flatten()
                .map(|change| change.path.as_str())
                .collect();
            expected.count("by_type", &ticket.kind);
            let facts = vec![("commits", commits.len().to_string()), ("files", files.len().to_string())];
            expected.rows.push(Row { key: ticket.key.to_string(), facts });
        }
        expected
    }

    /// Keys that commits name and no ticket has: most commits first, then key.
    pub(crate) fn dangling(&self, as_of: Timestamp) -> Expected {
        let exists = |key: &Key| self.tickets.get(key).is_some_and(|ticket| ticket.created <= as_of);
        let mut keys: Vec<(usize, &Key)> = self
            .citing
            .keys()
            .filter(|key| !exists(key))
            .map(|key| (self.commits(key, as_of).len(), key))
            .filter(|(commits, _)| *commits > 0)
            .collect();
        keys.sort_by_key(|(commits, key)| (Reverse(*commits), *key));
        let row = |(commits, key): (usize, &Key)| Row {
            key: key.to_string(),
            facts: vec![("commits_total", commits.to_string())],
        };
        Expected { counts: Counts::new(), rows: keys.into_iter().map(row).collect() }
    }
}

fn days_before(as_of: Timestamp, days: i64) -> Result<Timestamp> {
    let window = SignedDuration::from_hours(days.saturating_mul(24));
    as_of.checked_sub(window).with_context(|| format!("{days} days before {as_of} are outside the calendar"))
}

fn squash(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn class(ticket: &Ticket) -> &'static str {
    let resolution = ticket.resolution.as_deref().map(squash);
    if resolution.is_some_and(|name| NOT_APPLICABLE.contains(&name.as_str())) {
        "not_applicable"
    } else if ticket.done {
        "done_unlinked"
    } else {
        "never_started"
    }
}

fn priority_rank(name: Option<&str>) -> u8 {
    let Some(name) = name else { return 7 };
    match name.to_lowercase().as_str() {
        "blocker" | "highest" | "p0" | "urgent" => 0,
        "critical" | "p1" => 1,
        "high" | "major" | "p2" => 2,
        "medium" | "normal" | "p3" => 3,
        "low" | "minor" | "p4" => 4,
        "lowest" | "trivial" | "p5" => 5,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::history;
    use super::*;

    /// Tickets from lines `KEY created updated type status priority resolution`; days count from 1970, `-` is none.
    fn tickets(lines: &str) -> BTreeMap<Key, Ticket> {
        let read = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let day = |text: &str| Timestamp::from_second(text.parse::<i64>().unwrap() * 86_400).unwrap();
            let optional = |text: &str| (text != "-").then(|| text.replace('_', " "));
            let ticket = Ticket {
                key: Key::parse(words[0]).unwrap(),
                created: day(words[1]),
                updated: day(words[2]),
                kind: words[3].replace('_', " "),
                status: words[4].to_owned(),
                done: words[4] == "Done",
                priority: optional(words[5]),
                resolution: optional(words[6]),
                assignee: None,
            };
            (ticket.key.clone(), ticket)
        };
        lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(read).collect()
    }

    fn keys(expected: &Expected) -> String {
        expected.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    const TICKETS: &str = "
        A-1 100 100 Bug Open High -
        A-2 110 110 Story Done Low Won’t_Fix
        A-10 110 120 Epic Done - Fixed
        A-9 110 120 New_Feature Open Odd -
        A-3 111 300 Bug Open High -
        A-4 190 190 Bug Open High -";

    fn with(messages: &[(&str, &str)], run: impl Fn(&Links<'_>)) {
        let mut history = history("c0@9000000 A:a A:b\n c1@9100000 M:a\n c2@9600000 merge\n c3@99999999 M:a");
        for (commit, (sha, message)) in history.commits.iter_mut().zip(messages) {
            assert_eq!(commit.sha, *sha);
            commit.message = (*message).to_owned();
        }
        let tickets = tickets(TICKETS);
        run(&Links::new(&history, &tickets, &Projects::of(["A"])));
    }

    #[test]
    fn the_window_is_open_at_its_start_and_closed_at_its_end() {
        with(&[], |links| {
            assert_eq!(keys(&links.orphaned(day(110), 10).unwrap()), "A-2 A-9 A-10");
            assert_eq!(keys(&links.orphaned(day(110), 11).unwrap()), "A-1 A-2 A-9 A-10");
        });
    }

    #[test]
    fn orphans_stand_by_priority_then_newest_and_are_classed() {
        with(&[("c0", ""), ("c1", ""), ("c2", "Merge a-1"), ("c3", "A-3")], |links| {
            let expected = links.orphaned(day(120), 1000).unwrap();
            assert_eq!(keys(&expected), "A-3 A-2 A-9 A-10", "a merge's reference counts, a later commit's does not");
            assert_eq!(
                format!("{:?}", expected.counts["by_class"]),
                r#"{"done_unlinked": 1, "never_started": 2, "not_applicable": 1}"#
            );
            assert_eq!(
                format!("{:?}", expected.counts["by_priority"]),
                r#"{"High": 1, "Low": 1, "Odd": 1, "none": 1}"#
            );
            assert_eq!(expected.counts["by_assignee"]["unassigned"], 4);
        });
    }

    #[test]
    fn stale_is_open_and_last_touched_before_the_window() {
        with(&[], |links| {
            assert_eq!(keys(&links.stale(day(150), 30).unwrap()), "A-1", "A-9 was touched at the window's very start");
            assert_eq!(keys(&links.stale(day(151), 30).unwrap()), "A-1 A-9");
            assert_eq!(links.stale(day(151), 30).unwrap().counts["by_status"]["Open"], 2);
        });
    }

    #[test]
    fn missing_decisions_need_commits_and_no_record() {
        let messages = [("c0", "A-9 A-10"), ("c1", "A-9"), ("c2", "A-9"), ("c3", "A-2")];
        with(&messages, |links| {
            let expected = links.missing_decisions(day(120), &BTreeSet::from([Key::parse("A-10").unwrap()]));
            assert_eq!(keys(&expected), "A-9");
            assert_eq!(expected.rows[0].facts, [("commits", "3".to_owned()), ("files", "2".to_owned())]);
            assert_eq!(format!("{:?}", expected.counts), r#"{"by_type": {"New Feature": 1}}"#);
        });
    }

    #[test]
    fn dangling_keys_stand_by_commits_and_a_ticket_of_tomorrow_is_none_today() {
        with(&[("c0", "A-77 A-4"), ("c1", "A-77"), ("c2", "A-8 B-1"), ("c3", "A-99")], |links| {
            assert_eq!(keys(&links.dangling(day(120))), "A-77 A-4 A-8");
            assert_eq!(keys(&links.dangling(day(2000))), "A-77 A-8 A-99");
        });
    }

    #[test]
    fn resolutions_are_known_whatever_their_punctuation() {
        assert_eq!(squash("Won’t Fix"), squash("won't fix"));
        assert!(NOT_APPLICABLE.contains(&squash("Works-as-designed").as_str()));
    }
}
