//! What PostgreSQL may use of its limit, and for what.
//!
//! All amounts are exact bytes; only what is written is cut to whole MiB. Cutting in between would make a larger machine
//! get less here and there.

use crate::plan::Warning;
use crate::quantity::{GIB, MIB, human_bytes, whole_mib};

/// Connections beside the replicas' own: three for superusers, and seven for those who listen for changes, `doctor`,
/// `monitor`, `backup` and an administrator.
pub(super) const OTHER_CONNECTIONS: u32 = 10;
/// Of those, kept for superusers.
pub(super) const FOR_SUPERUSERS: u32 = 3;
/// What a connection's process has for itself before it sorts anything: catalogue caches, plans, buffers. An allowance:
/// idle ones take 2 to 4 MB, long-lived ones more.
const BACKEND: u64 = 6 * MIB;
/// Sorts and hashes that one statement has at once in the worst case: a merge join of two sorted inputs.
pub(super) const NODES: u64 = 2;
/// `hash_mem_multiplier`: a hash may take so many times `work_mem`, PostgreSQL's default.
pub(super) const HASH_MULTIPLIER: u64 = 2;
/// `autovacuum_max_workers`, PostgreSQL's default.
pub(super) const VACUUM_WORKERS: u64 = 3;
/// Beyond it the gain of further shared buffers is small, and each checkpoint and truncation walks all of them.
const MOST_SHARED: u64 = 64 * GIB;
/// PostgreSQL 15's VACUUM makes no use of more than 1 GB; building an index does.
const MOST_MAINTENANCE: u64 = 2 * GIB;
const MOST_VACUUM: u64 = GIB;
/// PostgreSQL's own default for `work_mem`. With less, sorts of a page of results go through files on every machine; the
/// worst case, in which every connection sorts at once, is told instead where it does not fit.
pub(super) const LEAST_WORK: u64 = 4 * MIB;
/// A sort that needs more than that is a query to be looked at.
const MOST_WORK: u64 = GIB;

/// How PostgreSQL's limit is divided.
pub(super) struct Budget {
    pub(super) limit: u64,
    pub(super) millicpus: u32,
    pub(super) max_connections: u32,
    pub(super) parallel_workers: u32,
    /// `shared_buffers`.
    pub(super) shared: u64,
    /// The limit without `shared`.
    pub(super) private: u64,
    /// The server's own processes and tables about buffers.
    pub(super) server: u64,
    /// Processes of connections before they sort.
    pub(super) backends: u64,
    /// `maintenance_work_mem`.
    pub(super) maintenance: u64,
    /// `autovacuum_work_mem`, of each worker.
    pub(super) vacuum: u64,
    /// What is left for sorts and hashes of all statements together.
    pub(super) work: u64,
    /// How many sorts' worth of `work_mem` all statements together may use.
    pub(super) shares: u64,
    /// `work_mem`.
    pub(super) work_mem: u64,
}

impl Budget {
    pub(super) fn new(limit: u64, millicpus: u32, connections: u32) -> Self {
        let max_connections = connections + OTHER_CONNECTIONS;
        let parallel_workers = millicpus.div_ceil(1000).min(1024);
        let shared = (limit / 4).min(MOST_SHARED);
        let private = limit - shared;
        let server = (limit / 32).max(16 * MIB);
        let backends = u64::from(max_connections) * BACKEND;
        let maintenance = (private / 16).clamp(8 * MIB, MOST_MAINTENANCE);
        let vacuum = (private / 16 / VACUUM_WORKERS).clamp(4 * MIB, MOST_VACUUM);
        // Nothing is kept for the page cache: in the worst case the kernel takes it back, and otherwise it has all of this.
        let used = server + backends + maintenance + vacuum * VACUUM_WORKERS;
        let work = private.saturating_sub(used);
        // A parallel worker sorts with a `work_mem` of its own.
        let shares = u64::from(max_connections + parallel_workers) * NODES * HASH_MULTIPLIER;
        let work_mem = (work / shares).clamp(LEAST_WORK, MOST_WORK);
        Self {
            limit,
            millicpus,
            max_connections,
            parallel_workers,
            shared,
            private,
            server,
            backends,
            maintenance,
            vacuum,
            work,
            shares,
            work_mem,
        }
    }

    /// What all of it takes when every connection and worker sorts at once, without the page cache.
    pub(super) fn worst_case(&self) -> u64 {
        self.shared
            + self.server
            + self.backends
            + self.maintenance
            + self.vacuum * VACUUM_WORKERS
            + whole_mib(self.work_mem) * self.shares
    }

    /// Where even the smallest `work_mem` does not fit.
    pub(super) fn warning(&self) -> Option<Warning> {
        let worst = self.worst_case();
        (worst > self.limit).then(|| Warning {
            about: "work_mem",
            text: format!(
                "{} connections do not fit {} in the worst case: {} for their processes and {} × {} for their sorts and hashes, \
                 all at once, beside {} of shared buffers and what the server itself needs, are {} in all. It is rare, and ends \
                 with the kernel's ending PostgreSQL: ask for fewer connections (--connections), or give it more memory.",
                self.max_connections,
                human_bytes(self.limit),
                human_bytes(self.backends),
                human_bytes(whole_mib(self.work_mem)),
                self.shares,
                human_bytes(whole_mib(self.shared)),
                human_bytes(worst),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_case_fits_the_limit_or_is_told() {
        for limit in [150 * MIB, GIB, 3 * GIB, 40 * GIB, 500 * GIB] {
            for connections in [1, 20, 200, 2000] {
                let budget = Budget::new(limit, 2000, connections);
                assert_eq!(budget.warning().is_some(), budget.worst_case() > limit);
                if budget.work / budget.shares >= LEAST_WORK {
                    let told = budget.worst_case();
                    assert!(told <= limit, "{limit} with {connections}: {told}");
                }
            }
        }
    }
}
