//! The cache of answers.

use axum::Json;
use axum::extract::State;
use docassist_app::{CacheStats, FamilyStats, TierStats};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::Done;
use crate::extract::{Access, Admin, Local, NoParameters, Query};
use crate::problem::Problem;
use crate::state::AppState;

/// What the cache of this process holds and has saved since the start.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatsAnswer {
    /// By family of keys.
    families: Vec<FamilyAnswer>,
    /// What concerns Redis as a whole.
    redis: RedisAnswer,
}

/// Of one family.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FamilyAnswer {
    /// `gaps`, `impact`, `relationships` or `search`.
    family: String,
    /// Requests that were answered without a computation, of all, 0 to 1; `null` where there was none.
    hit_rate: Option<f64>,
    /// Of the tier in memory.
    memory: TierAnswer,
    /// Of the tier in Redis: `entries`, `bytes` and `evictions` are Redis' own affair and 0 here.
    redis: TierAnswer,
    /// Answers computed.
    computations: u64,
    /// Requests answered without a computation of their own.
    computations_saved: u64,
    /// Of those, the ones that got the result of another request's computation.
    collapsed: u64,
    /// Computations that failed.
    failures: u64,
    /// Values not kept because a sync ended while they were computed.
    overtaken: u64,
    /// Requests past the cache, since the present state was not known.
    bypassed: u64,
}

/// Of one tier.
#[derive(Debug, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub(crate) struct TierAnswer {
    hits: u64,
    misses: u64,
    /// Of the misses, those that found a value from before a sync.
    stale: u64,
    stores: u64,
    evictions: u64,
    entries: u64,
    bytes: u64,
}

/// What concerns Redis as a whole.
#[derive(Debug, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub(crate) struct RedisAnswer {
    /// `absent`, `closed` (in use), `open` (not answering) or `half-open` (being tried).
    state: String,
    timeouts: u64,
    failures: u64,
    refused_writes: u64,
    dropped_writes: u64,
    /// Values under our keys that we did not write so.
    garbage: u64,
    /// How often it stopped answering.
    opened: u64,
    connected: u64,
    messages: u64,
    bad_messages: u64,
}

impl From<&TierStats> for TierAnswer {
    fn from(tier: &TierStats) -> Self {
        Self {
            hits: tier.hits,
            misses: tier.misses,
            stale: tier.stale,
            stores: tier.stores,
            evictions: tier.evictions,
            entries: tier.entries,
            bytes: tier.bytes,
        }
    }
}

impl From<&FamilyStats> for FamilyAnswer {
    fn from(of: &FamilyStats) -> Self {
        let saved = of.computations_saved();
        let all = saved + of.computations;
        Self {
            family: of.family.as_str().to_owned(),
            hit_rate: (all > 0).then(|| saved as f64 / all as f64),
            memory: (&of.memory).into(),
            redis: (&of.redis).into(),
            computations: of.computations,
            computations_saved: saved,
            collapsed: of.collapsed,
            failures: of.failures,
            overtaken: of.overtaken,
            bypassed: of.bypassed,
        }
    }
}

impl From<CacheStats> for StatsAnswer {
    fn from(stats: CacheStats) -> Self {
        let redis = &stats.redis;
        Self {
            families: stats.families.iter().map(FamilyAnswer::from).collect(),
            redis: RedisAnswer {
                state: redis.breaker.as_str().to_owned(),
                timeouts: redis.timeouts,
                failures: redis.failures,
                refused_writes: redis.refused_writes,
                dropped_writes: redis.dropped_writes,
                garbage: redis.garbage,
                opened: redis.opened,
                connected: redis.connected,
                messages: redis.messages,
                bad_messages: redis.bad_messages,
            },
        }
    }
}

/// The figures are of all organisations together: for whoever runs the service or is on its machine.
pub(crate) async fn stats(_: Local, State(state): State<AppState>) -> Json<StatsAnswer> {
    Json(state.service.answers.stats().into())
}

pub(crate) async fn clear(
    access: Access<Admin>,
    State(state): State<AppState>,
    _: Query<NoParameters>,
) -> Result<Done, Problem> {
    state.service.answers.clear(&access.scope);
    let (scope, actor) = (access.scope.clone(), access.actor());
    state
        .blocking(move |service| {
            service.audit(&actor, Some(scope.org()), "cache.clear", scope.org().as_str(), "");
            Ok(())
        })
        .await?;
    Ok(Done)
}
