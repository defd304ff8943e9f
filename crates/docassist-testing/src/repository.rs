//! A generated history as a real git repository, written through one `git fast-import`.
//!
//! Contents come first, file by file, each version after the one before it, so that git finds the differences small and
//! the pack is about as dense as that of a real repository; then the commits.

mod content;

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};

use docassist_model::{ChangeStatus, Identity};

use crate::fixture::git;
use crate::history::{Change, Plan, Step};
use crate::random::Random;
use crate::shape::Shape;

use content::Content;

/// The branch that generated histories are on.
const BRANCH: &str = "refs/heads/main";
/// Where side branches are while they are open; none stays.
const SIDE: &str = "refs/heads/side";
/// Files that an appended commit changes.
const APPENDED_FILES: u32 = 4;

/// Writes the history of `shape` into `folder`, as a bare repository of one branch, `main`.
///
/// # Panics
/// When git cannot be run, or fails.
pub fn write(shape: &Shape, folder: &Path) {
    std::fs::create_dir_all(folder).expect("the repository's folder can be made");
    run(folder, &["init", "--quiet", "--bare", "--initial-branch=main"]);
    let mut plan = Plan::new(shape);
    let steps: Vec<Step> = plan.by_ref().collect();
    let import = Import::start(folder);
    import.finish(|out| {
        let contents = write_contents(out, &plan, &steps)?;
        write_commits(out, &plan, &steps, &contents)
    });
    // Git's own order of objects, with the newest first, and without what fast-import leaves loose between them.
    run(folder, &["repack", "-a", "-d", "-q"]);
    run(folder, &["pack-refs", "--all"]);
}

/// Adds `count` commits to the branch `main`, each an hour after the one before it, changing files that are there.
///
/// # Panics
/// When git cannot be run or fails, or the branch has no files.
pub fn append(folder: &Path, count: u32) {
    let listed = output(folder, &["ls-tree", "-r", "-z", "--name-only", BRANCH]);
    let paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty() && !path.ends_with(".png")).collect();
    assert!(!paths.is_empty(), "there are files to change");
    let commits: u32 = output(folder, &["rev-list", "--count", BRANCH]).trim().parse().expect("git prints a number");
    let last = output(folder, &["log", "-1", "--format=%ct", BRANCH]);
    let last: i64 = last.trim().parse().expect("git prints a time");
    let mut random = Random::new(u64::from(commits), 3);
    let mut contents: HashMap<&str, String> = HashMap::new();
    let import = Import::start(folder);
    import.finish(|out| {
        for number in 0..count {
            let time = last + 3600 * i64::from(number + 1);
            writeln!(out, "commit {BRANCH}\nmark :{}", number + 1)?;
            writeln!(out, "committer Ann Appender <ann.appender@example.com> {time} +0000")?;
            write_data(out, format!("CORE-{}: Appended commit {}", number + 1, commits + number + 1).as_bytes())?;
            if number == 0 {
                writeln!(out, "from {BRANCH}^0")?;
            }
            for _ in 0..APPENDED_FILES {
                let path = paths[random.below(paths.len() as u32) as usize];
                let content = contents
                    .entry(path)
                    .or_insert_with(|| output(folder, &["cat-file", "blob", &format!("{BRANCH}:{path}")]));
                content.push_str(&format!("// appended line {}\n", commits + number));
                writeln!(out, "M 100644 inline {path}")?;
                write_data(out, content.as_bytes())?;
            }
            writeln!(out)?;
        }
        Ok(())
    });
}

/// Moves the branch `main` back (or on) to `commit`.
///
/// # Panics
/// When there is no such commit.
pub fn reset(folder: &Path, commit: &str) {
    run(folder, &["update-ref", BRANCH, commit]);
}

/// The commit that the branch `main` is at.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn tip(folder: &Path) -> String {
    output(folder, &["rev-parse", "--verify", BRANCH]).trim().to_owned()
}

fn run(folder: &Path, arguments: &[&str]) {
    output(folder, arguments);
}

fn output(folder: &Path, arguments: &[&str]) -> String {
    let output = git(folder).args(arguments).output().expect("git can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?} failed: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A running `git fast-import`.
struct Import {
    process: Child,
    input: BufWriter<ChildStdin>,
}

impl Import {
    fn start(folder: &Path) -> Self {
        let mut command = git(folder);
        command.args(["-c", "core.compression=1", "fast-import", "--quiet", "--force", "--done"]);
        let mut process = command.stdin(Stdio::piped()).spawn().expect("git fast-import can be started");
        let input = process.stdin.take().expect("standard input was asked for");
        Self { process, input: BufWriter::with_capacity(1 << 20, input) }
    }

    fn finish(mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let written = write(&mut self.input).and_then(|()| self.input.write_all(b"done\n"));
        let written = written.and_then(|()| self.input.flush());
        drop(self.input);
        let status = self.process.wait().expect("git fast-import ends");
        // Where it failed, it has said why, and the broken pipe is no news.
        assert!(status.success(), "git fast-import failed: {status}");
        written.expect("git fast-import reads everything");
    }
}

/// Marks of the contents, by step and place among its changes.
struct Contents {
    marks: Vec<Vec<u64>>,
    next: u64,
}

/// Writes every version of every file.
fn write_contents(out: &mut dyn Write, plan: &Plan, steps: &[Step]) -> io::Result<Contents> {
    let mut by_file: Vec<(u32, u32, u32)> = Vec::new();
    for (step, planned) in (0_u32..).zip(steps) {
        by_file.extend((0_u32..).zip(&planned.changes).map(|(place, change)| (change.file, step, place)));
    }
    by_file.sort_unstable();
    let mut contents = Contents { marks: steps.iter().map(|step| vec![0; step.changes.len()]).collect(), next: 1 };
    let mut at = 0;
    while at < by_file.len() {
        let file = by_file[at].0;
        let versions = by_file[at..].iter().take_while(|(other, _, _)| *other == file);
        let mut content: Option<Content> = None;
        let mut mark = 0;
        for &(_, step, place) in versions {
            at += 1;
            let change: &Change = &steps[step as usize].changes[place as usize];
            if change.status == ChangeStatus::Deleted {
                continue;
            }
            let same = change.status == ChangeStatus::Renamed && change.additions + change.deletions == 0;
            let content = content.get_or_insert_with(|| Content::new(plan, file, change.path));
            if !same || mark == 0 {
                content.edit(change);
                mark = contents.next;
                contents.next += 1;
                writeln!(out, "blob\nmark :{mark}")?;
                write_data(out, &content.bytes(plan))?;
            }
            contents.marks[step as usize][place as usize] = mark;
        }
    }
    Ok(contents)
}

fn write_commits(out: &mut dyn Write, plan: &Plan, steps: &[Step], contents: &Contents) -> io::Result<()> {
    let mark = |step: u32| contents.next + u64::from(step);
    // What the open side branch changed, for its merge: the last version of each path.
    let mut side: HashMap<u32, u64> = HashMap::new();
    for (number, step) in (0_u32..).zip(steps) {
        let branch = if step.on_side { SIDE } else { BRANCH };
        writeln!(out, "commit {branch}\nmark :{}", mark(number))?;
        write_person(out, "author", &step.author, step.authored)?;
        write_person(out, "committer", step.committer.as_ref().unwrap_or(&step.author), step.time)?;
        write_data(out, step.message.as_bytes())?;
        if let [first, others @ ..] = step.parents.as_slice() {
            writeln!(out, "from :{}", mark(*first))?;
            for other in others {
                writeln!(out, "merge :{}", mark(*other))?;
            }
        }
        if step.parents.len() > 1 {
            for (path, content) in side.drain() {
                writeln!(out, "M 100644 :{content} {}", plan.tree.path(path))?;
            }
        }
        // A path may be taken over in the same commit, so that what goes has to go first.
        for change in &step.changes {
            match (change.status, change.from) {
                (ChangeStatus::Deleted, _) => writeln!(out, "D {}", plan.tree.path(change.path))?,
                (_, Some(from)) => writeln!(out, "D {}", plan.tree.path(from))?,
                _ => {}
            }
        }
        for (change, content) in step.changes.iter().zip(&contents.marks[number as usize]) {
            if change.status != ChangeStatus::Deleted {
                writeln!(out, "M 100644 :{content} {}", plan.tree.path(change.path))?;
                if step.on_side {
                    side.insert(change.path, *content);
                }
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "reset {SIDE}\nfrom {}\n", "0".repeat(40))
}

fn write_person(out: &mut dyn Write, role: &str, person: &Identity, time: i64) -> io::Result<()> {
    writeln!(out, "{role} {} <{}> {time} +0000", person.name, person.email)
}

fn write_data(out: &mut dyn Write, data: &[u8]) -> io::Result<()> {
    writeln!(out, "data {}", data.len())?;
    out.write_all(data)?;
    writeln!(out)
}

#[cfg(test)]
mod tests;
