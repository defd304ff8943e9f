//! Generations: which state of the sources a value was computed from.
//!
//! A stamp has two halves, because each fails where the other holds:
//!
//! - **bumps**: counters that this program raises when a sync ends. They live in memory, spread through Redis by maximum,
//!   and cost nothing to read. Redis may lose them.
//! - **durable**: numbers that the store keeps with the records ([`Generations`]). They survive everything, and are known
//!   here only as of the last look.
//!
//! A bump raises its counter to the present time in microseconds, or above its old value where the clock is behind it. So a counter that was
//! lost altogether never takes a value again that an old stamp carries, and merging by maximum is right whoever wins.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use docassist_model::{SourceKind, TenantScope};

/// The kinds of sources in the order of their numbers in a stamp.
pub(crate) const KINDS: [SourceKind; 3] = [SourceKind::Git, SourceKind::Tickets, SourceKind::Docs];
/// The number of counters: one per kind, and one that every family depends on, raised when the cache is cleared.
pub(crate) const COUNTERS: usize = KINDS.len() + 1;
pub(crate) const CLEARED: usize = KINDS.len();

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
/// organisations in use, at most 256 at a time. An answer must contain every sync that ended before the call. A request
/// waits 250 ms for it at most and then does without the cache. It may block a thread of its own
/// (`spawn_blocking`): for each organisation one question is under way for requests, and one for the poll of all.
pub trait Generations: Send + Sync + 'static {
    /// The generations of these organisations, in their order.
    fn current<'a>(&'a self, scopes: &'a [TenantScope]) -> CurrentGenerations<'a>;
}

/// For a cache without a store behind it: the generations begin at zero with the process. With Redis, a value could then
/// outlive a sync if Redis falls back to an older state of itself while no replica runs, or if two replicas sync the same
/// within the time that a message takes and the later one's clock is behind.
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
