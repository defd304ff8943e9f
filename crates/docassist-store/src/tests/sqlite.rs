//! The suite over SQLite, and what only files can suffer.

use std::path::PathBuf;

use docassist_model::{ErrorCode, TenantScope};
use rusqlite::Connection;
use tempfile::TempDir;

use super::builders::{commit, git, id, import, page, sync, ticket};
use super::documents::{differing, documents, wiki};
use super::vectors::{hash, there, vector};
use super::{Backend, project, refused, scope, writer};
use crate::{SqliteStore, Store, StoreError};

struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("orgs/acme/records.db")
    }
}

impl Backend for Sqlite {
    fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::new(self.folder.path()))
    }
}

super::suite! { super::Sqlite::new();
    git {
        commits_are_projected_as_they_were_given
        staged_commits_are_invisible_until_the_sync_ends
        a_batch_of_any_size_is_staged_whole
        an_interrupted_sync_goes_on_from_what_is_staged
        unreachable_commits_go_whether_visible_or_staged
        a_sync_that_changes_nothing_leaves_the_sequence
        files_follow_the_tree
        mailmap_is_applied_to_new_identities_or_to_all
        an_operation_for_another_kind_is_refused
        a_source_is_read_anew_behind_its_back
        an_abandoned_shadow_leaves_nothing
        a_source_without_a_sync_can_be_read_anew
        incremental_syncs_equal_one_sync
    }
    tickets {
        tickets_are_projected_as_they_were_given
        the_same_import_again_leaves_the_sequence
        pruning_removes_what_the_feed_did_not_bring
        the_last_import_of_a_key_wins
        projects_and_notes_are_changes
        a_failing_feed_imports_nothing
        imports_are_what_a_map_would_do
    }
    docs {
        pages_follow_their_files
        decisions_are_replaced_as_a_list
    }
    documents {
        documents_are_those_that_are_read
        a_fingerprint_changes_with_its_document_alone
        documents_are_fetched_by_their_keys
    }
    organisations {
        an_organisation_that_was_never_written_is_empty
        organisations_do_not_see_each_other
        a_removed_organisation_was_never_written
        an_organisation_is_not_removed_under_its_writer
        every_change_is_seen_at_once
        a_removed_source_leaves_nothing
        sources_of_one_kind_are_apart
        readers_see_a_sync_as_a_whole_or_not_at_all
        there_is_one_writer_at_a_time
        a_transaction_that_fails_leaves_nothing
    }
    vectors {
        vectors_come_back_in_the_order_of_the_question
        many_vectors_are_kept_and_pruned
        vectors_are_their_organisations_own
        any_number_of_processes_keep_vectors
    }
}

/// A database with a commit, closed.
fn written() -> Sqlite {
    let backend = Sqlite::new();
    sync(&mut *writer(&*backend.open()), &[commit(1, "one")]);
    backend
}

#[test]
fn reading_creates_nothing() {
    let backend = Sqlite::new();
    project(&*backend.open());
    assert_eq!(std::fs::read_dir(backend.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let backend = written();
    Connection::open(backend.file()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let store = backend.open();
    for error in
        [refused(store.sequence(&scope())), refused(store.writer(&scope(), "test", Default::default(), &|| false))]
    {
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
        assert_eq!(error.code(), ErrorCode::StoreUnusable);
        assert!(error.to_string().contains("records.db has format version 99; this program knows"), "{error}");
    }
}

#[test]
fn records_of_the_first_format_are_listed_as_they_were_and_change_as_others() {
    let backend = Sqlite::new();
    let tickets = [ticket("ACME-1", "one"), ticket("ACME-2", "two")];
    let pages = [page("a.md", "text"), page("b.md", "text")];
    {
        let store = backend.open();
        import(&mut *writer(&*store), "jira", false, &tickets);
        wiki(&mut *writer(&*store), &pages);
    }
    let before = documents(&*backend.open());
    Connection::open(backend.file())
        .unwrap()
        .execute_batch(
            "ALTER TABLE tickets DROP COLUMN fingerprint; ALTER TABLE pages DROP COLUMN fingerprint; \
             PRAGMA user_version = 1",
        )
        .unwrap();
    let store = backend.open();
    assert_eq!(documents(&*store), before);
    import(&mut *writer(&*store), "jira", false, &[ticket("ACME-2", "deux")]);
    wiki(&mut *writer(&*store), &[pages[0].clone(), page("b.md", "another text")]);
    assert_eq!(differing(&before, &documents(&*store)), ["ACME-2", "b.md"]);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let backend = written();
    let garbage = "not a database, and long enough to have a header".repeat(100);
    std::fs::write(backend.file(), &garbage).unwrap();
    let error = refused(backend.open().sequence(&scope()));
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    refused(backend.open().writer(&scope(), "test", Default::default(), &|| false));
    assert_eq!(std::fs::read_to_string(backend.file()).unwrap(), garbage);
}

#[test]
fn the_database_of_another_program_is_refused() {
    let backend = Sqlite::new();
    std::fs::create_dir_all(backend.file().parent().unwrap()).unwrap();
    Connection::open(backend.file()).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let error = refused(backend.open().sequence(&scope()));
    assert!(error.to_string().contains("another program"), "{error}");
}

#[test]
fn an_empty_file_is_a_new_database() {
    let backend = Sqlite::new();
    std::fs::create_dir_all(backend.file().parent().unwrap()).unwrap();
    std::fs::write(backend.file(), "").unwrap();
    assert_eq!(project(&*backend.open()), (0, vec![]));
}

#[test]
fn damage_anywhere_in_the_file_is_an_error_or_harmless() {
    let backend = written();
    let whole = std::fs::read(backend.file()).unwrap();
    let mut refusals = 0;
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096 + 100..(page + 1) * 4096].fill(0xa5);
        std::fs::write(backend.file(), damaged).unwrap();
        let store = backend.open();
        if let Err(error) = store.project(&scope(), &mut Nothing) {
            assert!(matches!(error, StoreError::Damaged { .. } | StoreError::Backend { .. }), "{error:?}");
            refusals += 1;
        }
    }
    std::fs::write(backend.file(), &whole[..whole.len() / 2]).unwrap();
    let error = refused(backend.open().project(&scope(), &mut Nothing));
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(refusals > 0);
}

#[test]
fn a_garbled_list_is_an_error() {
    for column in ["changes", "credits"] {
        let backend = written();
        let sql = format!("UPDATE commits SET {column} = x'ff'");
        Connection::open(backend.file()).unwrap().execute(&sql, []).unwrap();
        let error = refused(backend.open().project(&scope(), &mut Nothing));
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orgs"), "a file").unwrap();
    let store = SqliteStore::new(folder.path());
    let error = refused(store.writer(&scope(), "test", Default::default(), &|| false));
    assert!(error.to_string().contains("orgs"), "{error}");
}

#[test]
fn a_process_that_dies_leaves_what_was_staged_and_no_more() {
    let backend = Sqlite::new();
    let store = backend.open();
    let mut writer = writer(&*store);
    sync(&mut *writer, &[commit(1, "one")]);
    let source = git(&mut *writer);
    writer.stage_commits(source, &[commit(2, "two")]).unwrap();
    // What the files are while the writer is at work is what is left of it when it is killed.
    let after = Sqlite::new();
    std::fs::create_dir_all(after.file().parent().unwrap()).unwrap();
    for suffix in ["", "-wal"] {
        let with_suffix = |path: PathBuf| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(with_suffix(backend.file()), with_suffix(after.file())).unwrap();
    }
    let store = after.open();
    assert_eq!(project(&*store).1.iter().filter(|line| line.starts_with("commit")).count(), 1);
    let mut writer = super::writer(&*store);
    assert!(writer.has_staged(source).unwrap() && writer.known_commit(source, &id(2)).unwrap());
    assert_eq!(sync(&mut *writer, &[commit(3, "three")]).commits_added, 2);
}

#[test]
fn a_database_may_be_read_while_it_is_created() {
    for _ in 0..10 {
        let backend = Sqlite::new();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    while backend.open().sequence(&scope()).unwrap() == 0 {
                        std::thread::yield_now();
                    }
                });
            }
            threads.spawn(|| sync(&mut *writer(&*backend.open()), &[commit(1, "one")]));
        });
    }
}

/// Long enough for what was written before to be no longer fresh.
fn rest() {
    std::thread::sleep(std::time::Duration::from_millis(130));
}

/// Has the store close its connection to the organisation: it keeps those of the last few that it read.
fn read_others(store: &dyn Store) {
    for number in 0..20 {
        let other = TenantScope::unchecked(format!("other-{number}").parse().unwrap(), "a test");
        if store.sources(&other).unwrap().is_empty() {
            let mut writer = store.writer(&other, "test", Default::default(), &|| false).unwrap();
            sync(&mut *writer, &[commit(1, "one")]);
            drop(writer);
            store.sources(&other).unwrap();
        }
    }
}

#[test]
fn the_sequence_is_seen_whether_or_not_the_log_is_there() {
    let backend = Sqlite::new();
    let (store, other) = (backend.open(), backend.open());
    let log = || PathBuf::from(format!("{}-wal", backend.file().display()));
    for round in 1..=12 {
        let expected = sync(&mut *writer(&*other), &[commit(round, "message")]).sequence;
        assert_eq!(store.sequence(&scope()).unwrap(), expected);
        match round % 3 {
            // Nobody has it open: the log went into the database, and away.
            0 => {
                read_others(&*store);
                assert!(!log().exists());
            }
            // The log is there and empty.
            1 => {
                let connection = Connection::open(backend.file()).unwrap();
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
                assert_eq!(log().metadata().unwrap().len(), 0);
            }
            _ => assert!(log().metadata().unwrap().len() > 0),
        }
        assert_eq!(store.sequence(&scope()).unwrap(), expected);
        rest();
        assert_eq!(store.sequence(&scope()).unwrap(), expected);
        assert_eq!(store.sequence(&scope()).unwrap(), expected);
    }
}

#[test]
fn a_sequence_that_is_known_is_told_without_the_database() {
    let backend = written();
    let store = backend.open();
    store.sequence(&scope()).unwrap();
    read_others(&*store);
    rest();
    assert_eq!(store.sequence(&scope()).unwrap(), 1);
    read_others(&*store);
    // Garbage of the same length and time: nobody looks into it.
    let metadata = backend.file().metadata().unwrap();
    std::fs::write(backend.file(), vec![0xa5; usize::try_from(metadata.len()).unwrap()]).unwrap();
    let file = std::fs::File::options().write(true).open(backend.file()).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
    assert_eq!(store.sequence(&scope()).unwrap(), 1);
    file.set_modified(metadata.modified().unwrap() + std::time::Duration::from_millis(1)).unwrap();
    refused(store.sequence(&scope()));
}

#[test]
fn a_reader_of_a_removed_organisation_leaves_the_next_one_alone() {
    let backend = written();
    let (store, other) = (backend.open(), backend.open());
    assert_eq!(project(&*store).0, 1);
    other.remove_org(&scope()).unwrap();
    // The next one of that name, with a log that must not go when `store` closes what it has of the old one.
    let mut writer = writer(&*other);
    sync(&mut *writer, &[commit(2, "two"), commit(3, "three")]);
    let log = PathBuf::from(format!("{}-wal", backend.file().display()));
    assert!(log.metadata().unwrap().len() > 0);
    drop(store);
    assert!(log.metadata().unwrap().len() > 0);
    let lines = project(&*backend.open()).1;
    assert_eq!(lines.iter().filter(|line| line.starts_with("commit")).count(), 2);
}

#[test]
fn a_removal_leaves_no_files() {
    let backend = written();
    let folder = backend.folder.path().join("orgs");
    std::fs::create_dir_all(folder.join("acme/clones/repo.git")).unwrap();
    std::fs::write(folder.join("acme/clones/repo.git/HEAD"), "x").unwrap();
    // What an earlier one left when it was killed.
    std::fs::create_dir_all(folder.join(".removed-globex-1-0/clones")).unwrap();
    std::fs::create_dir_all(folder.join(format!(".removed-acme-{}-0/clones", std::process::id()))).unwrap();
    backend.open().remove_org(&scope()).unwrap();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

/// A store with two vectors in its file, and the file.
fn with_vectors(backend: &Sqlite) -> (Box<dyn Store>, PathBuf) {
    let store = backend.open();
    keep(&*store, &[1, 2]);
    (store, backend.file().with_file_name("vectors.db"))
}

fn keep(store: &dyn Store, numbers: &[u32]) {
    let vectors: Vec<_> = numbers.iter().map(|&number| (hash(number), vector(number))).collect();
    store.keep_vectors(&scope(), "m", &vectors).unwrap();
}

fn files_of(backend: &Sqlite) -> Vec<String> {
    let entries = std::fs::read_dir(backend.file().parent().unwrap()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("vectors"));
    names.sort();
    names
}

#[test]
fn vectors_without_their_file_are_not_there() {
    let backend = written();
    let (store, file) = with_vectors(&backend);
    let sequence = store.sequence(&scope()).unwrap();
    for removed in [true, false] {
        if removed {
            for suffix in ["", "-wal", "-shm"] {
                std::fs::remove_file(format!("{}{suffix}", file.display())).unwrap();
            }
        } else {
            std::fs::rename(&file, file.with_file_name("elsewhere")).unwrap();
        }
        assert_eq!(there(&*store, "m", &[1, 2]), [false, false]);
        keep(&*store, &[1, 2]);
        assert_eq!(there(&*backend.open(), "m", &[1, 2]), [true, true]);
    }
    assert_eq!(store.sequence(&scope()).unwrap(), sequence);
}

#[test]
fn a_damaged_file_of_vectors_is_set_aside() {
    type Damage = fn(&PathBuf);
    let damages: [Damage; 4] = [
        |file| std::fs::write(file, "not a database, and long enough to have a header".repeat(100)).unwrap(),
        |file| {
            let mut bytes = std::fs::read(file).unwrap();
            bytes[4096..].fill(0xa5);
            std::fs::write(file, bytes).unwrap();
        },
        |file| Connection::open(file).unwrap().execute_batch("DROP TABLE vectors").unwrap(),
        |file| {
            std::fs::remove_file(file).unwrap();
            Connection::open(file).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        },
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let backend = written();
        let (store, file) = with_vectors(&backend);
        // Closed, so that all of it is in the file.
        drop(store);
        damage(&file);
        let (store, other) = (backend.open(), backend.open());
        assert_eq!(there(&*store, "m", &[1, 2]), [false, false], "{number}");
        assert_eq!(files_of(&backend), ["vectors.db.damaged", "vectors.lock"], "{number}");
        keep(&*store, &[2]);
        assert_eq!(there(&*other, "m", &[1, 2]), [false, true], "{number}");
        drop((store, other));
        // Once more, when it is written.
        damage(&file);
        let (store, other) = (backend.open(), backend.open());
        std::thread::scope(|threads| {
            threads.spawn(|| keep(&*store, &[1]));
            threads.spawn(|| keep(&*other, &[2]));
        });
        assert_eq!(there(&*backend.open(), "m", &[1, 2]), [true, true], "{number}");
        assert_eq!(other.prune_vectors(&scope(), "m", &|_| false).unwrap(), 2);
        // The records have nothing to do with it.
        assert_eq!(project(&*store).0, 1);
    }
}

#[test]
fn a_vector_that_nobody_here_wrote_is_none() {
    let backend = written();
    let (store, file) = with_vectors(&backend);
    for odd in ["substr(vector, 2)", "x''", "'a text'", "7"] {
        let connection = Connection::open(&file).unwrap();
        let sql = format!("UPDATE vectors SET vector = {odd} WHERE hash = ?1");
        assert_eq!(connection.execute(&sql, [hash(1).as_slice()]).unwrap(), 1);
        assert_eq!(there(&*store, "m", &[1, 2]), [false, true], "{odd}");
        keep(&*store, &[1]);
        assert_eq!(there(&*store, "m", &[1, 2]), [true, true], "{odd}");
    }
    let connection = Connection::open(&file).unwrap();
    connection.execute("INSERT INTO vectors (model, hash, vector) VALUES ('m', 'short', 'x')", []).unwrap();
    assert_eq!(store.prune_vectors(&scope(), "m", &|_| true).unwrap(), 1);
}

#[test]
fn vectors_of_a_newer_version_are_left_alone() {
    let backend = written();
    let (store, file) = with_vectors(&backend);
    drop(store);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(backend.open().vectors(&scope(), "m", &[hash(1)]));
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert_eq!(files_of(&backend), ["vectors.db", "vectors.lock"]);
}

/// A sink that takes no notice.
struct Nothing;

impl docassist_model::RecordSink for Nothing {
    fn source(&mut self, _: &docassist_model::projection::SourceRow<'_>) {}
    fn identity(&mut self, _: &docassist_model::projection::IdentityRow<'_>) {}
    fn path(&mut self, _: &docassist_model::projection::PathRow<'_>) {}
    fn file(&mut self, _: &docassist_model::projection::FileRow) {}
    fn commit(&mut self, _: &docassist_model::projection::CommitRow<'_>) {}
    fn ticket(&mut self, _: &docassist_model::projection::TicketRow<'_>) {}
    fn page(&mut self, _: docassist_model::SourceId, _: &docassist_model::Page) {}
    fn decision(&mut self, _: docassist_model::SourceId, _: &docassist_model::Decision) {}
}
