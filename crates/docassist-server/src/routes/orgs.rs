//! Organisations.

use axum::Json;
use axum::extract::State;
use docassist_model::{ErrorCode, OrgSlug, Organisation, TenantScope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::limit;
use crate::answer::{Done, Reply};
use crate::extract::{Authenticated, JsonBody, Operator, Path, Query};
use crate::problem::Problem;
use crate::state::AppState;

/// An organisation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct OrgPath {
    /// Its slug.
    slug: String,
}

/// An organisation to be made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgBody {
    /// Its name in addresses and keys: 1 to 63 of `a-z 0-9 -`, beginning and ending with a letter or digit.
    #[schemars(regex(pattern = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"))]
    slug: String,
    /// Its name for people; the slug if left out.
    name: Option<String>,
}

/// Which page of organisations.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgsParams {
    /// Items at most; 50 if left out.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Organisations by their slugs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OrgList {
    /// All that are open to you.
    total: u64,
    /// This page.
    items: Vec<Organisation>,
    /// Where the next page begins; `null` on the last.
    next: Option<String>,
}

const USUAL_PAGE: usize = 50;

fn slug(text: &str) -> Result<OrgSlug, Problem> {
    text.parse().map_err(|error| Problem::new(ErrorCode::InvalidInput, format!("{error}")))
}

pub(crate) async fn list(
    asks: Authenticated,
    State(state): State<AppState>,
    Query(params): Query<OrgsParams>,
) -> Result<Json<OrgList>, Problem> {
    let after = params.cursor.as_deref().map(slug).transpose()?;
    let most = limit(params.limit)?.unwrap_or(USUAL_PAGE);
    let (total, items) = state.blocking(move |service| service.orgs(&asks.principal, after.as_ref(), most)).await?;
    let next = (items.len() == most).then(|| items.last().map(|org| org.slug.to_string())).flatten();
    Ok(Json(OrgList { total, items, next }))
}

pub(crate) async fn create(
    Operator(asks): Operator,
    State(state): State<AppState>,
    JsonBody(body): JsonBody<OrgBody>,
) -> Result<Reply<201, Organisation>, Problem> {
    let slug = slug(&body.slug)?;
    let org = state
        .blocking(move |service| {
            let org = service.create_org(&asks.principal, &slug, body.name.as_deref().unwrap_or_default())?;
            service.audit(&asks.actor(), Some(&slug), "org.create", slug.as_str(), &org.name);
            Ok(org)
        })
        .await?;
    Ok(Reply(org))
}

pub(crate) async fn remove(
    Operator(asks): Operator,
    State(state): State<AppState>,
    Path(path): Path<OrgPath>,
) -> Result<Done, Problem> {
    let slug = slug(&path.slug)?;
    state
        .blocking(move |service| {
            let scope = TenantScope::unchecked(slug.clone(), "an operator of the service removes the organisation");
            service.delete_org(&scope)?;
            service.audit(&asks.actor(), Some(&slug), "org.remove", slug.as_str(), "");
            Ok(())
        })
        .await?;
    Ok(Done)
}
