//! Decision records.

use axum::extract::State;
use docassist_app::Query as Ask;
use docassist_model::findings::Answer;
use docassist_model::findings::relationships::{DecisionDetail, Decisions};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask;
use super::params::{PageParams, QuestionParams};
use crate::answer::Cached;
use crate::extract::{Access, Path, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// A decision record.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct DecisionPath {
    /// Its id or number, or its page's path (with `/` as `%2F`).
    id: String,
}

pub(crate) async fn list(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<PageParams>,
) -> Result<Cached<Answer<Decisions>>, Problem> {
    ask(&state, &access.scope, Ask::Decisions(params.page()?)).await
}

pub(crate) async fn show(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Path(path): Path<DecisionPath>,
    Query(params): Query<QuestionParams>,
) -> Result<Cached<Answer<DecisionDetail>>, Problem> {
    ask(&state, &access.scope, Ask::Decision(path.id, params.question()?)).await
}
