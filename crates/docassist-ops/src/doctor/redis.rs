//! Redis.

use std::collections::BTreeMap;

use super::canonical::same_redis;
use crate::catalogue::REDIS_AT_START;
use crate::conf::{Conf, ConfEntry};
use crate::findings::{Area, Finding, Verdict};
use crate::quantity::{MIB, human_bytes};

/// Above it memory of the system holds too little data.
const FRAGMENTED: f64 = 1.5;
/// Below so much used memory the ratio says nothing: a small server's own code outweighs its data.
const ENOUGH_TO_TELL: u64 = 100 * MIB;

/// What a running Redis says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedisLive {
    /// `CONFIG GET *`; empty where that is forbidden, as with some providers.
    pub config: BTreeMap<String, String>,
    /// `INFO`: every `name:value`, without headings.
    pub info: BTreeMap<String, String>,
}

impl RedisLive {
    /// The names and values of the text that `INFO` answers with.
    #[must_use]
    pub fn parse_info(text: &str) -> BTreeMap<String, String> {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.trim().split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.info.get(name)?.parse().ok()
    }
}

/// Compares a running Redis with a `redis.conf`: one finding for each setting, and for how it does.
#[must_use]
pub fn check_redis(expected: &Conf, live: &RedisLive) -> Vec<Finding> {
    let mut findings = vec![version(live)];
    findings.extend(super::unread(Area::Redis, expected));
    for entry in &expected.entries {
        findings.push(setting(expected, entry, live));
    }
    findings.push(primary(live));
    findings.extend(password(live));
    findings.extend(fragmentation(live));
    findings.extend(refused(live));
    findings
}

fn finding(name: &str, verdict: Verdict) -> Finding {
    Finding::new(Area::Redis, name, verdict)
}

fn version(live: &RedisLive) -> Finding {
    let version = live.info.get("redis_version").map(String::as_str).unwrap_or_default();
    let major: Option<u32> = version.split('.').next().and_then(|major| major.parse().ok());
    let base = |verdict| finding("version", verdict).expected("7 or newer");
    match major {
        None => base(Verdict::Unknown).actual("not shown").advice("INFO must be allowed to whom `doctor` connects as."),
        Some(major) if major >= 7 => base(Verdict::Ok).actual(version),
        Some(_) => {
            base(Verdict::Drift).actual(version).advice("Upgrade Redis: it holds nothing that is not computed again.")
        }
    }
}

fn setting(conf: &Conf, entry: &ConfEntry, live: &RedisLive) -> Finding {
    let base = |verdict| finding(&entry.name, verdict).expected(shown(&entry.value)).at(conf.place(entry));
    let actual = match entry.name.strip_prefix("client-output-buffer-limit ") {
        None => live.config.get(&entry.name).cloned(),
        Some(class) => live.config.get("client-output-buffer-limit").and_then(|all| limit_of_class(all, class)),
    };
    let Some(actual) = actual else {
        let advice = if live.config.is_empty() {
            "CONFIG GET must be allowed to whom `doctor` connects as."
        } else {
            "This Redis does not know it: see the version."
        };
        return base(Verdict::Unknown).actual("not shown").advice(advice);
    };
    if same_redis(&entry.value, &actual) {
        return base(Verdict::Ok).actual(shown(&actual));
    }
    let (name, place) = (&entry.name, conf.place(entry));
    let advice = if REDIS_AT_START.contains(&name.as_str()) {
        format!("Start Redis with {place}: it takes {name} at a start only.")
    } else {
        format!("CONFIG SET {} for now, and start Redis with {place} so that it stays.", set(&entry.name, &entry.value))
    };
    base(Verdict::Drift).actual(shown(&actual)).advice(advice)
}

fn shown(value: &str) -> String {
    if value.is_empty() { "\"\"".to_owned() } else { value.to_owned() }
}

/// What `CONFIG SET` takes.
fn set(name: &str, value: &str) -> String {
    match name.split_once(' ') {
        Some((name, class)) => format!("{name} \"{class} {value}\""),
        None if value.is_empty() || value.contains(' ') => format!("{name} \"{value}\""),
        None => format!("{name} {value}"),
    }
}

/// Of `normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60` the three numbers of a class.
fn limit_of_class(all: &str, class: &str) -> Option<String> {
    let words: Vec<&str> = all.split_whitespace().collect();
    let same = |word: &str| word == class || (word == "slave" && class == "replica");
    words.chunks_exact(4).find(|chunk| same(chunk[0])).map(|chunk| chunk[1..].join(" "))
}

fn primary(live: &RedisLive) -> Finding {
    let role = live.info.get("role").map_or("not shown", String::as_str);
    let verdict = match role {
        "master" => Verdict::Ok,
        "not shown" => Verdict::Unknown,
        _ => Verdict::Drift,
    };
    finding("primary", verdict)
        .expected("master")
        .actual(role)
        .unless_ok("Nothing can be written to a replica: name the primary, or ask Sentinel for it.")
}

/// Whether anybody may connect. Where CONFIG shows no password there may still be access lists.
fn password(live: &RedisLive) -> Option<Finding> {
    let set = !live.config.get("requirepass")?.is_empty();
    let (verdict, actual) = if set { (Verdict::Ok, "set") } else { (Verdict::Warning, "none") };
    Some(finding("password", verdict).expected("set").actual(actual).unless_ok(
        "Whoever reaches its port reads all cached answers: set requirepass, unless access lists or the network keep others out.",
    ))
}

fn fragmentation(live: &RedisLive) -> Option<Finding> {
    let ratio: f64 = live.info.get("mem_fragmentation_ratio")?.parse().ok()?;
    let used = live.number("used_memory")?;
    let verdict = if ratio > FRAGMENTED && used > ENOUGH_TO_TELL { Verdict::Warning } else { Verdict::Ok };
    Some(
        finding("fragmentation", verdict)
            .expected(format!("at most {FRAGMENTED} above {} of data", human_bytes(ENOUGH_TO_TELL)))
            .actual(format!("{ratio} at {}", human_bytes(used)))
            .unless_ok("MEMORY PURGE, or restart Redis: the cache fills by itself."),
    )
}

fn refused(live: &RedisLive) -> Option<Finding> {
    let refused = live.number("rejected_connections")?;
    let verdict = if refused == 0 { Verdict::Ok } else { Verdict::Warning };
    Some(
        finding("refused connections", verdict)
            .expected("0")
            .actual(refused.to_string())
            .unless_ok("There were more connections than maxclients: CLIENT LIST says whose they are."),
    )
}
