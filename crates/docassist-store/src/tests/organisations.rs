//! What concerns an organisation as a whole: its sources, its readers and its writer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use docassist_model::{ErrorCode, ObjectId, SourceKind, TenantScope};

use super::builders::{commit, end, git, id, import, sync, ticket};
use super::{Backend, only, project, refused, scope, writer};
use crate::{GitFinish, StoreError};

pub(super) fn an_organisation_that_was_never_written_is_empty(backend: &dyn Backend) {
    let store = backend.open();
    assert_eq!(project(&*store), (0, vec![]));
    assert_eq!(store.sources(&scope()).unwrap(), []);
    assert_eq!(store.bytes(&scope()).unwrap(), 0);
    assert_eq!(store.ticket(&scope(), &"ACME-1".parse().unwrap()).unwrap(), None);
    drop(writer(&*store));
    assert_eq!(project(&*store), (0, vec![]));
    assert!(store.bytes(&scope()).unwrap() > 0);
    assert!(!store.location(&scope()).is_empty());
}

pub(super) fn organisations_do_not_see_each_other(backend: &dyn Backend) {
    let store = backend.open();
    sync(&mut *writer(&*store), &[commit(1, "one")]);
    let other = TenantScope::unchecked("globex".parse().unwrap(), "a test");
    assert_eq!(store.sources(&other).unwrap(), []);
    let _held = writer(&*store);
    let mut writer = store.writer(&other, "test", Duration::ZERO, &|| false).unwrap();
    import(&mut *writer, "jira", false, &[ticket("ACME-1", "theirs")]);
    assert_eq!(store.ticket(&scope(), &"ACME-1".parse().unwrap()).unwrap(), None);
    assert_eq!(store.commit_message(&other, "repo", &id(1)).unwrap(), None);
}

pub(super) fn a_removed_organisation_was_never_written(backend: &dyn Backend) {
    let (store, other) = (backend.open(), backend.open());
    store.remove_org(&scope()).unwrap();
    assert_eq!(store.bytes(&scope()).unwrap(), 0);
    let globex = TenantScope::unchecked("globex".parse().unwrap(), "a test");
    import(&mut *store.writer(&globex, "test", Duration::ZERO, &|| false).unwrap(), "jira", false, &[]);
    sync(&mut *writer(&*store), &[commit(1, "theirs")]);
    for store in [&store, &other] {
        assert_eq!(project(&**store).0, 1);
    }
    store.remove_org(&scope()).unwrap();
    for store in [&store, &other] {
        assert_eq!(project(&**store), (0, vec![]));
        assert_eq!(store.sources(&scope()).unwrap(), []);
        assert_eq!(store.commit_message(&scope(), "repo", &id(1)).unwrap(), None);
        assert_eq!(store.bytes(&scope()).unwrap(), 0);
        assert_eq!(store.sequence(&globex).unwrap(), 1);
    }
    // Another one of the same name has nothing of it, wherever it is looked at.
    sync(&mut *writer(&*other), &[commit(2, "ours")]);
    for store in [&store, &other] {
        assert_eq!(only(&**store, &["commit"]).len(), 1);
        assert_eq!(store.commit_message(&scope(), "repo", &id(1)).unwrap(), None);
        assert_eq!(store.commit_message(&scope(), "repo", &id(2)).unwrap().as_deref(), Some("ours"));
    }
}

pub(super) fn an_organisation_is_not_removed_under_its_writer(backend: &dyn Backend) {
    let store = backend.open();
    let held = writer(&*store);
    std::thread::scope(|threads| {
        let removal = threads.spawn(|| store.remove_org(&scope()).unwrap());
        std::thread::sleep(Duration::from_millis(120));
        assert!(store.bytes(&scope()).unwrap() > 0);
        drop(held);
        removal.join().unwrap();
    });
    assert_eq!(store.bytes(&scope()).unwrap(), 0);
}

pub(super) fn every_change_is_seen_at_once(backend: &dyn Backend) {
    let (store, other) = (backend.open(), backend.open());
    let ask = || store.sequence(&scope()).unwrap();
    assert_eq!(ask(), 0);
    for round in 1..=300_u64 {
        // What was asked before must not be what is answered after, whether that was long ago or just now.
        if round % 30 == 0 {
            std::thread::sleep(Duration::from_millis(130));
            assert_eq!((ask(), ask()), (round - 1, round - 1));
        }
        let cursor = round.into();
        let mut writer = writer(&*other);
        let source = git(&mut *writer);
        let outcome = writer.finish_git(source, GitFinish { cursor: &cursor, ..end() }).unwrap();
        assert_eq!((outcome.sequence, ask()), (round, round));
        drop(writer);
        assert_eq!((ask(), other.sequence(&scope()).unwrap()), (round, round));
    }
}

pub(super) fn a_removed_source_leaves_nothing(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    import(&mut *writer, "jira", false, &[ticket("ACME-1", "one")]);
    let before = project(&*store).1;
    sync(&mut *writer, &[commit(1, "one"), commit(2, "two")]);
    let source = git(&mut *writer);
    writer.stage_commits(source, &[commit(3, "three")]).unwrap();
    writer.remove_source(source).unwrap();
    assert_eq!(project(&*store), (3, before));
    assert!(matches!(refused(writer.remove_source(source)), StoreError::UnknownSource(_)));
    // Its number is not used again, and nothing of it comes back.
    let again = git(&mut *writer);
    assert_ne!(again, source);
    assert!(!writer.known_commit(again, &id(1)).unwrap());
    assert!(!writer.has_staged(again).unwrap());
    assert_eq!(sync(&mut *writer, &[commit(1, "one")]).commits_added, 1);
    assert_eq!(only(&*store, &["commit"]).len(), 1);
}

pub(super) fn sources_of_one_kind_are_apart(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    sync(&mut *writer, &[commit(1, "one")]);
    let other = writer.source(SourceKind::Git, "another", "/another").unwrap().id;
    writer.stage_commits(other, &[commit(1, "one"), commit(2, "two")]).unwrap();
    // The end of one source's sync shows nothing of another that is under way.
    sync(&mut *writer, &[commit(2, "two"), commit(3, "three")]);
    assert_eq!(only(&*store, &["commit repo"]).len(), 3);
    assert_eq!(only(&*store, &["commit another"]).len(), 0);
    writer.finish_git(other, end()).unwrap();
    assert_eq!(only(&*store, &["commit repo"]).len(), 3);
    assert_eq!(only(&*store, &["commit another"]).len(), 2);
    let names: Vec<_> = store.sources(&scope()).unwrap().into_iter().map(|source| source.name).collect();
    assert_eq!(names, ["another", "repo"]);
}

pub(super) fn readers_see_a_sync_as_a_whole_or_not_at_all(backend: &dyn Backend) {
    const BATCH: u8 = 5;
    let store = backend.open();
    let store = &*store;
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let (mut lines, mut sequence) = (super::Lines::default(), 0);
                // Between the two calls of `project` in the helper a sync may end, so this calls the store itself.
                sequence += store.project(&scope(), &mut lines).unwrap();
                let commits = lines.lines.iter().filter(|line| line.starts_with("commit")).count() as u64;
                assert_eq!(commits, sequence * u64::from(BATCH));
                assert!(sequence >= last);
                last = sequence;
            }
        });
        let mut writer = writer(store);
        for batch in 0..20 {
            let commits: Vec<_> = (0..BATCH).map(|at| commit(1 + batch * BATCH + at, "message")).collect();
            let source = git(&mut *writer);
            for commit in &commits {
                writer.stage_commits(source, std::slice::from_ref(commit)).unwrap();
            }
            writer.finish_git(source, end()).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}

pub(super) fn there_is_one_writer_at_a_time(backend: &dyn Backend) {
    let (store, other) = (backend.open(), backend.open());
    let held = store.writer(&scope(), "sync git kafka", Duration::ZERO, &|| false).unwrap();
    let error = refused(other.writer(&scope(), "second", Duration::from_millis(80), &|| false));
    assert_eq!(error.code(), ErrorCode::Busy);
    assert!(error.hint().is_some());
    let expected = format!("process {} (sync git kafka) since ", std::process::id());
    assert!(error.to_string().contains(&expected), "{error}");
    let error = refused(other.writer(&scope(), "second", Duration::from_secs(60), &|| true));
    assert_eq!(error.code(), ErrorCode::Cancelled);
    std::thread::scope(|threads| {
        threads.spawn(|| drop(other.writer(&scope(), "second", Duration::from_secs(60), &|| false).unwrap()));
        std::thread::sleep(Duration::from_millis(70));
        drop(held);
    });
}

pub(super) fn a_transaction_that_fails_leaves_nothing(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = git(&mut *writer);
    let mut bad = commit(2, "of another hash");
    bad.parents = vec![ObjectId::from_bytes(&[1; 32]).unwrap()];
    refused(writer.stage_commits(source, &[commit(1, "one"), bad]));
    assert!(!writer.has_staged(source).unwrap());
    assert!(!writer.known_commit(source, &id(1)).unwrap());
    // Numbers that were given in the failed transaction are given anew.
    assert_eq!(sync(&mut *writer, &[commit(1, "one"), commit(2, "two")]).commits_added, 2);
    assert_eq!(only(&*store, &["commit"]).len(), 2);
}
