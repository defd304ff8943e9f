//! Every route with the least that somebody must be to call it.

use axum::http::Method;

use Least::{Admin, Anybody, Local, Member, Operator, User, Viewer};

/// The least that somebody must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Least {
    Anybody,
    /// On the service's machine, or somebody who runs it.
    Local,
    /// Anybody who is logged in.
    User,
    Viewer,
    Member,
    Admin,
    Operator,
}

impl Least {
    /// Whether it is a role in an organisation.
    pub(crate) fn is_of_an_organisation(self) -> bool {
        matches!(self, Viewer | Member | Admin)
    }

    /// As the OpenAPI document has it.
    pub(crate) fn documented(self) -> Option<&'static str> {
        Some(match self {
            Anybody => return None,
            Local => "local or operator",
            User => "user",
            Viewer => "viewer",
            Member => "member",
            Admin => "admin",
            Operator => "operator",
        })
    }
}

pub(crate) const ROUTES: [(&str, &str, Least); 74] = [
    ("GET", "/api/v1/gaps", Viewer),
    ("GET", "/api/v1/gaps/orphaned", Viewer),
    ("GET", "/api/v1/gaps/undocumented", Viewer),
    ("GET", "/api/v1/gaps/missing-decisions", Viewer),
    ("GET", "/api/v1/gaps/stale", Viewer),
    ("GET", "/api/v1/gaps/dangling", Viewer),
    ("GET", "/api/v1/gaps/outdated-docs", Viewer),
    ("GET", "/api/v1/impact/file", Viewer),
    ("POST", "/api/v1/impact/file", Viewer),
    ("GET", "/api/v1/impact/ticket/{key}", Viewer),
    ("GET", "/api/v1/impact/commit/{sha}", Viewer),
    ("POST", "/api/v1/impact/diff", Viewer),
    ("GET", "/api/v1/reviewers", Viewer),
    ("POST", "/api/v1/reviewers", Viewer),
    ("GET", "/api/v1/rel/ticket/{key}", Viewer),
    ("GET", "/api/v1/rel/developer/{who}", Viewer),
    ("GET", "/api/v1/rel/file", Viewer),
    ("GET", "/api/v1/rel/repo/{name}", Viewer),
    ("GET", "/api/v1/rel/search", Viewer),
    ("GET", "/api/v1/search", Viewer),
    ("POST", "/api/v1/ask", Viewer),
    ("GET", "/api/v1/conversations", Viewer),
    ("GET", "/api/v1/conversations/{name}", Viewer),
    ("DELETE", "/api/v1/conversations/{name}", Viewer),
    ("GET", "/api/v1/decisions", Viewer),
    ("GET", "/api/v1/decisions/{id}", Viewer),
    ("GET", "/api/v1/status", Viewer),
    ("GET", "/api/v1/export/graph", Viewer),
    ("POST", "/api/v1/sync/git", Member),
    ("POST", "/api/v1/sync/tickets", Member),
    ("POST", "/api/v1/sync/docs", Member),
    ("GET", "/api/v1/jobs", Viewer),
    ("GET", "/api/v1/jobs/{id}", Viewer),
    ("GET", "/api/v1/jobs/{id}/events", Viewer),
    ("POST", "/api/v1/jobs/{id}/cancel", Member),
    ("GET", "/api/v1/sources", Viewer),
    ("DELETE", "/api/v1/sources/{source}", Admin),
    ("POST", "/api/v1/sources/{source}/sync", Member),
    ("PUT", "/api/v1/sources/{source}/schedule", Admin),
    ("DELETE", "/api/v1/sources/{source}/schedule", Admin),
    ("GET", "/api/v1/webhooks", Admin),
    ("POST", "/api/v1/webhooks", Admin),
    ("DELETE", "/api/v1/webhooks/{id}", Admin),
    ("POST", "/api/v1/hooks/{id}", Anybody),
    ("GET", "/api/v1/cache/stats", Local),
    ("POST", "/api/v1/cache/clear", Admin),
    ("GET", "/api/v1/ops", Operator),
    ("GET", "/api/v1/ops/postgres", Operator),
    ("GET", "/api/v1/ops/redis", Operator),
    ("GET", "/api/v1/ops/cache", Operator),
    ("GET", "/api/v1/ops/qdrant", Operator),
    ("POST", "/api/v1/auth/login", Anybody),
    ("POST", "/api/v1/auth/refresh", Anybody),
    ("POST", "/api/v1/auth/logout", Anybody),
    ("GET", "/api/v1/me", User),
    ("PUT", "/api/v1/me/password", User),
    ("GET", "/api/v1/orgs", User),
    ("POST", "/api/v1/orgs", Operator),
    ("DELETE", "/api/v1/orgs/{slug}", Operator),
    ("GET", "/api/v1/users", Operator),
    ("POST", "/api/v1/users", Operator),
    ("PATCH", "/api/v1/users/{id}", Operator),
    ("DELETE", "/api/v1/users/{id}", Operator),
    ("GET", "/api/v1/members", Admin),
    ("PUT", "/api/v1/members", Admin),
    ("DELETE", "/api/v1/members/{user}", Admin),
    ("GET", "/api/v1/keys", Viewer),
    ("POST", "/api/v1/keys", Viewer),
    ("DELETE", "/api/v1/keys/{id}", Viewer),
    ("GET", "/api/v1/audit", Admin),
    ("GET", "/api/v1/audit/service", Operator),
    ("GET", "/health/live", Anybody),
    ("GET", "/health/ready", Anybody),
    ("GET", "/metrics", Local),
];

/// A method and an address of a route about something that does not exist.
pub(crate) fn address(method: &str, route: &str) -> (Method, String) {
    let path = route
        .replace("{key}", "ZZZ-9")
        .replace("{sha}", "ffffffff")
        .replace("{who}", "nobody@nowhere.example")
        .replace("{name}", "nothing")
        .replace("{slug}", "no-such-organisation")
        .replace("{source}", "nothing")
        .replace("{user}", "999999");
    let path =
        path.replace("{id}", if path.contains("/jobs/") || path.contains("/users/") { "999999" } else { "nothing" });
    (method.parse().unwrap(), path)
}
