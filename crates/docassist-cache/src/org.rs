//! What this process knows of one organisation's generations.
//!
//! Every change is made under a lock, and what was changed together is read together without one: a request must never
//! see a counter of another replica without the durable number that a look at the store found after it.

use std::array;
use std::hash::{BuildHasher as _, RandomState};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

use docassist_model::TenantScope;

use crate::key::Family;
use crate::stamp::{CLEARED, COUNTERS, Durable, KINDS, Stamp, now_micros, number};

/// What is known, as of one instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    durable: [u64; KINDS.len()],
    bumps: [u64; COUNTERS],
    /// When the look at the store began that confirmed this, in the registry's milliseconds; 0: nothing is confirmed.
    pub(crate) confirmed: u64,
    /// Redis' counters have been merged at least once, so that values from there can be judged.
    pub(crate) joined: bool,
}

impl Known {
    /// The stamp for a family.
    pub(crate) fn stamp(&self, family: Family) -> Stamp {
        let mut stamp = Stamp { durable: [0; KINDS.len()], bumps: [0; COUNTERS] };
        for kind in KINDS {
            if family.depends_on(kind) {
                let number = number(kind);
                stamp.durable[number] = self.durable[number];
                stamp.bumps[number] = self.bumps[number];
            }
        }
        stamp.bumps[CLEARED] = self.bumps[CLEARED];
        stamp
    }
}

/// A look at the store: its place in the order of looks and bumps, and when it began.
///
/// The time is taken before the place, and the place before the store is asked. So of two looks, the one with the higher
/// place asked after the other's time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) order: u64,
    pub(crate) began: u64,
}

/// What the lock guards besides the fields that are read without it.
#[derive(Debug, Default)]
struct Log {
    /// The look that the durable numbers are from. Looks overlap; a later one is never overwritten by an earlier one.
    applied: u64,
    /// The place of the last bump or of the last news; earlier looks confirm nothing.
    revoked: u64,
    /// Counters heard from elsewhere, taken over with the next look.
    heard: [u64; COUNTERS],
}

/// One organisation.
pub(crate) struct OrgState {
    scope: TenantScope,
    /// Odd while the fields below are being changed.
    version: AtomicU64,
    durable: [AtomicU64; KINDS.len()],
    bumps: [AtomicU64; COUNTERS],
    confirmed: AtomicU64,
    joined: AtomicBool,
    log: Mutex<Log>,
    /// When it was last asked for, to a second.
    pub(crate) used: AtomicU64,
    /// Redis may not know these counters yet, and the registry has this organisation in its list of those.
    pub(crate) unpublished: AtomicBool,
    /// When Redis was last asked for its counters.
    pub(crate) asked_redis: AtomicU64,
    /// Held while a request has the store looked at, so that a thousand first requests look once.
    pub(crate) looking: Arc<tokio::sync::Mutex<()>>,
    /// When the look under that lock began; 0: none is under way.
    pub(crate) looking_since: AtomicU64,
    /// When the last look that failed began.
    pub(crate) failed: AtomicU64,
}

impl OrgState {
    pub(crate) fn new(scope: TenantScope) -> Self {
        Self {
            scope,
            version: AtomicU64::new(0),
            durable: Default::default(),
            bumps: Default::default(),
            confirmed: AtomicU64::new(0),
            joined: AtomicBool::new(false),
            log: Mutex::default(),
            used: AtomicU64::new(0),
            unpublished: AtomicBool::new(false),
            asked_redis: AtomicU64::new(0),
            looking: Arc::default(),
            looking_since: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    pub(crate) fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// What is known now. Takes no lock unless changes keep coming in between.
    pub(crate) fn known(&self) -> Known {
        for _ in 0..8 {
            let before = self.version.load(Ordering::Acquire);
            if before.is_multiple_of(2) {
                let known = self.load();
                fence(Ordering::Acquire);
                if self.version.load(Ordering::Relaxed) == before {
                    return known;
                }
            }
            spin_loop();
        }
        let _log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        self.load()
    }

    fn load(&self) -> Known {
        Known {
            durable: array::from_fn(|number| self.durable[number].load(Ordering::Relaxed)),
            bumps: array::from_fn(|number| self.bumps[number].load(Ordering::Relaxed)),
            confirmed: self.confirmed.load(Ordering::Relaxed),
            joined: self.joined.load(Ordering::Relaxed),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let result = change(&mut log);
        self.version.store(version.wrapping_add(2), Ordering::Release);
        result
    }

    pub(crate) fn stamp(&self, family: Family) -> Stamp {
        self.known().stamp(family)
    }

    pub(crate) fn bumps(&self) -> [u64; COUNTERS] {
        self.known().bumps
    }

    /// Raises a counter. `order` is drawn while the lock is held: looks with a lower place confirm nothing any more, since
    /// the store may have been asked before the records were there.
    pub(crate) fn raise(&self, counter: usize, order: impl FnOnce() -> u64) {
        self.change(|log| {
            log.revoked = order();
            self.confirmed.store(0, Ordering::Relaxed);
            let counter = &self.bumps[counter];
            let old = counter.load(Ordering::Relaxed);
            counter.store(raised(old, now_micros()), Ordering::Relaxed);
        });
    }

    /// Takes note of counters from elsewhere; whether ours are ahead of any of them. `complete` says that they are all that
    /// Redis holds.
    ///
    /// News is taken over with the next look at the store, and until then nothing is confirmed: a computation that
    /// carries another replica's bump in its stamp must be asked for data that contains the sync.
    pub(crate) fn hear(&self, theirs: &[u64; COUNTERS], complete: bool, order: impl FnOnce() -> u64) -> bool {
        let known = self.known();
        let is_news = |ours: &[u64; COUNTERS]| ours.iter().zip(theirs).any(|(ours, theirs)| ours < theirs);
        let ahead = known.bumps.iter().zip(theirs).any(|(ours, theirs)| ours > theirs);
        if known.joined && !is_news(&known.bumps) {
            return ahead;
        }
        self.change(|log| {
            if is_news(&log.heard) && is_news(&self.load().bumps) {
                for (heard, theirs) in log.heard.iter_mut().zip(theirs) {
                    *heard = (*heard).max(*theirs);
                }
                log.revoked = order();
                self.confirmed.store(0, Ordering::Relaxed);
            }
            // Whoever sees this also sees that nothing is confirmed before they are taken over.
            if complete {
                self.joined.store(true, Ordering::Relaxed);
            }
        });
        ahead
    }

    /// Takes over what a look found, unless a later one has been.
    pub(crate) fn found(&self, look: Look, durable: Durable) {
        self.change(|log| {
            if look.order <= log.applied {
                return;
            }
            log.applied = look.order;
            for (ours, found) in self.durable.iter().zip([durable.git, durable.tickets, durable.docs]) {
                ours.store(found, Ordering::Relaxed);
            }
            if look.order > log.revoked {
                for (ours, heard) in self.bumps.iter().zip(&log.heard) {
                    ours.fetch_max(*heard, Ordering::Relaxed);
                }
                self.confirmed.fetch_max(look.began, Ordering::Relaxed);
            }
        });
    }
}

/// The next value of a counter: the present time in microseconds, or more than the old one where the clock is behind it.
///
/// How much more is drawn by lot. Replicas whose clocks are both behind a counter would else take the same step, and give
/// two syncs one number.
fn raised(old: u64, now: u64) -> u64 {
    if now > old {
        return now;
    }
    let lot = RandomState::new().hash_one(old) % 1024;
    old.saturating_add(1 + lot)
}

#[cfg(test)]
#[path = "org_tests.rs"]
mod tests;
