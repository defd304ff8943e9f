//! The cache as its users see it, over a Redis that the tests start themselves.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests may do what tests may do"
)]

mod cluster;
mod encrypted;
mod interleaving;
mod many;
mod outage;
mod partition;
mod redis_server;
mod replicas;
mod room;
mod single_flight;
mod store;
mod store_trouble;
