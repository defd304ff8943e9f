//! What benchmarks rely on: that a history is the same each time, consistent in itself, and shaped like real ones.

use std::collections::{HashMap, HashSet};

use docassist_model::commit::is_bot;
use docassist_model::reference::candidates;
use docassist_model::{ChangeStatus, FileKind};

use super::*;

#[test]
fn equal_shapes_yield_equal_records() {
    let shape = Shape::small(600);
    assert!(History::new(&shape).eq(History::new(&shape)));
    assert!(tickets(&shape).eq(tickets(&shape)));
    let other = Shape { seed: 2, ..shape.clone() };
    assert!(!History::new(&shape).eq(History::new(&other)));
}

#[test]
fn a_history_is_consistent_in_itself() {
    let shape = Shape::small(6000);
    let mut history = History::new(&shape);
    let mut seen = HashSet::new();
    let mut lines: HashMap<String, i64> = HashMap::new();
    for commit in history.by_ref() {
        assert!(commit.parents.iter().all(|parent| seen.contains(parent)), "parents come first");
        assert!(seen.insert(commit.id), "names are unique");
        assert!(commit.time <= Shape::end() && commit.authored <= commit.time);
        assert!(commit.changes.is_sorted_by(|a, b| a.path < b.path), "each path once, in order");
        for change in &commit.changes {
            let (added, deleted) = (i64::from(change.additions), i64::from(change.deletions));
            match change.status {
                ChangeStatus::Added => assert_eq!(lines.insert(change.path.clone(), added), None),
                ChangeStatus::Deleted => assert!(lines.remove(&change.path).is_some()),
                ChangeStatus::Renamed => {
                    let before = lines.remove(change.from.as_ref().unwrap()).expect("what is renamed was there");
                    assert_eq!(lines.insert(change.path.clone(), before + added - deleted), None);
                }
                _ => *lines.get_mut(&change.path).expect("what is changed is there") += added - deleted,
            }
        }
    }
    assert!(lines.values().all(|&count| count >= 0));
    let mut left: Vec<String> = lines.into_keys().collect();
    left.sort_unstable();
    let tip: Vec<String> = history.tip().into_iter().map(|file| file.path).collect();
    assert_eq!(left, tip);
}

#[test]
fn shares_are_those_of_real_histories() {
    let shape = Shape::small(20_000);
    let mut history = History::new(&shape);
    let commits: Vec<Commit> = history.by_ref().collect();
    let share = |test: &dyn Fn(&Commit) -> bool| {
        commits.iter().filter(|commit| test(commit)).count() as f64 / commits.len() as f64
    };
    let near = |what: &str, value: f64, low: f64, high: f64| {
        assert!((low..=high).contains(&value), "{what}: {value}");
    };
    let keys: HashSet<String> = tickets(&shape).map(|ticket| ticket.key.into()).collect();
    let changes: Vec<&FileChange> = commits.iter().flat_map(|commit| &commit.changes).collect();
    near("merges", share(&Commit::is_merge), 0.015, 0.05);
    near("bots", share(&|commit| is_bot(&commit.author)), 0.02, 0.06);
    near("subjects with a key", share(&|c| candidates(c.subject()).next().is_some()), 0.68, 0.8);
    near("dangling", share(&|c| candidates(c.subject()).any(|key| !keys.contains(key.as_str()))), 0.003, 0.02);
    near("reverts", share(&|c| docassist_model::commit::is_revert(&c.message)), 0.001, 0.02);
    near("changes", changes.len() as f64 / commits.len() as f64, 8.0, 12.0);
    let of = |status| changes.iter().filter(|change| change.status == status).count() as f64 / changes.len() as f64;
    near("renames", of(ChangeStatus::Renamed), 0.003, 0.03);
    near("deletions", of(ChangeStatus::Deleted), 0.003, 0.03);
    assert!(commits.iter().any(|commit| commit.changes.len() > 300), "there are mass commits");
    let mut by_file: HashMap<&str, usize> = HashMap::new();
    for change in &changes {
        *by_file.entry(&change.path).or_default() += 1;
    }
    let hottest = by_file.values().max().copied().unwrap_or_default() as f64 / commits.len() as f64;
    near("share of commits that change the hottest file", hottest, 0.01, 0.1);
    near("paths", by_file.len() as f64 / f64::from(shape.files), 0.8, 1.2);
    let tip = history.tip();
    let kind = |kind| tip.iter().filter(|file| file.kind == kind).count() as f64 / tip.len() as f64;
    near("source", kind(FileKind::Source), 0.3, 0.8);
    near("tests", kind(FileKind::Test), 0.1, 0.4);
    near("documentation", kind(FileKind::Documentation), 0.02, 0.25);
    assert!(history.pages().iter().any(|page| !page.paths.is_empty() && !page.tickets.is_empty()));
    assert!(history.decisions().iter().any(|decision| !decision.tickets.is_empty()));
}
