//! The machine that the service runs on: its folder, disk, memory, clock and secrets.

use crate::findings::{Area, Finding, Verdict};
use crate::plan::{Plan, Service};
use crate::quantity::{GIB, human_bytes};

/// Less free room than this part of the disk is soon none.
const LEAST_FREE_PERCENT: u64 = 10;
/// As little as that is none: a sync writes a clone and its records.
const LEAST_FREE: u64 = GIB;
/// Clocks may differ by so much: tokens and leases are counted in seconds.
const CLOCK_MILLISECONDS: u64 = 2000;
/// Characters that a secret has at least: 32 hexadecimal ones are 128 bits.
const LEAST_SECRET: usize = 32;
/// Different characters among them, at least: even 32 hexadecimal digits have fewer only once in millions.
const LEAST_VARIETY: usize = 8;

/// What a secret is worth, without saying what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretStrength {
    /// Long, and of many different characters.
    Strong,
    /// Shorter than 32 characters.
    Short,
    /// Of few different characters, or one piece again and again.
    Repetitive,
    /// A word that stands in examples.
    WellKnown,
}

/// Judges a secret. What comes back may be logged and shown.
#[must_use]
pub fn judge_secret(secret: &str) -> SecretStrength {
    const WELL_KNOWN: [&str; 10] =
        ["changeme", "change-me", "password", "secret", "example", "default", "docassist", "postgres", "admin", "test"];
    let secret = secret.trim();
    let lower = secret.to_ascii_lowercase();
    // One of those words and little else, whatever its length.
    let rest = WELL_KNOWN.iter().fold(lower, |rest, word| rest.replace(word, ""));
    if rest.chars().count() * 2 < secret.chars().count() {
        return SecretStrength::WellKnown;
    }
    if secret.chars().count() < LEAST_SECRET {
        return SecretStrength::Short;
    }
    let mut different: Vec<char> = secret.chars().collect();
    different.sort_unstable();
    different.dedup();
    let bytes = secret.as_bytes();
    let repeats = (1..=bytes.len() / 2).any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b));
    if different.len() < LEAST_VARIETY || repeats { SecretStrength::Repetitive } else { SecretStrength::Strong }
}

/// A secret, without what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretLive {
    /// Which: `DOCASSIST_SECRET`.
    pub name: String,
    /// What it is worth.
    pub strength: SecretStrength,
    /// The permissions of its file, where it is in one that belongs to this machine.
    pub mode: Option<u32>,
}

/// What this machine says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostLive {
    /// Where the service's data is.
    pub data_dir: String,
    /// Why nothing can be written there; none where it can.
    pub data_dir_error: Option<String>,
    /// The disk's size in bytes; none where it was not asked.
    pub disk_total: Option<u64>,
    /// What is free of it for this user, in bytes.
    pub disk_free: Option<u64>,
    /// The limit of the control group that the service is in, in bytes; none where there is none.
    pub memory_limit: Option<u64>,
    /// The machine's memory in bytes; none where it was not asked.
    pub memory_total: Option<u64>,
    /// How much another clock is ahead of this one, in milliseconds; none where nobody was asked.
    pub clock_ahead_ms: Option<i64>,
    /// The secrets in use.
    pub secrets: Vec<SecretLive>,
}

/// What this machine is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostExpected {
    /// Memory that the service may use, in bytes.
    pub memory_limit: u64,
    /// Memory of the machine that the files were written for, in bytes.
    pub machine_memory: u64,
}

impl From<&Plan> for HostExpected {
    fn from(plan: &Plan) -> Self {
        Self { memory_limit: plan.resources(Service::Api).memory_limit, machine_memory: plan.machine.memory_bytes }
    }
}

/// Judges this machine; without `expected`, nothing is said about limits of memory.
#[must_use]
pub fn check_host(expected: Option<HostExpected>, live: &HostLive) -> Vec<Finding> {
    let mut findings = vec![data_dir(live)];
    findings.extend(disk(live));
    if let Some(expected) = expected {
        findings.push(memory_limit(expected, live));
        findings.extend(machine_memory(expected, live));
    }
    findings.push(clock(Area::Host, live.clock_ahead_ms, CLOCK_MILLISECONDS));
    findings.extend(live.secrets.iter().map(secret));
    findings
}

fn finding(name: &str, verdict: Verdict) -> Finding {
    Finding::new(Area::Host, name, verdict)
}

fn data_dir(live: &HostLive) -> Finding {
    let base = |verdict| finding("data directory", verdict).expected("can be written to");
    match &live.data_dir_error {
        None => base(Verdict::Ok).actual(&live.data_dir),
        Some(error) => base(Verdict::Drift)
            .actual(format!("{}: {error}", live.data_dir))
            .advice("Give the folder to the user that the service runs as, or name another one with --data."),
    }
}

fn disk(live: &HostLive) -> Option<Finding> {
    let (total, free) = (live.disk_total?, live.disk_free?);
    let verdict = if free < LEAST_FREE {
        Verdict::Drift
    } else if free / LEAST_FREE_PERCENT < total / 100 {
        Verdict::Warning
    } else {
        Verdict::Ok
    };
    Some(
        finding("disk", verdict)
            .expected(format!("{LEAST_FREE_PERCENT}% free, and {}", human_bytes(LEAST_FREE)))
            .actual(format!("{} of {} free", human_bytes(free), human_bytes(total)))
            .unless_ok("Make room: syncs end with an error where the disk is full, and go on where they were."),
    )
}

fn memory_limit(expected: HostExpected, live: &HostLive) -> Finding {
    let base = |verdict| finding("memory limit", verdict).expected(human_bytes(expected.memory_limit));
    match live.memory_limit {
        None => base(Verdict::Warning)
            .actual("none")
            .advice("Nothing keeps the service from taking the memory of others: run it with the limits of deploy/."),
        Some(limit) if limit == expected.memory_limit => base(Verdict::Ok).actual(human_bytes(limit)),
        Some(limit) => base(Verdict::Drift)
            .actual(human_bytes(limit))
            .advice("Start it again with the files of deploy/, or write them again with `docassist tune`."),
    }
}

/// Files for a larger machine than there is promise memory that is not there.
fn machine_memory(expected: HostExpected, live: &HostLive) -> Option<Finding> {
    let total = live.memory_total?;
    // Firmware and the kernel keep some: 8 GB are told as 7.7.
    let enough = total >= expected.machine_memory / 16 * 15;
    Some(
        finding("memory", if enough { Verdict::Ok } else { Verdict::Warning })
            .expected(human_bytes(expected.machine_memory))
            .actual(human_bytes(total))
            .unless_ok(
                "The files in deploy/ were written for a larger machine: `docassist tune` writes them for this one.",
            ),
    )
}

/// Two clocks against each other.
pub(super) fn clock(area: Area, ahead_ms: Option<i64>, most_ms: u64) -> Finding {
    let base = |verdict| Finding::new(area, "clock", verdict).expected(format!("within {} s", most_ms / 1000));
    let Some(ahead) = ahead_ms else {
        return base(Verdict::Unknown)
            .actual("not asked")
            .advice("Another clock is needed: connect a database or Redis.");
    };
    let verdict = if ahead.unsigned_abs() <= most_ms { Verdict::Ok } else { Verdict::Warning };
    let which = if ahead < 0 { "behind" } else { "ahead" };
    base(verdict)
        .actual(format!("{} ms {which}", ahead.unsigned_abs()))
        .unless_ok("Run chrony or systemd-timesyncd on both machines: tokens and leases end by the clock.")
}

fn secret(secret: &SecretLive) -> Finding {
    let base = |verdict| finding(&secret.name, verdict).expected("strong, for its owner alone");
    let (actual, advice) = match secret.strength {
        SecretStrength::Strong => match secret.mode {
            Some(mode) if mode & 0o077 != 0 => {
                let advice = "chmod 600 it, unless the folder that it is in lets nobody else in.";
                return base(Verdict::Warning)
                    .actual(format!("its file has mode {:04o}", mode & 0o7777))
                    .advice(advice);
            }
            _ => return base(Verdict::Ok).actual("strong"),
        },
        SecretStrength::Short => ("shorter than 32 characters", "Make another one: openssl rand -hex 32."),
        SecretStrength::Repetitive => ("of few different characters", "Make another one: openssl rand -hex 32."),
        SecretStrength::WellKnown => ("a word that everybody tries", "Make another one now: openssl rand -hex 32."),
    };
    base(Verdict::Drift).actual(actual).advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::worst;
    use crate::quantity::MIB;

    fn healthy() -> HostLive {
        HostLive {
            data_dir: "/var/lib/docassist".into(),
            disk_total: Some(100 * GIB),
            disk_free: Some(50 * GIB),
            memory_limit: Some(2 * GIB),
            memory_total: Some(8 * GIB - 300 * MIB),
            clock_ahead_ms: Some(-3),
            secrets: vec![SecretLive {
                name: "DOCASSIST_SECRET".into(),
                strength: SecretStrength::Strong,
                mode: Some(0o600),
            }],
            data_dir_error: None,
        }
    }

    const EXPECTED: HostExpected = HostExpected { memory_limit: 2 * GIB, machine_memory: 8 * GIB };

    #[test]
    fn a_healthy_machine_is_well() {
        let findings = check_host(Some(EXPECTED), &healthy());
        assert_eq!(worst(&findings), Verdict::Ok, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.advice.is_empty()));
        assert_eq!(check_host(None, &healthy()).len(), findings.len() - 2);
    }

    #[test]
    fn each_fault_is_one_finding() {
        type Change = fn(&mut HostLive);
        let faults: [(&str, Verdict, Change); 9] = [
            ("data directory", Verdict::Drift, |live| live.data_dir_error = Some("read-only".into())),
            ("disk", Verdict::Warning, |live| live.disk_free = Some(5 * GIB)),
            ("disk", Verdict::Drift, |live| live.disk_free = Some(MIB)),
            ("memory limit", Verdict::Warning, |live| live.memory_limit = None),
            ("memory limit", Verdict::Drift, |live| live.memory_limit = Some(GIB)),
            ("memory", Verdict::Warning, |live| live.memory_total = Some(4 * GIB)),
            ("clock", Verdict::Warning, |live| live.clock_ahead_ms = Some(-60_000)),
            ("DOCASSIST_SECRET", Verdict::Drift, |live| live.secrets[0].strength = SecretStrength::Short),
            ("DOCASSIST_SECRET", Verdict::Warning, |live| live.secrets[0].mode = Some(0o644)),
        ];
        for (name, verdict, change) in faults {
            let mut live = healthy();
            change(&mut live);
            let findings = check_host(Some(EXPECTED), &live);
            let bad: Vec<_> = findings.iter().filter(|finding| finding.verdict != Verdict::Ok).collect();
            assert_eq!(bad.len(), 1, "{bad:?}");
            assert_eq!((bad[0].setting.as_str(), bad[0].verdict), (name, verdict));
            assert!(bad[0].advice.ends_with('.'));
        }
    }

    #[test]
    fn secrets_are_judged() {
        assert_eq!(judge_secret("9f8a7c6b5d4e3f2a1b0c9d8e7f6a5b4c"), SecretStrength::Strong);
        assert_eq!(judge_secret("hunter2hunter"), SecretStrength::Short);
        assert_eq!(judge_secret(&"ab".repeat(32)), SecretStrength::Repetitive);
        assert_eq!(judge_secret(&"0123456789abcdef".repeat(4)), SecretStrength::Repetitive);
        assert_eq!(judge_secret("changeme123"), SecretStrength::WellKnown);
        assert_eq!(judge_secret("PasswordPasswordPasswordPassword1"), SecretStrength::WellKnown);
        assert_eq!(judge_secret(""), SecretStrength::Short);
    }
}
