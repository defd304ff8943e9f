//! What `bench` takes.

use clap::{Args, Subcommand, value_parser};

use super::tune::{MachineArgs, Profile};

/// Commits that a large organisation has.
const USUAL_COMMITS: u64 = 140_000;
/// What fits the disk of a machine that one measures on.
const MOST_COMMITS: u64 = 10_000_000;

/// Measurements.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// What tuning and caching gain on this machine, next to what the project was started from claimed
    ///
    /// Starts two PostgreSQL servers of its own from the programs of this machine (15 or newer), on spare ports of the
    /// loopback: one with default settings, one with those of `tune`. Loads the organisation's records into both, as often
    /// as it takes for --commits, and asks both the same in turn, cold and warm. Then asks for answers, computed and from
    /// the cache; with Redis, where there is a redis-server. Takes minutes. Servers and their data are gone at the end,
    /// however it ends; TMPDIR says where they are meanwhile.
    Infra(Box<Infra>),
}

/// Arguments of `bench infra`.
#[derive(Debug, Args)]
pub(crate) struct Infra {
    /// Commits to load into each server, in whole copies of the organisation [default: 140000, or 5000 with --quick]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=MOST_COMMITS))]
    commits: Option<u64>,
    /// The rules that the tuned settings are chosen by
    #[arg(long, value_name = "PROFILE", default_value = "defended")]
    pub(crate) profile: Profile,
    /// A few runs in seconds, to see that it works: the figures say little
    #[arg(long)]
    pub(crate) quick: bool,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
}

impl Infra {
    /// Commits to load.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.unwrap_or(if self.quick { 5_000 } else { USUAL_COMMITS })
    }
}
