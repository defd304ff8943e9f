//! The story of a ticket, a developer, a file, a repository.

use axum::extract::State;
use docassist_app::Query as Ask;
use docassist_model::ErrorCode;
use docassist_model::findings::Answer;
use docassist_model::findings::relationships::{
    DeveloperRelations, FileRelations, Matches, RepositoryRelations, TicketRelations,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask;
use super::impact::{FileParams, TicketPath};
use super::params::{PageParams, QuestionParams, question};
use crate::answer::Cached;
use crate::extract::{Access, Path, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// A developer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct DeveloperPath {
    /// The address or name.
    who: String,
}

/// A repository.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct RepoPath {
    /// Its name, as the status has it.
    name: String,
}

/// Words and which page of what has them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    /// The words.
    #[schemars(length(min = 1, max = 1000))]
    q: String,
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    as_of: Option<String>,
    /// Items at most; 50 if left out.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A longer text has no words that anything is named by.
const LONGEST_SEARCH: usize = 1_000;

pub(crate) async fn ticket(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Path(path): Path<TicketPath>,
    Query(params): Query<QuestionParams>,
) -> Result<Cached<Answer<TicketRelations>>, Problem> {
    ask(&state, &access.scope, Ask::RelTicket(path.key, params.question()?)).await
}

pub(crate) async fn developer(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Path(path): Path<DeveloperPath>,
    Query(params): Query<QuestionParams>,
) -> Result<Cached<Answer<DeveloperRelations>>, Problem> {
    ask(&state, &access.scope, Ask::RelDeveloper(path.who, params.question()?)).await
}

pub(crate) async fn file(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<FileParams>,
) -> Result<Cached<Answer<FileRelations>>, Problem> {
    let question = question(params.as_of.as_deref(), params.limit)?;
    ask(&state, &access.scope, Ask::RelFile { path: params.path, repo: params.repo, question }).await
}

pub(crate) async fn repo(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Path(path): Path<RepoPath>,
    Query(params): Query<QuestionParams>,
) -> Result<Cached<Answer<RepositoryRelations>>, Problem> {
    ask(&state, &access.scope, Ask::RelRepo(path.name, params.question()?)).await
}

pub(crate) async fn search(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<SearchParams>,
) -> Result<Cached<Answer<Matches>>, Problem> {
    if params.q.trim().is_empty() || params.q.len() > LONGEST_SEARCH {
        return Err(Problem::new(ErrorCode::InvalidInput, format!("q: some words, {LONGEST_SEARCH} bytes at most")));
    }
    let page = PageParams { as_of: params.as_of, limit: params.limit, cursor: params.cursor }.page()?;
    ask(&state, &access.scope, Ask::Search(params.q, page)).await
}
