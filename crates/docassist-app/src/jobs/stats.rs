//! Counters of jobs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use docassist_model::SourceKind;

/// The upper bounds of the buckets of durations, in seconds.
pub const BUCKETS: [f64; 8] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0];

const KINDS: [SourceKind; 3] = [SourceKind::Git, SourceKind::Tickets, SourceKind::Docs];

#[derive(Default)]
struct Kind {
    done: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len()],
    micros: AtomicU64,
    waited: AtomicU64,
}

/// Counts jobs as they end.
#[derive(Default)]
pub(super) struct Counters([Kind; KINDS.len()]);

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    Failed,
    Cancelled,
}

impl Counters {
    pub(super) fn ended(&self, kind: SourceKind, ending: Ending, took: Duration, waited: i64) {
        let at = KINDS.iter().position(|known| *known == kind).unwrap_or(0);
        let of = &self.0[at];
        let count = match ending {
            Ending::Done => &of.done,
            Ending::Failed => &of.failed,
            Ending::Cancelled => &of.cancelled,
        };
        count.fetch_add(1, Ordering::Relaxed);
        if let Some(bucket) = BUCKETS.iter().position(|bound| took.as_secs_f64() <= *bound) {
            of.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        of.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        of.waited.store(u64::try_from(waited).unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Vec<KindStats> {
        let kinds = KINDS.iter().zip(&self.0).map(|(kind, of)| KindStats {
            kind: *kind,
            done: of.done.load(Ordering::Relaxed),
            failed: of.failed.load(Ordering::Relaxed),
            cancelled: of.cancelled.load(Ordering::Relaxed),
            buckets: std::array::from_fn(|at| of.buckets[at].load(Ordering::Relaxed)),
            total: Duration::from_micros(of.micros.load(Ordering::Relaxed)),
            waited: Duration::from_secs(of.waited.load(Ordering::Relaxed)),
        });
        kinds.collect()
    }
}

/// Counters of jobs of one kind that this process ran.
#[derive(Debug, Clone, PartialEq)]
pub struct KindStats {
    /// Which.
    pub kind: SourceKind,
    /// Jobs that were done.
    pub done: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Jobs by duration: those above the bucket before and at most [`BUCKETS`] of their place.
    pub buckets: [u64; BUCKETS.len()],
    /// How long all of them took together.
    pub total: Duration,
    /// How long the last one had waited for its turn.
    pub waited: Duration,
}
