//! The suite over PostgreSQL, and what only a server with many clients can suffer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use docassist_model::{JobProgress, JobState, Membership, Role};
use docassist_testing::PostgresServer;
use postgres::{Client, NoTls};
use serde_json::Value;

use super::{ALL, Backend, at, organisation, scope, slug, user};
use crate::tests::refused;
use crate::{
    Beat, ControlStore, JobEnd, NewAuditEntry, NewJob, NewToken, NewUser, PostgresConfig, PostgresControl, Rotation,
    StoreError,
};

/// A database of the test's own.
struct Postgres {
    server: &'static PostgresServer,
    url: String,
}

impl Postgres {
    fn new() -> Option<Self> {
        let server = PostgresServer::shared()?;
        Some(Self { server, url: server.database() })
    }

    fn store(&self) -> PostgresControl {
        open(&self.url)
    }

    /// A client that is no store, as somebody with a password has.
    fn client(&self) -> Client {
        let mut client = Client::connect(&self.url, NoTls).unwrap();
        client.batch_execute("SET search_path = docassist").unwrap();
        client
    }

    /// Runs statements, `|` between columns.
    fn psql(&self, sql: &str) -> String {
        self.server.psql(&self.url, &format!("SET search_path = docassist; {sql}"))
    }

    /// Gives others time to come between.
    fn slow_down(&self, when: &str, seconds: f32) {
        self.psql(&format!(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$; \
             CREATE TRIGGER wait {when} EXECUTE FUNCTION wait()"
        ));
    }
}

fn open(url: &str) -> PostgresControl {
    PostgresControl::open(PostgresConfig::parse(url).unwrap().connections(4)).unwrap()
}

impl Backend for Postgres {
    fn open(&self) -> Box<dyn ControlStore> {
        Box::new(self.store())
    }
}

crate::tests::suite! { match super::Postgres::new() { Some(backend) => backend, None => return };
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

#[test]
fn the_database_itself_refuses_to_change_the_audit_log() {
    let Some(backend) = Postgres::new() else { return };
    super::audit::append(&*backend.open(), Some("acme"), "org.create");
    // As the role that the service has, and as a superuser who says to replay what happened elsewhere.
    let superuser = backend.server.superuser_url(&backend.url);
    let mut powerful = Client::connect(&superuser, NoTls).unwrap();
    powerful.batch_execute("SET search_path = docassist; SET session_replication_role = replica").unwrap();
    for client in [&mut backend.client(), &mut powerful] {
        for sql in [
            "UPDATE audit SET actor = 'nobody'",
            "UPDATE audit SET actor = 'nobody' WHERE id = 99",
            "DELETE FROM audit",
            "DELETE FROM audit WHERE id = 1",
            "TRUNCATE audit",
            "INSERT INTO audit OVERRIDING SYSTEM VALUE SELECT * FROM audit \
             ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
            "MERGE INTO audit USING audit AS other ON audit.id = other.id WHEN MATCHED THEN DELETE",
        ] {
            let error = client.batch_execute(sql).unwrap_err();
            let message = error.as_db_error().unwrap().message();
            assert_eq!(message, "audit entries are never changed or removed", "{sql}");
        }
    }
    assert_eq!(backend.open().audit_of_service(ALL).unwrap()[0].actor, "user:ann@example.org");
}

#[test]
fn the_database_itself_refuses_a_second_job() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.open();
    organisation(&*store, "acme");
    super::jobs::enqueue(&*store, "acme", "repo");
    let mut client = backend.client();
    let copy = "INSERT INTO jobs (org, source, kind, state, request, requested_by, created, alone) \
         SELECT org, source, kind, state, request, requested_by, created, alone FROM jobs WHERE state = $1";
    assert!(client.execute(copy, &[&"queued"]).is_err());
    client.execute("UPDATE jobs SET state = 'running'", &[]).unwrap();
    assert!(client.execute(copy, &[&"running"]).is_err());
    client.execute("UPDATE jobs SET state = 'done'", &[]).unwrap();
    assert_eq!(client.execute(copy, &[&"done"]).unwrap(), 1);
}

#[test]
fn a_secret_is_forgotten_with_its_job() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.open();
    organisation(&*store, "acme");
    for source in ["ended", "waiting", "dead"] {
        super::jobs::enqueue(&*store, "acme", source);
    }
    let claim = |now| store.claim_job("one", at(now), at(now + 10)).unwrap().unwrap().job.id;
    let ended = claim(1);
    store.end_job(ended, "one", &JobEnd::Failed("why".to_owned()), at(2)).unwrap();
    let waiting = claim(2);
    store.end_job(waiting, "one", &JobEnd::Released, at(2)).unwrap();
    store.cancel_job(&scope("acme"), waiting, at(3)).unwrap();
    let dead = claim(4);
    store.cancel_job(&scope("acme"), dead, at(5)).unwrap();
    assert_eq!(store.claim_job("one", at(50), at(60)).unwrap(), None);
    assert_eq!(backend.psql("SELECT count(*), count(secret), count(owner), count(lease_until) FROM jobs"), "3|0|0|0");
}

#[test]
fn rows_that_nobody_here_wrote_are_damage() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.open();
    organisation(&*store, "acme");
    let ann = user(&*store, "ann@example.org");
    store.set_member(&scope("acme"), ann, Role::Admin).unwrap();
    store.create_key(&super::keys::key("1", "acme", ann), &[1; 32]).unwrap();
    let job = super::jobs::enqueue(&*store, "acme", "repo");
    store.put_settings(&scope("acme"), &super::settings::settings("repo")).unwrap();
    store.create_webhook(&super::settings::webhook("1", "acme", "repo")).unwrap();
    backend.psql(
        "UPDATE members SET role = 'king'; UPDATE keys SET secret_hash = '\\x00'; UPDATE jobs SET state = 'lost'; \
         UPDATE source_settings SET request = '{', every = -1; UPDATE webhooks SET forge = 'smithy'; \
         INSERT INTO orgs VALUES ('No Slug', '', 0, 0)",
    );
    let acme = scope("acme");
    for error in [
        refused(store.members(&acme)),
        refused(store.memberships(ann)),
        refused(store.key("1")),
        refused(store.job(&acme, job)),
        refused(store.settings(&acme, "repo")),
        refused(store.webhook("1")),
        refused(store.orgs(None, 9)),
    ] {
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("PostgreSQL 127.0.0.1"), "{error}");
    }
    assert!(store.org(&slug("acme")).unwrap().is_some());
}

#[test]
fn texts_may_hold_anything() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    let odd = "a\0b\u{1}0 'c' \\ \u{10ffff} %_";
    let email = format!("{odd}@example.org");
    let new = NewUser { email: &email, name: odd, password_hash: odd, operator: false, created: at(1) };
    let ann = store.create_user(&new).unwrap().unwrap();
    let (found, hash) = store.user_by_email(&email).unwrap().unwrap();
    assert_eq!((found.id, found.email.as_str(), found.name.as_str(), hash.as_str()), (ann, &*email, odd, odd));

    organisation(&store, "acme");
    let acme = scope("acme");
    let request = serde_json::json!({ odd: odd });
    let job = NewJob { source: odd, request: &request, requested_by: odd, ..super::jobs::new(odd) };
    let (queued, _) = store.enqueue_job(&acme, &job).unwrap();
    assert_eq!((queued.source.as_str(), &queued.request, queued.requested_by.as_str()), (odd, &request, odd));
    let id = store.claim_job(odd, at(1), at(9)).unwrap().unwrap().job.id;
    let progress = JobProgress { phase: odd.to_owned(), done: u64::MAX, total: None };
    assert_eq!(store.beat_job(id, odd, &progress, at(9)).unwrap(), Beat::GoOn);
    assert!(store.end_job(id, odd, &JobEnd::Failed(odd.to_owned()), at(2)).unwrap());
    let ended = store.jobs(&acme, Some(odd), ALL).unwrap().remove(0);
    assert_eq!((ended.error.as_deref(), ended.progress.phase.as_str()), (Some(odd), odd));

    store.put_settings(&acme, &super::settings::settings(odd)).unwrap();
    assert_eq!(store.settings(&acme, odd).unwrap(), Some(super::settings::settings(odd)));
    assert!(store.delete_settings(&acme, odd).unwrap());
    let entry =
        NewAuditEntry { time: at(1), org: None, actor: odd, action: odd, target: odd, address: odd, detail: odd };
    store.append_audit(&entry).unwrap();
    assert_eq!(store.audit_of_service(ALL).unwrap()[0].detail, odd);
    assert_eq!(store.initialise(odd, odd.as_bytes()).unwrap(), odd.as_bytes());
}

#[test]
fn many_may_create_it_at_once() {
    let Some(backend) = Postgres::new() else { return };
    std::thread::scope(|threads| {
        for number in 0..4 {
            let backend = &backend;
            threads.spawn(move || organisation(&backend.store(), &format!("org-{number}")));
        }
    });
    assert_eq!(backend.open().org_count().unwrap(), 4);
}

/// Threads that each have a process' store.
fn at_once<T: Send>(backend: &Postgres, threads: usize, run: impl Fn(usize, &PostgresControl) -> T + Sync) -> Vec<T> {
    let stores: Vec<PostgresControl> = (0..threads).map(|_| open(&backend.url)).collect();
    let barrier = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let handles: Vec<_> = stores
            .iter()
            .enumerate()
            .map(|(number, store)| {
                let (run, barrier) = (&run, &barrier);
                scope.spawn(move || {
                    // Connected, so that all begin together.
                    store.check().unwrap();
                    barrier.wait();
                    run(number, store)
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

/// Fifty jobs of seven organisations and eight who claim, run and end them: each job runs once, and of an organisation one
/// at a time.
#[test]
fn of_many_who_claim_one_gets_each_job() {
    const JOBS: usize = 50;
    const ORGS: usize = 7;
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    for number in 0..ORGS {
        organisation(&store, &format!("org-{number}"));
    }
    for number in 0..JOBS {
        super::jobs::enqueue(&store, &format!("org-{}", number % ORGS), &format!("source {number}"));
    }
    backend.slow_down("BEFORE UPDATE ON jobs FOR EACH ROW WHEN (NEW.state = 'running')", 0.005);
    let running: Mutex<BTreeSet<String>> = Mutex::default();
    let ran: Mutex<BTreeMap<u64, usize>> = Mutex::default();
    at_once(&backend, 8, |number, store| {
        let owner = format!("worker {number}");
        let began = Instant::now();
        while ran.lock().unwrap().len() < JOBS {
            // Where one of them has failed, what it ran stands in the way of the rest.
            assert!(began.elapsed() < Duration::from_secs(60), "the jobs do not come to an end");
            let Some(claimed) = store.claim_job(&owner, at(200), at(900)).unwrap() else {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            };
            let (org, id) = (claimed.job.org.to_string(), claimed.job.id);
            assert!(running.lock().unwrap().insert(org.clone()), "two run of {org}");
            assert_eq!((claimed.job.attempts, claimed.job.state), (1, JobState::Running));
            *ran.lock().unwrap().entry(id.0).or_default() += 1;
            std::thread::sleep(Duration::from_millis(1));
            running.lock().unwrap().remove(&org);
            assert!(store.end_job(id, &owner, &JobEnd::Done(Value::Null), at(201)).unwrap());
        }
    });
    let ran = ran.into_inner().unwrap();
    assert_eq!((ran.len(), ran.values().sum::<usize>()), (JOBS, JOBS));
    assert_eq!(store.job_load().unwrap(), (0, 0));
}

/// A dead runner's job, and others that wait behind it.
#[test]
fn a_job_that_is_bound_to_a_place_runs_there_and_holds_up_its_own_source_alone() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    organisation(&store, "acme");
    let queue = |source: &str, place: Option<&str>| {
        let job = NewJob { place, ..super::jobs::new(source) };
        store.enqueue_job(&scope("acme"), &job).unwrap().0.id
    };
    let claimed = |place: &str, now: i64| {
        store.claim_job_at(place, place, at(now), at(now + 10)).unwrap().map(|claimed| claimed.job.id)
    };
    let end = |place: &str, id| assert!(store.end_job(id, place, &JobEnd::Done(Value::Null), at(150)).unwrap());
    let state = |id| store.job(&scope("acme"), id).unwrap().unwrap().state;
    let (here, there) = (queue("tickets", Some("here")), queue("tickets", Some("there")));
    assert_ne!(here, there, "each brings something of its own");
    let other = queue("product", None);
    // There: not the first one's turn to overtake of the same source, but of another one.
    assert_eq!(claimed("there", 110), Some(other));
    end("there", other);
    assert_eq!(claimed("there", 120), None);
    assert_eq!(claimed("here", 121), Some(here));
    assert_eq!(claimed("there", 122), None, "one at a time");
    // Who ran it is gone: it waits, and others of the organisation go on.
    assert_eq!(claimed("there", 132), None);
    assert_eq!((state(here), state(there)), (JobState::Queued, JobState::Queued));
    let later = queue("product", None);
    assert_eq!(claimed("there", 133), Some(later));
    end("there", later);
    assert_eq!(claimed("here", 134), Some(here));
    end("here", here);
    assert_eq!(claimed("here", 135), None);
    assert_eq!(claimed("there", 136), Some(there));
    // One whose end was asked for does not wait again.
    store.cancel_job(&scope("acme"), there, at(137)).unwrap();
    assert_eq!(claimed("here", 147), None);
    assert_eq!(state(there), JobState::Cancelled);
}

#[test]
fn jobs_of_a_place_that_does_not_come_back_are_failed_by_others() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    organisation(&store, "acme");
    let queue = |place: Option<&str>| {
        let job = NewJob { place, source: "tickets", ..super::jobs::new("tickets") };
        store.enqueue_job(&scope("acme"), &job).unwrap().0.id
    };
    let (lost, own, any) = (queue(Some("gone")), queue(Some("here")), queue(None));
    assert_eq!(store.fail_jobs_elsewhere("here", at(100), "gone", at(200)).unwrap(), 0, "not so soon");
    assert_eq!(store.fail_jobs_elsewhere("here", at(101), "gone", at(200)).unwrap(), 1);
    let job = |id| store.job(&scope("acme"), id).unwrap().unwrap();
    assert_eq!((job(lost).state, job(lost).error.as_deref()), (JobState::Failed, Some("gone")));
    assert_eq!((job(own).state, job(any).state), (JobState::Queued, JobState::Queued));
}

#[test]
fn of_many_who_take_over_a_dead_job_one_gets_it() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    organisation(&store, "acme");
    backend.slow_down("BEFORE UPDATE ON jobs FOR EACH ROW WHEN (NEW.state = 'running')", 0.05);
    for round in 0..5 {
        let now = 1_000 * (round + 1);
        super::jobs::enqueue(&store, "acme", "repo");
        super::jobs::enqueue(&store, "acme", "other");
        let dead = store.claim_job("dead", at(now), at(now + 10)).unwrap().unwrap().job.id;
        let claimed: Vec<_> = at_once(&backend, 6, |number, store| {
            store.claim_job(&format!("worker {number}"), at(now + 10), at(now + 900)).unwrap()
        });
        let claimed: Vec<_> =
            claimed.into_iter().flatten().map(|claimed| (claimed.job.id, claimed.job.attempts)).collect();
        assert_eq!(claimed, [(dead, 2)]);
        backend.psql("DELETE FROM jobs");
    }
}

#[test]
fn requests_at_once_make_one_job() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    organisation(&store, "acme");
    for round in 0..10 {
        let source = format!("repo {round}");
        let made = at_once(&backend, 8, |number, store| {
            let by = format!("webhook {number}");
            let job = NewJob { requested_by: &by, ..super::jobs::new(&source) };
            let (job, is_new) = store.enqueue_job(&scope("acme"), &job).unwrap();
            assert_eq!(job.requested_by, by);
            (job.id, is_new)
        });
        let ids: BTreeSet<_> = made.iter().map(|(id, _)| *id).collect();
        assert_eq!((ids.len(), made.iter().filter(|(_, is_new)| *is_new).count()), (1, 1));
        assert_eq!(store.job_count(&scope("acme"), Some(&source)).unwrap(), 1);
    }
}

/// Requests, claims, releases and cancellations of one source at once: nobody fails, and nothing is left that nobody can
/// bring to its end.
#[test]
fn a_release_and_a_request_at_once_leave_one_job() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    organisation(&store, "acme");
    at_once(&backend, 6, |number, store| {
        let owner = format!("worker {number}");
        for round in 0..30 {
            let (queued, _) = store.enqueue_job(&scope("acme"), &super::jobs::new("repo")).unwrap();
            if (round + number) % 5 == 0 {
                store.cancel_job(&scope("acme"), queued.id, at(2)).unwrap();
            }
            let Some(claimed) = store.claim_job(&owner, at(1), at(900)).unwrap() else { continue };
            assert!(store.end_job(claimed.job.id, &owner, &JobEnd::Released, at(3)).unwrap());
        }
    });
    while let Some(claimed) = store.claim_job("last", at(9), at(900)).unwrap() {
        assert!(store.end_job(claimed.job.id, "last", &JobEnd::Done(Value::Null), at(10)).unwrap());
    }
    assert_eq!(store.job_load().unwrap(), (0, 0));
}

#[test]
fn of_many_who_hand_in_a_token_one_is_served() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    let ann = user(&store, "ann@example.org");
    for round in 0..10 {
        let hash = |number: u8| [[round; 16], [number; 16]].concat().try_into().unwrap();
        let first: [u8; 32] = hash(255);
        store.begin_session(ann, NewToken { hash: &first, now: at(1), expires: at(900) }).unwrap();
        let rotated = at_once(&backend, 8, |number, store| {
            let next = hash(u8::try_from(number).unwrap());
            store.rotate_token(&first, NewToken { hash: &next, now: at(2), expires: at(900) }).unwrap()
        });
        let count = |wanted: Rotation| rotated.iter().filter(|rotation| **rotation == wanted).count();
        // The second one ends the session; the others find nothing any more.
        assert_eq!((count(Rotation::Rotated(ann)), count(Rotation::Reused(ann)), count(Rotation::Refused)), (1, 1, 6));
    }
    assert_eq!(backend.psql("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM tokens)"), "0|0");
}

/// A session that is just being begun when the user is disabled, or gets another password, is ended as well.
#[test]
fn no_session_slips_past_a_disabled_user() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    // Between a session and its first token.
    backend.slow_down("BEFORE INSERT ON tokens FOR EACH ROW", 0.3);
    let sleeping = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event = 'PgSleep'";
    let is_waiting = || backend.psql(sleeping) != "0";
    for (number, disable) in [(1, true), (2, false)] {
        let ann = user(&store, &format!("ann-{number}@example.org"));
        std::thread::scope(|threads| {
            let begun = threads.spawn(|| {
                let hash = [number; 32];
                backend.store().begin_session(ann, NewToken { hash: &hash, now: at(1), expires: at(900) })
            });
            while !is_waiting() && !begun.is_finished() {}
            assert!(if disable { store.set_disabled(ann, true) } else { store.set_password(ann, "another") }.unwrap());
            begun.join().unwrap().unwrap();
        });
        assert_eq!(backend.psql("SELECT count(*) FROM sessions"), "0");
    }
}

/// Everything that ends and goes on with sessions at once: nobody waits for each other.
#[test]
fn sessions_are_ended_under_their_users() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    let ann = user(&store, "ann@example.org");
    at_once(&backend, 6, |number, store| {
        let number = u8::try_from(number).unwrap();
        for round in 0..40_u8 {
            let token = |step: u8| -> [u8; 32] {
                let mut token = [step; 32];
                (token[0], token[1]) = (number, round);
                token
            };
            match number {
                0 => assert!(store.set_disabled(ann, round % 2 == 0).unwrap()),
                1 => assert!(store.set_password(ann, "another").unwrap()),
                2 => drop(store.purge_sessions(at(500)).unwrap()),
                _ => {
                    let (one, two) = (token(1), token(2));
                    let new = |hash| NewToken { hash, now: at(1), expires: at(900) };
                    match store.begin_session(ann, new(&one)) {
                        Ok(()) => drop(store.rotate_token(&one, new(&two)).unwrap()),
                        Err(error) => assert!(matches!(error, StoreError::UnknownOwner), "{error:?}"),
                    }
                }
            }
        }
    });
}

#[test]
fn of_many_who_are_called_the_same_one_is_made() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    organisation(&store, "acme");
    for round in 0..10 {
        let email = format!("ann-{round}@example.org");
        let made = at_once(&backend, 6, |number, store| {
            let new = NewUser { email: &email, name: "Ann", password_hash: "", operator: false, created: at(1) };
            let made = store.create_user(&new).unwrap();
            let (found, _) = store.user_by_email(&email).unwrap().unwrap();
            let role = Role::ALL[number % Role::ALL.len()];
            store.set_member(&scope("acme"), found.id, role).unwrap();
            assert!(made.is_none_or(|made| made == found.id));
            made
        });
        assert_eq!(made.iter().flatten().count(), 1);
        let ann = *made.iter().flatten().next().unwrap();
        let memberships: Vec<Membership> = store.memberships(ann).unwrap();
        assert_eq!(memberships.len(), 1);
    }
}

/// An organisation that is removed while others work for it: they are told that it is gone, and nothing of it stays.
#[test]
fn an_organisation_can_be_removed_under_its_users() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    let ann = user(&store, "ann@example.org");
    for round in 0..5 {
        organisation(&store, "acme");
        at_once(&backend, 5, |number, store| {
            let acme = scope("acme");
            for step in 0..10 {
                let gone = |result: Result<(), StoreError>| match result {
                    Ok(()) | Err(StoreError::UnknownOwner) => {}
                    Err(error) => panic!("{error:?}"),
                };
                match number {
                    0 if step == 5 => assert!(store.delete_org(&acme).unwrap()),
                    0 => {}
                    1 => gone(store.set_member(&acme, ann, Role::Viewer)),
                    2 => gone(store.enqueue_job(&acme, &super::jobs::new("repo")).map(drop)),
                    3 => gone(store.put_settings(&acme, &super::settings::settings("repo"))),
                    _ => drop(store.claim_job("worker", at(1), at(900)).unwrap()),
                }
            }
        });
        let left = "SELECT (SELECT count(*) FROM members), (SELECT count(*) FROM jobs), \
             (SELECT count(*) FROM source_settings)";
        assert_eq!(backend.psql(left), "0|0|0", "round {round}");
    }
}

/// An entry that was on its way when its organisation was removed is not the next one's.
#[test]
fn a_late_audit_entry_is_not_the_next_organisations() {
    let Some(backend) = Postgres::new() else { return };
    let store = backend.store();
    let mut client = backend.client();
    let mut late = client.transaction().unwrap();
    late.batch_execute(
        "INSERT INTO audit (time, org, actor, action, target, address, detail) VALUES (1, 'acme', '', '', '', '', '')",
    )
    .unwrap();
    organisation(&store, "acme");
    late.commit().unwrap();
    assert_eq!(store.audit(&scope("acme"), ALL).unwrap(), []);
    assert_eq!(store.audit_of_service(ALL).unwrap().len(), 1);
    super::audit::append(&store, Some("acme"), "org.create");
    assert_eq!(store.audit(&scope("acme"), ALL).unwrap().len(), 1);
}

#[test]
fn a_server_that_comes_back_is_used_again() {
    let Some(mut server) = PostgresServer::start(&[]) else { return };
    let store = open(&server.database());
    organisation(&store, "acme");
    // Several connections, all of which are then dead.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| store.audit_of_service(ALL).unwrap());
        }
    });
    for end in [PostgresServer::kill, PostgresServer::stop_gracefully] {
        end(&mut server);
        for error in [refused(store.check()), refused(store.set_disabled(docassist_model::UserId(1), true))] {
            assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
            assert!(!error.to_string().contains("docassist:"), "{error}");
        }
        server.restart();
        assert_eq!(store.org_count().unwrap(), 1);
        super::audit::append(&store, Some("acme"), "org.create");
    }
    // Restarted between two calls, without a failure in between.
    server.restart();
    super::audit::append(&store, Some("acme"), "org.create");
    server.restart();
    store.check().unwrap();
    assert_eq!(store.audit(&scope("acme"), ALL).unwrap().len(), 3);
}
