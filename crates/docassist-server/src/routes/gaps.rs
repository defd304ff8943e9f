//! What is missing between tickets, code, pages and decisions.

use axum::extract::State;
use docassist_app::Query as Ask;
use docassist_model::findings::Answer;
use docassist_model::findings::gaps::{
    Comprehensive, Dangling, MissingDecisions, Orphaned, OutdatedDocs, Stale, Undocumented,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask;
use super::params::{PageParams, WindowParams, question};
use crate::answer::Cached;
use crate::extract::{Access, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// The instant of a comprehensive report; its sections have ten items each.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComprehensiveParams {
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    as_of: Option<String>,
}

type Reply<T> = Result<Cached<Answer<T>>, Problem>;

pub(crate) async fn comprehensive(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<ComprehensiveParams>,
) -> Reply<Comprehensive> {
    ask(&state, &access.scope, Ask::Comprehensive(question(params.as_of.as_deref(), None)?)).await
}

pub(crate) async fn orphaned(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<WindowParams>,
) -> Reply<Orphaned> {
    ask(&state, &access.scope, Ask::Orphaned(params.page()?)).await
}

pub(crate) async fn undocumented(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<WindowParams>,
) -> Reply<Undocumented> {
    ask(&state, &access.scope, Ask::Undocumented(params.page()?)).await
}

pub(crate) async fn missing_decisions(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<PageParams>,
) -> Reply<MissingDecisions> {
    ask(&state, &access.scope, Ask::MissingDecisions(params.page()?)).await
}

pub(crate) async fn stale(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<WindowParams>,
) -> Reply<Stale> {
    ask(&state, &access.scope, Ask::Stale(params.page()?)).await
}

pub(crate) async fn dangling(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<PageParams>,
) -> Reply<Dangling> {
    ask(&state, &access.scope, Ask::Dangling(params.page()?)).await
}

pub(crate) async fn outdated_docs(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<PageParams>,
) -> Reply<OutdatedDocs> {
    ask(&state, &access.scope, Ask::OutdatedDocs(params.page()?)).await
}
