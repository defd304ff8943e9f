//! Many keys, and what it takes to make them all stale. `benches/hit.rs` has a million of them in memory as well.

use std::time::{Duration, Instant};

use docassist_cache::{Cache, Config, InProcess, Key, Value};
use docassist_model::SourceKind;

use crate::redis_server::RedisServer;
use crate::store::{Store, TestCache, replica, scope};

/// In memory: filling it is what takes the time.
const KEYS: u32 = 50_000;
/// In Redis, which fills itself.
const KEYS_IN_REDIS: u32 = 1_000_000;

async fn fill(cache: &TestCache) -> Duration {
    let acme = scope("acme");
    let began = Instant::now();
    for number in 0..KEYS {
        let key = Key::gaps_orphaned(&acme, number);
        cache.get_or_compute(&key, async |_| Ok(Value::new("text/plain", "x"))).await.unwrap();
    }
    began.elapsed()
}

#[tokio::test]
async fn bumped_in_memory() {
    // Room for all of them.
    let config = Config { memory_bytes: 4 << 30, ..Config::default() };
    let cache: TestCache = Cache::open(config, std::sync::Arc::new(InProcess)).unwrap();
    let filled = fill(&cache).await;
    cache.settle();
    let stats = cache.stats().families[0];
    assert_eq!(stats.memory.entries, u64::from(KEYS));
    let acme = scope("acme");
    let mut bumps: Vec<Duration> = (0..101)
        .map(|_| {
            let began = Instant::now();
            cache.bump(&acme, SourceKind::Git);
            began.elapsed()
        })
        .collect();
    bumps.sort_unstable();
    println!("{KEYS} keys in memory, filled in {filled:?}; a bump: median {:?}, longest {:?}", bumps[50], bumps[100]);
    for number in (0..KEYS).step_by(997) {
        let key = Key::gaps_orphaned(&acme, number);
        let (_, outcome) = cache.get_or_compute(&key, async |_| Ok(Value::new("text/plain", "y"))).await.unwrap();
        assert!(!outcome.is_hit());
    }
    // Far above what it takes, far below anything that looks at every key.
    assert!(bumps[50] < Duration::from_millis(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bumped_in_redis() {
    let Some(redis) = RedisServer::start(&["--enable-debug-command", "local"]) else { return };
    let store = Store::new();
    store.frozen.store(true, std::sync::atomic::Ordering::SeqCst);
    let (one, two) = (replica(&store, redis.config()).await, replica(&store, redis.config()).await);
    // Redis fills itself: what counts is how many keys it holds.
    redis.run::<()>(&format!("DEBUG POPULATE {KEYS_IN_REDIS} docassist:1:v:gaps:orphaned:acme 100"));
    assert!(redis.run::<u32>("DBSIZE") >= KEYS_IN_REDIS);
    let acme = scope("acme");
    let key = Key::gaps_undocumented(&acme);
    store.get(&one, &key).await;
    store.get(&two, &key).await;
    let mut times = Vec::new();
    for _ in 0..21 {
        let before = two.stats().redis.messages;
        let began = Instant::now();
        store.sync(&one, &acme, SourceKind::Git);
        let told = began.elapsed();
        // On a busy machine a connection may be given up and made anew, and what was said meanwhile is not heard: others learn of
        // it by polling, which other tests are about.
        while two.stats().redis.messages == before && began.elapsed() < Duration::from_secs(2) {
            tokio::task::yield_now().await;
        }
        if two.stats().redis.messages > before {
            times.push((began.elapsed(), told));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort_unstable();
    assert!(times.len() > 10, "of 21 messages {} were heard", times.len());
    let (heard, told) = times[times.len() / 2];
    assert!(told < Duration::from_millis(1));
    println!(
        "{KEYS_IN_REDIS} keys in redis; a bump took {told:?}, the other replica had heard of it after {heard:?} (medians)"
    );
}
