//! Sessions.

use axum::Json;
use axum::extract::State;
use docassist_app::Actor;
use docassist_app::accounts::{Login, Tokens};
use docassist_model::{ErrorCode, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Done;
use crate::extract::{Client, JsonBody};
use crate::problem::Problem;
use crate::state::AppState;

/// An account and its password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginBody {
    /// The account's address.
    email: String,
    /// Its password.
    #[schemars(extend("writeOnly" = true, "format" = "password"))]
    password: String,
}

/// A refresh token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshBody {
    /// The refresh token of the last answer.
    refresh_token: String,
}

/// A session's tokens.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TokenAnswer {
    /// Proves who asks: `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: u64,
    /// Gives the next pair, once. Handed in a second time, it ends the session.
    refresh_token: String,
    /// Whose.
    user: UserId,
}

impl From<Tokens> for TokenAnswer {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: tokens.access_life.as_secs(),
            refresh_token: tokens.refresh,
            user: tokens.user,
        }
    }
}

pub(crate) async fn login(
    client: Client,
    State(state): State<AppState>,
    JsonBody(body): JsonBody<LoginBody>,
) -> Result<Json<TokenAnswer>, Problem> {
    let address = client.address();
    let tokens = state
        .hashing(move |service| {
            let login = Login { email: &body.email, password: &body.password, address: &address };
            let result = service.accounts.log_in(login);
            let actor = Actor::unknown(&address);
            match &result {
                Ok(_) => service.audit(&actor, None, "auth.login", &body.email, ""),
                Err(error) if error.code == ErrorCode::RateLimited => {}
                Err(error) => service.audit(&actor, None, "auth.login_failed", &body.email, error.code.as_str()),
            }
            result
        })
        .await?;
    Ok(Json(tokens.into()))
}

pub(crate) async fn refresh(
    client: Client,
    State(state): State<AppState>,
    JsonBody(body): JsonBody<RefreshBody>,
) -> Result<Json<TokenAnswer>, Problem> {
    let tokens = state
        .blocking(move |service| {
            let result = service.accounts.refresh(&body.refresh_token);
            if let Err(error) = &result
                && error.message.contains("used before")
            {
                let actor = Actor::unknown(&client.address());
                service.audit(&actor, None, "auth.refresh_reused", "", &error.message);
            }
            result
        })
        .await?;
    Ok(Json(tokens.into()))
}

/// Whatever the token, the answer is the same: nobody learns which ones there are.
pub(crate) async fn logout(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<RefreshBody>,
) -> Result<Done, Problem> {
    state.blocking(move |service| service.accounts.log_out(&body.refresh_token)).await?;
    Ok(Done)
}
