//! One connection, or one to each node of a Cluster, and a circuit breaker around it.
//!
//! The breaker is open exactly while there is no connection. A lost connection opens it at once, so many failures in a row
//! do so too, and then the connection is given up: a peer that is silent looks the same whether it is paused or gone. A
//! task in the background makes the next connection, asks it for a `PING` and only then closes the breaker.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::{AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult};
use tokio::sync::{Notify, watch};
use tokio::time::error::Elapsed;
use tokio::time::{sleep, timeout};

use super::address::{Address, Connection};
use super::inspect::described;
use crate::config::RedisConfig;
use crate::stats::{Breaker, Counters};

/// Why Redis did not answer as asked.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It was not asked, or did not answer: noted already.
    Silent,
    /// It answered with an error. The connection works; whoever asked knows what it means.
    Refused(RedisError),
}

#[derive(Clone)]
struct Live {
    connection: Connection,
    /// Failures in a row. Those of an earlier connection do not count against this one.
    failures: Arc<AtomicU32>,
}

pub(crate) struct Link {
    address: Address,
    pub(crate) config: RedisConfig,
    counters: Arc<Counters>,
    live: RwLock<Option<Live>>,
    state: AtomicU8,
    opened: Notify,
    /// Changes with every connection that is made.
    made: watch::Sender<u64>,
}

/// So many times the failures in a row open the breaker of a Cluster: what one dead node does is no reason to do without the
/// others, and an answer of any of them ends the row.
const OF_A_CLUSTER: u32 = 8;

const OPEN: u8 = 0;
const HALF_OPEN: u8 = 1;
const CLOSED: u8 = 2;

impl Link {
    pub(crate) fn new(address: Address, config: RedisConfig, counters: Arc<Counters>) -> Self {
        Self {
            address,
            config,
            counters,
            live: RwLock::new(None),
            state: AtomicU8::new(OPEN),
            opened: Notify::new(),
            made: watch::Sender::new(0),
        }
    }

    pub(crate) fn state(&self) -> Breaker {
        match self.state.load(Ordering::Acquire) {
            CLOSED => Breaker::Closed,
            HALF_OPEN => Breaker::HalfOpen,
            _ => Breaker::Open,
        }
    }

    /// Changes with every connection that is made.
    pub(crate) fn made(&self) -> watch::Receiver<u64> {
        self.made.subscribe()
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a command and waits for its answer until the deadline.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd, deadline: Duration) -> Result<T, Trouble> {
        let Some(mut live) = self.live() else { return Err(Trouble::Silent) };
        let answer = timeout(deadline, live.connection.command(command)).await;
        self.judge(&live, answer, |_| true)
    }

    /// Sends several commands at once. Each answer can be an error of its own.
    pub(crate) async fn ask_all<T: FromRedisValue>(
        &self,
        commands: &mut Pipeline,
        deadline: Duration,
    ) -> Result<Vec<RedisResult<T>>, Trouble> {
        let Some(mut live) = self.live() else { return Err(Trouble::Silent) };
        let answer = timeout(deadline, live.connection.commands(commands)).await;
        self.judge(&live, answer, |answers: &Vec<RedisResult<T>>| answers.iter().any(Result::is_ok))
    }

    /// Notes an error answer that means that Redis is of no use now: loading, no permission, a replica without master.
    pub(crate) fn note(&self, trouble: Trouble) {
        if let Trouble::Refused(error) = trouble {
            tracing::debug!(code = error.code(), "redis refused a command");
            self.counters.redis.failures.one();
            if let Some(live) = self.live() {
                self.failed(&live);
            }
        }
    }

    fn live(&self) -> Option<Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `is_good` says whether an answer ends a row of failures; one that is all errors does not.
    fn judge<T>(
        &self,
        live: &Live,
        answer: Result<RedisResult<T>, Elapsed>,
        is_good: impl FnOnce(&T) -> bool,
    ) -> Result<T, Trouble> {
        match answer {
            Ok(Ok(answer)) => {
                if live.failures.load(Ordering::Relaxed) > 0 && is_good(&answer) {
                    live.failures.store(0, Ordering::Relaxed);
                }
                Ok(answer)
            }
            Ok(Err(error)) if is_answer(&error) => Err(Trouble::Refused(error)),
            Ok(Err(error)) => {
                self.counters.redis.failures.one();
                // Of a Cluster one node may be gone; its client connects again by itself.
                if (error.is_connection_dropped() || error.is_io_error()) && !self.address.is_cluster() {
                    self.open(live);
                } else {
                    self.failed(live);
                }
                Err(Trouble::Silent)
            }
            Err(_) => {
                self.counters.redis.timeouts.one();
                self.failed(live);
                Err(Trouble::Silent)
            }
        }
    }

    fn failed(&self, live: &Live) {
        let most = self.config.failures_to_open * if self.address.is_cluster() { OF_A_CLUSTER } else { 1 };
        if live.failures.fetch_add(1, Ordering::Relaxed) + 1 >= most {
            self.open(live);
        }
    }

    /// Opens the breaker, unless that connection has been given up already.
    fn open(&self, failed: &Live) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if live.as_ref().is_some_and(|live| Arc::ptr_eq(&live.failures, &failed.failures)) {
            *live = None;
            self.state.store(OPEN, Ordering::Release);
            self.counters.redis.opened.one();
            self.opened.notify_one();
        }
    }

    async fn connect(&self) -> RedisResult<Live> {
        // Deadlines are ours, per operation.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(Some(self.config.connect_deadline));
        let mut connection = self.address.connect(&config).await?;
        connection.command::<redis::Value>(&self.address.probe()).await?;
        Ok(Live { connection, failures: Arc::default() })
    }
}

/// Whether Redis itself said so.
pub(super) fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType)
}

/// A connection that lasted less than this does not make the next pause short again.
const SOUND: Duration = Duration::from_secs(10);

/// Makes connections for as long as it is not stopped.
pub(crate) async fn supervise(link: Arc<Link>) {
    let mut pause = link.config.first_pause;
    let mut down_since: Option<Instant> = None;
    loop {
        link.state.store(HALF_OPEN, Ordering::Release);
        let reason = match timeout(link.config.connect_deadline, link.connect()).await {
            Ok(Ok(live)) => {
                let began = Instant::now();
                {
                    // Together, or a request that loses the connection at once has its state overwritten.
                    let mut current = link.live.write().unwrap_or_else(PoisonError::into_inner);
                    *current = Some(live);
                    link.made.send_modify(|number| *number += 1);
                    link.state.store(CLOSED, Ordering::Release);
                }
                link.counters.redis.connected.one();
                let down_ms = down_since.map(|since| since.elapsed().as_millis());
                tracing::info!(down_ms, "redis is in use");
                link.opened.notified().await;
                tracing::warn!("redis does not answer; serving from memory alone");
                down_since = Some(Instant::now());
                if began.elapsed() > SOUND {
                    pause = link.config.first_pause;
                }
                sleep(pause).await;
                pause = (pause * 2).min(link.config.longest_pause);
                continue;
            }
            Ok(Err(error)) => described(&error),
            Err(_) => "no answer".to_owned(),
        };
        link.state.store(OPEN, Ordering::Release);
        // Said once; the state is in the metrics and the health report.
        if down_since.is_none() {
            down_since = Some(Instant::now());
            tracing::warn!(reason, "redis cannot be reached; serving from memory alone");
        }
        sleep(pause).await;
        pause = (pause * 2).min(link.config.longest_pause);
    }
}
