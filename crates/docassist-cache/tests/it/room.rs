//! A full Redis.

use std::sync::Arc;
use std::time::Duration;

use docassist_cache::{Breaker, Key, Value};
use docassist_model::SourceKind;

use crate::redis_server::RedisServer;
use crate::store::{Store, TestCache, replica, scope, until};

async fn fill(cache: &TestCache, from: u32) {
    for days in from..from + 300 {
        let key = Key::gaps_stale(&scope("acme"), days);
        let value = Value::new("text/plain", vec![b'x'; 20_000]);
        cache.get_or_compute(&key, async |_| Ok(value)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_eviction_writes_are_refused_and_bumps_still_spread() {
    let Some(redis) = RedisServer::start(&["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"]) else { return };
    let store = Store::new();
    let one = Arc::new(replica(&store, redis.config()).await);
    let two = replica(&store, redis.config()).await;
    let key = Key::gaps_undocumented(&scope("acme"));
    store.get(&two, &key).await;
    fill(&one, 0).await;
    until("redis refuses", || one.stats().redis.refused_writes > 0).await;
    assert_eq!(one.stats().redis.breaker, Breaker::Closed, "it can still be read from");
    // So that what is tested is the broadcast.
    store.frozen.store(true, std::sync::atomic::Ordering::SeqCst);
    store.sync(&one, &scope("acme"), SourceKind::Git);
    until("the bump is heard", || two.stats().redis.messages > 0).await;
    assert_eq!(store.get(&two, &key).await.0, store.version(&scope("acme")));
    println!("full: {} writes refused", one.stats().redis.refused_writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_eviction_whatever_is_left_is_used() {
    let Some(redis) = RedisServer::start(&["--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru"]) else { return };
    let store = Store::new();
    let one = replica(&store, redis.config()).await;
    fill(&one, 0).await;
    until("everything is written", || one.stats().families[0].redis.stores + one.stats().redis.dropped_writes >= 300)
        .await;
    let two = replica(&store, redis.config()).await;
    fill(&two, 0).await;
    let stats = two.stats();
    println!("allkeys-lru: {} hits, {} misses", stats.families[0].redis.hits, stats.families[0].redis.misses);
    assert!(stats.families[0].redis.hits > 0 && stats.families[0].redis.misses > 0);
    assert_eq!((stats.redis.garbage, stats.redis.opened), (0, 0));
}
