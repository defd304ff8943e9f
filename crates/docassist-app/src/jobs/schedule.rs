//! Syncs that start by themselves.

use docassist_model::{TenantScope, Timestamp};

use super::Jobs;
use crate::{AppError, now};

/// Schedules that are queued in one go; more wait a second.
const AT_ONCE: usize = 200;

/// When the next sync is due.
pub(super) fn next(now: Timestamp, every: u32) -> Timestamp {
    Timestamp::from_unix(now.unix().saturating_add(i64::from(every)))
}

impl Jobs {
    /// Queues what is due. Returns how many.
    pub(super) fn queue_due(&self) -> Result<usize, AppError> {
        let due = self.0.control.take_due(now(), AT_ONCE)?;
        for (org, settings) in &due {
            let scope = TenantScope::unchecked(org.clone(), "the schedule is the organisation's own");
            // One organisation's trouble is not the next one's.
            if let Err(error) = self.enqueue(&scope, settings, "schedule") {
                tracing::warn!(%org, source = settings.source, %error, "a scheduled sync could not be queued");
            }
        }
        Ok(due.len())
    }
}
