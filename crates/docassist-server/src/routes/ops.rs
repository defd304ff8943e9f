//! How the servers behind the service do. They hold all organisations' data: for whoever runs the service.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use docassist_app::monitor::{Figures, Told};
use docassist_model::Timestamp;
use docassist_ops::monitor::{PostgresFigures, QdrantFigures, RedisFigures};
use schemars::JsonSchema;
use serde::Serialize;

use super::cache::StatsAnswer;
use crate::extract::{NoParameters, Operator, Query};
use crate::state::AppState;

/// Figures of this age are told again: whoever asks often does not have the servers asked more often.
const FRESH: Duration = Duration::from_secs(2);

/// All servers, and the cache of this process.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OverviewAnswer {
    #[serde(flatten)]
    figures: Figures,
    /// What the cache of this process holds and has saved since the start.
    cache: StatsAnswer,
}

/// One server.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ServerAnswer<T> {
    /// When it was asked.
    as_of: Timestamp,
    #[serde(flatten)]
    told: Told<T>,
}

async fn figures(state: &AppState) -> Arc<Figures> {
    state.service.monitor.recent(FRESH).await
}

pub(crate) async fn overview(
    _: Operator,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Json<OverviewAnswer> {
    let figures = figures(&state).await;
    Json(OverviewAnswer { figures: (*figures).clone(), cache: state.service.answers.stats().into() })
}

pub(crate) async fn postgres(
    _: Operator,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Json<ServerAnswer<PostgresFigures>> {
    let figures = figures(&state).await;
    Json(ServerAnswer { as_of: figures.as_of, told: figures.postgres.clone() })
}

pub(crate) async fn redis(
    _: Operator,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Json<ServerAnswer<RedisFigures>> {
    let figures = figures(&state).await;
    Json(ServerAnswer { as_of: figures.as_of, told: figures.redis.clone() })
}

pub(crate) async fn qdrant(
    _: Operator,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Json<ServerAnswer<QdrantFigures>> {
    let figures = figures(&state).await;
    Json(ServerAnswer { as_of: figures.as_of, told: figures.qdrant.clone() })
}

pub(crate) async fn cache(_: Operator, State(state): State<AppState>, _: Query<NoParameters>) -> Json<StatsAnswer> {
    Json(state.service.answers.stats().into())
}
