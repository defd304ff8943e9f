//! An organisation that reads what a test makes.

use std::path::{Path, PathBuf};

use docassist_app::sync::{GitReport, GitRequest, TicketsRequest};
use docassist_app::{App, AppError, Database};
use docassist_model::{OrgSlug, TenantScope, Unobserved};
use docassist_testing::fixture::GitFixture;

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

    pub(crate) fn sync(&self, repository: &GitFixture) -> GitReport {
        self.try_sync(repository).unwrap()
    }

    pub(crate) fn try_sync(&self, repository: &GitFixture) -> Result<GitReport, AppError> {
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
    App::open(&Database::Files, data, TenantScope::unchecked(org, "the data directory is the test's own")).unwrap()
}
