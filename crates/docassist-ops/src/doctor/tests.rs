//! Every setting that is written is told when a running server has another value, and none when it has the same.

use std::collections::BTreeMap;

use super::*;
use crate::catalogue::{self, Kind, Takes};
use crate::conf::Conf;
use crate::findings::{Finding, Verdict, worst};
use crate::machine::{Disk, Machine};
use crate::plan::{Plan, Profile, Value, plan};
use crate::quantity::{GIB, KIB, MIB};
use crate::render::{postgresql_conf, redis_conf};

fn plans() -> [Plan; 3] {
    let of = |memory, disk, profile| plan(Machine::new(memory, 7000, disk, 50).unwrap(), profile);
    [
        of(8 * GIB, Disk::Ssd, Profile::Defended),
        of(8 * GIB, Disk::Ssd, Profile::Seed),
        of(700 * MIB, Disk::Hdd, Profile::Defended),
    ]
}

/// The row of `pg_settings` that a server has which runs with this value.
fn row(name: &str, value: &Value) -> PostgresSetting {
    let known = catalogue::postgres(name).unwrap();
    let unit = match known.kind {
        Kind::Integer { unit, .. } => unit,
        _ => "",
    };
    let size = match unit {
        "8kB" => 8 * KIB,
        "kB" => KIB,
        "MB" => MIB,
        "s" => 1000,
        _ => 1,
    };
    let setting = match value {
        Value::Bytes(amount) | Value::Milliseconds(amount) => (amount / size).to_string(),
        Value::Switch(on) => if *on { "on" } else { "off" }.to_owned(),
        other => other.plain(),
    };
    PostgresSetting {
        reset_val: setting.clone(),
        setting,
        unit: unit.to_owned(),
        source: "configuration file".to_owned(),
        ..PostgresSetting::default()
    }
}

fn postgres(plan: &Plan) -> PostgresLive {
    PostgresLive {
        version_num: 150_020,
        settings: plan.postgres.iter().map(|s| (s.name.to_owned(), row(s.name, &s.value))).collect(),
        extensions: vec!["plpgsql".to_owned(), "pg_stat_statements".to_owned()],
        clock_ahead_ms: Some(1),
        ..PostgresLive::default()
    }
}

fn redis(plan: &Plan) -> RedisLive {
    let mut config: BTreeMap<String, String> = BTreeMap::new();
    config.insert("requirepass".into(), "x".into());
    let mut limits = "slave 268435456 67108864 60".to_owned();
    for entry in redis_conf(plan).entries {
        // As CONFIG GET tells sizes.
        let words: Vec<String> = entry
            .value
            .split(' ')
            .map(|word| match crate::quantity::parse_bytes(word) {
                Ok(bytes) if word.ends_with('b') => bytes.to_string(),
                _ => word.to_owned(),
            })
            .collect();
        match entry.name.strip_prefix("client-output-buffer-limit ") {
            Some(class) => limits = format!("{class} {} {limits}", words.join(" ")),
            None => {
                config.insert(entry.name, words.join(" "));
            }
        }
    }
    config.insert("client-output-buffer-limit".into(), limits);
    let info = RedisLive::parse_info(
        "# Server\r\nredis_version:7.0.15\r\n\r\nrole:master\r\nmem_fragmentation_ratio:9.1\r\nused_memory:1000000\r\nrejected_connections:0\r\n",
    );
    RedisLive { config, info }
}

fn bad(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|finding| finding.verdict != Verdict::Ok).collect()
}

#[test]
fn a_server_with_these_settings_is_well() {
    for plan in plans() {
        assert_eq!(bad(check_postgres(&postgresql_conf(&plan), &postgres(&plan))), []);
        assert_eq!(bad(check_redis(&redis_conf(&plan), &redis(&plan))), []);
    }
}

/// Another value of the same kind.
fn changed(setting: &str) -> String {
    match setting {
        "on" => "off".to_owned(),
        "off" => "on".to_owned(),
        number => match number.parse::<f64>() {
            Ok(number) => (number + 1.0).to_string(),
            Err(_) => format!("{setting}x"),
        },
    }
}

#[test]
fn every_setting_of_postgres_that_was_changed_is_named_with_its_line() {
    for plan in plans() {
        let conf = postgresql_conf(&plan);
        let text = crate::render::render(&plan).into_iter().find(|file| file.path == "postgresql.conf").unwrap().text;
        for setting in &plan.postgres {
            let mut live = postgres(&plan);
            let row = live.settings.get_mut(setting.name).unwrap();
            row.setting = changed(&row.setting);
            row.reset_val.clone_from(&row.setting);
            let found = bad(check_postgres(&conf, &live));
            assert_eq!(found.len(), 1, "{}: {found:?}", setting.name);
            assert_eq!((found[0].setting.as_str(), found[0].verdict), (setting.name, Verdict::Drift));
            let line: usize = found[0]
                .place
                .as_deref()
                .and_then(|place| place.strip_prefix("deploy/postgresql.conf:"))
                .unwrap()
                .parse()
                .unwrap();
            assert!(text.lines().nth(line - 1).unwrap().starts_with(&format!("{} = ", setting.name)));
            assert!(found[0].advice.ends_with(['.', ')']), "{}", found[0].advice);
        }
    }
}

#[test]
fn every_setting_of_redis_that_was_changed_is_named_with_its_line() {
    for plan in plans() {
        let conf = redis_conf(&plan);
        let text = crate::render::render(&plan).into_iter().find(|file| file.path == "redis.conf").unwrap().text;
        for entry in &conf.entries {
            let mut live = redis(&plan);
            match entry.name.strip_prefix("client-output-buffer-limit ") {
                Some(class) => {
                    let all = live.config.get_mut("client-output-buffer-limit").unwrap();
                    *all = all.replace(&format!("{class} "), &format!("{class} 1"));
                }
                None => {
                    let value = live.config.get_mut(&entry.name).unwrap();
                    *value = if value.is_empty() { "3600 1".to_owned() } else { changed(value) };
                }
            }
            let found = bad(check_redis(&conf, &live));
            assert_eq!(found.len(), 1, "{}: {found:?}", entry.name);
            assert_eq!((found[0].setting.as_str(), found[0].verdict), (entry.name.as_str(), Verdict::Drift));
            let place = found[0].place.as_deref().unwrap();
            let line: usize = place.strip_prefix("deploy/redis.conf:").unwrap().parse().unwrap();
            assert!(text.lines().nth(line - 1).unwrap().starts_with(&entry.name), "{place}");
        }
    }
}

fn one(change: impl FnOnce(&mut PostgresLive)) -> Finding {
    let [plan, ..] = plans();
    let mut live = postgres(&plan);
    change(&mut live);
    let mut found = bad(check_postgres(&postgresql_conf(&plan), &live));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn advice_follows_from_where_a_value_comes_from() {
    let advice = |name: &str, source: &str, file: Option<&str>| {
        one(|live| {
            let row = live.settings.get_mut(name).unwrap();
            row.reset_val = changed(&row.reset_val);
            row.source = source.to_owned();
            row.sourcefile = file.map(str::to_owned);
        })
        .advice
    };
    assert!(advice("work_mem", "command line", None).contains("-c work_mem"));
    assert!(advice("work_mem", "user", None).starts_with("ALTER ROLE"));
    assert!(advice("work_mem", "default", None).contains("does not read deploy/postgresql.conf:"));
    let system = advice("work_mem", "configuration file", Some("/data/postgresql.auto.conf"));
    assert!(system.starts_with("ALTER SYSTEM RESET work_mem; then SELECT pg_reload_conf()"), "{system}");
    assert!(advice("shared_buffers", "configuration file", None).contains("restart PostgreSQL"));
}

#[test]
fn what_takes_a_restart_or_cannot_be_seen_is_told() {
    let pending = one(|live| live.settings.get_mut("shared_buffers").unwrap().pending_restart = true);
    assert_eq!((pending.verdict, pending.setting.as_str()), (Verdict::Drift, "shared_buffers"));
    let hidden = one(|live| {
        live.settings.remove("shared_preload_libraries");
    });
    assert_eq!(hidden.verdict, Verdict::Unknown);
    assert!(hidden.advice.contains("pg_monitor"));
    let unloaded = one(|live| {
        live.settings.remove("pg_stat_statements.max");
    });
    assert!(unloaded.advice.contains("shared_preload_libraries"));
}

#[test]
fn keep_alives_of_a_unix_socket_are_no_drift() {
    let [plan, ..] = plans();
    let mut live = postgres(&plan);
    live.settings.get_mut("tcp_keepalives_idle").unwrap().setting = "0".to_owned();
    assert_eq!(bad(check_postgres(&postgresql_conf(&plan), &live)), []);
}

#[test]
fn what_else_postgres_rests_on_is_looked_at() {
    let told = |change: fn(&mut PostgresLive)| {
        let finding = one(change);
        (finding.setting, finding.verdict)
    };
    assert_eq!(told(|live| live.version_num = 140_009), ("version".into(), Verdict::Drift));
    assert_eq!(told(|live| live.extensions.clear()), ("extension pg_stat_statements".into(), Verdict::Warning));
    assert_eq!(told(|live| live.is_superuser = true), ("role".into(), Verdict::Drift));
    assert_eq!(told(|live| live.bypasses_row_security = true), ("role".into(), Verdict::Drift));
    assert_eq!(told(|live| live.in_recovery = true), ("primary".into(), Verdict::Drift));
    assert_eq!(told(|live| live.clock_ahead_ms = Some(9000)), ("clock".into(), Verdict::Warning));
    assert_eq!(told(|live| live.missing_indexes.push("a".into())), ("index a".into(), Verdict::Drift));
    assert_eq!(told(|live| live.invalid_indexes.push("s.b".into())), ("index s.b".into(), Verdict::Drift));
}

#[test]
fn what_else_redis_rests_on_is_looked_at() {
    let [plan, ..] = plans();
    let told = |name: &str, value: &str| {
        let mut live = redis(&plan);
        live.info.insert("used_memory".into(), (200 * MIB).to_string());
        live.info.insert("mem_fragmentation_ratio".into(), "1.1".into());
        live.info.insert(name.to_owned(), value.to_owned());
        if name == "requirepass" {
            live.config.insert(name.to_owned(), value.to_owned());
        }
        let mut found = bad(check_redis(&redis_conf(&plan), &live));
        assert_eq!(found.len(), 1, "{found:?}");
        let finding = found.remove(0);
        (finding.setting, finding.verdict)
    };
    assert_eq!(told("redis_version", "6.2.0"), ("version".into(), Verdict::Drift));
    assert_eq!(told("role", "slave"), ("primary".into(), Verdict::Drift));
    assert_eq!(told("mem_fragmentation_ratio", "1.9"), ("fragmentation".into(), Verdict::Warning));
    assert_eq!(told("rejected_connections", "4"), ("refused connections".into(), Verdict::Warning));
    assert_eq!(told("requirepass", ""), ("password".into(), Verdict::Warning));
}

#[test]
fn a_redis_that_forbids_config_is_unknown_not_wrong() {
    let [plan, ..] = plans();
    let live = RedisLive { config: BTreeMap::new(), ..redis(&plan) };
    assert_eq!(worst(&check_redis(&redis_conf(&plan), &live)), Verdict::Unknown);
}

#[test]
fn files_that_people_wrote_are_checked_too() {
    let conf: Conf = crate::conf::parse_postgresql_conf(
        "my.conf",
        "Shared_Buffers = 262144\nwork_mem = '64MB'\nwal_compression = on\n",
    );
    let live = PostgresLive {
        settings: [("shared_buffers", "262144", "8kB"), ("work_mem", "65536", "kB"), ("wal_compression", "pglz", "")]
            .map(|(name, value, unit)| {
                let row = PostgresSetting { setting: value.into(), unit: unit.into(), ..PostgresSetting::default() };
                (name.to_owned(), row)
            })
            .into(),
        ..postgres(&plans()[0])
    };
    assert_eq!(bad(check_postgres(&conf, &live)), []);
    assert_eq!(catalogue::postgres("shared_buffers").map(|known| known.takes), Some(Takes::Restart));
}
