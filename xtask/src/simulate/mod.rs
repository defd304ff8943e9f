//! `cargo xtask simulate`: what 10, 1,000 and 100,000 organisations need, from what things were measured to cost.
//!
//! A day is played through, request by request and sync by sync, over replicas that hold graphs under a budget: hit rates
//! and waits follow from who asks when, which no formula over averages gives. `costs` has what was measured, `load` who
//! asks and when, `fleet` the replicas, `play` the day, `sizing` how many are enough and what else is turned on, `table`
//! prints. Equal arguments give equal output: chance comes from a seed.

mod costs;
mod fleet;
mod load;
mod play;
mod random;
mod sizing;
mod table;
#[cfg(test)]
mod tests;

use anyhow::{Result, bail};

use costs::Costs;
use load::Load;

/// What to play through.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many organisations; may be given more than once [default: 10, 1000 and 100000]
    #[arg(long, value_name = "N")]
    organisations: Vec<u32>,
    /// Questions a day and organisation, on average
    #[arg(long, value_name = "N", default_value_t = 40)]
    questions: u32,
    /// Where chance begins
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Memory for graphs of each replica, in gigabytes: half of the replica's, as `docassist tune` divides it
    #[arg(long, value_name = "GB", default_value_t = 4.0)]
    graph_memory: f64,
    /// Processors of each replica
    #[arg(long, value_name = "N", default_value_t = 4)]
    processors: u32,
}

/// Plays and prints.
pub(crate) fn run(args: &Args) -> Result<()> {
    let sizes = if args.organisations.is_empty() { vec![10, 1_000, 100_000] } else { args.organisations.clone() };
    if sizes.contains(&0) || args.processors == 0 || args.graph_memory.is_nan() || args.graph_memory <= 0.0 {
        bail!("organisations, processors and memory are more than none");
    }
    let machine = fleet::Machine { graph_bytes: (args.graph_memory * 1e9) as u64, processors: args.processors };
    let costs = Costs::MEASURED;
    let results: Vec<sizing::Sized> = sizes
        .iter()
        .map(|organisations| {
            eprintln!("playing a day of {organisations} organisations");
            sizing::size(&Load::new(*organisations, args.questions, args.seed), machine, &costs)
        })
        .collect();
    print!("{}", table::render(&results, machine, &costs));
    Ok(())
}
