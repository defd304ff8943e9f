//! Exchanging counters with other replicas, by maximum.
//!
//! Redis holds one hash per organisation with its four counters. A bump is written there and broadcast; broadcasts can be
//! lost, so the hashes are also polled. What Redis lost (flushed, evicted, restarted from an older state) it gets back from
//! whoever polls first.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use docassist_model::OrgSlug;
use futures_util::StreamExt as _;
use redis::RedisResult;
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

use crate::org::OrgState;
use crate::redis::link::{Link, Trouble};
use crate::redis::{Names, is_wrong_type};
use crate::registry::{CHUNK, Registry};
use crate::stamp::{COUNTERS, highest_plausible, millis};
use crate::stats::{Breaker, Counters};

/// The fields of an organisation's hash, in the order of its counters.
const FIELDS: [&str; COUNTERS] = ["git", "tickets", "docs", "clear"];

/// Counters of organisations that nobody bumps or polls go after this long; values go long before.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Raises each counter to the one given. The numbers are microseconds, which a double holds exactly until the year 2255;
/// they are stored as the text that was given. What is there and cannot be real counts as nothing.
const MERGE: &str = "
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
for i, field in ipairs({'git', 'tickets', 'docs', 'clear'}) do
  local there = tonumber(redis.call('HGET', KEYS[1], field) or '0') or 0
  if there > tonumber(ARGV[5]) then there = 0 end
  if tonumber(ARGV[i]) > there then redis.call('HSET', KEYS[1], field, ARGV[i]) end
end
return redis.call('PEXPIRE', KEYS[1], ARGV[6])
";

pub(crate) struct Exchange {
    pub(crate) link: Arc<Link>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) names: Names,
    /// How often to poll.
    pub(crate) every: Duration,
    pub(crate) poll_now: Notify,
}

impl Exchange {
    /// Asks for an organisation's counters on behalf of a request, unless that was done within the time of a poll.
    pub(crate) async fn join(&self, org: &Arc<OrgState>, deadline: Duration) {
        let asked = org.asked_redis.load(Ordering::Relaxed);
        if asked == 0 || asked + millis(self.every) < self.registry.now() {
            self.ask(std::slice::from_ref(org), deadline).await;
        }
    }

    /// Takes note of what Redis has of these organisations.
    async fn ask(&self, orgs: &[Arc<OrgState>], deadline: Duration) {
        let now = self.registry.now();
        let mut commands = redis::pipe();
        for org in orgs {
            org.asked_redis.store(now, Ordering::Relaxed);
            commands.cmd("HMGET").arg(self.names.counters(org)).arg(&FIELDS);
        }
        let answers: Vec<RedisResult<Vec<Option<Vec<u8>>>>> = match self.link.ask_all(&mut commands, deadline).await {
            Ok(answers) => answers,
            Err(trouble) => return self.link.note(trouble),
        };
        for (org, answer) in orgs.iter().zip(answers) {
            match answer {
                Ok(fields) => self.registry.hear(org, &self.read(&fields), true),
                // Something that is no hash lies where the counters belong. Publishing them removes it.
                Err(error) if is_wrong_type(&error) => {
                    self.counters.redis.garbage.one();
                    self.registry.hear(org, &[0; COUNTERS], true);
                    self.registry.is_unpublished(org);
                    self.registry.publish.notify_one();
                }
                Err(error) => self.link.note(Trouble::Refused(error)),
            }
        }
    }

    fn read(&self, fields: &[Option<Vec<u8>>]) -> [u64; COUNTERS] {
        let highest = highest_plausible();
        let mut theirs = [0; COUNTERS];
        for (counter, field) in theirs.iter_mut().zip(fields) {
            let Some(field) = field else { continue };
            match std::str::from_utf8(field).ok().and_then(|text| text.parse().ok()) {
                Some(number) if number <= highest => *counter = number,
                _ => self.counters.redis.garbage.one(),
            }
        }
        theirs
    }

    /// Writes and broadcasts the counters that Redis may lack.
    async fn publish(&self) {
        let orgs = self.registry.take_unpublished();
        let highest = highest_plausible();
        for chunk in orgs.chunks(CHUNK) {
            let mut commands = redis::pipe();
            for org in chunk {
                let bumps = org.bumps();
                commands.cmd("EVAL").arg(MERGE).arg(1).arg(self.names.counters(org));
                commands.arg(&bumps).arg(highest).arg(millis(FORGOTTEN));
                // On its own, since a full Redis refuses the script and still passes on messages.
                let [git, tickets, docs, clear] = bumps;
                let message = format!("{} {git} {tickets} {docs} {clear}", org.scope().org());
                commands.cmd("PUBLISH").arg(self.names.channel()).arg(message);
            }
            let answer = self.link.ask_all::<redis::Value>(&mut commands, self.link.config.write_deadline).await;
            let refused = match answer {
                Ok(answers) => answers.into_iter().filter(Result::is_err).count(),
                Err(_) => chunk.len(),
            };
            if refused > 0 {
                self.counters.redis.refused_writes.add(refused as u64);
                // Again at the next poll, not at once: a full Redis stays full for a while.
                chunk.iter().for_each(|org| self.registry.is_unpublished(org));
            }
        }
    }

    /// Takes note of what a message says. At once, whatever the store does: nobody must queue messages.
    fn hear(&self, message: &[u8]) {
        let Some((slug, theirs)) = parse(message) else {
            self.counters.redis.bad_messages.one();
            return;
        };
        self.counters.redis.messages.one();
        // Organisations that this process has not seen are looked at when it first sees them.
        if let Some(org) = self.registry.seen(&slug) {
            self.registry.hear(&org, &theirs, false);
        }
    }

    fn ticks(&self) -> Interval {
        let mut ticks = interval(self.every.max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }
}

fn parse(message: &[u8]) -> Option<(OrgSlug, [u64; COUNTERS])> {
    let mut words = std::str::from_utf8(message).ok()?.split(' ');
    let slug = words.next()?.parse().ok()?;
    let highest = highest_plausible();
    let mut theirs = [0; COUNTERS];
    for counter in &mut theirs {
        *counter = words.next()?.parse().ok().filter(|number| *number <= highest)?;
    }
    words.next().is_none().then_some((slug, theirs))
}

/// Polls: of the ways in which bumps arrive, the one that loses none.
pub(crate) async fn poll(exchange: Arc<Exchange>) {
    let link = &exchange.link;
    let mut ticks = exchange.ticks();
    let mut made = link.made();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = made.changed() => {}
            () = exchange.poll_now.notified() => {}
        }
        if link.state() != Breaker::Closed {
            continue;
        }
        let orgs = exchange.registry.in_use();
        if orgs.is_empty() {
            // So that the breaker tells the truth while nothing else is asked.
            if let Err(trouble) = link.ask::<redis::Value>(&link.address().probe(), link.config.write_deadline).await {
                link.note(trouble);
            }
        }
        for chunk in orgs.chunks(CHUNK) {
            exchange.ask(chunk, link.config.write_deadline).await;
        }
    }
}

/// Publishes bumps as they come, and again what could not be published.
pub(crate) async fn publish(exchange: Arc<Exchange>) {
    let mut ticks = exchange.ticks();
    let mut made = exchange.link.made();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = made.changed() => {}
            () = exchange.registry.publish.notified() => {}
        }
        if exchange.link.state() == Breaker::Closed {
            exchange.publish().await;
        }
    }
}

/// Listens for bumps, on a connection of its own.
pub(crate) async fn subscribe(exchange: Arc<Exchange>) {
    let link = &exchange.link;
    let channel = exchange.names.channel();
    let mut made = link.made();
    loop {
        if link.state() == Breaker::Closed {
            made.mark_unchanged();
            let connected = async {
                let mut pubsub = link.address().one().await?.get_async_pubsub().await?;
                pubsub.subscribe(&channel).await?;
                RedisResult::Ok(pubsub)
            };
            if let Ok(Ok(pubsub)) = timeout(link.config.connect_deadline, connected).await {
                // What was said before we listened is in the hashes.
                exchange.poll_now.notify_one();
                let mut messages = pubsub.into_on_message();
                loop {
                    tokio::select! {
                        message = messages.next() => match message {
                            Some(message) => exchange.hear(message.get_payload_bytes()),
                            None => break,
                        },
                        // The other connection had to be made anew. Nothing is ever sent on this one, so that a peer that
                        // went away without a word would never be noticed.
                        _ = made.changed() => break,
                    }
                }
            }
        }
        // A lost connection is polling's to bridge: no hurry.
        tokio::select! {
            () = sleep(link.config.first_pause) => {}
            _ = made.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_messages_are_understood() {
        let (slug, counters) = parse(b"acme 1 2 3 4").unwrap();
        assert_eq!((slug.as_str(), counters), ("acme", [1, 2, 3, 4]));
        let bad: [&[u8]; 8] = [
            b"",
            b"acme",
            b"acme 1 2 3",
            b"acme 1 2 3 4 5",
            b"ACME 1 2 3 4",
            b"acme 1 2 3 -4",
            b"acme 1 2 3 18446744073709551615",
            b"\xff 1 2 3 4",
        ];
        for message in bad {
            assert!(parse(message).is_none(), "{}", message.escape_ascii());
        }
    }
}
