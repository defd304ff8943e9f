//! The tier in Redis: shared by replicas, and never waited for.
//!
//! A request asks it for one value and gives up after [`RedisConfig::get_deadline`]. Values are written from a bounded
//! queue. When Redis fails, [`link`] stops asking and tries it again in the background; no request pays for the attempt.

mod address;
mod exchange;
mod frame;
mod inspect;
mod link;
mod queue;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, RedisError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::config::{RedisConfig, Replicas, TimesToLive};
use crate::key::Key;
use crate::memory::Found;
use crate::org::{Known, OrgState};
use crate::registry::Registry;
use crate::stamp::Stamp;
use crate::stats::{Breaker, Counters};
use crate::value::Value;
use address::Address;
use exchange::Exchange;
pub use inspect::{RedisInspection, RedisUnreachable, inspect_redis, redis_info};
use link::{Link, Trouble};
use queue::{Queue, Write};

/// Part of every name, raised when frames or stamps change their meaning.
const FORMAT: &str = "1:";

/// The names that we use in Redis.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    fn new(namespace: &str) -> Self {
        Self { prefix: format!("{namespace}{FORMAT}") }
    }

    fn value(&self, key: &str) -> String {
        format!("{}v:{key}", self.prefix)
    }

    fn counters(&self, org: &OrgState) -> String {
        format!("{}g:{}", self.prefix, org.scope().org())
    }

    fn channel(&self) -> String {
        format!("{}bumps", self.prefix)
    }
}

/// The Redis address cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the Redis address is wrong: {0}")]
pub struct InvalidRedisUrl(String);

pub(crate) struct RedisTier {
    link: Arc<Link>,
    exchange: Arc<Exchange>,
    queue: Queue,
    names: Names,
    counters: Arc<Counters>,
    ttl: TimesToLive,
    config: RedisConfig,
}

impl RedisTier {
    /// Starts the tasks of the tier in `tasks`. Succeeds whether or not Redis is there.
    pub(crate) fn open(
        config: RedisConfig,
        replicas: Replicas,
        ttl: TimesToLive,
        registry: &Arc<Registry>,
        counters: &Arc<Counters>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, InvalidRedisUrl> {
        let address = Address::parse(&config.url).map_err(|error| InvalidRedisUrl(error.to_string()))?;
        let names = Names::new(&config.namespace);
        let link = Arc::new(Link::new(address, config.clone(), Arc::clone(counters)));
        tasks.spawn(link::supervise(Arc::clone(&link)));
        let exchange = Arc::new(Exchange {
            link: Arc::clone(&link),
            registry: Arc::clone(registry),
            counters: Arc::clone(counters),
            names: names.clone(),
            every: replicas.poll,
            poll_now: Notify::new(),
        });
        tasks.spawn(exchange::poll(Arc::clone(&exchange)));
        tasks.spawn(exchange::publish(Arc::clone(&exchange)));
        if config.subscribe {
            tasks.spawn(exchange::subscribe(Arc::clone(&exchange)));
        }
        let (queue, writer) = queue::new(&config, Arc::clone(&link), names.clone(), Arc::clone(counters));
        tasks.spawn(writer);
        Ok(Self { link, exchange, queue, names, counters: Arc::clone(counters), ttl, config })
    }

    pub(crate) fn breaker(&self) -> Breaker {
        self.link.state()
    }

    /// The value of a key, if it was computed from what `current` says; none if Redis cannot say.
    pub(crate) async fn find(&self, key: &Key, known: &Known, current: &Stamp) -> Option<Found> {
        if !known.joined {
            return None;
        }
        // A range, so that something huge under our key cannot hold up everybody behind it.
        let last = frame::longest(self.config.largest_value);
        let name = self.names.value(key.as_str());
        let ask = Cmd::new().arg("GETRANGE").arg(name).arg(0).arg(last).to_owned();
        let bytes: Vec<u8> = match self.link.ask(&ask, self.config.get_deadline).await {
            Ok(bytes) => bytes,
            Err(Trouble::Refused(error)) if is_wrong_type(&error) => {
                self.counters.redis.garbage.one();
                return Some(Found::Nothing);
            }
            Err(trouble) => {
                self.link.note(trouble);
                return None;
            }
        };
        if bytes.is_empty() {
            return Some(Found::Nothing);
        }
        let Some(frame) = frame::decode(key.as_str(), &bytes.into()) else {
            self.counters.redis.garbage.one();
            return Some(Found::Nothing);
        };
        if frame.stamp != *current {
            return Some(Found::Stale);
        }
        // The writer's clock may be ahead of ours: no value lives longer than its family's time from now.
        let left = frame.left().min(self.ttl.of(key.family()));
        Some(if left.is_zero() { Found::Nothing } else { Found::Fresh(frame.value, left) })
    }

    /// Has a value written when there is time; whether it was taken.
    pub(crate) fn keep(&self, key: &Key, org: &Arc<OrgState>, value: &Value, stamp: Stamp, ttl: Duration) -> bool {
        self.link.state() == Breaker::Closed
            && value.weight() <= self.config.largest_value
            && self.queue.push(Write::new(key, org, value, stamp, ttl))
    }

    /// Takes note of the counters that Redis has of an organisation, so that values there can be judged. The caller looks
    /// at the store next, which takes them over.
    pub(crate) fn join(&self, org: &Arc<OrgState>) -> impl Future<Output = ()> + Send + 'static {
        let (exchange, org, deadline) = (Arc::clone(&self.exchange), Arc::clone(org), self.config.get_deadline);
        async move { exchange.join(&org, deadline).await }
    }
}

/// The reply to a command on a key of another type.
fn is_wrong_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE")
}
