//! One of the two servers with the product's store over it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use docassist_model::{ApiKey, OrgSlug, Organisation, Role, SourceKind, TenantScope};
use docassist_store::{ControlStore, JobEnd, NewJob, NewUser, PostgresControl, PostgresStore, PostgresWorkload, Store};
use serde_json::Value;

use super::server::{PostgresServer, ROLE};
use crate::{AppError, now};

/// Organisations without records beside those that were loaded, so that a thousand can be asked about.
pub(super) const EMPTY: &str = "bench-empty-";
/// How many.
pub(super) const EMPTY_COUNT: u32 = 1_000;
/// The organisation whose keys are looked up.
const KEYS: &str = "bench-keys";
/// Who takes jobs here, and for how long.
const OWNER: &str = "bench";
const LEASE: i64 = 60;

/// A server, the store over it, and what is counted of its life.
pub(super) struct Side<'a> {
    server: PostgresServer<'a>,
    pub(super) store: Arc<PostgresStore>,
    pub(super) control: PostgresControl,
    pub(super) workload: PostgresWorkload,
    /// How long nobody could connect, restart by restart, in milliseconds.
    pub(super) restarts: Vec<f64>,
    /// Whether the system dropped the server's files whenever it was asked.
    pub(super) forgets: bool,
    keys: u32,
}

/// The right to work on an organisation that this run has made.
pub(super) fn scope(slug: &str) -> Result<TenantScope, AppError> {
    let slug: OrgSlug = slug.parse().map_err(|error| {
        AppError::new(docassist_model::ErrorCode::Internal, format!("a name of this run's own: {error}"))
    })?;
    Ok(TenantScope::unchecked(slug, "an organisation that this run made, on its own server"))
}

impl<'a> Side<'a> {
    /// Makes role, database and tables, and opens the store as the service does.
    pub(super) fn open(server: PostgresServer<'a>, data: &Path) -> Result<Self, AppError> {
        PostgresWorkload::new(server.superuser("postgres")?).found(ROLE, server.password(), ROLE)?;
        let store = Arc::new(PostgresStore::open(server.product()?, data)?);
        Ok(Self {
            control: store.control(),
            workload: PostgresWorkload::new(server.superuser(ROLE)?),
            store,
            server,
            restarts: Vec::new(),
            forgets: true,
            keys: 0,
        })
    }

    /// What had to be different from what was asked for.
    pub(super) fn notes(&self) -> &[String] {
        &self.server.notes
    }

    /// Rows of the service: `keys` keys, and `jobs` organisations with a job each that waits.
    pub(super) fn prepare(&mut self, keys: u32, jobs: u32) -> Result<(), AppError> {
        self.workload.empty_organisations(EMPTY, EMPTY_COUNT)?;
        let created = now();
        let organisation = |slug: &str| -> Result<TenantScope, AppError> {
            let scope = scope(slug)?;
            let org = Organisation { slug: scope.org().clone(), name: slug.to_owned(), created };
            self.control.create_org(&org)?;
            Ok(scope)
        };
        let holder = organisation(KEYS)?;
        let user = NewUser { email: "bench@localhost", name: "bench", password_hash: "none", operator: false, created };
        let user = self.control.create_user(&user)?;
        for number in 0..if user.is_some() { keys } else { 0 } {
            let key = ApiKey {
                id: key_name(number),
                org: holder.org().clone(),
                user: user.unwrap_or(docassist_model::UserId(0)),
                name: "bench".to_owned(),
                scope: Role::Viewer,
                created,
                expires: None,
                last_used: None,
                revoked: None,
            };
            self.control.create_key(&key, &[0; 32])?;
            self.keys = number + 1;
        }
        for number in 0..jobs {
            let scope = organisation(&format!("bench-jobs-{number}"))?;
            self.enqueue(&scope)?;
        }
        Ok(())
    }

    fn enqueue(&self, scope: &TenantScope) -> Result<(), AppError> {
        let job = NewJob {
            kind: SourceKind::Git,
            source: "bench",
            request: &Value::Null,
            secret: None,
            requested_by: OWNER,
            created: now(),
            alone: false,
            place: None,
        };
        self.control.enqueue_job(scope, &job)?;
        Ok(())
    }

    /// Looks a key up, as every request with one does.
    pub(super) fn look_key_up(&self, number: u64) -> Result<(), AppError> {
        let number = u32::try_from(number % u64::from(self.keys.max(1))).unwrap_or_default();
        self.control.key(&key_name(number))?;
        Ok(())
    }

    /// Takes a job, and returns how long that took; its end and the next one in its place are not of that time.
    pub(super) fn claim(&self) -> Result<Duration, AppError> {
        let (began, at) = (std::time::Instant::now(), now());
        let claimed = self.control.claim_job(OWNER, at, docassist_model::Timestamp::from_unix(at.unix() + LEASE))?;
        let took = began.elapsed();
        if let Some(claimed) = claimed {
            self.control.end_job(claimed.job.id, OWNER, &JobEnd::Done(Value::Null), at)?;
            self.enqueue(&scope(claimed.job.org.as_str())?)?;
        }
        Ok(took)
    }

    /// Restarts the server, without what the system keeps of its files if `cold`, and connects again.
    pub(super) fn restart(&mut self, cold: bool) -> Result<(), AppError> {
        let (took, forgotten) = self.server.restart(cold)?;
        self.restarts.push(took.as_secs_f64() * 1000.0);
        self.forgets &= forgotten || !cold;
        // A new connection is no part of what is measured. These read next to nothing.
        self.store.sequence(&scope(KEYS)?)?;
        self.workload.connect()?;
        Ok(())
    }
}

fn key_name(number: u32) -> String {
    format!("bench{number:08}")
}
