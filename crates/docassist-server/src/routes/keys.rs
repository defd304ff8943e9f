//! Keys for programs.

use axum::Json;
use axum::extract::State;
use docassist_app::accounts::NewKey as NewKeyRequest;
use docassist_model::{ApiKey, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{Done, Reply};
use crate::extract::{Access, JsonBody, NoParameters, Path, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// A key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct KeyPath {
    /// The key's id.
    id: String,
}

/// A key to be made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyBody {
    /// What it is for.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The most that it may do; it can never do more than you can.
    scope: Role,
    /// Days until it ends; never, if left out.
    #[schemars(range(min = 1, max = 3650))]
    expires_in_days: Option<u32>,
}

/// A new key with its text, which is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NewKey {
    #[serde(flatten)]
    key: ApiKey,
    /// What to send as `Authorization: Bearer …`. Only its hash is kept.
    token: String,
}

/// Keys, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeyList {
    /// All of them.
    total: u64,
    /// All of them.
    items: Vec<ApiKey>,
    /// All of them are there.
    next: Option<String>,
}

pub(crate) async fn list(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Result<Json<KeyList>, Problem> {
    let items = state.blocking(move |service| service.accounts.keys(&access.principal, &access.scope)).await?;
    Ok(Json(KeyList { total: items.len() as u64, items, next: None }))
}

pub(crate) async fn create(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    JsonBody(body): JsonBody<KeyBody>,
) -> Result<Reply<201, NewKey>, Problem> {
    let (key, token) = state
        .blocking(move |service| {
            let new = NewKeyRequest { name: &body.name, scope: body.scope, days: body.expires_in_days };
            let made = service.accounts.create_key(&access.principal, &access.scope, new)?;
            let detail = format!("{}, {}", made.0.name, made.0.scope.as_str());
            service.audit(&access.actor(), Some(access.scope.org()), "key.create", &made.0.id, &detail);
            Ok(made)
        })
        .await?;
    Ok(Reply(NewKey { key, token }))
}

pub(crate) async fn revoke(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<KeyPath>,
) -> Result<Done, Problem> {
    state
        .blocking(move |service| {
            service.accounts.revoke_key(&access.principal, &access.scope, &path.id)?;
            service.audit(&access.actor(), Some(access.scope.org()), "key.revoke", &path.id, "");
            Ok(())
        })
        .await?;
    Ok(Done)
}
