//! Each file's history through renames, and what changes together with it.
//!
//! All non-merge commits stand in one order: by committer time, then by sha. The history of a path is every change to it,
//! and for each of those that renamed another path into it, the earlier changes to that path; and of its later changes
//! those up to the next that makes the path anew: edits that arrived from a parallel branch after the rename.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::git::{Change, History};

/// Commits of more files say nothing about which files belong together.
pub(crate) const CO_CHANGE_FILES: usize = 50;

/// The changes of the non-merge commits up to an instant, in order and by path.
pub(crate) struct Timeline<'a> {
    /// (time, sha, changes), in order.
    commits: Vec<(i64, &'a str, &'a [Change])>,
    /// For each path its changes: (place of the commit, place within the commit), in order.
    by_path: FxHashMap<&'a str, Vec<(usize, usize)>>,
}

/// A file's history.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct FileHistory<'a> {
    /// The commits' places in the timeline.
    commits: BTreeSet<usize>,
    /// Its earlier names.
    pub(crate) names: BTreeSet<&'a str>,
}

/// A file that changed together with another.
#[derive(Debug, PartialEq)]
pub(crate) struct Partner<'a> {
    pub(crate) path: &'a str,
    pub(crate) together: usize,
    pub(crate) confidence: f64,
}

impl<'a> Timeline<'a> {
    /// The timeline of all commits that were there at `as_of` (in seconds).
    pub(crate) fn new(history: &'a History, as_of: i64) -> Self {
        let mut commits: Vec<(i64, &str, &[Change])> = history
            .commits
            .iter()
            .filter(|commit| commit.parents < 2 && commit.time <= as_of)
            .map(|commit| {
                let changes = history.changes.get(&commit.sha).map_or(&[][..], Vec::as_slice);
                (commit.time, commit.sha.as_str(), changes)
            })
            .collect();
        commits.sort_unstable_by_key(|(time, sha, _)| (*time, *sha));
        let mut by_path: FxHashMap<&str, Vec<(usize, usize)>> = FxHashMap::default();
        for (at, (_, _, changes)) in commits.iter().enumerate() {
            for (within, change) in changes.iter().enumerate() {
                by_path.entry(&change.path).or_default().push((at, within));
            }
        }
        Self { commits, by_path }
    }

    /// Every path that a commit changed, sorted.
    pub(crate) fn paths(&self) -> Vec<&'a str> {
        let mut paths: Vec<&str> = self.by_path.keys().copied().collect();
        paths.sort_unstable();
        paths
    }

    /// Whether a commit renamed another path into this one.
    pub(crate) fn was_renamed(&self, path: &str) -> bool {
        self.changes_to(path).iter().any(|(at, within)| self.commits[*at].2[*within].source.is_some())
    }

    fn changes_to(&self, path: &str) -> &[(usize, usize)] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    /// The history of a path.
    pub(crate) fn history<'p>(&'p self, path: &'p str) -> FileHistory<'p> {
        let mut found = FileHistory::default();
        let mut visited: FxHashSet<(&str, Option<usize>)> = FxHashSet::default();
        // A path, and the commit that renamed it away.
        let mut pending: Vec<(&str, Option<usize>)> = vec![(path, None)];
        while let Some((name, renamed_at)) = pending.pop() {
            if !visited.insert((name, renamed_at)) {
                continue;
            }
            if name != path {
                found.names.insert(name);
            }
            for (at, within) in self.changes_to(name) {
                let change = &self.commits[*at].2[*within];
                match renamed_at {
                    Some(bound) if *at == bound => continue,
                    Some(bound) if *at > bound && matches!(change.status, 'A' | 'R') => break,
                    _ => {}
                }
                found.commits.insert(*at);
                if let Some(source) = &change.source {
                    pending.push((source, Some(*at)));
                }
            }
        }
        found
    }

    /// The commits of a history, oldest first: (time, sha).
    pub(crate) fn commits(&self, history: &FileHistory<'_>) -> Vec<(i64, &'a str)> {
        history.commits.iter().map(|at| (self.commits[*at].0, self.commits[*at].1)).collect()
    }

    /// What changes together with a path, best first.
    pub(crate) fn co_changed(&self, path: &str, history: &FileHistory<'_>) -> Vec<Partner<'a>> {
        let small = history.commits.iter().map(|at| self.commits[*at].2).filter(|c| c.len() <= CO_CHANGE_FILES);
        let mut count = 0;
        let mut together: BTreeMap<&str, usize> = BTreeMap::new();
        for changes in small {
            count += 1;
            for change in changes {
                if change.path != path && !history.names.contains(change.path.as_str()) {
                    *together.entry(&change.path).or_default() += 1;
                }
            }
        }
        let mut partners: Vec<Partner<'_>> = together
            .into_iter()
            .map(|(path, together)| Partner { path, together, confidence: together as f64 / f64::from(count) })
            .collect();
        // All share one denominator, so that the order by confidence is that by `together`; the sort keeps paths sorted.
        partners.sort_by_key(|partner| std::cmp::Reverse(partner.together));
        partners
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::git::Commit;
    use super::*;

    /// A history from lines `sha[@time] change…`, a change being `A:path`, `M:path`, `D:path` or `R:old>new`; times are
    /// the lines' numbers. `merge` as first change makes a merge.
    pub(crate) fn history(lines: &str) -> History {
        let mut history = History::default();
        for (number, line) in lines.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap();
            let (sha, time) = name.split_once('@').map_or((name, number as i64), |(s, t)| (s, t.parse().unwrap()));
            let mut parents = 1;
            for word in words {
                let Some((status, path)) = word.split_once(':') else {
                    parents = 2;
                    continue;
                };
                let (path, source) = match path.split_once('>') {
                    Some((old, new)) => (new, Some(old.to_owned())),
                    None => (path, None),
                };
                let status = status.chars().next().unwrap();
                let change = Change { status, path: path.to_owned(), source, added: 1, deleted: 0, binary: false };
                history.changes.entry(sha.to_owned()).or_default().push(change);
            }
            let message = format!("message of {sha}");
            history.commits.push(Commit { sha: sha.to_owned(), parents, time, message, garbled: false });
        }
        history
    }

    fn check(lines: &str, path: &str, commits: &str, names: &str) {
        let history = history(lines);
        let timeline = Timeline::new(&history, i64::MAX);
        let found = timeline.history(path);
        let shas: Vec<&str> = timeline.commits(&found).into_iter().map(|(_, sha)| sha).collect();
        assert_eq!(shas.join(" "), commits, "commits of {path}");
        assert_eq!(found.names.into_iter().collect::<Vec<_>>().join(" "), names, "names of {path}");
    }

    #[test]
    fn a_chain_of_renames_is_followed() {
        let lines = "c0 A:a A:z\n c1 M:a\n c2 R:a>b\n c3 M:b\n c4 R:b>c\n c5 M:c";
        check(lines, "c", "c0 c1 c2 c3 c4 c5", "a b");
        check(lines, "b", "c0 c1 c2 c3", "a");
        check(lines, "a", "c0 c1", "");
    }

    #[test]
    fn a_new_file_under_the_old_name_is_another_file() {
        let lines = "c0 A:a\n c1 R:a>b\n c2 A:a\n c3 M:a\n c4 M:b";
        check(lines, "b", "c0 c1 c4", "a");
        check(lines, "a", "c0 c2 c3", "");
    }

    #[test]
    fn edits_of_the_old_name_from_a_parallel_branch_belong_to_the_new_one() {
        check("c0 A:a\n c1 R:a>b\n c2 M:a\n m merge\n c3 M:b", "b", "c0 c1 c2 c3", "a");
        check("c0 A:a A:y\n c1 R:a>b\n c2 M:a\n c3 R:y>a\n c4 M:a", "b", "c0 c1 c2", "a");
    }

    #[test]
    fn swaps_and_circles_end() {
        check("c0 A:x A:y\n c1 M:x\n c2 R:x>y R:y>x\n c3 M:y", "y", "c0 c1 c2 c3", "x");
        check("c0 A:a\n c1 R:a>b\n c2 R:b>a\n c3 M:a", "a", "c0 c1 c2 c3", "b");
    }

    #[test]
    fn commits_at_one_instant_stand_in_the_order_of_their_names() {
        check("b@5 A:a\n a@5 M:a\n c@4 M:a", "a", "c a b", "");
    }

    #[test]
    fn later_commits_and_merges_do_not_count() {
        let history = history("c0 A:a\n c1 merge M:a\n c2 M:a\n c3 M:a");
        let timeline = Timeline::new(&history, 2);
        assert_eq!(timeline.commits(&timeline.history("a")), [(0, "c0"), (2, "c2")]);
    }

    #[test]
    fn partners_are_counted_over_commits_of_at_most_fifty_files() {
        let many: String = (0..50).map(|n| format!(" A:f{n}")).collect();
        let lines = format!("c0 A:a A:b\n c1 R:a>p M:b\n c2 M:p M:b M:c M:a\n c3 M:p{many}\n c4 M:p M:c");
        let history = history(&lines);
        let timeline = Timeline::new(&history, i64::MAX);
        let partners = timeline.co_changed("p", &timeline.history("p"));
        let shown: Vec<String> =
            partners.iter().map(|p| format!("{} {} {:.2}", p.path, p.together, p.confidence)).collect();
        assert_eq!(shown, ["b 3 0.75", "c 2 0.50"], "51 files are too many; own names are no partners");
    }
}
