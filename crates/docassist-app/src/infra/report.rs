//! What a run found, as it is printed and as programs read it.

use docassist_ops::seed::Claim;
use docassist_ops::{Machine, Profile};
use serde::Serialize;

use super::figures::{Comparison, Times};

/// All that a run found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The organisation whose records were used.
    pub org: String,
    /// The machine that was tuned for.
    pub machine: Machine,
    /// By which rules.
    pub profile: Profile,
    /// Whether it was a quick run, whose figures say little.
    pub quick: bool,
    /// The server's version.
    pub postgres: String,
    /// Redis' part in it: where its settings are from, or why there is none.
    pub redis: String,
    /// Seconds that the run took.
    pub seconds: f64,
    /// What was loaded into both.
    pub data: Data,
    /// How it was measured, in sentences.
    pub method: Vec<String>,
    /// Settings in which the servers differ.
    pub settings: Vec<SettingPair>,
    /// Times on both servers.
    pub metrics: Vec<Metric>,
    /// What the servers counted while statements were run warm.
    pub counts: Counts,
    /// Restarts of the tuned server: how long nobody could connect.
    pub restart: Option<Times>,
    /// Answers, computed and from the cache.
    pub answers: Vec<CachedAnswerTimes>,
    /// How many answers came from the cache.
    pub hit_rates: Vec<HitRate>,
    /// The claims of the document that the project was started from, beside what was measured here.
    pub seed: Vec<Measured>,
    /// What could not be measured, and why.
    pub notes: Vec<String>,
}

/// What was loaded into both servers.
#[derive(Debug, Clone, Copy, Serialize)]
#[allow(missing_docs, reason = "their own names, of one copy")]
pub struct Data {
    /// How often the organisation was loaded, each time under another name.
    pub copies: u64,
    /// Commits of all copies.
    pub commits: u64,
    /// What `--commits` asked for.
    pub commits_wanted: u64,
    pub tickets: u64,
    pub pages: u64,
    /// Bytes of the database's files on the server with default settings.
    pub bytes: u64,
    /// Milliseconds that reading one copy from where it is kept takes; a part of every load, on both sides alike.
    pub source_read: f64,
}

/// A setting in which the servers differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "their own names")]
pub struct SettingPair {
    pub name: String,
    pub default: String,
    pub tuned: String,
}

/// In which state a server was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// What it reads was read before.
    Warm,
    /// Just restarted.
    Cold,
    /// It writes.
    Writing,
}

impl State {
    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Cold => "cold",
            Self::Writing => "writing",
        }
    }
}

/// The times of one piece of work on both servers.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Metric {
    /// A name for programs that never changes.
    pub id: &'static str,
    /// What it is.
    pub about: &'static str,
    /// In which state.
    pub state: State,
    /// The times, in milliseconds.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// What both servers counted.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Counts {
    /// With default settings.
    pub default: ServerCounts,
    /// With those of `tune`.
    pub tuned: ServerCounts,
}

/// What one server counted.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ServerCounts {
    /// Pages of tables found in shared buffers, as a part of all, by the seed's own query.
    pub buffer_hit_rate: Option<f64>,
    /// Bytes of sorts and hashes that went through files.
    pub spilled: u64,
}

/// A question's answer, computed and from the cache, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct CachedAnswerTimes {
    /// The question.
    pub question: String,
    /// Computed, with the graph in memory.
    pub computed: Times,
    /// From this process' memory.
    pub memory: Times,
    /// So many times as fast.
    pub memory_gain: f64,
    /// From Redis, where there is one.
    pub redis: Option<Times>,
    /// So many times as fast; below 1 Redis takes longer than computing.
    pub redis_gain: Option<f64>,
}

/// How many answers came from the cache.
#[derive(Debug, Clone, Serialize)]
pub struct HitRate {
    /// Which caches there are.
    pub setup: &'static str,
    /// Different questions, asked for by Zipf's law.
    pub questions: usize,
    /// Requests.
    pub requests: u64,
    /// Syncs meanwhile, each of which makes all answers stale.
    pub syncs: u64,
    /// The part from a process' own memory.
    pub memory: f64,
    /// The part from Redis.
    pub redis: f64,
    /// Both.
    pub total: f64,
}

/// How a claim fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was measured and holds.
    Holds,
    /// It holds for some of what was measured.
    HoldsInPart,
    /// It was measured and does not hold.
    DoesNotHold,
    /// It was not measured in this run.
    NotMeasured,
}

impl Standing {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HoldsInPart => "holds in part",
            Self::DoesNotHold => "does not hold",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A claim beside what was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The claim.
    #[serde(flatten)]
    pub claim: Claim,
    /// What was measured, or why nothing was.
    pub measured: String,
    /// How it fares.
    pub standing: Standing,
}
