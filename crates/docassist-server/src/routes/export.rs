//! The graph itself.

use std::sync::Arc;
use std::time::Duration;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use docassist_model::ErrorCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use crate::answer::described;
use crate::extract::{Access, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

const NDJSON: &str = "application/x-ndjson";
/// How long an export waits for another one.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Lines are sent in pieces of about this many bytes.
const PIECE: usize = 64 << 10;

/// Lines of JSON.
pub(crate) struct Lines(Body);

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.0);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
        response
    }
}

impl OperationOutput for Lines {
    type Inner = ();

    fn operation_response(_: &mut GenContext, _: &mut Operation) -> Option<ApiResponse> {
        Some(described("One node or edge a line, sorted bytewise: equal graphs give equal bytes.", NDJSON))
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (Some(200), response)).into_iter().collect()
    }
}

pub(crate) async fn graph(access: Access<Viewer>, State(state): State<AppState>) -> Result<Lines, Problem> {
    // An export holds the text of a whole graph until its last line was sent.
    let waiting = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&state.exports).acquire_owned()).await;
    let permit = waiting
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| Problem::new(ErrorCode::Unavailable, "other exports are under way").hint("Try again later."))?;
    let lines = state.service.answers.compute(&access.scope, docassist_app::App::export).await?;
    let mut lines = lines.into_iter();
    let pieces = std::iter::from_fn(move || {
        // Held by the stream: a reader that goes away frees it.
        let _held = &permit;
        let mut piece = String::with_capacity(PIECE + 1024);
        for line in lines.by_ref() {
            piece.push_str(&line);
            piece.push('\n');
            if piece.len() >= PIECE {
                break;
            }
        }
        (!piece.is_empty()).then(|| Ok::<_, std::convert::Infallible>(Bytes::from(piece)))
    });
    Ok(Lines(Body::from_stream(tokio_stream::iter(pieces))))
}
