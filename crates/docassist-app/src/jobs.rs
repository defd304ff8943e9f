//! Syncs that run by themselves: queued durably, one at a time per organisation (whose records have one writer), taken up again by whoever is
//! alive when their process dies, stopped on request.
//!
//! A job is a row; running it is what `docassist sync` does. Its runner holds a lease that it renews every second; when the lease
//! ends, another runner takes the job over. Two that run the same job for a moment do no harm: the organisation's writer
//! lock lets one write, and the other finds out at its next beat.

mod live;
mod location;
mod request;
mod runner;
mod schedule;
mod stats;
mod uploads;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use docassist_model::{ErrorCode, Job, JobId, SourceKind, SourceSettings, TenantScope};
use docassist_store::{ControlStore, NewJob, Store, Window};
use serde_json::Value;

pub use location::LocationPolicy;
pub use request::{GitCredential, SyncRequest, parse_period};
pub use runner::Runner;
pub use stats::{BUCKETS, KindStats};
pub use uploads::Upload;

use crate::secrets::Secrets;
use crate::{AppError, Graphs, now};
use live::Live;
use stats::Counters;

/// A job to be queued.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The source's name.
    pub source: String,
    /// What to do.
    pub request: SyncRequest,
    /// What the location needs.
    pub credential: Option<GitCredential>,
    /// Who asks, as in the audit log.
    pub requested_by: String,
    /// Seconds from one sync to the next by itself; `Some(None)` ends a schedule, `None` leaves it.
    pub every: Option<Option<u32>>,
}

/// What is called when an organisation's records have changed: before the job counts as done.
pub type OnChange = dyn Fn(&TenantScope, SourceKind) + Send + Sync;

/// Queues, watches and runs jobs.
#[derive(Clone)]
pub struct Jobs(Arc<Shared>);

struct Shared {
    control: Arc<dyn ControlStore>,
    store: Arc<dyn Store>,
    graphs: Arc<Graphs>,
    data: PathBuf,
    secrets: Secrets,
    locations: LocationPolicy,
    on_change: Box<OnChange>,
    /// Jobs that this process runs.
    live: Mutex<HashMap<JobId, Arc<Live>>>,
    /// A job was queued here.
    queued: Mutex<bool>,
    wake: Condvar,
    stopping: AtomicBool,
    /// This process, in leases.
    owner: String,
    /// The data directory, in jobs whose files lie there.
    place: String,
    counters: Counters,
}

/// What jobs work with.
pub(crate) struct Parts {
    pub(crate) control: Arc<dyn ControlStore>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) graphs: Arc<Graphs>,
    pub(crate) data: PathBuf,
    pub(crate) secrets: Secrets,
    pub(crate) locations: LocationPolicy,
    pub(crate) on_change: Box<OnChange>,
}

impl Jobs {
    pub(crate) fn new(parts: Parts) -> Result<Self, AppError> {
        let Parts { control, store, graphs, data, secrets, locations, on_change } = parts;
        let owner = format!("{}-{}", std::process::id(), crate::secrets::random_text::<9>()?);
        // Where nothing can be written nothing is sent either.
        let place = uploads::place(&data).unwrap_or_else(|_| owner.clone());
        Ok(Self(Arc::new(Shared {
            control,
            store,
            graphs,
            data,
            secrets,
            locations,
            on_change,
            live: Mutex::default(),
            queued: Mutex::new(false),
            wake: Condvar::new(),
            stopping: AtomicBool::new(false),
            owner,
            place,
            counters: Counters::default(),
        })))
    }

    /// Queues a sync, and keeps how to do it again. Where one of the same source waits already, that one takes the new request and is
    /// returned with `false`; uploaded files always get a job of their own.
    ///
    /// # Errors
    /// When the name or the location is not taken, or the store cannot be written.
    pub fn submit(&self, scope: &TenantScope, submission: Submission) -> Result<(Job, bool), AppError> {
        let shared = &self.0;
        let Submission { source, mut request, mut credential, requested_by, every } = submission;
        let source = crate::sync::checked_name(&source)?;
        if let Some(found) = request.take_credential()? {
            credential.get_or_insert(found);
        }
        shared.locations.check(&request)?;
        let kind = request.kind();
        let secret = credential.map(|credential| self.seal(scope, &source, &credential)).transpose()?;
        let value = request.to_value()?;
        let earlier = shared.control.settings(scope, &source)?;
        if earlier.as_ref().is_some_and(|earlier| earlier.kind != kind) {
            let message = format!("`{source}` is a source of another kind");
            return Err(AppError::new(ErrorCode::Conflict, message).hint("Give this one another name."));
        }
        if !request.is_upload() {
            let kept = earlier.as_ref().filter(|earlier| same_location(&earlier.request, &value));
            let secret = secret.clone().or_else(|| kept.and_then(|kept| kept.secret.clone()));
            let every = every.unwrap_or_else(|| earlier.as_ref().and_then(|earlier| earlier.every));
            let due = every.map(|every| schedule::next(now(), every));
            let settings = SourceSettings { source: source.clone(), kind, request: value.clone(), secret, every, due };
            shared.control.put_settings(scope, &settings)?;
            return self.enqueue(scope, &settings, &requested_by);
        }
        if every.flatten().is_some() {
            return Err(AppError::new(ErrorCode::InvalidInput, "uploaded files cannot be read again by a schedule"));
        }
        let job = NewJob {
            kind,
            source: &source,
            request: &value,
            secret: None,
            requested_by: &requested_by,
            created: now(),
            alone: true,
            place: Some(&shared.place),
        };
        self.push(scope, &job)
    }

    /// Queues a sync of a source as it was last asked for.
    ///
    /// # Errors
    /// When there is no such source, or the store cannot be written.
    pub fn submit_again(&self, scope: &TenantScope, source: &str, requested_by: &str) -> Result<(Job, bool), AppError> {
        let settings = self.0.control.settings(scope, source)?.ok_or_else(|| no_source(source))?;
        self.enqueue(scope, &settings, requested_by)
    }

    fn enqueue(
        &self,
        scope: &TenantScope,
        settings: &SourceSettings,
        requested_by: &str,
    ) -> Result<(Job, bool), AppError> {
        let job = NewJob {
            kind: settings.kind,
            source: &settings.source,
            request: &settings.request,
            secret: settings.secret.as_deref(),
            requested_by,
            created: now(),
            alone: false,
            place: None,
        };
        self.push(scope, &job)
    }

    fn push(&self, scope: &TenantScope, job: &NewJob<'_>) -> Result<(Job, bool), AppError> {
        let queued = self.0.control.enqueue_job(scope, job)?;
        *self.0.queued.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.wake.notify_one();
        Ok(queued)
    }

    /// A job with its progress as of now.
    ///
    /// # Errors
    /// When there is none such in the organisation.
    pub fn job(&self, scope: &TenantScope, id: JobId) -> Result<Job, AppError> {
        let job = self.0.control.job(scope, id)?.ok_or_else(|| no_job(id))?;
        Ok(self.present(job))
    }

    /// Jobs, newest first, and how many there are.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn jobs(&self, scope: &TenantScope, source: Option<&str>, window: Window) -> Result<(u64, Vec<Job>), AppError> {
        let total = self.0.control.job_count(scope, source)?;
        let jobs = self.0.control.jobs(scope, source, window)?;
        Ok((total, jobs.into_iter().map(|job| self.present(job)).collect()))
    }

    /// What the store knows of a running job is up to a second old.
    fn present(&self, mut job: Job) -> Job {
        if !job.state.is_final()
            && let Some(live) = self.0.live(job.id)
        {
            job.progress = live.progress();
        }
        job
    }

    /// Asks for a job's end. What it did so far is not seen: the graph stays as it was.
    ///
    /// # Errors
    /// When there is none such in the organisation.
    pub fn cancel(&self, scope: &TenantScope, id: JobId) -> Result<Job, AppError> {
        let job = self.0.control.cancel_job(scope, id, now())?.ok_or_else(|| no_job(id))?;
        if let Some(live) = self.0.live(id) {
            live.cancel();
        }
        if job.state.is_final() {
            self.0.discard_upload(&job);
        }
        Ok(self.present(job))
    }

    /// How sources are brought up to date, by the names of the sources.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sources(&self, scope: &TenantScope) -> Result<Vec<SourceSettings>, AppError> {
        Ok(self.0.control.all_settings(scope)?)
    }

    /// Sets or ends the schedule of a source.
    ///
    /// # Errors
    /// When there is no such source.
    pub fn schedule(&self, scope: &TenantScope, source: &str, every: Option<u32>) -> Result<SourceSettings, AppError> {
        let mut settings = self.0.control.settings(scope, source)?.ok_or_else(|| no_source(source))?;
        settings.every = every;
        settings.due = every.map(|every| schedule::next(now(), every));
        self.0.control.put_settings(scope, &settings)?;
        Ok(settings)
    }

    /// Removes a source with its records, settings and webhooks.
    ///
    /// # Errors
    /// When there is none such, or a sync of the organisation does not end in time.
    pub fn remove_source(&self, scope: &TenantScope, source: &str) -> Result<(), AppError> {
        let shared = &self.0;
        let stored = shared.store.sources(scope)?.into_iter().find(|stored| stored.name == source);
        let settings = shared.control.delete_settings(scope, source)?;
        if let Some(stored) = &stored {
            let mut writer =
                shared.store.writer(scope, &format!("remove {source}"), Duration::from_secs(5), &|| false)?;
            writer.remove_source(stored.id)?;
            drop(writer);
            (shared.on_change)(scope, stored.kind);
        }
        if stored.is_none() && !settings {
            return Err(no_source(source));
        }
        Ok(())
    }

    /// Counters since the start, by kind of source.
    #[must_use]
    pub fn stats(&self) -> Vec<KindStats> {
        self.0.counters.read()
    }

    /// Files to upload go through this.
    #[must_use]
    pub fn upload(&self, scope: &TenantScope) -> Upload {
        Upload::new(&self.0.data, scope)
    }

    fn seal(&self, scope: &TenantScope, source: &str, credential: &GitCredential) -> Result<Vec<u8>, AppError> {
        let text = serde_json::to_vec(credential)
            .map_err(|error| AppError::new(ErrorCode::Internal, format!("a credential cannot be kept: {error}")))?;
        self.0.secrets.seal(scope, &purpose(source), &text)
    }
}

impl Shared {
    fn live(&self, id: JobId) -> Option<Arc<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(&id).map(Arc::clone)
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn discard_upload(&self, job: &Job) {
        if let Ok(request) = SyncRequest::from_value(&job.request) {
            uploads::discard(&self.data, &job.org, &request);
        }
    }
}

/// What a source's secret is sealed for.
pub(crate) fn purpose(source: &str) -> String {
    format!("source {source}")
}

/// A kept credential goes with the location that it was given for, and to no other host.
fn same_location(one: &Value, two: &Value) -> bool {
    one.get("location") == two.get("location")
}

fn no_source(source: &str) -> AppError {
    AppError::new(ErrorCode::NotFound, format!("there is no source `{source}`"))
        .hint("`GET /api/v1/sources` lists those that were synced by the service.")
}

fn no_job(id: JobId) -> AppError {
    AppError::new(ErrorCode::NotFound, format!("there is no job {id}"))
}
