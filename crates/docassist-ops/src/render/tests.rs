//! What holds for every file that is written.

use super::*;
use crate::machine::{Disk, EXTREMES, Machine};
use crate::metrics::{UP, find, metric_names};
use crate::plan::{Profile, plan};

fn plans() -> Vec<Plan> {
    let mut plans = Vec::new();
    for (memory, millicpus) in EXTREMES {
        for disk in [Disk::Ssd, Disk::Hdd] {
            for profile in [Profile::Defended, Profile::Seed] {
                plans.push(plan(Machine::new(memory, millicpus, disk, 50).unwrap(), profile));
            }
        }
    }
    plans
}

#[test]
fn equal_plans_give_equal_bytes_and_no_drift() {
    for plan in plans() {
        let files = render(&plan);
        assert_eq!(files, render(&plan));
        let existing = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.clone());
        assert_eq!(diff(&files, existing), []);
        assert_eq!(diff(&files, |_| None).len(), files.len());
    }
}

#[test]
fn files_are_plain_and_tell_how_they_are_written() {
    for plan in plans() {
        for File { path, text, .. } in render(&plan) {
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}");
            assert!(text.contains("docassist tune"), "{path}");
            for line in text.lines() {
                assert_eq!(line.trim_end(), line, "{path}: a space at the end");
                assert!(!line.contains('\t'), "{path}: a tab");
            }
        }
    }
}

#[test]
fn no_file_has_a_password() {
    for plan in plans() {
        for File { path, text, .. } in render(&plan) {
            for line in text.lines().map(|line| line.trim().to_ascii_lowercase()) {
                for word in ["password:", "password=", "api_key:", "api_key=", "secret:", "requirepass "] {
                    let Some((_, value)) = line.split_once(word) else { continue };
                    assert!(
                        value.is_empty()
                            || value.starts_with(['%', '/', '"'])
                            || line.starts_with('#')
                            || path.ends_with(".service"),
                        "{path}: {line}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_setting_has_its_reason_above_it() {
    for plan in plans() {
        for (text, count) in
            [(postgresql::render(&plan), plan.postgres.len()), (redis::render(&plan), plan.redis.len())]
        {
            let lines: Vec<&str> = text.lines().collect();
            let mut settings = 0;
            for pair in lines.windows(2) {
                if !pair[1].is_empty() && !pair[1].starts_with('#') {
                    settings += 1;
                    assert!(pair[0].starts_with("# "), "{} has no reason", pair[1]);
                }
            }
            assert_eq!(settings, count);
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    for plan in plans() {
        let postgres = postgresql_conf(&plan);
        assert_eq!(
            (postgres.entries.len(), postgres.problems.len()),
            (plan.postgres.len(), 0),
            "{:?}",
            postgres.problems
        );
        let redis = redis_conf(&plan);
        assert_eq!((redis.entries.len(), redis.problems.len()), (plan.redis.len(), 0), "{:?}", redis.problems);
    }
}

#[test]
fn expressions_read_metrics_that_there_are() {
    let expressions: Vec<String> = dashboard_queries().into_iter().chain(alert_expressions()).collect();
    assert!(expressions.len() > 60);
    for expression in &expressions {
        let names = metric_names(expression);
        assert!(!names.is_empty(), "{expression}");
        for name in names {
            assert!(name == UP || find(&name).is_some(), "{name} in {expression}");
        }
    }
}

#[test]
fn what_the_backends_tell_is_shown() {
    use crate::metrics::{METRICS, Origin};
    let shown: Vec<String> = dashboard_queries().iter().flat_map(|query| metric_names(query)).collect();
    for metric in METRICS.iter().filter(|metric| metric.origin != Origin::Service) {
        assert!(shown.iter().any(|name| name == metric.name), "{metric} is on no panel");
    }
}

#[test]
fn comments_are_wrapped_between_words() {
    let text = comment("  ", &"word ".repeat(60));
    assert!(text.lines().count() > 2);
    assert!(text.lines().all(|line| line.starts_with("  # word") && line.chars().count() <= WIDTH), "{text}");
}
