//! What each service may use, and what is kept for it.

use serde::Serialize;

/// A service of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The store.
    Postgres,
    /// The cache that replicas share.
    Redis,
    /// The search index.
    Qdrant,
    /// `docassist serve`.
    Api,
}

impl Service {
    /// All, in the order of the files.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Redis, Self::Qdrant, Self::Api];

    /// Its name in the compose file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Qdrant => "qdrant",
            Self::Api => "api",
        }
    }

    /// Its name in sentences.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
            Self::Qdrant => "Qdrant",
            Self::Api => "the API",
        }
    }
}

/// Limits and reservations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Resources {
    /// Bytes of memory above which the kernel ends a process of the service.
    pub memory_limit: u64,
    /// Bytes of memory that the kernel takes from it last.
    pub memory_reserved: u64,
    /// Thousandths of a processor that it may use.
    pub millicpus_limit: u32,
    /// Thousandths of a processor that a scheduler keeps for it.
    pub millicpus_reserved: u32,
}

impl Resources {
    /// The sum of two.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            memory_limit: self.memory_limit + other.memory_limit,
            memory_reserved: self.memory_reserved + other.memory_reserved,
            millicpus_limit: self.millicpus_limit + other.millicpus_limit,
            millicpus_reserved: self.millicpus_reserved + other.millicpus_reserved,
        }
    }
}

/// What one service may use, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServicePlan {
    /// Which.
    pub service: Service,
    /// How much.
    pub resources: Resources,
    /// Why so much memory.
    pub memory_why: String,
    /// How the limit of memory comes about.
    pub memory_formula: String,
    /// Why so many processors.
    pub cpu_why: String,
    /// How the limit of processors comes about.
    pub cpu_formula: String,
}
