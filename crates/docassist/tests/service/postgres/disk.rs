//! A database whose volume is full: a small one of its own, in memory.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use docassist_testing::PostgresServer;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Cluster;
use super::outage::is_unavailable;
use crate::server::Server;
use crate::world::{LARGE, large, run};

/// A small volume.
struct Volume(TempDir);

impl Volume {
    /// None, with the reason, where this user may mount nothing.
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(folder.path());
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(folder)),
            Ok(output) => skip(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => skip(&error.to_string()),
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn free(&self) -> u64 {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().last().unwrap().trim().parse().unwrap()
    }

    /// Fills it up, but for so much. More, where something has been freed since.
    fn fill(&self, left: u64) {
        let ballast = std::fs::File::options().create(true).append(true).open(self.path().join("ballast")).unwrap();
        let zeros = std::io::Read::take(std::io::repeat(0), self.free().saturating_sub(left));
        // Somebody else may be faster.
        let _ = std::io::copy(&mut { zeros }, &mut { ballast });
    }

    fn make_space(&self) {
        std::fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Lazily: it goes when the last process that has something open there has ended.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn skip<T>(why: &str) -> Option<T> {
    eprintln!("skipped: no small volume can be mounted: {}", why.trim());
    None
}

fn export(server: &Server) -> Vec<u8> {
    server.get("/api/v1/export/graph").expect(200).body
}

fn large_body() -> Value {
    json!({ "location": large(), "name": "large" })
}

/// The same as after two syncs, here into files, for which there was room.
fn is_as_if_nothing_had_happened(cluster: &Cluster) {
    let fresh = cluster.data("fresh");
    let product = cluster.world.path("product");
    run(&fresh, &["-q", "sync", "git", product.to_str().unwrap()]);
    run(&fresh, &["-q", "sync", "git", "--name", "large", large().to_str().unwrap()]);
    assert_eq!(cluster.digest("default"), run(&fresh, &["export", "graph", "--digest"]));
}

#[test]
fn a_sync_that_fills_the_volume_fails_with_a_reason_and_works_when_there_is_space() {
    let Some(postgres) = PostgresServer::start(&[]) else { return };
    let Some(volume) = Volume::mount(96) else { return };
    // The log has room elsewhere, as it should: a database that cannot write its log ends (the next test).
    let address = postgres.database();
    let folder = volume.path().join("space");
    let folder = folder.to_str().unwrap();
    postgres.psql("postgres", &format!("COPY (SELECT) TO PROGRAM 'mkdir {folder}'"));
    postgres.psql("postgres", &format!("CREATE TABLESPACE small LOCATION '{folder}'"));
    postgres.psql("postgres", &format!("ALTER DATABASE {} SET TABLESPACE small", address.rsplit('/').next().unwrap()));
    let cluster = Cluster::over(&address);
    let server = cluster.replica("one", &[]);
    server.synced("git", &cluster.world.git());
    let before = export(&server);
    volume.fill(4 << 20);
    let job = server.ended(server.sync("git", &large_body()));
    println!("PostgreSQL's volume full: {} after {} attempts: {}", job["state"], job["attempts"], job["error"]);
    assert_eq!((&job["state"], &job["attempts"]), (&json!("failed"), &json!(1)), "{job:#}");
    let error = job["error"].as_str().unwrap();
    assert!(error.contains("no space left") && error.contains("free some space"), "{error}");
    // Who reads the job runs no database: where it is is for the log.
    assert!(!error.contains("127.0.0.1") && !error.contains(address.rsplit('/').next().unwrap()), "{error}");
    assert!(server.said().contains("no space left for PostgreSQL 127.0.0.1"), "{}", server.said());
    // A request that has to write is told so, too. Some find room in pages that are there already.
    volume.fill(0);
    let refused = (0..3000).find_map(|number| {
        let body = json!({ "slug": format!("another-{number}"), "name": "x".repeat(100) });
        let answer = server.post("/api/v1/orgs", &body);
        (answer.status != 201).then_some(answer)
    });
    let refused = refused.expect("a full volume takes no more rows");
    assert_eq!((refused.status, &refused.json()["code"]), (507, &json!("storage_full")), "{}", refused.text());
    assert!(!refused.text().contains("127.0.0.1"), "{}", refused.text());
    // What was there is there; who asks notices nothing.
    assert!(export(&server) == before, "the graph has changed");
    assert_eq!(server.get("/api/v1/rel/repo/large").status, 404);
    server.anonymous().get("/health/ready").expect(200);
    volume.make_space();
    let job = server.synced("git", &large_body());
    assert_eq!(job["attempts"], 1, "{job:#}");
    assert_eq!(server.ask("/api/v1/rel/repo/large")["stats"]["commits"], LARGE);
    is_as_if_nothing_had_happened(&cluster);
}

#[test]
fn a_database_that_ends_for_want_of_space_loses_nothing() {
    let Some(volume) = Volume::mount(256) else { return };
    let settings = [("max_wal_size", "32MB"), ("min_wal_size", "32MB"), ("checkpoint_timeout", "30s")];
    let Some(mut postgres) = PostgresServer::start_in(volume.path(), &settings) else { return };
    let cluster = Cluster::new(&postgres);
    let server = cluster.replica("one", &[]);
    server.synced("git", &cluster.world.git());
    let before = export(&server);
    volume.fill(1 << 20);
    let id = server.sync("git", &large_body());
    let begun = Instant::now();
    // Not even its log has room: there it gives up.
    let mut client = postgres::Client::connect(&postgres.superuser_url("postgres"), postgres::NoTls).unwrap();
    let log = "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1 << 20)) FROM generate_series(1, 64)";
    let error = client.batch_execute(log).unwrap_err();
    println!("PostgreSQL's whole volume full: {error}");
    let mut refused = 0;
    while begun.elapsed() < Duration::from_secs(8) {
        volume.fill(1 << 20);
        let answer = server.get("/api/v1/jobs");
        if answer.status != 200 {
            is_unavailable(&answer);
            refused += 1;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let is_up = std::net::TcpStream::connect(("127.0.0.1", postgres.port())).is_ok();
    assert!(refused > 0, "nobody noticed");
    println!("PostgreSQL's whole volume full: {refused} requests were told so; it runs: {is_up}");
    volume.make_space();
    if !is_up {
        // As whoever watches over it does.
        postgres.restart();
    }
    server.poll("it is ready", Duration::from_secs(20), || {
        (server.anonymous().get("/health/ready").status == 200).then_some(())
    });
    let job = server.ended(id);
    println!("the job is {}, after {} attempts: {}", job["state"], job["attempts"], job["error"]);
    if job["state"] == "failed" {
        let error = job["error"].as_str().unwrap();
        assert!(error.contains("no space left") || error.contains("cannot be reached"), "{error}");
        assert!(export(&server) == before, "the graph has changed");
        server.synced("git", &large_body());
    }
    assert_eq!(server.ask("/api/v1/rel/repo/large")["stats"]["commits"], LARGE);
    is_as_if_nothing_had_happened(&cluster);
}
