//! All routes, and the OpenAPI document that is made from their handlers' types.

use std::sync::Arc;

use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, patch_with, post_with, put_with};
use aide::openapi::{Info, License, OpenApi, SecurityScheme, Tag};
use aide::transform::{TransformOpenApi, TransformOperation};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use docassist_app::Service;
use serde_json::Value;

use crate::edge::edge;
use crate::extract::SECURITY;
use crate::problem::Problem;
use crate::routes::{
    ask, audit, auth, cache, decisions, docs, export, gaps, health, impact, jobs, keys, me, members, ops, orgs,
    relationships, reviewers, search, sources, status, sync, users, webhooks,
};
use crate::state::{AppState, ServerConfig};

const DESCRIPTION: &str = "\
Gaps, impact and relationships of an organisation's software, with evidence; and the syncs that bring them up to date.

Every answer is of an instant (`as_of`), says what it does not rest on (`completeness`), and gives its `total` over all \
matches whatever is shown. Failures are problem details (RFC 9457) with a stable `code`.

Log in with `POST /api/v1/auth/login` and send the access token, or make an API key: `Authorization: Bearer …`.";

/// A route's name and what it does.
fn told(id: &'static str, summary: &'static str) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| {
        let tag = id.split('.').next().unwrap_or(id);
        operation.id(id).summary(summary).tag(tag).default_response::<Problem>()
    }
}

#[rustfmt::skip]
fn routes(upload_bytes: usize) -> ApiRouter<AppState> {
    ApiRouter::new()
        .api_route("/api/v1/gaps", get_with(gaps::comprehensive, told("gaps.all", "All gap analyses at a glance")))
        .api_route("/api/v1/gaps/orphaned", get_with(gaps::orphaned, told("gaps.orphaned", "Tickets that no commit refers to")))
        .api_route("/api/v1/gaps/undocumented", get_with(gaps::undocumented, told("gaps.undocumented", "Source changes without ticket or page")))
        .api_route("/api/v1/gaps/missing-decisions", get_with(gaps::missing_decisions, told("gaps.missing_decisions", "Features without a decision record")))
        .api_route("/api/v1/gaps/stale", get_with(gaps::stale, told("gaps.stale", "Open tickets that do not move")))
        .api_route("/api/v1/gaps/dangling", get_with(gaps::dangling, told("gaps.dangling", "References to tickets that do not exist")))
        .api_route("/api/v1/gaps/outdated-docs", get_with(gaps::outdated_docs, told("gaps.outdated_docs", "Pages that speak of code that is gone")))
        .api_route("/api/v1/impact/file", get_with(impact::file, told("impact.file", "What a file touches"))
            .post_with(impact::files, told("impact.files", "What each of some files touches")))
        .api_route("/api/v1/impact/ticket/{key}", get_with(impact::ticket, told("impact.ticket", "What a ticket touches")))
        .api_route("/api/v1/impact/commit/{sha}", get_with(impact::commit, told("impact.commit", "What a commit touches")))
        .api_route("/api/v1/impact/diff", post_with(impact::diff, told("impact.diff", "What a change that is not committed touches")))
        .api_route("/api/v1/reviewers", get_with(reviewers::get, told("reviewers.get", "Who should review a change to some files"))
            .post_with(reviewers::post, told("reviewers.post", "The same for a long list of files")))
        .api_route("/api/v1/rel/ticket/{key}", get_with(relationships::ticket, told("rel.ticket", "The story of a ticket")))
        .api_route("/api/v1/rel/developer/{who}", get_with(relationships::developer, told("rel.developer", "The story of a developer, by address or name")))
        .api_route("/api/v1/rel/file", get_with(relationships::file, told("rel.file", "The story of a file")))
        .api_route("/api/v1/rel/repo/{name}", get_with(relationships::repo, told("rel.repo", "The story of a repository")))
        .api_route("/api/v1/rel/search", get_with(relationships::search, told("rel.search", "Everything whose name or title has some words")))
        .api_route("/api/v1/decisions", get_with(decisions::list, told("decisions.list", "Decision records")))
        .api_route("/api/v1/decisions/{id}", get_with(decisions::show, told("decisions.show", "One decision record")))
        .api_route("/api/v1/search", get_with(search::search, told("search.passages", "Passages of pages, tickets, commits, decisions and code")))
        .api_route("/api/v1/ask", post_with(ask::ask, told("search.ask", "An answer to a question, with citations")))
        .api_route("/api/v1/conversations", get_with(ask::conversations, told("conversations.list", "Your own conversations, newest first")))
        .api_route("/api/v1/conversations/{name}", get_with(ask::conversation, told("conversations.show", "One of your own conversations"))
            .delete_with(ask::remove, told("conversations.remove", "Remove one of your own conversations")))
        .api_route("/api/v1/status", get_with(status::get, told("status.get", "What is connected and how much of it")))
        .api_route("/api/v1/export/graph", get_with(export::graph, told("export.graph", "The whole graph as sorted JSON lines")))
        .api_route("/api/v1/sync/git", post_with(sync::git, told("sync.git", "Bring a repository up to date")))
        .api_route("/api/v1/sync/tickets", post_with(sync::tickets, told("sync.tickets", "Import tickets, from files that are sent or that lie here"))
            .layer(DefaultBodyLimit::max(upload_bytes)))
        .api_route("/api/v1/sync/docs", post_with(sync::docs, told("sync.docs", "Bring a folder of pages up to date")))
        .api_route("/api/v1/jobs", get_with(jobs::list, told("jobs.list", "Syncs, newest first")))
        .api_route("/api/v1/jobs/{id}", get_with(jobs::show, told("jobs.show", "One sync and how far it is")))
        .api_route("/api/v1/jobs/{id}/events", get_with(jobs::events, told("jobs.events", "A sync's progress as it happens, as server-sent events")))
        .api_route("/api/v1/jobs/{id}/cancel", post_with(jobs::cancel, told("jobs.cancel", "Stop a sync; the graph stays as it was")))
        .api_route("/api/v1/sources", get_with(sources::list, told("sources.list", "How sources are brought up to date")))
        .api_route("/api/v1/sources/{source}", delete_with(sources::remove, told("sources.remove", "Remove a source with its records")))
        .api_route("/api/v1/sources/{source}/sync", post_with(sources::sync, told("sources.sync", "Sync a source as it was last asked for")))
        .api_route("/api/v1/sources/{source}/schedule", put_with(sources::schedule, told("sources.schedule", "Sync a source by itself from time to time"))
            .delete_with(sources::unschedule, told("sources.unschedule", "Sync a source only when asked")))
        .api_route("/api/v1/webhooks", get_with(webhooks::list, told("webhooks.list", "Addresses that forges call when somebody has pushed"))
            .post_with(webhooks::create, told("webhooks.create", "Make such an address")))
        .api_route("/api/v1/webhooks/{id}", delete_with(webhooks::remove, told("webhooks.remove", "Remove such an address")))
        .api_route("/api/v1/hooks/{id}", post_with(webhooks::deliver, told("hooks.deliver", "Where forges deliver their messages")))
        .api_route("/api/v1/cache/stats", get_with(cache::stats, told("cache.stats", "What the cache holds and has saved")))
        .api_route("/api/v1/cache/clear", post_with(cache::clear, told("cache.clear", "Forget all answers of the organisation")))
        .api_route("/api/v1/ops", get_with(ops::overview, told("ops.overview", "How the servers behind the service do")))
        .api_route("/api/v1/ops/postgres", get_with(ops::postgres, told("ops.postgres", "How PostgreSQL does: slowest statements, hit rate, connections, dead rows")))
        .api_route("/api/v1/ops/redis", get_with(ops::redis, told("ops.redis", "How Redis does: hit rate, memory, evictions")))
        .api_route("/api/v1/ops/cache", get_with(ops::cache, told("ops.cache", "What the cache of this process holds and has saved, by family")))
        .api_route("/api/v1/ops/qdrant", get_with(ops::qdrant, told("ops.qdrant", "How Qdrant's collections are")))
        .api_route("/api/v1/auth/login", post_with(auth::login, told("auth.login", "Begin a session")))
        .api_route("/api/v1/auth/refresh", post_with(auth::refresh, told("auth.refresh", "The next pair of tokens of a session")))
        .api_route("/api/v1/auth/logout", post_with(auth::logout, told("auth.logout", "End a session")))
        .api_route("/api/v1/me", get_with(me::get, told("me.get", "Who you are and where you are a member")))
        .api_route("/api/v1/me/password", put_with(me::password, told("me.password", "Change your password; no session can be renewed, and access tokens end by themselves")))
        .api_route("/api/v1/orgs", get_with(orgs::list, told("orgs.list", "Organisations that are open to you"))
            .post_with(orgs::create, told("orgs.create", "Make an organisation")))
        .api_route("/api/v1/orgs/{slug}", delete_with(orgs::remove, told("orgs.remove", "Remove an organisation with everything in it")))
        .api_route("/api/v1/users", get_with(users::list, told("users.list", "All users"))
            .post_with(users::create, told("users.create", "Make a user")))
        .api_route("/api/v1/users/{id}", patch_with(users::change, told("users.change", "Disable or enable a user, or set the password"))
            .delete_with(users::remove, told("users.remove", "Remove a user")))
        .api_route("/api/v1/members", get_with(members::list, told("members.list", "Members of the organisation"))
            .put_with(members::set, told("members.set", "Make a user a member, or change the role")))
        .api_route("/api/v1/members/{user}", delete_with(members::remove, told("members.remove", "End a membership")))
        .api_route("/api/v1/keys", get_with(keys::list, told("keys.list", "API keys: an admin sees all, others their own"))
            .post_with(keys::create, told("keys.create", "Make an API key; it is shown this once")))
        .api_route("/api/v1/keys/{id}", delete_with(keys::revoke, told("keys.revoke", "Revoke an API key")))
        .api_route("/api/v1/audit", get_with(audit::list, told("audit.list", "What was done in the organisation, newest first")))
        .api_route("/api/v1/audit/service", get_with(audit::service, told("audit.service", "What was done in the whole service, newest first")))
        .api_route("/health/live", get_with(health::live, told("health.live", "Whether the process runs")))
        .api_route("/health/ready", get_with(health::ready, told("health.ready", "Whether requests can be answered, and what is out of order")))
        .api_route("/metrics", get_with(health::metrics, told("health.metrics", "Figures for Prometheus")))
}

/// The service's routes.
pub fn router(service: Arc<Service>, config: ServerConfig) -> Router {
    router_over(AppState::new(service, config))
}

pub(crate) fn router_over(state: AppState) -> Router {
    let (routes, document) = described(usize::try_from(state.config.upload_bytes).unwrap_or(usize::MAX));
    let document = docs::Document::new(&document);
    routes
        .merge(docs::routes(document))
        .fallback(|| async { Problem::of_status(hyper::StatusCode::NOT_FOUND) })
        .layer(DefaultBodyLimit::max(state.config.body_bytes))
        .layer(from_fn_with_state(state.clone(), edge))
        .with_state(state)
}

/// The routes with the document of what they take and answer.
fn described(upload_bytes: usize) -> (Router<AppState>, Value) {
    aide::generate::extract_schemas(true);
    aide::generate::infer_responses(true);
    let mut api = OpenApi {
        info: Info {
            title: "Documentation Assistant".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: Some(DESCRIPTION.to_owned()),
            license: Some(License {
                name: "MIT OR Apache-2.0".to_owned(),
                identifier: Some("MIT OR Apache-2.0".to_owned()),
                ..License::default()
            }),
            ..Info::default()
        },
        ..OpenApi::default()
    };
    let routes = routes(upload_bytes).finish_api_with(&mut api, tagged);
    let mut document = serde_json::to_value(&api).unwrap_or_default();
    docs::tidy(&mut document);
    (routes, document)
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> Value {
    described(usize::MAX).1
}

fn tagged(api: TransformOpenApi<'_>) -> TransformOpenApi<'_> {
    let tags = [
        ("gaps", "What is missing between tickets, code, pages and decisions"),
        ("impact", "What a file, a ticket, a commit or a change touches"),
        ("reviewers", "Who should review"),
        ("rel", "The whole story of a ticket, a developer, a file, a repository"),
        ("decisions", "Decision records"),
        ("status", "What is connected"),
        ("export", "The graph itself"),
        ("sync", "Bringing sources up to date"),
        ("jobs", "Syncs that wait, run, or have ended"),
        ("sources", "How sources are brought up to date"),
        ("webhooks", "Pushes that start syncs"),
        ("hooks", "What forges call"),
        ("search", "Searching, and cited answers to questions"),
        ("conversations", "Questions that belong together"),
        ("cache", "The cache of answers"),
        ("ops", "The servers behind the service"),
        ("auth", "Sessions"),
        ("me", "Your account"),
        ("orgs", "Organisations"),
        ("users", "Users of the service"),
        ("members", "Members of an organisation"),
        ("keys", "Keys for programs"),
        ("audit", "What was done"),
        ("health", "How the service is"),
    ];
    let api = tags.into_iter().fold(api, |api, (name, description)| {
        api.tag(Tag { name: name.to_owned(), description: Some(description.to_owned()), ..Tag::default() })
    });
    api.security_scheme(
        SECURITY,
        SecurityScheme::Http {
            scheme: "bearer".to_owned(),
            bearer_format: Some("an access token (JWT) or an API key (`dak_…`)".to_owned()),
            description: Some("From `POST /api/v1/auth/login` or `POST /api/v1/keys`.".to_owned()),
            extensions: Default::default(),
        },
    )
}
