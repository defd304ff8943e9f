//! Figures of the servers behind the service: what is scraped, what operators are told, and that the dashboard and the
//! alert rules ask for what there is.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use docassist_ops::metrics::{METRICS, MetricKind, UP, find, metric_names};
use docassist_ops::render::{alert_expressions, dashboard_queries};
use docassist_testing::{PostgresServer, RedisServer};
use serde_json::Value;

use crate::metrics::Scrape;
use crate::server::{Server, program};
use crate::world::World;

/// Labels that Prometheus gives to everything that it scrapes.
const OF_TARGETS: [&str; 2] = ["job", "instance"];

/// A service over real servers, each with something to tell.
struct Watched {
    world: World,
    server: Server,
    postgres: PostgresServer,
    redis: RedisServer,
    qdrant: String,
    database: String,
}

impl Watched {
    fn start() -> Option<Self> {
        let postgres = PostgresServer::start(&[("shared_preload_libraries", "pg_stat_statements")])?;
        let redis = RedisServer::start(&["--maxmemory", "64mb"])?;
        let qdrant = qdrant();
        let world = World::new();
        let database = postgres.database();
        postgres.psql(&database, "GRANT pg_monitor TO docassist; CREATE EXTENSION pg_stat_statements");
        postgres.psql(&database, "SELECT pg_sleep(0.15)");
        let server = world.server(&["--database", &database, "--redis", &redis.url(), "--qdrant", &qdrant]);
        server.synced("git", &world.git());
        server.synced("tickets", &world.tickets());
        for path in ["/api/v1/gaps", "/api/v1/gaps", "/api/v1/rel/repo/product", "/api/v1/search?q=retry"] {
            server.ask(path);
        }
        Some(Self { world, server, postgres, redis, qdrant, database })
    }
}

/// A Qdrant with one collection, as far as we ask: there is none among the packages that tests can install.
fn qdrant() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                while let Ok(read) = stream.read(&mut request) {
                    if read == 0 {
                        return;
                    }
                    let text = String::from_utf8_lossy(&request[..read]).into_owned();
                    let body = match text.split(' ').nth(1).unwrap_or_default() {
                        "/" => r#"{"title":"qdrant - vector search engine","version":"1.17.1"}"#,
                        "/readyz" => "all shards are ready",
                        "/collections" => r#"{"result":{"collections":[{"name":"acme"}]},"status":"ok"}"#,
                        _ => {
                            r#"{"result":{"status":"green","optimizer_status":"ok","points_count":7,"indexed_vectors_count":7,"segments_count":2},"status":"ok"}"#
                        }
                    };
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// Follows the log as a read replica does, until it is dropped.
struct Follower(Child);

impl Follower {
    fn start(watched: &Watched) -> Option<Self> {
        let installed = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
        let program = installed.map(|entry| entry.path().join("bin/pg_receivewal")).find(|path| path.exists())?;
        let folder = watched.world.path("wal");
        std::fs::create_dir_all(&folder).unwrap();
        let url = watched.postgres.superuser_url("postgres");
        let mut command = Command::new(program);
        command.arg("-D").arg(folder).args(["--no-loop", "-d", &url]).stdin(Stdio::null()).stderr(Stdio::null());
        Some(Self(command.spawn().unwrap()))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The labels that an expression names of each metric: those in braces behind its name, and those of `by` and `on`.
fn labels_in(expression: &str) -> (Vec<(String, String)>, Vec<String>) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut of_metrics = Vec::new();
    for (at, _) in expression.match_indices('{') {
        let name: String = expression[..at].chars().rev().take_while(|c| is_name(*c)).collect();
        let name: String = name.chars().rev().collect();
        let inside = expression[at + 1..].split('}').next().unwrap();
        for matcher in inside.split(',').filter(|matcher| !matcher.trim().is_empty()) {
            let label = matcher.trim().split(['=', '!']).next().unwrap();
            of_metrics.push((name.clone(), label.to_owned()));
        }
    }
    let mut grouped = Vec::new();
    for word in ["by (", "on ("] {
        for (at, _) in expression.match_indices(word) {
            let inside = expression[at + word.len()..].split(')').next().unwrap();
            grouped.extend(inside.split(',').map(|label| label.trim().to_owned()));
        }
    }
    (of_metrics, grouped)
}

#[test]
fn every_query_of_the_dashboard_and_of_alerts_finds_what_it_asks_for() {
    let Some(watched) = Watched::start() else { return };
    let follower = Follower::start(&watched);
    let server = &watched.server;
    // The servers are asked now, and not only when it is time again.
    server.poll("all servers have told something", Duration::from_secs(20), || {
        let told = server.ask("/api/v1/ops");
        let slow = told["postgres"]["figures"]["slowest"].as_array()?.len();
        let replicas = told["postgres"]["figures"]["replicas"].as_array()?.len();
        (slow > 0 && (replicas > 0 || follower.is_none())).then_some(())
    });
    let scrape = Scrape::of(server);
    scrape.check_histograms();
    let found: BTreeSet<&str> = scrape.samples.keys().map(|(name, _)| name.as_str()).collect();
    let excused = |name: &str| follower.is_none() && name.contains("replication");
    let expressions: Vec<String> = dashboard_queries().into_iter().chain(alert_expressions()).collect();
    assert!(expressions.len() > 60, "{}", expressions.len());
    for expression in &expressions {
        let names = metric_names(expression);
        assert!(!names.is_empty(), "{expression}");
        for name in names.iter().filter(|name| *name != UP) {
            assert!(found.contains(name.as_str()) || excused(name), "nothing is called {name} in {expression}");
            assert!(find(name).is_some(), "{name} is not in the table");
        }
        let (of_metrics, grouped) = labels_in(expression);
        for (name, label) in &of_metrics {
            let known = scrape.samples.keys().any(|(found, labels)| found == name && labels.contains_key(label));
            assert!(known || OF_TARGETS.contains(&label.as_str()), "{name} has no label {label}: {expression}");
        }
        for label in &grouped {
            let of_one = names.iter().any(|name| {
                let metric = find(name).map_or(&[][..], |metric| metric.labels);
                scrape.samples.keys().any(|(found, labels)| found == name && labels.contains_key(label))
                    || (follower.is_none() && metric.contains(&label.as_str()))
            });
            assert!(of_one || OF_TARGETS.contains(&label.as_str()), "no label {label}: {expression}");
        }
    }
    // The table is what is scraped: names, kinds, labels.
    for metric in METRICS {
        if excused(metric.name) {
            continue;
        }
        let kind = match metric.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        assert_eq!(scrape.types.get(metric.family()).map(String::as_str), Some(kind), "{metric}");
        let expected: BTreeSet<&str> = metric.labels.iter().copied().collect();
        let name =
            if metric.kind == MetricKind::Histogram { format!("{metric}_count") } else { metric.name.to_owned() };
        for (_, labels) in scrape.samples.keys().filter(|(found, _)| *found == name) {
            assert_eq!(labels.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{metric}");
        }
    }
    let known: BTreeSet<&str> = METRICS.iter().map(|metric| metric.family()).collect();
    for name in scrape.types.keys() {
        assert!(known.contains(name.as_str()), "{name} is scraped and not in the table");
    }
    assert_eq!(scrape.value("docassist_qdrant_points", &[("collection", "acme")]), 7.0);
    assert!(scrape.value("docassist_postgres_max_connections", &[]) >= 100.0);
}

#[test]
fn a_scrape_waits_for_no_server_and_tells_which_is_away() {
    let Some(mut watched) = Watched::start() else { return };
    let server = &watched.server;
    server.poll("both are up", Duration::from_secs(20), || {
        let scrape = Scrape::of(server);
        (scrape.is("docassist_postgres_up", 1.0) && scrape.is("docassist_redis_up", 1.0)).then_some(())
    });
    watched.redis.kill();
    watched.postgres.kill();
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    loop {
        let at = Instant::now();
        let scrape = Scrape::of(server);
        longest = longest.max(at.elapsed());
        if scrape.is("docassist_postgres_up", 0.0) && scrape.is("docassist_redis_up", 0.0) {
            // What they told before is gone with them: old figures are no figures.
            assert!(!scrape.types.contains_key("docassist_postgres_connections"));
            assert!(scrape.types.contains_key("docassist_sync_jobs"), "what the service counts itself stays");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it does not notice: {}", server.said());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(longest < Duration::from_secs(1), "a scrape took {longest:?}");
    watched.redis.restart();
    watched.postgres.restart();
    let server = &watched.server;
    server.poll("both are up again", Duration::from_secs(60), || {
        let scrape = Scrape::of(server);
        (scrape.is("docassist_postgres_up", 1.0) && scrape.is("docassist_redis_up", 1.0)).then_some(())
    });
}

#[test]
fn monitor_shows_what_servers_and_the_service_tell() {
    let Some(mut watched) = Watched::start() else { return };
    let url = format!("http://{}", watched.server.address());
    let monitor = |watched: &Watched, more: &[&str]| {
        let mut command = program(&watched.world.data());
        command.args([
            "monitor",
            "--database",
            &watched.database,
            "--redis",
            &watched.redis.url(),
            "--qdrant",
            &watched.qdrant,
        ]);
        command.args(["--url", &url, "--token", watched.server.token()]).args(more).stdout(Stdio::piped());
        command
    };
    let output = monitor(&watched, &["--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let api = watched.server.ask("/api/v1/ops");
    for part in ["postgres", "redis", "qdrant", "cache"] {
        let keys = |value: &Value| value[part].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&told), keys(&api), "{part}");
        if part != "cache" {
            assert_eq!(told[part]["state"], "up", "{part}: {told:#}");
        }
    }
    assert_eq!(told["postgres"]["figures"]["slowest"][0]["query"], "SELECT pg_sleep($1)");
    let output = monitor(&watched, &["--format", "table"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for word in [
        "All servers answer",
        "buffer hit rate",
        "pg_sleep",
        "Indexes that nothing used",
        "hit rate",
        "Cache of answers",
        "gaps",
        "acme",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // Without a terminal: one block after the other, until somebody has had enough.
    let mut child = monitor(&watched, &["--watch", "--every", "1", "--format", "table"]).spawn().unwrap();
    let began = Instant::now();
    let mut text = String::new();
    let mut out = child.stdout.take().unwrap();
    let mut part = [0; 1024];
    while text.matches("All servers answer").count() < 3 {
        let read = out.read(&mut part).unwrap();
        assert!(read > 0 && began.elapsed() < Duration::from_secs(30), "{text}");
        text.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    assert!(!text.contains('\u{1b}'), "{text}");
    let interrupted = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success() && child.wait().unwrap().success());
    watched.redis.kill();
    let output = monitor(&watched, &["--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["redis"]["state"], &told["postgres"]["state"]), (&"down".into(), &"up".into()));
    let nothing = program(&watched.world.data()).arg("monitor").output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
}
