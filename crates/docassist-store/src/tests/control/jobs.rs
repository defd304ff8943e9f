//! The queue of syncs.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use docassist_model::{Job, JobId, JobProgress, JobState, SourceKind};
use serde_json::{Value, json};

use super::{ALL, Backend, at, organisation, scope, slug};
use crate::{Beat, ClaimedJob, ControlStore, JobEnd, NewJob, Window};

pub(super) fn new(source: &str) -> NewJob<'_> {
    NewJob {
        kind: SourceKind::Git,
        source,
        request: &Value::Null,
        secret: Some(b"sealed"),
        requested_by: "schedule",
        created: at(100),
        alone: false,
        place: None,
    }
}

pub(super) fn enqueue(store: &dyn ControlStore, org: &str, source: &str) -> JobId {
    let (job, new) = store.enqueue_job(&scope(org), &new(source)).unwrap();
    assert!(new);
    job.id
}

/// Claims at `now` for ten seconds.
fn claim(store: &dyn ControlStore, owner: &str, now: i64) -> Option<ClaimedJob> {
    store.claim_job(owner, at(now), at(now + 10)).unwrap()
}

fn claimed(store: &dyn ControlStore, owner: &str, now: i64) -> Option<JobId> {
    claim(store, owner, now).map(|claimed| claimed.job.id)
}

fn job(store: &dyn ControlStore, id: JobId) -> Job {
    store.job(&scope("acme"), id).unwrap().unwrap()
}

fn state(store: &dyn ControlStore, id: JobId) -> JobState {
    job(store, id).state
}

pub(super) fn a_job_goes_from_queued_to_done(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    assert_eq!(claim(&*store, "one", 200), None);
    let request = json!({"full": true, "branch": "main"});
    let asked = NewJob { request: &request, ..new("repo") };
    let (queued, is_new) = store.enqueue_job(&scope("acme"), &asked).unwrap();
    let expected = Job {
        id: queued.id,
        org: slug("acme"),
        kind: SourceKind::Git,
        source: "repo".to_owned(),
        state: JobState::Queued,
        request: request.clone(),
        requested_by: "schedule".to_owned(),
        created: at(100),
        started: None,
        finished: None,
        attempts: 0,
        cancel_requested: false,
        progress: JobProgress::default(),
        result: None,
        error: None,
    };
    assert_eq!((&queued, is_new), (&expected, true));
    assert_eq!(job(&*store, queued.id), expected);
    assert_eq!(store.job_load().unwrap(), (1, 0));

    let running = claim(&*store, "one", 200).unwrap();
    let expected = Job { state: JobState::Running, started: Some(at(200)), attempts: 1, ..expected };
    assert_eq!(running, ClaimedJob { job: expected.clone(), secret: Some(b"sealed".to_vec()) });
    assert_eq!(store.job_load().unwrap(), (0, 1));
    assert_eq!(claim(&*store, "two", 201), None);

    let progress = JobProgress { phase: "reading commits".to_owned(), done: 7, total: Some(u64::MAX / 2) };
    assert_eq!(store.beat_job(queued.id, "one", &progress, at(220)).unwrap(), Beat::GoOn);
    assert_eq!(store.beat_job(queued.id, "two", &progress, at(220)).unwrap(), Beat::Lost);
    assert_eq!(job(&*store, queued.id).progress, progress);

    let result = json!({"commits": 7});
    assert!(!store.end_job(queued.id, "two", &JobEnd::Cancelled, at(215)).unwrap());
    assert!(store.end_job(queued.id, "one", &JobEnd::Done(result.clone()), at(215)).unwrap());
    let expected = Job {
        state: JobState::Done,
        finished: Some(at(215)),
        progress: progress.clone(),
        result: Some(result),
        ..expected
    };
    assert_eq!(job(&*store, queued.id), expected);
    // What has ended is nobody's any more.
    assert!(!store.end_job(queued.id, "one", &JobEnd::Cancelled, at(216)).unwrap());
    assert_eq!(store.beat_job(queued.id, "one", &progress, at(230)).unwrap(), Beat::Lost);
    assert_eq!(store.cancel_job(&scope("acme"), queued.id, at(217)).unwrap(), Some(expected));
    assert_eq!((claim(&*store, "one", 900), store.job_load().unwrap()), (None, (0, 0)));
}

pub(super) fn a_job_that_failed_says_why(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let id = enqueue(&*store, "acme", "repo");
    claim(&*store, "one", 200).unwrap();
    assert!(store.end_job(id, "one", &JobEnd::Failed("no such branch".to_owned()), at(201)).unwrap());
    let failed = job(&*store, id);
    assert_eq!((failed.state, failed.error.as_deref()), (JobState::Failed, Some("no such branch")));
    assert_eq!((failed.finished, failed.result), (Some(at(201)), None));
}

pub(super) fn any_number_of_requests_make_one_job(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let first = enqueue(&*store, "acme", "repo");
    enqueue(&*store, "acme", "another");
    enqueue(&*store, "beta", "repo");
    let request = json!(["again"]);
    let again = NewJob {
        kind: SourceKind::Docs,
        request: &request,
        secret: None,
        requested_by: "webhook",
        created: at(150),
        ..new("repo")
    };
    let (merged, is_new) = store.enqueue_job(&scope("acme"), &again).unwrap();
    assert_eq!((merged.id, is_new, &merged.request), (first, false, &request));
    assert_eq!((merged.requested_by.as_str(), merged.kind, merged.created), ("webhook", SourceKind::Docs, at(100)));
    assert_eq!(store.job_count(&scope("acme"), Some("repo")).unwrap(), 1);
    let running = claim(&*store, "one", 200).unwrap();
    assert_eq!(running, ClaimedJob { job: job(&*store, first), secret: None });
    // What is asked for while it runs is the next one.
    let next = enqueue(&*store, "acme", "repo");
    assert_ne!(next, first);
    assert!(!store.enqueue_job(&scope("acme"), &new("repo")).unwrap().1);
    assert_eq!(store.job_load().unwrap(), (3, 1));
}

pub(super) fn one_job_of_an_organisation_runs_at_a_time(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let first = enqueue(&*store, "acme", "repo");
    assert_eq!(claimed(&*store, "one", 200), Some(first));
    let second = enqueue(&*store, "acme", "repo");
    let (other, theirs) = (enqueue(&*store, "acme", "other"), enqueue(&*store, "beta", "repo"));
    assert_eq!(claimed(&*store, "one", 202), Some(theirs));
    assert_eq!(claimed(&*store, "one", 203), None);
    for (running, next) in [(first, second), (second, other)] {
        assert!(store.end_job(running, "one", &JobEnd::Cancelled, at(204)).unwrap());
        assert_eq!(claimed(&*store, "one", 205), Some(next));
        assert_eq!(claimed(&*store, "one", 205), None);
    }
}

pub(super) fn the_job_of_a_dead_runner_is_taken_over(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let first = enqueue(&*store, "acme", "repo");
    assert_eq!(claimed(&*store, "one", 200), Some(first));
    let next = enqueue(&*store, "acme", "repo");
    let progress = JobProgress { phase: "reading".to_owned(), done: 5, total: None };
    assert_eq!(store.beat_job(first, "one", &progress, at(220)).unwrap(), Beat::GoOn);
    assert_eq!(claimed(&*store, "two", 219), None);
    // The running one first, though another one waits for the source.
    let taken = claim(&*store, "two", 220).unwrap();
    assert_eq!((taken.job.id, taken.job.attempts, taken.job.started), (first, 2, Some(at(220))));
    assert_eq!(taken.secret.as_deref(), Some(b"sealed".as_slice()));
    assert_eq!(taken.job.progress, progress);
    assert_eq!(store.beat_job(first, "one", &progress, at(300)).unwrap(), Beat::Lost);
    assert!(!store.end_job(first, "one", &JobEnd::Released, at(221)).unwrap());
    assert!(store.end_job(first, "two", &JobEnd::Cancelled, at(222)).unwrap());
    assert_eq!(claimed(&*store, "two", 223), Some(next));
}

pub(super) fn a_late_beat_keeps_what_nobody_took(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let id = enqueue(&*store, "acme", "repo");
    claim(&*store, "one", 200).unwrap();
    assert_eq!(store.beat_job(id, "one", &JobProgress::default(), at(330)).unwrap(), Beat::GoOn);
    assert_eq!(claim(&*store, "two", 320), None);
    // One owner may come back for its own, after a pause that was longer than the lease.
    assert_eq!(claim(&*store, "one", 330).unwrap().job.attempts, 2);
}

pub(super) fn jobs_are_cancelled_waiting_or_running(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let acme = scope("acme");
    let waiting = enqueue(&*store, "acme", "repo");
    assert_eq!(store.cancel_job(&scope("beta"), waiting, at(150)).unwrap(), None);
    let cancelled = store.cancel_job(&acme, waiting, at(150)).unwrap().unwrap();
    assert_eq!((cancelled.state, cancelled.finished), (JobState::Cancelled, Some(at(150))));
    assert_eq!(claim(&*store, "one", 200), None);

    let running = enqueue(&*store, "acme", "repo");
    claim(&*store, "one", 200).unwrap();
    let asked = store.cancel_job(&acme, running, at(201)).unwrap().unwrap();
    assert_eq!((asked.state, asked.cancel_requested, asked.finished), (JobState::Running, true, None));
    assert_eq!(store.beat_job(running, "one", &JobProgress::default(), at(210)).unwrap(), Beat::Cancel);
    // It may be done all the same.
    assert!(store.end_job(running, "one", &JobEnd::Done(Value::Null), at(203)).unwrap());
    assert_eq!(state(&*store, running), JobState::Done);
}

pub(super) fn a_dead_job_whose_end_was_asked_for_is_not_run_again(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let dead = enqueue(&*store, "acme", "repo");
    assert_eq!(claimed(&*store, "one", 200), Some(dead));
    let next = enqueue(&*store, "acme", "repo");
    store.cancel_job(&scope("acme"), dead, at(201)).unwrap();
    assert_eq!(claimed(&*store, "two", 300), Some(next));
    let ended = job(&*store, dead);
    assert_eq!((ended.state, ended.finished, ended.attempts), (JobState::Cancelled, Some(at(300)), 1));

    // Also where nothing else is left to run.
    store.cancel_job(&scope("acme"), next, at(301)).unwrap();
    assert_eq!(claim(&*store, "three", 900), None);
    assert_eq!(state(&*store, next), JobState::Cancelled);
}

pub(super) fn a_released_job_waits_again(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let first = enqueue(&*store, "acme", "repo");
    let other = enqueue(&*store, "acme", "other");
    claim(&*store, "one", 200).unwrap();
    assert!(store.end_job(first, "one", &JobEnd::Released, at(201)).unwrap());
    let released = job(&*store, first);
    assert_eq!((released.state, released.attempts, released.finished), (JobState::Queued, 1, None));
    // In its old place, with its secret.
    let again = claim(&*store, "two", 202).unwrap();
    assert_eq!((again.job.id, again.job.attempts), (first, 2));
    assert_eq!(again.secret.as_deref(), Some(b"sealed".as_slice()));
    store.end_job(first, "two", &JobEnd::Cancelled, at(203)).unwrap();
    assert_eq!(claimed(&*store, "two", 203), Some(other));
}

pub(super) fn a_released_job_does_not_wait_twice(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let first = enqueue(&*store, "acme", "repo");
    claim(&*store, "one", 200).unwrap();
    let next = enqueue(&*store, "acme", "repo");
    assert!(store.end_job(first, "one", &JobEnd::Released, at(201)).unwrap());
    let merged = job(&*store, first);
    assert_eq!((merged.state, merged.finished), (JobState::Cancelled, Some(at(201))));
    assert!(merged.error.unwrap().contains(&format!("job {next}")));
    assert_eq!(claimed(&*store, "two", 202), Some(next));

    // One whose end was asked for does not wait again either.
    store.cancel_job(&scope("acme"), next, at(203)).unwrap();
    assert!(store.end_job(next, "two", &JobEnd::Released, at(204)).unwrap());
    assert_eq!((state(&*store, next), job(&*store, next).error), (JobState::Cancelled, None));
    assert_eq!(claim(&*store, "two", 205), None);
}

pub(super) fn jobs_are_listed_newest_first(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let mut ids: Vec<JobId> = ["a", "b", "c"].iter().map(|source| enqueue(&*store, "acme", source)).collect();
    enqueue(&*store, "beta", "a");
    let cancelled = ids[0];
    store.cancel_job(&scope("acme"), cancelled, at(1)).unwrap();
    ids.push(enqueue(&*store, "acme", "a"));
    ids.reverse();
    let list = |source, before: Option<JobId>, limit| -> Vec<JobId> {
        let window = Window { before: before.map(|id| id.0), limit };
        store.jobs(&scope("acme"), source, window).unwrap().into_iter().map(|job| job.id).collect()
    };
    assert_eq!(list(None, None, usize::MAX), ids);
    assert_eq!(list(None, None, 2), ids[..2]);
    assert_eq!(list(None, Some(ids[1]), 2), ids[2..]);
    assert_eq!(list(Some("a"), None, 9), [ids[0], cancelled]);
    assert_eq!(list(Some("a"), Some(ids[0]), 9), [cancelled]);
    assert_eq!(list(Some("z"), None, 9), []);
    assert_eq!(store.job_count(&scope("acme"), None).unwrap(), 4);
    assert_eq!(store.job_count(&scope("acme"), Some("a")).unwrap(), 2);
    assert_eq!(store.job(&scope("beta"), ids[0]).unwrap(), None);
    assert_eq!(store.job(&scope("acme"), JobId(u64::MAX)).unwrap(), None);
}

pub(super) fn ended_jobs_are_forgotten(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    for (source, ended) in [("a", 300), ("b", 301)] {
        let id = enqueue(&*store, "acme", source);
        assert_eq!(claimed(&*store, "one", 200), Some(id));
        store.end_job(id, "one", &JobEnd::Done(Value::Null), at(ended)).unwrap();
    }
    enqueue(&*store, "acme", "c");
    assert_eq!(store.purge_jobs(at(300)).unwrap(), 0);
    assert_eq!(store.purge_jobs(at(301)).unwrap(), 1);
    let left: Vec<_> = store.jobs(&scope("acme"), None, ALL).unwrap().into_iter().map(|job| job.source).collect();
    assert_eq!(left, ["c", "b"]);
}

pub(super) fn each_job_is_claimed_once(backend: &dyn Backend) {
    const JOBS: usize = 60;
    let stores = [backend.open(), backend.open(), backend.open()];
    for number in 0..JOBS {
        let org = format!("org-{number}");
        organisation(&*stores[0], &org);
        enqueue(&*stores[0], &org, "repo");
    }
    let counts: Mutex<BTreeMap<JobId, usize>> = Mutex::default();
    std::thread::scope(|threads| {
        for (number, store) in stores.iter().enumerate() {
            let counts = &counts;
            threads.spawn(move || {
                let owner = format!("worker {number}");
                while let Some(claimed) = claim(&**store, &owner, 200) {
                    assert_eq!(claimed.job.attempts, 1);
                    *counts.lock().unwrap().entry(claimed.job.id).or_default() += 1;
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    assert_eq!((counts.len(), counts.values().sum::<usize>()), (JOBS, JOBS));
}

/// Many who ask, run, die, release and cancel at once: no organisation ever has two that run, and all comes to an end.
pub(super) fn runs_of_an_organisation_never_overlap(backend: &dyn Backend) {
    const SOURCES: usize = 3;
    const ROUNDS: usize = 40;
    let stores = [backend.open(), backend.open()];
    organisation(&*stores[0], "acme");
    let running = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for (worker, store) in stores.iter().enumerate() {
            let running = &running;
            threads.spawn(move || {
                let owner = format!("worker {worker}");
                for round in 0..ROUNDS {
                    let source = (round % SOURCES).to_string();
                    store.enqueue_job(&scope("acme"), &new(&source)).unwrap();
                    let Some(ClaimedJob { job, .. }) = claim(&**store, &owner, 200) else { continue };
                    assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                    let end = match round % 3 {
                        0 => JobEnd::Done(Value::Null),
                        1 => JobEnd::Released,
                        _ => {
                            store.cancel_job(&scope("acme"), job.id, at(201)).unwrap();
                            JobEnd::Released
                        }
                    };
                    running.fetch_sub(1, Ordering::SeqCst);
                    assert!(store.end_job(job.id, &owner, &end, at(202)).unwrap());
                }
            });
        }
    });
    while let Some(claimed) = claim(&*stores[0], "last", 300) {
        assert!(stores[0].end_job(claimed.job.id, "last", &JobEnd::Done(Value::Null), at(301)).unwrap());
    }
    assert_eq!(stores[0].job_load().unwrap(), (0, 0));
}

pub(super) fn an_upload_takes_the_place_of_no_other_job(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let plain = enqueue(&*store, "acme", "tickets");
    let upload = |name: &str| {
        let request = json!({ "upload": name });
        let (job, is_new) =
            store.enqueue_job(&scope("acme"), &NewJob { request: &request, alone: true, ..new("tickets") }).unwrap();
        assert!(is_new);
        assert_eq!(job.request, request);
        job.id
    };
    let (one, two) = (upload("one"), upload("two"));
    // A later plain one joins the plain one.
    assert_eq!(store.enqueue_job(&scope("acme"), &new("tickets")).unwrap().0.id, plain);
    for expected in [plain, one, two] {
        assert_eq!(claimed(&*store, "runner", 200), Some(expected));
        assert_eq!(claimed(&*store, "runner", 200), None, "one at a time");
        if expected == one {
            // Let go, it goes back into the queue, whatever else waits there.
            store.end_job(one, "runner", &JobEnd::Released, at(201)).unwrap();
            assert_eq!(state(&*store, one), JobState::Queued);
            assert_eq!(claimed(&*store, "runner", 202), Some(one));
        }
        store.end_job(expected, "runner", &JobEnd::Done(json!({})), at(203)).unwrap();
    }
}
