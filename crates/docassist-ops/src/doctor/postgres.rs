//! PostgreSQL.

use std::collections::BTreeMap;

use super::canonical::same_postgres;
use crate::catalogue::{self, Takes};
use crate::conf::{Conf, ConfEntry};
use crate::findings::{Area, Finding, Verdict};

/// The oldest PostgreSQL that the files are written for.
const LEAST_VERSION: u32 = 150_000;
/// Clocks may differ by so much: tokens and leases are counted in seconds.
const CLOCK_MILLISECONDS: u64 = 2000;

/// A row of `pg_settings`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostgresSetting {
    /// The value in the connection that asks.
    pub setting: String,
    /// The value's unit: `8kB`, `kB`, `MB`, `B`, `ms`, `s`, `min`, or nothing.
    pub unit: String,
    /// What a session gets that sets nothing itself. Differs from `setting` for what each connection has of its own, such as
    /// keep-alives, which are 0 over a Unix socket.
    pub reset_val: String,
    /// Where the value comes from: `configuration file`, `command line`, `default`, `role`, …
    pub source: String,
    /// The file, where it comes from one and the role may see it.
    pub sourcefile: Option<String>,
    /// The line in it.
    pub sourceline: Option<u32>,
    /// Whether the files have another value, which takes a restart.
    pub pending_restart: bool,
}

/// What a running PostgreSQL says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostgresLive {
    /// `server_version_num`: 150020 is 15.20.
    pub version_num: u32,
    /// `pg_settings` by name. What the role may not see is missing.
    pub settings: BTreeMap<String, PostgresSetting>,
    /// `pg_extension`, of the service's database.
    pub extensions: Vec<String>,
    /// Indexes that the service's migrations make and that are not there.
    pub missing_indexes: Vec<String>,
    /// Indexes that are there and not valid.
    pub invalid_indexes: Vec<String>,
    /// Whether the service's role is a superuser.
    pub is_superuser: bool,
    /// Whether the service's role has BYPASSRLS.
    pub bypasses_row_security: bool,
    /// `pg_is_in_recovery()`: it is a read replica.
    pub in_recovery: bool,
    /// How much the server's clock is ahead of this machine's, in milliseconds; none where it was not asked.
    pub clock_ahead_ms: Option<i64>,
}

/// Compares a running PostgreSQL with a `postgresql.conf`: one finding for each setting, and for what else it rests on.
#[must_use]
pub fn check_postgres(expected: &Conf, live: &PostgresLive) -> Vec<Finding> {
    let mut findings = vec![version(live)];
    findings.extend(super::unread(Area::Postgres, expected));
    let settings: BTreeMap<String, &PostgresSetting> =
        live.settings.iter().map(|(name, setting)| (name.to_ascii_lowercase(), setting)).collect();
    for entry in &expected.entries {
        findings.push(setting(expected, entry, settings.get(&entry.name).copied()));
    }
    findings.push(extension(live));
    findings.extend(indexes(live));
    findings.push(role(live));
    findings.push(recovery(live));
    findings.push(clock(live));
    findings
}

fn finding(name: &str, verdict: Verdict) -> Finding {
    Finding::new(Area::Postgres, name, verdict)
}

fn version(live: &PostgresLive) -> Finding {
    let verdict = if live.version_num >= LEAST_VERSION { Verdict::Ok } else { Verdict::Drift };
    finding("version", verdict)
        .expected("15 or newer")
        .actual(format!("{}.{}", live.version_num / 10_000, live.version_num % 10_000))
        .unless_ok("Upgrade PostgreSQL with pg_upgrade, or dump and restore.")
}

fn setting(conf: &Conf, entry: &ConfEntry, live: Option<&PostgresSetting>) -> Finding {
    let place = conf.place(entry);
    let name = catalogue::postgres(&entry.name).map_or(entry.name.as_str(), |known| known.name);
    let base = |verdict| finding(name, verdict).expected(&entry.value).at(place.clone());
    let Some(live) = live else {
        let advice = if name.contains('.') {
            "The extension's library is not loaded: set shared_preload_libraries, and restart."
        } else {
            "The role may not see it: GRANT pg_read_all_settings (or pg_monitor) to it."
        };
        return base(Verdict::Unknown).actual("not shown").advice(advice);
    };
    // What a connection has of its own is no fault of the server's: keep-alives are 0 over a Unix socket.
    let of_server = if live.reset_val.is_empty() { &live.setting } else { &live.reset_val };
    let shown = shown(of_server, &live.unit);
    if !same_postgres(as_shown(name, &entry.value), of_server, &live.unit) {
        return base(Verdict::Drift).actual(shown).advice(remedy(name, &entry.value, live, &place));
    }
    if live.pending_restart {
        let advice = format!(
            "The server's own file has another value, which counts from its next start: ALTER SYSTEM RESET {name}, or copy {place} again."
        );
        return base(Verdict::Drift).actual(format!("{shown}, another after a restart")).advice(advice);
    }
    base(Verdict::Ok).actual(shown)
}

/// Words that files may have and the server shows as others.
fn as_shown<'a>(name: &str, value: &'a str) -> &'a str {
    match (name, value) {
        ("wal_compression", "on") => "pglz",
        _ => value,
    }
}

/// A value with its unit, as people read it.
fn shown(value: &str, unit: &str) -> String {
    match (value, unit) {
        ("", _) => "(empty)".to_owned(),
        (value, "") => value.to_owned(),
        (value, _) if value.starts_with('-') || value == "0" => value.to_owned(),
        // Not 262144 × 8kB.
        (value, unit) => match (value.parse::<u64>(), super::canonical::memory_unit(unit)) {
            (Ok(number), Some(size)) => crate::quantity::postgres_bytes(number.saturating_mul(size)),
            _ => format!("{value}{unit}"),
        },
    }
}

/// What to do about a value that differs, by where it comes from.
fn remedy(name: &str, value: &str, live: &PostgresSetting, place: &str) -> String {
    let restart = catalogue::postgres(name).is_some_and(|known| known.takes == Takes::Restart);
    let apply = if restart { "restart PostgreSQL" } else { "SELECT pg_reload_conf()" };
    let file = live.sourcefile.as_deref().unwrap_or_default();
    match live.source.as_str() {
        _ if live.pending_restart => format!("The file was read, and {name} takes a restart: restart PostgreSQL."),
        "command line" => format!("The server was started with -c {name}=…: start it without, so that {place} counts."),
        "environment variable" => format!("It comes from the server's environment: remove it there, and {apply}."),
        "database" => format!("ALTER DATABASE … RESET {name}: a database's own value is above the file's."),
        "user" | "database user" | "role" => {
            format!("ALTER ROLE … RESET {name}: a role's own value is above the file's.")
        }
        "client" | "session" => format!("The connection's address sets it: take {name} out of it."),
        _ if file.ends_with("postgresql.auto.conf") => {
            format!("ALTER SYSTEM RESET {name}; then {apply}: postgresql.auto.conf is above {place}.")
        }
        "default" => {
            format!("The server does not read {place}: start it with -c config_file=…, or copy the file into conf.d.")
        }
        _ => format!("Copy {place} ({name} = {value}) to the server again, then {apply}."),
    }
}

fn extension(live: &PostgresLive) -> Finding {
    let there = live.extensions.iter().any(|name| name == "pg_stat_statements");
    finding("extension pg_stat_statements", if there { Verdict::Ok } else { Verdict::Warning })
        .expected("created")
        .actual(if there { "created" } else { "not created" })
        .unless_ok("CREATE EXTENSION pg_stat_statements as a superuser in this database: without it nobody sees the slowest statements.")
}

fn indexes(live: &PostgresLive) -> Vec<Finding> {
    let of = |name: &String, verdict, actual: &str, advice: String| {
        finding(&format!("index {name}"), verdict).expected("there and valid").actual(actual).advice(advice)
    };
    let mut findings: Vec<Finding> = Vec::new();
    for name in &live.missing_indexes {
        let advice = "Start the service of this version once: its migrations make the index.".to_owned();
        findings.push(of(name, Verdict::Drift, "missing", advice));
    }
    for name in &live.invalid_indexes {
        findings.push(of(
            name,
            Verdict::Drift,
            "not valid",
            format!("REINDEX INDEX CONCURRENTLY {name}: building it has failed."),
        ));
    }
    if findings.is_empty() {
        findings.push(finding("indexes", Verdict::Ok).expected("there and valid").actual("there and valid"));
    }
    findings
}

fn role(live: &PostgresLive) -> Finding {
    let (actual, verdict) = match (live.is_superuser, live.bypasses_row_security) {
        (true, _) => ("a superuser", Verdict::Drift),
        (false, true) => ("with BYPASSRLS", Verdict::Drift),
        (false, false) => ("an ordinary role", Verdict::Ok),
    };
    finding("role", verdict).expected("an ordinary role").actual(actual).unless_ok(
        "Policies do not hold for it, and one organisation's rows may be read for another: ALTER ROLE … NOSUPERUSER NOBYPASSRLS.",
    )
}

fn recovery(live: &PostgresLive) -> Finding {
    let (actual, verdict) =
        if live.in_recovery { ("a read replica", Verdict::Drift) } else { ("a primary", Verdict::Ok) };
    finding("primary", verdict)
        .expected("a primary")
        .actual(actual)
        .unless_ok("Nothing can be written here: name the primary, or promote this one.")
}

fn clock(live: &PostgresLive) -> Finding {
    super::host::clock(Area::Postgres, live.clock_ahead_ms, CLOCK_MILLISECONDS)
}
