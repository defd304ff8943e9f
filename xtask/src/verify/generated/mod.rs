//! A small repository that holds every oddity of git that we know, and tickets to go with it.
//!
//! The same bytes on every machine and day: dates and contents are fixed, and `git fast-import` writes what it is told.

mod chapters;
mod scribe;
mod tickets;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Writes the repository and the ticket file into a folder and gives both paths.
pub(super) fn write(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize().with_context(|| format!("there is no {}", folder.display()))?;
    let (repository, file) = (folder.join("nasty.git"), folder.join("tickets.json"));
    let mut scribe = scribe::Scribe::default();
    chapters::tell(&mut scribe);
    fs::write(&file, tickets::document(&scribe.times()))?;
    scribe.import(&repository)?;
    Ok((repository, file))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Truth, git};
    use super::*;

    fn tip(repository: &Path) -> String {
        let output = git::output(git::git(repository).args(["rev-parse", "HEAD"])).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn the_repository_is_the_same_every_time() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, tickets) = write(one.path()).unwrap();
        let (second, again) = write(two.path()).unwrap();
        assert_eq!(tip(&first), tip(&second));
        assert_eq!(fs::read(tickets).unwrap(), fs::read(again).unwrap());
    }

    #[test]
    fn the_repository_holds_what_it_promises() {
        let folder = tempfile::tempdir().unwrap();
        let (repository, file) = write(folder.path()).unwrap();
        git::output(git::git(&repository).args(["fsck", "--strict", "--no-dangling"])).unwrap();
        let truth = Truth::read(&repository, Some(&file)).unwrap();
        let commits = &truth.history.commits;
        assert!(commits.len() >= 150, "{}", commits.len());
        assert!(commits.iter().any(|commit| commit.parents >= 4), "an octopus");
        assert!(commits.iter().filter(|commit| commit.parents == 0).count() >= 2, "two roots");
        assert!(commits.iter().any(|commit| commit.garbled) && commits.iter().any(|commit| commit.message.is_empty()));
        let changes: Vec<_> = truth.history.changes.values().flatten().collect();
        let statuses: BTreeSet<char> = changes.iter().map(|change| change.status).collect();
        assert_eq!(statuses, BTreeSet::from(['A', 'D', 'M', 'R', 'T']));
        assert!(changes.iter().any(|change| change.binary));
        assert!(changes.iter().any(|change| change.path.contains("\\x")));
        assert!(
            changes.iter().any(|change| change.status == 'M' && !change.binary && change.added + change.deleted == 0)
        );
        assert!(changes.iter().filter(|change| change.status == 'R').count() >= 15);
        assert!(truth.history.changes.values().any(|changes| changes.len() == 50));
        assert!(truth.history.changes.values().any(|changes| changes.len() > 50));
        assert!(truth.history.changes.len() < commits.iter().filter(|commit| commit.parents < 2).count(), "empty ones");
    }

    #[test]
    fn every_kind_of_gap_occurs_at_some_instant() {
        let folder = tempfile::tempdir().unwrap();
        let (repository, file) = write(folder.path()).unwrap();
        let truth = Truth::read(&repository, Some(&file)).unwrap();
        let links = super::super::Links::new(&truth.history, &truth.tickets, &truth.projects);
        let as_of = "2020-06-01T00:00:00Z".parse().unwrap();
        let orphaned = links.orphaned(as_of, 3650).unwrap();
        assert_eq!(orphaned.counts["by_class"].len(), 3, "{:?}", orphaned.counts);
        assert!(orphaned.rows.len() > 37, "more than a page: {}", orphaned.rows.len());
        assert!(!links.orphaned("2019-09-14T01:29:36Z".parse().unwrap(), 30).unwrap().rows.is_empty());
        assert!(!links.stale(as_of, 30).unwrap().rows.is_empty());
        assert!(links.missing_decisions(as_of, &BTreeSet::new()).rows.len() > 5);
        assert!(links.dangling(as_of).rows.len() > 3);
    }
}
