//! A git repository that a test makes, and the organisations that read it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use docassist_app::sync::{GitReport, GitRequest, TicketsRequest};
use docassist_app::{App, AppError};
use docassist_model::{OrgSlug, TenantScope, Unobserved};

/// A work tree in a temporary folder, with fixed people and dates.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
    /// Seconds since the epoch of the next commit.
    pub(crate) clock: i64,
}

impl Repository {
    pub(crate) fn new() -> Self {
        Self::with_options(&[])
    }

    pub(crate) fn with_options(options: &[&str]) -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap(), clock: 1_600_000_000 };
        repository.git(&[&["init", "--quiet", "--initial-branch=main"], options].concat());
        repository
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git there; panics with its words when it fails.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub(crate) fn try_git(&self, arguments: &[&str]) -> Output {
        let date = format!("{} +0000", self.clock);
        Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args(["-c", "commit.gpgsign=false", "-c", "gc.auto=0", "-c", "core.autocrlf=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Ann Author")
            .env("GIT_AUTHOR_EMAIL", "ann@example.org")
            .env("GIT_COMMITTER_NAME", "Ann Author")
            .env("GIT_COMMITTER_EMAIL", "ann@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap()
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let full = self.path().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, content).unwrap();
    }

    /// Commits everything in the work tree an hour after the last commit. Returns the commit's name.
    pub(crate) fn commit(&mut self, message: &str) -> String {
        self.clock += 3_600;
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--allow-empty-message", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}

/// An organisation in a data directory of its own.
pub(crate) struct Organisation {
    data: tempfile::TempDir,
    pub(crate) app: App,
}

impl Organisation {
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let app = open(data.path());
        Self { data, app }
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn sync(&self, repository: &Repository) -> GitReport {
        self.try_sync(repository).unwrap()
    }

    pub(crate) fn try_sync(&self, repository: &Repository) -> Result<GitReport, AppError> {
        let location = repository.path().to_str().unwrap().to_owned();
        let request = GitRequest { location, name: Some("repo".to_owned()), ..GitRequest::default() };
        self.app.sync_git(&request, &Unobserved)
    }

    pub(crate) fn import(&self, file: PathBuf, prune: bool) {
        let request = TicketsRequest { files: vec![file], prune, ..TicketsRequest::default() };
        self.app.sync_tickets(&request, &Unobserved).unwrap();
    }

    pub(crate) fn digest(&self) -> String {
        self.app.graph().unwrap().digest()
    }
}

pub(crate) fn open(data: &Path) -> App {
    let org: OrgSlug = "default".parse().unwrap();
    App::new(data, TenantScope::unchecked(org, "the data directory is the test's own"))
}
