//! The machine that the program runs on: memory, processors, disk, as the system tells.

use std::path::{Path, PathBuf};

use docassist_model::ErrorCode;
use docassist_ops::machine::{self, Disk, Machine, MachineError};

use crate::AppError;

/// What is known of a machine; what is not given is looked up on this one.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineSize {
    /// Bytes.
    pub memory: Option<u64>,
    /// Thousandths of a processor.
    pub millicpus: Option<u32>,
    /// What data lies on.
    pub disk: Option<Disk>,
    /// Connections that all replicas open to PostgreSQL together.
    pub connections: Option<u32>,
}

impl MachineSize {
    /// The machine; `data` is where its data would lie.
    ///
    /// # Errors
    /// When the system tells nothing (it has no `/proc`), or the figures are those of no machine.
    pub fn machine(self, data: &Path) -> Result<Machine, AppError> {
        let memory = self.memory.map_or_else(memory, Ok)?;
        let millicpus = self.millicpus.unwrap_or_else(millicpus);
        let disk = self.disk.unwrap_or_else(|| disk_of(data));
        let connections = self.connections.unwrap_or_else(|| Machine::usual_connections(memory, millicpus));
        Ok(Machine::new(memory, millicpus, disk, connections)?)
    }
}

impl From<MachineError> for AppError {
    fn from(error: MachineError) -> Self {
        Self::new(ErrorCode::InvalidInput, error.to_string())
            .hint("Say it: --memory 8G --cpus 7 --disk ssd --connections 40.")
    }
}

/// Bytes that may be used: the machine's, or the limit of the container around the process.
///
/// # Errors
/// Where the system does not tell.
pub fn memory() -> Result<u64, AppError> {
    let unreadable = |error: std::io::Error| {
        AppError::new(ErrorCode::InvalidInput, format!("the system does not tell its memory: {error}"))
            .hint("Say how much it has: --memory 8G.")
    };
    let text = std::fs::read_to_string("/proc/meminfo").map_err(unreadable)?;
    Ok(machine::usable_memory(machine::parse_meminfo(&text)?, memory_limit()))
}

/// The limit of memory of the container around the process, in bytes; `None` where there is none.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    limits("memory.max", "memory/memory.limit_in_bytes", |text| machine::parse_cgroup_memory(text).ok().flatten())
}

/// Thousandths of a processor that may be used: the machine's, or the limit of the container around the process.
fn millicpus() -> u32 {
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let all = u32::try_from(all).unwrap_or(u32::MAX).saturating_mul(1000);
    limits("cpu.max", "", |text| machine::parse_cgroup_cpus(text).ok().flatten()).map_or(all, |limit| limit.min(all))
}

/// The least limit that the groups around the process set: each one holds for those within it.
fn limits<T: Ord>(unified: &str, legacy: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let root = Path::new("/sys/fs/cgroup");
    let mut files: Vec<PathBuf> = Vec::new();
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    // `0::/a/b` is the group of the unified hierarchy.
    if let Some(group) = own.lines().find_map(|line| line.strip_prefix("0::/")) {
        files.extend(Path::new(group).ancestors().map(|group| root.join(group).join(unified)));
    }
    files.push(root.join(unified));
    if !legacy.is_empty() {
        files.push(root.join(legacy));
    }
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).filter_map(|text| parse(&text)).min()
}

/// What the folder lies on, as the kernel tells; flash where it does not, since nearly everything is by now.
fn disk_of(folder: &Path) -> Disk {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let there = folder.ancestors().find_map(|folder| folder.metadata().ok());
        let Some(metadata) = there.or_else(|| Path::new(".").metadata().ok()) else { return Disk::Ssd };
        // The kernel's own split of a device's number.
        let device = metadata.dev();
        let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
        let block = PathBuf::from(format!("/sys/dev/block/{major}:{minor}"));
        // A partition has its disk's queue one folder up.
        for queue in [block.join("queue/rotational"), block.join("../queue/rotational")] {
            if let Ok(text) = std::fs::read_to_string(queue) {
                return if text.trim() == "1" { Disk::Hdd } else { Disk::Ssd };
            }
        }
    }
    Disk::Ssd
}
