//! A network that swallows what is sent, and closes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use docassist_cache::{Breaker, Key, RedisConfig, RedisUse};
use docassist_model::SourceKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::redis_server::RedisServer;
use crate::store::{Store, replica, scope, until};

/// Stands between a cache and Redis.
struct Network {
    port: u16,
    /// Connections made before this one's number say nothing any more.
    silent_before: Arc<AtomicU64>,
    /// New connections are accepted and silent, too.
    silent: Arc<AtomicBool>,
    made: Arc<AtomicU64>,
}

impl Network {
    async fn to(redis: &RedisServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = Self {
            port: listener.local_addr().unwrap().port(),
            silent_before: Arc::default(),
            silent: Arc::default(),
            made: Arc::default(),
        };
        let (silent_before, silent, made) =
            (Arc::clone(&network.silent_before), Arc::clone(&network.silent), Arc::clone(&network.made));
        let port = redis.port();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let number = made.fetch_add(1, Ordering::SeqCst);
                let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                for (from, to) in [(near_in, far_out), (far_in, near_out)] {
                    let (silent_before, silent) = (Arc::clone(&silent_before), Arc::clone(&silent));
                    tokio::spawn(carry(from, to, move || {
                        silent.load(Ordering::SeqCst) || number < silent_before.load(Ordering::SeqCst)
                    }));
                }
            }
        });
        network
    }

    fn config(&self) -> RedisConfig {
        RedisConfig::new(format!("redis://127.0.0.1:{}/", self.port))
    }

    fn part(&self) {
        self.silent_before.store(u64::MAX, Ordering::SeqCst);
        self.silent.store(true, Ordering::SeqCst);
    }

    /// New connections work; those from before stay silent for ever.
    fn heal(&self) {
        self.silent_before.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
        self.silent.store(false, Ordering::SeqCst);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_silent: impl Fn() -> bool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if is_silent() {
            return std::future::pending().await;
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parted_network_is_noticed_on_both_connections() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    let network = Network::to(&redis).await;
    let one = replica(&store, redis.config()).await;
    let two = replica(&store, network.config()).await;
    let acme = scope("acme");
    store.get(&two, &Key::gaps_undocumented(&acme)).await;
    until("both listen", || redis.run::<(String, u64)>("PUBSUB NUMSUB docassist:1:bumps").1 >= 2).await;
    network.part();
    let began = Instant::now();
    let mut days = 0;
    while two.stats().redis.breaker == Breaker::Closed {
        let asked = Instant::now();
        let (_, outcome) = store.get(&two, &Key::gaps_stale(&acme, days)).await;
        assert_eq!(outcome.redis, RedisUse::Down, "it did without, whatever the breaker says");
        assert!(asked.elapsed() < Duration::from_millis(100));
        days += 1;
    }
    println!("noticed after {:?}", began.elapsed());
    network.heal();
    until("redis is in use again", || two.stats().redis.breaker == Breaker::Closed).await;
    let before = two.stats().redis.messages;
    let began = Instant::now();
    while two.stats().redis.messages == before {
        assert!(began.elapsed() < Duration::from_secs(5), "it listens to a connection that is dead");
        store.sync(&one, &acme, SourceKind::Git);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The first request of an organisation asks for its counters and for the value: together within the limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_redis_is_waited_for_no_longer_than_promised() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = Store::new();
    for _ in 0..5 {
        let network = Network::to(&redis).await;
        let cache = replica(&store, RedisConfig { failures_to_open: 100, ..network.config() }).await;
        network.part();
        for number in 0..10 {
            let began = Instant::now();
            let (_, outcome) = store.get(&cache, &Key::gaps_undocumented(&scope(&format!("org-{number}")))).await;
            let waited = began.elapsed();
            assert_eq!(outcome.redis, RedisUse::Down);
            // 50 ms, and what a busy machine adds.
            assert!(waited < Duration::from_millis(80), "{waited:?}");
        }
    }
}
