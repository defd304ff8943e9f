//! `postgresql.conf`, as one would defend it.

mod fixed;

use super::budget::{Budget, FOR_SUPERUSERS, HASH_MULTIPLIER, NODES, OTHER_CONNECTIONS, VACUUM_WORKERS};
use crate::machine::{Disk, Machine};
use crate::plan::{Setting, Value};
use crate::quantity::{GIB, MIB, TIB, cpus, human_bytes, postgres_bytes, whole_mib};

const CONNECTIONS: &str = "Connections";
const MEMORY: &str = "Memory";
const PLANNER: &str = "Planner and disk";
const PARALLEL: &str = "Parallel work";
const WRITING: &str = "Writing";
const VACUUM: &str = "Vacuum";
const WATCHING: &str = "Watching";
const SAFETY: &str = "Safety";

pub(super) fn settings(budget: &Budget, machine: Machine) -> Vec<Setting> {
    let mut settings = connections(budget, machine);
    settings.extend(memory(budget, machine));
    settings.extend(planner(machine.disk));
    settings.extend(parallel(budget));
    settings.extend(writing(budget, machine.disk));
    settings.extend(vacuum(machine.disk));
    settings.extend(fixed::watching());
    settings.extend(fixed::safety());
    settings
}

fn connections(budget: &Budget, machine: Machine) -> Vec<Setting> {
    let mut settings = vec![
        Setting::computed(
            CONNECTIONS,
            "max_connections",
            Value::Integer(budget.max_connections.into()),
            "What the replicas' pools open together, and some for those who listen for changes, doctor, monitor, backup and an \
             administrator. Each is a process and a share of the memory for sorts.",
            format!("{} connections + {OTHER_CONNECTIONS}", machine.connections),
        ),
        Setting::fixed(
            CONNECTIONS,
            "superuser_reserved_connections",
            Value::Integer(FOR_SUPERUSERS.into()),
            "So many of them are kept for superusers, so that an administrator gets in when the pools have taken all others.",
        ),
    ];
    settings.extend(fixed::connections());
    settings
}

fn memory(budget: &Budget, machine: Machine) -> [Setting; 8] {
    let shared = whole_mib(budget.shared);
    let limit = human_bytes(budget.limit);
    [
        Setting::computed(
            MEMORY,
            "shared_buffers",
            Value::Bytes(shared),
            "Pages that PostgreSQL itself holds: a quarter of what the container may use, not of the machine. The page cache \
             behind it counts towards the same limit and serves the rest.",
            format!("limit ÷ 4 = {limit} ÷ 4, at most 64 GB"),
        ),
        Setting::fixed(
            MEMORY,
            "huge_pages",
            Value::Word("try"),
            "Shared buffers in huge pages where the system has set some aside: less memory for page tables, which every \
             connection has its own of. Without them it starts all the same.",
        ),
        Setting::computed(
            MEMORY,
            "work_mem",
            Value::Bytes(whole_mib(budget.work_mem)),
            "For each sort or hash of each statement. So much is there when all connections and parallel workers sort at once, \
             but never less than PostgreSQL's own default. A statement that needs more says so: SET LOCAL work_mem.",
            format!(
                "(limit − shared_buffers = {} − server {} − processes {} − maintenance {} = {}) ÷ (({} connections + {} \
                 parallel workers) × {NODES} nodes × {HASH_MULTIPLIER} hash_mem_multiplier = {}), 4 MB to 1 GB",
                human_bytes(budget.private),
                human_bytes(budget.server),
                human_bytes(budget.backends),
                human_bytes(budget.maintenance + budget.vacuum * VACUUM_WORKERS),
                human_bytes(budget.work),
                budget.max_connections,
                budget.parallel_workers,
                budget.shares,
            ),
        ),
        Setting::fixed(
            MEMORY,
            "hash_mem_multiplier",
            Value::Decimal(HASH_MULTIPLIER as f64),
            "A hash may take twice work_mem, PostgreSQL's default: it gains more from memory than a sort does. work_mem is \
             computed with it.",
        ),
        Setting::computed(
            MEMORY,
            "maintenance_work_mem",
            Value::Bytes(whole_mib(budget.maintenance)),
            "For CREATE INDEX and foreign keys, one at a time: a migration's work.",
            format!("(limit − shared_buffers) ÷ 16 = {} ÷ 16, 8 MB to 2 GB", human_bytes(budget.private)),
        ),
        Setting::computed(
            MEMORY,
            "autovacuum_work_mem",
            Value::Bytes(whole_mib(budget.vacuum)),
            "For each autovacuum worker. Without it each would take maintenance_work_mem.",
            format!(
                "(limit − shared_buffers) ÷ 16 ÷ {VACUUM_WORKERS} workers = {} ÷ 48, 4 MB to 1 GB",
                human_bytes(budget.private)
            ),
        ),
        Setting::computed(
            MEMORY,
            "effective_cache_size",
            Value::Bytes(whole_mib(budget.shared + budget.private / 2)),
            "What the planner takes to be cached: shared_buffers and what the container can really have as page cache, half of \
             the rest. Nothing is allocated.",
            format!(
                "shared_buffers + (limit − shared_buffers) ÷ 2 = {} + {} ÷ 2",
                postgres_bytes(shared),
                human_bytes(budget.private)
            ),
        ),
        Setting::computed(
            MEMORY,
            "temp_file_limit",
            Value::Bytes(whole_mib((machine.memory_bytes * 2).clamp(4 * GIB, TIB))),
            "What one connection may spill to the disk: a runaway query ends with an error before the disk is full for everybody.",
            format!("memory × 2 = {} × 2, 4 GB to 1 TB", human_bytes(machine.memory_bytes)),
        ),
    ]
}

fn planner(disk: Disk) -> [Setting; 4] {
    let (cost, reads, maintenance_reads) = match disk {
        Disk::Ssd => (1.1, 200, 100),
        Disk::Hdd => (4.0, 2, 10),
    };
    let by_disk = |name, value, why: &str| Setting::computed(PLANNER, name, value, why, format!("by the disk: {disk}"));
    [
        by_disk(
            "random_page_cost",
            Value::Decimal(cost),
            match disk {
                Disk::Ssd => "On flash a random read costs about what a sequential one does, which is 1.0.",
                Disk::Hdd => "PostgreSQL's default: a random read costs a seek, softened by what is cached.",
            },
        ),
        by_disk(
            "effective_io_concurrency",
            Value::Integer(reads),
            match disk {
                Disk::Ssd => "Reads that a bitmap scan asks for ahead: flash serves many at once.",
                Disk::Hdd => "Reads that a bitmap scan asks for ahead: a head is at one place at a time.",
            },
        ),
        by_disk(
            "maintenance_io_concurrency",
            Value::Integer(maintenance_reads),
            "The same for VACUUM and for recovery after a crash.",
        ),
        Setting::fixed(
            PLANNER,
            "jit",
            Value::Switch(false),
            "Our statements are look-ups by key and long plain reads: compiling them costs more than it saves, and is decided by \
             estimates that are often wrong.",
        ),
    ]
}

fn parallel(budget: &Budget) -> [Setting; 4] {
    let workers = budget.parallel_workers;
    let of_limit = cpus(budget.millicpus);
    let half = (workers / 2).min(4);
    [
        Setting::computed(
            PARALLEL,
            "max_worker_processes",
            Value::Integer(i64::from(workers) + 8),
            "Parallel workers, and eight for extensions and logical replication. A standby must have at least as many.",
            format!("{workers} parallel workers + 8"),
        ),
        Setting::computed(
            PARALLEL,
            "max_parallel_workers",
            Value::Integer(workers.into()),
            "One for each processor that the container may use; each sorts with a work_mem of its own, which work_mem counts.",
            format!("{of_limit} CPUs, rounded up"),
        ),
        Setting::computed(
            PARALLEL,
            "max_parallel_workers_per_gather",
            Value::Integer(half.into()),
            "One statement gets half of them at most, so that others are not left without.",
            format!("{workers} ÷ 2, at most 4"),
        ),
        Setting::computed(
            PARALLEL,
            "max_parallel_maintenance_workers",
            Value::Integer(half.into()),
            "The same for building an index; they share one maintenance_work_mem.",
            format!("{workers} ÷ 2, at most 4"),
        ),
    ]
}

fn writing(budget: &Budget, disk: Disk) -> Vec<Setting> {
    let divisor = match disk {
        Disk::Ssd => 2,
        Disk::Hdd => 4,
    };
    let most = (budget.limit / divisor).clamp(GIB, 16 * GIB);
    let buffers = (budget.shared / 32).clamp(MIB, 16 * MIB);
    let mut settings = vec![
        Setting::computed(
            WRITING,
            "wal_buffers",
            Value::Bytes(whole_mib(buffers)),
            "WAL that waits to be written: up to one whole segment, which bulk loads fill. It can be set at a start only.",
            format!("shared_buffers ÷ 32 = {} ÷ 32, 1 to 16 MB", postgres_bytes(whole_mib(budget.shared))),
        ),
        Setting::computed(
            WRITING,
            "max_wal_size",
            Value::Bytes(whole_mib(most)),
            "WAL between checkpoints: enough that a bulk load does not force one after the other, and little enough that recovery \
             after a crash, which reads all of it, takes minutes at most.",
            format!("limit ÷ {divisor} ({disk}) = {} ÷ {divisor}, 1 to 16 GB", human_bytes(budget.limit)),
        ),
        Setting::computed(
            WRITING,
            "min_wal_size",
            Value::Bytes(whole_mib(most / 4)),
            "So much WAL is kept for use again instead of being removed and made anew.",
            format!("max_wal_size ÷ 4 = {} ÷ 4", human_bytes(whole_mib(most))),
        ),
    ];
    settings.extend(fixed::writing());
    settings
}

fn vacuum(disk: Disk) -> Vec<Setting> {
    let cost = match disk {
        Disk::Ssd => 2000,
        Disk::Hdd => 200,
    };
    let mut settings = fixed::vacuum(i64::try_from(VACUUM_WORKERS).unwrap_or(3)).to_vec();
    settings.push(Setting::computed(
        VACUUM,
        "autovacuum_vacuum_cost_limit",
        Value::Integer(cost),
        match disk {
            Disk::Ssd => "Work that all workers together do before they pause: flash takes ten times PostgreSQL's cautious 200.",
            Disk::Hdd => "Work that all workers together do before they pause: PostgreSQL's default leaves a slow disk to requests.",
        },
        format!("by the disk: {disk}"),
    ));
    settings
}
