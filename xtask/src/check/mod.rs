//! `cargo xtask check`: the steps that CI runs, in order of cost, each named and timed.

mod layers;
mod licences;
mod links;
mod spdx;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::cargo;

/// Which steps to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only this step; may be given more than once
    #[arg(long, value_name = "STEP", value_parser = clap::builder::PossibleValuesParser::new(NAMES))]
    only: Vec<String>,
    /// Run the remaining steps after one has failed
    #[arg(long)]
    keep_going: bool,
}

const NAMES: [&str; 8] = ["fmt", "layers", "licences", "links", "clippy", "docs", "tests", "verify"];

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<()>,
}

const STEPS: [Step; NAMES.len()] = [
    Step { name: NAMES[0], what: "the code is formatted", run: fmt },
    Step { name: NAMES[1], what: "dependencies between crates run downwards", run: layers::check },
    Step { name: NAMES[2], what: "dependencies have licences and sources that we accept", run: licences::check },
    Step { name: NAMES[3], what: "links in the documents lead somewhere", run: links::check },
    Step { name: NAMES[4], what: "clippy finds nothing", run: clippy },
    Step { name: NAMES[5], what: "the code's documentation builds without warnings", run: docs },
    Step { name: NAMES[6], what: "tests pass", run: tests },
    Step { name: NAMES[7], what: "the program answers what git log and the tickets say", run: verify },
];

/// Runs the steps; an error when one fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut results: Vec<(&str, bool, Duration)> = Vec::new();
    for step in STEPS.iter().filter(|step| args.only.is_empty() || args.only.iter().any(|name| name == step.name)) {
        println!("── {}: {}", step.name, step.what);
        let started = Instant::now();
        let result = (step.run)();
        let failed = result.is_err();
        if let Err(error) = result {
            println!("{error:#}");
        }
        results.push((step.name, !failed, started.elapsed()));
        if failed && !args.keep_going {
            break;
        }
    }
    println!();
    for (name, good, time) in &results {
        println!("{:<6} {name:<9} {:>7.1} s", if *good { "ok" } else { "FAILED" }, time.as_secs_f64());
    }
    let failed: Vec<&str> = results.iter().filter(|(_, good, _)| !good).map(|(name, ..)| *name).collect();
    if let Some(first) = failed.first() {
        bail!("failed: {}; run it alone with `cargo xtask check --only {first}`", failed.join(", "));
    }
    Ok(())
}

fn command(command: &mut Command, hint: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{hint}");
    }
    Ok(())
}

/// A toolchain may come without its components, and then says so in many words.
fn component(name: &str, package: &str) -> Result<()> {
    let there = cargo().args([name, "--version"]).output().is_ok_and(|output| output.status.success());
    if !there {
        bail!("`cargo {name}` is not installed; with rustup: `rustup component add {package}`");
    }
    Ok(())
}

fn fmt() -> Result<()> {
    component("fmt", "rustfmt")?;
    command(cargo().args(["fmt", "--all", "--check"]), "not formatted; `cargo fmt --all` does it")
}

fn clippy() -> Result<()> {
    component("clippy", "clippy")?;
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    command(cargo().args(arguments), "clippy has found something")
}

fn docs() -> Result<()> {
    let mut doc = cargo();
    doc.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--workspace", "--no-deps", "--locked"]);
    command(&mut doc, "the documentation does not build cleanly")
}

fn tests() -> Result<()> {
    command(cargo().args(["test", "--workspace", "--locked"]), "a test has failed")
}

fn verify() -> Result<()> {
    // The tests have built the unoptimised program already, and the generated repository is small.
    crate::verify::run(&crate::verify::Args::generated_with_debug_build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_tells_its_hint() {
        let error = command(&mut Command::new("false"), "do this").unwrap_err();
        assert_eq!(error.to_string(), "do this");
    }
}
