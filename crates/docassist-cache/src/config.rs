//! Settings, with the limits that keep each part bounded.

use std::time::Duration;

use crate::key::Family;

/// The settings of a cache. The default is one process with memory alone.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many bytes the tier in memory may take. The default, 64 MiB, holds some 13,000 answers of 4 KiB.
    pub memory_bytes: u64,
    /// How long values are served at most, though no sync ends.
    pub ttl: TimesToLive,
    /// Set where several processes serve the same store; implied by Redis.
    pub replicas: Option<Replicas>,
    /// The second tier.
    pub redis: Option<RedisConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self { memory_bytes: 64 << 20, ttl: TimesToLive::default(), replicas: None, redis: None }
    }
}

/// How long the values of each family are served at most: 300 s by default.
#[derive(Debug, Clone, Copy)]
pub struct TimesToLive {
    /// Of [`Family::Gaps`].
    pub gaps: Duration,
    /// Of [`Family::Impact`].
    pub impact: Duration,
    /// Of [`Family::Relationships`].
    pub relationships: Duration,
    /// Of [`Family::Search`].
    pub search: Duration,
}

impl TimesToLive {
    /// The same for all.
    #[must_use]
    pub const fn all(ttl: Duration) -> Self {
        Self { gaps: ttl, impact: ttl, relationships: ttl, search: ttl }
    }

    /// That of a family. Cut at a day: what nothing has touched for longer is not worth its room.
    #[must_use]
    pub fn of(&self, family: Family) -> Duration {
        let ttl = match family {
            Family::Gaps => self.gaps,
            Family::Impact => self.impact,
            Family::Relationships => self.relationships,
            Family::Search => self.search,
        };
        ttl.min(Duration::from_secs(24 * 60 * 60))
    }

    pub(crate) fn longest(&self) -> Duration {
        Family::ALL.into_iter().map(|family| self.of(family)).max().unwrap_or_default()
    }
}

impl Default for TimesToLive {
    fn default() -> Self {
        Self::all(Duration::from_secs(300))
    }
}

/// How a process keeps up with syncs that end elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Replicas {
    /// How often the store, and Redis where there is one, are asked for the generations of organisations in use. At most
    /// 500 ms, so that one lost answer still leaves time within the second.
    pub poll: Duration,
    /// Nothing is served from the cache for an organisation whose generations were last confirmed longer ago than this.
    /// Less than the second within which other replicas serve the new state.
    pub lease: Duration,
}

impl Default for Replicas {
    fn default() -> Self {
        Self { poll: Duration::from_millis(250), lease: Duration::from_millis(800) }
    }
}

/// The settings of the tier in Redis.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://[user:password@]host[:port][/database]`, `redis+unix:///path`,
    /// `redis+sentinel://[user:password@]host:port,host:port/master[/database]` or
    /// `redis+cluster://[user:password@]host:port,host:port`. Encrypted, they begin with `rediss`; the certificate is verified
    /// against the system's, or those of the file that `?ssl_ca_certs=FILE` names, and `ssl_certfile` and `ssl_keyfile` name
    /// what is shown to a server that asks for a certificate.
    pub url: String,
    /// Begins every key and channel. Programs that compute different answers to the same question must differ in it.
    pub namespace: String,
    /// How long a request waits for a value.
    pub get_deadline: Duration,
    /// How long the background waits for writes and polls.
    pub write_deadline: Duration,
    /// How long the background waits for a connection.
    pub connect_deadline: Duration,
    /// So many failures in a row open the breaker; a lost connection opens it at once.
    pub failures_to_open: u32,
    /// The pause before the first attempt to close the breaker; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest of those pauses.
    pub longest_pause: Duration,
    /// So many values may wait to be written; more are dropped.
    pub queued_values: usize,
    /// So many bytes of values may wait to be written; more are dropped.
    pub queued_bytes: usize,
    /// Larger values are kept in memory only: they would hold up those behind them on the connection.
    pub largest_value: usize,
    /// Whether to listen for bumps. Without, other replicas are noticed by polling alone.
    pub subscribe: bool,
}

impl RedisConfig {
    /// The defaults for a server.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            namespace: "docassist:".to_owned(),
            // A request meets at most two of these: the organisation's counters and the value. Together 50 ms.
            get_deadline: Duration::from_millis(25),
            write_deadline: Duration::from_millis(500),
            connect_deadline: Duration::from_secs(1),
            failures_to_open: 3,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(1),
            queued_values: 1024,
            queued_bytes: 16 << 20,
            largest_value: 1 << 20,
            subscribe: true,
        }
    }
}
