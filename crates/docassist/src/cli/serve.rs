//! What `serve` and `cache` take.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint, value_parser};

/// Arguments of `serve`. Each can be given in the environment as well.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Listen here; beyond this machine only with a secret that was set
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:4000",
        env = "DOCASSIST_LISTEN",
        hide_env_values = true
    )]
    pub(crate) listen: SocketAddr,
    /// File with the service's secret, which tokens are signed and sources' secrets encrypted with; or DOCASSIST_SECRET
    /// holds it [default: one is made and kept in the data directory]
    #[arg(long, value_name = "FILE", env = "DOCASSIST_SECRET_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) secret_file: Option<PathBuf>,
    /// Address of the first account, which runs the service; needed at the first start only
    #[arg(
        long,
        value_name = "EMAIL",
        env = "DOCASSIST_ADMIN_EMAIL",
        hide_env_values = true,
        help_heading = "First start"
    )]
    pub(crate) admin_email: Option<String>,
    /// Its password; everybody on this machine can read command lines: better in the environment or a file
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "DOCASSIST_ADMIN_PASSWORD",
        hide_env_values = true,
        help_heading = "First start"
    )]
    pub(crate) admin_password: Option<String>,
    /// File with its password
    #[arg(long, value_name = "FILE", conflicts_with = "admin_password", value_hint = ValueHint::FilePath, help_heading = "First start")]
    pub(crate) admin_password_file: Option<PathBuf>,

    /// Seconds to wait for a database that does not answer at the start, which may take longer to come up than this
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = value_parser!(u32).range(0..=86_400),
        env = "DOCASSIST_DATABASE_WAIT",
        hide_env_values = true
    )]
    pub(crate) database_wait: u32,
    /// A standby of the database, which answers what reads much once it has followed far enough: postgres://docassist@standby/docassist;
    /// its password is in the same file
    #[arg(long, value_name = "URL", env = "DOCASSIST_DATABASE_STANDBY", hide_env_values = true)]
    pub(crate) database_standby: Option<String>,
    /// Connections to the database that this process keeps at most, besides one for each running sync and one that listens;
    /// those of all replicas together are `tune --connections`
    #[arg(
        long,
        value_name = "N",
        default_value_t = 16,
        value_parser = value_parser!(u32).range(1..=1000),
        env = "DOCASSIST_DATABASE_POOL",
        hide_env_values = true
    )]
    pub(crate) database_pool: u32,

    /// Let sources be read from this folder of this machine and those below; may be repeated
    #[arg(long = "source-root", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Sources")]
    pub(crate) source_roots: Vec<PathBuf>,
    /// Read repositories through SSH too, with the key of the user that the service runs as, for every organisation
    #[arg(long, help_heading = "Sources")]
    pub(crate) allow_ssh: bool,
    /// Syncs that run at the same time, of different organisations; 0: this process runs none
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u8).range(0..=64), help_heading = "Sources")]
    pub(crate) sync_workers: u8,

    /// Memory for graphs: those not asked for make room for others
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = parse_size, help_heading = "Memory and cache")]
    pub(crate) graph_memory: u64,
    /// Memory for answers
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = parse_size, help_heading = "Memory and cache")]
    pub(crate) cache_memory: u64,
    /// How long answers are served at most, in seconds, or of one family: gaps=60; may be repeated
    #[arg(long, value_name = "SECONDS|FAMILY=SECONDS", default_value = "300", value_parser = parse_ttl, help_heading = "Memory and cache")]
    pub(crate) cache_ttl: Vec<TimeToLive>,
    #[command(flatten, next_help_heading = "Memory and cache")]
    pub(crate) redis: super::watch::RedisArgs,
    #[command(flatten, next_help_heading = "Observing")]
    pub(crate) qdrant: super::watch::QdrantArgs,

    #[command(flatten)]
    pub(crate) model: super::search::ModelArgs,
    #[command(flatten)]
    pub(crate) chat: super::search::ChatArgs,

    /// Requests a second of one user, five times as many at once; 0: any number
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Limits")]
    pub(crate) user_rate: u32,
    /// Requests a second of one address, five times as many at once; 0: any number
    #[arg(long, value_name = "N", default_value_t = 200, help_heading = "Limits")]
    pub(crate) address_rate: u32,
    /// Proxies before the service, which write X-Forwarded-For: so many are believed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u8).range(0..=16), help_heading = "Limits")]
    pub(crate) proxies: u8,
    /// Seconds that a request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = value_parser!(u32).range(1..=3600), help_heading = "Limits")]
    pub(crate) request_time: u32,
    /// Size of ticket files that are sent
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = parse_size, help_heading = "Limits")]
    pub(crate) upload_size: u64,
    /// Minutes that an access token holds
    #[arg(long, value_name = "MINUTES", default_value_t = 15, value_parser = value_parser!(u32).range(1..=1440), help_heading = "Limits")]
    pub(crate) token_life: u32,

    /// Form of the log, which goes to stderr
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "DOCASSIST_LOG_FORMAT",
        hide_env_values = true,
        help_heading = "Observing"
    )]
    pub(crate) log_format: LogFormat,
    /// What is logged: info, or docassist_server=debug,info for every request
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "info",
        env = "DOCASSIST_LOG",
        hide_env_values = true,
        help_heading = "Observing"
    )]
    pub(crate) log: String,
    /// Send traces to this OTLP endpoint over HTTP, such as http://127.0.0.1:4318
    #[arg(
        long,
        value_name = "URL",
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        hide_env_values = true,
        help_heading = "Observing"
    )]
    pub(crate) otlp: Option<String>,
}

/// The form of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// An object a line, for programs
    Json,
}

/// How long answers are served, of one family or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeToLive {
    pub(crate) family: Option<String>,
    pub(crate) seconds: u32,
}

/// The cache of a running service.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// What it holds and has saved
    Stats {
        /// The service
        #[arg(
            long,
            value_name = "URL",
            default_value = "http://127.0.0.1:4000",
            env = "DOCASSIST_URL",
            hide_env_values = true
        )]
        url: String,
        /// Access token of somebody who runs the service; not needed on its own machine
        #[arg(long, value_name = "TOKEN", env = "DOCASSIST_TOKEN", hide_env_values = true)]
        token: Option<String>,
    },
}

/// `512M`, `2G`, `65536`: bytes, in powers of 1,024.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        other => return Err(format!("`{other}` is no unit: K, M, G and T are")),
    };
    let number: u64 = digits.parse().map_err(|_| "write a number and K, M, G or T".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "that is more than there is".to_owned())
}

fn parse_ttl(text: &str) -> Result<TimeToLive, String> {
    let (family, seconds) = match text.split_once('=') {
        Some((family @ ("gaps" | "impact" | "relationships" | "search"), seconds)) => {
            (Some(family.to_owned()), seconds)
        }
        Some((family, _)) => return Err(format!("`{family}` is none of gaps, impact, relationships and search")),
        None => (None, text),
    };
    let seconds = seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?;
    Ok(TimeToLive { family, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("0", 0), ("65536", 65_536), ("4K", 4096), ("512M", 512 << 20), ("2GiB", 2 << 30)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "M", "-1", "1.5G", "5X", "99999999999T"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_to_live_are_read() {
        assert_eq!(parse_ttl("60"), Ok(TimeToLive { family: None, seconds: 60 }));
        assert_eq!(parse_ttl("gaps=5"), Ok(TimeToLive { family: Some("gaps".into()), seconds: 5 }));
        assert!(parse_ttl("pages=5").is_err() && parse_ttl("gaps=x").is_err());
    }
}
