//! Operations as pure functions: deployment files from a machine's size, and findings from what running servers say.
//!
//! [`plan()`] turns a [`Machine`] into a [`Plan`]: every setting with its value, why it has it and by which formula. [`render()`]
//! writes the plan as files, [`diff`] compares them with those that are there, [`explain()`] tells it to people. [`doctor`]
//! compares live settings with such files, [`monitor`] shapes live figures, [`metrics`] names them once for the exporter, the
//! alert rules and the dashboard.
//!
//! This crate knows nothing of sockets, clocks, files and processes: whoever asks a server or reads a file hands in what it
//! said. Equal arguments give equal bytes.

pub mod catalogue;
pub mod conf;
pub mod doctor;
pub mod explain;
pub mod findings;
pub mod machine;
pub mod metrics;
pub mod monitor;
pub mod plan;
pub mod quantity;
pub mod render;
pub mod seed;

pub use explain::explain;
pub use findings::{Area, Finding, Verdict};
pub use machine::{Disk, Machine, MachineError};
pub use plan::{Plan, Profile, Setting, plan};
pub use render::{Drift, File, diff, render};
