//! Two processes' worth of caches over one Redis and one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use docassist_cache::{Key, RedisConfig, Served};
use docassist_model::SourceKind;

use crate::redis_server::RedisServer;
use crate::store::{Store, TestCache, replica, scope, until};

/// Syncs through one replica several times; returns how long the other took at most to serve the new state.
pub(crate) async fn slowest(store: &Arc<Store>, one: &TestCache, two: &TestCache) -> Duration {
    let acme = scope("acme");
    let key = Key::gaps_comprehensive(&acme);
    let mut slowest = Duration::ZERO;
    for round in 0..5u64 {
        // Hot in both, and at another place between two polls each time.
        for cache in [one, two] {
            assert_eq!(store.get(cache, &key).await.0, store.version(&acme));
            assert!(store.get(cache, &key).await.1.is_hit());
        }
        tokio::time::sleep(Duration::from_millis(37 * round)).await;
        let new = store.sync(one, &acme, SourceKind::Tickets);
        let began = Instant::now();
        assert_eq!(store.get(one, &key).await.0, new, "the replica that synced is never late");
        while store.get(two, &key).await.0 != new {
            assert!(began.elapsed() < Duration::from_secs(1), "still the old state after a second");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        slowest = slowest.max(began.elapsed());
        // And stays new.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(store.get(two, &key).await.0, new);
    }
    slowest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_is_seen_by_the_other_replica() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    for frozen in [false, true] {
        let store = Store::new();
        store.frozen.store(frozen, Ordering::SeqCst);
        let (one, two) = (replica(&store, redis.config()).await, replica(&store, redis.config()).await);
        until("both listen", || redis.run::<(String, u64)>("PUBSUB NUMSUB docassist:1:bumps").1 >= 2).await;
        println!("broadcast, store frozen {frozen}: {:?}", slowest(&store, &one, &two).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_without_listening() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    // The counters have to do it alone.
    store.frozen.store(true, Ordering::SeqCst);
    let config = || RedisConfig { subscribe: false, ..redis.config() };
    let (one, two) = (replica(&store, config()).await, replica(&store, config()).await);
    println!("polling redis alone: {:?}", slowest(&store, &one, &two).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_while_listeners_are_killed() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let redis = Arc::new(redis);
    let store = Store::new();
    store.frozen.store(true, Ordering::SeqCst);
    let (one, two) = (replica(&store, redis.config()).await, replica(&store, redis.config()).await);
    let stop = Arc::new(AtomicBool::new(false));
    let killer = std::thread::spawn({
        let (redis, stop) = (Arc::clone(&redis), Arc::clone(&stop));
        move || {
            let mut killed = 0;
            while !stop.load(Ordering::Relaxed) {
                killed += redis.run::<u64>("CLIENT KILL TYPE pubsub");
                std::thread::sleep(Duration::from_millis(2));
            }
            killed
        }
    });
    let slowest = slowest(&store, &one, &two).await;
    stop.store(true, Ordering::Relaxed);
    println!("listeners killed {} times: {slowest:?}", killer.join().unwrap());
}

/// Redis gone altogether: the store tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_without_redis() {
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    let (one, two) = (replica(&store, redis.config()).await, replica(&store, redis.config()).await);
    redis.kill();
    println!("polling the store alone: {:?}", slowest(&store, &one, &two).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clearing_reaches_the_other_replica() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    let (one, two) = (replica(&store, redis.config()).await, replica(&store, redis.config()).await);
    let key = Key::gaps_comprehensive(&scope("acme"));
    for cache in [&one, &two] {
        store.get(cache, &key).await;
        assert!(store.get(cache, &key).await.1.is_hit());
    }
    one.clear(&scope("acme"));
    let before = store.computations.load(Ordering::SeqCst);
    assert!(!store.get(&one, &key).await.1.is_hit());
    let began = Instant::now();
    loop {
        let (_, outcome) = store.get(&two, &key).await;
        // Computed anew, or the other replica's new computation.
        if outcome.served != Served::Hit(docassist_cache::Tier::Memory) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(store.computations.load(Ordering::SeqCst) > before);
}
