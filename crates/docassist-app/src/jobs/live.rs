//! A job that runs in this process, as its runner and those who watch it share it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use docassist_model::{JobProgress, Progress};

/// How far it is, and whether it shall stop.
#[derive(Default)]
pub(super) struct Live {
    phase: Mutex<(String, Option<u64>)>,
    done: AtomicU64,
    cancelled: AtomicBool,
    lost: AtomicBool,
    stopping: AtomicBool,
}

impl Live {
    /// Somebody asked for its end.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    /// Somebody else runs it now.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// The process is ending.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(super) fn was_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn was_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub(super) fn progress(&self) -> JobProgress {
        let (phase, total) = self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
        JobProgress { phase, done: self.done.load(Ordering::Relaxed), total }
    }
}

impl Progress for Live {
    fn phase(&self, name: &str, total: Option<u64>) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        self.done.store(0, Ordering::Relaxed);
        *phase = (name.to_owned(), total);
    }

    fn advance(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.was_cancelled() || self.was_lost() || self.stopping.load(Ordering::Acquire)
    }
}
