//! Lock-out: who has guessed wrong too often waits.
//!
//! Failures are counted per account and per address, in memory of this process. An account is locked for whoever tries it, since
//! a guesser has many addresses; the lock is short and grows, so that locking somebody out on purpose takes patience.

use std::time::{Duration, Instant};

use moka::sync::Cache;

/// Failures of an account after which it is locked.
const ACCOUNT_FAILURES: u32 = 5;
/// Failures of an address: more, since a whole office may share one.
const ADDRESS_FAILURES: u32 = 25;
/// The first lock; each further failure doubles it.
const FIRST_LOCK: Duration = Duration::from_secs(30);
const LONGEST_LOCK: Duration = Duration::from_secs(15 * 60);
/// Failures are forgotten after so long without another one.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);
/// Accounts and addresses that are counted; others than the latest are forgotten. Some 100 bytes each.
const COUNTED: u64 = 100_000;

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn locked_for(&self, most: u32, now: Instant) -> Option<Duration> {
        let beyond = self.count.checked_sub(most)?;
        let lock = FIRST_LOCK.saturating_mul(2_u32.saturating_pow(beyond.min(16))).min(LONGEST_LOCK);
        (self.last + lock).checked_duration_since(now).filter(|left| !left.is_zero())
    }
}

/// Counts failures.
pub struct Guard {
    accounts: Cache<String, Failures>,
    addresses: Cache<String, Failures>,
}

impl Default for Guard {
    fn default() -> Self {
        let counts = || Cache::builder().max_capacity(COUNTED).time_to_idle(FORGOTTEN).build();
        Self { accounts: counts(), addresses: counts() }
    }
}

impl Guard {
    /// How long nobody may try that account, or from that address; `None`: now.
    #[must_use]
    pub fn locked_for(&self, account: &str, address: &str) -> Option<Duration> {
        let now = Instant::now();
        let account = self.accounts.get(account).and_then(|failures| failures.locked_for(ACCOUNT_FAILURES, now));
        let address = self.addresses.get(address).and_then(|failures| failures.locked_for(ADDRESS_FAILURES, now));
        account.max(address)
    }

    /// Notes a failure. Whether it is one that locks the account.
    pub fn failed(&self, account: &str, address: &str) -> bool {
        let add = |counts: &Cache<String, Failures>, name: &str| {
            let entry = counts.entry(name.to_owned()).and_upsert_with(|entry| {
                let count = entry.map_or(0, |entry| entry.into_value().count);
                Failures { count: count.saturating_add(1), last: Instant::now() }
            });
            entry.into_value().count
        };
        add(&self.addresses, address);
        add(&self.accounts, account) == ACCOUNT_FAILURES
    }

    /// The right password was given: the account's failures are forgotten. The address's stay, or one known account would let
    /// a guesser go on for ever.
    pub fn succeeded(&self, account: &str) {
        self.accounts.invalidate(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_locked_after_five_failures() {
        let guard = Guard::default();
        for attempt in 1..=5 {
            assert_eq!(guard.locked_for("ann", "10.0.0.1"), None, "attempt {attempt}");
            assert_eq!(guard.failed("ann", &format!("10.0.0.{attempt}")), attempt == 5);
        }
        let left = guard.locked_for("ann", "10.9.9.9").unwrap();
        assert!(left > FIRST_LOCK / 2 && left <= FIRST_LOCK);
        assert_eq!(guard.locked_for("bob", "10.9.9.9"), None);
        guard.failed("ann", "10.0.0.1");
        assert!(guard.locked_for("ann", "10.9.9.9").unwrap() > FIRST_LOCK, "it grows");
        guard.succeeded("ann");
        assert_eq!(guard.locked_for("ann", "10.9.9.9"), None);
    }

    #[test]
    fn an_address_is_locked_whatever_accounts_it_tries() {
        let guard = Guard::default();
        for attempt in 0..ADDRESS_FAILURES {
            guard.failed(&format!("user{attempt}"), "10.0.0.1");
        }
        assert!(guard.locked_for("somebody", "10.0.0.1").is_some());
        assert_eq!(guard.locked_for("somebody", "10.0.0.2"), None);
    }

    #[test]
    fn locks_have_a_longest() {
        let failures = Failures { count: u32::MAX, last: Instant::now() };
        assert!(failures.locked_for(ACCOUNT_FAILURES, Instant::now()).unwrap() <= LONGEST_LOCK);
    }
}
