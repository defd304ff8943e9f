//! All organisations that this process has seen, and looks at the store for them.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use docassist_model::{OrgSlug, SourceKind, TenantScope};
use tokio::sync::{Notify, OwnedMutexGuard};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::org::{Known, Look, OrgState};
use crate::stamp::{CLEARED, COUNTERS, Generations, GenerationsUnavailable, millis, number};

/// Enough that a look through all organisations holds up nobody: with 100,000 of them, a part has some 1,600.
const SHARDS: usize = 64;

/// Organisations without a request for this long are looked at when they are next asked for. That costs the request one
/// look, as much as this many seconds of polling would have cost a hundred times over.
pub(crate) const IDLE: Duration = Duration::from_secs(30);

/// So many organisations in one question to the store, or to Redis.
pub(crate) const CHUNK: usize = 256;

/// How long a request waits for a look at the store; then it does without the cache. A look takes a millisecond; a store
/// that takes longer than this is in trouble that waiting does not end.
const PATIENCE: Duration = Duration::from_millis(250);

/// After a look that failed, the store is left alone for this long.
const RESPITE: Duration = Duration::from_millis(50);

type Shard = RwLock<HashMap<OrgSlug, Arc<OrgState>>>;

/// Some 400 bytes for each organisation, and no more of them than there are tenants: scopes come from authentication.
pub(crate) struct Registry {
    shards: [Shard; SHARDS],
    hasher: RandomState,
    source: Arc<dyn Generations>,
    started: Instant,
    /// The order of looks and of what revokes them.
    order: AtomicU64,
    lease: Option<Duration>,
    /// Organisations whose counters Redis may lack, each once; none where there is no Redis.
    unpublished: Option<Mutex<Vec<Arc<OrgState>>>>,
    /// Something was bumped here: tell Redis now.
    pub(crate) publish: Notify,
    /// Something changed elsewhere: ask the store now.
    pub(crate) look: Notify,
    /// The last look failed, and the log says so.
    silent: AtomicBool,
}

impl Registry {
    pub(crate) fn new(source: Arc<dyn Generations>, lease: Option<Duration>, publishes: bool) -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
            hasher: RandomState::new(),
            source,
            started: Instant::now(),
            order: AtomicU64::new(0),
            lease,
            unpublished: publishes.then(Mutex::default),
            publish: Notify::new(),
            look: Notify::new(),
            silent: AtomicBool::new(false),
        }
    }

    fn shard(&self, slug: &OrgSlug) -> &Shard {
        let at = self.hasher.hash_one(slug) % SHARDS as u64;
        &self.shards[usize::try_from(at).unwrap_or(0)]
    }

    pub(crate) fn org(&self, scope: &TenantScope) -> Arc<OrgState> {
        let shard = self.shard(scope.org());
        if let Some(org) = shard.read().unwrap_or_else(PoisonError::into_inner).get(scope.org()) {
            return Arc::clone(org);
        }
        let mut orgs = shard.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(orgs.entry(scope.org().clone()).or_insert_with(|| Arc::new(OrgState::new(scope.clone()))))
    }

    pub(crate) fn seen(&self, slug: &OrgSlug) -> Option<Arc<OrgState>> {
        self.shard(slug).read().unwrap_or_else(PoisonError::into_inner).get(slug).map(Arc::clone)
    }

    /// The organisations that were asked for lately.
    pub(crate) fn in_use(&self) -> Vec<Arc<OrgState>> {
        let since = self.now().saturating_sub(millis(IDLE)).max(1);
        let mut found = Vec::new();
        for shard in &self.shards {
            let orgs = shard.read().unwrap_or_else(PoisonError::into_inner);
            found.extend(orgs.values().filter(|org| org.used.load(Ordering::Relaxed) >= since).map(Arc::clone));
        }
        found
    }

    /// Raises a kind's counter. All there is to an invalidation.
    pub(crate) fn bump(&self, scope: &TenantScope, kind: SourceKind) {
        self.raise(scope, number(kind));
    }

    /// Raises the counter that all families depend on.
    pub(crate) fn clear(&self, scope: &TenantScope) {
        self.raise(scope, CLEARED);
    }

    fn raise(&self, scope: &TenantScope, counter: usize) {
        let org = self.org(scope);
        org.raise(counter, || self.place());
        // Its replicas are told even when nobody has asked for it here.
        self.is_unpublished(&org);
        self.publish.notify_one();
    }

    /// Takes note of counters from elsewhere. `all` says that they are what Redis holds, not one replica's message.
    pub(crate) fn hear(&self, org: &Arc<OrgState>, theirs: &[u64; COUNTERS], all: bool) {
        let ahead = org.hear(theirs, all, || self.place());
        if ahead && all {
            self.is_unpublished(org);
        }
    }

    pub(crate) fn is_unpublished(&self, org: &Arc<OrgState>) {
        if let Some(list) = &self.unpublished
            && !org.unpublished.swap(true, Ordering::AcqRel)
        {
            list.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(org));
        }
    }

    /// Those whose counters Redis may lack. The caller sends what their counters are after this call.
    pub(crate) fn take_unpublished(&self) -> Vec<Arc<OrgState>> {
        let Some(list) = &self.unpublished else { return Vec::new() };
        let orgs = std::mem::take(&mut *list.lock().unwrap_or_else(PoisonError::into_inner));
        for org in &orgs {
            org.unpublished.store(false, Ordering::Release);
        }
        orgs
    }

    /// Notes that the organisation is in use.
    pub(crate) fn touch(&self, org: &OrgState, now: u64) {
        let used = org.used.load(Ordering::Relaxed);
        // Written once a second at most: the line is shared by all requests of the organisation.
        if used + 1000 < now || used == 0 {
            org.used.store(now, Ordering::Relaxed);
        }
    }

    /// Whether this is known well enough to serve from the cache.
    pub(crate) fn is_current(&self, known: &Known, now: u64) -> bool {
        // Both are rounded down, so that equality would be up to a millisecond too late.
        known.confirmed > 0 && self.lease.is_none_or(|lease| known.confirmed + millis(lease) > now)
    }

    /// Looks at the store for these organisations and takes over what it finds.
    pub(crate) async fn look(&self, orgs: &[Arc<OrgState>]) -> Result<(), GenerationsUnavailable> {
        let scopes: Vec<TenantScope> = orgs.iter().map(|org| org.scope().clone()).collect();
        let began = self.now();
        let look = Look { order: self.place(), began };
        let found = self.source.current(&scopes).await.and_then(|found| {
            if found.len() == orgs.len() {
                return Ok(found);
            }
            Err(GenerationsUnavailable(format!("{} answers for {} organisations", found.len(), orgs.len())))
        });
        match found {
            Ok(found) => {
                for (org, durable) in orgs.iter().zip(found) {
                    org.found(look, durable);
                }
                if self.silent.load(Ordering::Relaxed) && self.silent.swap(false, Ordering::AcqRel) {
                    tracing::info!("the store answers; the cache is used again");
                }
                Ok(())
            }
            Err(error) => {
                for org in orgs {
                    org.failed.fetch_max(began, Ordering::AcqRel);
                }
                // Once for all the looks that fail until one succeeds.
                if !self.silent.swap(true, Ordering::AcqRel) {
                    tracing::warn!(%error, "the cache is not used until the store answers");
                }
                Err(error)
            }
        }
    }

    /// Has the store looked at for one organisation, `first` before that; whether what is known is current now.
    ///
    /// Requests that want the same share one look, its failure included, and none waits longer than [`PATIENCE`]. The look
    /// goes on without them: a blocking question cannot be taken back, and must not be asked again while it hangs.
    pub(crate) async fn confirm(
        self: &Arc<Self>,
        org: &Arc<OrgState>,
        first: impl Future<Output = ()> + Send + 'static,
    ) -> bool {
        let asked = self.now();
        let since = org.looking_since.load(Ordering::Acquire);
        let failed = org.failed.load(Ordering::Acquire);
        if since > 0 && asked.saturating_sub(since) > millis(PATIENCE)
            || failed > 0 && asked.saturating_sub(failed) < millis(RESPITE)
        {
            return false;
        }
        let confirmed = async {
            let looking = Arc::clone(&org.looking).lock_owned().await;
            if self.is_current(&org.known(), self.now()) {
                return true;
            }
            if org.failed.load(Ordering::Acquire) >= asked {
                return false;
            }
            let (registry, org) = (Arc::clone(self), Arc::clone(org));
            tokio::spawn(async move { registry.look_at(&org, first, looking).await }).await.unwrap_or(false)
        };
        timeout(PATIENCE, confirmed).await.unwrap_or(false)
    }

    async fn look_at(
        &self,
        org: &Arc<OrgState>,
        first: impl Future<Output = ()>,
        looking: OwnedMutexGuard<()>,
    ) -> bool {
        let _under_way = UnderWay { org, _looking: looking };
        org.looking_since.store(self.now(), Ordering::Release);
        first.await;
        self.look(std::slice::from_ref(org)).await.is_ok() && self.is_current(&org.known(), self.now())
    }

    /// The next place in the order of looks and bumps.
    fn place(&self) -> u64 {
        self.order.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Milliseconds since the start, plus one, so that 0 can mean never.
    pub(crate) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    pub(crate) fn at(&self, instant: Instant) -> u64 {
        millis(instant.saturating_duration_since(self.started)) + 1
    }

    /// Which stretch of time, as long as the lease, this is. What began in the same one began less than the lease ago.
    pub(crate) fn stretch(&self) -> u64 {
        self.lease.map_or(1, |lease| 1 + self.now() / millis(lease).max(1))
    }
}

/// A look under way for requests; it ends also when the store's implementation panics.
struct UnderWay<'a> {
    org: &'a OrgState,
    _looking: OwnedMutexGuard<()>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.org.looking_since.store(0, Ordering::Release);
    }
}

/// Keeps the durable generations of organisations in use confirmed: those first whose lease ends first, and none that a
/// request has had looked at meanwhile. If a round takes longer than the lease, requests look for themselves.
pub(crate) async fn watch_store(registry: Arc<Registry>, every: Duration) {
    let every = every.max(Duration::from_millis(10));
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Whoever has heard of a change wants to know of all of them, whenever they were last looked at.
        let before = tokio::select! {
            _ = ticks.tick() => registry.now().saturating_sub(millis(every) / 2),
            () = registry.look.notified() => u64::MAX,
        };
        let mut due: Vec<(u64, Arc<OrgState>)> =
            registry.in_use().into_iter().map(|org| (org.known().confirmed, org)).collect();
        due.retain(|(confirmed, _)| *confirmed <= before);
        due.sort_unstable_by_key(|(confirmed, _)| *confirmed);
        let due: Vec<Arc<OrgState>> = due.into_iter().map(|(_, org)| org).collect();
        for orgs in due.chunks(CHUNK) {
            // What cannot be looked at is not served from the cache; the log has it already.
            let _ = registry.look(orgs).await;
        }
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
