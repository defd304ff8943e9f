//! Measures the service at the size of a large organisation (140,000 commits, 90,000 tickets) beside a bare handler that
//! returns the same bytes, with the same load, in one run. Prints one JSON object a line; `cargo xtask bench` makes a table
//! of them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's purpose is to print")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

#[path = "../../docassist-app/benches/scale/data.rs"]
mod data;
#[path = "service/load.rs"]
mod load;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docassist_app::accounts::{Login, NewAccount};
use docassist_app::jobs::LocationPolicy;
use docassist_app::secrets::Secrets;
use docassist_app::{ACCESS_LIFE, CacheConfig, Query, Question, Replicas, Service, ServiceConfig};
use docassist_model::TenantScope;
use docassist_server::{ServerConfig, bind};
use docassist_testing::nth_random;
use docassist_testing::records::Shape;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The program's allocator, since it decides a good part of the times.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PASSWORD: &str = "a password of a benchmark";
const CONNECTIONS: usize = 32;
/// The size of the answer that is compared.
const BODY: usize = 4096;
/// Requests between two syncs.
const BETWEEN_SYNCS: u32 = 2_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test --benches` starts this as well, without the flag that `cargo bench` gives, and means: does it start?
    if !has("--bench") {
        return;
    }
    let quick = has("--quick");
    let shape = if quick { Shape::small(14_000) } else { Shape::organisation() };
    let filled = data::filled(&shape);
    let folder = tempfile::tempdir().unwrap();
    // The service's own rows stay out of the data that other benchmarks use.
    std::os::unix::fs::symlink(filled.path().join("orgs"), folder.path().join("orgs")).unwrap();

    let runtime = Runtime::new().unwrap();
    let began = Instant::now();
    let world = runtime.block_on(World::start(folder.path()));
    let first = world.get("/api/v1/gaps");
    tell("first request after start", "ms", began.elapsed().as_secs_f64() * 1e3, &json!({ "bytes": first.body.len() }));
    hits_and_misses(&world);
    against_bare(&world, &runtime, quick);
    stampede(&world);
    let keys: Vec<String> =
        docassist_testing::records::tickets(&shape).take(10_000).map(|t| t.key.to_string()).collect();
    hit_rates(&world, &runtime, &keys, quick);
}

/// A running service and somebody who may ask it.
struct World {
    service: Arc<Service>,
    address: SocketAddr,
    token: String,
    scope: TenantScope,
}

impl World {
    async fn start(data: &Path) -> Self {
        let config = ServiceConfig {
            database: docassist_app::Database::Files,
            data: data.to_owned(),
            secrets: Secrets::derive(b"the secret of a benchmark, long enough").unwrap(),
            graph_memory: 1 << 30,
            cache: CacheConfig { replicas: Some(Replicas::default()), ..CacheConfig::default() },
            search: docassist_app::SearchConfig::default(),
            chat: None,
            qdrant: None,
            locations: LocationPolicy::default(),
            access_life: ACCESS_LIFE,
        };
        let service = Arc::new(Service::open(config).unwrap());
        let account = NewAccount { email: "bench@example.org", name: "", password: PASSWORD, operator: true };
        let org = "default".parse().unwrap();
        service.first_start(account, &org).unwrap();
        let login = Login { email: "bench@example.org", password: PASSWORD, address: "" };
        let token = service.accounts.log_in(login).unwrap().access;
        // Rates are counted, and high enough for a benchmark.
        let config = ServerConfig { user_rate: 1 << 24, address_rate: 1 << 24, ..ServerConfig::default() };
        let bound = bind("127.0.0.1:0".parse().unwrap(), Arc::clone(&service), config).await.unwrap();
        let address = bound.address().unwrap();
        tokio::spawn(bound.serve(std::future::pending()));
        Self { service, address, token, scope: TenantScope::unchecked(org, "a benchmark's own data") }
    }

    fn request(&self, path: &str) -> Vec<u8> {
        load::request(path, Some(&self.token))
    }

    fn get(&self, path: &str) -> load::Answer {
        load::once(self.address, &self.request(path))
    }
}

/// Comprehensive gaps over HTTP, from the cache and computed.
fn hits_and_misses(world: &World) {
    let mut connection = load::Connection::open(world.address);
    let request = world.request("/api/v1/gaps");
    let mut times = |clear: bool| {
        let mut times: Vec<f64> = (0..300)
            .map(|_| {
                if clear {
                    world.service.answers.clear(&world.scope);
                }
                let began = Instant::now();
                let answer = connection.ask(&request);
                let took = began.elapsed().as_secs_f64() * 1e3;
                assert_eq!(answer.head.contains("; hit"), !clear, "{}", answer.head);
                took
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times
    };
    let misses = times(true);
    // After a clearing the present state is looked at again in the background; hits are measured once it is known.
    std::thread::sleep(Duration::from_millis(300));
    world.get("/api/v1/gaps");
    let hits = times(false);
    let at = |times: &[f64], share: f64| times[((times.len() - 1) as f64 * share) as usize];
    tell("comprehensive gaps over HTTP, miss", "ms", at(&misses, 0.5), &json!({ "p99": at(&misses, 0.99) }));
    tell("comprehensive gaps over HTTP, hit", "ms", at(&hits, 0.5), &json!({ "p99": at(&hits, 0.99) }));
}

/// A cached answer and a bare handler that returns the same bytes, in turns.
fn against_bare(world: &World, runtime: &Runtime, quick: bool) {
    let paths = (1..=50).map(|limit| format!("/api/v1/gaps/missing-decisions?limit={limit}"));
    let path = paths.min_by_key(|path| world.get(path).body.len().abs_diff(BODY)).unwrap();
    let body = bytes::Bytes::from(world.get(&path).body);
    let size = body.len();
    let bare = axum::Router::new().route("/", axum::routing::get(move || std::future::ready(body.clone())));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, bare).await });
    let time = Duration::from_secs(if quick { 1 } else { 4 });
    let (ours_request, bare_request) = (world.request(&path), load::request("/", None));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        theirs.push(load::run(address, &bare_request, CONNECTIONS, time));
        ours.push(load::run(world.address, &ours_request, CONNECTIONS, time));
    }
    let middle = |mut runs: Vec<load::Figures>| {
        runs.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        runs.swap_remove(runs.len() / 2)
    };
    let (ours, theirs) = (middle(ours), middle(theirs));
    let detail = json!({ "bytes": size, "connections": CONNECTIONS, "p99": theirs.p99_ms });
    tell("bare handler", "/s", theirs.rate, &detail);
    let detail =
        json!({ "bytes": size, "connections": CONNECTIONS, "p99": ours.p99_ms, "share": ours.rate / theirs.rate });
    tell("cached GET", "/s", ours.rate, &detail);
    tell("cached GET, p99", "ms", ours.p99_ms, &json!({ "p50": ours.p50_ms }));
}

/// A thousand at once for one key that nobody has asked for.
fn stampede(world: &World) {
    const CROWD: usize = 1_000;
    let before: u64 = world.service.answers.stats().families.iter().map(|family| family.computations).sum();
    let request = world.request("/api/v1/gaps/stale?days=7");
    let connections: Vec<load::Connection> = (0..CROWD).map(|_| load::Connection::open(world.address)).collect();
    let answered = load::at_once(connections, &request);
    let after: u64 = world.service.answers.stats().families.iter().map(|family| family.computations).sum();
    tell("stampede of 1,000, computations", "", (after - before) as f64, &json!({ "answered": answered }));
}

/// How much of Zipf's traffic over all three families is answered from the cache, with a sync every 2,000 requests. Of
/// `n` different questions the k-th most asked one is asked with a frequency in proportion to 1 ÷ k.
fn hit_rates(world: &World, runtime: &Runtime, keys: &[String], quick: bool) {
    let key = |number: u32| keys[number as usize % keys.len()].clone();
    let question = Question::default();
    for n in [100_u32, 1_000, 10_000] {
        let questions: Vec<Query> = (0..n)
            .map(|number| match number % 3 {
                0 => Query::Orphaned(docassist_app::GapQuery { days: Some(number + 1), ..Default::default() }),
                1 => Query::ImpactOfTicket(key(number), question),
                _ => Query::RelTicket(key(number), question),
            })
            .collect();
        let mut sums = Vec::with_capacity(n as usize);
        let mut sum = 0.0;
        for k in 1..=n {
            sum += 1.0 / f64::from(k);
            sums.push(sum);
        }
        let requests = if quick { 4 } else { 20 } * BETWEEN_SYNCS;
        let mut hits = 0_u32;
        runtime.block_on(async {
            for number in 0..requests {
                if number % BETWEEN_SYNCS == 0 {
                    world.service.answers.clear(&world.scope);
                }
                let drawn = f64::from(nth_random(number, u32::MAX)) / f64::from(u32::MAX) * sum;
                let at = sums.partition_point(|sum| *sum < drawn).min(n as usize - 1);
                // A question about something that did not exist is an answer, too, and not cached.
                if let Ok((_, outcome)) = world.service.answers.get(&world.scope, questions[at].clone()).await {
                    hits += u32::from(outcome.is_hit());
                }
            }
        });
        let rate = f64::from(hits) / f64::from(requests) * 100.0;
        tell(&format!("hit rate, {n} questions"), "%", rate, &json!({ "requests": requests }));
    }
}

fn tell(name: &str, unit: &str, value: f64, detail: &Value) {
    println!("{}", json!({ "name": name, "value": value, "unit": unit, "detail": detail }));
}
