use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use docassist_cache::{Computed, Failure, Key, Served, Tier};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::redis_server::RedisServer;
use crate::store::{Store, TestCache, alone, failure, replica, scope, value};

/// So many requests of one key at once.
const CROWD: usize = 1000;

/// Lets every other task of a single-threaded runtime run until it waits.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn stampede(cache: Arc<TestCache>) {
    let computations = Arc::new(AtomicU64::new(0));
    let key = Key::gaps_comprehensive(&scope("acme"));
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (cache, computations, key) = (Arc::clone(&cache), Arc::clone(&computations), key.clone());
        crowd.spawn(async move {
            let compute = |_| async {
                computations.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok::<_, String>(value(1))
            };
            cache.get_or_compute(&key, compute).await.unwrap().0
        });
    }
    let answers = crowd.join_all().await;
    assert_eq!(answers.len(), CROWD);
    assert!(answers.iter().all(|answer| *answer == value(1)));
    assert_eq!(computations.load(Ordering::SeqCst), 1);
    let stats = *cache.stats().family(key.family());
    assert_eq!((stats.computations, stats.computations_saved()), (1, CROWD as u64 - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stampede_computes_once() {
    stampede(Arc::new(alone(&Store::new()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stampede_computes_once_over_redis() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    stampede(Arc::new(replica(&Store::new(), redis.config()).await)).await;
}

#[tokio::test]
async fn a_failure_goes_to_all_and_is_forgotten() {
    let cache = Arc::new(alone(&Store::new()));
    let key = Key::gaps_undocumented(&scope("acme"));
    let gate = Arc::new(Notify::new());
    let mut crowd = JoinSet::new();
    for number in 0..10 {
        let (cache, key, gate) = (Arc::clone(&cache), key.clone(), Arc::clone(&gate));
        crowd.spawn(async move {
            let compute = |_| async {
                gate.notified().await;
                Err::<Computed, _>(format!("failed in {number}"))
            };
            cache.get_or_compute(&key, compute).await.unwrap_err()
        });
    }
    settle().await;
    gate.notify_one();
    let failures = crowd.join_all().await;
    let expected = (0..10).map(|number| failure(&format!("failed in {number}"))).find(|leader| *leader == failures[0]);
    assert!(failures.iter().all(|other| Some(other) == expected.as_ref()), "{failures:?}");
    let (_, outcome) = cache.get_or_compute(&key, async |_| Ok(value(1))).await.unwrap();
    assert!(!outcome.is_hit());
    assert_eq!(cache.stats().family(key.family()).failures, 1);
}

#[tokio::test]
async fn a_panic_poisons_nothing() {
    let cache = Arc::new(alone(&Store::new()));
    let key = Key::gaps_undocumented(&scope("acme"));
    let gate = Arc::new(Notify::new());
    let leader = {
        let (cache, key, gate) = (Arc::clone(&cache), key.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            let compute = |_| async {
                gate.notified().await;
                if true {
                    panic!("as planned");
                }
                Ok::<_, String>(value(0))
            };
            cache.get_or_compute(&key, compute).await
        })
    };
    settle().await;
    let waiter = {
        let (cache, key) = (Arc::clone(&cache), key.clone());
        tokio::spawn(async move { cache.get_or_compute(&key, async |_| Ok(value(1))).await })
    };
    settle().await;
    gate.notify_one();
    assert!(leader.await.unwrap_err().is_panic());
    assert_eq!(waiter.await.unwrap().unwrap_err(), Failure::Crashed);
    assert_eq!(cache.get_or_compute(&key, async |_| Ok(value(2))).await.unwrap().0, value(2));
}

#[tokio::test]
async fn a_dropped_leader_hands_over() {
    let cache = Arc::new(alone(&Store::new()));
    let key = Key::gaps_undocumented(&scope("acme"));
    let leader = {
        let (cache, key) = (Arc::clone(&cache), key.clone());
        tokio::spawn(async move {
            let compute = |_| std::future::pending::<Result<Computed, String>>();
            cache.get_or_compute(&key, compute).await
        })
    };
    settle().await;
    let computations = Arc::new(AtomicU64::new(0));
    let mut crowd = JoinSet::new();
    for _ in 0..100 {
        let (cache, key, computations) = (Arc::clone(&cache), key.clone(), Arc::clone(&computations));
        crowd.spawn(async move {
            let compute = |_| async {
                computations.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok::<_, String>(value(5))
            };
            cache.get_or_compute(&key, compute).await.unwrap().0
        });
    }
    settle().await;
    leader.abort();
    assert!(crowd.join_all().await.iter().all(|answer| *answer == value(5)));
    assert_eq!(computations.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_not() {
    let cache = alone(&Store::new());
    let key = Key::gaps_undocumented(&scope("acme"));
    let (_, outcome) = cache.get_or_compute(&key, async |_| Ok(Computed::not_kept(value(1)))).await.unwrap();
    assert_eq!(outcome.cache_status(), "docassist; fwd=miss");
    let (_, outcome) = cache.get_or_compute(&key, async |_| Ok(value(2))).await.unwrap();
    assert_eq!(outcome.cache_status(), "docassist; fwd=miss; stored; ttl=300");
    let (found, outcome) = cache.get_or_compute(&key, async |_| Ok(value(3))).await.unwrap();
    assert_eq!((found, outcome.served), (value(2), Served::Hit(Tier::Memory)));
}
