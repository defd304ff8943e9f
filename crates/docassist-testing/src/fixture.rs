//! Real, small git repositories with dates and names that are always the same, whatever the user's own configuration.
//!
//! ```
//! use docassist_testing::fixture::GitFixture;
//!
//! let mut repository = GitFixture::new();
//! let first = repository.write("src/lib.rs", "pub fn answer() {}\n").commit("ALOY-1 Begin");
//! let second = repository.author("Bob").rename("src/lib.rs", "src/answer.rs").commit("Move");
//! assert_ne!(first, second);
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use docassist_model::{Identity, ObjectId, Timestamp};
use tempfile::TempDir;

use crate::builders::{at, person};

/// Time from a commit to the next, unless a test sets it.
const STEP_SECONDS: i64 = 3600;

/// A repository in a temporary folder that goes when the value does.
///
/// Steps that prepare a commit return the fixture, to be chained; [`GitFixture::commit`] and its like return the new
/// commit. The branch is `main`, the first commit is at noon of 2024-01-01 by Ann, each later one an hour later.
#[derive(Debug)]
pub struct GitFixture {
    folder: Home,
    author: Identity,
    committer: Option<Identity>,
    time: Timestamp,
    authored: Option<Timestamp>,
}

#[derive(Debug)]
enum Home {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Default for GitFixture {
    fn default() -> Self {
        Self::new()
    }
}

impl GitFixture {
    /// An empty repository.
    ///
    /// # Panics
    /// When there is no git, or no temporary folder.
    #[must_use]
    pub fn new() -> Self {
        Self::initialised(Home::Temporary(tempfile::tempdir().expect("a temporary folder can be made")), &[])
    }

    /// An empty repository whose objects are named by SHA-256.
    ///
    /// # Panics
    /// When there is no git that can do so, or no temporary folder.
    #[must_use]
    pub fn sha256() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self::initialised(Home::Temporary(folder), &["--object-format=sha256"])
    }

    /// An empty repository in `folder`, which is made if need be and stays.
    ///
    /// # Panics
    /// When there is no git, or the folder cannot be made.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        Self::initialised(Home::Kept(folder.to_owned()), &[])
    }

    fn initialised(folder: Home, options: &[&str]) -> Self {
        let time = at("2024-01-01T12:00:00Z");
        let fixture = Self { folder, author: person("Ann"), committer: None, time, authored: None };
        let init: Vec<&str> = ["init", "--quiet", "--initial-branch=main"].iter().chain(options).copied().collect();
        fixture.git(init);
        fixture
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.folder {
            Home::Temporary(folder) => folder.path(),
            Home::Kept(folder) => folder,
        }
    }

    /// The commit that `HEAD` is at.
    ///
    /// # Panics
    /// When there is none yet.
    #[must_use]
    pub fn head(&self) -> ObjectId {
        self.resolve("HEAD")
    }

    /// The commit of a name: a branch, a tag, `HEAD~2`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn resolve(&self, name: &str) -> ObjectId {
        let name = format!("{name}^{{commit}}");
        self.git(["rev-parse", "--verify", "--quiet", &name]).trim().parse().expect("git prints object names")
    }

    /// Writes a file, with its folders.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write(&mut self, path: &str, content: impl AsRef<[u8]>) -> &mut Self {
        let file = self.path().join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("folders can be made");
        }
        std::fs::write(file, content).expect("files can be written");
        self
    }

    /// Appends to a file.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn append(&mut self, path: &str, content: &str) -> &mut Self {
        let mut text = std::fs::read(self.path().join(path)).unwrap_or_default();
        text.extend_from_slice(content.as_bytes());
        self.write(path, text)
    }

    /// Removes a file or folder.
    pub fn remove(&mut self, path: &str) -> &mut Self {
        self.git(["rm", "--quiet", "-r", "-f", path]);
        self
    }

    /// Moves a file or folder.
    ///
    /// # Panics
    /// When the target's folder cannot be made.
    pub fn rename(&mut self, from: &str, to: &str) -> &mut Self {
        if let Some(folder) = self.path().join(to).parent() {
            std::fs::create_dir_all(folder).expect("folders can be made");
        }
        self.git(["mv", "--force", from, to]);
        self
    }

    /// Who writes and commits from now on: a name, or `Name <address>`.
    pub fn author(&mut self, who: &str) -> &mut Self {
        self.author = person(who);
        self.committer = None;
        self
    }

    /// Who commits from now on.
    pub fn committer(&mut self, who: &str) -> &mut Self {
        self.committer = Some(person(who));
        self
    }

    /// When the next commit is made: a date or an instant. Later ones follow it by an hour each.
    pub fn at(&mut self, when: &str) -> &mut Self {
        self.time = at(when);
        self
    }

    /// When the next commit was written, where that was earlier.
    pub fn authored(&mut self, when: &str) -> &mut Self {
        self.authored = Some(at(when));
        self
    }

    /// Commits everything in the folder, even nothing.
    pub fn commit(&mut self, message: &str) -> ObjectId {
        self.git(["add", "--all"]);
        self.made(&["commit", "--quiet", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim", "-m", message])
    }

    /// Replaces the newest commit by one with everything in the folder.
    pub fn amend(&mut self, message: &str) -> ObjectId {
        self.git(["add", "--all"]);
        self.made(&["commit", "--quiet", "--allow-empty", "--amend", "--cleanup=verbatim", "-m", message])
    }

    /// Merges a branch with a merge commit; where both sides changed a line, ours stays.
    pub fn merge(&mut self, branch: &str, message: &str) -> ObjectId {
        self.made(&["merge", "--quiet", "--no-ff", "-X", "ours", "-m", message, branch])
    }

    fn made(&mut self, arguments: &[&str]) -> ObjectId {
        self.git(arguments);
        self.time = Timestamp::from_unix(self.time.unix() + STEP_SECONDS);
        self.authored = None;
        self.head()
    }

    /// Makes a branch at `HEAD` and goes to it.
    pub fn branch(&mut self, name: &str) -> &mut Self {
        self.git(["checkout", "--quiet", "-b", name]);
        self
    }

    /// Goes to a branch or commit.
    pub fn checkout(&mut self, name: &str) -> &mut Self {
        self.git(["checkout", "--quiet", name]);
        self
    }

    /// Tags `HEAD`.
    pub fn tag(&mut self, name: &str) -> &mut Self {
        self.git(["tag", name]);
        self
    }

    /// Moves the branch to another commit, files included, as a force-push would: what is not reachable from there is
    /// gone from the history.
    pub fn reset(&mut self, to: &str) -> &mut Self {
        self.git(["reset", "--quiet", "--hard", to]);
        self
    }

    /// Runs git in the folder and returns what it prints.
    ///
    /// # Panics
    /// When it fails, with what it said.
    pub fn git<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let committer = self.committer.as_ref().unwrap_or(&self.author);
        let instant = |time: Timestamp| format!("@{} +0000", time.unix());
        let mut command = git(self.path());
        command
            .args(arguments)
            .env("GIT_AUTHOR_NAME", &self.author.name)
            .env("GIT_AUTHOR_EMAIL", &self.author.email)
            .env("GIT_AUTHOR_DATE", instant(self.authored.unwrap_or(self.time)))
            .env("GIT_COMMITTER_NAME", &committer.name)
            .env("GIT_COMMITTER_EMAIL", &committer.email)
            .env("GIT_COMMITTER_DATE", instant(self.time));
        let output = command.output().expect("git can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?} failed: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// A `git` for `folder` that knows neither the user's nor the system's configuration, nor a repository around it.
#[must_use]
pub fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"] {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_steps_make_the_same_commits() {
        let steps = || {
            let mut repository = GitFixture::new();
            repository.write("a/one.rs", "1\n2\n3\n").commit("One");
            repository.branch("side").author("Bob").append("a/one.rs", "4\n").commit("Two");
            repository.checkout("main").write("b.rs", "b\n").commit("Three");
            repository.merge("side", "Merge side");
            repository.tag("v1").rename("a/one.rs", "c/one.rs").commit("Move");
            repository.remove("b.rs").commit("Remove");
            repository.amend("Remove b");
            repository.reset("HEAD~1");
            repository.head()
        };
        assert_eq!(steps(), steps());
    }

    #[test]
    fn names_and_dates_are_the_ones_given() {
        let mut repository = GitFixture::new();
        repository.at("2020-02-03T04:05:06Z").authored("2020-01-01").author("Bob <b@example.net>").committer("Carla");
        repository.commit("Begin");
        let shown = repository.git(["log", "-1", "--format=%an|%ae|%at|%cn|%ce|%ct"]);
        assert_eq!(shown.trim(), "Bob|b@example.net|1577836800|Carla|carla@example.org|1580702706");
    }
}
