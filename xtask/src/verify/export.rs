//! The program's `export graph`, as far as it is compared.

use std::collections::BTreeSet;
use std::io::BufRead;

use anyhow::{Context, Result};
use rustc_hash::FxHashMap;
use serde_json::Value;

/// A `changes` edge.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExportedChange {
    /// First letter of the status, upper case.
    pub(crate) status: char,
    pub(crate) added: u64,
    pub(crate) deleted: u64,
    /// What the edge says of binary files, if it does.
    pub(crate) binary: Option<bool>,
}

/// What one repository's export holds.
#[derive(Debug, Default)]
pub(crate) struct Export {
    /// The shas of the commit nodes.
    pub(crate) commits: BTreeSet<String>,
    /// The keys of the ticket nodes.
    pub(crate) tickets: BTreeSet<String>,
    /// (sha, key) of each reference from a commit, and whether it dangles.
    pub(crate) references: FxHashMap<(String, String), bool>,
    /// (sha, path) of each change.
    pub(crate) changes: FxHashMap<(String, String), ExportedChange>,
    /// (sha, path after) of each rename, with the path before.
    pub(crate) renames: FxHashMap<(String, String), String>,
    /// Pages of decision records.
    pub(crate) decision_pages: BTreeSet<String>,
    /// Whatever breaks the export's own rules.
    pub(crate) faults: Vec<String>,
}

/// Faults of a broken export are alike; the first ones tell all.
const FAULTS: usize = 50;

impl Export {
    /// Reads the export; `repository` is the name that was given to `sync git`, `tip` the paths at the branch's tip.
    pub(crate) fn read(lines: impl BufRead, repository: &str, tip: &BTreeSet<String>) -> Result<Self> {
        let mut export = Self::default();
        let ids = Ids { commit: format!("commit:{repository}@"), file: format!("file:{repository}:") };
        let mut previous = String::new();
        for line in lines.lines() {
            let line = line.context("the export breaks off")?;
            if line <= previous && !previous.is_empty() {
                export.fault(format!("not sorted, or twice: {line}"));
            }
            let value: Value =
                serde_json::from_str(&line).with_context(|| format!("a line of the export is no JSON: {line}"))?;
            if let Err(error) = export.record(&value, &ids, tip) {
                export.fault(format!("{error:#}: {line}"));
            }
            previous = line;
        }
        Ok(export)
    }

    fn fault(&mut self, text: String) {
        if self.faults.len() < FAULTS {
            self.faults.push(text);
        }
    }

    fn record(&mut self, value: &Value, ids: &Ids, tip: &BTreeSet<String>) -> Result<()> {
        let text = |field: &str| value[field].as_str().with_context(|| format!("no `{field}`"));
        if value.get("node").is_some() {
            let id = text("id")?;
            match text("node")? {
                "commit" => {
                    let sha = id.strip_prefix(&ids.commit).context("a commit of no known repository")?;
                    self.commits.insert(sha.to_owned());
                }
                "ticket" => {
                    self.tickets.insert(id.strip_prefix("ticket:").context("a strange ticket id")?.to_owned());
                }
                "decision" => {
                    self.decision_pages.insert(page_of(value, tip).context("a decision that names no page")?);
                }
                _ => {}
            }
            return Ok(());
        }
        let (kind, from, to) = (text("edge")?, text("from")?, text("to")?);
        match kind {
            "refers" => {
                let key = to.strip_prefix("ticket:").context("a reference to no ticket")?;
                if let Some(sha) = from.strip_prefix(&ids.commit) {
                    let dangling = value["dangling"] == true;
                    if self.references.insert((sha.to_owned(), key.to_owned()), dangling).is_some() {
                        self.fault(format!("two references from {sha} to {key}"));
                    }
                }
            }
            "changes" => {
                let sha = from.strip_prefix(&ids.commit).context("a change by no commit")?;
                let path = to.strip_prefix(&ids.file).context("a change to no file")?;
                let status = text("status")?.chars().next().context("an empty status")?.to_ascii_uppercase();
                let change = ExportedChange {
                    status,
                    added: value["additions"].as_u64().unwrap_or(0),
                    deleted: value["deletions"].as_u64().unwrap_or(0),
                    binary: value["binary"].as_bool(),
                };
                if self.changes.insert((sha.to_owned(), path.to_owned()), change).is_some() {
                    self.fault(format!("two changes of {path} by {sha}"));
                }
            }
            "renamed" => {
                let (before, after) = (from.strip_prefix(&ids.file), to.strip_prefix(&ids.file));
                let (before, after) = before.zip(after).context("a rename of no file")?;
                let commit = text("commit")?;
                let sha = commit.strip_prefix(&ids.commit).unwrap_or(commit);
                if self.renames.insert((sha.to_owned(), after.to_owned()), before.to_owned()).is_some() {
                    self.fault(format!("{after} has two earlier names in {sha}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

struct Ids {
    commit: String,
    file: String,
}

/// The page of a decision: the one path of the tip's tree that the node names, in a field or in its id.
fn page_of(node: &Value, tip: &BTreeSet<String>) -> Option<String> {
    let object = node.as_object()?;
    let first = ["page", "path", "file", "source"].iter().filter_map(|name| object.get(*name));
    first.chain(object.values()).filter_map(Value::as_str).find_map(|text| {
        // `page:SOURCE:PATH`, `SOURCE:PATH` and a bare path end in the path.
        let suffixes = std::iter::once(text).chain(text.match_indices([':', '@']).map(|(at, _)| &text[at + 1..]));
        suffixes.filter_map(|suffix| tip.get(suffix.split('#').next()?)).next().cloned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Export {
        let tip = BTreeSet::from(["docs/adr/1.md".to_owned()]);
        Export::read(text.as_bytes(), "r", &tip).unwrap()
    }

    #[test]
    fn nodes_and_edges_are_read() {
        let export = read(concat!(
            r#"{"edge":"changes","from":"commit:r@c1","to":"file:r:a:b@c","status":"modified","additions":2,"deletions":1}"#,
            "\n",
            r#"{"edge":"refers","from":"commit:r@c1","to":"ticket:A-1","dangling":true}"#,
            "\n",
            r#"{"edge":"refers","from":"page:r:x.md","to":"ticket:A-1"}"#,
            "\n",
            r#"{"edge":"renamed","from":"file:r:a","to":"file:r:b","commit":"commit:r@c1"}"#,
            "\n",
            r#"{"node":"commit","id":"commit:r@c1"}"#,
            "\n",
            r#"{"node":"decision","id":"decision:r:docs/adr/1.md"}"#,
            "\n",
        ));
        assert_eq!(export.faults, Vec::<String>::new());
        assert_eq!(export.changes[&("c1".to_owned(), "a:b@c".to_owned())].status, 'M');
        assert!(export.references[&("c1".to_owned(), "A-1".to_owned())]);
        assert_eq!(export.references.len(), 1, "a page's reference is not a commit's");
        assert_eq!(export.renames[&("c1".to_owned(), "b".to_owned())], "a");
        assert!(export.commits.contains("c1") && export.decision_pages.contains("docs/adr/1.md"));
    }

    #[test]
    fn an_unsorted_or_doubled_export_is_a_fault() {
        let line = |n: u8| format!("{{\"node\":\"person\",\"id\":\"person:{n}\"}}\n");
        assert_eq!(read(&format!("{}{}", line(1), line(2))).faults.len(), 0);
        assert_eq!(read(&format!("{}{}", line(2), line(1))).faults.len(), 1);
        assert_eq!(read(&format!("{}{}", line(1), line(1))).faults.len(), 1);
        assert_eq!(read(r#"{"node":"decision","id":"decision:nowhere"}"#).faults.len(), 1);
    }
}
