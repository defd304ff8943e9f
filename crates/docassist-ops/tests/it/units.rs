//! Prometheus' files and the dashboard, as those programs read them; and systemd's units.

use std::collections::BTreeSet;

use docassist_ops::render::{alert_expressions, alert_names, dashboard_queries};
use docassist_ops::{Profile, render};
use serde_json::Value;

fn yaml(path: &str) -> Value {
    serde_norway::from_str(&crate::text(&crate::of(Profile::Defended), path)).unwrap()
}

#[test]
fn every_rule_is_whole() {
    let rules: Vec<Value> = yaml("alerts.yml")["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect();
    assert_eq!(rules.len(), alert_expressions().len());
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule["alert"].as_str().unwrap()).collect();
    assert_eq!(names.len(), rules.len(), "a name is there twice");
    assert_eq!(names, alert_names().into_iter().collect());
    for rule in &rules {
        for text in [&rule["expr"], &rule["for"], &rule["annotations"]["summary"], &rule["annotations"]["action"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{rule}");
        }
        assert!(["critical", "warning"].contains(&rule["labels"]["severity"].as_str().unwrap()));
    }
}

#[test]
fn the_scrape_configuration_names_the_rules() {
    let config = yaml("prometheus.yml");
    assert_eq!(config["rule_files"][0], "alerts.yml");
    assert_eq!(config["scrape_configs"][0]["job_name"], "docassist");
    assert_eq!(config["scrape_configs"][0]["metrics_path"], "/metrics");
}

#[test]
fn the_dashboard_shows_every_query_in_a_place_of_its_own() {
    let dashboard: Value =
        serde_json::from_str(&crate::text(&crate::of(Profile::Defended), "grafana-dashboard.json")).unwrap();
    let mut places = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24);
        assert!(places.insert((place["x"].as_u64(), place["y"].as_u64())), "{panel}");
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push(target["expr"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(queries, dashboard_queries());
}

#[test]
fn the_service_is_shut_in() {
    let unit = crate::text(&crate::of(Profile::Defended), "systemd/docassist.service");
    for line in [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "CapabilityBoundingSet=",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    // A comment on the same line would be part of the value.
    for line in unit.lines().filter(|line| !line.starts_with('#')) {
        assert!(!line.contains(" # "), "{line}");
    }
}

#[test]
fn units_have_the_plans_limits() {
    let plan = crate::of(Profile::Seed);
    for (path, memory, quota) in [
        ("systemd/docassist.service", "2G", "200%"),
        ("systemd/postgresql@15-main.service.d/docassist.conf", "4G", "200%"),
        ("systemd/redis-server.service.d/docassist.conf", "2500M", "100%"),
    ] {
        let text = crate::text(&plan, path);
        for line in [format!("MemoryMax={memory}"), format!("CPUQuota={quota}")] {
            assert!(text.lines().any(|found| found == line), "{path}: {line}");
        }
    }
}

#[test]
fn there_is_no_file_that_nobody_expects() {
    let paths: Vec<String> = render(&crate::of(Profile::Defended)).into_iter().map(|file| file.path).collect();
    insta::assert_snapshot!(paths.join("\n"));
}
