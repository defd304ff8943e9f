//! How sources are brought up to date.

use axum::Json;
use axum::extract::State;
use docassist_app::jobs::parse_period;
use docassist_model::{Job, SourceKind, SourceSettings, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Done, Reply};
use crate::extract::{Access, Admin, JsonBody, Member, NoParameters, Path, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// A source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct SourcePath {
    /// The source's name.
    source: String,
}

/// How a source is brought up to date.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SourceLine {
    /// Its name.
    source: String,
    /// What it is.
    kind: SourceKind,
    /// What a sync of it does.
    request: Value,
    /// Whether a name and password are kept for it. They are shown to nobody.
    has_credential: bool,
    /// Seconds from one sync to the next by themselves.
    every: Option<u32>,
    /// When the next one is due.
    due: Option<Timestamp>,
}

impl From<SourceSettings> for SourceLine {
    fn from(settings: SourceSettings) -> Self {
        Self {
            source: settings.source,
            kind: settings.kind,
            request: settings.request,
            has_credential: settings.secret.is_some(),
            every: settings.every,
            due: settings.due,
        }
    }
}

/// Sources by their names.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SourceList {
    /// All of them.
    total: u64,
    /// All of them.
    items: Vec<SourceLine>,
    /// All of them are there.
    next: Option<String>,
}

/// How often.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleBody {
    /// From one sync to the next: `15m`, `2h`, `1d`.
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,6}[smhd]$"))]
    every: String,
}

pub(crate) async fn list(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Result<Json<SourceList>, Problem> {
    let scope = access.scope.clone();
    let settings = state.blocking(move |service| service.jobs.sources(&scope)).await?;
    let items: Vec<SourceLine> = settings.into_iter().map(SourceLine::from).collect();
    Ok(Json(SourceList { total: items.len() as u64, items, next: None }))
}

pub(crate) async fn sync(
    access: Access<Member>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<SourcePath>,
) -> Result<Reply<202, Job>, Problem> {
    let (scope, actor) = (access.scope.clone(), access.actor());
    let job = state
        .blocking(move |service| {
            let (job, _) = service.jobs.submit_again(&scope, &path.source, &actor.name)?;
            service.audit(&actor, Some(scope.org()), "source.sync", &path.source, &format!("job {}", job.id));
            Ok(job)
        })
        .await?;
    Ok(Reply(job))
}

pub(crate) async fn remove(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<SourcePath>,
) -> Result<Done, Problem> {
    let (scope, actor) = (access.scope.clone(), access.actor());
    state
        .blocking(move |service| {
            service.jobs.remove_source(&scope, &path.source)?;
            service.audit(&actor, Some(scope.org()), "source.remove", &path.source, "");
            Ok(())
        })
        .await?;
    Ok(Done)
}

async fn set(
    access: Access<Admin>,
    state: AppState,
    path: SourcePath,
    every: Option<u32>,
) -> Result<SourceSettings, Problem> {
    let (scope, actor) = (access.scope.clone(), access.actor());
    state
        .blocking(move |service| {
            let settings = service.jobs.schedule(&scope, &path.source, every)?;
            let detail = every.map_or("never".to_owned(), |every| format!("every {every} s"));
            service.audit(&actor, Some(scope.org()), "source.schedule", &path.source, &detail);
            Ok(settings)
        })
        .await
}

pub(crate) async fn schedule(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<SourcePath>,
    JsonBody(body): JsonBody<ScheduleBody>,
) -> Result<Json<SourceLine>, Problem> {
    let every = parse_period(&body.every)?;
    Ok(Json(set(access, state, path, Some(every)).await?.into()))
}

pub(crate) async fn unschedule(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<SourcePath>,
) -> Result<Done, Problem> {
    set(access, state, path, None).await?;
    Ok(Done)
}
