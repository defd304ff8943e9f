//! Clones of repositories that are not on this machine, made by the system's `git` so that the user's credentials,
//! proxies and SSH settings work.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::prelude::{BASE64_STANDARD, Engine as _};

/// A name and password, or token, for a repository. It reaches `git` through its environment: command lines and files can
/// be read by others.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The name.
    pub username: String,
    /// The password or token.
    pub password: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// With whose rights a repository is read.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// What the repository asks for, over HTTP.
    pub credential: Option<Credential>,
    /// Whether the settings, helpers and passwords of the user that this program runs as are left alone: in a service, those
    /// are not the rights of whoever asks for a repository.
    pub restricted: bool,
}

impl Access {
    /// Prepares a `git` command for a URL.
    fn apply(&self, command: &mut Command, url: &str, home: &Path) {
        // A prompt would wait for ever where nobody sits before a terminal.
        command.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
        let mut settings: Vec<(String, String)> = Vec::new();
        if self.restricted {
            // `.netrc` is looked for in the home as well, and by the HTTP library itself.
            command.env("HOME", home).env("XDG_CONFIG_HOME", home).env("GIT_CONFIG_NOSYSTEM", "1");
            command.env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git").env_remove("GIT_ASKPASS").env_remove("SSH_ASKPASS");
            settings.push(("credential.helper".to_owned(), String::new()));
        }
        if let Some(Credential { username, password }) = &self.credential
            && let Some((scheme, rest)) = url.split_once("://")
        {
            let host = rest.split('/').next().unwrap_or(rest);
            let header = format!("Authorization: Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")));
            // For this host only: a redirect elsewhere does not take it along.
            settings.push((format!("http.{scheme}://{host}/.extraHeader"), header));
        }
        if !settings.is_empty() {
            command.env("GIT_CONFIG_COUNT", settings.len().to_string());
            for (number, (key, value)) in settings.iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
            }
        }
    }
}

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
pub fn update_clone(url: &str, folder: &Path, access: &Access, cancelled: &dyn Fn() -> bool) -> Result<(), CloneError> {
    let home = folder.parent().unwrap_or(folder);
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        access.apply(&mut command, url, home);
        command.args(arguments);
        command
    };
    if folder.join("HEAD").exists() {
        let here = format!("--git-dir={}", folder.display());
        run("fetch", &mut git(&[&here, "fetch", "--prune", "--quiet", "origin"]), cancelled)?;
        // The remote's default branch may have changed; a failure leaves the one known.
        drop(git(&[&here, "remote", "set-head", "origin", "--auto"]).output());
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
    run("clone", git(&["clone", "--mirror", "--quiet", "--", url]).arg(&partial), cancelled)?;
    std::fs::rename(&partial, folder).map_err(io)
}

fn run(action: &'static str, command: &mut Command, cancelled: &dyn Fn() -> bool) -> Result<(), CloneError> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(CloneError::NoGit)?;
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
    fn a_credential_is_for_its_host_and_on_no_command_line() {
        let credential = Credential { username: "ann".to_owned(), password: "s3cret".to_owned() };
        let access = Access { credential: Some(credential), restricted: true };
        let mut command = Command::new("git");
        access.apply(&mut command, "https://host:8443/x.git", Path::new("/nowhere"));
        let value = |name: &str| {
            let found = command.get_envs().find(|(key, _)| *key == name);
            found.and_then(|(_, value)| value).map(|value| value.to_string_lossy().into_owned())
        };
        assert_eq!(value("GIT_CONFIG_COUNT").as_deref(), Some("2"));
        assert_eq!(value("GIT_CONFIG_KEY_1").as_deref(), Some("http.https://host:8443/.extraHeader"));
        assert_eq!(value("GIT_CONFIG_VALUE_1").as_deref(), Some("Authorization: Basic YW5uOnMzY3JldA=="));
        assert_eq!(value("HOME").as_deref(), Some("/nowhere"));
        assert_eq!(command.get_args().count(), 0);
        assert!(!format!("{access:?}").contains("s3cret"));
    }

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
