//! The seed's values: exact at 8 GB, in proportion elsewhere.

use super::{FIXED, Plan, Profile, Resources, Service, ServicePlan, Setting, Value, Warning};
use crate::machine::{Disk, Machine};
use crate::quantity::{GIB, MIB, cpus, human_bytes, postgres_bytes, whole_mib};

/// The memory that the seed's values were written for.
const WRITTEN_FOR: u64 = 8 * GIB;
/// PostgreSQL's own default, which holds because the seed sets no `max_connections`.
const DEFAULT_CONNECTIONS: u64 = 100;
/// Sorts and hashes that one statement of ours has at once, in the worst case: a merge join of two sorted inputs.
const NODES: u64 = 2;
/// PostgreSQL 15's default: a hash may take twice `work_mem`.
const HASH_MULTIPLIER: u64 = 2;

pub(super) fn plan(machine: Machine) -> Plan {
    let services = services(machine);
    let mut plan = Plan {
        profile: Profile::Seed,
        machine,
        services,
        postgres: postgres(machine),
        redis: redis(machine),
        qdrant: Vec::new(),
        api: api(),
        postgres_shm: Setting::fixed(
            "Memory",
            "shm_size",
            Value::Bytes(256 * MIB),
            "The seed has none; Docker's 64 MB make parallel hash joins fail with `could not resize shared memory segment`.",
        ),
        warnings: Vec::new(),
    };
    plan.warnings = warnings(&plan);
    plan
}

/// So many MiB of the seed's 8 GB, in proportion to this machine.
fn share(machine: Machine, mib_of_8g: u64) -> u64 {
    let exact = u128::from(machine.memory_bytes) * u128::from(mib_of_8g * MIB) / u128::from(WRITTEN_FOR);
    whole_mib(u64::try_from(exact).unwrap_or(u64::MAX)).max(MIB)
}

fn proportion(machine: Machine, mib_of_8g: u64) -> String {
    let of = human_bytes(machine.memory_bytes);
    format!("{} of 8 GB, in proportion: {of} × {mib_of_8g} ÷ 8192", postgres_bytes(mib_of_8g * MIB))
}

fn services(machine: Machine) -> Vec<ServicePlan> {
    // Memory limit and reservation in MiB of 8 GB; processors in thousandths, whatever the machine has.
    let listing = [
        (Service::Postgres, 4096, 2048, 2000, 1000),
        (Service::Redis, 2500, 1024, 1000, 500),
        (Service::Qdrant, 4096, 2048, 2000, 1000),
        (Service::Api, 2048, 1024, 2000, 1000),
    ];
    listing
        .into_iter()
        .map(|(service, limit, reserved, millicpus_limit, millicpus_reserved)| ServicePlan {
            service,
            resources: Resources {
                memory_limit: share(machine, limit),
                memory_reserved: share(machine, reserved),
                millicpus_limit,
                millicpus_reserved,
            },
            memory_why: "The seed's listing.".to_owned(),
            memory_formula: proportion(machine, limit),
            cpu_why: "The seed's listing, whatever the machine has.".to_owned(),
            cpu_formula: FIXED.to_owned(),
        })
        .collect()
}

fn postgres(machine: Machine) -> Vec<Setting> {
    const MEMORY: &str = "Memory";
    const DISK: &str = "Disk";
    const WRITING: &str = "Writing";
    const MONITORING: &str = "Monitoring";
    let amount = |name, mib, why: &str| {
        Setting::computed(MEMORY, name, Value::Bytes(share(machine, mib)), why, proportion(machine, mib))
    };
    let (page_cost, concurrency) = match machine.disk {
        Disk::Ssd => (1.1, 200),
        Disk::Hdd => (4.0, 2),
    };
    vec![
        amount("shared_buffers", 2048, "The seed: 25% of the memory, for pages that PostgreSQL itself holds."),
        amount(
            "effective_cache_size",
            6144,
            "The seed: 75% of the memory. The planner takes that much to be cached when it weighs an index against a scan; nothing is allocated.",
        ),
        amount("maintenance_work_mem", 512, "The seed: for each VACUUM, CREATE INDEX and foreign key that is added."),
        amount("work_mem", 64, "The seed: for each sort or hash of each statement, before it goes to disk."),
        Setting::fixed(
            DISK,
            "random_page_cost",
            Value::Decimal(page_cost),
            match machine.disk {
                Disk::Ssd => "The seed: on flash a random read costs about what a sequential one does, which is 1.0.",
                Disk::Hdd => "PostgreSQL's default: the seed's 1.1 is for flash, and this disk seeks.",
            },
        ),
        Setting::fixed(
            DISK,
            "effective_io_concurrency",
            Value::Integer(concurrency),
            match machine.disk {
                Disk::Ssd => "The seed: reads that a bitmap scan asks for ahead; flash serves many at once.",
                Disk::Hdd => {
                    "Reads that a bitmap scan asks for ahead: the seed's 200 is for flash, and this disk has few heads."
                }
            },
        ),
        Setting::fixed(
            WRITING,
            "wal_buffers",
            Value::Bytes(16 * MIB),
            "The seed: one whole WAL segment, the most that PostgreSQL would choose by itself.",
        ),
        Setting::fixed(
            WRITING,
            "checkpoint_completion_target",
            Value::Decimal(0.9),
            "The seed: a checkpoint's writes are spread over nine tenths of the time to the next.",
        ),
        Setting::fixed(
            WRITING,
            "max_wal_size",
            Value::Bytes(2 * GIB),
            "The seed: so much WAL between checkpoints, so that a bulk load does not force one after the other.",
        ),
        Setting::fixed(
            MONITORING,
            "log_min_duration_statement",
            Value::Integer(1000),
            "The seed: statements that take a second or longer are logged. The number is in milliseconds.",
        ),
        Setting::fixed(
            MONITORING,
            "shared_preload_libraries",
            Value::Text("pg_stat_statements".to_owned()),
            "The seed: counts every statement; `docassist monitor` reads the slowest from it. It can be loaded at a start only.",
        ),
    ]
}

fn redis(machine: Machine) -> Vec<Setting> {
    const MEMORY: &str = "Memory";
    const PERSISTENCE: &str = "Persistence";
    const EVICTION: &str = "Making room";
    const CLIENTS: &str = "Clients";
    vec![
        Setting::computed(
            MEMORY,
            "maxmemory",
            Value::Bytes(share(machine, 2048)),
            "The seed: so much for cached answers, then old ones make room.",
            proportion(machine, 2048),
        ),
        Setting::fixed(
            MEMORY,
            "maxmemory-policy",
            Value::Word("allkeys-lru"),
            "The seed: any key may make room, the one not used for longest first. All of it can be computed again.",
        ),
        Setting::fixed(
            MEMORY,
            "maxmemory-samples",
            Value::Integer(5),
            "The seed, and Redis' default: keys that are compared to find one that was not used for long.",
        ),
        Setting::fixed(
            PERSISTENCE,
            "save",
            Value::Text(String::new()),
            "The seed: no snapshots. A cache needs none, and without them nothing forks.",
        ),
        Setting::fixed(
            PERSISTENCE,
            "appendonly",
            Value::Switch(false),
            "The seed: no log of writes, for the same reason.",
        ),
        Setting::fixed(
            CLIENTS,
            "timeout",
            Value::Integer(300),
            "The seed: connections that were idle for 300 seconds are closed. Subscribers are not; ours ask four times a second.",
        ),
        Setting::fixed(
            CLIENTS,
            "tcp-keepalive",
            Value::Integer(60),
            "The seed: after 60 silent seconds a peer is asked whether it is still there, so that dead connections end.",
        ),
        Setting::fixed(
            EVICTION,
            "lazyfree-lazy-eviction",
            Value::Switch(true),
            "The seed: the memory of what makes room is given back by another thread, so that no request waits for it.",
        ),
    ]
}

fn api() -> Vec<Setting> {
    let default = "The program's default: the seed has no such option.";
    vec![
        Setting::fixed("Memory", "graph-memory", Value::Bytes(512 * MIB), default),
        Setting::fixed("Memory", "cache-memory", Value::Bytes(64 * MIB), default),
    ]
}

fn warnings(plan: &Plan) -> Vec<Warning> {
    let machine = plan.machine;
    let total = plan.total();
    let limit = plan.resources(Service::Postgres).memory_limit;
    let of = |name| plan.postgres(name).and_then(|setting| setting.value.bytes()).unwrap_or_default();
    let (shared, cache, work) = (of("shared_buffers"), of("effective_cache_size"), of("work_mem"));
    let mut warnings = Vec::new();
    let mut warn = |about, text| warnings.push(Warning { about, text });
    if total.memory_limit > machine.memory_bytes {
        warn(
            "limits",
            format!(
                "the limits of memory add up to {} (the seed's 12.5 GB are 4 + 2.5 + 4 + 2 of 8) on a machine of {}: {} more \
                 than there is. When services fill up together the kernel ends processes though none has reached its limit.",
                human_bytes(total.memory_limit),
                human_bytes(machine.memory_bytes),
                human_bytes(total.memory_limit - machine.memory_bytes),
            ),
        );
    }
    if total.millicpus_limit > machine.millicpus {
        warn(
            "limits",
            format!(
                "the limits of processors add up to {} on a machine of {}. That only shares time, but Docker refuses to \
                 start a container whose own limit, up to 2, is above what the machine has.",
                cpus(total.millicpus_limit),
                cpus(machine.millicpus),
            ),
        );
    }
    if cache > limit {
        warn(
            "effective_cache_size",
            format!(
                "effective_cache_size tells the planner of {} of cache, and the container may use {} in all, the page cache \
                 included: at most {} beside shared_buffers of {}. The planner takes reads for cached that go to the disk.",
                human_bytes(cache),
                human_bytes(limit),
                human_bytes(limit.saturating_sub(shared)),
                human_bytes(shared),
            ),
        );
    }
    let sorts = work * DEFAULT_CONNECTIONS * NODES;
    let left = limit.saturating_sub(shared);
    if sorts > left {
        warn(
            "work_mem",
            format!(
                "work_mem of {} × {DEFAULT_CONNECTIONS} connections (PostgreSQL's default; the seed sets none) × {NODES} sorts a \
                 statement = {}, twice that for hashes (hash_mem_multiplier {HASH_MULTIPLIER}), and the container has {} beside \
                 shared_buffers: {} sorts at once fill it, or {} hashes. With the {} connections asked for it is {}.",
                human_bytes(work),
                human_bytes(sorts),
                human_bytes(left),
                left / work.max(1),
                left / (work * HASH_MULTIPLIER).max(1),
                machine.connections,
                human_bytes(work * u64::from(machine.connections) * NODES),
            ),
        );
    }
    let redis_limit = plan.resources(Service::Redis).memory_limit;
    let data = plan.redis("maxmemory").and_then(|setting| setting.value.bytes()).unwrap_or_default();
    if data * 4 > redis_limit * 3 {
        warn(
            "maxmemory",
            format!(
                "maxmemory of {} under a limit of {} leaves {} ({:.0}%) for fragmentation, connections' buffers and what is \
                 being freed: at a fragmentation of {:.2} the kernel ends Redis while it is within maxmemory, and a full \
                 synchronisation of a replica copies pages on top. Three quarters of the limit would be {}.",
                human_bytes(data),
                human_bytes(redis_limit),
                human_bytes(redis_limit.saturating_sub(data)),
                redis_limit.saturating_sub(data) as f64 * 100.0 / redis_limit as f64,
                redis_limit as f64 / data.max(1) as f64,
                human_bytes(whole_mib(redis_limit / 4 * 3)),
            ),
        );
    }
    warn(
        "redis.conf",
        "the seed writes comments behind values; Redis takes those words as further arguments and does not start. Here \
         comments stand in lines of their own."
            .to_owned(),
    );
    warnings
}
