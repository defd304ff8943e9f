//! Starting syncs.

use std::io::Write as _;
use std::path::PathBuf;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, SchemaObject};
use axum::Json;
use axum::extract::{FromRequest, Multipart, Request, State};
use docassist_app::jobs::{GitCredential, Submission, SyncRequest, Upload, parse_period};
use docassist_model::{ErrorCode, Job};
use hyper::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::Reply;
use crate::extract::{Access, JsonBody, Member, NoParameters, Query, body};
use crate::problem::Problem;
use crate::state::AppState;

/// Files of one import.
const MOST_FILES: usize = 100;
/// A longer text field is no name and no list of prefixes.
const LONGEST_FIELD: usize = 10_000;
const USUAL_SOURCE: &str = "tickets";

/// What a private repository asks for.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// The user's name; forges take any with a token.
    #[serde(default = "any_user")]
    username: String,
    /// The password or token. It is kept encrypted, and never shown again.
    #[schemars(extend("writeOnly" = true, "format" = "password"))]
    password: String,
}

fn any_user() -> String {
    "x-access-token".to_owned()
}

/// A repository to bring up to date.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitBody {
    /// A URL, or a folder of the service's machine that it was told to open.
    location: String,
    /// Its name here; the last part of the location if left out.
    name: Option<String>,
    /// The branch; the one that `HEAD` is at if left out.
    branch: Option<String>,
    /// Whether to forget what was read before and read everything again.
    #[serde(default)]
    full: bool,
    /// What a private repository asks for. Kept for later syncs of the same location.
    credential: Option<Credential>,
    /// Sync by itself so often from now on: `15m`, `2h`, `1d`.
    every: Option<String>,
}

/// A folder of pages to bring up to date.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocsBody {
    /// A folder of the service's machine that it was told to open.
    folder: String,
    /// Its name here; the folder's own if left out.
    name: Option<String>,
    /// Sync by itself so often from now on: `15m`, `2h`, `1d`.
    every: Option<String>,
}

/// Tickets to import from files of the service's machine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketsBody {
    /// Files of the service's machine, in folders that it was told to open.
    #[schemars(length(min = 1, max = 100))]
    files: Vec<String>,
    /// The source's name; `tickets` if left out.
    name: Option<String>,
    /// Project prefixes to know even without a ticket of theirs.
    #[serde(default)]
    projects: Vec<String>,
    /// Whether tickets of this source that the files do not have go.
    #[serde(default)]
    prune: bool,
    /// Sync by itself so often from now on: `15m`, `2h`, `1d`.
    every: Option<String>,
}

/// Tickets to import from files that are sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[allow(dead_code, reason = "only its schema is used: the parts are read one after the other")]
pub(crate) struct TicketsForm {
    /// Exports: Jira's JSON, one issue a line, or CSV; gzipped too. The part may be given up to 100 times.
    #[schemars(extend("format" = "binary"))]
    file: String,
    /// The source's name; `tickets` if left out.
    name: Option<String>,
    /// Project prefixes to know even without a ticket of theirs, separated by commas.
    projects: Option<String>,
    /// Whether tickets of this source that the files do not have go.
    prune: Option<bool>,
}

type Accepted = Result<Reply<202, Job>, Problem>;

/// The last part of a location, without `.git`, as a name.
fn name_of(location: &str) -> String {
    let trimmed = location.trim_end_matches(['/', '\\']);
    let trimmed = trimmed.strip_suffix("/.git").unwrap_or(trimmed);
    let last = trimmed.rsplit(['/', '\\', ':']).next().unwrap_or(trimmed);
    let last = last.strip_suffix(".git").unwrap_or(last);
    let name: String = last.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    name.trim_start_matches(['.', '-']).to_owned()
}

fn period(every: Option<String>) -> Result<Option<Option<u32>>, Problem> {
    Ok(every.map(|text| parse_period(&text)).transpose()?.map(Some))
}

async fn submit(access: Access<Member>, state: AppState, submission: Submission) -> Accepted {
    let (scope, actor) = (access.scope.clone(), access.actor());
    let job = state
        .blocking(move |service| {
            let kind = submission.request.kind();
            let (job, _) = service.jobs.submit(&scope, submission)?;
            let action = format!("sync.{}", kind.as_str());
            service.audit(&actor, Some(scope.org()), &action, &job.source, &format!("job {}", job.id));
            Ok(job)
        })
        .await?;
    Ok(Reply(job))
}

pub(crate) async fn git(
    access: Access<Member>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    JsonBody(body): JsonBody<GitBody>,
) -> Accepted {
    let submission = Submission {
        source: body.name.unwrap_or_else(|| name_of(&body.location)),
        request: SyncRequest::Git { location: body.location, branch: body.branch, full: body.full },
        credential: body.credential.map(|Credential { username, password }| GitCredential { username, password }),
        requested_by: access.principal.actor(),
        every: period(body.every)?,
    };
    submit(access, state, submission).await
}

pub(crate) async fn docs(
    access: Access<Member>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    JsonBody(body): JsonBody<DocsBody>,
) -> Accepted {
    let submission = Submission {
        source: body.name.unwrap_or_else(|| name_of(&body.folder)),
        request: SyncRequest::Docs { folder: PathBuf::from(body.folder) },
        credential: None,
        requested_by: access.principal.actor(),
        every: period(body.every)?,
    };
    submit(access, state, submission).await
}

/// Tickets as they are sent: named in JSON, or as files in a form.
pub(crate) enum SentTickets {
    Named(TicketsBody),
    Sent(Box<Multipart>),
}

impl FromRequest<AppState> for SentTickets {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if body::is_json(content_type) {
            return JsonBody::<TicketsBody>::from_request(request, state).await.map(|JsonBody(body)| Self::Named(body));
        }
        if content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
            let form = Multipart::from_request(request, state).await;
            return form.map(|form| Self::Sent(Box::new(form))).map_err(|rejection| {
                Problem::new(ErrorCode::InvalidInput, format!("the form cannot be read: {}", rejection.body_text()))
            });
        }
        Err(Problem::new(ErrorCode::UnsupportedMediaType, "tickets are sent as a form with files, or named in JSON")
            .hint("curl -F file=@export.json sends a form."))
    }
}

impl OperationInput for SentTickets {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        <Json<TicketsBody> as OperationInput>::operation_input(ctx, operation);
        let schema =
            SchemaObject { json_schema: ctx.schema.subschema_for::<TicketsForm>(), example: None, external_docs: None };
        if let Some(aide::openapi::ReferenceOr::Item(body)) = &mut operation.request_body {
            let media = MediaType { schema: Some(schema), ..MediaType::default() };
            body.content.insert("multipart/form-data".to_owned(), media);
        }
    }
}

pub(crate) async fn tickets(
    access: Access<Member>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    sent: SentTickets,
) -> Accepted {
    let requested_by = access.principal.actor();
    let submission = match sent {
        SentTickets::Named(body) => {
            if body.files.is_empty() || body.files.len() > MOST_FILES {
                return Err(Problem::new(ErrorCode::InvalidInput, format!("name 1 to {MOST_FILES} files")));
            }
            let files = body.files.into_iter().map(PathBuf::from).collect();
            Submission {
                source: body.name.unwrap_or_else(|| USUAL_SOURCE.to_owned()),
                request: SyncRequest::Tickets { files, projects: body.projects, prune: body.prune, upload: None },
                credential: None,
                requested_by,
                every: period(body.every)?,
            }
        }
        SentTickets::Sent(form) => {
            let upload = state.service.jobs.upload(&access.scope);
            let Form { upload, name, projects, prune } = receive(*form, upload, state.config.upload_bytes).await?;
            Submission {
                source: name.unwrap_or_else(|| USUAL_SOURCE.to_owned()),
                request: upload.into_request(projects, prune),
                credential: None,
                requested_by,
                every: None,
            }
        }
    };
    submit(access, state, submission).await
}

struct Form {
    upload: Upload,
    name: Option<String>,
    projects: Vec<String>,
    prune: bool,
}

/// Takes the parts of a form, files straight to disk.
async fn receive(mut form: Multipart, upload: Upload, most: u64) -> Result<Form, Problem> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        let code = match error.status() {
            hyper::StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
            _ => ErrorCode::InvalidInput,
        };
        Problem::new(code, format!("the form cannot be read: {}", error.body_text()))
    };
    let mut received = Form { upload, name: None, projects: Vec::new(), prune: false };
    let (mut left, mut files) = (most, 0);
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let part = field.name().unwrap_or_default().to_owned();
        if part == "file" {
            files += 1;
            if files > MOST_FILES {
                return Err(Problem::new(ErrorCode::InvalidInput, format!("send {MOST_FILES} files at most")));
            }
            let name = field.file_name().unwrap_or_default().to_owned();
            let (file, _) = received.upload.create(&name)?;
            let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
            let failed = |error: std::io::Error| {
                Problem::new(ErrorCode::Internal, format!("a sent file cannot be written: {error}"))
            };
            while let Some(chunk) = field.chunk().await.map_err(broken)? {
                left = left.checked_sub(chunk.len() as u64).ok_or_else(|| {
                    Problem::new(ErrorCode::TooLarge, format!("the files have more than {most} bytes"))
                })?;
                // Into memory for the most part; once in a mebibyte it reaches the operating system's.
                file.write_all(&chunk).map_err(failed)?;
            }
            let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
            drop(tokio::task::spawn_blocking(move || file.sync_all()).await);
            continue;
        }
        let mut text = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            text.extend_from_slice(&chunk);
            if text.len() > LONGEST_FIELD {
                return Err(Problem::new(ErrorCode::TooLarge, format!("the part `{part}` is too long")));
            }
        }
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        match part.as_str() {
            "name" => received.name = Some(text).filter(|text| !text.is_empty()),
            "projects" => {
                let prefixes = text.split(',').map(str::trim).filter(|prefix| !prefix.is_empty());
                received.projects.extend(prefixes.map(str::to_owned));
            }
            "prune" => {
                received.prune = text
                    .parse()
                    .map_err(|_| Problem::new(ErrorCode::InvalidInput, "the part `prune` is `true` or `false`"))?;
            }
            other => {
                return Err(Problem::new(ErrorCode::InvalidInput, format!("the part `{other}` is not known"))
                    .hint("The parts are file, name, projects and prune."));
            }
        }
    }
    if received.upload.is_empty() {
        return Err(Problem::new(ErrorCode::InvalidInput, "the form has no part `file`"));
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_locations() {
        for (location, name) in [
            ("https://host/o/app.git", "app"),
            ("git@host:o/app", "app"),
            ("/srv/repos/app/.git", "app"),
            ("/srv/repos/my app/", "my-app"),
            ("https://host/.hidden", "hidden"),
        ] {
            assert_eq!(name_of(location), name);
        }
    }
}
