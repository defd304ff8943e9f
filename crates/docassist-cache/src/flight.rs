//! Single flight: of those who want the same at the same time, one does the work.
//!
//! - The leader's result, or its failure, goes to all who wait. A failure is not kept: the next to ask begins anew. Giving
//!   a failure to all is deliberate; a thousand that each try again would be the stampede.
//! - A leader that panics gives all who wait [`Crash`].
//! - A leader that is dropped midway (its client went away) hands over: those who wait begin again, and one of them leads.
//!
//! A flight's name contains the stamp that it works from. Whoever comes after a bump has another stamp, so that nobody
//! joins a computation that began before it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::stamp::Stamp;

/// The leader panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crash;

type Slot<T> = Option<Result<T, Crash>>;
type Table<T> = HashMap<Name, watch::Receiver<Slot<T>>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name {
    key: Arc<str>,
    stamp: Stamp,
    stretch: u64,
}

/// Enough that two cores seldom meet; the lock is held for one look-up.
const SHARDS: usize = 16;

/// The flights under way. Each exists while its leader does.
pub(crate) struct Flights<T> {
    shards: [Mutex<Table<T>>; SHARDS],
    hasher: RandomState,
}

/// Who does what.
pub(crate) enum Role<'a, T: Clone> {
    Leader(Leader<'a, T>),
    Follower(Follower<T>),
}

impl<T: Clone> Flights<T> {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }

    /// Joins the flight of that name, or begins it. `stretch` keeps flights apart whose stamps do not: those that began in
    /// other stretches of time, where stamps are not confirmed.
    pub(crate) fn join(&self, key: &Arc<str>, stamp: Stamp, stretch: u64) -> Role<'_, T> {
        let name = Name { key: Arc::clone(key), stamp, stretch };
        match self.table(&name).entry(name) {
            Entry::Occupied(entry) => Role::Follower(Follower { slot: entry.get().clone() }),
            Entry::Vacant(entry) => {
                let (sender, receiver) = watch::channel(None);
                let name = entry.key().clone();
                entry.insert(receiver);
                Role::Leader(Leader { flights: self, name, sender })
            }
        }
    }

    fn table(&self, name: &Name) -> MutexGuard<'_, Table<T>> {
        let shard = usize::try_from(self.hasher.hash_one(name) % SHARDS as u64).unwrap_or(0);
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

/// The one that does the work; dropping it ends the flight.
pub(crate) struct Leader<'a, T: Clone> {
    flights: &'a Flights<T>,
    name: Name,
    sender: watch::Sender<Slot<T>>,
}

impl<T: Clone> Leader<'_, T> {
    /// Gives the result to all who wait.
    pub(crate) fn land(self, result: T) {
        self.sender.send_replace(Some(Ok(result)));
    }
}

impl<T: Clone> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        // The table first: whoever finds the sender gone must not find the flight again.
        self.flights.table(&self.name).remove(&self.name);
        if std::thread::panicking() {
            self.sender.send_if_modified(|slot| {
                let unset = slot.is_none();
                slot.get_or_insert(Err(Crash));
                unset
            });
        }
    }
}

/// One that waits.
pub(crate) struct Follower<T> {
    slot: watch::Receiver<Slot<T>>,
}

impl<T: Clone> Follower<T> {
    /// The leader's result; none if it was dropped without one, and the caller is to join again.
    pub(crate) async fn wait(mut self) -> Option<Result<T, Crash>> {
        // An error means that the leader is gone; it may have landed all the same.
        let _ = self.slot.wait_for(Option::is_some).await;
        let slot = self.slot.borrow();
        slot.clone()
    }
}

#[cfg(test)]
#[path = "flight_tests.rs"]
mod tests;
