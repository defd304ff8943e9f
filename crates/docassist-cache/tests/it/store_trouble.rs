//! The store is silent, hangs or is slow: nothing uncertain is served, nobody waits for long, and a crowd still computes
//! once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use docassist_cache::{Cache, Config, Forward, Key, Replicas, Served, Tier};
use docassist_model::SourceKind;
use tokio::task::JoinSet;

use crate::store::{Store, TestCache, scope, until, value};

fn open(store: &Arc<Store>, replicas: Replicas) -> TestCache {
    Cache::open(Config { replicas: Some(replicas), ..Config::default() }, Arc::clone(store) as _).unwrap()
}

/// A replica that cannot know what is current does not guess.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_store_ends_the_lease() {
    let store = Store::new();
    let lease = Duration::from_millis(200);
    let cache = open(&store, Replicas { poll: Duration::from_millis(50), lease });
    let key = Key::gaps_comprehensive(&scope("acme"));
    store.get(&cache, &key).await;
    assert!(store.get(&cache, &key).await.1.is_hit());
    store.silent.store(true, Ordering::SeqCst);
    tokio::time::sleep(lease * 2).await;
    let (_, outcome) = store.get(&cache, &key).await;
    assert_eq!(outcome.served, Served::Computed(Forward::Bypass));
    assert_eq!(outcome.cache_status(), "docassist; fwd=bypass");
    store.silent.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(store.get(&cache, &key).await.1.is_hit(), "what it had is still current");
}

/// Answers of a crowd that comes while the store is in trouble, and how long the slowest took.
async fn crowd(cache: &Arc<TestCache>, store: &Arc<Store>, size: u64) -> Duration {
    let mut crowd = JoinSet::new();
    for _ in 0..size {
        let (cache, store) = (Arc::clone(cache), Arc::clone(store));
        crowd.spawn(async move {
            let compute = |_| async {
                store.computations.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok::<_, String>(value(1))
            };
            let began = Instant::now();
            let key = Key::gaps_comprehensive(&scope("acme"));
            let (_, outcome) = cache.get_or_compute(&key, compute).await.unwrap();
            assert_eq!(outcome.served, Served::Computed(Forward::Bypass));
            began.elapsed()
        });
    }
    crowd.join_all().await.into_iter().max().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_without_the_cache_shares_a_look_and_a_computation() {
    let store = Store::new();
    store.silent.store(true, Ordering::SeqCst);
    store.slow.store(20_000, Ordering::SeqCst);
    let cache = Arc::new(open(&store, Replicas::default()));
    let slowest = crowd(&cache, &store, 500).await;
    // The stretch of time may end among them.
    assert!(store.computations.load(Ordering::SeqCst) <= 2);
    assert!(slowest < Duration::from_millis(300), "{slowest:?}: they stood in line");
    let looks = store.looks.load(Ordering::SeqCst);
    assert!(looks <= 5, "{looks} looks");
    assert_eq!(cache.stats().families[0].bypassed, 500);
}

/// A bypass is as fresh as the lease, too: after it, nobody joins a computation from before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_cache_nobody_joins_what_began_before_the_lease() {
    let store = Store::new();
    store.silent.store(true, Ordering::SeqCst);
    let lease = Duration::from_millis(100);
    let cache = Arc::new(open(&store, Replicas { poll: Duration::from_millis(50), lease }));
    let key = Key::gaps_comprehensive(&scope("acme"));
    let early = tokio::spawn({
        let (cache, store, key) = (Arc::clone(&cache), Arc::clone(&store), key.clone());
        async move {
            let compute = |_| async {
                let read = store.version(key.scope());
                tokio::time::sleep(Duration::from_millis(400)).await;
                Ok::<_, String>(value(read))
            };
            cache.get_or_compute(&key, compute).await.unwrap()
        }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let new = store.change(key.scope());
    tokio::time::sleep(lease).await;
    assert_eq!(store.get(&cache, &key).await.0, new);
    early.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_hangs_is_waited_for_once() {
    let store = Store::new();
    store.hanging.store(true, Ordering::SeqCst);
    let cache = Arc::new(open(&store, Replicas::default()));
    let first = crowd(&cache, &store, 100).await;
    assert!(first < Duration::from_millis(600), "{first:?}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let later = crowd(&cache, &store, 100).await;
    assert!(later < Duration::from_millis(200), "{later:?}: known to hang, and waited for all the same");
    // One for the requests and one for the poll: a blocking look holds a thread.
    assert!(store.most_looking.load(Ordering::SeqCst) <= 2);
    let began = Instant::now();
    cache.bump(&scope("acme"), SourceKind::Git);
    assert!(began.elapsed() < Duration::from_millis(50));
}

/// A thousand organisations in use: polling costs a few questions a round, and all stay hits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_organisations_are_polled_in_chunks() {
    let store = Store::new();
    let cache = open(&store, Replicas::default());
    let keys: Vec<Key> = (0..1000).map(|number| Key::gaps_comprehensive(&scope(&format!("org-{number}")))).collect();
    for key in &keys {
        store.get(&cache, key).await;
    }
    store.slow.store(20, Ordering::SeqCst);
    let (looks, began) = (store.looks.load(Ordering::SeqCst), Instant::now());
    while began.elapsed() < Duration::from_secs(2) {
        for key in &keys {
            let (_, outcome) = store.get(&cache, key).await;
            assert_eq!(outcome.served, Served::Hit(Tier::Memory));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let looks = store.looks.load(Ordering::SeqCst) - looks;
    println!("1,000 organisations: {looks} looks in 2 s");
    assert!(looks <= 4 * 9, "{looks}");
}

/// A round of polling takes far longer than the lease: requests look for themselves, and none fails or does without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_slower_than_the_lease_costs_looks_and_nothing_else() {
    let store = Store::new();
    let cache = open(&store, Replicas { poll: Duration::from_millis(50), lease: Duration::from_millis(100) });
    let keys: Vec<Key> = (0..600).map(|number| Key::gaps_comprehensive(&scope(&format!("org-{number}")))).collect();
    for key in &keys {
        store.get(&cache, key).await;
    }
    // A chunk takes half a second.
    store.slow.store(2000, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    for key in keys.iter().take(100) {
        let (_, outcome) = store.get(&cache, key).await;
        assert_eq!(outcome.served, Served::Hit(Tier::Memory));
    }
    let new = store.change(keys[0].scope());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(store.get(&cache, &keys[0]).await.0, new);
    until("the poll has gone on", || store.looking.load(Ordering::SeqCst) <= 1).await;
}
