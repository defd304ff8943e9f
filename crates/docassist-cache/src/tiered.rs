//! The cache as its users see it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docassist_model::{SourceKind, TenantScope};
use tokio::task::JoinSet;

use crate::config::{Config, Replicas, TimesToLive};
use crate::flight::{Crash, Flights, Role};
use crate::key::Key;
use crate::memory::{Found, Memory};
use crate::org::{Known, OrgState};
use crate::outcome::{Forward, Outcome, RedisUse, Served, Tier};
use crate::redis::{InvalidRedisUrl, RedisTier};
use crate::registry::{Registry, watch_store};
use crate::stamp::{Generations, Stamp};
use crate::stats::{Breaker, Counters, Stats};
use crate::value::{Computed, Value};

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure<E> {
    /// The computation failed; all who waited for it get the same error.
    #[error(transparent)]
    Computation(E),
    /// The computation of another request, which this one waited for, panicked.
    #[error("the computation that this request waited for panicked")]
    Crashed,
}

/// A tiered cache. See the crate's documentation for what it promises.
///
/// `E` is the error of computations. It is cloned for all who wait for a failed one.
pub struct Cache<E> {
    registry: Arc<Registry>,
    memory: Memory,
    redis: Option<RedisTier>,
    flights: Flights<Landed<E>>,
    counters: Arc<Counters>,
    ttl: TimesToLive,
    /// Aborted when the cache is dropped.
    _tasks: JoinSet<()>,
}

type Landed<E> = Result<(Value, Outcome), E>;

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// Opens a cache in the current Tokio runtime. Whether Redis is there makes no difference to that.
    ///
    /// # Errors
    ///
    /// If the address of Redis cannot be understood.
    pub fn open(config: Config, generations: Arc<dyn Generations>) -> Result<Self, InvalidRedisUrl> {
        let Config { memory_bytes, ttl, replicas, redis } = config;
        let replicas = replicas.or_else(|| redis.as_ref().map(|_| Replicas::default()));
        let lease = replicas.map(|replicas| replicas.lease);
        let registry = Arc::new(Registry::new(generations, lease, redis.is_some()));
        let counters = Arc::new(Counters::default());
        let mut tasks = JoinSet::new();
        if let Some(replicas) = replicas {
            tasks.spawn(watch_store(Arc::clone(&registry), replicas.poll));
        }
        let redis = match redis {
            Some(redis) => {
                let replicas = replicas.unwrap_or_default();
                Some(RedisTier::open(redis, replicas, ttl, &registry, &counters, &mut tasks)?)
            }
            None => None,
        };
        let memory = Memory::new(memory_bytes, ttl.longest(), Arc::clone(&counters));
        Ok(Self { registry, memory, redis, flights: Flights::new(), counters, ttl, _tasks: tasks })
    }

    /// The value of a key: from a tier, from another request that is computing it, or computed.
    ///
    /// `compute` is given the stamp that its value will carry. What it reads must be at least as new as
    /// [`Stamp::durable`]: data already in memory that is older has to be loaded anew first. It can say that its
    /// value is not to be kept ([`Computed::not_kept`]). If this call is dropped, so is the computation, and one of those
    /// that wait for it begins its own.
    ///
    /// # Errors
    ///
    /// If the computation fails, or the one that this call waited for does.
    pub async fn get_or_compute<F, Fut, C>(&self, key: &Key, compute: F) -> Result<(Value, Outcome), Failure<E>>
    where
        F: FnOnce(Stamp) -> Fut,
        Fut: Future<Output = Result<C, E>>,
        C: Into<Computed>,
    {
        let org = self.registry.org(key.scope());
        let family = self.counters.family(key.family());
        let mut now = Instant::now();
        let since_start = self.registry.at(now);
        self.registry.touch(&org, since_start);
        let mut known = org.known();
        let mut certain = self.registry.is_current(&known, since_start);
        // A bump or news can overtake a look, again and again where syncs end all the time.
        for attempt in 0..3 {
            if certain {
                break;
            }
            certain = self.confirm(&org, attempt == 0).await;
            now = Instant::now();
            known = org.known();
            certain = certain && self.registry.is_current(&known, self.registry.at(now));
        }
        // Everything from here on is about the state as of now, and nothing older: a bump that ended before this call is
        // in the stamp.
        let stamp = known.stamp(key.family());
        let request = Request { key, org: &org, known: &known, stamp, certain };
        let mut why = Forward::Bypass;
        if certain {
            why = match self.memory.find(key, &stamp, now) {
                Found::Fresh(value, left) => {
                    family.memory.hits.one();
                    return Ok((value, self.outcome(Served::Hit(Tier::Memory), Some(left))));
                }
                Found::Stale => {
                    family.memory.stale.one();
                    Forward::Stale
                }
                Found::Nothing => Forward::Miss,
            };
            family.memory.misses.one();
        }
        // A crowd that has to do without the cache computes once as well. Its flight is only joined by those who ask within
        // the lease of its beginning, which is as late as other processes' syncs may be noticed.
        let stretch = if certain { 0 } else { self.registry.stretch() };
        let mut redis = self.redis.as_ref().filter(|_| certain);
        loop {
            let leader = match self.flights.join(key.shared_text(), stamp, stretch) {
                Role::Leader(leader) => leader,
                Role::Follower(follower) => match follower.wait().await {
                    Some(Ok(landed)) => {
                        if certain {
                            family.collapsed.one();
                        } else {
                            family.bypassed.one();
                        }
                        let (value, outcome) = landed.map_err(Failure::Computation)?;
                        return Ok((value, Outcome { collapsed: true, ..outcome }));
                    }
                    Some(Err(Crash)) => return Err(Failure::Crashed),
                    None => {
                        // The leader was dropped: perhaps it is our turn. It may have waited for Redis, and we with it.
                        redis = None;
                        continue;
                    }
                },
            };
            let result = self.lead(&request, redis, why, compute).await;
            leader.land(result.clone());
            return result.map_err(Failure::Computation);
        }
    }

    /// What the leader of a flight does.
    async fn lead<F, Fut, C>(
        &self,
        request: &Request<'_>,
        redis: Option<&RedisTier>,
        mut why: Forward,
        compute: F,
    ) -> Landed<E>
    where
        F: FnOnce(Stamp) -> Fut,
        Fut: Future<Output = Result<C, E>>,
        C: Into<Computed>,
    {
        let Request { key, org, known, stamp, certain } = *request;
        let family = self.counters.family(key.family());
        if !certain {
            family.bypassed.one();
            let value = self.computed(key, stamp, compute).await?.value;
            return Ok((value, self.outcome(Served::Computed(Forward::Bypass), None)));
        }
        // Between the look-up and the flight, another flight may have landed.
        if let Found::Fresh(value, left) = self.memory.find(key, &stamp, Instant::now()) {
            family.collapsed.one();
            return Ok((value, self.outcome(Served::Hit(Tier::Memory), Some(left))));
        }
        let mut without_redis = redis.is_none() && self.redis.is_some();
        if let Some(redis) = redis {
            match redis.find(key, known, &stamp).await {
                Some(Found::Fresh(value, left)) => {
                    family.redis.hits.one();
                    self.memory.keep(key, &value, stamp, left);
                    return Ok((value, self.outcome(Served::Hit(Tier::Redis), Some(left))));
                }
                Some(Found::Stale) => {
                    family.redis.stale.one();
                    family.redis.misses.one();
                    why = Forward::Stale;
                }
                Some(Found::Nothing) => family.redis.misses.one(),
                None => without_redis = true,
            }
        }
        let computed = self.computed(key, stamp, compute).await?;
        let (value, mut outcome) = self.keep(key, org, stamp, computed, why);
        if without_redis {
            outcome.redis = RedisUse::Down;
        }
        Ok((value, outcome))
    }

    /// A sync of a source of this kind has ended: nothing computed before is served from now on. To be called after the
    /// records are durable and whatever computations read shows them.
    ///
    /// One atomic operation here; other replicas are told in the background.
    pub fn bump(&self, scope: &TenantScope, kind: SourceKind) {
        self.registry.bump(scope, kind);
    }

    /// Forgets everything of an organisation, here and in other replicas; as fast as a bump, since it is one.
    pub fn clear(&self, scope: &TenantScope) {
        self.registry.clear(scope);
    }

    /// Asks for the generations of organisations in use now, and not only when it is due: somebody has heard that one has
    /// changed. Any number of calls before it begins are one. O(1).
    pub fn look(&self) {
        self.registry.look.notify_one();
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.read(self.redis.as_ref().map_or(Breaker::Absent, RedisTier::breaker))
    }

    /// Does the tier in memory's deferred work now, so that its counters are exact. For tests and tools; requests do it in
    /// small portions.
    pub fn settle(&self) {
        self.memory.settle();
    }

    async fn computed<F, Fut, C>(&self, key: &Key, stamp: Stamp, compute: F) -> Result<Computed, E>
    where
        F: FnOnce(Stamp) -> Fut,
        Fut: Future<Output = Result<C, E>>,
        C: Into<Computed>,
    {
        let family = self.counters.family(key.family());
        family.computations.one();
        // Counts a panic as well, which passes through here.
        let mut unfinished = CountUnlessDone { counter: Some(&family.failures) };
        let result = compute(stamp).await;
        if result.is_ok() {
            unfinished.counter = None;
        }
        result.map(Into::into)
    }

    fn keep(&self, key: &Key, org: &Arc<OrgState>, stamp: Stamp, computed: Computed, why: Forward) -> (Value, Outcome) {
        let Computed { value, keep } = computed;
        let family = self.counters.family(key.family());
        // Not needed for truth, since a stamp is checked whenever its value is read; it saves the room, and a newer value
        // from being replaced.
        let overtaken = org.stamp(key.family()) != stamp;
        if overtaken {
            family.overtaken.one();
        }
        let ttl = self.ttl.of(key.family());
        let stored = keep && !overtaken && self.memory.keep(key, &value, stamp, ttl);
        let shared =
            keep && !overtaken && self.redis.as_ref().is_some_and(|redis| redis.keep(key, org, &value, stamp, ttl));
        let ttl = (stored || shared).then_some(ttl);
        (value, self.outcome(Served::Computed(why), ttl))
    }

    fn outcome(&self, served: Served, ttl: Option<Duration>) -> Outcome {
        let redis = match self.redis.as_ref().map(RedisTier::breaker) {
            None => RedisUse::Absent,
            Some(Breaker::Closed) => RedisUse::Up,
            Some(_) => RedisUse::Down,
        };
        Outcome { served, collapsed: false, stored: ttl.is_some(), ttl, redis }
    }

    /// Has the store looked at; whether it answered. Redis' counters are asked for before, since what is known of other
    /// replicas' bumps must be no newer than the look, but `with_redis` only: a request waits for that once.
    async fn confirm(&self, org: &Arc<OrgState>, with_redis: bool) -> bool {
        match self.redis.as_ref().filter(|_| with_redis) {
            Some(redis) => self.registry.confirm(org, redis.join(org)).await,
            None => self.registry.confirm(org, std::future::ready(())).await,
        }
    }
}

/// A request that was not answered from memory.
#[derive(Clone, Copy)]
struct Request<'a> {
    key: &'a Key,
    org: &'a Arc<OrgState>,
    known: &'a Known,
    stamp: Stamp,
    /// What is known is confirmed.
    certain: bool,
}

/// Adds one when it goes, whichever way, unless told otherwise.
struct CountUnlessDone<'a> {
    counter: Option<&'a crate::stats::Count>,
}

impl Drop for CountUnlessDone<'_> {
    fn drop(&mut self) {
        if let Some(counter) = self.counter {
            counter.one();
        }
    }
}
