//! `cargo xtask`: what CI runs, and the independent verifier of the program's answers.
//!
//! A new subcommand is a module with an `Args` struct and a `run(&Args)`, one variant in [`Task`] and one arm in `main`.
// This program's purpose is to print; nothing reads its output but people and CI logs.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod check;
mod simulate;
mod stack;
mod verify;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks of this repository", max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure the figures that the project promises, against git in the same run where that is the target
    Bench(bench::Args),
    /// Run exactly what CI runs: format, layers, licences, links, clippy, docs, tests, verifier
    Check(check::Args),
    /// Play a day of many organisations through: what they need, from measured costs
    Simulate(simulate::Args),
    /// Run PostgreSQL and Redis with the generated configuration, from the system's packages
    Stack(stack::Args),
    /// Recompute the program's answers from `git log` and a ticket file, and compare
    Verify(verify::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Bench(args) => bench::run(&args),
        Task::Check(args) => check::run(&args),
        Task::Simulate(args) => simulate::run(&args),
        Task::Stack(args) => stack::run(&args),
        Task::Verify(args) => verify::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Without the backtrace that a returned error would print: what failed has been told in full.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
