//! The program as its users run it: real processes on small real repositories. Modules are named like the commands.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod answers;
mod backup;
mod bench;
mod decisions;
mod describe;
mod export;
mod failures;
mod gaps;
mod impact;
mod output;
mod relationships;
mod status;
mod store;
mod sync;
mod world;
