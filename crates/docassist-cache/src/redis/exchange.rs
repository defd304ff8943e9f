//! Exchanging counters with other replicas, by maximum.
//!
//! Redis holds one hash per organisation with its four counters. A bump is written there and broadcast; broadcasts can be
//! lost, so the hashes are also polled. What Redis lost (flushed, evicted, restarted from an older state) it gets back from
//! whoever polls first.

use std::sync::Arc;
use std::time::Duration;

use docassist_model::OrgSlug;
use futures_util::StreamExt as _;
use redis::{Cmd, RedisResult};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::redis::link::{Link, Trouble};
use crate::redis::{Names, is_wrong_type};
use crate::stamp::{COUNTERS, OrgState, Registry, highest_plausible, millis};
use crate::stats::{Breaker, Counters};

/// The fields of an organisation's hash, in the order of its counters.
const FIELDS: [&str; COUNTERS] = ["git", "tickets", "docs", "clear"];

/// Organisations without a request or a bump for this long are not polled. They are looked at afresh when next asked for.
pub(crate) const IDLE: Duration = Duration::from_secs(600);

/// Counters of organisations that nobody bumps or polls go after this long; values go long before.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// So many organisations are asked for in one round trip.
const CHUNK: usize = 256;

/// Raises each counter to the one given. The numbers are microseconds, which a double holds exactly until the year 2255;
/// they are stored as the text that was given. What is there and cannot be real counts as nothing.
const MERGE: &str = "
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
}

impl Exchange {
    /// Takes over what Redis has of these organisations.
    ///
    /// News is taken over only after a look at the store: a computation that carries another replica's bump in its stamp
    /// must be asked for data that contains the sync. `looks_next` says that nobody computes for them before the caller
    /// has looked itself.
    pub(crate) async fn merge(&self, orgs: &[Arc<OrgState>], deadline: Duration, looks_next: bool) {
        let mut commands = redis::pipe();
        for org in orgs {
            commands.cmd("HMGET").arg(self.names.counters(org)).arg(&FIELDS);
        }
        let answers: Vec<RedisResult<Vec<Option<Vec<u8>>>>> = match self.link.ask_all(&mut commands, deadline).await {
            Ok(answers) => answers,
            Err(trouble) => return self.link.note(trouble),
        };
        let mut found = Vec::with_capacity(orgs.len());
        for (org, answer) in orgs.iter().zip(answers) {
            match answer {
                Ok(fields) => found.push((org, self.read(&fields))),
                Err(error) if is_wrong_type(&error) => {
                    self.counters.redis.garbage.one();
                    self.remove(org, deadline).await;
                }
                Err(error) => self.link.note(Trouble::Refused(error)),
            }
        }
        let news: Vec<Arc<OrgState>> =
            found.iter().filter(|(org, theirs)| org.is_news(theirs)).map(|(org, _)| Arc::clone(org)).collect();
        if !looks_next && !news.is_empty() && self.registry.look(&news).await.is_err() {
            // The next poll tries again; if the store stays silent, the lease ends.
            return;
        }
        for (org, theirs) in found {
            org.merge(&theirs);
            if org.bumps().iter().zip(&theirs).any(|(ours, theirs)| ours > theirs) {
                org.set_unpublished();
            }
            org.set_joined();
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

    /// Something that is no hash lies where an organisation's counters belong.
    async fn remove(&self, org: &OrgState, deadline: Duration) {
        let command = Cmd::new().arg("DEL").arg(self.names.counters(org)).to_owned();
        if self.link.ask::<redis::Value>(&command, deadline).await.is_ok() {
            org.set_unpublished();
            org.set_joined();
        }
    }

    /// Writes and broadcasts the counters that Redis may lack.
    async fn publish(&self, orgs: &[Arc<OrgState>]) {
        let orgs: Vec<&Arc<OrgState>> = orgs.iter().filter(|org| org.take_unpublished()).collect();
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
                chunk.iter().for_each(|org| org.set_unpublished());
            }
        }
    }

    /// Takes over what a message says.
    async fn hear(&self, message: &[u8]) {
        let Some((slug, theirs)) = parse(message) else {
            self.counters.redis.bad_messages.one();
            return;
        };
        self.counters.redis.messages.one();
        // Organisations that this process has not seen are looked at when it first sees them.
        if let Some(org) = self.registry.known(&slug)
            && org.is_news(&theirs)
            && self.registry.look(&[Arc::clone(&org)]).await.is_ok()
        {
            org.merge(&theirs);
        }
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

/// Polls, and publishes bumps as they come.
pub(crate) async fn poll(exchange: Arc<Exchange>, every: Duration) {
    let mut ticks = interval(every.max(Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let poll = tokio::select! {
            _ = ticks.tick() => true,
            () = exchange.link.closed.notified() => true,
            () = exchange.registry.publish.notified() => false,
        };
        if exchange.link.state() != Breaker::Closed {
            continue;
        }
        let orgs = exchange.registry.in_use(IDLE);
        exchange.publish(&orgs).await;
        if poll && orgs.is_empty() {
            // So that the breaker tells the truth while nothing else is asked.
            let ping = redis::cmd("PING");
            if let Err(trouble) = exchange.link.ask::<redis::Value>(&ping, exchange.link.config.write_deadline).await {
                exchange.link.note(trouble);
            }
        }
        if poll {
            for chunk in orgs.chunks(CHUNK) {
                exchange.merge(chunk, exchange.link.config.write_deadline, false).await;
            }
        }
    }
}

/// Listens for bumps, on a connection of its own.
pub(crate) async fn subscribe(exchange: Arc<Exchange>) {
    let link = &exchange.link;
    let channel = exchange.names.channel();
    loop {
        if link.state() == Breaker::Closed {
            let connected = async {
                let mut pubsub = link.client().get_async_pubsub().await?;
                pubsub.subscribe(&channel).await?;
                RedisResult::Ok(pubsub)
            };
            if let Ok(Ok(pubsub)) = timeout(link.config.connect_deadline, connected).await {
                // What was said before we listened is in the hashes.
                link.closed.notify_waiters();
                let mut messages = pubsub.into_on_message();
                while let Some(message) = messages.next().await {
                    exchange.hear(message.get_payload_bytes()).await;
                }
            }
        }
        // A lost connection is polling's to bridge: no hurry.
        sleep(link.config.first_pause).await;
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
