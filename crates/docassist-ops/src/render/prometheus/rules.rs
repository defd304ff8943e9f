//! The alert rules.

use super::JOB;
use crate::metrics::{
    CACHE_REDIS_STATE, GRAPH_DROPS, HTTP_REQUESTS, POSTGRES_DEAD_TUPLES, POSTGRES_LIVE_TUPLES,
    POSTGRES_OLDEST_TRANSACTION, POSTGRES_REPLICATION_LAG, POSTGRES_UP, PROCESS_RESIDENT, QDRANT_STATUS, QDRANT_UP,
    REDIS_FRAGMENTATION, REDIS_MEMORY_USED, REDIS_REJECTED, REDIS_UP, SEARCH_FAILURES, SYNC_JOBS, SYNC_JOBS_NOW,
    SYNC_LAG, UP,
};
use crate::quantity::MIB;
use crate::render::queries;

/// A rule.
pub(super) struct Rule {
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    pub(super) expression: String,
    /// So long it must hold: what passes by itself wakes nobody.
    pub(super) lasts: &'static str,
    /// `critical`: users are turned away; `warning`: they soon may be.
    pub(super) severity: &'static str,
    /// Why there is such a rule, for readers of the file.
    pub(super) why: &'static str,
    pub(super) summary: &'static str,
    pub(super) action: &'static str,
}

const CRITICAL: &str = "critical";
const WARNING: &str = "warning";

/// All rules; `api_memory` is the limit of the service in bytes.
pub(super) fn rules(api_memory: u64) -> Vec<Rule> {
    let mut rules = service(api_memory);
    rules.extend(syncs());
    rules.extend(indexing());
    rules.extend(postgres());
    rules.extend(caches());
    rules.extend(search());
    rules
}

fn service(api_memory: u64) -> Vec<Rule> {
    let group = "docassist";
    vec![
        Rule {
            group,
            name: "DocassistDown",
            expression: format!("{UP}{{job=\"{JOB}\"}} == 0"),
            lasts: "1m",
            severity: CRITICAL,
            why: "Four scrapes in a row without an answer are no hiccup.",
            summary: "{{ $labels.instance }} does not answer",
            action: "Look at its log and at /health/ready; where it was ended for want of memory, see DocassistMemory.",
        },
        Rule {
            group,
            name: "DocassistErrors",
            expression: format!("{} > 0.01", queries::error_ratio()),
            lasts: "5m",
            severity: CRITICAL,
            why: "One failed request in a hundred is noticed by everybody.",
            summary: "{{ $value | humanizePercentage }} of requests fail",
            action: "The log names the cause beside the request's id; most often it is the store: see the alerts of PostgreSQL.",
        },
        Rule {
            group,
            name: "DocassistSlow",
            expression: format!("{} > 0.5 and sum({}) > 0.1", queries::latency(0.99), queries::rate(&HTTP_REQUESTS)),
            lasts: "10m",
            severity: WARNING,
            why: "Answers take milliseconds; half a second for the slowest hundredth means that something is waited for.",
            summary: "one request in a hundred takes longer than {{ $value | humanizeDuration }}",
            action: "Look at graph loads and drops (is graph-memory too small?), then at the slowest statements in `docassist monitor`.",
        },
        Rule {
            group,
            name: "DocassistMemory",
            expression: format!("{PROCESS_RESIDENT}{{job=\"{JOB}\"}} > {}", api_memory / 10 * 9),
            lasts: "5m",
            severity: WARNING,
            why: "Nine tenths of the limit in the compose file: the kernel ends the process at ten.",
            summary: "{{ $labels.instance }} uses {{ $value | humanize1024 }}B, close to its limit",
            action: "Lower --graph-memory, or raise the limit with `docassist tune --memory …`.",
        },
        Rule {
            group,
            name: "DocassistGraphsThrash",
            expression: format!("{} > 0.9 and on (instance) rate({GRAPH_DROPS}[15m]) > 0.05", queries::graph_ratio()),
            lasts: "15m",
            severity: WARNING,
            why: "Graphs that make room for each other all the time are loaded again and again, each for seconds.",
            summary: "graphs of organisations do not fit the memory of {{ $labels.instance }}",
            action: "Raise --graph-memory, or route each organisation to one replica so that its graph is held once.",
        },
    ]
}

fn syncs() -> Vec<Rule> {
    let group = "docassist-syncs";
    vec![
        Rule {
            group,
            name: "DocassistSyncsFail",
            expression: format!("sum by (kind) (increase({SYNC_JOBS}{{ending=\"failed\"}}[30m])) > 3"),
            lasts: "5m",
            severity: WARNING,
            why: "One failure is a source that was away; several are a credential that has ended, or a fault.",
            summary: "syncs of {{ $labels.kind }} fail",
            action: "`docassist status` and the jobs' list name the source and the reason.",
        },
        Rule {
            group,
            name: "DocassistSyncsWait",
            expression: format!("max({SYNC_JOBS_NOW}{{state=\"queued\"}}) > 20 or max({SYNC_LAG}) > 300"),
            lasts: "15m",
            severity: WARNING,
            why: "Answers are as old as the last sync: five minutes in the queue are five minutes more.",
            summary: "syncs wait for their turn",
            action: "Start another replica, or raise --sync-workers where processors are idle.",
        },
    ]
}

fn indexing() -> Vec<Rule> {
    let group = "docassist-search";
    vec![Rule {
        group,
        name: "DocassistSearchFails",
        expression: format!("sum by (instance) (increase({SEARCH_FAILURES}[15m])) > 3"),
        lasts: "5m",
        severity: WARNING,
        why: "It is tried again every half minute: several failures are a model, a disk or a Qdrant that stays away.",
        summary: "the search index of {{ $labels.instance }} cannot be brought up to date",
        action: "The log names the cause; until it is gone, searches fail or find by words only.",
    }]
}

fn postgres() -> Vec<Rule> {
    let group = "docassist-postgres";
    vec![
        Rule {
            group,
            name: "PostgresDown",
            expression: format!("max({POSTGRES_UP}) == 0"),
            lasts: "1m",
            severity: CRITICAL,
            why: "No replica reaches it; nothing that is not cached can be answered.",
            summary: "PostgreSQL does not answer",
            action: "Look at its log and its disk; the service connects again by itself.",
        },
        Rule {
            group,
            name: "PostgresConnections",
            expression: format!("{} > 0.8", queries::connection_ratio()),
            lasts: "5m",
            severity: WARNING,
            why: "Beyond the last connection requests fail; a fifth is left to act.",
            summary: "{{ $value | humanizePercentage }} of PostgreSQL's connections are taken",
            action: "See by state who holds them; then `docassist tune --connections …`, or a pooler in front.",
        },
        Rule {
            group,
            name: "PostgresBufferHits",
            expression: format!("{} < 0.9", queries::buffer_ratio()),
            lasts: "30m",
            severity: WARNING,
            why: "Starting replicas read whole tables and lower it for a while; half an hour is not that.",
            summary: "{{ $value | humanizePercentage }} of blocks come from shared buffers",
            action: "Look at reads from the disk: where the page cache serves them all is well; where not, give PostgreSQL more memory.",
        },
        Rule {
            group,
            name: "PostgresDeadTuples",
            expression: format!(
                "max by (table) ({POSTGRES_DEAD_TUPLES}) > 10000 and max by (table) ({POSTGRES_DEAD_TUPLES} / ({POSTGRES_LIVE_TUPLES} + \
                 {POSTGRES_DEAD_TUPLES})) > 0.2"
            ),
            lasts: "1h",
            severity: WARNING,
            why: "Autovacuum begins at a twentieth: a fifth for an hour means that it cannot.",
            summary: "{{ $labels.table }} has many dead rows",
            action: "See PostgresOldTransaction first: what it holds cannot be cleaned. Then VACUUM (VERBOSE) the table.",
        },
        Rule {
            group,
            name: "PostgresOldTransaction",
            expression: format!("max({POSTGRES_OLDEST_TRANSACTION}) > 900"),
            lasts: "5m",
            severity: WARNING,
            why: "Syncs and backups end within minutes; what is open longer keeps VACUUM from cleaning.",
            summary: "a transaction is open for {{ $value | humanizeDuration }}",
            action: "pg_stat_activity says whose; pg_terminate_backend ends it.",
        },
        Rule {
            group,
            name: "PostgresReplicationLag",
            expression: format!("max by (replica) ({POSTGRES_REPLICATION_LAG}) > 30"),
            lasts: "5m",
            severity: WARNING,
            why: "Whoever reads from a replica that is behind is told old answers.",
            summary: "{{ $labels.replica }} is {{ $value | humanizeDuration }} behind",
            action: "Look at its disk and network; a long query there may hold replay up.",
        },
    ]
}

fn caches() -> Vec<Rule> {
    let group = "docassist-caches";
    vec![
        Rule {
            group,
            name: "CacheIneffective",
            expression: format!("{} < 0.5 and sum({}) > 1", queries::cache_ratio(false), queries::rate(&HTTP_REQUESTS)),
            lasts: "30m",
            severity: WARNING,
            why: "With traffic, most questions are asked again within minutes: half that are not means that values do not stay.",
            summary: "{{ $value | humanizePercentage }} of answers are served without a computation",
            action: "Look at evictions (is cache-memory too small?) and at how often syncs end.",
        },
        Rule {
            group,
            name: "RedisDown",
            expression: format!("max({REDIS_UP}) == 0 or max({CACHE_REDIS_STATE}{{state=\"open\"}}) == 1"),
            lasts: "2m",
            severity: WARNING,
            why: "Not critical: answers are cached in memory alone meanwhile, and it is tried again.",
            summary: "Redis does not answer",
            action: "Look at its log: most often it was ended for want of memory. Nothing is lost.",
        },
        Rule {
            group,
            name: "RedisFragmented",
            expression: format!("max({REDIS_FRAGMENTATION}) > 1.5 and max({REDIS_MEMORY_USED}) > {}", 100 * MIB),
            lasts: "30m",
            severity: WARNING,
            why: "Memory of the system that holds no data counts towards the container's limit; below 100 MB the ratio means nothing.",
            summary: "Redis holds {{ $value }} times the memory that it uses",
            action: "MEMORY PURGE, or restart it: the cache fills by itself.",
        },
        Rule {
            group,
            name: "RedisRefuses",
            expression: format!("max(increase({REDIS_REJECTED}[10m])) > 0"),
            lasts: "1m",
            severity: WARNING,
            why: "A replica holds two connections: a thousand are somebody else's, or a leak.",
            summary: "Redis refuses connections",
            action: "CLIENT LIST says whose they are.",
        },
        Rule {
            group,
            name: "RedisFull",
            expression: format!("{} > 0.95 and {} < 0.5", queries::redis_memory_ratio(), queries::redis_ratio()),
            lasts: "30m",
            severity: WARNING,
            why: "A full cache is a good one, unless most look-ups miss: then answers make room before they are asked again.",
            summary: "Redis is full, and finds {{ $value | humanizePercentage }}",
            action: "Give it more memory with `docassist tune --memory …`, or shorten --cache-ttl.",
        },
    ]
}

fn search() -> Vec<Rule> {
    let group = "docassist-search";
    vec![
        Rule {
            group,
            name: "QdrantDown",
            expression: format!("max({QDRANT_UP}) == 0"),
            lasts: "2m",
            severity: WARNING,
            why: "Searches fail or are fewer; analyses do not need it.",
            summary: "Qdrant does not answer",
            action: "Look at its log and its disk; the index can be built again from the store.",
        },
        Rule {
            group,
            name: "QdrantCollectionRed",
            expression: format!("max by (collection) ({QDRANT_STATUS}{{status=\"red\"}}) == 1"),
            lasts: "5m",
            severity: WARNING,
            why: "Yellow is indexing and passes; red is an operation that failed.",
            summary: "the collection {{ $labels.collection }} is out of order",
            action: "Its log names the failure; build the organisation's index again.",
        },
    ]
}
