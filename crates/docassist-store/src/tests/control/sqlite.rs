//! The suite over SQLite, and what only a file can suffer.

use std::path::PathBuf;

use docassist_model::Role;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{ALL, Backend, organisation, scope, slug, user};
use crate::tests::refused;
use crate::{ControlStore, SqliteControl, StoreError};

struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn file(&self) -> PathBuf {
        self.data().join("control.db")
    }
}

impl Backend for Sqlite {
    fn open(&self) -> Box<dyn ControlStore> {
        Box::new(SqliteControl::open(&self.data()).unwrap())
    }
}

crate::tests::suite! { super::Sqlite::new();
    accounts {
        organisations_are_made_once_and_listed_in_order
        a_deleted_organisation_leaves_its_audit_entries_only
        users_are_found_by_number_and_by_address
        passwords_and_switches_are_changed
        members_have_one_role_at_a_time
        a_membership_ends_with_its_keys
        a_deleted_user_leaves_no_membership_and_no_number
        nothing_is_kept_for_those_who_do_not_exist
    }
    keys {
        keys_are_found_with_their_hash
        keys_are_listed_newest_first
        a_key_is_revoked_once_and_stays
        use_is_noted_to_the_minute
    }
    sessions {
        a_token_is_good_once
        of_two_who_hand_in_a_token_one_is_served
        a_token_ends
        sessions_are_ended
        sessions_end_with_what_they_rest_on
        ended_tokens_are_forgotten
    }
    audit {
        entries_are_told_newest_first
    }
    jobs {
        a_job_goes_from_queued_to_done
        a_job_that_failed_says_why
        any_number_of_requests_make_one_job
        one_job_of_an_organisation_runs_at_a_time
        the_job_of_a_dead_runner_is_taken_over
        a_late_beat_keeps_what_nobody_took
        jobs_are_cancelled_waiting_or_running
        a_dead_job_whose_end_was_asked_for_is_not_run_again
        a_released_job_waits_again
        a_released_job_does_not_wait_twice
        jobs_are_listed_newest_first
        ended_jobs_are_forgotten
        each_job_is_claimed_once
        runs_of_an_organisation_never_overlap
        an_upload_takes_the_place_of_no_other_job
    }
    settings {
        settings_are_kept_and_replaced
        everything_sealed_is_sealed_anew_or_nothing
        due_settings_are_taken_and_moved
        each_due_setting_is_taken_once
        webhooks_are_found_by_their_public_name
        what_is_made_once_is_the_same_for_all
    }
    conversations {
        turns_are_told_oldest_first
        the_oldest_turns_and_conversations_go
        conversations_are_their_users_own
        conversations_go_with_what_they_belong_to
        many_may_talk_at_once
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let backend = Sqlite::new();
    let store = backend.open();
    organisation(&*store, "acme");
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(backend.data()), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(backend.data()).unwrap() {
        assert_eq!(mode(entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert_eq!(files, 3);
}

#[test]
fn many_may_create_it_at_once() {
    for _ in 0..10 {
        let backend = Sqlite::new();
        std::thread::scope(|threads| {
            for number in 0..4 {
                let backend = &backend;
                threads.spawn(move || {
                    let store = SqliteControl::open(&backend.data()).unwrap();
                    organisation(&store, &format!("org-{number}"));
                });
            }
        });
        assert_eq!(backend.open().org_count().unwrap(), 4);
    }
}

#[test]
fn the_database_itself_refuses_to_change_the_audit_log() {
    let backend = Sqlite::new();
    super::audit::append(&*backend.open(), Some("acme"), "org.create");
    let connection = Connection::open(backend.file()).unwrap();
    for sql in [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        "INSERT OR REPLACE INTO audit SELECT id, time, org, 'nobody', action, target, address, detail FROM audit",
    ] {
        let error = connection.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("audit entries are never"), "{sql}: {error}");
    }
    assert_eq!(backend.open().audit_of_service(ALL).unwrap()[0].actor, "user:ann@example.org");
}

#[test]
fn the_database_itself_refuses_a_second_job() {
    let backend = Sqlite::new();
    let store = backend.open();
    organisation(&*store, "acme");
    super::jobs::enqueue(&*store, "acme", "repo");
    let connection = Connection::open(backend.file()).unwrap();
    let copy = "INSERT INTO jobs (org, source, kind, state, request, requested_by, created, alone) \
         SELECT org, source, kind, state, request, requested_by, created, alone FROM jobs WHERE state = ?1";
    assert!(connection.execute(copy, ["queued"]).is_err());
    connection.execute("UPDATE jobs SET state = 'running'", []).unwrap();
    assert!(connection.execute(copy, ["running"]).is_err());
    connection.execute("UPDATE jobs SET state = 'done'", []).unwrap();
    assert_eq!(connection.execute(copy, ["done"]).unwrap(), 1);
}

#[test]
fn a_secret_is_forgotten_with_its_job() {
    let backend = Sqlite::new();
    let store = backend.open();
    organisation(&*store, "acme");
    for source in ["ended", "waiting", "dead"] {
        super::jobs::enqueue(&*store, "acme", source);
    }
    let at = super::at;
    let claim = |now| store.claim_job("one", at(now), at(now + 10)).unwrap().unwrap().job.id;
    let ended = claim(1);
    store.end_job(ended, "one", &crate::JobEnd::Failed("why".to_owned()), at(2)).unwrap();
    let waiting = claim(2);
    store.end_job(waiting, "one", &crate::JobEnd::Released, at(2)).unwrap();
    store.cancel_job(&scope("acme"), waiting, at(3)).unwrap();
    let dead = claim(4);
    store.cancel_job(&scope("acme"), dead, at(5)).unwrap();
    assert_eq!(store.claim_job("one", at(50), at(60)).unwrap(), None);
    let connection = Connection::open(backend.file()).unwrap();
    let left: i64 =
        connection.query_row("SELECT count(*) FROM jobs WHERE secret IS NOT NULL", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn rows_that_nobody_here_wrote_are_damage() {
    let backend = Sqlite::new();
    let store = backend.open();
    organisation(&*store, "acme");
    let ann = user(&*store, "ann@example.org");
    store.set_member(&scope("acme"), ann, Role::Admin).unwrap();
    store.create_key(&super::keys::key("1", "acme", ann), &[1; 32]).unwrap();
    let job = super::jobs::enqueue(&*store, "acme", "repo");
    let connection = Connection::open(backend.file()).unwrap();
    connection
        .execute_batch(
            "UPDATE members SET role = 'king'; UPDATE keys SET secret_hash = x'00'; UPDATE jobs SET state = 'lost'; \
             INSERT INTO orgs VALUES ('No Slug', '', 0, 0)",
        )
        .unwrap();
    let acme = scope("acme");
    for error in [
        refused(store.members(&acme)),
        refused(store.memberships(ann)),
        refused(store.key("1")),
        refused(store.job(&acme, job)),
        refused(store.orgs(None, 9)),
    ] {
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("control.db"), "{error}");
    }
    assert!(store.org(&slug("acme")).unwrap().is_some());
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let backend = Sqlite::new();
    drop(backend.open());
    Connection::open(backend.file()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(SqliteControl::open(&backend.data()));
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    // Records are another kind of database.
    let records = crate::SqliteStore::new(backend.folder.path());
    drop(crate::tests::writer(&records));
    std::fs::copy(backend.folder.path().join("orgs/acme/records.db"), backend.file()).unwrap();
    let error = refused(SqliteControl::open(&backend.data()));
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}
