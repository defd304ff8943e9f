//! Users of the service.

use axum::Json;
use axum::extract::State;
use docassist_app::accounts::NewAccount;
use docassist_model::{ErrorCode, User, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::limit;
use crate::answer::{Done, Reply};
use crate::extract::{JsonBody, Operator, Path, Query};
use crate::problem::Problem;
use crate::state::AppState;

/// A user.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct UserPath {
    /// The user's number.
    id: u64,
}

/// A user to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserBody {
    /// The address, which is also the name to log in with.
    email: String,
    /// The name for people; the address if left out.
    name: Option<String>,
    /// The first password: twelve characters or more. The user can change it.
    #[schemars(extend("writeOnly" = true, "format" = "password"))]
    password: String,
    /// Whether the user runs the service: makes organisations and users, and is an admin everywhere.
    #[serde(default)]
    operator: bool,
}

/// What to change.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    /// A disabled user can do nothing; all sessions end.
    disabled: Option<bool>,
    /// A new password, for one who has forgotten it; all sessions end.
    #[schemars(extend("writeOnly" = true, "format" = "password"))]
    password: Option<String>,
}

/// Which page of users.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsersParams {
    /// Items at most; 50 if left out.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Users by their numbers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UserList {
    /// All of them.
    total: u64,
    /// This page.
    items: Vec<User>,
    /// Where the next page begins; `null` on the last.
    next: Option<String>,
}

const USUAL_PAGE: usize = 50;

pub(crate) async fn list(
    Operator(_): Operator,
    State(state): State<AppState>,
    Query(params): Query<UsersParams>,
) -> Result<Json<UserList>, Problem> {
    let after = params.cursor.as_deref().map(str::parse).transpose();
    let after = after.map_err(|_| Problem::new(ErrorCode::InvalidInput, "the cursor is of another list"))?;
    let most = limit(params.limit)?.unwrap_or(USUAL_PAGE);
    let (total, items) = state.blocking(move |service| service.accounts.users(after.map(UserId), most)).await?;
    let next = (items.len() == most).then(|| items.last().map(|user| user.id.to_string())).flatten();
    Ok(Json(UserList { total, items, next }))
}

pub(crate) async fn create(
    Operator(asks): Operator,
    State(state): State<AppState>,
    JsonBody(body): JsonBody<UserBody>,
) -> Result<Reply<201, User>, Problem> {
    let user = state
        .hashing(move |service| {
            let user = service.accounts.create_user(NewAccount {
                email: &body.email,
                name: body.name.as_deref().unwrap_or_default(),
                password: &body.password,
                operator: body.operator,
            })?;
            let detail = if user.operator { "an operator" } else { "" };
            service.audit(&asks.actor(), None, "user.create", &user.email, detail);
            Ok(user)
        })
        .await?;
    Ok(Reply(user))
}

pub(crate) async fn change(
    Operator(asks): Operator,
    State(state): State<AppState>,
    Path(path): Path<UserPath>,
    JsonBody(body): JsonBody<UserChange>,
) -> Result<Done, Problem> {
    let id = UserId(path.id);
    state
        .hashing(move |service| {
            let (actor, target) = (asks.actor(), format!("user {id}"));
            if let Some(password) = &body.password {
                service.accounts.reset_password(id, password)?;
                service.audit(&actor, None, "user.password", &target, "");
            }
            if let Some(disabled) = body.disabled {
                service.accounts.set_disabled(&asks.principal, id, disabled)?;
                service.audit(&actor, None, if disabled { "user.disable" } else { "user.enable" }, &target, "");
            }
            Ok(())
        })
        .await?;
    Ok(Done)
}

pub(crate) async fn remove(
    Operator(asks): Operator,
    State(state): State<AppState>,
    Path(path): Path<UserPath>,
) -> Result<Done, Problem> {
    let id = UserId(path.id);
    state
        .blocking(move |service| {
            service.accounts.delete_user(&asks.principal, id)?;
            service.audit(&asks.actor(), None, "user.remove", &format!("user {id}"), "");
            Ok(())
        })
        .await?;
    Ok(Done)
}
