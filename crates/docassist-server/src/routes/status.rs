//! What is connected and how much of it.

use axum::Json;
use axum::extract::State;
use docassist_model::findings::Answer;
use docassist_model::findings::status::Status;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::extract::{Access, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// What to tell beside the counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusParams {
    /// Whether to compute the graph's digest as well: equal digests are equal graphs. It costs an export.
    #[serde(default)]
    digest: bool,
}

pub(crate) async fn get(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<StatusParams>,
) -> Result<Json<Answer<Status>>, Problem> {
    // A digest is of the export's text.
    let _held = match params.digest {
        true => Some(state.exports.hold(access.scope.org()).await?),
        false => None,
    };
    let mut answer = state.service.answers.compute(&access.scope, move |app| app.status(params.digest)).await?;
    // Where the service keeps its files is not its callers' affair.
    answer.body.data = format!("organisation {}", access.scope.org());
    Ok(Json(answer))
}
