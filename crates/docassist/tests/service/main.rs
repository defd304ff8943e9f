//! The service as its operators run it: real processes, real sockets, a real Redis, a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures, and what the service said before a test failed"
)]

mod backup;
mod doctor;
mod first_start;
mod http;
mod jobs;
mod jobs_interrupted;
mod load;
mod memory;
mod metrics;
mod observe;
mod ops;
mod postgres;
mod redis;
mod replicas;
mod server;
mod shutdown;
mod triggers;
mod uploads;
mod world;
