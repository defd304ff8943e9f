//! Repositories.

use docassist_model::{ChangeStatus, Commit, FileChange, Identity, ObjectId, SourceKind, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::builders::{any_commit, change, commit, decision, end, file, git, id, identity, ids, page, sync};
use super::{Backend, only, project, refused, scope, writer};
use crate::{FileChanges, GitFinish, Outcome, PageChanges, StoreError, Writer};

pub(super) fn commits_are_projected_as_they_were_given(backend: &dyn Backend) {
    let store = backend.open();
    let mut first = commit(1, "acme-3, ACME-3: Add\n\nfor ACME-3 and FOO-2, FOO-2\n\nThis reverts commit 12.");
    first.changes = vec![
        FileChange { from: Some("old.rs".to_owned()), status: ChangeStatus::Renamed, ..change("new.rs") },
        FileChange { binary: true, additions: 0, deletions: 0, ..change("logo.png") },
    ];
    let merge = Commit { parents: ids(&[1, 9]), changes: Vec::new(), ..commit(2, "\n  Merge \nACME-1") };
    sync(&mut *writer(&*store), &[first, merge]);
    assert_eq!(
        only(&*store, &["commit"]),
        [
            format!(
                "commit repo {} parents=0 Ada <ada@example.org> 1001 2001 \"acme-3, ACME-3: Add\" revert=true \
                 [ACME-3] [FOO-2] [\"Reviewer Cy <cy@example.org>\"] \
                 [\"R repo:new.rs Some(\\\"repo:old.rs\\\") +3 -1 false\", \"M repo:logo.png None +0 -0 true\"]",
                id(1)
            ),
            format!(
                "commit repo {} parents=2 Ada <ada@example.org> 1002 2002 \"Merge\" revert=false [] [ACME-1] \
                 [\"Reviewer Cy <cy@example.org>\"] []",
                id(2)
            ),
        ]
    );
    assert_eq!(store.commit_message(&scope(), "repo", &id(2)).unwrap().as_deref(), Some("\n  Merge \nACME-1"));
    assert_eq!(store.commit_message(&scope(), "repo", &id(3)).unwrap(), None);
    assert_eq!(store.commit_message(&scope(), "other", &id(2)).unwrap(), None);
}

pub(super) fn staged_commits_are_invisible_until_the_sync_ends(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = git(&mut *writer);
    assert!(store.sources(&scope()).unwrap()[0].interrupted);
    assert_eq!(writer.stage_commits(source, &[commit(1, "one"), commit(2, "two")]).unwrap(), 2);
    assert!(writer.has_staged(source).unwrap());
    assert!(writer.known_commit(source, &id(2)).unwrap());
    assert!(!writer.known_commit(source, &id(3)).unwrap());
    assert_eq!(project(&*store), (0, vec!["source repo Git [] [] interrupted=true".to_owned()]));
    assert_eq!(store.commit_message(&scope(), "repo", &id(1)).unwrap(), None);
    let status = store.sources(&scope()).unwrap().remove(0);
    assert_eq!((status.records.commits, status.staged, status.newest), (0, 2, None));

    let outcome = writer.finish_git(source, end()).unwrap();
    assert_eq!((outcome.commits_added, outcome.changed, outcome.sequence), (2, true, 1));
    assert!(!writer.has_staged(source).unwrap());
    assert!(writer.known_commit(source, &id(2)).unwrap());
    assert_eq!(only(&*store, &["commit"]).len(), 2);
    assert_eq!(only(&*store, &["source"]), ["source repo Git [] [] interrupted=false"]);
    let status = store.sources(&scope()).unwrap().remove(0);
    assert_eq!((status.records.commits, status.staged), (2, 0));
    assert_eq!((status.newest, status.synced), (Some(Timestamp::from_unix(2002)), Some(Timestamp::from_unix(5000))));

    writer.stage_commits(source, &[commit(3, "three")]).unwrap();
    assert_eq!(only(&*store, &["commit"]).len(), 2);
    assert_eq!(only(&*store, &["source"]), ["source repo Git [] [] interrupted=true"]);
}

pub(super) fn a_batch_of_any_size_is_staged_whole(backend: &dyn Backend) {
    // More commits and paths, and more bytes, than one statement takes.
    let id = |n: u32| {
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        ObjectId::from_bytes(&bytes).unwrap()
    };
    let batch: Vec<Commit> = (1..=9_001)
        .map(|n| {
            let body = if n % 900 == 0 { "text ".repeat(400_000) } else { String::new() };
            let message = format!("ACME-{n}: Change {n}\n\n{body}");
            let (parents, changes) = (vec![id(n - 1)], vec![change(&format!("{n}.rs"))]);
            Commit { id: id(n), parents, changes, ..commit(1, &message) }
        })
        .collect();
    let store = backend.open();
    sync(&mut *writer(&*store), &batch);
    let found = only(&*store, &["commit"]);
    assert_eq!(found.len(), batch.len());
    for ((n, commit), found) in (1..).zip(&batch).zip(&found) {
        assert!(found.contains(&commit.id.to_hex()) && found.contains(&format!("repo:{n}.rs ")), "{found}");
    }
    for commit in batch.iter().step_by(450).chain(&batch[899..900]) {
        let message = store.commit_message(&scope(), "repo", &commit.id).unwrap();
        assert!(message.as_ref() == Some(&commit.message), "{}", commit.id);
    }
}

pub(super) fn an_interrupted_sync_goes_on_from_what_is_staged(backend: &dyn Backend) {
    {
        let store = backend.open();
        let mut writer = writer(&*store);
        let source = git(&mut *writer);
        writer.stage_commits(source, &[commit(1, "one"), commit(2, "two")]).unwrap();
    }
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = git(&mut *writer);
    assert!(writer.has_staged(source).unwrap());
    assert!(writer.known_commit(source, &id(1)).unwrap());
    assert_eq!(writer.commit_graph(source).unwrap(), [(id(1), vec![]), (id(2), vec![id(1)])]);
    assert_eq!(writer.stage_commits(source, &[commit(2, "two"), commit(3, "three")]).unwrap(), 1);
    assert_eq!(writer.finish_git(source, end()).unwrap().commits_added, 3);
    assert_eq!(only(&*store, &["commit"]).len(), 3);
    assert_eq!(writer.stage_commits(source, &[commit(3, "again")]).unwrap(), 0);
    assert_eq!(store.commit_message(&scope(), "repo", &id(3)).unwrap().as_deref(), Some("three"));
}

pub(super) fn unreachable_commits_go_whether_visible_or_staged(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    sync(&mut *writer, &[commit(1, "one"), commit(2, "two"), commit(3, "three")]);
    let source = git(&mut *writer);
    writer.stage_commits(source, &[commit(4, "four"), commit(5, "five")]).unwrap();
    let remove = ids(&[3, 4, 77]);
    let outcome = writer.finish_git(source, GitFinish { remove: &remove, ..end() }).unwrap();
    assert_eq!((outcome.commits_added, outcome.commits_removed, outcome.sequence), (1, 1, 2));
    let left: Vec<_> = writer.commit_graph(source).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(left, ids(&[1, 2, 5]));
    assert!(!writer.known_commit(source, &id(3)).unwrap() && !writer.known_commit(source, &id(4)).unwrap());
    assert_eq!(store.sources(&scope()).unwrap()[0].newest, Some(Timestamp::from_unix(2005)));

    // The newest row goes, and what is staged next is invisible all the same.
    writer.finish_git(source, GitFinish { remove: &ids(&[5, 2, 1]), ..end() }).unwrap();
    assert_eq!(store.sources(&scope()).unwrap()[0].newest, None);
    writer.stage_commits(source, &[commit(6, "six")]).unwrap();
    assert_eq!(only(&*store, &["commit"]), Vec::<String>::new());
    assert_eq!(writer.finish_git(source, end()).unwrap().commits_added, 1);
    assert_eq!(only(&*store, &["commit"]).len(), 1);
}

pub(super) fn a_sync_that_changes_nothing_leaves_the_sequence(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let (files, pages) = ([file("a.rs", 1), file("b.rs", 2)], [page("doc.md", "text")]);
    let decisions = [decision("doc.md", "Use x")];
    let cursor = json!({"tip": "abc", "branch": "main"});
    let source = git(&mut *writer);
    let whole = GitFinish {
        cursor: &cursor,
        files: FileChanges { replace_all: true, removed: &[], upserted: &files },
        pages: PageChanges { replace_all: true, removed: &[], upserted: &pages },
        decisions: Some(&decisions),
        ..end()
    };
    let first = writer.finish_git(source, whole).unwrap();
    assert_eq!(
        first,
        Outcome {
            sequence: 1,
            changed: true,
            files_upserted: 2,
            pages_upserted: 1,
            decisions_changed: true,
            ..Outcome::default()
        }
    );
    let before = project(&*store);
    let unchanged = Outcome { sequence: 1, ..Outcome::default() };
    let later = GitFinish { synced: Timestamp::from_unix(9000), location: "/moved", mailmap_changed: true, ..whole };
    assert_eq!(writer.finish_git(source, later).unwrap(), unchanged);
    assert_eq!(writer.finish_git(source, GitFinish { cursor: &cursor, ..end() }).unwrap(), unchanged);
    assert_eq!(project(&*store), before);
    let status = store.sources(&scope()).unwrap().remove(0);
    assert_eq!((status.sequence, status.cursor.clone()), (1, cursor.clone()));

    let notes = ["shallow clone".to_owned()];
    let noted = GitFinish { notes: &notes, ..later };
    assert_eq!(writer.finish_git(source, noted).unwrap().sequence, 2);
    assert!(only(&*store, &["source"])[0].contains("shallow clone"));
    let status = store.sources(&scope()).unwrap().remove(0);
    assert_eq!((status.sequence, status.location.as_str()), (2, "/moved"));
    let moved = json!({"tip": "abd"});
    assert!(writer.finish_git(source, GitFinish { cursor: &moved, ..noted }).unwrap().changed);
}

pub(super) fn files_follow_the_tree(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = git(&mut *writer);
    let mut change = |replace_all, removed: &[&str], upserted: &[_]| {
        let removed: Vec<String> = removed.iter().map(|&path| path.to_owned()).collect();
        let files = FileChanges { replace_all, removed: &removed, upserted };
        let outcome = writer.finish_git(source, GitFinish { files, ..end() }).unwrap();
        ((outcome.files_upserted, outcome.files_removed), only(&*store, &["file"]))
    };
    let line = |path: &str, size: u64| format!("file repo:{path} Source {size}");
    let (counts, files) = change(true, &[], &[file("a", 1), file("b", 2), file("c", 3)]);
    assert_eq!((counts, files.len()), ((3, 0), 3));
    let (counts, files) = change(false, &["a", "never"], &[file("b", 2), file("c", 4), file("d", u64::from(u32::MAX))]);
    assert_eq!(counts, (2, 1));
    assert_eq!(files, [line("b", 2), line("c", 4), line("d", 4_294_967_295)]);
    let (counts, files) = change(true, &[], &[file("d", 5), file("e", 1)]);
    assert_eq!((counts, files), ((2, 2), vec![line("d", 5), line("e", 1)]));
    // Moved within one delta: gone at one path, new at the same.
    let (_, files) = change(false, &["d"], &[file("d", 6)]);
    assert_eq!(files, [line("d", 6), line("e", 1)]);
}

pub(super) fn mailmap_is_applied_to_new_identities_or_to_all(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = git(&mut *writer);
    let authors = || -> Vec<String> {
        let lines = only(&*store, &["commit"]);
        lines.iter().map(|line| line.split_whitespace().nth(4).unwrap().to_owned()).collect()
    };
    let shout = |identity: &Identity| Identity { name: identity.name.to_uppercase(), ..identity.clone() };
    writer.stage_commits(source, &[commit(1, "one")]).unwrap();
    let outcome = writer.finish_git(source, end()).unwrap();
    assert_eq!((outcome.identities_changed, authors()), (3, vec!["Ada".to_owned()]));

    let two = Commit { author: identity("Dee"), ..commit(2, "two") };
    writer.stage_commits(source, &[two]).unwrap();
    let outcome = writer.finish_git(source, GitFinish { canonical: &shout, ..end() }).unwrap();
    assert_eq!((outcome.identities_changed, authors()), (1, vec!["Ada".to_owned(), "DEE".to_owned()]));

    let all = GitFinish { canonical: &shout, mailmap_changed: true, ..end() };
    let outcome = writer.finish_git(source, all).unwrap();
    assert_eq!((outcome.identities_changed, outcome.sequence), (3, 3));
    assert_eq!(authors(), ["ADA", "DEE"]);
    assert!(!writer.finish_git(source, all).unwrap().changed);
}

pub(super) fn an_operation_for_another_kind_is_refused(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = git(&mut *writer);
    let error = writer.source(SourceKind::Docs, "repo", "/docs").unwrap_err();
    assert_eq!(error.to_string(), "source `repo` is of kind git, not docs");
    let docs = writer.source(SourceKind::Docs, "docs", "/docs").unwrap().id;
    assert_ne!(source, docs);
    assert!(matches!(writer.stage_commits(docs, &[]), Err(StoreError::KindMismatch { .. })));
    assert!(matches!(writer.finish_git(docs, end()), Err(StoreError::KindMismatch { .. })));
    let unknown = docassist_model::SourceId(99);
    assert!(matches!(refused(writer.commit_graph(unknown)), StoreError::UnknownSource(_)));
}

/// What a shadow is read with.
fn terms() -> Value {
    json!({"reader": 1})
}

pub(super) fn a_source_is_read_anew_behind_its_back(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let cursor = json!({"tip": "abc"});
    let source = git(&mut *writer);
    writer.stage_commits(source, &[commit(1, "one"), commit(2, "two")]).unwrap();
    let (files, pages) = ([file("a.rs", 1), file("b.rs", 2)], [page("doc.md", "text")]);
    let whole = GitFinish {
        cursor: &cursor,
        files: FileChanges { replace_all: true, removed: &[], upserted: &files },
        pages: PageChanges { replace_all: true, removed: &[], upserted: &pages },
        ..end()
    };
    writer.finish_git(source, whole).unwrap();
    let before = project(&*store);
    let sources = store.sources(&scope()).unwrap();

    let shadow = writer.shadow(source, &terms()).unwrap();
    assert_eq!((shadow.name.as_str(), shadow.location.as_str()), ("repo", "/repo"));
    assert_eq!((shadow.synced, shadow.staged, &shadow.cursor), (None, 0, &terms()));
    assert_ne!(shadow.id, source);
    assert!(!writer.known_commit(shadow.id, &id(1)).unwrap());
    writer.stage_commits(shadow.id, &[commit(1, "one"), commit(2, "two, read otherwise")]).unwrap();
    assert_eq!((project(&*store), store.sources(&scope()).unwrap()), (before.clone(), sources));
    assert_eq!(git(&mut *writer), source);
    // An interrupted reading goes on.
    let again = writer.shadow(source, &terms()).unwrap();
    assert_eq!((again.id, again.staged), (shadow.id, 2));
    assert_eq!(writer.stage_commits(shadow.id, &[commit(2, "two"), commit(3, "three")]).unwrap(), 1);
    assert_eq!(project(&*store), before);

    let smaller = GitFinish {
        files: FileChanges { replace_all: true, removed: &[], upserted: &files[..1] },
        pages: PageChanges::default(),
        ..whole
    };
    let outcome = writer.finish_git(shadow.id, smaller).unwrap();
    let expected = Outcome {
        sequence: before.0 + 1,
        changed: true,
        commits_added: 3,
        files_upserted: 1,
        identities_changed: 3,
        ..Outcome::default()
    };
    assert_eq!(outcome, expected);
    let lines = project(&*store).1;
    let count = |kind: &str| lines.iter().filter(|line| line.starts_with(kind)).count();
    assert_eq!((count("source repo"), count("commit repo"), count("file repo"), lines.len()), (1, 3, 1, 5));
    let message = |number| store.commit_message(&scope(), "repo", &id(number)).unwrap();
    assert_eq!(message(2).as_deref(), Some("two, read otherwise"));
    let status = store.sources(&scope()).unwrap();
    assert_eq!((status.len(), status[0].id, status[0].name.as_str()), (1, shadow.id, "repo"));
    assert_eq!((&status[0].cursor, status[0].interrupted), (&cursor, false));
    // It is the source now, like any other.
    assert!(matches!(refused(writer.finish_git(source, end())), StoreError::UnknownSource(_)));
    assert_eq!(sync(&mut *writer, &[commit(4, "four")]).commits_added, 1);
    assert_eq!(only(&*store, &["commit"]).len(), 4);
}

pub(super) fn an_abandoned_shadow_leaves_nothing(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let sequence = sync(&mut *writer, &[commit(1, "one")]).sequence;
    let source = git(&mut *writer);
    let begin = |writer: &mut dyn Writer, terms: &Value| {
        let shadow = writer.shadow(source, terms).unwrap();
        writer.stage_commits(shadow.id, &[commit(1, "read otherwise"), commit(2, "two")]).unwrap();
        shadow.id
    };
    // Read with other terms, it is begun anew.
    let first = begin(&mut *writer, &json!({"reader": 0}));
    let second = writer.shadow(source, &terms()).unwrap();
    assert_ne!(second.id, first);
    assert_eq!(second.staged, 0);
    assert!(matches!(refused(writer.commit_graph(first)), StoreError::UnknownSource(_)));

    // A sync of the source itself ends it, whether or not that sync changes anything.
    let abandoned = begin(&mut *writer, &terms());
    assert_eq!(writer.finish_git(source, end()).unwrap().sequence, sequence);
    assert!(matches!(refused(writer.finish_git(abandoned, end())), StoreError::UnknownSource(_)));
    assert_eq!(only(&*store, &["commit"]).len(), 1);
    assert_eq!(writer.shadow(source, &terms()).unwrap().staged, 0);

    // So does the removal of the source.
    let abandoned = begin(&mut *writer, &terms());
    writer.remove_source(source).unwrap();
    assert_eq!(project(&*store), (sequence + 1, vec![]));
    assert!(matches!(refused(writer.finish_git(abandoned, end())), StoreError::UnknownSource(_)));
    let again = git(&mut *writer);
    assert_eq!(writer.shadow(again, &terms()).unwrap().staged, 0);
}

pub(super) fn a_source_without_a_sync_can_be_read_anew(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = git(&mut *writer);
    writer.stage_commits(source, &[commit(1, "one"), commit(2, "two")]).unwrap();
    let shadow = writer.shadow(source, &terms()).unwrap().id;
    writer.stage_commits(shadow, &[commit(1, "one")]).unwrap();
    assert_eq!(project(&*store), (0, vec!["source repo Git [] [] interrupted=true".to_owned()]));
    let outcome = writer.finish_git(shadow, end()).unwrap();
    assert_eq!((outcome.sequence, outcome.commits_added), (1, 1));
    assert_eq!(only(&*store, &["commit"]).len(), 1);
    let docs = writer.source(SourceKind::Docs, "docs", "/docs").unwrap().id;
    assert!(matches!(writer.shadow(docs, &terms()), Err(StoreError::KindMismatch { .. })));
}

/// Whatever the way there, equal records give equal projections; and everything comes out as it went in.
pub(super) fn incremental_syncs_equal_one_sync(backend: &dyn Backend) {
    let store = backend.open();
    let case = prop::collection::vec(any::<bool>(), 6).prop_flat_map(|removed| {
        let commits: Vec<_> = (1..=6).map(any_commit).collect();
        (commits, Just(removed), 1..6_usize)
    });
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    runner
        .run(&case, |(commits, removed, cut)| {
            let mut writer = writer(&*store);
            // Left by a case that failed.
            for source in store.sources(&scope()).unwrap() {
                writer.remove_source(source.id).unwrap();
            }
            let gone: Vec<_> =
                commits.iter().zip(&removed).filter(|(_, gone)| **gone).map(|(commit, _)| commit.id).collect();
            let left: Vec<_> = commits.iter().filter(|commit| !gone.contains(&commit.id)).cloned().collect();
            let mut run = |stages: &[&[Commit]], remove: &[_]| {
                let source = writer.source(SourceKind::Git, "repo", "/repo").unwrap().id;
                for stage in stages {
                    writer.stage_commits(source, stage).unwrap();
                    writer.finish_git(source, end()).unwrap();
                }
                writer.finish_git(source, GitFinish { remove, ..end() }).unwrap();
                for commit in &left {
                    let message = store.commit_message(&scope(), "repo", &commit.id).unwrap();
                    assert_eq!(message.as_deref(), Some(commit.message.as_str()));
                }
                let result = (project(&*store).1, writer.commit_graph(source).unwrap());
                writer.remove_source(source).unwrap();
                result
            };
            let incremental = run(&[&commits[..cut], &commits[cut..]], &gone);
            let (lines, graph) = run(&[&left], &[]);
            prop_assert_eq!(&incremental.0, &lines);
            prop_assert_eq!(&incremental.1, &graph);
            let expected: Vec<_> = left.iter().map(|commit| (commit.id, commit.parents.clone())).collect();
            prop_assert_eq!(graph, expected);
            prop_assert_eq!(project(&*store).1.len(), 0);
            Ok(())
        })
        .unwrap();
}
