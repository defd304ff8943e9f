//! Running programs and timing them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Milliseconds until a program has ended, its output thrown away. An error when it fails, with what it said.
pub(super) fn milliseconds(command: &mut Command) -> Result<f64> {
    let started = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let elapsed = started.elapsed();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed: {}", said.trim());
    }
    Ok(elapsed.as_secs_f64() * 1000.0)
}

/// The most memory that a program had at a time, in megabytes; `None` where the system does not tell.
///
/// It is asked for every millisecond, so that the last moments may be missed: enough for a peak that lasts.
pub(super) fn peak_memory(command: &mut Command) -> Result<Option<f64>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    while child.try_wait()?.is_none() {
        let now = std::fs::read_to_string(&status).ok();
        let now = now.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("VmHWM:")));
        let now = now.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
        peak = now.map(|kilobytes| kilobytes * 1024.0 / 1e6).or(peak);
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(peak)
}

/// The middle one; the lower of two.
pub(super) fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// Copies a folder with everything in it.
pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
