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
//! A stamp is used only while it is *confirmed*: by a look at the store that began less than the lease ago, and after
//! every bump here and every piece of news from elsewhere that is in the stamp. Both halves are read as of one instant.
//! So no stamp holds a counter from after a sync beside the durable number from before it; the cache would else take its
//! own bump for another replica's, and values for new that were computed from data without it.
//!
//! *Same process.* A value with stamp `S` was computed after `S` was read (the stamp is read before the computation
//! begins, never after). Suppose a bump returned before the request began. It raised a counter `c`, so `S` holds `c`'s value
//! from after the bump, or a later one. Counters only rise within a process, so a computation with stamp `S` was begun by
//! someone who read `c` after the bump, and hence after the records were durable and visible to computations. It does not
//! matter when the value is stored: a value computed before and stored after carries the old stamp and equals no later `S`.
//!
//! *Other processes.* A sync that was durable before the look that confirms `S` changed the durable number, so `S` differs
//! from the stamp of every value computed before the sync. Redis' counters make this faster (milliseconds), and are not
//! needed for it: two replicas' counters may even be equal by accident, or one bump be lost in another's higher number.
//!
//! *The store does not answer.* Nothing is confirmed, so requests compute past the cache. A crowd still computes once; a
//! request joins only a computation that began less than the lease ago.
//!
//! *Redis loses its memory.* Counters are merged by maximum and a bump raises a counter to at least the present time in
//! microseconds. So a counter that was lost everywhere comes back with a value that no earlier stamp has; one that fell
//! back to an older state in Redis alone is raised again by whoever still knows; and if nobody does, the durable half of
//! the stamp still differs.
//!
//! The user's share in this: [`Generations`] tells every sync that ended, with a number that it never gives to two states
//! (a store put back from a backup goes on counting above all it has told), and a computation reads data at least as new
//! as the stamp it is given ([`Cache::get_or_compute`]). Clocks that jump do not matter: leases are counted by one that
//! nobody sets. It stands still while the machine sleeps, and so does the lease.

mod config;
mod flight;
mod key;
mod memory;
mod org;
mod outcome;
mod redis;
mod registry;
mod stamp;
mod stats;
mod tiered;
mod value;

pub use config::{Config, RedisConfig, Replicas, TimesToLive};
pub use key::{Family, FileName, Key, Params};
pub use outcome::{Forward, Outcome, RedisUse, Served, Tier};
pub use redis::{InvalidRedisUrl, RedisInspection, RedisUnreachable, inspect_redis, redis_info};
pub use stamp::{CurrentGenerations, Durable, Generations, GenerationsUnavailable, InProcess, Stamp};
pub use stats::{Breaker, FamilyStats, RedisStats, Stats, TierStats};
pub use tiered::{Cache, Failure};
pub use value::{Computed, Value};
