//! Whole processes that read repositories.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use docassist_testing::records::Shape;
use docassist_testing::{fixture, repository};

use super::process::{copy_folder, median, milliseconds};
use super::table::{Row, Target};
use super::{Bench, generated};

/// A first sync takes at most this share of the time that git takes to list the same.
const FIRST_SYNC_SHARE: f64 = 0.6;
const NOTHING_NEW_MS: f64 = 100.0;
const TEN_COMMITS_MS: f64 = 300.0;

/// A repository read for the first time, against `git log` listing its changes with lines.
pub(super) fn first(bench: &Bench, repo: Option<&Path>) -> Result<Vec<Row>> {
    let shape = Shape::small(if bench.quick { 2000 } else { 12_000 });
    let (path, name) = match repo {
        Some(path) => {
            let path = path.canonicalize()?;
            // `apache+kafka/repo` and `kafka/.git` say more than `repo` and `.git`.
            let last = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
            let name = last(&path).filter(|name| !["repo", ".git"].contains(&name.as_str()));
            let name = name.or_else(|| path.parent().and_then(last)).unwrap_or_default();
            (path, name)
        }
        None => (generated(bench, &shape), format!("generated, {} commits", shape.commits)),
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // Once before, so that neither has to wait for the disk.
    sync_afresh(bench, &path)?;
    for _ in 0..bench.runs().1 {
        theirs.push(milliseconds(fixture::git(&path).args(["log", "--no-merges", "--numstat", "-M"]))?);
        ours.push(sync_afresh(bench, &path)?);
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    Ok(vec![Row {
        name: format!("first sync ({name})"),
        ours,
        unit: "ms",
        baseline: Some(("git log --no-merges --numstat -M", theirs)),
        target: Target::Share(FIRST_SYNC_SHARE),
        note: String::new(),
    }])
}

/// Milliseconds of a sync into an empty data directory.
fn sync_afresh(bench: &Bench, repo: &Path) -> Result<f64> {
    let data = tempfile::tempdir_in(&bench.data)?;
    milliseconds(&mut sync(bench, data.path(), repo))
}

fn sync(bench: &Bench, data: &Path, repo: &Path) -> Command {
    let mut command = Command::new(&bench.program);
    command.arg("--data").arg(data).args(["--quiet", "sync", "git"]).arg(repo);
    command
}

/// The same repository again: with nothing new, and with ten new commits.
pub(super) fn again(bench: &Bench) -> Result<Vec<Row>> {
    let commits = if bench.quick { 5000 } else { 100_000 };
    // Fewer changes a commit: what is measured does not read them, and generating them takes minutes.
    let shape = Shape { changes: 4, ..Shape::small(commits) };
    let repo = generated(bench, &shape);
    let data = tempfile::tempdir_in(&bench.data)?;
    let synced = data.path().join("synced");
    eprintln!("reading {commits} commits for the first time");
    milliseconds(&mut sync(bench, &synced, &repo))?;
    let mut nothing = Vec::new();
    for _ in 0..bench.runs().0 {
        nothing.push(milliseconds(&mut sync(bench, &synced, &repo))?);
    }
    // Whatever happens, the repository is kept for the next time, as it was.
    let before = repository::tip(&repo);
    repository::append(&repo, 10);
    let ten = (0..bench.runs().0)
        .map(|run| {
            let copy = data.path().join(format!("copy-{run}"));
            copy_folder(&synced, &copy)?;
            milliseconds(&mut sync(bench, &copy, &repo))
        })
        .collect::<Result<Vec<f64>>>();
    repository::reset(&repo, &before);
    let row = |name: &str, mut times: Vec<f64>, most| Row {
        name: format!("{name} ({commits} commits)"),
        ours: median(&mut times),
        unit: "ms",
        baseline: None,
        target: Target::AtMost(most),
        note: String::new(),
    };
    Ok(vec![
        row("sync again, nothing new", nothing, NOTHING_NEW_MS),
        row("sync again, ten new commits", ten?, TEN_COMMITS_MS),
    ])
}
