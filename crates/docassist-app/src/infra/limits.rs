//! How much is measured, so that a run ends.

use std::time::Duration;

/// How often, and how long at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Organisations that the records are loaded into, at most.
    pub(super) copies: u64,
    /// No copy is begun after this.
    pub(super) loading: Duration,
    /// Turns of what is read, with what it reads in memory.
    pub(super) warm: u32,
    /// Runs within a turn of what takes a moment.
    pub(super) lookups: u32,
    /// Turns of what is read after a restart.
    pub(super) cold: u32,
    /// Whether each statement has a restart of its own before it is run cold. Otherwise they come one after the other, and a
    /// later one finds what an earlier one has read.
    pub(super) restart_for_each: bool,
    /// Turns of loading, removal and maintenance.
    pub(super) writing: u32,
    /// No further turn of a statement is begun after this, once there were two.
    pub(super) statement: Duration,
    /// Keys that are looked up.
    pub(super) keys: u32,
    /// Jobs that wait.
    pub(super) jobs: u32,
    /// Runs of each question, computed and from the cache.
    pub(super) questions: u32,
    /// Different questions whose hit rate is measured.
    pub(super) population: usize,
    /// Requests for them.
    pub(super) requests: u32,
    /// Requests from one sync to the next.
    pub(super) requests_per_sync: u32,
    /// No further request is made after this.
    pub(super) requesting: Duration,
}

impl Limits {
    /// Minutes.
    pub(super) const FULL: Self = Self {
        copies: 200,
        loading: Duration::from_secs(600),
        warm: 15,
        lookups: 20,
        cold: 5,
        restart_for_each: true,
        writing: 5,
        statement: Duration::from_secs(30),
        keys: 200,
        jobs: 50,
        questions: 30,
        population: 2_000,
        requests: 20_000,
        requests_per_sync: 2_000,
        requesting: Duration::from_secs(60),
    };

    /// Seconds: whether everything works, not how fast it is.
    pub(super) const QUICK: Self = Self {
        copies: 2,
        loading: Duration::from_secs(5),
        warm: 3,
        lookups: 5,
        cold: 1,
        restart_for_each: false,
        writing: 1,
        statement: Duration::from_millis(500),
        keys: 20,
        jobs: 5,
        questions: 5,
        population: 200,
        requests: 1_000,
        requests_per_sync: 250,
        requesting: Duration::from_secs(3),
    };
}
