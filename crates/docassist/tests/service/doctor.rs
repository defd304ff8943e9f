//! The generated configuration on real servers: `doctor` is content with it, and names each setting that was changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use docassist_ops::catalogue::{self, Kind, Takes};
use docassist_ops::machine::{Disk, Machine};
use docassist_ops::plan::{Plan, Profile, Setting, Value, plan};
use docassist_ops::render::render;
use docassist_testing::{PostgresServer, RedisServer};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::server::program;
use crate::world::World;

/// Servers that run with the files of a small machine.
struct Deployment {
    folder: TempDir,
    plan: Plan,
    postgres: PostgresServer,
    redis: RedisServer,
    /// The address of the service's database as the service's role.
    database: String,
}

/// What `doctor` said.
struct Told {
    status: i32,
    findings: Vec<Json>,
    /// What it says beside the report.
    err: String,
}

impl Told {
    /// What has drifted, by area and setting, with the place. How this machine is set up is not the servers' affair: tests run
    /// in containers of any size.
    fn drifted(&self) -> Vec<(String, String, String)> {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let mut drifted: Vec<_> = self
            .findings
            .iter()
            .filter(|finding| finding["verdict"] == "drift" && finding["area"] != "host")
            .map(|finding| (text(&finding["area"]), text(&finding["setting"]), text(&finding["place"])))
            .collect();
        drifted.sort();
        drifted
    }

    #[track_caller]
    fn content(&self) {
        assert_eq!(self.drifted(), [], "{}", self.err);
        let of_host = self.findings.iter().any(|finding| finding["verdict"] == "drift");
        assert_eq!(self.status, if of_host { 4 } else { 0 }, "{}", self.err);
    }
}

impl Deployment {
    fn start() -> Option<Self> {
        let plan = plan(Machine::new(1 << 30, 2000, Disk::Ssd, 8).unwrap(), Profile::Defended);
        let folder = tempfile::tempdir().unwrap();
        for file in render(&plan) {
            let path = folder.path().join("deploy").join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &file.text).unwrap();
        }
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join("deploy").join(name)).unwrap();
        let postgres = PostgresServer::with_configuration(&read("postgresql.conf"))?;
        let redis = RedisServer::with_configuration(&read("redis.conf"))?;
        let database = postgres.database();
        // As deploy/initdb/10-docassist.sh does.
        postgres.psql(&database, "GRANT pg_monitor TO docassist; CREATE EXTENSION pg_stat_statements");
        let deployment = Self { folder, plan, postgres, redis, database };
        // Makes the tables.
        let made = program(&deployment.data()).args(["status", "--database", &deployment.database]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(deployment)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn deploy(&self) -> PathBuf {
        self.folder.path().join("deploy")
    }

    fn doctor(&self) -> Told {
        self.doctor_with(&["--database", &self.database, "--redis", &self.redis.url()])
    }

    fn doctor_with(&self, arguments: &[&str]) -> Told {
        let mut command = program(&self.data());
        command.args(["doctor", "--json", "--deploy"]).arg(self.deploy()).args(arguments);
        let output = command.stdout(std::process::Stdio::piped()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        let report: Json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {err}"));
        let findings = report["findings"].as_array().unwrap().clone();
        assert_eq!(report["checked"], findings.len());
        Told { status: output.status.code().unwrap(), findings, err }
    }

    /// Looks until this is all that has drifted: a server reads its files when it gets to it.
    #[track_caller]
    fn drifts(&self, expected: &[(&str, &str)]) -> Told {
        let began = Instant::now();
        let mut expected: Vec<(String, String, String)> = expected
            .iter()
            .map(|(area, setting)| ((*area).to_owned(), (*setting).to_owned(), self.place(area, setting)))
            .collect();
        expected.sort();
        loop {
            let told = self.doctor();
            if told.drifted() == expected {
                assert_eq!(told.status, 4);
                return told;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{:?} instead of {expected:?}", told.drifted());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Where a setting stands, found by reading the file as a person does.
    #[track_caller]
    fn place(&self, area: &str, setting: &str) -> String {
        let path = self.deploy().join(if area == "redis" { "redis.conf" } else { "postgresql.conf" });
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().position(|line| line.strip_prefix(setting).is_some_and(|rest| rest.starts_with(' ')));
        format!("{}:{}", path.display(), line.unwrap_or_else(|| panic!("{setting} is not in {}", path.display())) + 1)
    }

    fn alter(&self, setting: &str, value: &str) {
        self.postgres.psql("postgres", &format!("ALTER SYSTEM SET {setting} = {value}"));
    }

    fn reload(&self) {
        self.postgres.psql("postgres", "SELECT pg_reload_conf()");
    }
}

/// Another value that PostgreSQL takes, as `ALTER SYSTEM` has it.
fn another(setting: &Setting) -> String {
    let kind = catalogue::postgres(setting.name).unwrap().kind;
    let word = match setting.name {
        "compute_query_id" | "huge_pages" | "wal_compression" => "off",
        "log_line_prefix" => "'changed '",
        "log_timezone" | "TimeZone" => "'Europe/Berlin'",
        // So that everybody else's statements go on; a very short one is tried elsewhere.
        "statement_timeout" => return "'10min'".to_owned(),
        "password_encryption" => "md5",
        "pg_stat_statements.track" => "'all'",
        // Both, since its own settings are gone without the first.
        "shared_preload_libraries" => "'pg_stat_statements', 'auto_explain'",
        "synchronous_commit" => "local",
        "wal_level" => "logical",
        _ => "",
    };
    match (kind, &setting.value) {
        (Kind::Switch, Value::Switch(on)) => if *on { "off" } else { "on" }.to_owned(),
        (Kind::Real { most, .. }, Value::Decimal(value)) if value + 0.01 > most => (value - 0.01).to_string(),
        (Kind::Real { .. }, Value::Decimal(value)) => (value + 0.01).to_string(),
        (Kind::Integer { unit, most, .. }, value) => {
            let size = match unit {
                "8kB" => 8192,
                "kB" => 1024,
                "MB" => 1 << 20,
                "s" => 1000,
                _ => 1,
            };
            let number = match value {
                Value::Bytes(amount) | Value::Milliseconds(amount) => i64::try_from(amount / size).unwrap(),
                Value::Integer(number) => *number,
                other => panic!("{}: {other:?}", setting.name),
            };
            (if number < most { number + 1 } else { number - 1 }).to_string()
        }
        _ if !word.is_empty() => word.to_owned(),
        other => panic!("no other value of {} is known: {other:?}", setting.name),
    }
}

#[test]
fn every_setting_of_postgres_that_is_changed_is_named() {
    let Some(mut deployment) = Deployment::start() else { return };
    deployment.doctor().content();
    let settings = deployment.plan.postgres.clone();
    let takes = |setting: &Setting| catalogue::postgres(setting.name).unwrap().takes;
    for setting in settings.iter().filter(|setting| takes(setting) == Takes::Reload) {
        deployment.alter(setting.name, &another(setting));
        deployment.reload();
        let told = deployment.drifts(&[("postgres", setting.name)]);
        let finding = told.findings.iter().find(|finding| finding["setting"] == setting.name).unwrap();
        assert!(finding["advice"].as_str().unwrap().contains("ALTER SYSTEM RESET"), "{finding}");
        deployment.postgres.psql("postgres", &format!("ALTER SYSTEM RESET {}", setting.name));
    }
    deployment.reload();
    // Those that take a restart, all with one: each is named.
    let at_start: Vec<&Setting> = settings.iter().filter(|setting| takes(setting) == Takes::Restart).collect();
    assert!(at_start.len() > 5 && settings.len() - at_start.len() > 40);
    for setting in &at_start {
        deployment.alter(setting.name, &another(setting));
    }
    deployment.postgres.stop_gracefully();
    deployment.postgres.restart();
    let expected: Vec<(&str, &str)> = at_start.iter().map(|setting| ("postgres", setting.name)).collect();
    deployment.drifts(&expected);
    deployment.postgres.psql("postgres", "ALTER SYSTEM RESET ALL");
    deployment.reload();
    // The files are as they should be, and the server still runs with what it was started with.
    let told = deployment.drifts(&expected);
    assert!(told.findings.iter().any(|finding| finding["advice"].as_str().unwrap().contains("takes a restart")));
    deployment.postgres.stop_gracefully();
    deployment.postgres.restart();
    deployment.doctor().content();
}

/// Another value that Redis takes.
/// "Go back to default settings" of `docs/operations.md`, for PostgreSQL: what was set by hand and the file are gone, and nothing
/// else is.
#[test]
fn going_back_to_default_settings_loses_nothing() {
    let Some(mut deployment) = Deployment::start() else { return };
    let world = World::new();
    let run = |deployment: &Deployment, arguments: &[&str]| {
        let mut command = program(&deployment.data());
        command.args(arguments).args(["--database", &deployment.database]);
        let output = command.stdout(std::process::Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&deployment, &["sync", "git", world.git()["location"].as_str().unwrap()]);
    let digest = |deployment: &Deployment| run(deployment, &["export", "graph", "--digest"]);
    let before = digest(&deployment);
    assert!(before.len() > 40, "{before}");
    deployment.alter("work_mem", "'7MB'");
    deployment.postgres.psql("postgres", "ALTER SYSTEM RESET ALL");
    std::fs::write(deployment.postgres.folder().join("postgresql.conf"), "").unwrap();
    deployment.postgres.stop_gracefully();
    deployment.postgres.restart();
    let show = |setting: &str| deployment.postgres.psql("postgres", &format!("SHOW {setting}"));
    assert_eq!((show("shared_buffers"), show("work_mem")), ("128MB".to_owned(), "4MB".to_owned()));
    assert_eq!(digest(&deployment), before);
    let told = deployment.doctor();
    assert_eq!(told.status, 4);
    let drifted: Vec<String> = told.drifted().into_iter().map(|(_, setting, _)| setting).collect();
    for setting in ["shared_buffers", "effective_cache_size", "shared_preload_libraries"] {
        assert!(drifted.iter().any(|drifted| drifted == setting), "{setting} in {drifted:?}");
    }
}

fn another_of_redis(name: &str, value: &str) -> String {
    match (name, value) {
        ("maxmemory-policy", _) => "allkeys-lfu".to_owned(),
        ("save", _) => "3600 1".to_owned(),
        ("loglevel", _) => "verbose".to_owned(),
        (_, "yes") => "no".to_owned(),
        (_, "no") => "yes".to_owned(),
        (name, _) if name.starts_with("client-output-buffer-limit") => "5mb 4mb 30".to_owned(),
        (_, value) => match value.strip_suffix('%') {
            Some(percent) => format!("{}%", percent.parse::<u32>().unwrap() + 1),
            None => {
                let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let number: u64 =
                    digits.parse().unwrap_or_else(|_| panic!("no other value of {name} is known: {value}"));
                format!("{}{}", number + 1, &value[digits.len()..])
            }
        },
    }
}

#[test]
fn every_setting_of_redis_that_is_changed_is_named() {
    let Some(deployment) = Deployment::start() else { return };
    deployment.doctor().content();
    let client = redis::Client::open(deployment.redis.url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let mut set = |name: &str, value: &str| -> Result<(), redis::RedisError> {
        let (name, value) = match name.split_once(' ') {
            Some((name, class)) => (name, format!("{class} {value}")),
            None => (name, value.to_owned()),
        };
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query(&mut connection)
    };
    let conf = docassist_ops::render::redis_conf(&deployment.plan);
    let mut changed = 0;
    for entry in &conf.entries {
        // Debian's build has one value for it only, and refuses the other.
        if entry.name == "activedefrag" || catalogue::REDIS_AT_START.contains(&entry.name.as_str()) {
            continue;
        }
        set(&entry.name, &another_of_redis(&entry.name, &entry.value))
            .unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        let told = deployment.drifts(&[("redis", &entry.name)]);
        let finding = told.findings.iter().find(|finding| finding["setting"] == entry.name.as_str()).unwrap();
        assert!(finding["advice"].as_str().unwrap().contains("CONFIG SET"), "{finding}");
        set(&entry.name, &entry.value).unwrap();
        changed += 1;
    }
    assert!(changed > 14, "{changed}");
    deployment.doctor().content();
}

#[test]
fn what_is_wrong_with_the_database_beside_its_settings_is_named() {
    let Some(deployment) = Deployment::start() else { return };
    let database = deployment.database.clone();
    let drifts = |statement: &str, setting: &str, back: &str| {
        deployment.postgres.psql(&database, statement);
        let told = deployment.doctor();
        let settings: Vec<String> = told.drifted().into_iter().map(|(_, setting, _)| setting).collect();
        assert_eq!((settings, told.status), (vec![setting.to_owned()], 4), "{statement}");
        deployment.postgres.psql(&database, back);
    };
    drifts("ALTER ROLE docassist SUPERUSER", "role", "ALTER ROLE docassist NOSUPERUSER");
    drifts("ALTER ROLE docassist BYPASSRLS", "role", "ALTER ROLE docassist NOBYPASSRLS");
    drifts(
        "ALTER TABLE docassist.tickets NO FORCE ROW LEVEL SECURITY",
        "row security of tickets",
        "ALTER TABLE docassist.tickets FORCE ROW LEVEL SECURITY",
    );
    drifts(
        "DROP INDEX docassist.tickets_of_source",
        "index docassist.tickets_of_source",
        "CREATE INDEX tickets_of_source ON docassist.tickets (org, source)",
    );
    drifts(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'docassist.tickets_of_source'::regclass",
        "index docassist.tickets_of_source",
        "REINDEX INDEX docassist.tickets_of_source",
    );
    // A limit so short that nothing can be asked is named, too.
    deployment.postgres.psql(&database, "ALTER ROLE docassist SET statement_timeout = 1");
    deployment.drifts(&[("postgres", "statement_timeout")]);
    deployment.postgres.psql(&database, "ALTER ROLE docassist RESET statement_timeout");
    // A value of the role's own is above the file's.
    deployment.postgres.psql(&database, "ALTER ROLE docassist SET work_mem = '77MB'");
    let told = deployment.drifts(&[("postgres", "work_mem")]);
    let finding = told.findings.iter().find(|finding| finding["setting"] == "work_mem").unwrap();
    assert!(finding["advice"].as_str().unwrap().contains("ALTER ROLE"), "{finding}");
    deployment.postgres.psql(&database, "ALTER ROLE docassist RESET work_mem; DROP EXTENSION pg_stat_statements");
    let told = deployment.doctor();
    told.content();
    let warned =
        |setting: &str| told.findings.iter().find(|finding| finding["setting"] == setting).unwrap()["verdict"].clone();
    assert_eq!(warned("extension pg_stat_statements"), "warning");
    assert_eq!(warned("password"), "warning", "Redis asks nobody for one");
}

#[test]
fn what_cannot_be_reached_is_told_and_the_rest_is_looked_at() {
    let Some(mut deployment) = Deployment::start() else { return };
    deployment.redis.kill();
    let told = deployment.doctor();
    assert_eq!(told.status, 1, "{}", told.err);
    assert!(told.err.contains("Redis could not be asked"), "{}", told.err);
    let of = |area: &str| told.findings.iter().filter(|finding| finding["area"] == area).count();
    assert_eq!((of("redis"), of("postgres") > 60, of("host") > 3), (2, true, true));
    let connection = told.findings.iter().find(|finding| finding["area"] == "redis").unwrap();
    assert_eq!((&connection["setting"], &connection["verdict"]), (&"connection".into(), &"unknown".into()));
    // Neither is configured: nothing is missed, and nothing is made.
    let empty = deployment.folder.path().join("empty");
    let output = program(&empty)
        .args(["doctor", "--json", "--deploy"])
        .arg(deployment.deploy())
        .stdout(std::process::Stdio::piped())
        .output()
        .unwrap();
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["not_configured"], serde_json::json!(["postgres", "redis", "qdrant"]));
    assert!(!Path::new(&empty).exists());
}

#[test]
fn people_read_a_table_and_what_to_do() {
    let Some(deployment) = Deployment::start() else { return };
    deployment.alter("work_mem", "'77MB'");
    deployment.reload();
    deployment.drifts(&[("postgres", "work_mem")]);
    let mut command = program(&deployment.data());
    command
        .args(["doctor", "--format", "table", "--database", &deployment.database])
        .current_dir(deployment.folder.path());
    let output = command.stdout(std::process::Stdio::piped()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4));
    // Found where `tune` writes by default.
    assert!(text.contains("expected: the files in deploy"), "{text}");
    let place = deployment.place("postgres", "work_mem");
    let line = place.rsplit(':').next().unwrap();
    assert!(text.contains(&format!("drift: postgres work_mem (deploy/postgresql.conf:{line})")), "{text}");
    assert!(text.contains("Redis is not configured"), "{text}");
    // A machine that was described instead of files.
    let told = deployment.folder.path().join("nowhere");
    let mut command = program(&deployment.data());
    std::fs::create_dir(&told).unwrap();
    command.args([
        "doctor",
        "--format",
        "table",
        "--memory",
        "1G",
        "--cpus",
        "2",
        "--connections",
        "8",
        "--disk",
        "ssd",
    ]);
    let output = command.current_dir(&told).stdout(std::process::Stdio::piped()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("expected: the defended profile for 1 GB of memory"), "{text}");
}
