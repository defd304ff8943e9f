//! A repository's history as the system's own `git log` tells it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustc_hash::FxHashMap;

/// A commit of the branch, merges included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) parents: usize,
    /// Committer time, in seconds.
    pub(crate) time: i64,
    pub(crate) message: String,
    /// The message is not UTF-8 even after the conversion that the commit declares.
    pub(crate) garbled: bool,
}

impl Commit {
    /// The first line that says something.
    pub(crate) fn subject(&self) -> &str {
        self.message.trim_start().lines().next().unwrap_or_default()
    }
}

/// What a non-merge commit did to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// `A`, `M`, `D`, `R` or `T`.
    pub(crate) status: char,
    /// The name after the commit; of a deletion, the name before.
    pub(crate) path: String,
    /// Of a rename, the name before.
    pub(crate) source: Option<String>,
    pub(crate) added: u64,
    pub(crate) deleted: u64,
    pub(crate) binary: bool,
}

/// A branch of a repository, read.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// All commits, in no particular order.
    pub(crate) commits: Vec<Commit>,
    /// The changes of each non-merge commit that has any.
    pub(crate) changes: FxHashMap<String, Vec<Change>>,
    /// The paths in the tree of the branch's tip.
    pub(crate) tip: BTreeSet<String>,
}

/// The system's git, deaf to the settings of whoever runs it.
pub(crate) fn git(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(repository)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("LC_ALL", "C")
        // A checkout in CI may belong to another user.
        .args(["-c", "safe.directory=*", "-c", "core.quotepath=off"])
        .stdin(Stdio::null());
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF"] {
        command.env_remove(variable);
    }
    command
}

/// Runs git and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().context("cannot start git")?;
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

/// Reads the branch that is checked out.
pub(crate) fn read(repository: &Path) -> Result<History> {
    // The diff takes most of the time, and nothing else waits for it.
    let (commits, changes, tip) = std::thread::scope(|scope| {
        let changes = scope.spawn(|| read_changes(repository));
        let commits = read_commits(repository);
        let tip = read_tip(repository);
        let changes = changes.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the thread that reads changes died")));
        (commits, changes, tip)
    });
    Ok(History { commits: commits?, changes: changes?, tip: tip? })
}

fn read_commits(repository: &Path) -> Result<Vec<Commit>> {
    let format = "--format=%H%x00%P%x00%ct%x00%B";
    let bytes = output(git(repository).args(["log", "-z", "--encoding=UTF-8", format, "HEAD"]))?;
    parse_commits(&bytes)
}

fn parse_commits(bytes: &[u8]) -> Result<Vec<Commit>> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let fields: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    if !fields.len().is_multiple_of(4) {
        bail!("`git log` printed {} fields, which is no multiple of four", fields.len());
    }
    fields
        .chunks_exact(4)
        .map(|record| {
            let text = |at: usize| String::from_utf8_lossy(record[at]).into_owned();
            let time = text(2).parse().with_context(|| format!("commit {} has the time `{}`", text(0), text(2)))?;
            Ok(Commit {
                sha: text(0),
                parents: text(1).split_whitespace().count(),
                time,
                message: text(3),
                garbled: std::str::from_utf8(record[3]).is_err(),
            })
        })
        .collect()
}

fn read_changes(repository: &Path) -> Result<FxHashMap<String, Vec<Change>>> {
    let settings = ["diff.renameLimit=1000", "diff.algorithm=myers", "diff.renames=true", "log.showRoot=true"];
    let mut command = git(repository);
    for setting in settings {
        command.args(["-c", setting]);
    }
    command.args(["log", "--no-merges", "--numstat", "--raw", "-M", "-z", "--no-ext-diff", "--no-textconv"]);
    parse_changes(&output(command.args(["--format=%x01%H", "HEAD"]))?)
}

/// Reads `git log --numstat --raw -z`: per commit a line with its name, then what happened to each file, then the line
/// counts of each. Every field ends with NUL, and the kind of a field shows in its first byte.
fn parse_changes(bytes: &[u8]) -> Result<FxHashMap<String, Vec<Change>>> {
    let mut all = FxHashMap::default();
    let mut commit = String::new();
    let mut changes: Vec<Change> = Vec::new();
    let mut place: FxHashMap<String, usize> = FxHashMap::default();
    let mut fields = bytes.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        let field = field.strip_prefix(b"\n").unwrap_or(field);
        let mut name = || fields.next().map(display_path).context("`git log` ends in the middle of a change");
        match field.first() {
            None => {}
            Some(1) => {
                if !changes.is_empty() {
                    all.insert(std::mem::take(&mut commit), std::mem::take(&mut changes));
                }
                place.clear();
                commit = String::from_utf8_lossy(&field[1..]).into_owned();
            }
            Some(b':') => {
                let text = String::from_utf8_lossy(field);
                let status = text.rsplit(' ').next().and_then(|word| word.chars().next());
                let status = status.with_context(|| format!("a change without status: {text}"))?;
                let first = name()?;
                let (path, source) = if matches!(status, 'R' | 'C') { (name()?, Some(first)) } else { (first, None) };
                place.insert(path.clone(), changes.len());
                changes.push(Change { status, path, source, added: 0, deleted: 0, binary: false });
            }
            Some(_) => {
                let mut parts = field.splitn(3, |byte| *byte == b'\t');
                let mut part = || parts.next().with_context(|| format!("strange line counts in {commit}"));
                let (added, deleted, path) = (part()?, part()?, part()?);
                // A rename has an empty third part, and both names in fields of their own.
                let path = if path.is_empty() {
                    name()?;
                    name()?
                } else {
                    display_path(path)
                };
                let change = place.get(&path).and_then(|at| changes.get_mut(*at));
                let change =
                    change.with_context(|| format!("{commit} counts lines of `{path}`, yet changed it not"))?;
                let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
                change.binary = added == b"-";
                change.added = number(added).unwrap_or(0);
                change.deleted = number(deleted).unwrap_or(0);
            }
        }
    }
    if !changes.is_empty() {
        all.insert(commit, changes);
    }
    Ok(all)
}

fn read_tip(repository: &Path) -> Result<BTreeSet<String>> {
    let bytes = output(git(repository).args(["ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD"]))?;
    Ok(bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(display_path).collect())
}

/// The text of a file in the tree of the branch's tip.
pub(crate) fn read_file(repository: &Path, path: &str) -> Result<String> {
    let bytes = output(git(repository).args(["cat-file", "blob", &format!("HEAD:{path}")]))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A path as the program writes it: bytes that are not UTF-8 become `\xHH`.
pub(crate) fn display_path(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut path = String::new();
    for chunk in bytes.utf8_chunks() {
        path.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing into a String cannot fail.
            let _ = write!(path, "\\x{byte:02X}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_with_any_message_are_read() {
        let log = b"aa\0\x301 02\x00100\0subject\n\nbody APP-1\n\0bb\0\x0099\0\0cc\0dd\x0098\0caf\xe9\n\0";
        let commits = parse_commits(log).unwrap();
        assert_eq!(commits.iter().map(|c| c.parents).collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(commits[0].subject(), "subject");
        assert_eq!((commits[1].message.as_str(), commits[1].time), ("", 99));
        assert!(commits[2].garbled && !commits[0].garbled);
        assert!(parse_commits(b"").unwrap().is_empty());
        assert!(parse_commits(b"aa\0bb\0").is_err());
    }

    #[test]
    fn changes_are_read_with_renames_binaries_and_odd_names() {
        let log =
            b"\x01c2\0\n:100644 100644 a b M\0bin\0:100644 100644 c d R080\0f\0g\0:000000 100644 0 e A\0x\ty\n\xff\0\
            -\t-\tbin\x001\t2\t\0f\0g\x003\t0\tx\ty\n\xff\0\x01empty\0\x01c1\0\n:000000 100644 0 1 A\0f\x004\t0\tf\0";
        let changes = parse_changes(log).unwrap();
        assert_eq!(changes.len(), 2, "a commit without changes has none");
        let c2 = &changes["c2"];
        assert!(c2[0].binary && c2[0].status == 'M');
        assert_eq!((c2[1].path.as_str(), c2[1].source.as_deref()), ("g", Some("f")));
        assert_eq!((c2[1].added, c2[1].deleted), (1, 2));
        assert_eq!((c2[2].path.as_str(), c2[2].added), ("x\ty\n\\xFF", 3));
        assert_eq!(changes["c1"][0].status, 'A');
    }

    #[test]
    fn broken_output_is_an_error_not_a_wrong_answer() {
        assert!(parse_changes(b"\x01c\0:1 1 a b M").is_err());
        assert!(parse_changes(b"\x01c\x001\t1\tnever-changed\0").is_err());
    }
}
