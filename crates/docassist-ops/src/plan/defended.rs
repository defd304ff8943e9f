//! Values that hold in the worst case.
//!
//! The limits of all services fit the machine beside a share for the system. What PostgreSQL may use when every
//! connection sorts and every autovacuum worker runs fits its limit. Every amount grows with the machine's memory, or
//! stays.

mod budget;
mod postgres;
mod redis;

use super::{Plan, Profile, Resources, Service, ServicePlan, Setting, Value, Warning};
use crate::machine::Machine;
use crate::quantity::{GIB, MIB, cpus, human_bytes, whole_mib};
use budget::Budget;

/// Kept for the system, at least: kernel, logs, ssh, the container engine.
const LEAST_SYSTEM: u64 = 128 * MIB;
/// Kept for the system, at most: it does not grow with the machine for ever.
const MOST_SYSTEM: u64 = 8 * GIB;
/// The most that answers are worth in Redis: at 4 KiB each that is millions, each good for minutes.
const MOST_REDIS: u64 = 16 * GIB;
/// Below it the four services are better one: `docassist serve` with SQLite and its own index.
const COMFORTABLE: u64 = 2 * GIB;

pub(super) fn plan(machine: Machine) -> Plan {
    let services = services(machine);
    let resources = |service: Service| {
        services.iter().find(|entry| entry.service == service).map(|entry| entry.resources).unwrap_or_default()
    };
    let (of_postgres, of_redis) = (resources(Service::Postgres), resources(Service::Redis));
    let (of_qdrant, of_api) = (resources(Service::Qdrant), resources(Service::Api));
    let budget = Budget::new(of_postgres.memory_limit, of_postgres.millicpus_limit, machine.connections);
    let mut warnings = Vec::new();
    if machine.memory_bytes < COMFORTABLE {
        warnings.push(Warning {
            about: "limits",
            text: format!(
                "{} is little for four services. `docassist serve` alone, with SQLite and its own search index, does the same \
                 for one team in a part of it.",
                human_bytes(machine.memory_bytes)
            ),
        });
    }
    warnings.extend(budget.warning());
    Plan {
        profile: Profile::Defended,
        machine,
        postgres: postgres::settings(&budget, machine),
        redis: redis::settings(of_redis.memory_limit),
        qdrant: qdrant(of_qdrant),
        api: api(of_api),
        postgres_shm: shm(of_postgres.memory_limit),
        services,
        warnings,
    }
}

/// What is kept for the system: an eighth, between 128 MB and 8 GB.
fn system(machine: Machine) -> u64 {
    (machine.memory_bytes / 8).clamp(LEAST_SYSTEM, MOST_SYSTEM)
}

/// A service, its memory, why and how, and the percentages of the processors that are its limit and kept for it.
type Entry = (Service, u64, &'static str, String, (u32, u32));

fn services(machine: Machine) -> Vec<ServicePlan> {
    let system = system(machine);
    let usable = machine.memory_bytes - system;
    let redis = (usable / 10).min(MOST_REDIS);
    let quarter = usable / 4;
    // The rest, not a share of its own: what Redis has no use for goes to the store.
    let postgres = usable - redis - quarter - quarter;
    let of_usable = format!(
        "{} − {} for the system = {}",
        human_bytes(machine.memory_bytes),
        human_bytes(system),
        human_bytes(usable)
    );
    let entries: [Entry; 4] = [
        (
            Service::Postgres,
            postgres,
            "The store is what cannot be computed again, and its page cache counts towards the limit.",
            format!("what the others leave of {of_usable}"),
            (75, 25),
        ),
        (
            Service::Redis,
            redis,
            "Answers are small and live for minutes; a tenth holds them.",
            format!("{of_usable}; ÷ 10, at most 16 GB"),
            (100, 10),
        ),
        (
            Service::Qdrant,
            quarter,
            "Vectors and their graph are best in memory; payloads stay on the disk.",
            format!("{of_usable}; ÷ 4"),
            (75, 15),
        ),
        (
            Service::Api,
            quarter,
            "Graphs of organisations in use are in memory, and a sync reads history beside them.",
            format!("{of_usable}; ÷ 4"),
            (75, 25),
        ),
    ];
    entries
        .into_iter()
        .map(|(service, memory, memory_why, memory_formula, (limit, reserved))| {
            let memory_limit = whole_mib(memory);
            // Redis answers on one thread; a whole processor is all that it can use.
            let most = if service == Service::Redis { 1000 } else { u32::MAX };
            ServicePlan {
                service,
                resources: Resources {
                    memory_limit,
                    memory_reserved: whole_mib(memory_limit / 2),
                    millicpus_limit: percent(machine.millicpus, limit).min(most),
                    millicpus_reserved: percent(machine.millicpus, reserved).min(most),
                },
                memory_why: memory_why.to_owned(),
                memory_formula,
                cpu_why: match service {
                    Service::Redis => "Redis answers on one thread: more than one processor is of no use to it.",
                    _ => "Time of processors is shared without harm, so limits may overlap; a quarter stays for the others.",
                }
                .to_owned(),
                cpu_formula: format!("{limit}% of {} CPUs{}", cpus(machine.millicpus), if most == 1000 { ", at most 1" } else { "" }),
            }
        })
        .collect()
}

/// A part of the processors, in steps of a hundredth as Docker counts, and at least one of them.
fn percent(millicpus: u32, percent: u32) -> u32 {
    let part = u64::from(millicpus) * u64::from(percent) / 100 / 10 * 10;
    u32::try_from(part).unwrap_or(u32::MAX).max(10)
}

fn shm(limit: u64) -> Setting {
    let size = whole_mib(limit / 8).max(64 * MIB);
    Setting::computed(
        "Memory",
        "shm_size",
        Value::Bytes(size),
        "Parallel queries share hash tables there; Docker's 64 MB make them fail with `could not resize shared memory segment`. \
         It counts towards the container's limit and is used only when needed.",
        format!("limit ÷ 8 = {} ÷ 8, at least 64 MB", human_bytes(limit)),
    )
}

fn qdrant(resources: Resources) -> Vec<Setting> {
    let processors = (resources.millicpus_limit / 1000).max(1);
    vec![
        Setting::fixed(
            "Memory",
            "QDRANT__STORAGE__ON_DISK_PAYLOAD",
            Value::Switch(true),
            "Payloads are read for the few rows that are shown; memory is for vectors and their graph.",
        ),
        Setting::computed(
            "Processors",
            "QDRANT__STORAGE__PERFORMANCE__MAX_SEARCH_THREADS",
            Value::Integer(processors.into()),
            "One thread for each whole processor of the limit: Qdrant counts the machine's, and the rest would only be throttled.",
            format!("whole processors of {}, at least 1", cpus(resources.millicpus_limit)),
        ),
        Setting::computed(
            "Processors",
            "QDRANT__STORAGE__PERFORMANCE__MAX_OPTIMIZATION_THREADS",
            Value::Integer((processors / 2).max(1).into()),
            "Indexing after a sync leaves half of the processors to searches.",
            format!("{processors} ÷ 2, at least 1"),
        ),
    ]
}

fn api(resources: Resources) -> Vec<Setting> {
    let limit = resources.memory_limit;
    let of = |name, divisor, why: &str| {
        let bytes = whole_mib(limit / divisor).max(MIB);
        Setting::computed(
            "Memory",
            name,
            Value::Bytes(bytes),
            why,
            format!("limit ÷ {divisor} = {} ÷ {divisor}", human_bytes(limit)),
        )
    };
    vec![
        of(
            "graph-memory",
            2,
            "Graphs of organisations in use; those not asked for make room. The other half is for loading the next one, syncs and requests.",
        ),
        of("cache-memory", 16, "Answers that this process keeps in front of Redis."),
        Setting::computed(
            "Processors",
            "sync-workers",
            Value::Integer((resources.millicpus_limit / 2000).clamp(1, 8).into()),
            "Syncs of different organisations at the same time. Each reads history on several threads, and requests need processors too.",
            format!("{} CPUs ÷ 2, 1 to 8", cpus(resources.millicpus_limit)),
        ),
    ]
}
