//! Options, environment and settings file, brought together.

use std::path::PathBuf;
use std::time::Duration;

use docassist_app::Database;
use docassist_model::{OrgSlug, Timestamp};

use crate::cli::{Format, Global};
use crate::config_file::ConfigFile;
use crate::failure::Failure;
use crate::output::streams;

/// Where data is unless somebody says otherwise.
const DEFAULT_DATA: &str = ".docassist";
const DEFAULT_ORG: &str = "default";

/// What holds for this run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) database: Database,
    /// Of the database and its standby.
    pub(crate) database_password_file: Option<PathBuf>,
    pub(crate) org: OrgSlug,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) format: Format,
    /// From the settings file; the option of a sync comes first.
    pub(crate) wait: Option<Duration>,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
}

impl Settings {
    /// Options come before the environment, that before the file, and that before defaults.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let file = global.config.as_deref().map(ConfigFile::read).transpose()?.unwrap_or_default();
        // clap does not see conflicts of global options that stand at different commands.
        if global.json && global.format.is_some_and(|format| format != Format::Json) {
            return Err(Failure::usage("--json and --format contradict each other", "Leave one of them out."));
        }
        if global.quiet && global.verbose {
            return Err(Failure::usage("--quiet and --verbose contradict each other", "Leave one of them out."));
        }
        let asked = if global.json { Some(Format::Json) } else { global.format };
        let usual = if streams::stdout_is_terminal() { Format::Table } else { Format::Json };
        let default_org = || DEFAULT_ORG.parse::<OrgSlug>().map_err(|error| Failure::usage(error.to_string(), ""));
        let org = match global.org.clone().or(file.org) {
            Some(org) => org,
            None => default_org()?,
        };
        let database = match global.database.as_deref().or(file.database.as_deref()) {
            Some(address) => Database::at(address, global.database_password_file.as_deref())?,
            None => Database::Files,
        };
        Ok(Self {
            database,
            database_password_file: global.database_password_file.clone(),
            data: global.data.clone().or(file.data).unwrap_or_else(|| PathBuf::from(DEFAULT_DATA)),
            org,
            as_of: global.as_of,
            format: asked.or(file.format).unwrap_or(usual),
            wait: file.wait,
            quiet: global.quiet,
            verbose: global.verbose,
        })
    }
}
