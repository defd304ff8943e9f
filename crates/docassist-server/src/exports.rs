//! Who may hold the text of a whole graph, which takes up to a gigabyte: one at a time of each organisation, and few in all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docassist_model::{ErrorCode, OrgSlug};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::problem::Problem;

/// Texts at the same time over all organisations.
const AT_ONCE: usize = 4;
/// How long one waits for others.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The texts that are held.
pub struct Exports {
    all: Arc<Semaphore>,
    by_org: Mutex<HashMap<OrgSlug, Arc<Semaphore>>>,
}

/// The right to hold one, until it is dropped.
pub(crate) struct Held {
    _of_org: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Exports {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), by_org: Mutex::default() }
    }
}

impl Exports {
    /// Waits for the right, not for long.
    pub(crate) async fn hold(&self, org: &OrgSlug) -> Result<Held, Problem> {
        let of_org = {
            let mut by_org = self.by_org.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever waits or holds has a pointer of their own.
            by_org.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            Arc::clone(by_org.entry(org.clone()).or_insert_with(|| Arc::new(Semaphore::new(1))))
        };
        let both = async {
            // One's own first: whoever waits for that keeps nobody else waiting.
            let of_org = of_org.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Held { _of_org: of_org, _of_all: of_all })
        };
        let held = timeout(LONGEST_WAIT, both).await.ok().flatten();
        held.ok_or_else(|| Problem::new(ErrorCode::Unavailable, "other exports are under way").hint("Try again later."))
    }
}
