//! The machine that files are rendered for.
//!
//! What this machine has is read by the caller; here are the pure readers of the texts in which Linux tells it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::quantity::{MIB, QuantityError, TIB, cpus, human_bytes, parse_bytes, parse_thousandths};

/// Below it PostgreSQL, Redis, Qdrant and the service do not fit one machine.
pub const LEAST_MEMORY: u64 = 512 * MIB;
/// Above it the formulas were never thought through.
pub const MOST_MEMORY: u64 = 16 * TIB;
/// A tenth of a processor: less starts nothing in time.
pub const LEAST_MILLICPUS: u32 = 100;
/// More processors than one machine has.
pub const MOST_MILLICPUS: u32 = 1_024_000;
/// More than that needs a pooler such as PgBouncer in front: each connection is a process.
pub const MOST_CONNECTIONS: u32 = 5000;

/// What data lies on; decides what a random read costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disk {
    /// Flash: a random read costs about what a sequential one does, and many can be under way.
    Ssd,
    /// Spinning: a random read costs a seek, and few can be under way.
    Hdd,
}

impl Disk {
    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ssd => "ssd",
            Self::Hdd => "hdd",
        }
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Disk {
    type Err = MachineError;

    fn from_str(text: &str) -> Result<Self, MachineError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "ssd" | "nvme" | "flash" => Ok(Self::Ssd),
            "hdd" | "disk" => Ok(Self::Hdd),
            _ => Err(MachineError::UnknownDisk(text.to_owned())),
        }
    }
}

/// Why there is no such machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// A text is no amount.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// Too little memory, or too much.
    #[error("{} of memory is outside of 512 MB to 16 TB; with a unit it is 8G", human_bytes(*.0))]
    Memory(u64),
    /// Too few processors, or too many.
    #[error("{} processors are outside of 0.1 to 1,024", cpus(*.0))]
    Cpus(u32),
    /// Too few connections, or too many.
    #[error("{0} connections are outside of 1 to 5,000; beyond that put a pooler in front of PostgreSQL")]
    Connections(u32),
    /// Neither `ssd` nor `hdd`.
    #[error("`{0}` is no kind of disk: ssd and hdd are")]
    UnknownDisk(String),
    /// A file of the system is not what it is elsewhere.
    #[error("{file} says nothing about {what}")]
    Unreadable {
        /// Which file.
        file: &'static str,
        /// What was looked for.
        what: &'static str,
    },
}

/// A machine's size, and how many connections the service's replicas open to PostgreSQL together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Memory in bytes: the machine's own, or the limit of the container that all of it runs in.
    pub memory_bytes: u64,
    /// Processors in thousandths.
    pub millicpus: u32,
    /// What data lies on.
    pub disk: Disk,
    /// Connections of all replicas' pools together.
    pub connections: u32,
}

impl Machine {
    /// A machine whose figures were checked.
    ///
    /// # Errors
    ///
    /// When a figure is outside of what the formulas hold for.
    pub fn new(memory_bytes: u64, millicpus: u32, disk: Disk, connections: u32) -> Result<Self, MachineError> {
        if !(LEAST_MEMORY..=MOST_MEMORY).contains(&memory_bytes) {
            return Err(MachineError::Memory(memory_bytes));
        }
        if !(LEAST_MILLICPUS..=MOST_MILLICPUS).contains(&millicpus) {
            return Err(MachineError::Cpus(millicpus));
        }
        if !(1..=MOST_CONNECTIONS).contains(&connections) {
            return Err(MachineError::Connections(connections));
        }
        Ok(Self { memory_bytes, millicpus, disk, connections })
    }

    /// Connections where nobody has said how many: four a processor keep it busy while some wait for the disk; at most
    /// one for 64 MB, so that small machines are not filled by processes that wait; between 5 and 200.
    #[must_use]
    pub fn usual_connections(memory_bytes: u64, millicpus: u32) -> u32 {
        let by_memory = u32::try_from(memory_bytes / (64 * MIB)).unwrap_or(u32::MAX);
        (millicpus * 4).div_ceil(1000).min(by_memory).clamp(5, 200)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of memory, {} CPUs, {}, {} connections",
            human_bytes(self.memory_bytes),
            cpus(self.millicpus),
            self.disk,
            self.connections
        )
    }
}

/// Reads an amount of memory: `8G`, `8GiB`, `512M`.
///
/// # Errors
///
/// When it is no amount, or outside of what a machine has: a bare `8` is eight bytes and refused.
pub fn parse_memory(text: &str) -> Result<u64, MachineError> {
    let bytes = parse_bytes(text)?;
    if !(LEAST_MEMORY..=MOST_MEMORY).contains(&bytes) {
        return Err(MachineError::Memory(bytes));
    }
    Ok(bytes)
}

/// Reads a number of processors, `7` or `0.5`, in thousandths.
///
/// # Errors
///
/// When it is no number, or outside of what a machine has.
pub fn parse_cpus(text: &str) -> Result<u32, MachineError> {
    let thousandths = parse_thousandths(text.trim())?;
    let millicpus = u32::try_from(thousandths).unwrap_or(u32::MAX);
    if !(LEAST_MILLICPUS..=MOST_MILLICPUS).contains(&millicpus) {
        return Err(MachineError::Cpus(millicpus));
    }
    Ok(millicpus)
}

/// The machine's memory in bytes, from the text of `/proc/meminfo`.
///
/// # Errors
///
/// When the text has no line `MemTotal: … kB`.
pub fn parse_meminfo(text: &str) -> Result<u64, MachineError> {
    text.lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse::<u64>().ok())
        .and_then(|kilobytes| kilobytes.checked_mul(1024))
        .ok_or(MachineError::Unreadable { file: "/proc/meminfo", what: "MemTotal" })
}

/// The limit of a control group in bytes, from the text of `memory.max` (version 2) or `memory.limit_in_bytes`
/// (version 1); none where there is no limit.
///
/// # Errors
///
/// When the text is neither a number nor `max`.
pub fn parse_cgroup_memory(text: &str) -> Result<Option<u64>, MachineError> {
    let text = text.trim();
    if text == "max" {
        return Ok(None);
    }
    let limit: u64 =
        text.parse().map_err(|_| MachineError::Unreadable { file: "memory.max", what: "the limit of memory" })?;
    // Version 1 says "no limit" as the largest number of whole pages.
    Ok((limit < 1 << 62).then_some(limit))
}

/// The processors of a control group in thousandths, from the text of `cpu.max` (`200000 100000` is two); none where
/// there is no limit.
///
/// # Errors
///
/// When the text is no quota and period.
pub fn parse_cgroup_cpus(text: &str) -> Result<Option<u32>, MachineError> {
    let unreadable = MachineError::Unreadable { file: "cpu.max", what: "the quota of processors" };
    let Some((quota, period)) = text.trim().split_once(' ') else { return Err(unreadable) };
    if quota == "max" {
        return Ok(None);
    }
    let (Ok(quota), Ok(period)) = (quota.parse::<u64>(), period.trim().parse::<u64>()) else {
        return Err(unreadable);
    };
    match quota.checked_mul(1000).and_then(|product| product.checked_div(period)) {
        Some(millicpus) => Ok(Some(u32::try_from(millicpus).unwrap_or(u32::MAX))),
        None => Err(unreadable),
    }
}

/// What may be used of a machine's memory: the control group's limit where there is one below it.
#[must_use]
pub fn usable_memory(machine: u64, cgroup: Option<u64>) -> u64 {
    cgroup.map_or(machine, |limit| limit.min(machine))
}

/// The sizes that tests run over: small to huge.
#[cfg(test)]
pub(crate) const EXTREMES: [(u64, u32); 4] =
    [(LEAST_MEMORY, 1000), (8192 * MIB, 7000), (65_536 * MIB, 16_000), (TIB, 128_000)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::GIB;

    #[test]
    fn figures_outside_of_a_machine_are_refused_with_the_reason() {
        assert_eq!(parse_memory("8GiB"), Ok(8 * GIB));
        assert_eq!(
            parse_memory("8").map_err(|error| error.to_string()),
            Err("8 bytes of memory is outside of 512 MB to 16 TB; with a unit it is 8G".to_owned())
        );
        assert_eq!(parse_cpus("7"), Ok(7000));
        assert_eq!(parse_cpus("0.5"), Ok(500));
        assert!(parse_cpus("0").is_err() && parse_cpus("many").is_err() && parse_cpus("").is_err());
        assert_eq!("SSD".parse(), Ok(Disk::Ssd));
        assert!("tape".parse::<Disk>().is_err());
        assert!(Machine::new(GIB, 1000, Disk::Ssd, 0).is_err());
    }

    #[test]
    fn what_linux_tells_is_read() {
        let text = "MemTotal:       24563456 kB\nMemFree:         1000 kB\n";
        assert_eq!(parse_meminfo(text), Ok(24_563_456 * 1024));
        assert!(parse_meminfo("MemFree: 1 kB").is_err() && parse_meminfo("MemTotal: x kB").is_err());
        assert_eq!(parse_cgroup_memory("max\n"), Ok(None));
        assert_eq!(parse_cgroup_memory("4294967296\n"), Ok(Some(4 * GIB)));
        assert_eq!(parse_cgroup_memory("9223372036854771712\n"), Ok(None));
        assert!(parse_cgroup_memory("").is_err());
        assert_eq!(parse_cgroup_cpus("200000 100000\n"), Ok(Some(2000)));
        assert_eq!(parse_cgroup_cpus("max 100000\n"), Ok(None));
        assert!(parse_cgroup_cpus("200000").is_err() && parse_cgroup_cpus("1 0").is_err());
        assert_eq!(usable_memory(8, Some(4)), 4);
        assert_eq!(usable_memory(8, None), 8);
    }

    #[test]
    fn connections_follow_processors_and_memory() {
        assert_eq!(Machine::usual_connections(8 * GIB, 7000), 28);
        assert_eq!(Machine::usual_connections(LEAST_MEMORY, 8000), 8);
        assert_eq!(Machine::usual_connections(TIB, 128_000), 200);
    }
}
