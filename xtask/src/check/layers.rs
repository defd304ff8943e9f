//! The direction of dependencies: downwards only, and what some crates must not know of.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace;

/// The crates from top to bottom. A crate may depend on those of later rows, and on no sibling in its own.
const LAYERS: &[&[&str]] = &[
    &["docassist"],
    &["docassist-server"],
    &["docassist-app"],
    &[
        "docassist-cache",
        "docassist-sources",
        "docassist-store",
        "docassist-search",
        "docassist-embed",
        "docassist-ops",
        "docassist-graph",
    ],
    &["docassist-model"],
];
/// Builds on the model; every other crate may use it in tests, and only there.
const TESTING: &str = "docassist-testing";
/// Builds on an engine; for tests only as well.
const TESTING_QDRANT: &str = "docassist-testing-qdrant";
/// Shares no code with what it verifies: of this workspace it knows the test data only.
const XTASK: &str = "xtask";
const MODEL: &str = "docassist-model";

/// What a crate must not depend on directly, except in tests.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("docassist", &["rusqlite", "postgres", "sqlx", "tokio-postgres", "gix"]),
    ("docassist-server", &["rusqlite", "postgres", "sqlx", "tokio-postgres", "gix", "fred", "redis"]),
    ("docassist-app", &["axum", "hyper", "comfy-table", "indicatif", "rusqlite", "postgres", "redis"]),
    ("docassist-store", &["axum", "hyper", "gix"]),
    ("docassist-search", &["axum", "hyper", "rusqlite", "sqlx"]),
    ("docassist-model", &["tokio", "rusqlite", "sqlx", "gix", "axum", "reqwest"]),
];

/// What the analyses must not depend on, nor anything that they depend on: they are pure functions.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "fred",
    "fs-err",
    "fs4",
    "gix",
    "hyper",
    "memmap2",
    "mio",
    "postgres",
    "redis",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "tokio-postgres",
    "ureq",
    "walkdir",
];
const PURE: &str = "docassist-graph";

/// Checks the workspace.
pub(super) fn check() -> Result<()> {
    let mut faults = direct(&workspace::members()?)?;
    faults.extend(impure(&workspace::resolved()?)?);
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// A crate's place from the top, or none if the table lacks it.
fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&name))
}

fn may_depend(from: &str, to: &str, in_tests: bool) -> bool {
    match (from, to) {
        (XTASK, _) => to == TESTING || to == MODEL,
        (_, XTASK) => false,
        (_, TESTING | TESTING_QDRANT) => in_tests,
        (TESTING, _) => to == MODEL,
        (TESTING_QDRANT, _) => false,
        _ => layer(from) < layer(to),
    }
}

/// Faults in what the manifests ask for.
fn direct(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("`cargo metadata` without packages")?;
    let name = |package: &Value| package["name"].as_str().unwrap_or_default().to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    let mut faults = Vec::new();
    for package in packages {
        let from = name(package);
        if layer(&from).is_none() && ![TESTING, TESTING_QDRANT, XTASK].contains(&from.as_str()) {
            faults.push(format!("{from} has no place in the table of layers (xtask/src/check/layers.rs)"));
            continue;
        }
        let forbidden = FORBIDDEN.iter().find(|(crate_name, _)| *crate_name == from).map_or(&[][..], |(_, list)| list);
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = name(dependency);
            let in_tests = dependency["kind"] == "dev";
            if members.contains(&to) {
                if !may_depend(&from, &to, in_tests) {
                    faults.push(format!(
                        "{from} must not depend on {to}{}",
                        if in_tests { ", in tests neither" } else { "" }
                    ));
                }
            } else if !in_tests && forbidden.contains(&to.as_str()) {
                faults.push(format!("{from} must not depend on {to}: that is another crate's knowledge"));
            }
        }
    }
    Ok(faults)
}

/// Ways from the pure crate to something impure, in the resolved tree.
fn impure(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("`cargo metadata` without packages")?;
    let names: BTreeMap<&str, &str> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?))).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().context("`cargo metadata` without a resolved tree")?;
    let nodes: BTreeMap<&str, &Value> = nodes.iter().filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let Some((start, _)) = names.iter().find(|(_, name)| **name == PURE) else { return Ok(Vec::new()) };

    let mut reached: BTreeMap<&str, String> = BTreeMap::from([(*start, PURE.to_owned())]);
    let mut pending = VecDeque::from([*start]);
    let mut faults = Vec::new();
    while let Some(id) = pending.pop_front() {
        let way = reached[id].clone();
        for dependency in nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array().map_or(&[][..], Vec::as_slice);
            // A build script or a test may do what the crate itself may not.
            let linked = kinds.iter().any(|kind| kind["kind"].is_null());
            let Some(to) = dependency["pkg"].as_str().filter(|to| linked && !reached.contains_key(to)) else {
                continue;
            };
            let name = names.get(to).copied().unwrap_or(to);
            let way = format!("{way} → {name}");
            if IMPURE.contains(&name) || name.starts_with("gix-") {
                faults.push(format!("{PURE} must do no I/O and know no runtime: {way}"));
            }
            reached.insert(to, way);
            pending.push_back(to);
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(from: &str, to: &str, kind: Option<&str>) -> usize {
        let members =
            ["docassist", "docassist-app", "docassist-store", "docassist-graph", MODEL, TESTING, TESTING_QDRANT, XTASK];
        let mut packages: Vec<Value> = members
            .iter()
            .filter(|name| **name != from)
            .map(|name| json!({"name": name, "dependencies": []}))
            .collect();
        packages.push(json!({"name": from, "dependencies": [{"name": to, "kind": kind}]}));
        direct(&json!({ "packages": packages })).unwrap().len()
    }

    #[test]
    fn dependencies_run_downwards() {
        assert_eq!(faults("docassist", "docassist-app", None), 0);
        assert_eq!(faults("docassist-app", "docassist-graph", None), 0);
        assert_eq!(faults("docassist-graph", MODEL, None), 0);
        assert_eq!(faults("docassist-graph", "docassist-app", None), 1);
        assert_eq!(faults("docassist-store", "docassist-graph", None), 1, "siblings");
        assert_eq!(faults("docassist-store", "docassist-graph", Some("dev")), 1, "siblings in tests");
        assert_eq!(faults("docassist-new", MODEL, None), 1, "a crate without a place");
    }

    #[test]
    fn test_data_is_for_tests() {
        assert_eq!(faults("docassist-app", TESTING, Some("dev")), 0);
        assert_eq!(faults(MODEL, TESTING, Some("dev")), 0);
        assert_eq!(faults("docassist-app", TESTING_QDRANT, Some("dev")), 0);
        assert_eq!(faults("docassist-app", TESTING_QDRANT, None), 1);
        assert_eq!(faults(XTASK, TESTING_QDRANT, None), 1, "it waits for no engine to be built");
        assert_eq!(faults("docassist-app", TESTING, None), 1);
        assert_eq!(faults(XTASK, TESTING, None), 0);
        assert_eq!(faults(XTASK, "docassist-graph", None), 1, "the verifier shares no code with the program");
        assert_eq!(faults(TESTING, "docassist-store", None), 1);
    }

    #[test]
    fn knowledge_stays_where_it_belongs() {
        assert_eq!(faults("docassist", "rusqlite", None), 1);
        assert_eq!(faults("docassist", "gix", Some("dev")), 0);
        assert_eq!(faults("docassist-store", "rusqlite", None), 0);
    }

    #[test]
    fn the_analyses_are_pure_all_the_way_down() {
        let tree = |kind: Value| {
            json!({
                "packages": [{"id": "g", "name": PURE}, {"id": "m", "name": "between"}, {"id": "t", "name": "tokio"}],
                "resolve": {"nodes": [
                    {"id": "g", "deps": [{"pkg": "m", "dep_kinds": [{"kind": null}]}]},
                    {"id": "m", "deps": [{"pkg": "t", "dep_kinds": [{"kind": kind}]}]},
                    {"id": "t", "deps": []},
                ]},
            })
        };
        let found = impure(&tree(Value::Null)).unwrap();
        assert_eq!(found, ["docassist-graph must do no I/O and know no runtime: docassist-graph → between → tokio"]);
        assert!(impure(&tree(json!("dev"))).unwrap().is_empty());
    }
}
