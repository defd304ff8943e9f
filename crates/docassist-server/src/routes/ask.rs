//! Questions and cited answers, and the conversations that they belong to.

use std::convert::Infallible;
use std::time::Duration;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use docassist_app::{AskEvent, AskQuery, Query as Question, Service};
use docassist_model::findings::Answer;
use docassist_model::findings::search::AskAnswer;
use docassist_model::{TenantScope, Timestamp, UserId};
use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_stream::wrappers::ReceiverStream;

use super::ask as answered;
use super::search::Filters;
use crate::answer::{Cached, Done, described};
use crate::extract::{Access, JsonBody, NoParameters, Path, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// How often a stream without news says that it is there.
const ALIVE: Duration = Duration::from_secs(10);
/// Events that wait for whoever reads slowly; the model waits then.
const WAITING: usize = 64;

/// A question.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskBody {
    /// The question.
    #[schemars(length(min = 1, max = 4000))]
    question: String,
    /// What is looked at for it; everything, if left out.
    #[serde(default)]
    filter: Filters,
    /// The conversation that it belongs to, by a name of the asker's choice: earlier questions are read with this one.
    session: Option<String>,
    /// Whether to answer with server-sent events, as the answer is written.
    #[serde(default)]
    stream: bool,
}

/// An answer at once, or as it is written.
pub(crate) enum AskReply {
    Whole(Box<Cached<Answer<AskAnswer>>>),
    Plain(Box<Answer<AskAnswer>>),
    Stream(Response),
}

impl IntoResponse for AskReply {
    fn into_response(self) -> Response {
        match self {
            Self::Whole(cached) => cached.into_response(),
            Self::Plain(answer) => Json(answer).into_response(),
            Self::Stream(response) => response,
        }
    }
}

impl OperationOutput for AskReply {
    type Inner = Answer<AskAnswer>;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        let mut response = <Json<Answer<AskAnswer>> as OperationOutput>::operation_response(ctx, operation)?;
        let stream = described("", "text/event-stream");
        response.content.extend(stream.content);
        "The answer. With `stream`, events: `sources` (what may be cited, before a language model writes), `text` (a piece of what it \
         writes, not checked yet), and at the end `answer` (the same JSON as without `stream`) or `problem`."
            .clone_into(&mut response.description);
        Some(response)
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (Some(200), response)).into_iter().collect()
    }
}

/// A question with whose it is.
struct Asked {
    scope: TenantScope,
    user: UserId,
    query: AskQuery,
}

impl Asked {
    async fn of(state: &AppState, access: &Access<Viewer>, body: AskBody) -> Result<Self, Problem> {
        let (scope, user) = (access.scope.clone(), access.principal.user().id);
        let search = body.filter.query(body.question)?;
        let turns = match body.session.clone() {
            None => Vec::new(),
            Some(name) => {
                let of = scope.clone();
                state
                    .clone()
                    .blocking(move |service: &Service| service.conversations.turns(&of, Some(user), &name))
                    .await?
            }
        };
        Ok(Self { scope, user, query: AskQuery { search, session: body.session, turns } })
    }
}

/// Adds an answer to its conversation.
async fn keep(
    state: &AppState,
    (scope, user): (TenantScope, UserId),
    answer: Answer<AskAnswer>,
) -> Result<Answer<AskAnswer>, Problem> {
    let Some(name) = answer.body.session.clone() else { return Ok(answer) };
    state
        .clone()
        .blocking(move |service: &Service| {
            service.conversations.keep(&scope, Some(user), &name, &answer)?;
            Ok(answer)
        })
        .await
}

pub(crate) async fn ask(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    JsonBody(body): JsonBody<AskBody>,
) -> Result<AskReply, Problem> {
    let streamed = body.stream;
    let asked = Asked::of(&state, &access, body).await?;
    if streamed {
        return stream(state, asked).map(AskReply::Stream);
    }
    if asked.query.session.is_none() {
        let answer = answered(&state, &asked.scope, Question::Ask(asked.query)).await?;
        return Ok(AskReply::Whole(Box::new(answer)));
    }
    let answer = state.service.answers.ask(&asked.scope, asked.query, |_| true).await?;
    let answer = keep(&state, (asked.scope, asked.user), answer).await?;
    Ok(AskReply::Plain(Box::new(answer)))
}

/// Answers as it is written. Whoever goes away stops the writing.
fn stream(state: AppState, asked: Asked) -> Result<Response, Problem> {
    let permit = std::sync::Arc::clone(&state.streams).try_acquire_owned().map_err(|_| {
        Problem::new(docassist_model::ErrorCode::Unavailable, "too many streams are open").hint("Ask without `stream`.")
    })?;
    let (send, receive) = tokio::sync::mpsc::channel::<Event>(WAITING);
    let time = state.config.request_time;
    tokio::spawn(async move {
        let _permit = permit;
        let Asked { scope, user, query } = asked;
        let tell = {
            let send = send.clone();
            move |event: AskEvent| {
                let event = match event {
                    AskEvent::Sources(sources) => named("sources", &sources),
                    AskEvent::Text(text) => named("text", &Piece { text }),
                };
                send.blocking_send(event).is_ok()
            }
        };
        let answer = tokio::time::timeout(time, state.service.answers.ask(&scope, query, tell)).await;
        let answer = match answer {
            Ok(answer) => answer.map_err(Problem::from),
            Err(_) => Err(Problem::new(docassist_model::ErrorCode::Timeout, "the answer took too long")),
        };
        let answer = match answer {
            Ok(answer) => keep(&state, (scope, user), answer).await,
            Err(problem) => Err(problem),
        };
        let event = match answer {
            Ok(answer) => named("answer", &answer),
            Err(Problem(error)) => {
                named("problem", &Failed { code: error.code.as_str(), detail: error.message, hint: error.hint })
            }
        };
        let _ = send.send(event).await;
    });
    let events = ReceiverStream::new(receive).map(Ok::<Event, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

/// A piece of what a model writes.
#[derive(Debug, Serialize)]
struct Piece {
    text: String,
}

/// Why there is no answer.
#[derive(Debug, Serialize)]
struct Failed {
    code: &'static str,
    detail: String,
    hint: Option<String>,
}

fn named<T: Serialize>(name: &str, data: &T) -> Event {
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

/// A conversation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct ConversationPath {
    /// Its name.
    name: String,
}

/// A conversation in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConversationLine {
    /// Its name.
    name: String,
    /// Questions in it.
    turns: u64,
    /// When the last was asked.
    updated: Timestamp,
}

/// The asker's own conversations, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConversationList {
    /// All of them.
    total: u64,
    /// All of them: there are 200 at most.
    items: Vec<ConversationLine>,
    /// Always `null`.
    next: Option<String>,
}

/// A question and its answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TurnLine {
    /// What was asked.
    question: String,
    /// What was answered; empty where nothing supported an answer.
    answer: String,
    /// When.
    asked: Timestamp,
}

/// A conversation, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TurnList {
    /// All of it that is kept.
    total: u64,
    /// The same.
    items: Vec<TurnLine>,
    /// Always `null`.
    next: Option<String>,
}

pub(crate) async fn conversations(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Result<Json<ConversationList>, Problem> {
    let (scope, user) = (access.scope.clone(), access.principal.user().id);
    let heads = state.blocking(move |service| service.conversations.list(&scope, Some(user))).await?;
    let items: Vec<ConversationLine> = heads
        .into_iter()
        .map(|head| ConversationLine { name: head.name, turns: head.turns, updated: head.updated })
        .collect();
    Ok(Json(ConversationList { total: items.len() as u64, items, next: None }))
}

pub(crate) async fn conversation(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<ConversationPath>,
) -> Result<Json<TurnList>, Problem> {
    let (scope, user) = (access.scope.clone(), access.principal.user().id);
    let turns = state.blocking(move |service| service.conversations.read(&scope, Some(user), &path.name)).await?;
    let items: Vec<TurnLine> = turns
        .into_iter()
        .map(|turn| TurnLine { question: turn.question, answer: turn.answer, asked: turn.asked })
        .collect();
    Ok(Json(TurnList { total: items.len() as u64, items, next: None }))
}

pub(crate) async fn remove(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
    Path(path): Path<ConversationPath>,
) -> Result<Done, Problem> {
    let (scope, user) = (access.scope.clone(), access.principal.user().id);
    state.blocking(move |service| service.conversations.remove(&scope, Some(user), &path.name)).await?;
    Ok(Done)
}
