//! Licences, banned crates and sources of dependencies, by `deny.toml`.
//!
//! `cargo deny` knows more, and is used where it is installed. A fresh machine gets the same three answers from
//! `cargo metadata`, so that nobody has to build another tool first.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::spdx;
use crate::workspace;

/// The one registry that dependencies may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Checks the dependencies.
pub(super) fn check() -> Result<()> {
    let installed = workspace::cargo().args(["deny", "--version"]).output().is_ok_and(|output| output.status.success());
    if installed {
        let arguments = ["deny", "--offline", "check", "licenses", "bans", "sources"];
        return super::command(workspace::cargo().args(arguments), "cargo deny has found something");
    }
    let policy = Policy::read(&fs::read_to_string(workspace::root().join("deny.toml")).context("no deny.toml")?)?;
    let (checked, faults) = policy.judge(&workspace::resolved()?)?;
    println!("cargo-deny is not installed; {checked} dependencies were checked without it");
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// What `deny.toml` says, as far as it is checked here.
struct Policy {
    licences: BTreeSet<String>,
    banned: BTreeSet<String>,
}

impl Policy {
    fn read(text: &str) -> Result<Self> {
        let licences: BTreeSet<String> = list(text, "licenses", "allow").into_iter().collect();
        if licences.is_empty() {
            bail!("deny.toml allows no licence: `allow` in `[licenses]` is missing or empty");
        }
        Ok(Self { licences, banned: list(text, "bans", "deny").into_iter().collect() })
    }

    /// How many packages were looked at, and what is wrong with them.
    fn judge(&self, metadata: &Value) -> Result<(usize, Vec<String>)> {
        let packages = metadata["packages"].as_array().context("`cargo metadata` without packages")?;
        let mut faults = Vec::new();
        let mut checked = 0;
        for package in packages {
            // What has no source lies in this workspace.
            let Some(source) = package["source"].as_str() else { continue };
            checked += 1;
            let text = |field: &str| package[field].as_str().unwrap_or_default();
            let name = format!("{} {}", text("name"), text("version"));
            if source != REGISTRY {
                faults.push(format!("{name} comes from {source}, not from crates.io"));
            }
            if self.banned.contains(text("name")) {
                faults.push(format!("{name} is banned"));
            }
            match spdx::satisfied(text("license"), &self.licences) {
                Ok(true) => {}
                Ok(false) => faults.push(format!("{name} has the licence {}, which is not allowed", text("license"))),
                Err(error) => faults.push(format!("{name}: {error:#}")),
            }
        }
        Ok((checked, faults))
    }
}

/// The strings of a list in a section of a TOML file; of inline tables those of the keys `crate` and `name`. Just enough
/// TOML for our own `deny.toml`, which a parser would need a dependency for.
fn list(text: &str, section: &str, key: &str) -> Vec<String> {
    let (mut inside, mut open) = (false, false);
    let mut found = Vec::new();
    for line in text.lines() {
        let line = without_comment(line).trim();
        if !open && line.starts_with('[') {
            inside = line == format!("[{section}]");
            continue;
        }
        let mut rest = line;
        if inside && !open {
            let Some((name, value)) = line.split_once('=') else { continue };
            let Some(value) = value.trim().strip_prefix('[').filter(|_| name.trim() == key) else { continue };
            (open, rest) = (true, value);
        }
        if open {
            open = !outside_strings(rest).contains(']');
            // Odd pieces between quotes are the strings; in a table only those after `crate =` or `name =` count.
            let pieces: Vec<&str> = rest.split('"').collect();
            for pair in pieces.chunks_exact(2) {
                let before = pair[0].trim_end();
                let label = before.strip_suffix('=').map(|label| label.trim_end().to_owned());
                if label.is_none_or(|label| label.ends_with("crate") || label.ends_with("name")) {
                    found.push(pair[1].to_owned());
                }
            }
        }
    }
    found
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

fn outside_strings(line: &str) -> String {
    line.split('"').step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOML: &str = r#"
        [graph]
        targets = ["x"]
        [licenses]
        allow = [
            "MIT", # everywhere
            # "GPL-3.0-only",
            "Apache-2.0",
        ]
        confidence-threshold = 0.9
        [bans]
        allow = ["other"]
        deny = [
            { crate = "openssl", reason = "the system's [TLS] is not ours" },
            "git2",
        ]
        [sources]
        deny = ["not-a-crate"]
    "#;

    #[test]
    fn the_policy_is_read() {
        let policy = Policy::read(TOML).unwrap();
        assert_eq!(policy.licences, BTreeSet::from(["MIT", "Apache-2.0"].map(str::to_owned)));
        assert_eq!(policy.banned, BTreeSet::from(["openssl", "git2"].map(str::to_owned)));
        assert!(Policy::read("[licenses]\n").is_err());
    }

    #[test]
    fn licences_sources_and_bans_are_judged() {
        let package = |name: &str, licence: Option<&str>, source: Option<&str>| json!({"name": name, "version": "1.0.0", "license": licence, "source": source});
        let metadata = json!({"packages": [
            package("ours", None, None),
            package("good", Some("MIT/Apache-2.0"), Some(REGISTRY)),
            package("copyleft", Some("GPL-3.0-only"), Some(REGISTRY)),
            package("silent", None, Some(REGISTRY)),
            package("elsewhere", Some("MIT"), Some("git+https://example.org/x")),
            package("git2", Some("MIT"), Some(REGISTRY)),
        ]});
        let (checked, faults) = Policy::read(TOML).unwrap().judge(&metadata).unwrap();
        assert_eq!(checked, 5);
        let names: Vec<&str> = faults.iter().filter_map(|fault| fault.split(' ').next()).collect();
        assert_eq!(names, ["copyleft", "silent", "elsewhere", "git2"]);
    }

    #[test]
    fn our_own_policy_is_readable() {
        let text = fs::read_to_string(workspace::root().join("deny.toml")).unwrap();
        assert!(Policy::read(&text).unwrap().licences.contains("MIT"));
    }
}
