//! The command line of Documentation Assistant: what it takes ([`cli`]), what each command asks of `docassist-app`
//! ([`commands`]) and how the answers are printed ([`output`]).
//!
//! Results go to stdout and nothing else does; progress, notes about the run and errors go to stderr. Everything that
//! is printed goes through [`output::streams`].

mod cli;
mod commands;
mod config_file;
mod failure;
mod invocation;
mod output;
mod settings;

use std::process::ExitCode;

/// Building a graph is many allocations from several threads, where system allocators (musl's above all) are slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run()
}
