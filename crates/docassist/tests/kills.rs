//! A sync that is killed at any moment loses nothing and leaves nothing to repair.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use docassist_testing::records::Shape;
use docassist_testing::{jira, repository};

/// Kills in all, over several histories of the same data directory.
const KILLS: u32 = 100;

fn docassist(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docassist"));
    command.arg("--data").arg(data).arg("--quiet").stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    command
}

fn sync_git(data: &Path, repository: &Path) -> Command {
    let mut command = docassist(data);
    command.args(["sync", "git", "--name", "app"]).arg(repository);
    command
}

fn sync_tickets(data: &Path, tickets: &Path) -> Command {
    let mut command = docassist(data);
    command.args(["sync", "tickets", "--prune"]).arg(tickets);
    command
}

fn succeed(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn digest(data: &Path) -> String {
    let mut command = docassist(data);
    command.args(["export", "graph", "--digest"]);
    succeed(command)
}

/// A fixed sequence of fractions that looks random.
struct Fractions(u64);

impl Fractions {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }
}

/// Starts a sync and kills it after a part of the time that it takes. Returns whether it was still running.
fn kill(mut command: Command, after: Duration) -> bool {
    let mut child = command.spawn().unwrap();
    std::thread::sleep(after);
    let running = child.try_wait().unwrap().is_none();
    // By the handle of the process that was started here, so nothing else can be hit.
    drop(child.kill());
    child.wait().unwrap();
    running
}

#[test]
fn killing_a_sync_at_random_moments_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (source, tickets) = (folder.path().join("source"), folder.path().join("tickets.jsonl"));
    let shape = Shape::small(1_500);
    repository::write(&shape, &source);
    jira::write(&shape, &tickets);

    // What an undisturbed sync makes of it, and how long that takes: the shortest of three, since the first one reads the program
    // and the repository from the disk, and moments chosen from its time would lie after the end of the others.
    let reference = folder.path().join("reference");
    let (mut git_time, mut tickets_time) = (Duration::MAX, Duration::MAX);
    for data in [&folder.path().join("first"), &folder.path().join("second"), &reference] {
        let begun = Instant::now();
        succeed(sync_git(data, &source));
        git_time = git_time.min(begun.elapsed());
        let begun = Instant::now();
        succeed(sync_tickets(data, &tickets));
        tickets_time = tickets_time.min(begun.elapsed());
    }
    let expected = digest(&reference);

    let mut fractions = Fractions(1);
    let (mut kills, mut running, mut round) = (0, 0, 0);
    while kills < KILLS {
        round += 1;
        let data = folder.path().join(format!("data{round}"));
        let mut before = digest(&data);
        for attempt in 0..10 {
            let (command, time) = if attempt % 3 == 2 {
                (sync_tickets(&data, &tickets), tickets_time)
            } else {
                (sync_git(&data, &source), git_time)
            };
            kills += 1;
            let was_running = kill(command, time.mul_f64(fractions.next() * 1.1));
            running += u32::from(was_running);
            // It opens at once, and shows what was there before or the whole of what the sync brings, nothing between.
            let now = digest(&data);
            let status = succeed({
                let mut command = docassist(&data);
                command.args(["status", "--json"]);
                command
            });
            if now != before {
                let status: serde_json::Value = serde_json::from_str(&status).unwrap();
                let sources = status["sources"].as_array().unwrap();
                let whole = |name: &str, records: &str, count: u64| {
                    let source = sources.iter().find(|source| source["kind"] == name);
                    let found = source.and_then(|source| source["records"][records].as_u64()).unwrap_or(0);
                    found == 0 || found == count
                };
                let reference: serde_json::Value = serde_json::from_str(&succeed({
                    let mut command = docassist(&reference);
                    command.args(["status", "--json"]);
                    command
                }))
                .unwrap();
                let count = |at: usize, records: &str| reference["sources"][at]["records"][records].as_u64().unwrap();
                assert!(whole("git", "commits", count(0, "commits")), "half a history is visible: {status:#}");
                assert!(whole("tickets", "tickets", count(1, "tickets")), "half an import is visible: {status:#}");
                before = now;
            }
        }
        succeed(sync_git(&data, &source));
        succeed(sync_tickets(&data, &tickets));
        assert_eq!(digest(&data), expected, "round {round}");
    }
    assert!(running >= KILLS / 4, "only {running} of {kills} kills hit a running sync: the moments are badly chosen");
}

#[test]
fn what_was_read_before_a_kill_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    repository::write(&Shape::small(6_000), &source);
    let data = folder.path().join("data");
    let begun = Instant::now();
    succeed(sync_git(&folder.path().join("reference"), &source));
    let whole = begun.elapsed();
    // Late enough that batches are durable, early enough that the sync has not ended.
    for part in [0.5, 0.7, 0.6, 0.8, 0.4, 0.9] {
        kill(sync_git(&data, &source), whole.mul_f64(part));
        let staged = rest_of_sync(&data, &source);
        if staged < 6_000 {
            return;
        }
        std::fs::remove_dir_all(&data).unwrap();
    }
    panic!("no batch survived a kill, whatever its moment");
}

/// Ends a sync, and returns how many commits it still had to read, as its progress tells.
fn rest_of_sync(data: &Path, source: &Path) -> u64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docassist"));
    command.arg("--data").arg(data).args(["-v", "sync", "git", "--name", "app"]).arg(source);
    let output = command.output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find(|line| line.contains("reading commits"));
    let number = line.and_then(|line| line.split_once("commits: ")?.1.split(' ').next());
    number.map_or(0, |number| number.replace(',', "").parse().unwrap())
}
