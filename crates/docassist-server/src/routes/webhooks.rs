//! Pushes that start syncs.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use docassist_app::{Actor, Delivery};
use docassist_model::{Forge, JobId, Timestamp, Webhook};
use hyper::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{Done, Reply};
use crate::extract::{Access, Admin, Client, JsonBody, NoParameters, Path, Query};
use crate::problem::Problem;
use crate::state::AppState;

/// A webhook.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct WebhookPath {
    /// Its id, the last part of its address.
    id: String,
}

/// A webhook to be made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookBody {
    /// The source that a push brings up to date.
    source: String,
    /// Who will call.
    forge: Forge,
}

/// A webhook without its secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WebhookLine {
    /// Its id.
    id: String,
    /// Where the forge is to deliver: a path of this service.
    path: String,
    /// The source that a push brings up to date.
    source: String,
    /// Who calls.
    forge: Forge,
    /// When it was made.
    created: Timestamp,
}

impl From<Webhook> for WebhookLine {
    fn from(webhook: Webhook) -> Self {
        Self {
            path: format!("/api/v1/hooks/{}", webhook.id),
            id: webhook.id,
            source: webhook.source,
            forge: webhook.forge,
            created: webhook.created,
        }
    }
}

/// A new webhook with its secret, which is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NewWebhook {
    #[serde(flatten)]
    webhook: WebhookLine,
    /// What to give to the forge. It is kept encrypted, and never shown again.
    secret: String,
}

/// Webhooks, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WebhookList {
    /// All of them.
    total: u64,
    /// All of them.
    items: Vec<WebhookLine>,
    /// All of them are there.
    next: Option<String>,
}

/// What a message led to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Heard {
    /// The sync that it started; `null` for messages that are no pushes.
    job: Option<JobId>,
}

pub(crate) async fn list(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Result<Json<WebhookList>, Problem> {
    let scope = access.scope.clone();
    let webhooks = state.blocking(move |service| service.webhooks(&scope)).await?;
    let items: Vec<WebhookLine> = webhooks.into_iter().map(WebhookLine::from).collect();
    Ok(Json(WebhookList { total: items.len() as u64, items, next: None }))
}

pub(crate) async fn create(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    JsonBody(body): JsonBody<WebhookBody>,
) -> Result<Reply<201, NewWebhook>, Problem> {
    let (scope, actor) = (access.scope.clone(), access.actor());
    let (webhook, secret) = state
        .blocking(move |service| {
            let made = service.create_webhook(&scope, &body.source, body.forge)?;
            service.audit(&actor, Some(scope.org()), "webhook.create", &made.0.id, &body.source);
            Ok(made)
        })
        .await?;
    Ok(Reply(NewWebhook { webhook: webhook.into(), secret }))
}

pub(crate) async fn remove(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<WebhookPath>,
) -> Result<Done, Problem> {
    let (scope, actor) = (access.scope.clone(), access.actor());
    state
        .blocking(move |service| {
            service.delete_webhook(&scope, &path.id)?;
            service.audit(&actor, Some(scope.org()), "webhook.remove", &path.id, "");
            Ok(())
        })
        .await?;
    Ok(Done)
}

/// Takes a forge's message. Whoever sends it is known by its signature, so that no account is needed.
pub(crate) async fn deliver(
    client: Client,
    State(state): State<AppState>,
    Path(path): Path<WebhookPath>,
    Message { headers, body }: Message,
) -> Result<Reply<202, Heard>, Problem> {
    let job = state
        .blocking(move |service| {
            let webhook = service.webhook(&path.id)?;
            let (proof, event) = match webhook.forge {
                Forge::Github => ("x-hub-signature-256", "x-github-event"),
                Forge::Gitlab => ("x-gitlab-token", "x-gitlab-event"),
                Forge::Bitbucket => ("x-hub-signature", "x-event-key"),
            };
            let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let delivery = Delivery { body: &body, proof: header(proof), event: header(event) };
            let job = service.deliver(&webhook, delivery)?;
            if let Some(job) = &job {
                let actor = Actor { name: format!("webhook:{}", webhook.id), address: client.address() };
                service.audit(&actor, Some(&webhook.org), "webhook.push", &webhook.source, &format!("job {}", job.id));
            }
            Ok(job)
        })
        .await?;
    Ok(Reply(Heard { job: job.map(|job| job.id) }))
}

/// A message byte for byte, as its signature needs it.
pub(crate) struct Message {
    headers: HeaderMap,
    body: Bytes,
}

impl axum::extract::FromRequest<AppState> for Message {
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, state: &AppState) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        Ok(Self { headers, body: crate::extract::body::bytes(request, state).await? })
    }
}

impl aide::OperationInput for Message {
    fn operation_input(ctx: &mut aide::generate::GenContext, operation: &mut aide::openapi::Operation) {
        <axum::Json<serde_json::Value> as aide::OperationInput>::operation_input(ctx, operation);
    }
}
