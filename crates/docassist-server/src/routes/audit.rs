//! What was done.

use axum::Json;
use axum::extract::State;
use docassist_app::Window;
use docassist_model::AuditEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::jobs::{next, window};
use crate::extract::{Access, Admin, Operator, Query};
use crate::problem::Problem;
use crate::state::AppState;

/// Which page of the log.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditParams {
    /// Items at most; 50 if left out.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Entries of the log, newest first. The log only grows, and is not counted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditList {
    /// This page.
    items: Vec<AuditEntry>,
    /// Where the next page begins; `null` on the last.
    next: Option<String>,
}

fn page(window: Window, items: Vec<AuditEntry>) -> Json<AuditList> {
    let next = next(window, items.iter().map(|entry| entry.id));
    Json(AuditList { items, next })
}

pub(crate) async fn list(
    access: Access<Admin>,
    State(state): State<AppState>,
    Query(params): Query<AuditParams>,
) -> Result<Json<AuditList>, Problem> {
    let window = window(params.cursor.as_deref(), params.limit)?;
    let scope = access.scope.clone();
    Ok(page(window, state.blocking(move |service| service.audit_log(&scope, window)).await?))
}

pub(crate) async fn service(
    Operator(_): Operator,
    State(state): State<AppState>,
    Query(params): Query<AuditParams>,
) -> Result<Json<AuditList>, Problem> {
    let window = window(params.cursor.as_deref(), params.limit)?;
    Ok(page(window, state.blocking(move |service| service.audit_log_of_service(window)).await?))
}
