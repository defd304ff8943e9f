//! The rendered files as others read them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod compose;
mod files;
mod units;

use docassist_ops::quantity::GIB;
use docassist_ops::{Disk, Machine, Plan, Profile, plan};

/// The plan of a machine of 8 GB and 7 processors, with which the seed's values are exact.
fn of(profile: Profile) -> Plan {
    plan(Machine::new(8 * GIB, 7000, Disk::Ssd, 50).unwrap(), profile)
}

/// The text of a rendered file.
fn text(plan: &Plan, path: &str) -> String {
    docassist_ops::render(plan)
        .into_iter()
        .find(|file| file.path == path)
        .unwrap_or_else(|| panic!("{path} is not written"))
        .text
}
