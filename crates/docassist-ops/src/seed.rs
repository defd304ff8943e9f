//! What the document that the project was started from claims, as data: `bench infra` puts measured values beside each.

use serde::Serialize;

/// A row of the seed's tables and lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// A name for programs that never changes.
    pub id: &'static str,
    /// As the seed names it.
    pub metric: &'static str,
    /// Before anything was done.
    pub before: &'static str,
    /// After its first phase, where the seed says something.
    pub after_phase_1: Option<&'static str>,
    /// After the phase that it describes.
    pub after_phase_2: &'static str,
    /// The improvement it claims.
    pub claim: &'static str,
    /// How it can be checked.
    pub check: Check,
}

/// How a claim can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// By a setting of a running server.
    Setting,
    /// By measuring the same work with and without.
    Measured,
    /// By figures of a running deployment.
    Observed,
}

/// All claims, in the order of the document.
pub const CLAIMS: &[Claim] = &[
    Claim {
        id: "postgres_memory",
        metric: "PostgreSQL Memory",
        before: "128MB",
        after_phase_1: Some("128MB"),
        after_phase_2: "2GB",
        claim: "16x more",
        check: Check::Setting,
    },
    Claim {
        id: "redis_memory",
        metric: "Redis Memory",
        before: "Unlimited",
        after_phase_1: Some("Unlimited"),
        after_phase_2: "2GB",
        claim: "Controlled",
        check: Check::Setting,
    },
    Claim {
        id: "query_cache_hit",
        metric: "Query Cache Hit",
        before: "93%",
        after_phase_1: Some("93%"),
        after_phase_2: "95%+",
        claim: "+2%",
        check: Check::Measured,
    },
    Claim {
        id: "resource_isolation",
        metric: "Resource Isolation",
        before: "None",
        after_phase_1: Some("None"),
        after_phase_2: "Yes",
        claim: "Stable",
        check: Check::Setting,
    },
    Claim {
        id: "query_time",
        metric: "PostgreSQL queries",
        before: "1",
        after_phase_1: None,
        after_phase_2: "0.7 to 0.8",
        claim: "20-30% faster query execution",
        check: Check::Measured,
    },
    Claim {
        id: "cached_answers",
        metric: "Cache hits",
        before: "1",
        after_phase_1: None,
        after_phase_2: "0.1 to 0.2",
        claim: "5-10x faster with cache hits",
        check: Check::Measured,
    },
    Claim {
        id: "oom_kills",
        metric: "OOM kills",
        before: "possible",
        after_phase_1: None,
        after_phase_2: "0",
        claim: "Resource limits prevent OOM kills",
        check: Check::Observed,
    },
    Claim {
        id: "memory_usage",
        metric: "Memory usage",
        before: "unbounded",
        after_phase_1: None,
        after_phase_2: "12.5GB limit, 6GB reserved",
        claim: "Stable memory usage",
        check: Check::Setting,
    },
    Claim {
        id: "cpu_usage",
        metric: "Processors",
        before: "unbounded",
        after_phase_1: None,
        after_phase_2: "7 cores limit, 3.5 cores reserved",
        claim: "Consistent performance under load",
        check: Check::Setting,
    },
    Claim {
        id: "downtime",
        metric: "Downtime",
        before: "0",
        after_phase_1: None,
        after_phase_2: "<2 minutes (service restarts)",
        claim: "Zero downtime during implementation",
        check: Check::Observed,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_there_once() {
        for (at, claim) in CLAIMS.iter().enumerate() {
            assert!(CLAIMS[..at].iter().all(|other| other.id != claim.id), "{}", claim.id);
        }
    }
}
