//! The compose file, as Docker reads it.

use docassist_ops::plan::Service;
use docassist_ops::quantity::{GIB, MIB, parse_bytes, parse_thousandths};
use docassist_ops::{Disk, Machine, Plan, Profile, plan};
use serde_json::Value;

const SCHEMA: &str = include_str!("compose.schema.json");

fn plans() -> Vec<Plan> {
    let of = |memory, cpus, profile| plan(Machine::new(memory, cpus, Disk::Ssd, 20).unwrap(), profile);
    let mut plans = vec![crate::of(Profile::Seed), crate::of(Profile::Defended)];
    for profile in [Profile::Defended, Profile::Seed] {
        plans.extend([of(512 * MIB, 1000, profile), of(1024 * GIB, 128_000, profile), of(3 * GIB + 1, 1999, profile)]);
    }
    plans
}

fn compose(plan: &Plan) -> Value {
    serde_norway::from_str(&crate::text(plan, "docker-compose.yml")).unwrap()
}

#[test]
fn it_is_what_the_schema_allows_and_nothing_else() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for plan in plans() {
        let compose = compose(&plan);
        let errors: Vec<String> =
            validator.iter_errors(&compose).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn the_schema_refuses_what_is_not_listed() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    type Change = fn(&mut Value);
    let changes: [Change; 7] = [
        |compose| compose["services"]["api"]["privileged"] = true.into(),
        |compose| compose["services"]["redis"]["image"] = "redis:latest".into(),
        |compose| compose["services"]["postgres"]["user"] = "0:0".into(),
        |compose| compose["services"]["qdrant"]["ports"] = serde_json::json!(["6333:6333"]),
        |compose| compose["secrets"]["redis_password"]["file"] = "./redis_password".into(),
        |compose| compose["services"]["api"]["deploy"]["resources"]["limits"]["memory"] = "lots".into(),
        |compose| {
            compose["services"]["postgres"].as_object_mut().unwrap().remove("healthcheck");
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut compose = compose(&crate::of(Profile::Seed));
        change(&mut compose);
        assert!(!validator.is_valid(&compose), "change {at} is allowed");
    }
}

/// Memory in bytes and processors in thousandths, of limits or reservations of all services.
fn sum(compose: &Value, kind: &str) -> (u64, u64) {
    let services = compose["services"].as_object().unwrap();
    services.values().fold((0, 0), |(memory, cpus), service| {
        let of = &service["deploy"]["resources"][kind];
        (
            memory + parse_bytes(of["memory"].as_str().unwrap()).unwrap(),
            cpus + parse_thousandths(of["cpus"].as_str().unwrap()).unwrap(),
        )
    })
}

#[test]
fn the_seeds_totals_are_exact() {
    let compose = compose(&crate::of(Profile::Seed));
    // 12.5 GB as the seed counts: 4 + 2.5 + 4 + 2, where 2.5 is written 2500M.
    assert_eq!(sum(&compose, "limits"), ((4096 + 2500 + 4096 + 2048) * MIB, 7000));
    assert_eq!(sum(&compose, "reservations"), (6 * GIB, 3500));
    let of = |service: &str, kind: &str| {
        let resources = &compose["services"][service]["deploy"]["resources"][kind];
        format!("{} {}", resources["memory"].as_str().unwrap(), resources["cpus"].as_str().unwrap())
    };
    assert_eq!([of("postgres", "limits"), of("postgres", "reservations")], ["4G 2", "2G 1"]);
    assert_eq!([of("redis", "limits"), of("redis", "reservations")], ["2500M 1", "1G 0.5"]);
    assert_eq!([of("qdrant", "limits"), of("qdrant", "reservations")], ["4G 2", "2G 1"]);
    assert_eq!([of("api", "limits"), of("api", "reservations")], ["2G 2", "1G 1"]);
}

#[test]
fn limits_are_the_plans() {
    for plan in plans() {
        let total = plan.total();
        let compose = compose(&plan);
        assert_eq!(sum(&compose, "limits"), (total.memory_limit, total.millicpus_limit.into()));
        assert_eq!(sum(&compose, "reservations"), (total.memory_reserved, total.millicpus_reserved.into()));
        let services: Vec<&str> = compose["services"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(services, Service::ALL.map(Service::as_str));
    }
}

#[test]
fn what_is_used_is_declared() {
    let compose = compose(&crate::of(Profile::Defended));
    for service in compose["services"].as_object().unwrap().values() {
        for secret in service["secrets"].as_array().unwrap() {
            assert!(compose["secrets"].get(secret.as_str().unwrap()).is_some(), "{secret}");
        }
        for network in service["networks"].as_array().unwrap() {
            assert!(compose["networks"].get(network.as_str().unwrap()).is_some(), "{network}");
        }
        for volume in service["volumes"].as_array().unwrap() {
            let name = volume.as_str().unwrap().split(':').next().unwrap();
            assert!(name.starts_with("./") || compose["volumes"].get(name).is_some(), "{name}");
        }
    }
    let files = docassist_ops::render(&crate::of(Profile::Defended));
    let example = crate::text(&crate::of(Profile::Defended), ".env.example");
    let text = crate::text(&crate::of(Profile::Defended), "docker-compose.yml");
    for mount in text.lines().filter_map(|line| line.trim().strip_prefix("- ./")) {
        let path = mount.split(':').next().unwrap();
        assert!(files.iter().any(|file| file.path == path || file.path.starts_with(&format!("{path}/"))), "{path}");
    }
    for variable in text.split("${").skip(1).filter_map(|rest| rest.split_once(":?")).map(|(name, _)| name) {
        assert!(example.lines().any(|line| line.starts_with(&format!("{variable}="))), "{variable}");
    }
}
