//! Copies between stores: whatever is written, both ways and back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use docassist_model::{
    Commit, ErrorCode, Identity, Page, Progress, SourceKind, TenantScope, Ticket, Timestamp, Unobserved,
};
use docassist_testing::PostgresServer;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::builders::{any_commit, any_ticket, commit, decision, end, file, git, id, import, page, sync, ticket};
use super::documents::documents;
use super::{project, refused, scope, writer};
use crate::{
    Copied, DocsFinish, FileChanges, GitFinish, PageChanges, PostgresConfig, PostgresStore, Result, SqliteStore, Store,
    StoreError, UNFINISHED_COPY, copy,
};

struct Files {
    store: SqliteStore,
    _folder: TempDir,
}

fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    Files { store: SqliteStore::new(folder.path()), _folder: folder }
}

fn postgres() -> Option<PostgresStore> {
    let server = PostgresServer::shared()?;
    let config = PostgresConfig::parse(&server.database()).unwrap().connections(4);
    Some(PostgresStore::open(config, "/no/such/folder").unwrap())
}

fn copied(from: &dyn Store, to: &dyn Store, replace: bool, progress: &dyn Progress) -> Result<Copied> {
    let mut copied = None;
    from.read_whole(&scope(), &mut |reading| {
        copied = Some(copy(reading, to, &scope(), replace, Duration::ZERO, progress)?);
        Ok(())
    })?;
    Ok(copied.unwrap_or_default())
}

/// Sources without what differs between stores.
fn sources(store: &dyn Store) -> Vec<crate::Source> {
    let plain = |source: crate::Source| crate::Source {
        id: docassist_model::SourceId(0),
        sequence: 0,
        staged: 0,
        interrupted: source.synced.is_none(),
        ..source
    };
    store.sources(&scope()).unwrap().into_iter().map(plain).collect()
}

/// Everything that a store tells, beside the projection.
fn texts(store: &dyn Store, commits: &[Commit], tickets: &[Ticket], pages: &[Page]) -> Vec<String> {
    let mut texts = Vec::new();
    for commit in commits {
        texts.push(format!("{:?}", store.commit_message(&scope(), "repo", &commit.id).unwrap()));
    }
    for ticket in tickets {
        texts.push(format!("{:?}", store.ticket(&scope(), &ticket.key).unwrap()));
    }
    for page in pages {
        texts.push(format!("{:?}", store.page(&scope(), "wiki", &page.path).unwrap()));
        texts.push(format!("{:?}", store.page(&scope(), "repo", &page.path).unwrap()));
    }
    for source in store.sources(&scope()).unwrap().iter().filter(|source| source.kind == SourceKind::Git) {
        texts.push(format!("{:?}", writer(store).commit_graph(source.id).unwrap()));
    }
    texts
}

/// What one organisation has in every kind of record, with what is odd in each.
fn write(store: &dyn Store, commits: &[Commit], tickets: &[Ticket], pages: &[Page], odd: &str) {
    let mut writer = writer(store);
    // Connected in another order than that of the names.
    let wiki = writer.source(SourceKind::Docs, "wiki", odd).unwrap().id;
    let unfinished = writer.source(SourceKind::Git, "never", "/never").unwrap().id;
    import(&mut *writer, "jira", false, tickets);
    let repo = git(&mut *writer);
    writer.stage_commits(repo, commits).unwrap();
    let canonical = |recorded: &Identity| Identity { name: format!("{}{odd}", recorded.name), ..recorded.clone() };
    let notes = [odd.to_owned()];
    writer
        .finish_git(
            repo,
            GitFinish {
                location: odd,
                cursor: &json!({"tip": odd}),
                notes: &notes,
                files: FileChanges {
                    upserted: &[file("src/a.rs", 7), file(odd, u64::from(u32::MAX) + 9)],
                    ..Default::default()
                },
                pages: PageChanges { upserted: pages, ..Default::default() },
                decisions: Some(&[decision("docs/adr/1.md", odd), decision("docs/adr/0.md", "last")]),
                canonical: &canonical,
                ..end()
            },
        )
        .unwrap();
    writer
        .finish_docs(
            wiki,
            DocsFinish {
                location: "/wiki",
                cursor: &Value::Null,
                synced: Timestamp::from_unix(-5),
                notes: &[],
                pages: PageChanges { upserted: pages, ..Default::default() },
                decisions: None,
            },
        )
        .unwrap();
    // What is staged, and what stands in for another, stays behind.
    writer.stage_commits(unfinished, &[commit(200, "staged")]).unwrap();
    let shadow = writer.shadow(repo, &json!(1)).unwrap();
    writer.stage_commits(shadow.id, &[commit(201, "of the shadow")]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_copy_there_and_back_is_the_same(
        commits in prop::collection::vec((1..40_u8).prop_flat_map(any_commit), 0..8),
        tickets in prop::collection::vec(any_ticket(), 0..6),
        odd in "[\u{0}\u{1}01\u{fffd}é\n]{1,6}",
        text in "(.|\u{0}|\u{1}|\n){0,30}",
    ) {
        let Some(database) = postgres() else { return Ok(()) };
        let (first, last) = (files(), files());
        let pages = [page("docs/a.md", &text), page(&odd, "")];
        write(&first.store, &commits, &tickets, &pages, &odd);
        let told = |store: &dyn Store| (project(store).1, sources(store), texts(store, &commits, &tickets, &pages));
        let expected = told(&first.store);
        let done = copied(&first.store, &database, false, &Unobserved).unwrap();
        prop_assert_eq!((done.sources, done.unfinished, done.records.files, done.records.pages), (4, 1, 2, 4));
        // Commits that wait for their sync are no part of the copy: of that repository there is nothing else to compare.
        let without_staged = |mut told: (Vec<String>, Vec<crate::Source>, Vec<String>)| {
            let staged = told.2.iter().position(|text| text.contains(&id(200).to_hex()[..8]));
            if let Some(at) = staged {
                told.2[at] = "[]".to_owned();
            }
            told
        };
        prop_assert_eq!(told(&database), without_staged(expected.clone()));
        copied(&database, &last.store, false, &Unobserved).unwrap();
        prop_assert_eq!(told(&last.store), without_staged(expected));
    }
}

#[test]
fn many_commits_come_in_their_order() {
    let Some(database) = postgres() else { return };
    let (first, last) = (files(), files());
    let history: Vec<Commit> =
        docassist_testing::records::History::new(&docassist_testing::records::Shape::small(2_500)).collect();
    sync(&mut *writer(&first.store), &history);
    copied(&first.store, &database, false, &Unobserved).unwrap();
    copied(&database, &last.store, false, &Unobserved).unwrap();
    let names = |store: &dyn Store| {
        let writer = writer(store);
        let source = store.sources(&scope()).unwrap()[0].id;
        writer.commit_graph(source).unwrap()
    };
    assert_eq!(names(&first.store).len(), 2_500);
    assert_eq!(names(&first.store), names(&last.store));
    assert_eq!(project(&first.store).1, project(&last.store).1);
    // A sync goes on where the copy ends.
    assert!(!sync(&mut *writer(&last.store), &history).changed);
}

/// Every pair of engines.
fn pairs(check: impl Fn(&dyn Store, &dyn Store)) {
    check(&files().store, &files().store);
    let Some(database) = postgres() else { return };
    check(&files().store, &database);
    check(&postgres().unwrap(), &files().store);
    check(&postgres().unwrap(), &postgres().unwrap());
}

#[test]
fn what_is_there_is_replaced_only_where_that_is_said() {
    pairs(|from, to| {
        sync(&mut *writer(from), &[commit(1, "one")]);
        sync(&mut *writer(to), &[commit(2, "two")]);
        import(&mut *writer(to), "jira", false, &[ticket("ACME-1", "old")]);
        let before = project(to);
        let error = refused(copied(from, to, false, &Unobserved));
        assert!(matches!(error, StoreError::Occupied { .. }) && error.code() == ErrorCode::Conflict, "{error}");
        assert_eq!(project(to), before);
        let done = copied(from, to, true, &Unobserved).unwrap();
        assert!(!done.resumed);
        let (sequence, lines) = project(to);
        assert_eq!(lines, project(from).1);
        // Nobody who remembers something by its number takes it for the new state's.
        assert!(sequence > before.0);
        // And once more.
        copied(from, to, true, &Unobserved).unwrap();
        assert_eq!(project(to).1, lines);
    });
}

#[test]
fn equal_documents_have_equal_fingerprints_in_every_store() {
    let Some(database) = postgres() else { return };
    let (first, last) = (files(), files());
    let odd = "\u{0}\u{1}\u{e9}\n";
    let pages = [page("docs/a.md", "text\u{0}"), page(odd, "")];
    let tickets = [ticket("ACME-1", odd), ticket("ACME-2", "two")];
    for store in [&first.store as &dyn Store, &database] {
        write(store, &[commit(1, "one"), commit(2, odd)], &tickets, &pages, odd);
    }
    let expected = documents(&first.store);
    assert_eq!(expected.len(), 2 + 2 + 4 + 2);
    assert_eq!(documents(&database), expected);
    copied(&database, &last.store, false, &Unobserved).unwrap();
    assert_eq!(documents(&last.store), expected);
}

/// Stops the work when it has been asked so many times.
struct Stop(AtomicU32);

impl Stop {
    fn after(times: u32) -> Self {
        Self(AtomicU32::new(times))
    }
}

impl Progress for Stop {
    fn phase(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

#[test]
fn an_interrupted_copy_is_seen_and_done_again() {
    pairs(|from, to| {
        let pages = [page("docs/a.md", "text")];
        write(from, &[commit(1, "one"), commit(2, "two")], &[ticket("ACME-1", "one")], &pages, "odd");
        let mut stops = 0;
        loop {
            let stop = Stop::after(stops);
            match copied(from, to, false, &stop) {
                Ok(done) => {
                    assert_eq!(done.resumed, stops > 1);
                    break;
                }
                Err(error) => assert!(matches!(error, StoreError::Cancelled), "{error}"),
            }
            let found = to.sources(&scope()).unwrap();
            if stops > 0 {
                assert!(found.iter().any(|source| source.name == UNFINISHED_COPY && source.interrupted), "{found:?}");
                // It is no source of a copy either.
                let third = files();
                let error = refused(copied(to, &third.store, false, &Unobserved));
                assert!(matches!(error, StoreError::UnfinishedCopy { .. }), "{error}");
            }
            stops += 1;
        }
        assert!(stops > 4, "{stops}");
        assert_eq!(project(to).1, project(from).1);
    });
}

#[test]
fn a_state_that_is_read_does_not_change() {
    pairs(|from, to| {
        sync(&mut *writer(from), &[commit(1, "one")]);
        let before = project(from).1;
        from.read_whole(&scope(), &mut |reading| {
            sync(&mut *writer(from), &[commit(2, "two")]);
            copy(reading, to, &scope(), false, Duration::ZERO, &Unobserved)?;
            assert_eq!(reading.sequence(), 1);
            Ok(())
        })
        .unwrap();
        assert_eq!(project(to).1, before);
        assert_eq!(project(from).0, 2);
    });
}

#[test]
fn organisations_are_listed_by_name() {
    pairs(|from, _| {
        assert!(from.organisations().unwrap().is_empty());
        assert!(!from.read_whole(&scope(), &mut |_| panic!("there is nothing")).unwrap());
        for name in ["globex", "acme", "a-1"] {
            let scope = TenantScope::unchecked(name.parse().unwrap(), "a test");
            let mut writer = from.writer(&scope, "test", Duration::ZERO, &|| false).unwrap();
            sync(&mut *writer, &[commit(1, "one")]);
        }
        from.remove_org(&scope()).unwrap();
        let names: Vec<String> = from.organisations().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a-1", "globex"]);
    });
}
