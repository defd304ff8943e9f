//! Syncs that wait, run, or have ended.

use std::convert::Infallible;
use std::time::Duration;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use docassist_app::accounts::Principal;
use docassist_app::{Service, Window};
use docassist_model::{ErrorCode, Job, JobId, JobState, TenantScope};
use futures_util::stream::{self, Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;

use super::params::limit;
use crate::answer::described;
use crate::extract::{Access, Member, NoParameters, Path, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

const USUAL_PAGE: usize = 50;

/// How often a stream looks for news. People see a quarter of a second as at once.
const LOOK: Duration = Duration::from_millis(250);
/// How often a stream without news says that it is there.
const ALIVE: Duration = Duration::from_secs(15);

/// A job.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct JobPath {
    /// The job's number.
    pub(crate) id: u64,
}

/// Which jobs.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobsParams {
    /// Only those of this source.
    source: Option<String>,
    /// Items at most; 50 if left out.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Jobs, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct JobList {
    /// All of them.
    total: u64,
    /// This page.
    items: Vec<Job>,
    /// Where the next page begins; `null` on the last.
    next: Option<String>,
}

/// A page of something that has numbers, newest first. `numbers` are those of the page.
pub(super) fn window(cursor: Option<&str>, most: Option<u32>) -> Result<Window, Problem> {
    let before = cursor.map(|cursor| {
        cursor.parse().map_err(|_| Problem::new(ErrorCode::InvalidInput, "the cursor is of another list"))
    });
    Ok(Window { before: before.transpose()?, limit: limit(most)?.unwrap_or(USUAL_PAGE) })
}

/// Where the page after one with these numbers begins.
pub(super) fn next(window: Window, numbers: impl ExactSizeIterator<Item = u64>) -> Option<String> {
    if numbers.len() < window.limit { None } else { numbers.last().map(|number| number.to_string()) }
}

pub(crate) async fn list(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<JobsParams>,
) -> Result<Json<JobList>, Problem> {
    let window = window(params.cursor.as_deref(), params.limit)?;
    let scope = access.scope.clone();
    let (total, items) =
        state.blocking(move |service| service.jobs.jobs(&scope, params.source.as_deref(), window)).await?;
    let next = next(window, items.iter().map(|job| job.id.0));
    Ok(Json(JobList { total, items, next }))
}

async fn job(state: &AppState, scope: &TenantScope, id: JobId) -> Result<Job, Problem> {
    let scope = scope.clone();
    state.clone().blocking(move |service| service.jobs.job(&scope, id)).await
}

pub(crate) async fn show(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<JobPath>,
) -> Result<Json<Job>, Problem> {
    job(&state, &access.scope, JobId(path.id)).await.map(Json)
}

pub(crate) async fn cancel(
    access: Access<Member>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<JobPath>,
) -> Result<Json<Job>, Problem> {
    let (scope, actor) = (access.scope.clone(), access.actor());
    let job = state
        .blocking(move |service| {
            let job = service.jobs.cancel(&scope, JobId(path.id))?;
            service.audit(&actor, Some(scope.org()), "job.cancel", &job.source, &format!("job {}", job.id));
            Ok(job)
        })
        .await?;
    Ok(Json(job))
}

/// A stream of server-sent events.
pub(crate) struct Events(Response);

impl IntoResponse for Events {
    fn into_response(self) -> Response {
        self.0
    }
}

impl OperationOutput for Events {
    type Inner = ();

    fn operation_response(_: &mut GenContext, _: &mut Operation) -> Option<ApiResponse> {
        let description = "An event `progress` with the job whenever it has changed, and at its end `done`, `failed` or \
             `cancelled` with the job; then the stream ends.";
        Some(described(description, "text/event-stream"))
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (Some(200), response)).into_iter().collect()
    }
}

/// What a stream remembers from one event to the next.
struct Watch {
    state: AppState,
    scope: TenantScope,
    principal: Principal,
    id: JobId,
    told: Option<Job>,
    ended: bool,
    _permit: OwnedSemaphorePermit,
}

pub(crate) async fn events(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<JobPath>,
) -> Result<Events, Problem> {
    let permit = std::sync::Arc::clone(&state.streams).try_acquire_owned().map_err(|_| {
        Problem::new(ErrorCode::Unavailable, "too many streams are open").hint("Ask for the job from time to time.")
    })?;
    let id = JobId(path.id);
    // What does not exist is told before the stream begins.
    job(&state, &access.scope, id).await?;
    let Access { scope, principal, .. } = access;
    let watch = Watch { state, scope, principal, id, told: None, ended: false, _permit: permit };
    let events = Sse::new(follow(watch)).keep_alive(KeepAlive::new().interval(ALIVE));
    Ok(Events(events.into_response()))
}

impl Watch {
    /// The job as of now, for whoever may still see it.
    async fn look(&self) -> Result<Job, Problem> {
        let (scope, principal, id) = (self.scope.clone(), self.principal.clone(), self.id);
        let look = move |service: &Service| {
            service.accounts.role_now(&principal, scope.org())?;
            service.jobs.job(&scope, id)
        };
        self.state.clone().blocking(look).await
    }
}

fn follow(watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(watch, |mut watch| async move {
        if watch.ended {
            return None;
        }
        loop {
            // A service that ends closes its streams; whoever listens asks again, perhaps another replica.
            if watch.state.ending.load(std::sync::atomic::Ordering::Acquire) {
                return None;
            }
            let job = watch.look().await.ok()?;
            if watch.told.as_ref() != Some(&job) {
                watch.ended = job.state.is_final();
                let name = match job.state {
                    JobState::Queued | JobState::Running => "progress",
                    ended => ended.as_str(),
                };
                let event = Event::default().event(name).data(serde_json::to_string(&job).unwrap_or_default());
                watch.told = Some(job);
                return Some((Ok(event), watch));
            }
            tokio::time::sleep(LOOK).await;
        }
    })
}
