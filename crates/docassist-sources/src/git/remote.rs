//! Clones of repositories that are not on this machine, made by the system's `git` so that the user's credentials,
//! proxies and SSH settings work.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a clone could not be made or updated.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// The system has no `git`, or it could not be started.
    #[error("git could not be started: {0}; install git to read a repository by its URL")]
    NoGit(std::io::Error),
    /// `git` failed; its own words.
    #[error("git {action} failed: {message}")]
    Git {
        /// `clone` or `fetch`.
        action: &'static str,
        /// The end of what it printed.
        message: String,
    },
    /// The folder for clones cannot be written.
    #[error("{path}: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// Stopped on request.
    #[error("stopped")]
    Cancelled,
}

/// Whether a location is a URL or an `host:path` address, not a path of this machine.
#[must_use]
pub fn is_remote(location: &str) -> bool {
    if Path::new(location).exists() {
        return false;
    }
    if location.contains("://") {
        return true;
    }
    // scp-like: something@host:path or host:path, with no slash before the colon; one letter is a drive.
    location
        .split_once(':')
        .is_some_and(|(host, path)| host.len() > 1 && !host.contains(['/', '\\']) && !path.is_empty())
}

/// Makes a bare mirror of `url` at `folder`, or brings the one there up to date. An interrupted clone is begun anew: it is
/// made beside `folder` and moved there when it is whole.
///
/// # Errors
/// [`CloneError`].
pub fn update_clone(url: &str, folder: &Path, cancelled: &dyn Fn() -> bool) -> Result<(), CloneError> {
    if folder.join("HEAD").exists() {
        run(
            "fetch",
            Command::new("git").arg("--git-dir").arg(folder).args(["fetch", "--prune", "--quiet", "origin"]),
            cancelled,
        )?;
        // The remote's default branch may have changed; a failure leaves the one known.
        let set_head =
            Command::new("git").arg("--git-dir").arg(folder).args(["remote", "set-head", "origin", "--auto"]).output();
        drop(set_head);
        return Ok(());
    }
    let io = |source| CloneError::Io { path: folder.to_owned(), source };
    let partial = folder.with_extension("partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(io)?;
    }
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).map_err(io)?;
    }
    run("clone", Command::new("git").args(["clone", "--mirror", "--quiet", "--", url]).arg(&partial), cancelled)?;
    std::fs::rename(&partial, folder).map_err(io)
}

fn run(action: &'static str, command: &mut Command, cancelled: &dyn Fn() -> bool) -> Result<(), CloneError> {
    // A prompt would wait for ever where nobody sits before a terminal.
    let mut child = command
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(CloneError::NoGit)?;
    let stderr = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            drop(std::io::Read::read_to_end(&mut stderr, &mut text));
        }
        text
    });
    let status = loop {
        match child.try_wait().map_err(CloneError::NoGit)? {
            Some(status) => break status,
            None if cancelled() => {
                drop(child.kill());
                drop(child.wait());
                return Err(CloneError::Cancelled);
            }
            None => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    };
    let printed = reader.join().unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&printed);
    let last: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    Err(CloneError::Git { action, message: last.into_iter().rev().collect::<Vec<_>>().join(" ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_told_apart() {
        for remote in ["https://host/x.git", "git@host:o/r.git", "ssh://host/r", "host:repo", "file:///srv/r"] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in [".", "/srv/repo", "../repo", "C:\\repo", "dir/a:b"] {
            assert!(!is_remote(local), "{local}");
        }
    }
}
