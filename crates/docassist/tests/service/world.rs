//! Data directories and what is synced into them.

use std::path::{Path, PathBuf};

use docassist_testing::fixture::GitFixture;
use docassist_testing::records::Shape;
use docassist_testing::{prepared, repository};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Server, program};

/// The instant that questions are about: two months after the first commit.
pub(crate) const AS_OF: &str = "2024-03-01";

/// A folder for the data, and one that sources may be read from.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) repository: GitFixture,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = GitFixture::in_folder(&folder.path().join("sources/product"));
        let mut world = Self { folder, repository };
        world.build();
        world
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("sources").join(name)
    }

    /// A service over the data, which may read this world's sources and [`large`].
    pub(crate) fn server(&self, arguments: &[&str]) -> Server {
        let (own, large) = (self.path(""), large());
        let mut all = vec!["--source-root", own.to_str().unwrap(), "--source-root", large.to_str().unwrap()];
        all.extend(arguments);
        Server::start(&self.data(), &all)
    }

    /// Runs a command that has to succeed on the data.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        run(&self.data(), arguments)
    }

    /// What syncs the repository of this world.
    pub(crate) fn git(&self) -> Value {
        json!({ "location": self.path("product") })
    }

    /// What syncs the tickets of this world.
    pub(crate) fn tickets(&self) -> Value {
        json!({ "files": [self.path("tickets.json")] })
    }

    /// What syncs the pages of this world.
    pub(crate) fn docs(&self) -> Value {
        json!({ "folder": self.path("handbook") })
    }

    fn build(&mut self) {
        let repository = &mut self.repository;
        repository.write("src/lib.rs", "pub mod engine;\n").write("src/engine.rs", "pub fn start() {}\n");
        repository.commit("DOC-1 Begin");
        repository.write("docs/guide.md", "# Guide\n\nSee `src/engine.rs`.\n").commit("DOC-1 Write the guide");
        repository.append("src/engine.rs", "pub fn stop() {}\n").commit("DOC-77 Stop");
        repository.append("src/engine.rs", "pub fn restart() {}\n").commit("Restart");
        let issues: Vec<Value> = (1..=5).map(|number| issue(&format!("DOC-{number}"))).collect();
        std::fs::write(self.path("tickets.json"), json!({ "issues": issues }).to_string()).unwrap();
        std::fs::create_dir_all(self.path("handbook")).unwrap();
        std::fs::write(self.path("handbook/start.md"), "# Start\n\nDOC-2 says how.\n").unwrap();
    }

    /// Adds so many commits to the repository.
    pub(crate) fn commits(&mut self, count: usize) {
        for number in 0..count {
            self.repository.append("src/engine.rs", &format!("// {number}\n")).commit("DOC-2 More");
        }
    }
}

/// Runs a command that has to succeed on a data directory.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> String {
    let mut command = program(data);
    let output = command.args(arguments).stdout(std::process::Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An issue as Jira's REST interface gives it.
pub(crate) fn issue(key: &str) -> Value {
    let created = "2024-02-10T10:00:00.000+0000";
    json!({
        "key": key,
        "fields": {
            "summary": format!("What {key} is about"),
            "issuetype": { "name": "Story" },
            "status": { "name": "Open", "statusCategory": { "key": "new" } },
            "created": created,
            "updated": created,
        }
    })
}

/// Commits of [`large`]: so many that a sync takes seconds.
pub(crate) const LARGE: u32 = 12_000;

/// A repository whose sync takes long enough to be disturbed. Only read, and shared by all tests.
pub(crate) fn large() -> PathBuf {
    generated("service-large", &Shape::small(LARGE))
}

/// A generated bare repository.
pub(crate) fn generated(name: &str, shape: &Shape) -> PathBuf {
    // Tests of this process that come at the same time wait for the one that makes it.
    static MAKING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _making = MAKING.lock().unwrap();
    let name = format!("{name}-{}", shape.commits);
    let folder = prepared(Path::new(env!("CARGO_TARGET_TMPDIR")), &name, &[], |folder| {
        repository::write(shape, &folder.join("repository"));
    });
    folder.join("repository")
}
