//! Redis killed, paused, flushed or holding garbage: requests go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use docassist_cache::{Breaker, Cache, Config, Key, RedisConfig, RedisUse, Served, Tier};
use docassist_model::SourceKind;
use tokio::task::JoinSet;

use crate::redis_server::RedisServer;
use crate::store::{Store, TestCache, replica, scope, until, until_stored, value, version_in};

/// What the load saw.
struct Load {
    requests: u64,
    longest: Duration,
}

/// Requests for new keys all the time, so that each asks Redis, while `during` runs; none may fail.
async fn under_load(cache: &Arc<TestCache>, during: impl Future<Output = ()>) -> Load {
    let stop = Arc::new(AtomicBool::new(false));
    let next = Arc::new(AtomicU64::new(0));
    let mut load = JoinSet::new();
    for _ in 0..8 {
        let (cache, stop, next) = (Arc::clone(cache), Arc::clone(&stop), Arc::clone(&next));
        load.spawn(async move {
            let mut longest = Duration::ZERO;
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let key = Key::impact_commit(&scope("acme"), &number.to_string());
                let began = Instant::now();
                let (found, _) = cache.get_or_compute(&key, async |_| Ok(value(number))).await.unwrap();
                longest = longest.max(began.elapsed());
                assert_eq!(version_in(&found), number);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            longest
        });
    }
    during.await;
    stop.store(true, Ordering::Relaxed);
    let longest = load.join_all().await.into_iter().max().unwrap();
    Load { requests: next.load(Ordering::Relaxed), longest }
}

fn breaker(cache: &TestCache) -> Breaker {
    cache.stats().redis.breaker
}

/// The deadline is 25 ms; the rest is for a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_restarted_under_load() {
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    let cache = Arc::new(replica(&store, redis.config()).await);
    let load = under_load(&cache, async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            redis.kill();
            until("the breaker opens", || breaker(&cache) != Breaker::Closed).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            redis.restart();
            let up = Instant::now();
            until("redis is in use again", || breaker(&cache) == Breaker::Closed).await;
            println!("in use {:?} after it was up", up.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    })
    .await;
    println!("killed twice: {} requests, none failed, longest {:?}", load.requests, load.longest);
    assert!(load.longest < PATIENCE, "{:?}", load.longest);
    assert!(cache.stats().redis.opened >= 2);
    until_stored(&store, &cache, &Key::gaps_undocumented(&scope("acme"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    let cache = Arc::new(replica(&store, redis.config()).await);
    let load = under_load(&cache, async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        redis.run::<()>("CLIENT PAUSE 1500 ALL");
        until("the breaker opens", || breaker(&cache) != Breaker::Closed).await;
        until("redis is in use again", || breaker(&cache) == Breaker::Closed).await;
    })
    .await;
    println!("paused: {} requests, none failed, longest {:?}", load.requests, load.longest);
    assert!(load.longest < PATIENCE, "{:?}", load.longest);
    assert!(cache.stats().redis.timeouts > 0);
    let (_, outcome) = store.get(&cache, &Key::gaps_undocumented(&scope("acme"))).await;
    assert_eq!(outcome.redis, RedisUse::Up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_there() {
    // Nobody listens on the discard port of loopback.
    let config = Config { redis: Some(RedisConfig::new("redis://127.0.0.1:9/")), ..Config::default() };
    let store = Store::new();
    let cache: TestCache = Cache::open(config, Arc::clone(&store) as _).unwrap();
    let key = Key::gaps_undocumented(&scope("acme"));
    let (_, outcome) = store.get(&cache, &key).await;
    assert_eq!(outcome.cache_status(), "docassist; fwd=miss; stored; ttl=300; detail=redis-down");
    let (_, outcome) = store.get(&cache, &key).await;
    assert!(outcome.cache_status().ends_with("detail=memory.redis-down"), "{}", outcome.cache_status());
    let new = store.sync(&cache, key.scope(), SourceKind::Docs);
    assert_eq!(store.get(&cache, &key).await.0, new);
}

#[tokio::test]
async fn an_address_that_makes_no_sense_is_refused_without_repeating_it() {
    let config = Config { redis: Some(RedisConfig::new("http://:secret@host/")), ..Config::default() };
    let refused = TestCache::open(config, Store::new()).err().unwrap().to_string();
    assert!(!refused.contains("secret"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    store.frozen.store(true, Ordering::SeqCst);
    let acme = scope("acme");
    let key = Key::gaps_undocumented(&acme);
    let one = replica(&store, redis.config()).await;
    let new = store.sync(&one, &acme, SourceKind::Git);
    until_stored(&store, &one, &key).await;
    redis.run::<()>("FLUSHALL");
    assert!(store.get(&one, &key).await.1.is_hit(), "memory has it still");
    // Redis gets its counters back, so that a replica that starts now knows them.
    let counters = || redis.run::<Option<u64>>("HGET docassist:1:g:acme git");
    until("the counters are back", || counters().is_some()).await;
    let two = replica(&store, redis.config()).await;
    until_stored(&store, &two, &key).await;
    let three = replica(&store, redis.config()).await;
    let (found, outcome) = store.get(&three, &key).await;
    assert_eq!((found, outcome.served), (new, Served::Hit(Tier::Redis)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holding_garbage() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    let acme = scope("acme");
    let key = Key::gaps_undocumented(&acme);
    let name = "docassist:1:v:gaps:undocumented:acme";
    let writer = replica(&store, redis.config()).await;
    until_stored(&store, &writer, &key).await;
    let frame: Vec<u8> = redis.run(&format!("GET {name}"));
    let mut flipped = frame.clone();
    flipped[frame.len() / 2] ^= 1;
    let client = redis::Client::open(redis.config().url).unwrap();
    let mut connection = client.get_connection().unwrap();
    let mut set = |bytes: &[u8]| redis::cmd("SET").arg(name).arg(bytes).exec(&mut connection).unwrap();
    let cases: [(&str, &[u8]); 5] = [
        ("text", b"garbage"),
        ("cut", &frame[..frame.len() - 1]),
        ("longer", &[frame.as_slice(), b"x"].concat()),
        ("changed", &flipped),
        ("magic alone", b"dacv"),
    ];
    for (what, bytes) in cases {
        set(bytes);
        let reader = replica(&store, redis.config()).await;
        let (_, outcome) = store.get(&reader, &key).await;
        assert!(!outcome.is_hit(), "{what}");
        assert_eq!(reader.stats().redis.garbage, 1, "{what}");
        assert_eq!(breaker(&reader), Breaker::Closed, "{what}");
        written(&reader).await;
    }
    // The value of another organisation under our key.
    until_stored(&store, &writer, &Key::gaps_undocumented(&scope("other"))).await;
    let theirs: Vec<u8> = redis.run("GET docassist:1:v:gaps:undocumented:other");
    set(&theirs);
    let reader = replica(&store, redis.config()).await;
    assert!(!store.get(&reader, &key).await.1.is_hit());
    assert_eq!(reader.stats().redis.garbage, 1);
    written(&reader).await;
    // Other types, under the value's and the counters' names, and messages that nobody sent.
    redis.run::<()>(&format!("DEL {name}"));
    redis.run::<()>(&format!("LPUSH {name} x"));
    redis.run::<()>("SET docassist:1:g:acme x");
    redis.run::<()>("PUBLISH docassist:1:bumps nonsense");
    let reader = replica(&store, redis.config()).await;
    assert!(!store.get(&reader, &key).await.1.is_hit());
    let version = store.sync(&reader, &acme, SourceKind::Tickets);
    let counters = || redis.run::<String>("TYPE docassist:1:g:acme") == "hash";
    until("the counters are ours again", counters).await;
    assert_eq!(store.get(&reader, &key).await.0, version);
    // Counters that no bump made are as good as none. Of an organisation that nobody polls, who would put them right.
    redis.run::<()>("HSET docassist:1:g:third git 18446744073709551615 tickets x");
    let (reader, third) = (replica(&store, redis.config()).await, scope("third"));
    let key = Key::gaps_undocumented(&third);
    store.get(&reader, &key).await;
    // Both counters, each time that they are looked at: once, unless the machine is slow.
    let garbage = reader.stats().redis.garbage;
    assert!(garbage >= 2 && garbage.is_multiple_of(2), "{garbage}");
    let version = store.sync(&reader, &third, SourceKind::Git);
    assert_eq!(store.get(&reader, &key).await.0, version);
    let counter = || redis.run::<u64>("HGET docassist:1:g:third git") < u64::MAX;
    until("the counter is one of ours", counter).await;
}

/// Waits until what was computed instead has replaced the garbage, so that it does not replace the next.
async fn written(cache: &TestCache) {
    until("it is written", || cache.stats().families[0].redis.stores > 0).await;
}

/// It answers, and with nothing but errors: of no more use than one that is silent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusing_everything() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    let cache = replica(&store, redis.config()).await;
    let key = Key::gaps_undocumented(&scope("acme"));
    store.get(&cache, &key).await;
    redis.run::<()>("ACL SETUSER default -hmget -getrange -set");
    until("the breaker opens", || cache.stats().redis.opened > 0).await;
    assert!(store.get(&cache, &key).await.1.is_hit(), "memory has it");
    redis.run::<()>("ACL SETUSER default +@all");
    until("redis is in use again", || breaker(&cache) == Breaker::Closed).await;
}
