//! Counters. They are plain atomics, read without locks; a set of them is not one instant's.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::key::Family;

/// A counter that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A quantity that grows and shrinks. Additions and subtractions of one entry can be seen in either order, so it may be
/// below zero for a moment.
#[derive(Debug, Default)]
pub(crate) struct Level(AtomicI64);

impl Level {
    pub(crate) fn add(&self, by: u64) {
        self.0.fetch_add(i64::try_from(by).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, by: u64) {
        self.0.fetch_sub(i64::try_from(by).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

#[derive(Debug, Default)]
pub(crate) struct TierCounters {
    pub(crate) hits: Count,
    pub(crate) misses: Count,
    pub(crate) stale: Count,
    pub(crate) stores: Count,
    pub(crate) evictions: Count,
    pub(crate) entries: Level,
    pub(crate) bytes: Level,
}

impl TierCounters {
    fn read(&self) -> TierStats {
        TierStats {
            hits: self.hits.get(),
            misses: self.misses.get(),
            stale: self.stale.get(),
            stores: self.stores.get(),
            evictions: self.evictions.get(),
            entries: self.entries.get(),
            bytes: self.bytes.get(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct FamilyCounters {
    pub(crate) memory: TierCounters,
    pub(crate) redis: TierCounters,
    pub(crate) computations: Count,
    pub(crate) collapsed: Count,
    pub(crate) failures: Count,
    pub(crate) overtaken: Count,
    pub(crate) bypassed: Count,
}

#[derive(Debug, Default)]
pub(crate) struct RedisCounters {
    pub(crate) timeouts: Count,
    pub(crate) failures: Count,
    pub(crate) refused_writes: Count,
    pub(crate) dropped_writes: Count,
    pub(crate) garbage: Count,
    pub(crate) opened: Count,
    pub(crate) connected: Count,
    pub(crate) messages: Count,
    pub(crate) bad_messages: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    families: [FamilyCounters; Family::ALL.len()],
    pub(crate) redis: RedisCounters,
}

impl Counters {
    pub(crate) fn family(&self, family: Family) -> &FamilyCounters {
        &self.families[family.index()]
    }

    pub(crate) fn read(&self, breaker: Breaker) -> Stats {
        let redis = &self.redis;
        Stats {
            families: Family::ALL.map(|family| {
                let of = self.family(family);
                FamilyStats {
                    family,
                    memory: of.memory.read(),
                    redis: of.redis.read(),
                    computations: of.computations.get(),
                    collapsed: of.collapsed.get(),
                    failures: of.failures.get(),
                    overtaken: of.overtaken.get(),
                    bypassed: of.bypassed.get(),
                }
            }),
            redis: RedisStats {
                breaker,
                timeouts: redis.timeouts.get(),
                failures: redis.failures.get(),
                refused_writes: redis.refused_writes.get(),
                dropped_writes: redis.dropped_writes.get(),
                garbage: redis.garbage.get(),
                opened: redis.opened.get(),
                connected: redis.connected.get(),
                messages: redis.messages.get(),
                bad_messages: redis.bad_messages.get(),
            },
        }
    }
}

/// Whether Redis is used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// No Redis is configured.
    Absent,
    /// Redis answers and is used.
    Closed,
    /// Redis does not answer: nothing is asked of it, and it is tried again in the background.
    Open,
    /// It is being tried right now; requests still do without it.
    HalfOpen,
}

impl Breaker {
    /// Its name in metrics and health reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// All counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// By family, in the order of [`Family::ALL`].
    pub families: [FamilyStats; Family::ALL.len()],
    /// What concerns Redis as a whole.
    pub redis: RedisStats,
}

impl Stats {
    /// Those of one family.
    #[must_use]
    pub fn family(&self, family: Family) -> &FamilyStats {
        &self.families[family.index()]
    }
}

/// The counters of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyStats {
    /// Which one.
    pub family: Family,
    /// Of the tier in memory.
    pub memory: TierStats,
    /// Of the tier in Redis: `entries`, `bytes` and `evictions` are Redis' own affair and 0 here.
    pub redis: TierStats,
    /// Computations begun.
    pub computations: u64,
    /// Requests that got the result of another one's computation or look-up.
    pub collapsed: u64,
    /// Computations that failed or panicked.
    pub failures: u64,
    /// Values not kept because a sync ended while they were computed.
    pub overtaken: u64,
    /// Requests computed past the cache, because the generations could not be confirmed.
    pub bypassed: u64,
}

impl FamilyStats {
    /// Requests that were answered without a computation of their own.
    #[must_use]
    pub const fn computations_saved(&self) -> u64 {
        self.memory.hits + self.redis.hits + self.collapsed
    }
}

/// The counters of a family in a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierStats {
    /// Look-ups that found a value that stands.
    pub hits: u64,
    /// Look-ups that found none, stale ones included.
    pub misses: u64,
    /// Look-ups that found a value from before a sync, and rejected it.
    pub stale: u64,
    /// Values stored.
    pub stores: u64,
    /// Values removed for want of room or at the end of their time.
    pub evictions: u64,
    /// Values held.
    pub entries: u64,
    /// Bytes that they and their keys take, overhead included.
    pub bytes: u64,
}

/// What concerns Redis as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisStats {
    /// Whether it is used now.
    pub breaker: Breaker,
    /// Operations that were given up at their deadline.
    pub timeouts: u64,
    /// Operations that failed otherwise: connection lost, still loading, no permission.
    pub failures: u64,
    /// Writes that it refused: out of memory, read-only.
    pub refused_writes: u64,
    /// Writes never sent, because too many were waiting or it was down.
    pub dropped_writes: u64,
    /// Values under our keys that we did not write so: other types, cut, changed, of another version or another key.
    pub garbage: u64,
    /// How often the breaker opened.
    pub opened: u64,
    /// How often a connection was made.
    pub connected: u64,
    /// Bumps heard from other replicas.
    pub messages: u64,
    /// Messages that made no sense.
    pub bad_messages: u64,
}
