//! The tier in this process: bounded in bytes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::sync::Cache;

use crate::key::{Family, Key};
use crate::stamp::Stamp;
use crate::stats::Counters;
use crate::value::Value;

#[derive(Clone)]
struct Entry {
    value: Value,
    stamp: Stamp,
    expires: Instant,
    family: Family,
}

/// What a look-up found.
#[derive(Debug)]
pub(crate) enum Found {
    /// A value that stands, and how long it has left.
    Fresh(Value, Duration),
    /// One from before a sync.
    Stale,
    /// None.
    Nothing,
}

/// What an entry takes beyond the bytes of its key and value: the entry with its stamp, the reference counts, the table's
/// slot, the queues' nodes and the frequency sketch's share. Measured with a million entries (`tests/it/million.rs` prints
/// the resident memory per entry) and rounded up.
const OVERHEAD: usize = 600;

pub(crate) struct Memory {
    entries: Cache<Arc<str>, Entry>,
    counters: Arc<Counters>,
    largest: usize,
}

impl Memory {
    /// At most `capacity` bytes, each for at most `longest`.
    pub(crate) fn new(capacity: u64, longest: Duration, counters: Arc<Counters>) -> Self {
        let removed = Arc::clone(&counters);
        let entries = Cache::builder()
            .max_capacity(capacity)
            .weigher(|key: &Arc<str>, entry: &Entry| u32::try_from(weight(key, &entry.value)).unwrap_or(u32::MAX))
            // Each entry has its own end, checked when it is read; this one only frees what nobody reads any more.
            .time_to_live(longest)
            .eviction_listener(move |key: Arc<Arc<str>>, entry: Entry, cause| {
                let tier = &removed.family(entry.family).memory;
                tier.entries.subtract(1);
                tier.bytes.subtract(weight(&key, &entry.value) as u64);
                if matches!(cause, RemovalCause::Size | RemovalCause::Expired) {
                    tier.evictions.one();
                }
            })
            .build();
        // A value that takes an eighth of the room displaces more than it saves.
        let largest = usize::try_from(capacity / 8).unwrap_or(usize::MAX).min(u32::MAX as usize);
        Self { entries, counters, largest }
    }

    /// The value of a key, if it was computed from what `current` says.
    pub(crate) fn find(&self, key: &Key, current: &Stamp, now: Instant) -> Found {
        let Some(entry) = self.entries.get(key.shared_text()) else { return Found::Nothing };
        if entry.stamp != *current {
            return Found::Stale;
        }
        let left = entry.expires.saturating_duration_since(now);
        if left.is_zero() { Found::Nothing } else { Found::Fresh(entry.value, left) }
    }

    /// Keeps a value; whether it did.
    pub(crate) fn keep(&self, key: &Key, value: &Value, stamp: Stamp, ttl: Duration) -> bool {
        let weight = weight(key.shared_text(), value);
        let Some(expires) = Instant::now().checked_add(ttl) else { return false };
        if weight > self.largest || ttl.is_zero() {
            return false;
        }
        let tier = &self.counters.family(key.family()).memory;
        tier.stores.one();
        tier.entries.add(1);
        tier.bytes.add(weight as u64);
        let entry = Entry { value: value.clone(), stamp, expires, family: key.family() };
        self.entries.insert(Arc::clone(key.shared_text()), entry);
        true
    }

    /// Does the work that is put off while requests run, so that the counters are exact.
    pub(crate) fn settle(&self) {
        self.entries.run_pending_tasks();
    }
}

fn weight(key: &Arc<str>, value: &Value) -> usize {
    key.len() + value.weight() + OVERHEAD
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
