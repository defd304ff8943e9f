//! The suite over PostgreSQL, and what only a server can suffer.

use std::sync::mpsc;
use std::time::Duration;

use docassist_model::{ErrorCode, OrgSlug, TenantScope};
use docassist_testing::{Authority, PostgresServer};
use tempfile::TempDir;

use super::builders::{commit, git, id, import, sync, ticket};
use super::{Backend, project, refused, scope, writer};
use crate::{PostgresConfig, PostgresStore, Store, StoreError, VectorStore as _};

/// A database of the test's own.
struct Postgres {
    url: String,
    folder: TempDir,
}

impl Postgres {
    fn new() -> Option<Self> {
        let server = PostgresServer::shared()?;
        Some(Self { url: server.database(), folder: tempfile::tempdir().unwrap() })
    }

    fn config(&self) -> PostgresConfig {
        PostgresConfig::parse(&self.url).unwrap().connections(4)
    }

    fn store(&self) -> PostgresStore {
        PostgresStore::open(self.config(), self.folder.path()).unwrap()
    }
}

impl Backend for Postgres {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.store())
    }
}

super::suite! { match super::Postgres::new() { Some(backend) => backend, None => return };
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

/// What the tables of records are called.
const TABLES: [&str; 12] = [
    "sources",
    "identities",
    "paths",
    "files",
    "commits",
    "commit_texts",
    "tickets",
    "ticket_bodies",
    "pages",
    "page_texts",
    "decisions",
    "vectors",
];

#[test]
fn the_database_itself_keeps_organisations_apart() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    sync(&mut *writer(&store), &[commit(1, "ours")]);
    let other = TenantScope::unchecked("globex".parse().unwrap(), "a test");
    import(
        &mut *store.writer(&other, "test", Duration::ZERO, &|| false).unwrap(),
        "jira",
        false,
        &[ticket("GLO-1", "x")],
    );
    let mut client = postgres::Client::connect(&backend.url, postgres::NoTls).unwrap();
    let (ours, theirs): (i64, i64) = (tenant(&mut client, "acme"), tenant(&mut client, "globex"));
    for table in TABLES {
        // Every table is behind the wall, for its owner as well, and names its organisation.
        let sql = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = $1::text::regclass";
        assert!(client.query_one(sql, &[&format!("docassist.{table}")]).unwrap().get::<_, bool>(0), "{table}");
        // Who has not named an organisation sees nothing, and removes nothing.
        assert_eq!(count(&mut client, table), 0, "{table}");
        assert_eq!(client.execute(&format!("DELETE FROM docassist.{table}"), &[]).unwrap(), 0, "{table}");
    }
    let tables: i64 = client
        .query_one(
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'docassist' AND column_name = 'org' \
             AND data_type = 'bigint'",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(tables, TABLES.len() as i64, "a table that has an organisation's number is not in the list above");
    client.batch_execute(&format!("SET docassist.org = '{ours}'")).unwrap();
    assert_eq!((count(&mut client, "commits"), count(&mut client, "tickets")), (1, 0));
    let forged = format!("INSERT INTO docassist.decisions VALUES ({theirs}, 1, 1, '')");
    assert!(client.batch_execute(&forged).unwrap_err().as_db_error().unwrap().message().contains("row-level security"));
    client.batch_execute(&format!("SET docassist.org = '{theirs}'")).unwrap();
    assert_eq!((count(&mut client, "commits"), count(&mut client, "tickets")), (0, 1));
}

fn tenant(client: &mut postgres::Client, slug: &str) -> i64 {
    client.query_one("SELECT id FROM docassist.tenants WHERE slug = $1", &[&slug]).unwrap().get(0)
}

fn count(client: &mut postgres::Client, table: &str) -> i64 {
    client.query_one(&format!("SELECT count(*) FROM docassist.{table}"), &[]).unwrap().get(0)
}

#[test]
fn a_removed_organisation_leaves_no_row() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    sync(&mut *writer(&store), &[commit(1, "one"), commit(2, "two")]);
    import(&mut *writer(&store), "jira", false, &[ticket("ACME-1", "x")]);
    store.keep_vectors(&scope(), "m", &[([1; 32], vec![1.0])]).unwrap();
    store.remove_org(&scope()).unwrap();
    let server = PostgresServer::shared().unwrap();
    let database = backend.url.rsplit('/').next().unwrap();
    for table in TABLES.iter().chain(&["tenants"]) {
        let rows = server.psql(database, &format!("SELECT count(*) FROM docassist.{table}"));
        assert_eq!(rows.trim(), "0", "{table}");
    }
}

#[test]
fn a_vector_that_nobody_here_wrote_is_none() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    sync(&mut *writer(&store), &[commit(1, "one")]);
    let (hash, vector) = (super::vectors::hash, super::vectors::vector);
    store.keep_vectors(&scope(), "m", &[(hash(1), vector(1)), (hash(2), vector(2))]).unwrap();
    let mut client = postgres::Client::connect(&backend.url, postgres::NoTls).unwrap();
    let ours = tenant(&mut client, "acme");
    client.batch_execute(&format!("SET docassist.org = '{ours}'")).unwrap();
    let cut = "UPDATE docassist.vectors SET vector = substr(vector, 2) WHERE hash = $1";
    assert_eq!(client.execute(cut, &[&hash(1).as_slice()]).unwrap(), 1);
    assert_eq!(super::vectors::there(&store, "m", &[1, 2]), [false, true]);
    store.keep_vectors(&scope(), "m", &[(hash(1), vector(1))]).unwrap();
    assert_eq!(super::vectors::there(&store, "m", &[1, 2]), [true, true]);
}

#[test]
fn changes_of_other_processes_are_told() {
    let Some(backend) = Postgres::new() else { return };
    let (store, other) = (backend.store(), backend.store());
    let (told, hear) = mpsc::channel::<Option<OrgSlug>>();
    let watch = store.watch(move |org| told.send(org.cloned()).unwrap_or_default());
    let next = || hear.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(next(), None, "what was before may have been missed");
    sync(&mut *writer(&other), &[commit(1, "one")]);
    assert_eq!(next(), Some("acme".parse().unwrap()));
    // The connection that listens is lost: whoever listens is told that it may have missed something.
    let server = PostgresServer::shared().unwrap();
    let database = backend.url.rsplit('/').next().unwrap();
    server.psql(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'docassist changes' \
         AND datname = current_database()",
    );
    assert_eq!(next(), None);
    other.remove_org(&scope()).unwrap();
    assert_eq!(next(), Some("acme".parse().unwrap()));
    drop(watch);
}

#[test]
fn a_writer_whose_connection_is_lost_frees_the_organisation() {
    let Some(backend) = Postgres::new() else { return };
    let (store, other) = (backend.store(), backend.store());
    let mut lost = store.writer(&scope(), "sync git kafka", Duration::ZERO, &|| false).unwrap();
    let source = git(&mut *lost);
    lost.stage_commits(source, &[commit(1, "one")]).unwrap();
    let busy = refused(other.writer(&scope(), "test", Duration::ZERO, &|| false));
    assert!(matches!(busy, StoreError::Busy { .. }), "{busy}");
    assert!(busy.to_string().contains("sync git kafka"), "{busy}");
    assert!(busy.to_string().contains(&std::process::id().to_string()), "{busy}");
    let database = backend.url.rsplit('/').next().unwrap();
    PostgresServer::shared().unwrap().psql(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'docassist % (sync%' \
         AND datname = current_database()",
    );
    let next = other.writer(&scope(), "test", Duration::from_secs(5), &|| false).unwrap();
    let error = refused(lost.stage_commits(source, &[commit(2, "two")]));
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert_eq!(error.code(), ErrorCode::Unavailable);
    // What was staged is there: the next one goes on from it.
    assert!(next.known_commit(source, &id(1)).unwrap());
    assert!(!next.known_commit(source, &id(2)).unwrap());
}

#[test]
fn a_server_that_was_away_is_found_again() {
    let Some(mut server) = PostgresServer::start(&[("fsync", "on")]) else { return };
    let url = server.database();
    let folder = tempfile::tempdir().unwrap();
    let store = PostgresStore::open(PostgresConfig::parse(&url).unwrap().connections(3), folder.path()).unwrap();
    sync(&mut *writer(&store), &[commit(1, "one")]);
    let before = project(&store);
    server.kill();
    let error = refused(store.sequence(&scope()));
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("PostgreSQL 127.0.0.1"), "{error}");
    assert!(!error.to_string().contains("postgres://"), "{error}");
    server.restart();
    assert_eq!(project(&store), before, "what had ended before the kill is there");
    sync(&mut *writer(&store), &[commit(2, "two")]);
    assert_eq!(store.sequence(&scope()).unwrap(), 2);
}

#[test]
fn a_standby_answers_once_it_has_what_is_asked_for() {
    let Some(primary) = PostgresServer::start(&[]) else { return };
    let url = primary.database();
    let folder = tempfile::tempdir().unwrap();
    let mut standby = primary.standby();
    let there = standby.same_database(&url);
    let config = PostgresConfig::parse(&url).unwrap().connections(3);
    let config = config.standby(PostgresConfig::parse(&there).unwrap().connections(3));
    let store = PostgresStore::open(config, folder.path()).unwrap();
    let reads = |server: &PostgresServer| {
        let sql = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname LIKE 'test_%'";
        server.psql("postgres", sql).parse::<u64>().unwrap()
    };
    let has_followed = |sequence: u64| {
        let scope = scope();
        let sql = format!("SELECT coalesce(max(sequence), 0) FROM docassist.tenants WHERE slug = '{}'", scope.org());
        for _ in 0..300 {
            if standby.psql(&there, &sql).parse::<u64>().is_ok_and(|there| there >= sequence) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the standby does not follow");
    };
    sync(&mut *writer(&store), &[commit(1, "one")]);
    has_followed(1);
    let before = reads(&standby);
    let (sequence, lines) = project(&store);
    assert_eq!((sequence, lines.is_empty()), (1, false));
    // Figures of a server come some time after what they count.
    std::thread::sleep(Duration::from_millis(1500));
    assert!(reads(&standby) > before, "the standby was asked");

    // It is paused: what it has not got yet is read from the primary, at once.
    standby.psql("postgres", "SELECT pg_wal_replay_pause()");
    sync(&mut *writer(&store), &[commit(1, "one"), commit(2, "two")]);
    let mut seen = 0;
    let mut note = |sequence| seen = sequence;
    let whole = store.read_whole(&scope(), &mut |reading| {
        note(reading.sequence());
        Ok(())
    });
    assert!(whole.unwrap());
    assert_eq!((project(&store).0, seen), (2, 2));
    standby.psql("postgres", "SELECT pg_wal_replay_resume()");
    has_followed(2);
    assert_eq!(project(&store).0, 2);

    // One that was removed and made again begins to count anew: what is still there of the old one is not of the new one.
    standby.psql("postgres", "SELECT pg_wal_replay_pause()");
    let before = project(&store);
    store.remove_org(&scope()).unwrap();
    assert_eq!(project(&store), (0, Vec::new()));
    sync(&mut *writer(&store), &[commit(7, "seven")]);
    let after = project(&store);
    assert_eq!(after.0, 1);
    assert_ne!(after.1, before.1);

    // It is gone: nobody notices.
    standby.kill();
    assert_eq!(project(&store), after);
    sync(&mut *writer(&store), &[commit(7, "seven"), commit(8, "eight")]);
    assert_eq!(project(&store).0, 2);
}

#[test]
fn connections_that_run_out_are_an_error_that_says_so() {
    let Some(server) = PostgresServer::start(&[("max_connections", "5"), ("superuser_reserved_connections", "1")])
    else {
        return;
    };
    let url = server.database();
    let folder = tempfile::tempdir().unwrap();
    let store = PostgresStore::open(PostgresConfig::parse(&url).unwrap(), folder.path()).unwrap();
    let held: Vec<_> = std::iter::from_fn(|| postgres::Client::connect(&url, postgres::NoTls).ok()).take(10).collect();
    assert!((3..10).contains(&held.len()), "{}", held.len());
    let error = refused(store.writer(&scope(), "test", Duration::ZERO, &|| false));
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("connection"), "{error}");
    drop(held);
    let ended = std::time::Instant::now();
    while store.writer(&scope(), "test", Duration::ZERO, &|| false).is_err() {
        assert!(ended.elapsed() < Duration::from_secs(10), "connections that were given back are not used");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let Some(backend) = Postgres::new() else { return };
    drop(backend.store());
    let mut client = postgres::Client::connect(&backend.url, postgres::NoTls).unwrap();
    client.execute("UPDATE docassist.format SET version = 99", &[]).unwrap();
    let error = refused(PostgresStore::open(backend.config(), backend.folder.path()));
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
}

#[test]
fn any_number_of_processes_may_make_the_tables() {
    let Some(backend) = Postgres::new() else { return };
    std::thread::scope(|threads| {
        for _ in 0..6 {
            threads.spawn(|| drop(backend.store()));
        }
    });
    assert_eq!(project(&backend.store()), (0, vec![]));
}

#[test]
fn it_can_be_asked_within_a_runtime_and_dropped_there() {
    let Some(backend) = Postgres::new() else { return };
    for runtime in [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()] {
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let store = backend.store();
            assert_eq!(store.sequences(&[scope(), scope()]).unwrap(), [0, 0]);
        });
    }
}

#[test]
fn a_whole_store_works_over_encrypted_sessions() {
    let Some(server) = PostgresServer::start(&[]) else { return };
    let authority = Authority::new();
    server.encrypt(&authority.issue(&["127.0.0.1"]));
    let trusted = authority.certificate();
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", server.database(), trusted.display());
    let folder = tempfile::tempdir().unwrap();
    let store = PostgresStore::open(PostgresConfig::parse(&url).unwrap(), folder.path()).unwrap();
    let (told, hear) = mpsc::channel::<Option<OrgSlug>>();
    let watch = store.watch(move |org| told.send(org.cloned()).unwrap_or_default());
    assert_eq!(hear.recv_timeout(Duration::from_secs(10)).unwrap(), None);
    sync(&mut *writer(&store), &[commit(1, "one")]);
    assert_eq!(hear.recv_timeout(Duration::from_secs(10)).unwrap(), Some("acme".parse().unwrap()));
    drop(watch);
    let plain = server.psql(
        "postgres",
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
        WHERE application_name LIKE 'docassist%' AND NOT ssl",
    );
    assert_eq!(plain, "0");
}
