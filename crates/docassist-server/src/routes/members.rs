//! Members of an organisation.

use axum::Json;
use axum::extract::State;
use docassist_model::{Member, Role, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Done;
use crate::extract::{Access, Admin, JsonBody, NoParameters, Path, Query};
use crate::problem::Problem;
use crate::state::AppState;

/// A member.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct MemberPath {
    /// The user's number.
    user: u64,
}

/// Who becomes a member as what.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberBody {
    /// The address of a user.
    email: String,
    /// The role.
    role: Role,
}

/// Members by their addresses.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberList {
    /// All of them.
    total: u64,
    /// All of them.
    items: Vec<Member>,
    /// All of them are there.
    next: Option<String>,
}

pub(crate) async fn list(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Result<Json<MemberList>, Problem> {
    let scope = access.scope.clone();
    let items = state.blocking(move |service| service.accounts.members(&scope)).await?;
    Ok(Json(MemberList { total: items.len() as u64, items, next: None }))
}

pub(crate) async fn set(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    JsonBody(body): JsonBody<MemberBody>,
) -> Result<Json<Member>, Problem> {
    let (scope, actor) = (access.scope.clone(), access.actor());
    let member = state
        .blocking(move |service| {
            let member = service.accounts.set_member(&scope, &body.email, body.role)?;
            service.audit(&actor, Some(scope.org()), "member.set", &member.email, member.role.as_str());
            Ok(member)
        })
        .await?;
    Ok(Json(member))
}

pub(crate) async fn remove(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<MemberPath>,
) -> Result<Done, Problem> {
    let (scope, actor, user) = (access.scope.clone(), access.actor(), UserId(path.user));
    state
        .blocking(move |service| {
            service.accounts.remove_member(&scope, user)?;
            service.audit(&actor, Some(scope.org()), "member.remove", &format!("user {user}"), "");
            Ok(())
        })
        .await?;
    Ok(Done)
}
