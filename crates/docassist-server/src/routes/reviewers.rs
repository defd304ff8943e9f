//! Who should review.

use axum::extract::State;
use docassist_app::Query as Ask;
use docassist_model::TenantScope;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::Reviewers;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask;
use super::impact::checked_paths;
use super::params::question;
use crate::answer::Cached;
use crate::extract::{Access, JsonBody, NoParameters, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// Files and whose change to them it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewersParams {
    /// Paths from the repository's root: the parameter may be given up to 200 times.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    path: Vec<String>,
    /// The repository, where several have the paths.
    repo: Option<String>,
    /// Whose change it is, by address or name: nobody reviews their own.
    author: Option<String>,
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    as_of: Option<String>,
    /// Reviewers at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// Files and whose change to them it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewersBody {
    /// Paths from the repository's root, 200 at most.
    #[schemars(length(min = 1, max = 200))]
    paths: Vec<String>,
    /// The repository, where several have the paths.
    repo: Option<String>,
    /// Whose change it is, by address or name: nobody reviews their own.
    author: Option<String>,
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    as_of: Option<String>,
    /// Reviewers at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

type Reply = Result<Cached<Answer<Reviewers>>, Problem>;

async fn reviewers(state: &AppState, scope: &TenantScope, body: ReviewersBody) -> Reply {
    let question = question(body.as_of.as_deref(), body.limit)?;
    let paths = checked_paths(body.paths, body.repo)?;
    ask(state, scope, Ask::Reviewers { paths, author: body.author, question }).await
}

pub(crate) async fn get(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<ReviewersParams>,
) -> Reply {
    let ReviewersParams { path: paths, repo, author, as_of, limit } = params;
    reviewers(&state, &access.scope, ReviewersBody { paths, repo, author, as_of, limit }).await
}

pub(crate) async fn post(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    JsonBody(body): JsonBody<ReviewersBody>,
) -> Reply {
    reviewers(&state, &access.scope, body).await
}
