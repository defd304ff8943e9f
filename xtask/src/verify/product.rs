//! The program under test, run as its users run it.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::export::Export;
use super::gaps::Counts;

/// The program and the data folder that it works on.
pub(crate) struct Product {
    pub(crate) binary: PathBuf,
    pub(crate) data: PathBuf,
    /// Given as `--as-of` to every question.
    pub(crate) as_of: String,
}

/// A list answer, its pages joined.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) total: u64,
    pub(crate) counts: Counts,
    pub(crate) items: Vec<Value>,
    /// Pages that contradict the first one, or their own limit.
    pub(crate) faults: Vec<String>,
}

impl Product {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(&self.data).current_dir(&self.data).stdin(Stdio::null());
        // Whoever runs the verifier may have settings of their own.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("DOCASSIST_") {
                command.env_remove(variable);
            }
        }
        command
    }

    /// Runs a command whose output is not looked at.
    pub(crate) fn run(&self, arguments: &[&std::ffi::OsStr]) -> Result<()> {
        let mut command = self.command();
        command.args(arguments).stdout(Stdio::null());
        let status = command.status().with_context(|| format!("cannot start {}", self.binary.display()))?;
        if !status.success() {
            bail!("{command:?} ended with {status}");
        }
        Ok(())
    }

    /// Asks a question as of an instant (default: the one of this run) and gives the JSON answer.
    pub(crate) fn ask(&self, as_of: Option<&str>, arguments: &[&str]) -> Result<Value> {
        let mut command = self.command();
        command.args(["--as-of", as_of.unwrap_or(&self.as_of), "--json"]).args(arguments);
        let output = command.output().with_context(|| format!("cannot start {}", self.binary.display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{command:?} ended with {}:\n{}", output.status, said.trim());
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?} printed no JSON"))
    }

    /// Whether a command knows an option, by its own help.
    pub(crate) fn knows(&self, command: &[&str], option: &str) -> bool {
        let help = self.command().args(command).arg("--help").output();
        help.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(option))
    }

    /// Walks all pages of a list.
    pub(crate) fn list(&self, as_of: Option<&str>, arguments: &[&str], limit: usize) -> Result<Listing> {
        let mut listing = Listing::default();
        let mut cursor: Option<String> = None;
        for page in 0_usize.. {
            let limit_text = limit.to_string();
            let mut all = arguments.to_vec();
            all.extend(["--limit", &limit_text]);
            if let Some(cursor) = &cursor {
                all.extend(["--cursor", cursor]);
            }
            let answer = self.ask(as_of, &all)?;
            cursor = listing.add(&answer, page, limit).with_context(|| format!("`{}`", arguments.join(" ")))?;
            if cursor.is_none() {
                break;
            }
            if page * limit > listing.items.len() + 10 * limit {
                bail!("`{}` goes from page to page without end", arguments.join(" "));
            }
        }
        Ok(listing)
    }

    /// The whole graph.
    pub(crate) fn export(&self, repository: &str, tip: &std::collections::BTreeSet<String>) -> Result<Export> {
        let mut command = self.command();
        command.args(["export", "graph"]).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.binary.display()))?;
        let stdout = child.stdout.take().context("the export has no output")?;
        let export = Export::read(BufReader::new(stdout), repository, tip);
        let status = child.wait()?;
        if !status.success() {
            bail!("{command:?} ended with {status}");
        }
        export
    }
}

impl Listing {
    /// Takes in one page and gives the cursor of the next.
    fn add(&mut self, answer: &Value, page: usize, limit: usize) -> Result<Option<String>> {
        let total = answer["total"].as_u64().context("an answer without `total`")?;
        let items = answer["items"].as_array().context("an answer without `items`")?;
        let counts = counts(answer);
        if page == 0 {
            (self.total, self.counts) = (total, counts);
        } else if (total, &counts) != (self.total, &self.counts) {
            self.faults.push(format!("page {page} has other totals: {total} instead of {}", self.total));
        }
        if items.len() > limit {
            self.faults.push(format!("page {page} has {} items where {limit} were asked for", items.len()));
        }
        self.items.extend(items.iter().cloned());
        Ok(match &answer["next"] {
            Value::Null => None,
            Value::String(cursor) => Some(cursor.clone()),
            other => Some(other.to_string()),
        })
    }

    /// The items' keys.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.items.iter().map(|item| text(&item["key"])).collect()
    }
}

/// The `by_*` counts of an answer: an object of numbers each, or a list of a name and a count.
fn counts(answer: &Value) -> Counts {
    let fields = answer.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("by_"));
    fields
        .map(|(name, value)| {
            let pairs = match value {
                Value::Object(object) => object.iter().filter_map(|(k, v)| Some((k.clone(), v.as_u64()?))).collect(),
                Value::Array(entries) => entries.iter().filter_map(named_count).collect(),
                _ => Default::default(),
            };
            (name.clone(), pairs)
        })
        .collect()
}

fn named_count(entry: &Value) -> Option<(String, u64)> {
    let object = entry.as_object()?;
    Some((object.values().find_map(Value::as_str)?.to_owned(), object.values().find_map(Value::as_u64)?))
}

/// A field's value for comparison: of a list its length, of anything else its text.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.len().to_string(),
        other => other.to_string(),
    }
}

/// A folder for the program's data that goes away with the value.
pub(crate) fn data_folder() -> Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::Builder::new().prefix("docassist-verify-").tempdir()?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    Ok((folder, data))
}

/// The absolute path of something that the program must find from another folder.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("there is no {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_join_to_the_whole() {
        let mut listing = Listing::default();
        let page = |keys: &[&str], next: Value| {
            let items: Vec<Value> = keys.iter().map(|key| json!({ "key": key })).collect();
            json!({"total": 3, "by_status": {"Open": 3}, "items": items, "next": next})
        };
        assert_eq!(listing.add(&page(&["A-1", "A-2"], json!("c")), 0, 2).unwrap().as_deref(), Some("c"));
        assert_eq!(listing.add(&page(&["A-3"], Value::Null), 1, 2).unwrap(), None);
        assert_eq!((listing.keys().join(" ").as_str(), listing.faults.len()), ("A-1 A-2 A-3", 0));
    }

    #[test]
    fn totals_that_change_from_page_to_page_are_a_fault() {
        let mut listing = Listing::default();
        listing.add(&json!({"total": 3, "by_x": {"a": 3}, "items": [{"key": "A-1"}], "next": "c"}), 0, 1).unwrap();
        listing.add(&json!({"total": 2, "by_x": {"a": 3}, "items": [], "next": "c"}), 1, 1).unwrap();
        listing.add(&json!({"total": 3, "by_x": {"a": 2}, "items": [], "next": null}), 2, 1).unwrap();
        listing.add(&json!({"total": 3, "by_x": {"a": 3}, "items": [{}, {}], "next": null}), 3, 1).unwrap();
        assert_eq!(listing.faults.len(), 3, "{:?}", listing.faults);
        assert!(listing.add(&json!({"items": []}), 0, 1).is_err());
    }

    #[test]
    fn counts_may_be_an_object_or_a_list() {
        let object = counts(&json!({"by_x": {"a": 1, "b": 2}, "total": 3}));
        let list = counts(&json!({"by_x": [{"name": "a", "count": 1}, {"name": "b", "count": 2}]}));
        assert_eq!(object, list);
    }

    #[cfg(unix)]
    #[test]
    fn the_program_is_asked_page_by_page_and_its_failure_is_told() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, data) = data_folder().unwrap();
        let binary = data.join("fake");
        let script = "#!/bin/sh\ncase \"$*\" in\n*fail*) echo 'no such thing' >&2; exit 3;;\n\
            *--cursor*) echo '{\"total\":2,\"items\":[{\"key\":\"A-2\"}],\"next\":null}';;\n\
            *) echo '{\"total\":2,\"items\":[{\"key\":\"A-1\"}],\"next\":\"x\"}';;\nesac\n";
        std::fs::write(&binary, script).unwrap();
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
        let product = Product { binary, data, as_of: "2020-01-01T00:00:00Z".to_owned() };
        let listing = product.list(None, &["gaps", "orphaned"], 1).unwrap();
        assert_eq!((listing.keys().join(" ").as_str(), listing.total), ("A-1 A-2", 2));
        let error = format!("{:#}", product.ask(None, &["fail"]).unwrap_err());
        assert!(error.contains("no such thing"), "{error}");
    }
}
