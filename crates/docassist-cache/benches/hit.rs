//! Measures the cache: hits, misses, bumps with a million keys, memory per entry, a stampede. Prints one JSON object a
//! line. What concerns Redis is left out where there is no redis-server.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's purpose is to print")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/it/redis_server.rs"]
mod redis_server;

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use docassist_cache::{Breaker, Cache, Config, InProcess, Key, Replicas, Served, Tier, TimesToLive, Value};
use docassist_model::{SourceKind, TenantScope};
use redis_server::RedisServer;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const KEYS: u32 = 1_000_000;
const CROWD: usize = 1000;

type TestCache = Cache<String>;

fn main() {
    // `cargo test --benches` starts this as well, without the flag that `cargo bench` gives, and means: does it start?
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    hits(&runtime);
    misses(&runtime);
    runtime.block_on(stampede("stampede of 1,000: computations", in_memory(64 << 20)));
    million_in_memory(&runtime);
    let Some(redis) = RedisServer::start(&[]) else { return };
    runtime.block_on(stampede("stampede of 1,000 over redis: computations", over(&redis)));
    runtime.block_on(hits_in_redis(&redis));
    runtime.block_on(million_in_redis(&redis));
}

fn tell(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.3},\"unit\":\"{unit}\"}}");
}

fn scope(slug: &str) -> TenantScope {
    TenantScope::unchecked(slug.parse().unwrap(), "a benchmark")
}

/// As the service has it: replicas' bookkeeping included. Values live for a day, so that none ends midway.
fn config(memory_bytes: u64) -> Config {
    let ttl = TimesToLive::all(Duration::from_secs(24 * 60 * 60));
    Config { memory_bytes, ttl, replicas: Some(Replicas::default()), redis: None }
}

async fn in_memory(memory_bytes: u64) -> TestCache {
    Cache::open(config(memory_bytes), Arc::new(InProcess)).unwrap()
}

async fn over(redis: &RedisServer) -> TestCache {
    let config = Config { redis: Some(redis.config()), ..config(64 << 20) };
    let cache = TestCache::open(config, Arc::new(InProcess)).unwrap();
    while cache.stats().redis.breaker != Breaker::Closed {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cache
}

fn value(size: usize) -> Value {
    Value::new("application/json", vec![b'x'; size])
}

async fn get(cache: &TestCache, key: &Key) -> Served {
    cache.get_or_compute(key, async |_| Ok(value(4096))).await.unwrap().1.served
}

/// Nanoseconds for each of `runs` hits, the best of several rounds: what the code takes, not what the machine else does.
async fn hit_times(cache: Arc<TestCache>, scope: TenantScope, runs: u32) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..10 {
        let began = Instant::now();
        for _ in 0..runs {
            let key = Key::gaps_comprehensive(&scope);
            assert!(black_box(get(&cache, &key).await) == Served::Hit(Tier::Memory));
        }
        best = best.min(began.elapsed().as_nanos() as f64 / f64::from(runs));
    }
    best
}

fn hits(runtime: &Runtime) {
    let cache = Arc::new(runtime.block_on(in_memory(64 << 20)));
    let (acme, other) = (scope("acme"), scope("other"));
    for scope in [&acme, &other] {
        runtime.block_on(get(&cache, &Key::gaps_comprehensive(scope)));
    }
    tell("memory hit, 1 thread", runtime.block_on(hit_times(Arc::clone(&cache), acme.clone(), 200_000)), "ns");
    for (name, second) in [("one key", &acme), ("two organisations", &other)] {
        let threads = [&acme, second].map(|scope| runtime.spawn(hit_times(Arc::clone(&cache), scope.clone(), 200_000)));
        let slowest = threads.map(|thread| runtime.block_on(thread).unwrap()).into_iter().fold(0.0, f64::max);
        tell(&format!("memory hit, 2 threads, {name}"), slowest, "ns");
    }
    let mut times: Vec<u64> = Vec::with_capacity(200_000);
    runtime.block_on(async {
        for _ in 0..200_000 {
            let began = Instant::now();
            black_box(get(&cache, &Key::gaps_comprehensive(&acme)).await);
            times.push(u64::try_from(began.elapsed().as_nanos()).unwrap());
        }
    });
    times.sort_unstable();
    tell("memory hit, 99th percentile", times[times.len() * 99 / 100] as f64, "ns");
    let began = Instant::now();
    for _ in 0..200_000 {
        black_box(Key::gaps_comprehensive(&acme));
    }
    tell("of which building the key", began.elapsed().as_nanos() as f64 / 200_000.0, "ns");
}

fn misses(runtime: &Runtime) {
    let cache = runtime.block_on(in_memory(256 << 20));
    let acme = scope("acme");
    let small = value(16);
    runtime.block_on(async {
        let began = Instant::now();
        for number in 0..100_000 {
            let key = Key::gaps_orphaned(&acme, number);
            black_box(cache.get_or_compute(&key, async |_| Ok(small.clone())).await.unwrap());
        }
        tell("memory miss, overhead", began.elapsed().as_nanos() as f64 / 100_000.0 / 1000.0, "us");
    });
}

async fn stampede(name: &str, cache: impl Future<Output = TestCache>) {
    let cache = Arc::new(cache.await);
    let computations = Arc::new(AtomicU64::new(0));
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (cache, computations) = (Arc::clone(&cache), Arc::clone(&computations));
        crowd.spawn(async move {
            let compute = |_| async {
                computations.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(value(4096))
            };
            cache.get_or_compute(&Key::gaps_undocumented(&scope("crowd")), compute).await.unwrap();
        });
    }
    crowd.join_all().await;
    tell(name, computations.load(Ordering::SeqCst) as f64, "");
}

/// The median and the longest of many bumps.
fn bumps(cache: &TestCache, scope: &TenantScope, name: &str) {
    let mut times: Vec<Duration> = (0..1001)
        .map(|_| {
            let began = Instant::now();
            cache.bump(scope, SourceKind::Git);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    tell(&format!("{name}, median"), times[500].as_nanos() as f64 / 1000.0, "us");
    tell(&format!("{name}, longest of 1,001"), times[1000].as_nanos() as f64 / 1000.0, "us");
}

fn million_in_memory(runtime: &Runtime) {
    let cache = runtime.block_on(in_memory(8 << 30));
    let acme = scope("acme");
    let before = resident();
    runtime.block_on(async {
        for number in 0..KEYS {
            let key = Key::gaps_orphaned(&acme, number);
            cache.get_or_compute(&key, async |_| Ok(value(256))).await.unwrap();
        }
    });
    cache.settle();
    let held = cache.stats().families[0].memory;
    assert_eq!(held.entries, u64::from(KEYS));
    if let (Some(before), Some(after)) = (before, resident()) {
        tell("resident memory for an entry of 256 bytes", after.saturating_sub(before) as f64 / f64::from(KEYS), "B");
        tell("counted for it", held.bytes as f64 / f64::from(KEYS), "B");
    }
    bumps(&cache, &acme, "bump with 1,000,000 keys in memory");
    let key = Key::gaps_orphaned(&acme, 7);
    assert_ne!(runtime.block_on(get(&cache, &key)), Served::Hit(Tier::Memory));
}

async fn hits_in_redis(redis: &RedisServer) {
    let writer = over(redis).await;
    let acme = scope("acme");
    let keys: Vec<Key> = (0..10_000).map(|days| Key::gaps_orphaned(&acme, days)).collect();
    for keys in keys.chunks(500) {
        let before = writer.stats().families[0].redis.stores;
        for key in keys {
            get(&writer, key).await;
        }
        while writer.stats().families[0].redis.stores < before + keys.len() as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let reader = over(redis).await;
    get(&reader, &Key::gaps_undocumented(&acme)).await;
    let began = Instant::now();
    for key in &keys {
        get(&reader, key).await;
    }
    let took = began.elapsed();
    assert_eq!(reader.stats().families[0].redis.hits, keys.len() as u64);
    tell("redis hit of 4 KiB", took.as_nanos() as f64 / keys.len() as f64 / 1000.0, "us");
}

/// Small frames, sent by pipelining; what they hold does not matter to a bump.
async fn million_in_redis(redis: &RedisServer) {
    let mut connection = redis.try_connect().unwrap();
    for from in (0..KEYS).step_by(10_000) {
        let mut commands = redis::pipe();
        for number in from..from + 10_000 {
            commands.cmd("SET").arg(format!("docassist:1:v:gaps:orphaned:million:{number}")).arg([0u8; 128].as_slice());
        }
        commands.exec(&mut connection).unwrap();
    }
    assert!(redis.run::<u32>("DBSIZE") >= KEYS);
    let (one, two) = (over(redis).await, over(redis).await);
    let million = scope("million");
    for cache in [&one, &two] {
        get(cache, &Key::gaps_undocumented(&million)).await;
    }
    while redis.run::<(String, u64)>("PUBSUB NUMSUB docassist:1:bumps").1 < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bumps(&one, &million, "bump with 1,000,000 keys in redis");
    let mut heard = Vec::new();
    for _ in 0..101 {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let before = two.stats().redis.messages;
        let began = Instant::now();
        one.bump(&million, SourceKind::Git);
        while two.stats().redis.messages == before {
            tokio::task::yield_now().await;
        }
        heard.push(began.elapsed());
    }
    heard.sort_unstable();
    tell("until another replica has heard of it, median", heard[50].as_nanos() as f64 / 1000.0, "us");
}

/// The resident memory of this process, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
