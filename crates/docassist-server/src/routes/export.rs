//! The graph itself.

use std::time::Duration;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::answer::described;
use crate::exports::Held;
use crate::extract::{Access, NoParameters, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

const NDJSON: &str = "application/x-ndjson";
/// An export whose reader takes nothing for so long is given up: it holds a graph's text.
const STALLED: Duration = Duration::from_secs(30);
/// Pieces that wait for their reader.
const WAITING: usize = 4;
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

pub(crate) async fn graph(
    access: Access<Viewer>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Result<Lines, Problem> {
    let held = state.exports.hold(access.scope.org()).await?;
    let lines = state.service.answers.compute(&access.scope, docassist_app::App::export).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    // A task of its own, which gives the text back when nobody reads it any more.
    tokio::spawn(send(lines, sender, held));
    Ok(Lines(Body::from_stream(pieces(receiver))))
}

/// Hands the lines on in pieces, and then says that they were all.
async fn send(lines: Vec<String>, sender: Sender<Piece>, held: Held) {
    let _held = held;
    let mut text = String::with_capacity(PIECE + 1024);
    for line in lines {
        text.push_str(&line);
        text.push('\n');
        if text.len() >= PIECE {
            let piece = std::mem::replace(&mut text, String::with_capacity(PIECE + 1024));
            // An error is a reader who has gone, or does not read.
            if sender.send_timeout(Piece::Text(piece.into()), STALLED).await.is_err() {
                return;
            }
        }
    }
    if sender.send_timeout(Piece::Text(text.into()), STALLED).await.is_ok() {
        let _ = sender.send_timeout(Piece::End, STALLED).await;
    }
}

/// The pieces as a body. One that ends early ends with an error: half a graph must not look like a whole one.
fn pieces(receiver: Receiver<Piece>) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    let pieces = stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Text(text)) => Some((Ok(text), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(std::io::Error::other("the export was not read for too long")), None)),
        }
    });
    // Whoever compresses asks once more at the end.
    pieces.fuse()
}

enum Piece {
    Text(Bytes),
    End,
}
