//! Imports of tickets.

use std::collections::BTreeMap;

use docassist_model::{SourceKind, Ticket, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::builders::{any_ticket, import, ticket};
use super::{Backend, only, project, refused, scope, writer};
use crate::{FeedEnd, StoreError, TicketImport, TicketOutcome};

pub(super) fn tickets_are_projected_as_they_were_given(backend: &dyn Backend) {
    let store = backend.open();
    let given = ticket("ACME-1", "Fix it");
    import(&mut *writer(&*store), "jira", false, std::slice::from_ref(&given));
    assert_eq!(
        only(&*store, &["ticket"]),
        ["ticket jira TicketRow { source: SourceId(0), key: \"ACME-1\", summary: \"Fix it\", type_name: \"Bug\", \
          status: \"Open\", category: InProgress, priority: Some(\"Major\"), assignee: Some(\"Ada\"), reporter: None, \
          created: Timestamp(10), updated: Timestamp(20), resolved: None, resolution: None, \
          parent: Some(\"ACME-99\"), epic: None, links: [(\"Blocks\", Inward, \"ACME-3\")], \
          mentions: \"ACME-7 ACME-8\" }"]
    );
    assert_eq!(store.ticket(&scope(), &given.key).unwrap(), Some(given));
    assert_eq!(store.ticket(&scope(), &"ACME-2".parse().unwrap()).unwrap(), None);
}

pub(super) fn the_same_import_again_leaves_the_sequence(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    // As in a file that was exported page by page while the ticket changed.
    let tickets = [ticket("ACME-1", "old"), ticket("ACME-2", "two"), ticket("ACME-1", "new")];
    let outcome = import(&mut *writer, "jira", false, &tickets);
    assert_eq!(outcome, TicketOutcome { sequence: 1, changed: true, added: 2, ..TicketOutcome::default() });
    let before = project(&*store);
    let outcome = import(&mut *writer, "jira", true, &tickets);
    assert_eq!(outcome, TicketOutcome { sequence: 1, unchanged: 2, ..TicketOutcome::default() });
    assert_eq!(project(&*store), before);
    let status = store.sources(&scope()).unwrap().remove(0);
    assert_eq!((status.records.tickets, status.newest), (2, Some(Timestamp::from_unix(20))));
    assert_eq!(store.ticket(&scope(), &tickets[0].key).unwrap().unwrap().summary, "new");

    let outcome = import(&mut *writer, "jira", false, &[ticket("ACME-2", "deux"), ticket("ACME-3", "trois")]);
    assert_eq!(outcome, TicketOutcome { sequence: 2, changed: true, added: 1, updated: 1, ..TicketOutcome::default() });
}

pub(super) fn pruning_removes_what_the_feed_did_not_bring(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    import(&mut *writer, "other", false, &[ticket("OTHER-1", "stays")]);
    import(&mut *writer, "jira", false, &[ticket("ACME-1", "one"), ticket("ACME-2", "two")]);
    let outcome = import(&mut *writer, "jira", false, &[ticket("ACME-2", "two")]);
    assert_eq!((outcome.removed, outcome.changed), (0, false));
    let outcome = import(&mut *writer, "jira", true, &[ticket("ACME-2", "two")]);
    assert_eq!((outcome.removed, outcome.unchanged, outcome.sequence), (1, 1, 3));
    assert_eq!(only(&*store, &["ticket"]).len(), 2);
    assert_eq!(store.ticket(&scope(), &"ACME-1".parse().unwrap()).unwrap(), None);
}

pub(super) fn the_last_import_of_a_key_wins(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    import(&mut *writer, "old", false, &[ticket("ACME-1", "one"), ticket("ACME-2", "two")]);
    let outcome = import(&mut *writer, "new", false, &[ticket("ACME-1", "one")]);
    assert_eq!((outcome.updated, outcome.sequence), (1, 2));
    assert_eq!(only(&*store, &["ticket new"]).len(), 1);
    assert_eq!(only(&*store, &["ticket old"]).len(), 1);
    // The other source has changed too: whatever was computed from it is out of date.
    let sequences: Vec<_> = store.sources(&scope()).unwrap().into_iter().map(|s| (s.name, s.sequence)).collect();
    assert_eq!(sequences, [("new".to_owned(), 2), ("old".to_owned(), 2)]);
    let outcome = import(&mut *writer, "old", true, &[ticket("ACME-2", "two")]);
    assert_eq!((outcome.removed, outcome.changed), (0, false));
}

pub(super) fn projects_and_notes_are_changes(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = writer.source(SourceKind::Tickets, "jira", "/t").unwrap().id;
    let mut run = |projects: &[&str], notes: &[&str]| {
        let projects: Vec<String> = projects.iter().map(|&text| text.to_owned()).collect();
        let import =
            TicketImport { location: "/t", projects: &projects, prune: false, synced: Timestamp::from_unix(1) };
        let end = FeedEnd { notes: notes.iter().map(|&text| text.to_owned()).collect(), ..FeedEnd::default() };
        writer.import_tickets(source, import, &mut |_| Ok(end.clone())).unwrap().sequence
    };
    assert_eq!(run(&[], &[]), 1);
    assert_eq!(run(&[], &[]), 1);
    assert_eq!(run(&["ACME"], &[]), 2);
    assert_eq!(run(&["ACME"], &["3 issues have no key"]), 3);
    assert_eq!(run(&["ACME"], &["3 issues have no key"]), 3);
    assert_eq!(
        only(&*store, &["source"]),
        ["source jira Tickets [\"ACME\"] [\"3 issues have no key\"] interrupted=false"]
    );
}

pub(super) fn a_failing_feed_imports_nothing(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    import(&mut *writer, "jira", false, &[ticket("ACME-1", "one")]);
    let before = project(&*store);
    let source = writer.source(SourceKind::Tickets, "jira", "/t").unwrap().id;
    let import_of = TicketImport { location: "/t", projects: &[], prune: true, synced: Timestamp::from_unix(1) };
    let error = refused(writer.import_tickets(source, import_of, &mut |sink| {
        sink.ticket(&ticket("ACME-1", "changed"))?;
        sink.ticket(&ticket("ACME-2", "two"))?;
        Err("line 3 is cut off".into())
    }));
    assert!(matches!(&error, StoreError::Feed(cause) if cause.to_string() == "line 3 is cut off"));
    assert_eq!(project(&*store), before);
    assert_eq!(import(&mut *writer, "jira", false, &[ticket("ACME-1", "one")]).unchanged, 1);
}

/// Any sequence of imports leaves what a map would hold, counts by key, and moves the sequence exactly when the
/// content differs.
pub(super) fn imports_are_what_a_map_would_do(backend: &dyn Backend) {
    let store = backend.open();
    let case = prop::collection::vec((any::<bool>(), prop::collection::vec(any_ticket(), 0..8), any::<bool>()), 1..4);
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    runner
        .run(&case, |imports| {
            let mut writer = writer(&*store);
            for name in ["a", "b"] {
                import(&mut *writer, name, true, &[]);
            }
            let mut held: BTreeMap<String, (&str, Ticket)> = BTreeMap::new();
            for (first, mut tickets, repeat) in imports {
                let name = if first { "a" } else { "b" };
                if repeat {
                    // Tickets that are held already, after others with the same key.
                    tickets.extend(held.values().filter(|(of, _)| *of == name).map(|(_, ticket)| ticket.clone()));
                }
                let before = held.clone();
                let sequence = store.sequence(&scope()).unwrap();
                let outcome = import(&mut *writer, name, true, &tickets);
                held.retain(|key, (of, _)| *of != name || tickets.iter().any(|ticket| ticket.key.as_str() == key));
                for ticket in tickets {
                    held.insert(ticket.key.to_string(), (name, ticket));
                }
                let added = held.keys().filter(|key| !before.contains_key(*key)).count();
                let updated =
                    held.iter().filter(|(key, value)| before.get(*key).is_some_and(|old| old != *value)).count();
                let removed = before.keys().filter(|key| !held.contains_key(*key)).count();
                prop_assert_eq!(
                    (outcome.added, outcome.updated, outcome.removed),
                    (added as u64, updated as u64, removed as u64)
                );
                prop_assert_eq!(outcome.sequence, sequence + u64::from(held != before));
                prop_assert_eq!(only(&*store, &["ticket"]).len(), held.len());
                for (of, ticket) in held.values() {
                    let stored = store.ticket(&scope(), &ticket.key).unwrap();
                    prop_assert_eq!(stored.as_ref(), Some(ticket));
                    let line = format!(
                        "ticket {of} TicketRow {{ source: SourceId(0), key: {:?}, summary: {:?},",
                        ticket.key.as_str(),
                        ticket.summary
                    );
                    prop_assert_eq!(only(&*store, &[&line]).len(), 1);
                }
            }
            Ok(())
        })
        .unwrap();
}
