//! Runs jobs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use docassist_model::{ErrorCode, Job, TenantScope, Timestamp};
use docassist_sources::git::{Access, Credential};
use docassist_store::{Beat, ClaimedJob, JobEnd};
use serde_json::Value;

use super::live::Live;
use super::stats::Ending;
use super::{GitCredential, Jobs, Shared, SyncRequest, purpose, uploads};
use crate::sync::{DocsRequest, GitRequest, TicketsRequest};
use crate::{App, AppError, now};

/// How often a runner says that it is alive. A cancelled job of another process stops after this at the latest.
const BEAT: Duration = Duration::from_secs(1);
/// Seconds without a beat after which a job is taken over: several beats, and short enough that a crash delays a sync
/// little.
const LEASE_SECONDS: i64 = 6;
/// How often an idle runner looks for jobs that other processes queued.
const LOOK: Duration = Duration::from_millis(500);
/// How often a job is begun whose database went away meanwhile: outages come and go, and a job that brings one about should
/// not do so for ever.
const ATTEMPTS: u32 = 10;
/// How long a job waits for a sync that somebody runs on the command line.
const WAIT_FOR_WRITER: Duration = Duration::from_secs(6 * 60 * 60);
/// Ended jobs are kept so long.
const KEPT_DAYS: u32 = 30;
/// Sent files whose replica does not come back for so long are given up: a machine may be repaired meanwhile.
const LOST_DAYS: u32 = 1;
const HOUSEKEEPING: Duration = Duration::from_secs(60 * 60);

/// The threads that run jobs; they end when it is dropped.
pub struct Runner {
    jobs: Jobs,
    threads: Vec<JoinHandle<()>>,
}

impl Jobs {
    /// Starts `workers` threads that run jobs, and one that keeps them and the schedules going.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn run(&self, workers: usize) -> Result<Runner, AppError> {
        let mut threads = Vec::new();
        let mut start = |name: String, work: fn(&Jobs)| {
            let jobs = self.clone();
            let thread = std::thread::Builder::new().name(name).spawn(move || work(&jobs));
            let failed = |error| AppError::new(ErrorCode::Internal, format!("a thread could not be started: {error}"));
            threads.push(thread.map_err(failed)?);
            Ok::<_, AppError>(())
        };
        start("jobs-beat".to_owned(), Self::beat)?;
        for number in 0..workers {
            start(format!("jobs-{number}"), Self::work)?;
        }
        Ok(Runner { jobs: self.clone(), threads })
    }

    /// Renews leases, hears of cancellations, and queues what is due, until everything has stopped.
    fn beat(&self) {
        let shared = &self.0;
        let mut housekept: Option<Instant> = None;
        loop {
            let live: Vec<_> = {
                let live = shared.live.lock().unwrap_or_else(PoisonError::into_inner);
                live.iter().map(|(id, live)| (*id, Arc::clone(live))).collect()
            };
            if shared.stopping() && live.is_empty() {
                return;
            }
            for (id, live) in live {
                match shared.control.beat_job(id, &shared.owner, &live.progress(), lease()) {
                    Ok(Beat::GoOn) => {}
                    Ok(Beat::Cancel) => live.cancel(),
                    Ok(Beat::Lost) => live.lose(),
                    // The lease may end meanwhile; then somebody else goes on.
                    Err(error) => tracing::warn!(job = id.0, %error, "a job's progress could not be noted"),
                }
            }
            if !shared.stopping() {
                if let Err(error) = self.queue_due() {
                    tracing::warn!(%error, "schedules could not be read");
                }
                if housekept.is_none_or(|last| last.elapsed() > HOUSEKEEPING) {
                    housekept = Some(Instant::now());
                    self.housekeep();
                }
            }
            // Short waits, so that stopping is quick.
            let until = Instant::now() + BEAT;
            while Instant::now() < until && !(shared.stopping() && shared.nothing_runs()) {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    fn housekeep(&self) {
        let control = &self.0.control;
        let purged = control.purge_jobs(now().minus_days(KEPT_DAYS));
        if let Err(error) = purged.and_then(|_| control.purge_sessions(now())) {
            tracing::warn!(%error, "old jobs and sessions could not be forgotten");
        }
        let lost = "the files that were sent lie at a replica that is gone. Send them again.";
        match control.fail_jobs_elsewhere(&self.0.place, now().minus_days(LOST_DAYS), lost, now()) {
            Ok(0) => {}
            Ok(jobs) => tracing::warn!(jobs, "jobs of sent files were given up: their replica does not come back"),
            Err(error) => tracing::warn!(%error, "jobs of lost replicas could not be ended"),
        }
    }

    fn work(&self) {
        let shared = &self.0;
        while !shared.stopping() {
            match shared.control.claim_job_at(&shared.place, &shared.owner, now(), lease()) {
                Ok(Some(claimed)) => shared.run(claimed),
                Ok(None) => shared.wait_for_work(),
                Err(error) => {
                    tracing::warn!(%error, "jobs cannot be read");
                    shared.wait_for_work();
                }
            }
        }
    }
}

fn lease() -> Timestamp {
    Timestamp::from_unix(now().unix().saturating_add(LEASE_SECONDS))
}

impl Shared {
    fn nothing_runs(&self) -> bool {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn wait_for_work(&self) {
        let queued = self.queued.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queued = match self.wake.wait_timeout_while(queued, LOOK, |queued| !*queued) {
            Ok((queued, _)) => queued,
            Err(poisoned) => poisoned.into_inner().0,
        };
        *queued = false;
    }

    fn run(&self, claimed: ClaimedJob) {
        let ClaimedJob { job, secret } = claimed;
        let live = Arc::new(Live::default());
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id, Arc::clone(&live));
        if self.stopping() {
            live.stop();
        }
        let scope = TenantScope::unchecked(job.org.clone(), "the job was queued by somebody who may");
        let started = Instant::now();
        tracing::info!(job = job.id.0, org = %job.org, source = job.source, attempt = job.attempts, "sync begins");
        let before = self.store.sequence(&scope);
        let result = catch_unwind(AssertUnwindSafe(|| self.sync(&scope, &job, secret.as_deref(), &live)))
            .unwrap_or_else(|_| Err(AppError::new(ErrorCode::Internal, "the sync ended by a defect in the program")));
        // Whatever it was: what has changed is told before the job counts as ended, so that whoever sees it ended also sees
        // what it did. A cancelled one may have done its work at the last moment.
        let after = self.store.sequence(&scope);
        if !matches!((&before, &after), (Ok(before), Ok(after)) if before == after) {
            (self.on_change)(&scope, job.kind);
            self.warm(&scope);
        }
        self.end(&job, &live, result, started.elapsed());
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&job.id);
        // Jobs of the same organisation may have waited for this one.
        self.wake.notify_all();
    }

    /// Loads the new graph where the old one was in use, so that nobody waits for it.
    fn warm(&self, scope: &TenantScope) {
        if self.graphs.holds(scope)
            && let Err(error) = self.graphs.get(self.store.as_ref(), scope)
        {
            tracing::warn!(org = %scope.org(), %error, "the new graph could not be loaded");
        }
    }

    fn end(&self, job: &Job, live: &Live, result: Result<Value, AppError>, took: Duration) {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let end = match result {
            Ok(report) => JobEnd::Done(report),
            Err(_) if live.was_lost() => return,
            Err(error) if error.code == ErrorCode::Cancelled && live.was_cancelled() => JobEnd::Cancelled,
            Err(error) if error.code == ErrorCode::Cancelled && self.stopping() => JobEnd::Released,
            // The database went away. Nothing is noted, and could be: when the lease has ended somebody goes on from what was
            // read so far.
            Err(error) if error.code == ErrorCode::Unavailable && job.attempts < ATTEMPTS => {
                tracing::warn!(job = job.id.0, org = %job.org, source = job.source, %error, took_ms, "sync interrupted");
                return;
            }
            Err(error) => {
                let hint = error.hint.as_ref().map(|hint| format!(". {hint}")).unwrap_or_default();
                if error.public.is_some() {
                    // The job tells its organisation; where the database is, is for the log.
                    tracing::warn!(job = job.id.0, %error, "the stored data could not be used");
                }
                JobEnd::Failed(format!("{}{hint}", error.for_users()))
            }
        };
        let ending = match &end {
            JobEnd::Done(_) => Some(Ending::Done),
            JobEnd::Failed(error) => {
                tracing::warn!(job = job.id.0, org = %job.org, source = job.source, error, took_ms, "sync failed");
                Some(Ending::Failed)
            }
            JobEnd::Cancelled => Some(Ending::Cancelled),
            JobEnd::Released => None,
        };
        if let Some(ending) = ending {
            let waited = job.started.map_or(0, |started| started.unix() - job.created.unix());
            self.counters.ended(job.kind, ending, took, waited);
            tracing::info!(job = job.id.0, org = %job.org, source = job.source, ?ending, took_ms, "sync ended");
        }
        match self.control.end_job(job.id, &self.owner, &end, now()) {
            Ok(true) if ending.is_some() => self.discard_upload(job),
            Ok(_) => {}
            // Its lease will end, and somebody runs it again: a sync that was done finds nothing to do.
            Err(error) => tracing::error!(job = job.id.0, %error, "a job's end could not be noted"),
        }
    }

    fn sync(&self, scope: &TenantScope, job: &Job, secret: Option<&[u8]>, live: &Live) -> Result<Value, AppError> {
        let request = SyncRequest::from_value(&job.request)?;
        self.locations.check(&request)?;
        let credential = secret.map(|sealed| self.credential(scope, &job.source, sealed)).transpose()?;
        let app = App::over(Arc::clone(&self.store), Arc::clone(&self.graphs), &self.data, scope.clone());
        let (name, wait) = (Some(job.source.clone()), Some(WAIT_FOR_WRITER));
        let report = match request {
            SyncRequest::Git { location, branch, full } => {
                // Taken up again, it goes on from where it was.
                let access = Access { credential: credential.map(Credential::from), restricted: true };
                let request = GitRequest { location, name, branch, full, wait, access };
                serde_json::to_value(app.sync_git(&request, live)?)
            }
            SyncRequest::Tickets { files, projects, prune, upload } => {
                let folder = upload.map(|upload| uploads::folder(&self.data, scope.org(), &upload));
                if folder.as_ref().is_some_and(|folder| !folder.is_dir()) {
                    let message = "the files that were sent are not here any more";
                    return Err(AppError::new(ErrorCode::SourceUnreadable, message).hint("Send them again."));
                }
                let request = TicketsRequest { files, folder, name, projects, prune, wait };
                serde_json::to_value(app.sync_tickets(&request, live)?)
            }
            SyncRequest::Docs { folder } => {
                serde_json::to_value(app.sync_docs(&DocsRequest { folder, name, wait }, live)?)
            }
        };
        report.map_err(|error| AppError::new(ErrorCode::Internal, format!("the report cannot be kept: {error}")))
    }

    fn credential(&self, scope: &TenantScope, source: &str, sealed: &[u8]) -> Result<GitCredential, AppError> {
        let text = self.secrets.open(scope, &purpose(source), sealed)?;
        serde_json::from_slice(&text)
            .map_err(|_| AppError::new(ErrorCode::StoreUnusable, "a stored credential is of no form that is known"))
    }
}

impl Runner {
    /// Stops: jobs that run are told to, and go back into the queue where they are not done. Returns when all have.
    pub fn stop(&mut self) {
        let shared = &self.jobs.0;
        shared.stopping.store(true, Ordering::Release);
        for live in shared.live.lock().unwrap_or_else(PoisonError::into_inner).values() {
            live.stop();
        }
        *shared.queued.lock().unwrap_or_else(PoisonError::into_inner) = true;
        shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop();
    }
}
