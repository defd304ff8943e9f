//! Measuring, on servers that the program starts itself.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{Run, World};

/// For a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// The synced world, and a folder for the servers that everybody may enter: as root, the program starts them as another user.
fn world() -> (World, PathBuf) {
    let world = World::synced();
    let servers = world.path("servers");
    std::fs::create_dir(&servers).unwrap();
    for (path, mode) in [(world.folder.path(), 0o755), (servers.as_path(), 0o777)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    (world, servers)
}

fn bench(world: &World, servers: &Path) -> Command {
    let mut command = world.command(&["bench", "infra", "--quick", "--json", "--memory", "2G", "--cpus", "2"]);
    command.env("TMPDIR", servers);
    command
}

/// Whether the program found no PostgreSQL: the test is then to return. Where one is required, that is a failure.
#[allow(clippy::print_stderr, reason = "whoever runs the tests is to see what was not run")]
fn is_skipped(run: &Run) -> bool {
    let missing = run.err.contains("there is no PostgreSQL 15 or newer");
    if missing {
        assert!(std::env::var_os("DOCASSIST_REQUIRE_POSTGRES").is_none(), "{}", run.err);
        eprintln!("skipped: there is no PostgreSQL 15 or newer (`apt-get install postgresql`)");
    }
    missing
}

/// Command lines of processes that have to do with a folder.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let lines = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines.filter(|line| line.contains(folder)).collect()
}

/// Waits until a folder and what was in it has no process and no file.
fn wait_until_gone(servers: &Path) {
    let began = Instant::now();
    let left = || std::fs::read_dir(servers).unwrap().count();
    while left() > 0 || !processes(servers).is_empty() {
        assert!(began.elapsed() < PATIENCE, "{:?} is left of {}", processes(servers), servers.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts the program and waits until both servers take connections; `None` where it found no PostgreSQL.
fn measuring(world: &World, servers: &Path) -> Option<Child> {
    let mut command = bench(world, servers);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let ready = || {
        let runs: Vec<PathBuf> = std::fs::read_dir(servers).unwrap().map(|entry| entry.unwrap().path()).collect();
        let is_ready = |name: &str| {
            runs.iter().any(|run| {
                let status = std::fs::read_to_string(run.join(name).join("data/postmaster.pid"));
                status.is_ok_and(|status| status.contains("ready"))
            })
        };
        is_ready("default") && is_ready("tuned")
    };
    while !ready() {
        assert!(began.elapsed() < PATIENCE, "the servers do not come up");
        if child.try_wait().unwrap().is_some() {
            let run = Run::of(&child.wait_with_output().unwrap());
            assert!(is_skipped(&run), "{}", run.err);
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(child)
}

#[test]
fn a_quick_run_has_every_metric_of_both_sides_and_leaves_nothing() {
    let (world, servers) = world();
    let run = Run::of(&bench(&world, &servers).output().unwrap());
    if is_skipped(&run) {
        return;
    }
    assert_eq!(run.status, 0, "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let metrics = report["metrics"].as_array().unwrap();
    let have: BTreeSet<(&str, &str)> = metrics
        .iter()
        .map(|metric| {
            for side in ["default", "tuned"] {
                let times = &metric[side];
                assert!(times["runs"].as_u64().unwrap() > 0 && times["median"].as_f64().unwrap() > 0.0, "{metric}");
                assert!(times["p95"].as_f64() >= times["median"].as_f64(), "{metric}");
            }
            let ratio = metric["tuned"]["median"].as_f64().unwrap() / metric["default"]["median"].as_f64().unwrap();
            assert!((metric["ratio"].as_f64().unwrap() / ratio - 1.0).abs() < 1e-6, "{metric}");
            assert!(metric["verdict"].is_string() && metric["noise"].as_f64().unwrap() > 0.0, "{metric}");
            (metric["id"].as_str().unwrap(), metric["state"].as_str().unwrap())
        })
        .collect();
    let read = [
        "read_all",
        "sequences_1000",
        "sources",
        "bytes",
        "ticket",
        "page",
        "commit_message",
        "key_lookup",
        "claim_job",
        "sql_unreferenced_tickets",
        "sql_messages_by_author",
        "sql_message_search",
    ];
    let mut expected: BTreeSet<(&str, &str)> = ["warm", "cold"].iter().flat_map(|s| read.map(|id| (id, *s))).collect();
    expected.extend(["load", "remove_org", "vacuum", "analyze", "create_index"].map(|id| (id, "writing")));
    assert_eq!(have, expected);
    assert_eq!(metrics.len(), expected.len());

    // The tuned server is tuned, and both keep what they have said that they keep.
    let settings = report["settings"].as_array().unwrap();
    let differs = |name: &str| settings.iter().any(|pair| pair["name"] == name);
    assert!(differs("shared_buffers") && differs("wal_compression") && !differs("fsync"), "{settings:?}");
    assert!(!report["answers"].as_array().unwrap().is_empty());
    assert!(report["hit_rates"][0]["total"].as_f64().unwrap() > 0.0);
    let seed = report["seed"].as_array().unwrap();
    for id in
        ["postgres_memory", "redis_memory", "query_cache_hit", "query_time", "cached_answers", "resource_isolation"]
    {
        let claim = seed.iter().find(|claim| claim["id"] == id).unwrap();
        assert!(!claim["measured"].as_str().unwrap().is_empty(), "{claim}");
    }
    wait_until_gone(&servers);
}

#[test]
fn servers_end_with_the_program_even_when_it_is_killed() {
    let (world, servers) = world();
    let Some(mut child) = measuring(&world, &servers) else { return };
    assert!(!processes(&servers).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until_gone(&servers);
}

#[test]
fn an_interrupted_run_ends_its_servers_and_says_so() {
    let (world, servers) = world();
    let Some(child) = measuring(&world, &servers) else { return };
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!((run.status, run.out.as_str()), (1, ""), "{}", run.err);
    assert!(run.err.contains("stopped") && run.err.contains("servers have ended"), "{}", run.err);
    wait_until_gone(&servers);
}

#[test]
fn without_records_it_says_what_to_sync() {
    let run = World::empty().run(&["bench", "infra", "--quick"]);
    assert_eq!((run.status, run.out.as_str()), (3, ""));
    assert!(run.err.contains("nothing is synced") && run.err.contains("docassist sync git"), "{}", run.err);
}
