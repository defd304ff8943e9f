//! That what is written is what was planned, as git sees it.

use docassist_model::Commit;

use super::*;
use crate::records::History;

#[test]
fn git_sees_the_planned_history() {
    let folder = tempfile::tempdir().unwrap();
    let shape = Shape::small(700);
    write(&shape, folder.path());
    let planned: Vec<_> = History::new(&shape).collect();
    let subjects = output(folder.path(), &["log", "--reverse", "--topo-order", "--format=%s", BRANCH]);
    let (mut found, mut expected): (Vec<&str>, Vec<&str>) =
        (subjects.lines().collect(), planned.iter().map(Commit::subject).collect());
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let mut history = History::new(&shape);
    history.by_ref().for_each(drop);
    let listed = output(folder.path(), &["ls-tree", "-r", "--name-only", BRANCH]);
    let tip: Vec<String> = history.tip().into_iter().map(|file| file.path).collect();
    assert_eq!(listed.lines().collect::<Vec<_>>(), tip);
    // Git finds the renames that were planned, but for those whose content it takes for another's.
    let renames = output(folder.path(), &["log", "--no-merges", "-M", "--diff-filter=R", "--name-only", "--format="]);
    let planned_renames =
        planned.iter().flat_map(|commit| &commit.changes).filter(|change| change.status == ChangeStatus::Renamed);
    let (found, expected) = (renames.lines().count(), planned_renames.count());
    assert!(found * 10 >= expected * 8 && expected > 0, "{found} of {expected} renames");
    run(folder.path(), &["fsck", "--no-progress"]);
    assert_eq!(output(folder.path(), &["for-each-ref", "--format=%(refname)"]).trim(), BRANCH);
}

#[test]
fn commits_can_be_appended_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    write(&Shape::small(50), folder.path());
    let before = tip(folder.path());
    append(folder.path(), 10);
    let after = tip(folder.path());
    let count = output(folder.path(), &["rev-list", "--count", &format!("{before}..{after}")]);
    assert_eq!(count.trim(), "10");
    reset(folder.path(), &before);
    assert_eq!(tip(folder.path()), before);
}

#[test]
fn equal_shapes_make_equal_repositories() {
    let tip_of = || {
        let folder = tempfile::tempdir().unwrap();
        write(&Shape::small(120), folder.path());
        tip(folder.path())
    };
    assert_eq!(tip_of(), tip_of());
}
