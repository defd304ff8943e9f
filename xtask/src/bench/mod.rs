//! `cargo xtask bench`: the figures that the project promises, measured on this machine. Where a target is a share of
//! another program's time, both run in turns within the same minutes, since times of different days say nothing.
//!
//! `sync` measures whole processes on repositories, `graph` what `crates/docassist-app/benches/scale.rs` measures inside
//! one, `service` what the service and its cache do, `search` what search, embedding and PostgreSQL do, `process` runs and times
//! programs, `table` judges and prints.

mod graph;
mod process;
mod search;
mod service;
mod sync;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use docassist_testing::records::Shape;

use crate::workspace::{build_program, members};
use table::Row;

/// What to measure, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The repository of the first sync; default: a generated one of 12,000 commits
    #[arg(long, value_name = "PATH")]
    repo: Option<PathBuf>,
    /// Small data and few runs: does everything work, and is anything far off?
    #[arg(long)]
    quick: bool,
    /// Measure only this; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(NAMES))]
    only: Vec<String>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// The program; default: it is built from this workspace
    #[arg(long, value_name = "BIN")]
    docassist: Option<PathBuf>,
}

const NAMES: [&str; 9] =
    ["first-sync", "sync-again", "graph", "gaps", "service", "cache", "search", "embed", "postgres"];
/// Those that measure the program as a process.
const OF_PROGRAM: [&str; 3] = ["first-sync", "sync-again", "gaps"];

/// What the measurements share.
struct Bench {
    program: PathBuf,
    /// Where generated data is kept from run to run.
    data: PathBuf,
    quick: bool,
}

impl Bench {
    /// How often something short is run, and something long.
    fn runs(&self) -> (usize, usize) {
        if self.quick { (3, 1) } else { (5, 3) }
    }
}

/// Measures and prints. A missed target is a result, not a failure.
pub(crate) fn run(args: &Args) -> Result<()> {
    // Before anything is built: that is no other program's load.
    let machine = table::Machine::look();
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let program = match &args.docassist {
        Some(program) => program.canonicalize().with_context(|| format!("no program at {}", program.display()))?,
        None if OF_PROGRAM.into_iter().any(wanted) => build_program(false)?,
        None => PathBuf::new(),
    };
    let members = members()?;
    let target = members["target_directory"].as_str().context("`cargo metadata` names no target directory")?;
    let bench = Bench { program, data: PathBuf::from(target).join("bench-data"), quick: args.quick };
    std::fs::create_dir_all(&bench.data).with_context(|| format!("cannot make {}", bench.data.display()))?;
    let mut rows: Vec<Row> = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    let mut keep = |name: &str, result: Result<Vec<Row>>| match result {
        Ok(more) => rows.extend(more),
        // What could be measured is printed all the same.
        Err(error) => failed.push(format!("{name}: {error:#}")),
    };
    if wanted("first-sync") {
        keep("first-sync", sync::first(&bench, args.repo.as_deref()));
    }
    if wanted("sync-again") {
        keep("sync-again", sync::again(&bench));
    }
    if wanted("graph") || wanted("gaps") {
        let figures = graph::measure(&bench);
        match figures {
            Ok(figures) => {
                if wanted("graph") {
                    keep("graph", Ok(graph::rows(&figures, args.quick)));
                }
                if wanted("gaps") {
                    keep("gaps", graph::gaps(&bench, &figures));
                }
            }
            Err(error) => keep("graph", Err(error)),
        }
    }
    for name in ["service", "cache"] {
        if wanted(name) {
            keep(name, service::measure(&bench, name));
        }
    }
    for name in ["search", "embed", "postgres"] {
        if wanted(name) {
            keep(name, search::measure(&bench, name));
        }
    }
    if args.json {
        println!("{:#}", table::json(&machine, &rows));
    } else {
        table::print(&machine, &rows);
    }
    if !failed.is_empty() {
        bail!("not everything could be measured:\n{}", failed.join("\n"));
    }
    Ok(())
}

/// The generated repository of `shape`, made unless it was before.
fn generated(bench: &Bench, shape: &Shape) -> PathBuf {
    docassist_testing::prepared(&bench.data, &format!("repository-{}", shape.name()), &[], |folder| {
        eprintln!("generating a repository of {} commits (once)", shape.commits);
        docassist_testing::repository::write(shape, folder);
    })
}
