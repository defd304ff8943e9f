//! A tiered cache that is never stale: finished answers in memory and, where configured, in Redis.
//!
//! It knows nothing of what it caches, of HTTP or of the store. Values are bytes, keys are the contract's, and what a key's
//! value was computed from is told by generations.
//!
//! # What it promises
//!
//! 1. A request that begins after [`Cache::bump`] returned, in the same process, is never answered with a value whose
//!    computation began before.
//! 2. In every other process, the same holds for requests that begin [`Replicas::lease`] (0.8 s) or more after the sync
//!    was durable in the store, whether or not Redis delivers any message, holds any counter or answers at all.
//! 3. A request never fails because of Redis, and waits at most twice [`RedisConfig::get_deadline`] (50 ms together) for it.
//! 4. Invalidation takes the same time however many keys there are.
//!
//! # Why nothing stale is served
//!
//! Let a *stamp* be the generations that a family depends on: for each kind of source a durable number from the store and
//! a counter that bumps raise. A request reads the present stamp `S` once, after it began. Every path to a value compares
//! stamps for equality with `S`: memory and Redis compare the stamp stored with the value; a flight has the stamp in its
//! name; a computation of one's own is given `S`.
//!
//! *Same process.* A value with stamp `S` was computed after `S` was read (the stamp is read before the computation
//! begins, never after). Suppose a bump returned before the request began. It raised a counter `c`, so `S` holds `c`'s value
//! from after the bump, or a later one. Counters only rise within a process, so a computation with stamp `S` was begun by
//! someone who read `c` after the bump, and hence after the records were durable and visible to computations. It does not
//! matter when the value is stored: a value computed before and stored after carries the old stamp and equals no later `S`.
//! Nor does it matter that counters are read one by one: a mixed stamp has some counter below its present value, which it
//! never takes again, and is never equal to a later one.
//!
//! *Other processes.* A request is answered from the cache only if a look at the store that began less than the lease ago
//! has returned. A sync that was durable before that look changed the durable number, so `S` differs from the stamp of
//! every value computed before the sync. Redis' counters make this faster (milliseconds), and are not needed for it.
//! A process takes over another's counter only after a look at the store that began later. So whoever computes with that
//! counter in the stamp has the durable number of the sync in it as well, and computes from data that contains the sync:
//! no replica can put an old value under the stamp that the syncing one has already moved to.
//!
//! *Redis loses its memory.* Counters are merged by maximum and a bump raises a counter to at least the present time in
//! microseconds. So a counter that was lost everywhere comes back with a value that no earlier stamp has; one that fell
//! back to an older state in Redis alone is raised again by whoever still knows; and if nobody does, the durable half of
//! the stamp still differs.
//!
//! The user's share in this: [`Generations`] tells every sync that ended, and a computation reads data at least as new as
//! the stamp it is given ([`Cache::get_or_compute`]). A clock that falls back by more than the time since the last bump,
//! together with the loss of all counters, would be needed to repeat one; the durable half covers that, too.

mod config;
mod flight;
mod key;
mod memory;
mod outcome;
mod redis;
mod stamp;
mod stats;
mod tiered;
mod value;

pub use config::{Config, RedisConfig, Replicas, TimesToLive};
pub use key::{Family, FileName, Key, Params};
pub use outcome::{Forward, Outcome, RedisUse, Served, Tier};
pub use redis::InvalidRedisUrl;
pub use stamp::{CurrentGenerations, Durable, Generations, GenerationsUnavailable, InProcess, Stamp};
pub use stats::{Breaker, FamilyStats, RedisStats, Stats, TierStats};
pub use tiered::{Cache, Failure};
pub use value::{Computed, Value};
