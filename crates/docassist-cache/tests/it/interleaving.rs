//! No order of events lets a value through that is older than the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use docassist_cache::{Forward, Key, Served};
use docassist_model::{SourceKind, TenantScope};
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::redis_server::RedisServer;
use crate::store::{Store, TestCache, alone, replica, scope, until, value, version_in};

const KINDS: [SourceKind; 3] = [SourceKind::Git, SourceKind::Tickets, SourceKind::Docs];

/// A request whose computation reads the data, and ends when it is told to.
struct Pending {
    asked_at: u64,
    finish: Option<oneshot::Sender<()>>,
    answer: JoinHandle<u64>,
}

fn ask(cache: &Arc<TestCache>, store: &Arc<Store>, key: &Key) -> Pending {
    let (finish, finished) = oneshot::channel::<()>();
    let asked_at = store.version(key.scope());
    let (cache, store, key) = (Arc::clone(cache), Arc::clone(store), key.clone());
    let answer = tokio::spawn(async move {
        let compute = |_| async {
            let read = store.version(key.scope());
            let _ = finished.await;
            Ok::<_, String>(value(read))
        };
        version_in(&cache.get_or_compute(&key, compute).await.unwrap().0)
    });
    Pending { asked_at, finish: Some(finish), answer }
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// The interleaving that the issue asks for: computed before a sync, stored after it.
async fn late(cache: Arc<TestCache>, store: Arc<Store>) {
    let acme = scope("acme");
    for kind in KINDS {
        for key in [Key::gaps_comprehensive(&acme), Key::impact_commit(&acme, "0a"), Key::rel_repo(&acme, "api")] {
            cache.clear(&acme);
            let old = store.version(&acme);
            let mut early = ask(&cache, &store, &key);
            tokio::time::sleep(Duration::from_millis(30)).await;
            let new = store.sync(&cache, &acme, kind);
            // Asked after the sync, while the old computation still runs: does not join it.
            let (found, _) = store.get(&cache, &key).await;
            assert_eq!(found, new);
            early.finish.take().unwrap().send(()).unwrap();
            assert_eq!(early.answer.await.unwrap(), old, "asked before the sync, it may be answered so");
            let (found, outcome) = store.get(&cache, &key).await;
            assert_eq!(found, new);
            assert!(outcome.is_hit(), "and did not displace the new value");
        }
    }
    assert_eq!(cache.stats().families.iter().map(|family| family.overtaken).sum::<u64>(), 9);
}

#[tokio::test]
async fn a_value_computed_before_and_stored_after_a_sync_is_never_served() {
    let store = Store::new();
    late(Arc::new(alone(&store)), store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_is_it_with_redis() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    // So that what is tested is the counters.
    store.frozen.store(true, Ordering::SeqCst);
    late(Arc::new(replica(&store, redis.config()).await), store).await;
}

/// Stored without the check before storing: what lies in Redis under an old stamp is rejected when it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_value_in_redis_is_rejected_by_its_stamp() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    let acme = scope("acme");
    let key = Key::gaps_comprehensive(&acme);
    let one = replica(&store, redis.config()).await;
    crate::store::until_stored(&store, &one, &key).await;
    let frame: Vec<u8> = redis.run("GET docassist:1:v:gaps:comprehensive:acme");
    let new = store.sync(&one, &acme, SourceKind::Git);
    // A writer that was held up for long puts the old value back.
    let client = redis::Client::open(redis.config().url).unwrap();
    let mut connection = client.get_connection().unwrap();
    let two = replica(&store, redis.config()).await;
    for cache in [&one, &two] {
        redis::cmd("SET").arg("docassist:1:v:gaps:comprehensive:acme").arg(&frame).exec(&mut connection).unwrap();
        let before = cache.stats().family(key.family()).redis.stores;
        let (found, outcome) = store.get(cache, &key).await;
        assert_eq!((found, outcome.served), (new, Served::Computed(Forward::Stale)));
        // The new value must not arrive after the old one is put back once more.
        until("redis has the new value", || cache.stats().family(key.family()).redis.stores > before).await;
        assert_eq!(cache.stats().family(key.family()).redis.stale, 1);
    }
}

#[derive(Debug, Clone)]
enum Event {
    Ask(usize),
    Finish(usize),
    Drop(usize),
    Sync(usize, usize),
    Clear(usize),
    Settle,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0usize..4).prop_map(Event::Ask),
        3 => (0usize..8).prop_map(Event::Finish),
        1 => (0usize..8).prop_map(Event::Drop),
        2 => ((0usize..2), (0usize..3)).prop_map(|(org, kind)| Event::Sync(org, kind)),
        1 => (0usize..2).prop_map(Event::Clear),
        4 => Just(Event::Settle),
    ];
    proptest::collection::vec(event, 1..60)
}

/// Replays the events; asserts that nobody gets what was there before he asked.
async fn replay(events: Vec<Event>) {
    let store = Store::new();
    let cache = Arc::new(alone(&store));
    let orgs: [TenantScope; 2] = [scope("one"), scope("two")];
    let keys: Vec<Key> =
        orgs.iter().flat_map(|org| [Key::gaps_undocumented(org), Key::impact_commit(org, "0a")]).collect();
    let mut pending: Vec<Pending> = Vec::new();
    for event in events {
        match event {
            Event::Ask(key) => pending.push(ask(&cache, &store, &keys[key])),
            Event::Finish(at) => {
                if let Some(finish) = pending.get_mut(at).and_then(|pending| pending.finish.take()) {
                    let _ = finish.send(());
                }
            }
            Event::Drop(at) if at < pending.len() => pending.swap_remove(at).answer.abort(),
            Event::Drop(_) => {}
            Event::Sync(org, kind) => {
                store.sync(&cache, &orgs[org], KINDS[kind]);
            }
            Event::Clear(org) => cache.clear(&orgs[org]),
            Event::Settle => settle().await,
        }
    }
    // Everybody may finish now; those who took over from a dropped leader as well.
    for pending in &mut pending {
        pending.finish.take();
    }
    for pending in pending {
        let found = pending.answer.await.unwrap();
        assert!(found >= pending.asked_at, "{found} for a request at {}", pending.asked_at);
    }
    for key in &keys {
        assert_eq!(store.get(&cache, key).await.0, store.version(key.scope()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nobody_gets_what_is_older_than_his_request(events in events()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(replay(events));
    }
}

/// The same on two threads, as fast as they can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_under_load() {
    let store = Store::new();
    let cache = Arc::new(alone(&store));
    let stop = Arc::new(AtomicBool::new(false));
    let acme = scope("acme");
    let askers: Vec<JoinHandle<u64>> = (0..4)
        .map(|_| {
            let (cache, store, stop, acme) = (Arc::clone(&cache), Arc::clone(&store), Arc::clone(&stop), acme.clone());
            tokio::spawn(async move {
                let mut asked = 0;
                while !stop.load(Ordering::Relaxed) {
                    // The last bump that ended before now: the version is raised before, so it is read after.
                    let key = Key::gaps_orphaned(&acme, u32::try_from(asked % 3).unwrap());
                    let at_least = store.bumped(&acme);
                    let (found, _) = store.get(&cache, &key).await;
                    assert!(found >= at_least, "{found} after {at_least}");
                    asked += 1;
                    if asked % 64 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                asked
            })
        })
        .collect();
    let began = Instant::now();
    let mut syncs = 0;
    while began.elapsed() < Duration::from_secs(1) {
        store.sync(&cache, &acme, KINDS[syncs % 3]);
        store.note_bumped(&acme);
        syncs += 1;
        tokio::time::sleep(Duration::from_micros(50)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut asked = 0;
    for asker in askers {
        asked += asker.await.unwrap();
    }
    let stats = *cache.stats().family(docassist_cache::Family::Gaps);
    println!("{asked} requests, {syncs} syncs, {} stale rejected, {} overtaken", stats.memory.stale, stats.overtaken);
    assert!(stats.memory.stale > 0);
    until("some were hits", || stats.memory.hits > 0).await;
}
