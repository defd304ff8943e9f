//! `redis.conf`, as one would defend it.

use crate::plan::{Setting, Value};
use crate::quantity::{MIB, human_bytes, whole_mib};

const MEMORY: &str = "Memory";
const PERSISTENCE: &str = "Persistence";
const CLIENTS: &str = "Clients";
const WATCHING: &str = "Watching";

pub(super) fn settings(limit: u64) -> Vec<Setting> {
    let mut settings = memory(limit);
    settings.extend(persistence());
    settings.extend(clients());
    settings.extend(watching());
    settings
}

fn memory(limit: u64) -> Vec<Setting> {
    vec![
        Setting::computed(
            MEMORY,
            "maxmemory",
            Value::Bytes(whole_mib(limit / 4 * 3).max(MIB)),
            "Data may take so much, then old answers make room. The last quarter of the limit is for what Redis does not count: \
             fragmentation, and memory that is being freed.",
            format!("limit × 3/4 = {} × 3/4", human_bytes(limit)),
        ),
        Setting::fixed(
            MEMORY,
            "maxmemory-policy",
            Value::Word("allkeys-lru"),
            "Any key may make room, the one not used for longest first: all of it can be computed again, and counters that are \
             lost come back with higher numbers, so nothing stale is served.",
        ),
        Setting::fixed(
            MEMORY,
            "maxmemory-samples",
            Value::Integer(5),
            "Keys compared to find one not used for long. 10 is closer to exact and costs more for each eviction; answers differ \
             little in worth.",
        ),
        Setting::fixed(
            MEMORY,
            "maxmemory-clients",
            Value::Word("10%"),
            "Buffers of all connections together, as a part of maxmemory: a reader that has stopped reading is closed, the data \
             stays. Needs Redis 7.",
        ),
        Setting::fixed(
            MEMORY,
            "lazyfree-lazy-eviction",
            Value::Switch(true),
            "The memory of what makes room is given back by another thread: no request waits for it.",
        ),
        Setting::fixed(
            MEMORY,
            "lazyfree-lazy-expire",
            Value::Switch(true),
            "The same for answers whose time has come.",
        ),
        Setting::fixed(
            MEMORY,
            "lazyfree-lazy-server-del",
            Value::Switch(true),
            "The same for values that are written over, which every recomputed answer is.",
        ),
        Setting::fixed(
            MEMORY,
            "activedefrag",
            Value::Switch(false),
            "Needs Redis' own build of jemalloc: packages of Debian refuse to start with yes. Answers are small and short-lived; \
             `docassist doctor` tells when fragmentation grows all the same.",
        ),
    ]
}

fn persistence() -> [Setting; 2] {
    [
        Setting::fixed(
            PERSISTENCE,
            "save",
            Value::Text(String::new()),
            "No snapshots: a cache needs none, and without them nothing forks and no page is copied.",
        ),
        Setting::fixed(
            PERSISTENCE,
            "appendonly",
            Value::Switch(false),
            "No log of writes, for the same reason: after a restart the cache fills by itself.",
        ),
    ]
}

fn clients() -> [Setting; 6] {
    [
        Setting::fixed(
            CLIENTS,
            "protected-mode",
            Value::Switch(true),
            "Without a password only this machine is answered, should somebody forget to set one.",
        ),
        Setting::fixed(
            CLIENTS,
            "maxclients",
            Value::Integer(1000),
            "A replica holds two connections: so many are a fault somewhere, and it should be told as one. Redis' 10,000 ask for \
             more open files than many systems give.",
        ),
        Setting::fixed(
            CLIENTS,
            "timeout",
            Value::Integer(300),
            "Connections that were idle for 300 seconds are closed. Subscribers are not; ours ask four times a second.",
        ),
        Setting::fixed(
            CLIENTS,
            "tcp-keepalive",
            Value::Integer(60),
            "After 60 silent seconds a peer is asked whether it is still there, so that connections of a lost machine end.",
        ),
        Setting::fixed(
            CLIENTS,
            "client-output-buffer-limit normal",
            Value::Word("64mb 16mb 60"),
            "An answer is at most 1 MB, so a connection with 64 MB waiting, or 16 MB for 60 seconds, has stopped reading. \
             Redis' default is no limit.",
        ),
        Setting::fixed(
            CLIENTS,
            "client-output-buffer-limit pubsub",
            Value::Word("32mb 8mb 60"),
            "Redis' default, written down since a closed subscriber shows here: a replica that misses messages asks again, and \
             polls meanwhile.",
        ),
    ]
}

fn watching() -> [Setting; 3] {
    [
        Setting::fixed(
            WATCHING,
            "slowlog-log-slower-than",
            Value::Integer(10_000),
            "Commands that take 10 ms (the number is in microseconds) hold everybody up: ours take some 20 µs.",
        ),
        Setting::fixed(WATCHING, "slowlog-max-len", Value::Integer(128), "So many of them are kept; each is small."),
        Setting::fixed(
            WATCHING,
            "latency-monitor-threshold",
            Value::Integer(25),
            "Events that take 25 ms are recorded for LATENCY DOCTOR: so long a request waits for Redis before it goes on without.",
        ),
    ]
}
