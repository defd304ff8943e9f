//! Redis.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Sample, ratio};
use crate::metrics;

/// What Redis tells of itself since its start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct RedisFigures {
    /// Its version.
    pub version: String,
    /// Seconds since its start.
    pub uptime_seconds: u64,
    /// Look-ups of keys that it had.
    pub hits: u64,
    /// Look-ups of keys that it did not have.
    pub misses: u64,
    /// Hits of all look-ups, 0 to 1; `null` where there was none.
    pub hit_rate: Option<f64>,
    /// Bytes that data and connections use.
    pub memory_used_bytes: u64,
    /// Bytes above which keys make room; 0: no limit.
    pub memory_max_bytes: u64,
    /// Bytes that it has of the system.
    pub memory_resident_bytes: u64,
    /// Memory of the system by memory used. Says little below 100 MB.
    pub memory_fragmentation_ratio: f64,
    /// What makes room first: `allkeys-lru`.
    pub maxmemory_policy: String,
    /// Keys that made room.
    pub evicted_keys: u64,
    /// Keys whose time had come.
    pub expired_keys: u64,
    /// Keys in all databases.
    pub keys: u64,
    /// Connections.
    pub connected_clients: u64,
    /// Connections refused because there were too many.
    pub rejected_connections: u64,
    /// Commands a second, as it tells it.
    pub operations_per_second: u64,
}

impl RedisFigures {
    /// From `INFO`. What a version does not tell is 0.
    #[must_use]
    pub fn from_info(info: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| info.get(name).cloned().unwrap_or_default();
        let number = |name: &str| info.get(name).and_then(|value| value.parse().ok()).unwrap_or_default();
        let (hits, misses) = (number("keyspace_hits"), number("keyspace_misses"));
        Self {
            version: text("redis_version"),
            uptime_seconds: number("uptime_in_seconds"),
            hits,
            misses,
            hit_rate: ratio(hits, misses),
            memory_used_bytes: number("used_memory"),
            memory_max_bytes: number("maxmemory"),
            memory_resident_bytes: number("used_memory_rss"),
            memory_fragmentation_ratio: info
                .get("mem_fragmentation_ratio")
                .and_then(|value| value.parse().ok())
                .filter(|ratio: &f64| ratio.is_finite())
                .unwrap_or_default(),
            maxmemory_policy: text("maxmemory_policy"),
            evicted_keys: number("evicted_keys"),
            expired_keys: number("expired_keys"),
            keys: info.iter().filter(|(name, _)| is_database(name)).map(|(_, value)| keys(value)).sum(),
            connected_clients: number("connected_clients"),
            rejected_connections: number("rejected_connections"),
            operations_per_second: number("instantaneous_ops_per_sec"),
        }
    }

    /// As Prometheus scrapes them.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let of = |metric, value: u64| Sample::plain(metric, value as f64);
        vec![
            of(&metrics::REDIS_HITS, self.hits),
            of(&metrics::REDIS_MISSES, self.misses),
            of(&metrics::REDIS_MEMORY_USED, self.memory_used_bytes),
            of(&metrics::REDIS_MEMORY_MAX, self.memory_max_bytes),
            of(&metrics::REDIS_MEMORY_RESIDENT, self.memory_resident_bytes),
            Sample::plain(&metrics::REDIS_FRAGMENTATION, self.memory_fragmentation_ratio),
            of(&metrics::REDIS_EVICTED, self.evicted_keys),
            of(&metrics::REDIS_EXPIRED, self.expired_keys),
            of(&metrics::REDIS_CLIENTS, self.connected_clients),
            of(&metrics::REDIS_REJECTED, self.rejected_connections),
            of(&metrics::REDIS_OPERATIONS, self.operations_per_second),
        ]
    }
}

/// `db0`, `db15`.
fn is_database(name: &str) -> bool {
    name.strip_prefix("db").is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Of `keys=12,expires=3,avg_ttl=100` the 12.
fn keys(value: &str) -> u64 {
    value.split(',').find_map(|part| part.strip_prefix("keys=")).and_then(|keys| keys.parse().ok()).unwrap_or_default()
}
