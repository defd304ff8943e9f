//! How a request was answered, and its `Cache-Status`.

use std::fmt::Write as _;
use std::time::Duration;

/// Where a value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// In this process.
    Memory,
    /// In Redis.
    Redis,
}

impl Tier {
    /// Its name in metrics and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
        }
    }
}

/// Why a value was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// None was there.
    Miss,
    /// One was there, from before a sync.
    Stale,
    /// The cache could not tell what is current, and kept out of it.
    Bypass,
}

impl Forward {
    /// Its name in RFC 9211.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Bypass => "bypass",
        }
    }
}

/// Hit or miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// From a tier.
    Hit(Tier),
    /// Computed.
    Computed(Forward),
}

/// What became of Redis in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisUse {
    /// None is configured.
    Absent,
    /// It is there.
    Up,
    /// It is down, slow or in trouble: the request did without it.
    Down,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Hit or miss.
    pub served: Served,
    /// Another request had asked for the same a moment earlier, and this one waited for its result.
    pub collapsed: bool,
    /// The value was stored in memory, and handed to Redis where Redis is up.
    pub stored: bool,
    /// How long the value will be served if no sync ends; none if it is not stored.
    pub ttl: Option<Duration>,
    /// What became of Redis.
    pub redis: RedisUse,
}

impl Outcome {
    /// Whether it was a hit.
    #[must_use]
    pub const fn is_hit(&self) -> bool {
        matches!(self.served, Served::Hit(_))
    }

    /// The text of a `Cache-Status` header (RFC 9211), for instance
    ///
    /// - `docassist; hit; ttl=287; detail=memory`
    /// - `docassist; fwd=miss; stored; ttl=300`
    /// - `docassist; fwd=stale; stored; ttl=300; detail=redis-down`
    #[must_use]
    pub fn cache_status(&self) -> String {
        let mut text = String::with_capacity(64);
        text.push_str("docassist");
        match self.served {
            Served::Hit(_) => text.push_str("; hit"),
            Served::Computed(why) => {
                text.push_str("; fwd=");
                text.push_str(why.as_str());
            }
        }
        if self.stored && !self.is_hit() {
            text.push_str("; stored");
        }
        // RFC 9211 defines `collapsed` for forwarded requests; of a hit it says nothing.
        if self.collapsed && !self.is_hit() {
            text.push_str("; collapsed");
        }
        if let Some(ttl) = self.ttl {
            // Writing to a string cannot fail.
            let _ = write!(text, "; ttl={}", ttl.as_secs());
        }
        match (self.served, self.redis) {
            (Served::Hit(tier), RedisUse::Down) => {
                let _ = write!(text, "; detail={}.redis-down", tier.as_str());
            }
            (Served::Hit(tier), _) => {
                let _ = write!(text, "; detail={}", tier.as_str());
            }
            (Served::Computed(_), RedisUse::Down) => text.push_str("; detail=redis-down"),
            (Served::Computed(_), _) => {}
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_status_follows_rfc_9211() {
        let hit = Outcome {
            served: Served::Hit(Tier::Memory),
            collapsed: false,
            stored: true,
            ttl: Some(Duration::from_millis(287_900)),
            redis: RedisUse::Absent,
        };
        let miss = Outcome { served: Served::Computed(Forward::Miss), ttl: Some(Duration::from_secs(300)), ..hit };
        for (outcome, expected) in [
            (hit, "docassist; hit; ttl=287; detail=memory"),
            (Outcome { redis: RedisUse::Down, ..hit }, "docassist; hit; ttl=287; detail=memory.redis-down"),
            (Outcome { served: Served::Hit(Tier::Redis), ..hit }, "docassist; hit; ttl=287; detail=redis"),
            (miss, "docassist; fwd=miss; stored; ttl=300"),
            (Outcome { collapsed: true, ..miss }, "docassist; fwd=miss; stored; collapsed; ttl=300"),
            (
                Outcome { served: Served::Computed(Forward::Stale), redis: RedisUse::Down, ..miss },
                "docassist; fwd=stale; stored; ttl=300; detail=redis-down",
            ),
            (
                Outcome { served: Served::Computed(Forward::Bypass), stored: false, ttl: None, ..miss },
                "docassist; fwd=bypass",
            ),
        ] {
            assert_eq!(outcome.cache_status(), expected);
        }
    }
}
