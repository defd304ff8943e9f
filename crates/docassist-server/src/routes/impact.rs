//! What files, tickets, commits and changes touch.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation};
use axum::Json;
use axum::extract::{FromRequest, Request, State};
use docassist_app::{ChangeQuery, PathQuery, Query as Ask, Several, UnifiedDiff};
use docassist_model::findings::Answer;
use docassist_model::findings::impact::{CommitImpact, DiffImpact, FileImpact, TicketImpact};
use docassist_model::{ChangeStatus, ErrorCode, FileChange};
use hyper::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask;
use super::params::{QuestionParams, question};
use crate::answer::Cached;
use crate::extract::{Access, JsonBody, NoParameters, Path, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// Files of one question.
const MOST_PATHS: usize = 200;

/// A file and the instant of the question.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileParams {
    /// The path from the repository's root.
    pub(crate) path: String,
    /// The repository, where several have the path.
    pub(crate) repo: Option<String>,
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    pub(crate) as_of: Option<String>,
    /// Entries of each list at most; 1000 if left out.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// Files and the instant of the question.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilesBody {
    /// Paths from the repository's root, 200 at most.
    #[schemars(length(min = 1, max = 200))]
    paths: Vec<String>,
    /// The repository, where several have the paths.
    repo: Option<String>,
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    as_of: Option<String>,
    /// Entries of each list at most; 1000 if left out.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// A ticket.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct TicketPath {
    /// The ticket's key, such as `APP-12`.
    pub(crate) key: String,
}

/// A commit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct CommitPath {
    /// The commit's name, or its first digits.
    sha: String,
}

/// One answer, or a list of them where several files were asked for.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used: answers are bytes")]
pub(crate) enum FileAnswers {
    /// Of one file.
    One(Box<Answer<FileImpact>>),
    /// Of several.
    Several(Several<FileImpact>),
}

pub(super) fn checked_paths(paths: Vec<String>, repo: Option<String>) -> Result<PathQuery, Problem> {
    if paths.is_empty() || paths.len() > MOST_PATHS {
        return Err(Problem::new(ErrorCode::InvalidInput, format!("name 1 to {MOST_PATHS} paths")));
    }
    Ok(PathQuery { paths, repo })
}

pub(crate) async fn file(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<FileParams>,
) -> Result<Cached<Answer<FileImpact>>, Problem> {
    let paths = checked_paths(vec![params.path], params.repo)?;
    ask(&state, &access.scope, Ask::ImpactOfFiles(paths, question(params.as_of.as_deref(), params.limit)?)).await
}

pub(crate) async fn files(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    JsonBody(body): JsonBody<FilesBody>,
) -> Result<Cached<FileAnswers>, Problem> {
    let paths = checked_paths(body.paths, body.repo)?;
    ask(&state, &access.scope, Ask::ImpactOfFiles(paths, question(body.as_of.as_deref(), body.limit)?)).await
}

pub(crate) async fn ticket(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Path(path): Path<TicketPath>,
    Query(params): Query<QuestionParams>,
) -> Result<Cached<Answer<TicketImpact>>, Problem> {
    ask(&state, &access.scope, Ask::ImpactOfTicket(path.key, params.question()?)).await
}

pub(crate) async fn commit(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Path(path): Path<CommitPath>,
    Query(params): Query<QuestionParams>,
) -> Result<Cached<Answer<CommitImpact>>, Problem> {
    ask(&state, &access.scope, Ask::ImpactOfCommit(path.sha, params.question()?)).await
}

/// What goes with a change that is sent as a text.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffParams {
    /// The repository; not needed where there is one only.
    repo: Option<String>,
    /// Whose change it is, by address or name: nobody reviews their own.
    author: Option<String>,
    /// A title or message that may refer to tickets.
    message: Option<String>,
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    as_of: Option<String>,
    /// Entries of each list at most; 1000 if left out.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// A changed file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedFile {
    /// The path after the change, or the deleted one.
    path: String,
    /// Where a renamed file was before.
    from: Option<String>,
    /// What happened; `modified` if left out.
    status: Option<ChangeStatus>,
    /// Lines added.
    #[serde(default)]
    additions: u32,
    /// Lines deleted.
    #[serde(default)]
    deletions: u32,
}

/// A change: what `git diff` prints, or a list of files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffBody {
    /// What `git diff` prints.
    diff: Option<String>,
    /// The changed files, where there is no `diff`.
    #[serde(default)]
    files: Vec<ChangedFile>,
}

/// Files of a change that is sent as a list.
const MOST_FILES: usize = 20_000;

/// A change as it is sent.
pub(crate) struct SentChange(Vec<FileChange>);

impl FromRequest<AppState> for SentChange {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        use crate::extract::body;
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let json = body::is_json(&essence);
        if !json && !matches!(essence.as_str(), "text/x-diff" | "text/x-patch" | "text/plain") {
            return Err(Problem::new(ErrorCode::UnsupportedMediaType, "a change is a diff or JSON")
                .hint("Send `git diff` with `Content-Type: text/x-diff`."));
        }
        let bytes = body::bytes(request, state).await?;
        if !json {
            return Ok(Self(UnifiedDiff::parse(&bytes)?.files));
        }
        let body: DiffBody = body::parse(&bytes)?;
        match body {
            DiffBody { diff: Some(diff), files } if files.is_empty() => {
                Ok(Self(UnifiedDiff::parse(diff.as_bytes())?.files))
            }
            DiffBody { diff: None, files } if (1..=MOST_FILES).contains(&files.len()) => {
                Ok(Self(files.into_iter().map(ChangedFile::into_change).collect()))
            }
            _ => Err(Problem::new(ErrorCode::InvalidInput, "a change is `diff`, or `files` with at least one of them")),
        }
    }
}

impl ChangedFile {
    fn into_change(self) -> FileChange {
        let usual = if self.from.is_some() { ChangeStatus::Renamed } else { ChangeStatus::Modified };
        FileChange {
            status: self.status.unwrap_or(usual),
            path: self.path,
            from: self.from,
            additions: self.additions,
            deletions: self.deletions,
            binary: false,
        }
    }
}

impl OperationInput for SentChange {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        <Json<DiffBody> as OperationInput>::operation_input(ctx, operation);
        if let Some(aide::openapi::ReferenceOr::Item(body)) = &mut operation.request_body {
            body.content.insert("text/x-diff".to_owned(), MediaType::default());
        }
    }
}

pub(crate) async fn diff(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<DiffParams>,
    SentChange(files): SentChange,
) -> Result<Json<Answer<DiffImpact>>, Problem> {
    let question = question(params.as_of.as_deref(), params.limit)?;
    let query = ChangeQuery {
        files,
        repo: params.repo,
        message: params.message.unwrap_or_default(),
        authors: params.author.into_iter().collect(),
    };
    let answer =
        state.service.answers.compute(&access.scope, move |app| app.impact_of_change(&query, question)).await?;
    Ok(Json(answer))
}
