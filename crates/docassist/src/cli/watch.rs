//! What `doctor` and `monitor` take, and how servers are named.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use docassist_app::{AppError, Backends, Database, QdrantAddress, redis_address};

use super::tune::{MachineArgs, Profile};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Folder of the files that servers should run with [default: deploy, where there is one; else what `tune` would write]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = ["memory", "cpus", "disk", "connections", "profile"])]
    pub(crate) deploy: Option<PathBuf>,
    /// The rules that values are chosen by, where there are no files
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<Profile>,
    /// File with the service's secret; or DOCASSIST_SECRET holds it [default: the one in the data directory]
    #[arg(long, value_name = "FILE", env = "DOCASSIST_SECRET_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
}

/// Arguments of `monitor`.
#[derive(Debug, Args)]
pub(crate) struct Monitor {
    /// Show it again and again, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
    /// So often
    #[arg(long, value_name = "SECONDS", default_value = "2", requires = "watch")]
    pub(crate) every: NonZeroU32,
    /// A running service, which tells of its cache of answers, such as http://127.0.0.1:4000
    #[arg(long, value_name = "URL", env = "DOCASSIST_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// Access token of somebody who runs the service; not needed on its own machine
    #[arg(long, value_name = "TOKEN", env = "DOCASSIST_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
}

/// Servers beside the database, which is a global option.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    #[command(flatten)]
    pub(crate) redis: RedisArgs,
    #[command(flatten)]
    pub(crate) qdrant: QdrantArgs,
}

impl ServerArgs {
    pub(crate) fn backends(&self, database: &Database) -> Result<Backends, AppError> {
        Ok(Backends { database: database.clone(), redis: self.redis.address()?, qdrant: self.qdrant.address()? })
    }
}

/// The cache that replicas share.
#[derive(Debug, Clone, Args)]
pub(crate) struct RedisArgs {
    /// Redis for answers that replicas share, such as redis://user:password@host:6379/0; with TLS, rediss://host:6380/0
    #[arg(long, value_name = "URL", env = "DOCASSIST_REDIS_URL", hide_env_values = true)]
    pub(crate) redis: Option<String>,
    /// File with its password, for an address without one
    #[arg(long, value_name = "FILE", env = "DOCASSIST_REDIS_PASSWORD_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) redis_password_file: Option<PathBuf>,
}

impl RedisArgs {
    pub(crate) fn address(&self) -> Result<Option<String>, AppError> {
        self.redis.as_deref().map(|url| redis_address(url, self.redis_password_file.as_deref())).transpose()
    }
}

/// Qdrant as it is watched: its figures come over REST.
#[derive(Debug, Clone, Args)]
pub(crate) struct QdrantArgs {
    /// Qdrant, to look at its collections, such as http://qdrant:6333
    #[arg(long, value_name = "URL", env = "DOCASSIST_QDRANT_URL", hide_env_values = true)]
    pub(crate) qdrant: Option<String>,
    /// File with Qdrant's key
    #[arg(long, value_name = "FILE", env = "DOCASSIST_QDRANT_API_KEY_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) qdrant_key_file: Option<PathBuf>,
}

impl QdrantArgs {
    pub(crate) fn address(&self) -> Result<Option<QdrantAddress>, AppError> {
        self.qdrant.as_deref().map(|url| QdrantAddress::new(url, self.qdrant_key_file.as_deref())).transpose()
    }
}
