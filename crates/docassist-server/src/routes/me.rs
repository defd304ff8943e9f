//! Your account.

use axum::Json;
use axum::extract::State;
use docassist_model::{ApiKey, Membership, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Done;
use crate::extract::{Authenticated, JsonBody};
use crate::problem::Problem;
use crate::state::AppState;

/// Who asks.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MeAnswer {
    /// The user.
    user: User,
    /// Where the user is a member; with a key, its own organisation only.
    memberships: Vec<Membership>,
    /// The key, where a program asks with one.
    key: Option<ApiKey>,
}

/// The present password and a new one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordBody {
    /// The present password.
    #[schemars(extend("writeOnly" = true, "format" = "password"))]
    present: String,
    /// The new one: twelve characters or more.
    #[schemars(extend("writeOnly" = true, "format" = "password"))]
    new: String,
}

pub(crate) async fn get(asks: Authenticated) -> Json<MeAnswer> {
    let standing = asks.principal.standing.as_ref().clone();
    let key = asks.principal.key.map(|key| key.as_ref().clone());
    let mut memberships = standing.memberships;
    if let Some(key) = &key {
        // A key is for one organisation: whoever has it learns of no other.
        memberships.retain(|membership| membership.org == key.org);
    }
    Json(MeAnswer { user: standing.user, memberships, key })
}

pub(crate) async fn password(
    asks: Authenticated,
    State(state): State<AppState>,
    JsonBody(body): JsonBody<PasswordBody>,
) -> Result<Done, Problem> {
    let (actor, address) = (asks.actor(), asks.client.address());
    state
        .hashing(move |service| {
            service.accounts.change_password(&asks.principal, &body.present, &body.new, &address)?;
            service.audit(&actor, None, "me.password", &asks.principal.user().email, "");
            Ok(())
        })
        .await?;
    Ok(Done)
}
