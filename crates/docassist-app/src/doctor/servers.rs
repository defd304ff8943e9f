//! PostgreSQL, Redis and Qdrant.

use std::collections::BTreeMap;

use docassist_cache::inspect_redis;
use docassist_ops::conf::Conf;
use docassist_ops::doctor::{
    PostgresLive, PostgresSetting, RedisLive, check_postgres, check_qdrant, check_redis, judge_secret,
};
use docassist_ops::{Area, Finding, Verdict};
use docassist_store::{PostgresConfig, PostgresInspection, SchemaState, Transport, inspect_postgres};

use super::{Seen, State, advised, finding, host};
use crate::{QdrantAddress, qdrant as search_index};

const CONNECTION: &str = "connection";

fn reached(area: Area, location: &str) -> Finding {
    finding(area, CONNECTION, Verdict::Ok, "answers", location)
}

/// It could not be asked, so nothing is known of it.
fn unreachable(area: Area, location: &str, reason: &str, mut before: Vec<Finding>) -> Seen {
    let told = finding(area, CONNECTION, Verdict::Unknown, "answers", format!("{location}: {reason}"));
    before.insert(0, advised(told, "Check that it runs and takes connections from here; then look again."));
    Seen { findings: before, clock_ahead_ms: None, state: State::Unreachable }
}

pub(super) fn postgres(config: Option<&PostgresConfig>, expected: Option<&Conf>) -> Seen {
    let Some(config) = config else { return Seen::default() };
    let mut findings = vec![transport(config.transport())];
    if config.transport() != Transport::Local {
        findings
            .extend(config.judge_password(judge_secret).map(|strength| host::secret("database password", strength)));
    }
    let inspection = match inspect_postgres(config) {
        Ok(inspection) => inspection,
        Err(error) => return unreachable(Area::Postgres, config.location(), &crate::monitor::reason(&error), findings),
    };
    findings.insert(0, reached(Area::Postgres, config.location()));
    findings.extend(schema(&inspection.schema));
    let clock_ahead_ms = Some(inspection.clock_ahead_ms);
    // Without a file there are no settings to compare, and all the rest stands.
    findings.extend(check_postgres(expected.unwrap_or(&Conf::default()), &live(inspection)));
    Seen { findings, clock_ahead_ms, state: State::Reached }
}

fn transport(transport: Transport) -> Finding {
    let base =
        |verdict, actual: &str| finding(Area::Postgres, "sslmode", verdict, "verify-full beyond this machine", actual);
    let advice = "Say sslmode=verify-full in the address, and give the server a certificate; on a network of your own that \
         nobody else is in, this can stay.";
    match transport {
        Transport::Local => base(Verdict::Ok, "on this machine"),
        Transport::Verified => base(Verdict::Ok, "verify-full"),
        Transport::Encrypted => advised(base(Verdict::Warning, "require: whoever answers is believed"), advice),
        Transport::Opportunistic => {
            advised(base(Verdict::Warning, "prefer: encrypted where the server offers it"), advice)
        }
        Transport::Plain => advised(base(Verdict::Warning, "disable: passwords and records can be read"), advice),
    }
}

/// What the migrations make, but for indexes.
fn schema(schema: &SchemaState) -> Vec<Finding> {
    let version = |verdict, actual: String| {
        finding(Area::Postgres, "tables", verdict, &format!("version {}", schema.known), actual)
    };
    let mut findings = vec![match schema.version {
        0 => advised(
            version(Verdict::Warning, "none yet".to_owned()),
            "The first command or start of the service makes them.",
        ),
        there if there == schema.known => version(Verdict::Ok, format!("version {there}")),
        there if there < schema.known => advised(
            version(Verdict::Warning, format!("version {there}")),
            "Start the service of this version once: it brings them up to date.",
        ),
        there => {
            advised(version(Verdict::Drift, format!("version {there}")), "A newer docassist wrote them: use that one.")
        }
    }];
    let expected = "enabled and forced, one policy";
    let wall = |name: &str, verdict, actual: &str| finding(Area::Postgres, name, verdict, expected, actual);
    for (table, fault) in &schema.unprotected {
        findings.push(advised(
            wall(&format!("row security of {table}"), Verdict::Drift, fault),
            "One organisation's rows may be read for another. The statements are at the end of the migration 0001_records.sql; \
             find out who changed it.",
        ));
    }
    if schema.unprotected.is_empty() && schema.version > 0 {
        findings.push(wall("row security", Verdict::Ok, expected));
    }
    findings
}

fn live(inspection: PostgresInspection) -> PostgresLive {
    let settings: BTreeMap<String, PostgresSetting> = inspection
        .settings
        .into_iter()
        .map(|row| {
            let setting = PostgresSetting {
                setting: row.setting,
                unit: row.unit,
                reset_val: row.reset_val,
                source: row.source,
                sourcefile: row.sourcefile,
                sourceline: row.sourceline,
                pending_restart: row.pending_restart,
            };
            (row.name, setting)
        })
        .collect();
    PostgresLive {
        version_num: inspection.version_num,
        settings,
        extensions: inspection.extensions,
        missing_indexes: inspection.schema.missing_indexes,
        invalid_indexes: inspection.schema.invalid_indexes,
        is_superuser: inspection.is_superuser,
        bypasses_row_security: inspection.bypasses_row_security,
        in_recovery: inspection.in_recovery,
        clock_ahead_ms: Some(inspection.clock_ahead_ms),
    }
}

pub(super) async fn redis(url: Option<&str>, expected: Option<&Conf>) -> Seen {
    let Some(url) = url else { return Seen::default() };
    let mut findings = vec![redis_transport(url)];
    findings.extend(password_in(url).map(|password| host::secret("redis password", judge_secret(password))));
    let told = match inspect_redis(url).await {
        Ok(told) => told,
        Err(error) => return unreachable(Area::Redis, &error.location, &error.reason, findings),
    };
    findings.insert(0, reached(Area::Redis, &told.location));
    let live = RedisLive { config: told.config, info: RedisLive::parse_info(&told.info) };
    findings.extend(check_redis(expected.unwrap_or(&Conf::default()), &live));
    Seen { findings, clock_ahead_ms: told.clock_ahead_ms, state: State::Reached }
}

fn redis_transport(url: &str) -> Finding {
    let base = |verdict, actual| finding(Area::Redis, "TLS", verdict, "rediss:// beyond this machine", actual);
    if url.starts_with("rediss") {
        base(Verdict::Ok, "rediss://, verified")
    } else if is_local(url) {
        base(Verdict::Ok, "on this machine")
    } else {
        advised(
            base(Verdict::Warning, "redis://: passwords and answers can be read"),
            "Say rediss:// in the address, and give Redis a certificate; on a network of your own that nobody else is in, this \
             can stay.",
        )
    }
}

/// The user's part of an address, and its hosts with what follows them.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    // A socket's path, and a file's among the parameters, may have an `@`.
    let authority = if scheme.ends_with("unix") { 0 } else { rest.find(['?', '/']).unwrap_or(rest.len()) };
    Some(rest[..authority].rfind('@').map_or(("", rest), |at| (&rest[..at], &rest[at + 1..])))
}

/// Whether all that an address names is on this machine.
fn is_local(url: &str) -> bool {
    let Some((_, hosts)) = parts(url) else { return false };
    let hosts = &hosts[..hosts.find(['?', '/']).unwrap_or(hosts.len())];
    let name = |host: &str| host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned();
    hosts.split(',').all(|host| matches!(&*name(host), "127.0.0.1" | "localhost" | "[::1]" | ""))
}

/// The password in an address of another machine: on this one nobody else reaches the port.
fn password_in(url: &str) -> Option<&str> {
    let password = parts(url)?.0.split_once(':')?.1;
    (!is_local(url) && !password.is_empty()).then_some(password)
}

pub(super) fn qdrant(address: Option<&QdrantAddress>) -> Seen {
    let Some(address) = address else { return Seen::default() };
    let mut findings: Vec<Finding> =
        address.key.iter().map(|key| host::secret("qdrant key", judge_secret(key))).collect();
    match search_index::look(address) {
        Ok(state) => {
            findings.insert(0, reached(Area::Qdrant, &address.url));
            findings.extend(check_qdrant(&state.live()));
            Seen { findings, clock_ahead_ms: None, state: State::Reached }
        }
        Err(error) => unreachable(Area::Qdrant, &address.url, &error, findings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_in_addresses_of_other_machines() {
        for (url, password) in [
            ("redis://:s3cret@cache:6379/0", Some("s3cret")),
            ("redis://user:a@b@cache/", Some("a@b")),
            ("redis://:s3cret@127.0.0.1/", None),
            ("redis://cache/", None),
            ("redis://user@cache/", None),
            ("rediss://:s3cret@cache/?ssl_ca_certs=/a@b.pem", Some("s3cret")),
            ("rediss+cluster://:s3cret@a:1,b:2?ssl_ca_certs=/a@b.pem", Some("s3cret")),
            ("redis+unix:///run/a:b@c", None),
        ] {
            assert_eq!(password_in(url), password, "{url}");
        }
    }

    #[test]
    fn a_redis_beyond_this_machine_is_to_be_spoken_to_with_tls() {
        for (url, verdict) in [
            ("redis://127.0.0.1:6379/0", Verdict::Ok),
            ("redis://:s3cret@localhost", Verdict::Ok),
            ("redis+unix:///run/redis.sock", Verdict::Ok),
            ("rediss://:s3cret@cache:6380/0", Verdict::Ok),
            ("rediss+cluster://a:1,b:2", Verdict::Ok),
            ("redis://cache:6379/0", Verdict::Warning),
            ("redis://localhost.example.org", Verdict::Warning),
            ("redis+cluster://127.0.0.1:1,b:2", Verdict::Warning),
            ("redis+sentinel://:s3cret@a:26379/main", Verdict::Warning),
        ] {
            let told = redis_transport(url);
            assert_eq!(told.verdict, verdict, "{url}");
            assert!(!format!("{told:?}").contains("s3cret"));
        }
    }

    #[test]
    fn a_server_that_is_away_is_unknown_and_no_drift() {
        let config = PostgresConfig::parse("postgres://ann:hunter2@127.0.0.1:1/none?sslmode=disable").unwrap();
        let seen = postgres(Some(&config), None);
        assert_eq!(seen.state, State::Unreachable);
        assert_eq!((seen.findings[0].setting.as_str(), seen.findings[0].verdict), (CONNECTION, Verdict::Unknown));
        assert!(!format!("{seen:?}").contains("hunter2"));
    }

    #[test]
    fn the_wall_and_the_version_of_tables_are_judged() {
        let verdicts = |state: &SchemaState| schema(state).iter().map(|f| f.verdict).collect::<Vec<_>>();
        let at = |version, unprotected| SchemaState { version, known: 2, unprotected, ..SchemaState::default() };
        assert_eq!(verdicts(&at(0, vec![])), [Verdict::Warning]);
        assert_eq!(verdicts(&at(2, vec![])), [Verdict::Ok, Verdict::Ok]);
        assert_eq!(verdicts(&at(1, vec![("tickets".into(), "not enabled")])), [Verdict::Warning, Verdict::Drift]);
        assert_eq!(verdicts(&at(3, vec![]))[0], Verdict::Drift);
    }
}
