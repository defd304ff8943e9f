//! Compares commits and their references with the export.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::export::Export;
use super::gaps::Links;
use super::git::{Commit, History};
use super::keys::Key;
use super::report::Section;
use super::tickets::Ticket;

/// The commits of the branch, the tickets of the file, and the export's own rules.
pub(crate) fn compare_nodes(history: &History, tickets: &BTreeMap<Key, Ticket>, export: &Export) -> Section {
    let mut section = Section::new("commits and tickets");
    let expected: BTreeSet<&str> = history.commits.iter().map(|commit| commit.sha.as_str()).collect();
    difference(&mut section, "commit", &expected, &export.commits.iter().map(String::as_str).collect());
    let keys: Vec<String> = tickets.keys().map(ToString::to_string).collect();
    // A graph may give a dangling reference a node to point to; a ticket of the file it must have.
    let known: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let there: BTreeSet<&str> = export.tickets.iter().map(String::as_str).filter(|key| known.contains(key)).collect();
    difference(&mut section, "ticket", &known, &there);
    for fault in &export.faults {
        section.mismatch(format!("the export: {fault}"));
    }
    section
}

fn difference(section: &mut Section, what: &str, expected: &BTreeSet<&str>, product: &BTreeSet<&str>) {
    section.compared += expected.len();
    for id in expected.difference(product) {
        section.mismatch(format!("- product lacks {what} {id}"));
    }
    for id in product.difference(expected) {
        section.mismatch(format!("+ product only  {what} {id}"));
    }
}

/// The linked pairs (commit, ticket).
pub(crate) fn compare_pairs(
    history: &History,
    links: &Links<'_>,
    tickets: &BTreeMap<Key, Ticket>,
    export: &Export,
) -> Section {
    let mut section = Section::new("linked pairs");
    let mut expected: FxHashMap<(String, String), bool> = FxHashMap::default();
    for (key, places) in &links.citing {
        for at in places {
            let pair = (history.commits[*at].sha.clone(), key.to_string());
            expected.insert(pair, !tickets.contains_key(key));
        }
    }
    section.compared = expected.len();
    let commits: FxHashMap<&str, &Commit> = history.commits.iter().map(|c| (c.sha.as_str(), c)).collect();
    // Which letters a message in an unknown encoding has decides where its words end; both readings are sound.
    let garbled = |sha: &str| commits.get(sha).is_some_and(|commit| commit.garbled);
    let subject = |sha: &str| commits.get(sha).map_or("(not on the branch)", |commit| commit.subject());
    let mut lenient = 0;
    let mut pairs: Vec<_> = expected.keys().chain(export.references.keys()).collect();
    pairs.sort_unstable();
    pairs.dedup();
    for pair in pairs {
        let (sha, key) = pair;
        let text = match (expected.get(pair), export.references.get(pair)) {
            (Some(ours), Some(theirs)) if ours == theirs => continue,
            (Some(ours), Some(theirs)) => format!("{sha} {key}: dangling is {theirs}, expected {ours}"),
            (Some(_), None) => format!("- product lacks {sha} {key}: {}", subject(sha)),
            (None, _) => format!("+ product only  {sha} {key}: {}", subject(sha)),
        };
        if garbled(sha) {
            lenient += 1;
        } else {
            section.mismatch(text);
        }
    }
    let dangling = expected.values().filter(|dangling| **dangling).count();
    section.note(format!("{dangling} of the expected pairs dangle"));
    if lenient > 0 {
        section.note(format!("{lenient} differences in messages that are not UTF-8 were let pass"));
    }
    section
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::history;
    use super::super::keys::Projects;
    use super::*;

    #[test]
    fn lost_invented_and_misjudged_pairs_are_found() {
        let mut history = history("c0 A:a\n c1 M:a\n c2 M:a\n c3 M:a");
        for (commit, message) in history.commits.iter_mut().zip(["A-1", "A-2", "A-3", "x"]) {
            commit.message = message.to_owned();
        }
        history.commits[3].garbled = true;
        let tickets = BTreeMap::new();
        let links = Links::new(&history, &tickets, &Projects::of(["A"]));
        let mut export = Export::default();
        let mut refer = |sha: &str, key: &str, dangling| {
            export.references.insert((sha.to_owned(), key.to_owned()), dangling);
        };
        refer("c1", "A-2", true);
        refer("c2", "A-3", false);
        refer("c2", "A-9", true);
        refer("c3", "A-7", true);
        let section = compare_pairs(&history, &links, &tickets, &export);
        assert_eq!(section.mismatches(), 3, "{:?}", section.shown());
        assert!(section.notes.iter().any(|note| note.starts_with("1 differences")), "c3 is read leniently");
    }

    #[test]
    fn nodes_must_be_those_of_the_branch() {
        let history = history("c0 A:a\n c1 M:a");
        let export = Export { commits: ["c0", "c9"].map(str::to_owned).into(), ..Export::default() };
        assert_eq!(compare_nodes(&history, &BTreeMap::new(), &export).mismatches(), 2);
    }
}
