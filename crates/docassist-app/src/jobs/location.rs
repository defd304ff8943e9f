//! From where a service reads: URLs, and folders that whoever runs it has opened.
//!
//! On the command line a path is the user's own. In a service it is somebody else's: without a bound, an admin of one organisation could
//! read any repository of the machine, that of another organisation as well.

use std::path::{Path, PathBuf};

use docassist_model::ErrorCode;
use docassist_sources::git::{GitRepository, is_remote};

use super::SyncRequest;
use crate::AppError;

/// What git may be told to speak. Not `ext` (it runs commands), and `file` is a path in disguise.
const SCHEMES: [&str; 4] = ["https", "http", "ssh", "git"];

/// Where sources may be.
#[derive(Debug, Clone, Default)]
pub struct LocationPolicy {
    /// Folders of this machine below which sources may be; none: URLs and uploads only.
    pub roots: Vec<PathBuf>,
    /// Whether addresses of SSH are read, with the key of the user that the service runs as: of every organisation alike.
    pub ssh: bool,
}

impl LocationPolicy {
    /// Whether a request may be carried out. Asked when it is queued and again when it runs, since links can change.
    pub(super) fn check(&self, request: &SyncRequest) -> Result<(), AppError> {
        match request {
            SyncRequest::Git { location, branch, .. } => {
                if location.starts_with('-') || branch.as_ref().is_some_and(|branch| branch.starts_with('-')) {
                    return Err(AppError::new(ErrorCode::InvalidInput, "a location or branch cannot begin with `-`"));
                }
                // What looks like a URL is judged as one, whether or not a folder has such a name.
                if location.contains("://") || location.contains("::") || is_remote(location) {
                    check_url(location, self.ssh)
                } else {
                    self.check_repository(Path::new(location))
                }
            }
            SyncRequest::Tickets { upload: Some(_), .. } => Ok(()),
            SyncRequest::Tickets { files, .. } => files.iter().try_for_each(|file| self.check_path(file)),
            SyncRequest::Docs { folder } => self.check_path(folder),
        }
    }

    /// A folder may lie in a repository around it, and its `.git` lead elsewhere: all that is read has to be open.
    fn check_repository(&self, path: &Path) -> Result<(), AppError> {
        self.check_path(path)?;
        // One that is none is told by the sync.
        let Ok(repository) = GitRepository::open(path) else { return Ok(()) };
        if repository.folders().iter().all(|folder| self.is_open(folder)) { Ok(()) } else { Err(refused(path)) }
    }

    fn is_open(&self, path: &Path) -> bool {
        let Ok(real) = path.canonicalize() else { return false };
        self.roots.iter().any(|root| root.canonicalize().is_ok_and(|root| real.starts_with(root)))
    }

    fn check_path(&self, path: &Path) -> Result<(), AppError> {
        if !path.is_absolute() {
            return Err(AppError::new(ErrorCode::InvalidInput, format!("{} is not absolute", path.display()))
                .hint("A service has no working directory of yours: name the path from the root."));
        }
        if self.is_open(path) { Ok(()) } else { Err(refused(path)) }
    }
}

/// The same words whether or not there is such a path: this is no way to look around.
fn refused(path: &Path) -> AppError {
    AppError::new(ErrorCode::Forbidden, format!("the service may not read {}", path.display()))
        .hint("Whoever runs it can open a folder with --source-root DIR; URLs and uploads need none.")
}

fn check_url(location: &str, ssh: bool) -> Result<(), AppError> {
    let scheme = location.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let known = match &scheme {
        Some(scheme) => SCHEMES.contains(&scheme.as_str()),
        // `host:path`, but not `helper::address`.
        None => !location.contains("::"),
    };
    let printable = !location.chars().any(|c| c.is_control() || c.is_whitespace());
    let host = location.split_once("://").map_or(location, |(_, rest)| rest);
    let through_ssh = scheme.as_ref().is_none_or(|scheme| scheme == "ssh");
    if known && printable && through_ssh && !ssh {
        return Err(AppError::new(ErrorCode::Forbidden, "the service reads no repository through SSH")
            .hint("Use an https:// URL with a token, or have the service started with --allow-ssh."));
    }
    if known && printable && !host.starts_with(['-', '/', ':', '@']) && !host.is_empty() {
        return Ok(());
    }
    Err(AppError::new(ErrorCode::InvalidInput, "that is no URL that is read from")
        .hint("URLs begin with https://, http://, ssh:// or git://, or are written user@host:path."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(location: &str) -> SyncRequest {
        SyncRequest::Git { location: location.to_owned(), branch: None, full: false }
    }

    #[test]
    fn only_opened_folders_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (open, closed) = (folder.path().join("open"), folder.path().join("closed"));
        for path in [&open, &closed] {
            std::fs::create_dir_all(path.join("repo")).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(&closed, open.join("link")).unwrap();
        let policy = LocationPolicy { roots: vec![open.clone()], ssh: false };
        let at = |path: &Path| policy.check(&git(&path.display().to_string()));
        at(&open.join("repo")).unwrap();
        at(&open).unwrap();
        for path in [closed.join("repo"), open.join("../closed"), open.join("link/repo"), open.join("none")] {
            assert_eq!(at(&path).unwrap_err().code, ErrorCode::Forbidden, "{}", path.display());
        }
        assert!(policy.check(&git("repo")).is_err());
        assert!(LocationPolicy::default().check(&SyncRequest::Docs { folder: open }).is_err());
    }

    #[test]
    fn only_urls_of_known_schemes_are_read() {
        let policy = LocationPolicy { ssh: true, ..LocationPolicy::default() };
        for good in ["https://host/x.git", "ssh://git@host/x", "git@host:x/y.git", "HTTPS://host/x"] {
            policy.check(&git(good)).unwrap();
        }
        for bad in [
            "file:///etc",
            "ext::sh -c id",
            "ext::sh",
            "-upload-pack=x://y",
            "ssh://-oProxyCommand=x/y",
            "https://",
            "https:///etc",
            "http://a b/c",
            "https://host/\nx",
        ] {
            assert!(policy.check(&git(bad)).is_err(), "{bad}");
        }
        for closed in ["ssh://git@host/x", "git@host:x/y.git"] {
            let error = LocationPolicy::default().check(&git(closed)).unwrap_err();
            assert_eq!(error.code, ErrorCode::Forbidden, "the key is the service's, not the organisation's");
        }
    }
}
