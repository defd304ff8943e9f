//! How the service is.

use std::sync::atomic::Ordering;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use docassist_app::Breaker;
use docassist_model::ErrorCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::described;
use crate::extract::Local;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::state::AppState;

/// The process runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Live {
    /// Always `live`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
}

/// Requests can be answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Ready {
    /// `ready`, or `degraded` where something is out of order without which requests are still answered.
    status: &'static str,
    /// Always `up`: where the store cannot be read the answer is a problem with status 503.
    store: &'static str,
    /// The tier in memory: always `up`.
    memory_cache: &'static str,
    /// `absent`, `up`, or `down`: answers are then cached in memory alone.
    redis: &'static str,
    /// What is out of order, one sentence each.
    notes: Vec<String>,
}

pub(crate) async fn live() -> Json<Live> {
    Json(Live { status: "live", version: env!("CARGO_PKG_VERSION") })
}

pub(crate) async fn ready(State(state): State<AppState>) -> Result<Json<Ready>, Problem> {
    if state.ending.load(Ordering::Acquire) {
        return Err(Problem::new(ErrorCode::Unavailable, "the service is ending"));
    }
    let stats = state.service.answers.stats();
    state.blocking(docassist_app::Service::check).await?;
    let redis = match stats.redis.breaker {
        Breaker::Absent => "absent",
        Breaker::Closed => "up",
        Breaker::Open | Breaker::HalfOpen => "down",
    };
    let notes: Vec<String> = (redis == "down")
        .then(|| "Redis does not answer: answers are cached in memory alone, and it is tried again.".to_owned())
        .into_iter()
        .collect();
    let status = if notes.is_empty() { "ready" } else { "degraded" };
    Ok(Json(Ready { status, store: "up", memory_cache: "up", redis, notes }))
}

/// The text format of OpenMetrics.
pub(crate) struct Figures(String);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl IntoResponse for Figures {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
        response
    }
}

impl OperationOutput for Figures {
    type Inner = ();

    fn operation_response(_: &mut GenContext, _: &mut Operation) -> Option<ApiResponse> {
        Some(described("Figures in the text format of OpenMetrics.", "application/openmetrics-text"))
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (Some(200), response)).into_iter().collect()
    }
}

pub(crate) async fn metrics(_: Local, State(state): State<AppState>) -> Result<Figures, Problem> {
    let text = state.clone().blocking(move |_| {
        Metrics::text(&state)
            .map_err(|error| docassist_app::AppError::new(ErrorCode::Internal, format!("no figures: {error}")))
    });
    Ok(Figures(text.await?))
}
