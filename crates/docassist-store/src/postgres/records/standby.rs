//! A standby that bulk reads are asked of, where it is as far as they need it to be.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use docassist_model::TenantScope;

use super::rows::State;
use super::{Database, PostgresConfig, rows};

/// How long one that failed is left alone.
const REST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Standby {
    database: Database,
    /// Until when it is not asked.
    resting: Mutex<Option<Instant>>,
}

impl Standby {
    /// The standby at an address. Connects to nothing yet.
    pub(super) fn new(config: PostgresConfig) -> Self {
        Self { database: Database::new(config), resting: Mutex::default() }
    }

    /// Its database, if it has the organisation's records as of `wanted` or later.
    pub(super) fn with(&self, scope: &TenantScope, wanted: State) -> Option<&Database> {
        let until = *self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match self.database.ask(|client| rows::state(client, scope.org())) {
            // One that was removed and made again has another number, and begins to count anew.
            Ok(there) => there
                .is_some_and(|there| there.org == wanted.org && there.sequence >= wanted.sequence)
                .then_some(&self.database),
            Err(error) => {
                tracing::warn!(%error, "the standby does not answer; all is read from the primary for now");
                self.rest();
                None
            }
        }
    }

    /// Leaves it alone for a while.
    pub(super) fn rest(&self) {
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }
}
