//! Generations: which state of the sources a value was computed from.
//!
//! A stamp has two halves, because each fails where the other holds:
//!
//! - **bumps**: counters that this program raises when a sync ends. They live in memory, spread through Redis by maximum,
//!   and cost nothing to read. Redis may lose them.
//! - **durable**: numbers that the store keeps with the records ([`Generations`]). They survive everything, and are known
//!   here only as of the last look.
//!
//! A bump raises its counter to the present time in microseconds or by one, whichever is more. So a counter that was
//! lost altogether never takes a value again that an old stamp carries, and merging by maximum is right whoever wins.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use docassist_model::{OrgSlug, SourceKind, TenantScope};
use tokio::sync::Notify;

use crate::key::Family;

/// The kinds of sources in the order of their numbers in a stamp.
pub(crate) const KINDS: [SourceKind; 3] = [SourceKind::Git, SourceKind::Tickets, SourceKind::Docs];
/// The number of counters: one per kind, and one that every family depends on, raised when the cache is cleared.
pub(crate) const COUNTERS: usize = KINDS.len() + 1;
const CLEARED: usize = KINDS.len();

pub(crate) const fn number(kind: SourceKind) -> usize {
    match kind {
        SourceKind::Git => 0,
        SourceKind::Tickets => 1,
        SourceKind::Docs => 2,
    }
}

/// The durable generations of one organisation: a number per kind of source that differs after every sync that changed
/// something. The store's sequence number for all three is right, too, only less sparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durable {
    /// Of repositories.
    pub git: u64,
    /// Of ticket exports.
    pub tickets: u64,
    /// Of folders of pages.
    pub docs: u64,
}

impl Durable {
    /// The same number for every kind.
    #[must_use]
    pub const fn all(number: u64) -> Self {
        Self { git: number, tickets: number, docs: number }
    }
}

/// The durable generations cannot be read now.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the generations cannot be read from the store: {0}")]
pub struct GenerationsUnavailable(pub String);

/// What [`Generations::current`] returns.
pub type CurrentGenerations<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Durable>, GenerationsUnavailable>> + Send + 'a>>;

/// Where the durable generations are read: the service implements it over the store.
///
/// It is asked when an organisation is first seen, after a bump, and every [`Replicas::poll`](crate::Replicas) for
/// organisations in use. An answer must contain every sync that ended before the call.
pub trait Generations: Send + Sync + 'static {
    /// The generations of these organisations, in their order.
    fn current<'a>(&'a self, scopes: &'a [TenantScope]) -> CurrentGenerations<'a>;
}

/// For a cache without a store behind it: the generations begin at zero with the process. With Redis, a value could then
/// outlive a sync if Redis falls back to an older state of itself while no replica runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

impl Generations for InProcess {
    fn current<'a>(&'a self, scopes: &'a [TenantScope]) -> CurrentGenerations<'a> {
        Box::pin(std::future::ready(Ok(vec![Durable::default(); scopes.len()])))
    }
}

/// The generations that a value was computed from, as far as its family depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    pub(crate) durable: [u64; KINDS.len()],
    pub(crate) bumps: [u64; COUNTERS],
}

impl Stamp {
    /// The durable generations in it: what a computation reads must be at least this new. Kinds that the family does not
    /// depend on are zero.
    #[must_use]
    pub fn durable(&self) -> Durable {
        Durable { git: self.durable[0], tickets: self.durable[1], docs: self.durable[2] }
    }
}

/// What this process knows of one organisation's generations.
pub(crate) struct OrgState {
    scope: TenantScope,
    durable: [AtomicU64; KINDS.len()],
    /// The look at the store that `durable` is from. Looks overlap; a later one is never overwritten by an earlier one.
    look: Mutex<u64>,
    bumps: [AtomicU64; COUNTERS],
    /// Milliseconds since the registry's start, plus one, at which the last successful look at the store began; 0: none.
    confirmed: AtomicU64,
    used: AtomicU64,
    /// Redis may not know these counters yet.
    unpublished: AtomicBool,
    /// Redis' counters have been merged at least once, so that values from there can be judged.
    joined: AtomicBool,
    /// Held while a request looks at the store, so that a thousand first requests look once.
    pub(crate) looking: tokio::sync::Mutex<()>,
}

impl OrgState {
    fn new(scope: TenantScope) -> Self {
        Self {
            scope,
            durable: Default::default(),
            look: Mutex::new(0),
            bumps: Default::default(),
            confirmed: AtomicU64::new(0),
            used: AtomicU64::new(0),
            unpublished: AtomicBool::new(false),
            joined: AtomicBool::new(false),
            looking: tokio::sync::Mutex::new(()),
        }
    }

    pub(crate) fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// The present stamp for a family. The counters are read one after the other: a stamp with some of them older than
    /// others is rejected later as any older stamp is, since no counter takes a value twice.
    pub(crate) fn stamp(&self, family: Family) -> Stamp {
        let mut stamp = Stamp { durable: [0; KINDS.len()], bumps: [0; COUNTERS] };
        for kind in KINDS {
            if family.depends_on(kind) {
                let number = number(kind);
                stamp.durable[number] = self.durable[number].load(Ordering::Acquire);
                stamp.bumps[number] = self.bumps[number].load(Ordering::Acquire);
            }
        }
        stamp.bumps[CLEARED] = self.bumps[CLEARED].load(Ordering::Acquire);
        stamp
    }

    pub(crate) fn bumps(&self) -> [u64; COUNTERS] {
        std::array::from_fn(|number| self.bumps[number].load(Ordering::Acquire))
    }

    /// Whether any of these counters is ahead of ours.
    pub(crate) fn is_news(&self, theirs: &[u64; COUNTERS]) -> bool {
        self.bumps.iter().zip(theirs).any(|(ours, theirs)| ours.load(Ordering::Acquire) < *theirs)
    }

    /// Takes over counters from elsewhere by maximum.
    pub(crate) fn merge(&self, theirs: &[u64; COUNTERS]) {
        for (ours, theirs) in self.bumps.iter().zip(theirs) {
            ours.fetch_max(*theirs, Ordering::AcqRel);
        }
    }

    fn raise(&self, counter: usize) {
        let now = now_micros();
        let raised = |old: u64| Some(now.max(old.saturating_add(1)));
        // The closure always returns a value, so that this cannot fail.
        let _ = self.bumps[counter].fetch_update(Ordering::AcqRel, Ordering::Acquire, raised);
        self.unpublished.store(true, Ordering::Release);
    }

    pub(crate) fn set_unpublished(&self) {
        self.unpublished.store(true, Ordering::Release);
    }

    /// Whether Redis may lack the counters, taking note that the caller sends them.
    pub(crate) fn take_unpublished(&self) -> bool {
        self.unpublished.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn joined(&self) -> bool {
        self.joined.load(Ordering::Acquire)
    }

    pub(crate) fn set_joined(&self) {
        self.joined.store(true, Ordering::Release);
    }
}

/// A look at the store: its place in the order of looks, and when it began.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    order: u64,
    began: u64,
}

/// All organisations that this process has seen: some 300 bytes each, and no more of them than there are tenants.
pub(crate) struct Registry {
    orgs: RwLock<HashMap<OrgSlug, Arc<OrgState>>>,
    source: Arc<dyn Generations>,
    started: Instant,
    looks: AtomicU64,
    lease: Option<Duration>,
    /// Something was bumped here: look at the store now.
    pub(crate) changed: Notify,
    /// Something was bumped here: tell Redis now.
    pub(crate) publish: Notify,
}

impl Registry {
    pub(crate) fn new(source: Arc<dyn Generations>, lease: Option<Duration>) -> Self {
        Self {
            orgs: RwLock::default(),
            source,
            started: Instant::now(),
            looks: AtomicU64::new(0),
            lease,
            changed: Notify::new(),
            publish: Notify::new(),
        }
    }

    pub(crate) fn org(&self, scope: &TenantScope) -> Arc<OrgState> {
        if let Some(org) = self.known(scope.org()) {
            return org;
        }
        let mut orgs = self.orgs.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(orgs.entry(scope.org().clone()).or_insert_with(|| Arc::new(OrgState::new(scope.clone()))))
    }

    pub(crate) fn known(&self, slug: &OrgSlug) -> Option<Arc<OrgState>> {
        self.orgs.read().unwrap_or_else(PoisonError::into_inner).get(slug).map(Arc::clone)
    }

    /// The organisations that were asked for within `idle`. Others are looked at when they are next asked for.
    pub(crate) fn in_use(&self, idle: Duration) -> Vec<Arc<OrgState>> {
        let since = self.now().saturating_sub(millis(idle));
        let orgs = self.orgs.read().unwrap_or_else(PoisonError::into_inner);
        let used = |org: &&Arc<OrgState>| org.used.load(Ordering::Relaxed) >= since.max(1);
        orgs.values().filter(used).map(Arc::clone).collect()
    }

    /// Raises a kind's counter. All there is to an invalidation.
    pub(crate) fn bump(&self, scope: &TenantScope, kind: SourceKind) {
        self.raise(scope, &[number(kind)]);
    }

    /// Raises the counter that all families depend on.
    pub(crate) fn clear(&self, scope: &TenantScope) {
        self.raise(scope, &[CLEARED]);
    }

    fn raise(&self, scope: &TenantScope, counters: &[usize]) {
        let org = self.org(scope);
        for counter in counters {
            org.raise(*counter);
        }
        // Its replicas are told even when nobody has asked for it here.
        self.touch(&org);
        self.publish.notify_one();
        self.changed.notify_one();
    }

    /// Notes that the organisation is in use; whether its generations are known well enough to serve from the cache.
    pub(crate) fn touch(&self, org: &OrgState) -> bool {
        let now = self.now();
        // Written once a second at most: the line is shared by all requests of the organisation.
        if org.used.load(Ordering::Relaxed) + 1000 < now || org.used.load(Ordering::Relaxed) == 0 {
            org.used.store(now, Ordering::Relaxed);
        }
        let confirmed = org.confirmed.load(Ordering::Acquire);
        confirmed > 0 && self.lease.is_none_or(|lease| confirmed + millis(lease) >= now)
    }

    /// Looks at the store for these organisations and takes over what it finds.
    pub(crate) async fn look(&self, orgs: &[Arc<OrgState>]) -> Result<(), GenerationsUnavailable> {
        let scopes: Vec<TenantScope> = orgs.iter().map(|org| org.scope.clone()).collect();
        let look = Look { order: self.looks.fetch_add(1, Ordering::AcqRel) + 1, began: self.now() };
        let found = self.source.current(&scopes).await?;
        if found.len() != orgs.len() {
            let text = format!("{} answers for {} organisations", found.len(), orgs.len());
            return Err(GenerationsUnavailable(text));
        }
        for (org, durable) in orgs.iter().zip(found) {
            org.found(look, durable);
        }
        Ok(())
    }

    /// Milliseconds since the start, plus one, so that 0 can mean never.
    fn now(&self) -> u64 {
        millis(self.started.elapsed()) + 1
    }
}

impl OrgState {
    fn found(&self, look: Look, durable: Durable) {
        let mut last = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        if *last < look.order {
            *last = look.order;
            for (ours, found) in self.durable.iter().zip([durable.git, durable.tickets, durable.docs]) {
                ours.store(found, Ordering::Release);
            }
            self.confirmed.fetch_max(look.began, Ordering::AcqRel);
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn now_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A counter further ahead than this was not made by a bump, whatever the clocks' differences: taking it over would make
/// every later maximum meaningless.
const FURTHEST_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// The highest counter that can be real.
pub(crate) fn highest_plausible() -> u64 {
    now_micros().saturating_add(u64::try_from(FURTHEST_AHEAD.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "stamp_tests.rs"]
mod tests;
