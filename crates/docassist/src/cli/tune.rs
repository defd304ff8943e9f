//! What `tune` takes, and how a machine is described.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use docassist_app::MachineSize;
use docassist_ops::machine::{Disk, parse_cpus, parse_memory};

/// Arguments of `tune`.
#[derive(Debug, Args)]
pub(crate) struct Tune {
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
    /// The rules that values are chosen by
    #[arg(long, value_name = "PROFILE", default_value = "defended")]
    pub(crate) profile: Profile,
    /// Folder to write the files into
    #[arg(long, value_name = "DIR", default_value = "deploy", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,
    /// Write nothing; exit with 4 where the files are not what would be written
    #[arg(long, conflicts_with = "explain")]
    pub(crate) check: bool,
    /// Write nothing; show the formulas with the numbers put in
    #[arg(long)]
    pub(crate) explain: bool,
    /// Write nothing; name the files that would change
    #[arg(long, conflicts_with_all = ["check", "explain"])]
    pub(crate) dry_run: bool,
}

/// A machine; what is left out is looked up on this one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The machine [default: this one]")]
pub(crate) struct MachineArgs {
    /// Memory of all services together, such as 8G
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub(crate) memory: Option<u64>,
    /// Processors, such as 7 or 1.5
    #[arg(long, value_name = "N", value_parser = parse_cpus)]
    pub(crate) cpus: Option<u32>,
    /// What data lies on: ssd or hdd
    #[arg(long, value_name = "KIND")]
    pub(crate) disk: Option<Disk>,
    /// Connections that all replicas open to PostgreSQL together
    #[arg(long, value_name = "N")]
    pub(crate) connections: Option<u32>,
}

impl MachineArgs {
    pub(crate) fn size(&self) -> MachineSize {
        MachineSize { memory: self.memory, millicpus: self.cpus, disk: self.disk, connections: self.connections }
    }
}

/// The rules that values are chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Limits that fit the machine, and settings that fit their limits
    Defended,
    /// Those that the project was started from, in proportion to 8 GB; says where they do not add up
    Seed,
}

impl From<Profile> for docassist_ops::plan::Profile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Defended => Self::Defended,
            Profile::Seed => Self::Seed,
        }
    }
}
