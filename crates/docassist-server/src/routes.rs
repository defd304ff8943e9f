//! Handlers, in modules of the names of their nouns: each reads a question, asks `docassist-app`, and passes the answer on.

pub(crate) mod ask;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod cache;
pub(crate) mod decisions;
pub(crate) mod docs;
pub(crate) mod export;
pub(crate) mod gaps;
pub(crate) mod health;
pub(crate) mod impact;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod me;
pub(crate) mod members;
pub(crate) mod ops;
pub(crate) mod orgs;
pub(crate) mod params;
pub(crate) mod relationships;
pub(crate) mod reviewers;
pub(crate) mod search;
pub(crate) mod sources;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod users;
pub(crate) mod webhooks;

use docassist_app::Query;
use docassist_model::TenantScope;

use crate::answer::Cached;
use crate::problem::Problem;
use crate::state::AppState;

/// The answer to a question, from the cache where it stands.
async fn ask<T>(state: &AppState, scope: &TenantScope, query: Query) -> Result<Cached<T>, Problem> {
    Ok(state.service.answers.get(scope, query).await.map(Cached::from)?)
}
