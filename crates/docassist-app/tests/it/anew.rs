//! Reading a repository anew: nobody sees it until it has ended, and nothing is lost should it not end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use docassist_app::App;
use docassist_app::sync::{GitReport, GitRequest};
use docassist_model::{ErrorCode, Progress};

use docassist_testing::fixture::GitFixture;

use crate::organisation::{Organisation, open};

/// Does something whenever a phase begins, and says from then on what that returned: whether to stop.
struct Watched<F> {
    at_phase: F,
    stop: AtomicBool,
}

impl<F: Fn(&str) -> bool + Sync> Watched<F> {
    fn new(at_phase: F) -> Self {
        Self { at_phase, stop: AtomicBool::new(false) }
    }
}

impl<F: Fn(&str) -> bool + Sync> Progress for Watched<F> {
    fn phase(&self, name: &str, _: Option<u64>) {
        if (self.at_phase)(name) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn full(
    app: &App,
    repository: &GitFixture,
    at_phase: impl Fn(&str) -> bool + Sync,
) -> Result<GitReport, docassist_app::AppError> {
    let location = repository.path().to_str().unwrap().to_owned();
    let request = GitRequest { location, name: Some("repo".to_owned()), full: true, ..GitRequest::default() };
    app.sync_git(&request, &Watched::new(at_phase))
}

/// A repository with a page and a few commits that an organisation has read.
fn synced() -> (GitFixture, Organisation) {
    let mut repository = GitFixture::new();
    for number in 1..=4 {
        repository.write("src/a.rs", format!("fn a{number}() {{}}\n"));
        repository.write("README.md", format!("# Page {number}\n\nSee `src/a.rs`.\n"));
        repository.commit(&format!("PROJ-{number} Change"));
    }
    let organisation = Organisation::new();
    organisation.sync(&repository);
    (repository, organisation)
}

fn fresh(repository: &GitFixture) -> String {
    let organisation = Organisation::new();
    organisation.sync(repository);
    organisation.digest()
}

#[test]
fn readers_see_what_was_there_until_all_is_read() {
    let (mut repository, organisation) = synced();
    let before = organisation.digest();
    repository.write("src/b.rs", "fn b() {}\n");
    repository.amend("PROJ-9 Otherwise");
    let phases = Mutex::new(Vec::new());
    let report = full(&organisation.app, &repository, |phase| {
        phases.lock().unwrap().push(phase.to_owned());
        // As another process sees it.
        let reader = open(organisation.data());
        assert_eq!(reader.graph().unwrap().digest(), before);
        assert_eq!(reader.status(false).unwrap().body.sources.len(), 1);
        false
    });
    let phases = phases.into_inner().unwrap();
    assert!(phases.len() >= 4 && phases.iter().any(|phase| phase == "storing"), "{phases:?}");
    let report = report.unwrap();
    assert_eq!((report.source.as_str(), report.commits_added, report.changed), ("repo", 4, true));
    assert_ne!(organisation.digest(), before);
    assert_eq!(organisation.digest(), fresh(&repository));
    assert_eq!(organisation.app.status(false).unwrap().body.sequence, 2);
    // What follows is an ordinary sync.
    repository.commit("PROJ-10 More");
    assert_eq!(organisation.sync(&repository).commits_added, 1);
    assert_eq!(organisation.digest(), fresh(&repository));
}

#[test]
fn one_that_is_stopped_leaves_everything_and_goes_on() {
    let (mut repository, organisation) = synced();
    let before = organisation.digest();
    let error = full(&organisation.app, &repository, |phase| phase == "reading commits").unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
    for app in [&organisation.app, &open(organisation.data())] {
        assert_eq!(app.graph().unwrap().digest(), before);
        let status = app.status(false).unwrap().body;
        assert_eq!((status.sequence, status.sources.len(), status.sources[0].interrupted), (1, 1, false));
    }
    // The branch moves before it goes on: what was read and is reachable no more is left out.
    repository.amend("PROJ-9 Otherwise");
    repository.commit("PROJ-10 More");
    full(&organisation.app, &repository, |_| false).unwrap();
    assert_eq!(organisation.digest(), fresh(&repository));
}

#[test]
fn one_that_is_killed_leaves_everything_and_an_ordinary_sync_works() {
    for phase in ["listing commits", "reading commits", "reading files and pages", "storing"] {
        let (mut repository, organisation) = synced();
        let before = organisation.digest();
        let killed = catch_unwind(AssertUnwindSafe(|| {
            let app = open(organisation.data());
            full(&app, &repository, |begun| {
                assert_ne!(begun, phase, "killed");
                false
            })
        }));
        assert!(killed.is_err(), "{phase}");
        assert_eq!(organisation.digest(), before);
        assert!(!organisation.sync(&repository).changed, "{phase}");
        assert_eq!(organisation.digest(), before);
        repository.commit("PROJ-10 More");
        assert_eq!(organisation.sync(&repository).commits_added, 1);
        assert_eq!(organisation.digest(), fresh(&repository));
        full(&organisation.app, &repository, |_| false).unwrap();
        assert_eq!(organisation.digest(), fresh(&repository));
    }
}

#[test]
fn a_first_sync_that_is_stopped_leaves_the_graph_as_it_was() {
    let (repository, _) = synced();
    let organisation = Organisation::new();
    let before = organisation.digest();
    let location = repository.path().to_str().unwrap().to_owned();
    let request = GitRequest { location, name: Some("repo".to_owned()), ..GitRequest::default() };
    let error = organisation.app.sync_git(&request, &Watched::new(|phase| phase == "reading commits")).unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
    assert_eq!(organisation.digest(), before);
    assert_eq!(open(organisation.data()).graph().unwrap().digest(), before);
    let status = organisation.app.status(false).unwrap();
    assert!(status.body.sources[0].interrupted && !status.completeness.complete);
    // Read in full instead of gone on with, it is the same.
    full(&organisation.app, &repository, |_| false).unwrap();
    assert_eq!(organisation.digest(), fresh(&repository));
}
