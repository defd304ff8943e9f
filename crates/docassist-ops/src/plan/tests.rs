//! The seed's values exactly, and laws of the defended profile.

use proptest::prelude::*;

use super::*;
use crate::machine::{Disk, EXTREMES, LEAST_MEMORY};
use crate::quantity::{GIB, MIB, TIB};

fn machine(memory: u64, millicpus: u32, disk: Disk, connections: u32) -> Machine {
    Machine::new(memory, millicpus, disk, connections).unwrap()
}

fn seed() -> Plan {
    plan(machine(8 * GIB, 7000, Disk::Ssd, 50), Profile::Seed)
}

#[test]
fn the_seeds_values_are_exact() {
    let plan = seed();
    let postgres: Vec<String> = plan.postgres.iter().map(|s| format!("{} = {}", s.name, s.value.postgres())).collect();
    assert_eq!(
        postgres,
        [
            "shared_buffers = 2GB",
            "effective_cache_size = 6GB",
            "maintenance_work_mem = 512MB",
            "work_mem = 64MB",
            "random_page_cost = 1.1",
            "effective_io_concurrency = 200",
            "wal_buffers = 16MB",
            "checkpoint_completion_target = 0.9",
            "max_wal_size = 2GB",
            "log_min_duration_statement = 1000",
            "shared_preload_libraries = 'pg_stat_statements'",
        ]
    );
    let redis: Vec<String> = plan.redis.iter().map(|s| format!("{} {}", s.name, s.value.redis())).collect();
    assert_eq!(
        redis,
        [
            "maxmemory 2gb",
            "maxmemory-policy allkeys-lru",
            "maxmemory-samples 5",
            "save \"\"",
            "appendonly no",
            "timeout 300",
            "tcp-keepalive 60",
            "lazyfree-lazy-eviction yes",
        ]
    );
    let total = plan.total();
    assert_eq!(total.memory_limit, (4096 + 2500 + 4096 + 2048) * MIB);
    assert_eq!(total.memory_reserved, 6 * GIB);
    assert_eq!((total.millicpus_limit, total.millicpus_reserved), (7000, 3500));
}

#[test]
fn the_seeds_tensions_are_told_with_numbers() {
    let warnings = seed().warnings;
    let told = |about: &str| {
        warnings.iter().find(|warning| warning.about == about).map(|warning| warning.text.as_str()).unwrap_or_default()
    };
    assert!(told("limits").contains("12.4 GB") && told("limits").contains("8 GB"), "{}", told("limits"));
    assert!(told("effective_cache_size").contains("6 GB") && told("effective_cache_size").contains("4 GB"));
    assert!(told("work_mem").contains("64 MB × 100 connections") && told("work_mem").contains("= 12.5 GB"));
    assert!(told("maxmemory").contains("452 MB (18%)") && told("maxmemory").contains("1.22"), "{}", told("maxmemory"));
}

#[test]
fn every_setting_says_why_and_how() {
    for profile in [Profile::Defended, Profile::Seed] {
        for (memory, millicpus) in EXTREMES {
            let plan = plan(machine(memory, millicpus, Disk::Ssd, 20), profile);
            for setting in plan.postgres.iter().chain(&plan.redis).chain(&plan.qdrant).chain(&plan.api) {
                assert!(setting.why.ends_with('.') && setting.why.len() > 20, "{}: {}", setting.name, setting.why);
                assert!(!setting.formula.is_empty(), "{}", setting.name);
            }
            for service in &plan.services {
                assert!(!service.memory_why.is_empty() && !service.cpu_formula.is_empty());
            }
        }
    }
}

#[test]
fn the_usual_machine_has_values_one_can_look_at() {
    let plan = plan(machine(8 * GIB, 7000, Disk::Ssd, 50), Profile::Defended);
    let of = |name: &str| plan.postgres(name).unwrap().value.postgres();
    let of_redis = plan.redis("maxmemory").unwrap().value.redis();
    assert_eq!(
        [of("shared_buffers"), of("effective_cache_size"), of("work_mem"), of("maintenance_work_mem"), of_redis],
        ["716MB", "1791MB", "5MB", "134MB", "537mb"]
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

/// Amounts of a plan that must not shrink on a larger machine.
fn amounts(plan: &Plan) -> Vec<(String, u64)> {
    let settings = plan.postgres.iter().chain(&plan.redis).chain(&plan.api);
    let mut amounts: Vec<_> =
        settings.filter_map(|setting| Some((setting.name.to_owned(), setting.value.bytes()?))).collect();
    for service in &plan.services {
        amounts.push((service.service.as_str().to_owned(), service.resources.memory_limit));
        amounts.push((format!("{} reserved", service.service.as_str()), service.resources.memory_reserved));
    }
    amounts
}

fn disks() -> impl Strategy<Value = Disk> {
    prop_oneof![Just(Disk::Ssd), Just(Disk::Hdd)]
}

/// As many small machines as huge ones.
fn memories() -> impl Strategy<Value = u64> {
    (29.0_f64..44.0).prop_map(|exponent| (exponent.exp2() as u64).clamp(LEAST_MEMORY, 16 * TIB))
}

proptest! {
    #[test]
    fn limits_fit_the_machine(memory in memories(), millicpus in 100_u32..200_000, disk in disks(), connections in 1_u32..5000) {
        let plan = plan(machine(memory, millicpus, disk, connections), Profile::Defended);
        let total = plan.total();
        prop_assert!(total.memory_limit <= memory - (memory / 8).clamp(128 * MIB, 8 * GIB));
        prop_assert!(total.memory_reserved <= total.memory_limit);
        prop_assert!(total.millicpus_reserved <= millicpus);
        for service in &plan.services {
            prop_assert!(service.resources.millicpus_limit <= millicpus);
            prop_assert!(service.resources.millicpus_reserved <= service.resources.millicpus_limit);
            prop_assert!(service.resources.memory_limit > 0);
        }
    }

    #[test]
    fn values_hold_within_the_containers(memory in memories(), millicpus in 100_u32..200_000, disk in disks(), connections in 1_u32..5000) {
        let plan = plan(machine(memory, millicpus, disk, connections), Profile::Defended);
        let of = |name: &str| plan.postgres(name).and_then(|setting| setting.value.bytes()).unwrap();
        let limit = plan.resources(Service::Postgres).memory_limit;
        // Never below PostgreSQL's own default.
        prop_assert!(of("work_mem") >= 4 * MIB);
        prop_assert!(of("shared_buffers") * 4 <= limit);
        prop_assert!(of("effective_cache_size") <= limit);
        let redis = plan.redis("maxmemory").and_then(|setting| setting.value.bytes()).unwrap();
        prop_assert!(redis * 4 <= plan.resources(Service::Redis).memory_limit * 3);
        let most = plan.postgres("max_connections").and_then(|setting| setting.value.integer()).unwrap();
        prop_assert!(most > i64::from(connections));
        // All sorts and hashes of all connections, and maintenance, beside shared buffers: within the limit, or told.
        let sorts = of("work_mem") * u64::try_from(most).unwrap() * 4;
        let worst = of("shared_buffers") + sorts + of("maintenance_work_mem") + of("autovacuum_work_mem") * 3;
        prop_assert!(worst <= limit || plan.warnings.iter().any(|warning| warning.about == "work_mem"));
    }

    #[test]
    fn more_memory_never_gives_less(memory in memories(), more in 0_u64..(64 * MIB), millicpus in 100_u32..200_000, disk in disks(), connections in 1_u32..5000) {
        for profile in [Profile::Defended, Profile::Seed] {
            let small = amounts(&plan(machine(memory, millicpus, disk, connections), profile));
            let large = amounts(&plan(machine((memory + more).min(16 * TIB), millicpus, disk, connections), profile));
            for ((name, less), (_, more)) in small.iter().zip(&large) {
                prop_assert!(less <= more, "{name}: {less} on the smaller machine, {more} on the larger");
            }
        }
    }
}
