//! A store that counts its syncs, and caches over it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use docassist_cache::{
    Breaker, Cache, Config, CurrentGenerations, Durable, Failure, Generations, GenerationsUnavailable, Key, Outcome,
    RedisConfig, Value,
};
use docassist_model::{SourceKind, TenantScope};

pub(crate) type TestCache = Cache<String>;

pub(crate) fn scope(slug: &str) -> TenantScope {
    TenantScope::unchecked(slug.parse().unwrap(), "a test")
}

/// What several replicas share.
#[derive(Default)]
pub(crate) struct Store {
    sequences: Mutex<HashMap<String, u64>>,
    /// The versions whose syncs have ended, told to the cache included.
    ended: Mutex<HashMap<String, u64>>,
    pub(crate) silent: AtomicBool,
    /// Whether the durable generations stay as they are, so that counters alone have to do.
    pub(crate) frozen: AtomicBool,
    pub(crate) computations: AtomicU64,
    /// Looks under way now, the most at a time, and all.
    pub(crate) looking: AtomicU64,
    pub(crate) most_looking: AtomicU64,
    pub(crate) looks: AtomicU64,
    /// How long a look blocks its thread, in microseconds for each organisation.
    pub(crate) slow: AtomicU64,
    /// Looks never end.
    pub(crate) hanging: AtomicBool,
}

impl Store {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn version(&self, scope: &TenantScope) -> u64 {
        self.sequences.lock().unwrap().get(scope.org().as_str()).copied().unwrap_or_default()
    }

    /// The records change; the caches are not told.
    pub(crate) fn change(&self, scope: &TenantScope) -> u64 {
        let mut sequences = self.sequences.lock().unwrap();
        let sequence = sequences.entry(scope.org().to_string()).or_default();
        *sequence += 1;
        *sequence
    }

    /// A sync through the replica with this cache.
    pub(crate) fn sync(&self, cache: &TestCache, scope: &TenantScope, kind: SourceKind) -> u64 {
        let version = self.change(scope);
        cache.bump(scope, kind);
        version
    }

    pub(crate) fn bumped(&self, scope: &TenantScope) -> u64 {
        self.ended.lock().unwrap().get(scope.org().as_str()).copied().unwrap_or_default()
    }

    pub(crate) fn note_bumped(&self, scope: &TenantScope) {
        let version = self.version(scope);
        self.ended.lock().unwrap().insert(scope.org().to_string(), version);
    }

    /// Asks for a key whose value is the store's version.
    pub(crate) async fn get(&self, cache: &TestCache, key: &Key) -> (u64, Outcome) {
        let compute = |_| async {
            self.computations.fetch_add(1, Ordering::SeqCst);
            Ok::<_, String>(value(self.version(key.scope())))
        };
        let (value, outcome) = cache.get_or_compute(key, compute).await.unwrap();
        (version_in(&value), outcome)
    }
}

impl Generations for Store {
    fn current<'a>(&'a self, scopes: &'a [TenantScope]) -> CurrentGenerations<'a> {
        Box::pin(async move {
            self.looks.fetch_add(1, Ordering::SeqCst);
            let under_way = self.looking.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_looking.fetch_max(under_way, Ordering::SeqCst);
            if self.hanging.load(Ordering::SeqCst) {
                return std::future::pending().await;
            }
            let slow = self.slow.load(Ordering::SeqCst) * scopes.len() as u64;
            if slow > 0 {
                // As a store does that blocks.
                let wait = move || std::thread::sleep(Duration::from_micros(slow));
                tokio::task::spawn_blocking(wait).await.unwrap();
            }
            self.looking.fetch_sub(1, Ordering::SeqCst);
            if self.silent.load(Ordering::SeqCst) {
                return Err(GenerationsUnavailable("as planned".to_owned()));
            }
            if self.frozen.load(Ordering::SeqCst) {
                return Ok(vec![Durable::default(); scopes.len()]);
            }
            Ok(scopes.iter().map(|scope| Durable::all(self.version(scope))).collect())
        })
    }
}

pub(crate) fn value(version: u64) -> Value {
    Value::new("text/plain", version.to_string())
}

pub(crate) fn version_in(value: &Value) -> u64 {
    std::str::from_utf8(value.body()).unwrap().parse().unwrap()
}

/// One process without Redis.
pub(crate) fn alone(store: &Arc<Store>) -> TestCache {
    Cache::open(Config::default(), Arc::clone(store) as _).unwrap()
}

/// A replica over Redis; returns when it is connected.
pub(crate) async fn replica(store: &Arc<Store>, redis: RedisConfig) -> TestCache {
    let config = Config { redis: Some(redis), ..Config::default() };
    let cache = Cache::open(config, Arc::clone(store) as _).unwrap();
    until("redis is in use", || cache.stats().redis.breaker == Breaker::Closed).await;
    cache
}

/// Waits, not for ever.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(10), "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks for a key until Redis has its value.
pub(crate) async fn until_stored(store: &Store, cache: &TestCache, key: &Key) {
    let family = key.family();
    let before = cache.stats().family(family).redis.stores;
    store.get(cache, key).await;
    until("redis has the value", || cache.stats().family(family).redis.stores > before).await;
}

/// A computation's failure.
pub(crate) fn failure(text: &str) -> Failure<String> {
    Failure::Computation(text.to_owned())
}
