//! What `store`, `backup` and `restore` take.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Where records are kept.
#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Copy organisations between data directories and PostgreSQL, and verify the copies by their graphs' digests
    ///
    /// Copied are sources with all their records. Accounts, keys, jobs and settings of sources are not copied, nor clones of
    /// repositories: a service over the copy begins with its first account, and its next sync clones again. What a sync
    /// under way has read stays behind.
    ///
    /// A copy that was interrupted leaves a source `(unfinished copy)`; the same command again starts over. Exit status 4: a
    /// digest differs.
    Copy(Copy),
}

/// Arguments of `store copy`.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// Where to read: a data directory, or postgres://USER@HOST/DATABASE with its password in --database-password-file
    #[arg(long, value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub(crate) from: String,
    /// Where to write: the same
    #[arg(long, value_name = "DIR|URL", value_hint = ValueHint::DirPath)]
    pub(crate) to: String,
    /// Every organisation instead of the one of --org
    #[arg(long)]
    pub(crate) all_orgs: bool,
    /// Remove the records that the target has of an organisation first; readers see them go
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) wait: super::WaitArgs,
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder to make; one that is there must be empty
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// The same PostgreSQL by a role that reads the rows of all organisations: LOGIN BYPASSRLS IN ROLE pg_read_all_data
    #[arg(long, value_name = "URL", env = "DOCASSIST_BACKUP_DATABASE", hide_env_values = true)]
    pub(crate) role_url: Option<String>,
    /// File with that role's password
    #[arg(long, value_name = "FILE", env = "DOCASSIST_BACKUP_PASSWORD_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) role_password_file: Option<PathBuf>,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder that `docassist backup` made
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Replace what is there
    #[arg(long)]
    pub(crate) replace: bool,
    /// Only find out whether the backup is as it was made
    #[arg(long, conflicts_with_all = ["replace", "any_digest"])]
    pub(crate) check: bool,
    /// Keep what was restored although a digest differs, as it may where another version of docassist made the backup
    #[arg(long)]
    pub(crate) any_digest: bool,
}

/// The service's secret.
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Seal everything that is sealed with the service's secret anew with another one
    ///
    /// Credentials of sources and secrets of webhooks are decrypted with the old one and encrypted with the new one, all or
    /// nothing. Stop every service over these data first, and start them with the new secret afterwards: access tokens of the
    /// old one are refused, and refresh tokens, passwords and API keys go on. Where the old one is kept in the data
    /// directory, the new one takes its place.
    Rotate(Rotate),
}

/// Arguments of `secret rotate`.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// File with the new secret; `openssl rand -base64 48` makes one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) to: PathBuf,
    /// File with the old one; or DOCASSIST_SECRET holds it [default: the one in the data directory]
    #[arg(long, value_name = "FILE", env = "DOCASSIST_SECRET_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) secret_file: Option<PathBuf>,
}
