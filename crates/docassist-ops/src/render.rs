//! The files of a deployment, from a plan: [`render()`]. Equal plans give equal bytes.

mod compose;
mod dockerfile;
mod drift;
mod environment;
mod grafana;
mod hba;
mod postgresql;
mod prometheus;
mod queries;
mod redis;
mod systemd;

use crate::conf::{Conf, parse_postgresql_conf, parse_redis_conf};
use crate::plan::Plan;
use crate::quantity::{cpus, short_bytes};

pub use compose::{IMAGE_POSTGRES, IMAGE_QDRANT, IMAGE_REDIS};
pub use drift::{Drift, diff};
pub use grafana::dashboard_queries;
pub use prometheus::{alert_expressions, alert_names};

/// The folder that the files' paths are within, as findings name them.
pub const FOLDER: &str = "deploy";

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Within the folder of the deployment, with `/`.
    pub path: String,
    /// What is in it, with a line feed at the end.
    pub text: String,
    /// Its permissions: `0o644`, or `0o755` for scripts. None of them holds a secret.
    pub mode: u32,
}

impl File {
    fn new(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), text, mode: 0o644 }
    }
}

/// All files of a deployment, in the order of their paths.
#[must_use]
pub fn render(plan: &Plan) -> Vec<File> {
    let mut files = vec![
        File::new("postgresql.conf", postgresql::render(plan)),
        File::new("pg_hba.conf", hba::render(plan)),
        File { mode: 0o755, ..File::new("initdb/10-docassist.sh", hba::initdb(plan)) },
        File::new("redis.conf", redis::render(plan)),
        File::new("docker-compose.yml", compose::render(plan)),
        File::new("Dockerfile", dockerfile::render(plan)),
        File::new("Dockerfile.dockerignore", dockerfile::ignored(plan)),
        File::new(".env.example", environment::render(plan)),
        File::new("prometheus.yml", prometheus::scrape(plan)),
        File::new("alerts.yml", prometheus::alerts(plan)),
        File::new("grafana-dashboard.json", grafana::render()),
        File::new("systemd/docassist.service", systemd::service(plan)),
        File::new("systemd/docassist.env.example", systemd::environment(plan)),
        File::new("systemd/postgresql@15-main.service.d/docassist.conf", systemd::postgres(plan)),
        File::new("systemd/redis-server.service.d/docassist.conf", systemd::redis(plan)),
    ];
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The `postgresql.conf` of a plan as it is read back, with the lines that findings name.
#[must_use]
pub fn postgresql_conf(plan: &Plan) -> Conf {
    parse_postgresql_conf(&format!("{FOLDER}/postgresql.conf"), &postgresql::render(plan))
}

/// The `redis.conf` of a plan as it is read back, with the lines that findings name.
#[must_use]
pub fn redis_conf(plan: &Plan) -> Conf {
    parse_redis_conf(&format!("{FOLDER}/redis.conf"), &redis::render(plan))
}

/// The command that writes these files again.
#[must_use]
pub fn command(plan: &Plan) -> String {
    let machine = plan.machine;
    format!(
        "docassist tune --profile {} --memory {} --cpus {} --disk {} --connections {}",
        plan.profile,
        short_bytes(machine.memory_bytes),
        cpus(machine.millicpus),
        machine.disk,
        machine.connections
    )
}

/// Comments are wrapped here.
const WIDTH: usize = 110;

/// A text as comments: each line begins with `indent` and `# `.
fn comment(indent: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = format!("{indent}#");
    let begins = line.chars().count();
    for word in text.split_whitespace() {
        if line.chars().count() > begins && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line = format!("{indent}#");
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}

/// What every file begins with: which command writes it, for what machine, and what does not add up.
fn head(plan: &Plan, about: &str) -> String {
    let mut text = comment("", about);
    text.push_str(&comment("", &format!("Written by `{}`.", command(plan))));
    text.push_str(&comment(
        "",
        "Change the figures there, not here: with --check the command fails where a file differs.",
    ));
    text
}

/// The warnings about some settings, for the heads of files.
fn warnings(plan: &Plan, about: &[&str]) -> String {
    let mut text = String::new();
    for warning in plan.warnings.iter().filter(|warning| about.contains(&warning.about)) {
        text.push_str("#\n");
        text.push_str(&comment("", &format!("Beware: {}", warning.text)));
    }
    text
}

/// Why and how, in one comment.
fn reason(why: &str, formula: &str) -> String {
    if formula == crate::plan::FIXED {
        return why.to_owned();
    }
    format!("{why} [{formula}]")
}

#[cfg(test)]
mod tests;
