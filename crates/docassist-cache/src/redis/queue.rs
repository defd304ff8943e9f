//! Writing values, later and not at any price: a queue bounded in number and bytes, and one task that empties it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::config::RedisConfig;
use crate::key::{Family, Key};
use crate::org::OrgState;
use crate::redis::Names;
use crate::redis::frame;
use crate::redis::link::Link;
use crate::stamp::{Stamp, millis};
use crate::stats::Counters;
use crate::value::Value;

/// A value to be written.
pub(crate) struct Write {
    key: Arc<str>,
    family: Family,
    org: Arc<OrgState>,
    value: Value,
    stamp: Stamp,
    ttl: Duration,
    since: Instant,
}

impl Write {
    pub(crate) fn new(key: &Key, org: &Arc<OrgState>, value: &Value, stamp: Stamp, ttl: Duration) -> Self {
        Self {
            key: Arc::clone(key.shared_text()),
            family: key.family(),
            org: Arc::clone(org),
            value: value.clone(),
            stamp,
            ttl,
            since: Instant::now(),
        }
    }
}

pub(crate) struct Queue {
    sender: Sender<Write>,
    waiting: Arc<AtomicUsize>,
    most: usize,
    counters: Arc<Counters>,
}

impl Queue {
    /// Takes a value unless too many wait; whether it did.
    pub(crate) fn push(&self, write: Write) -> bool {
        let size = write.value.weight();
        if self.waiting.fetch_add(size, Ordering::AcqRel).saturating_add(size) <= self.most {
            match self.sender.try_send(write) {
                Ok(()) => return true,
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {}
            }
        }
        self.waiting.fetch_sub(size, Ordering::AcqRel);
        self.counters.redis.dropped_writes.one();
        false
    }
}

/// So many values go in one round trip.
const BATCH: usize = 64;
/// And so many bytes: answers to requests wait behind them on the same connection.
const BATCH_BYTES: usize = 1 << 20;

/// The queue, and the task that empties it.
pub(crate) fn new(
    config: &RedisConfig,
    link: Arc<Link>,
    names: Names,
    counters: Arc<Counters>,
) -> (Queue, impl Future<Output = ()> + Send + 'static) {
    let (sender, receiver) = channel(config.queued_values.max(1));
    let waiting = Arc::new(AtomicUsize::new(0));
    let queue =
        Queue { sender, waiting: Arc::clone(&waiting), most: config.queued_bytes, counters: Arc::clone(&counters) };
    let writer = Writer { link, names, counters, waiting, deadline: config.write_deadline };
    (queue, writer.run(receiver))
}

struct Writer {
    link: Arc<Link>,
    names: Names,
    counters: Arc<Counters>,
    waiting: Arc<AtomicUsize>,
    deadline: Duration,
}

impl Writer {
    async fn run(self, mut receiver: Receiver<Write>) {
        let mut batch = Vec::with_capacity(BATCH);
        while receiver.recv_many(&mut batch, BATCH).await > 0 {
            let mut rest = batch.drain(..).peekable();
            while rest.peek().is_some() {
                let mut bytes = 0;
                let mut part = Vec::new();
                while let Some(write) = rest.next_if(|_| bytes < BATCH_BYTES) {
                    bytes += write.value.weight();
                    part.push(write);
                }
                self.write(part).await;
                self.waiting.fetch_sub(bytes, Ordering::AcqRel);
            }
        }
    }

    async fn write(&self, mut part: Vec<Write>) {
        // What a sync has overtaken while it waited would only take room.
        part.retain(|write| write.org.stamp(write.family) == write.stamp);
        let mut commands = redis::pipe();
        for write in &part {
            // Counted by a clock that nobody sets: however the time of day jumps, Redis keeps nothing longer than its time.
            let left = millis(write.ttl.saturating_sub(write.since.elapsed())).max(1);
            let expires = frame::now_millis().saturating_add(left);
            let bytes = frame::encode(&write.key, &write.value, &write.stamp, expires);
            commands.cmd("SET").arg(self.names.value(&write.key)).arg(bytes).arg("PX").arg(left);
        }
        if part.is_empty() {
            return;
        }
        match self.link.ask_all::<redis::Value>(&mut commands, self.deadline).await {
            Ok(answers) => {
                for (write, answer) in part.iter().zip(answers) {
                    match answer {
                        Ok(_) => {
                            let tier = &self.counters.family(write.family).redis;
                            tier.stores.one();
                        }
                        // Out of memory, read-only, disk trouble: it can still be read from.
                        Err(error) => {
                            tracing::debug!(code = error.code(), "redis refused a value");
                            self.counters.redis.refused_writes.one();
                        }
                    }
                }
            }
            Err(_) => self.counters.redis.dropped_writes.add(part.len() as u64),
        }
    }
}
