//! A little company: a repository, tickets and decision records, always the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use docassist_testing::fixture::GitFixture;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The instant that most questions are about: two months after the first commit.
pub(crate) const AS_OF: &str = "2024-03-01";

/// A folder with the program's data, where it is run.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) repository: GitFixture,
}

/// What a run of the program gave.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// Nothing is synced yet.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = GitFixture::in_folder(&folder.path().join("product"));
        Self { folder, repository }
    }

    /// A repository of a few commits and its tickets, synced.
    pub(crate) fn synced() -> Self {
        let mut world = Self::empty();
        build(&mut world.repository);
        std::fs::write(world.path("tickets.json"), tickets().to_string()).unwrap();
        world.done(&["sync", "git", "product", "-q"]);
        world.done(&["sync", "tickets", "tickets.json", "-q"]);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, without what the surroundings of the tests say.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        program(self.folder.path(), arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Runs the program in a folder of this world.
    pub(crate) fn run_in(&self, folder: &str, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        Run::of(&command.arg("--data").arg(self.path(".docassist")).current_dir(self.path(folder)).output().unwrap())
    }

    /// Runs a command that has to succeed, and gives what it printed.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.status, 0, "{arguments:?}: {}", run.err);
        run.out
    }

    /// The JSON answer of a command as of [`AS_OF`].
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json", "--as-of", AS_OF]).collect();
        serde_json::from_str(&self.done(&arguments)).unwrap()
    }

    /// The answer as a table of 80 columns.
    pub(crate) fn table(&self, arguments: &[&str]) -> String {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "table", "--as-of", AS_OF]).collect();
        self.done(&arguments)
    }

    /// The answer as Markdown.
    pub(crate) fn markdown(&self, arguments: &[&str]) -> String {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "md", "--as-of", AS_OF]).collect();
        self.done(&arguments)
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// The program in a folder.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docassist"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env("COLUMNS", "80");
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(variable);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DOCASSIST_")) {
        command.env_remove(name);
    }
    command
}

fn build(repository: &mut GitFixture) {
    repository.write("Cargo.toml", "[package]\nname = \"product\"\n").write("src/lib.rs", "pub mod engine;\n");
    repository.write("src/engine.rs", "pub fn start() {}\n").write("src/gone.rs", "pub fn old() {}\n");
    repository.commit("DOC-1 Begin");
    repository.write("docs/guide.md", "# Guide\n\nSee `src/engine.rs` and `src/gone.rs`.\n");
    repository.write(
        "docs/adr/0001-use-one-engine.md",
        "# 1. Use one engine\n\nDate: 2024-01-02\n\n## Status\n\nAccepted\n\n## Context\n\nDOC-1 asks for it.\n",
    );
    repository.write(
        "docs/adr/0002-use-two-engines.md",
        "# 2. Use two engines\n\nDate: 2024-02-02\n\n## Status\n\nProposed\n\n## Context\n\nOne is slow.\n",
    );
    repository.commit("DOC-1 Write the guide");
    for round in 0..4 {
        repository.author("Bob").at(&format!("2024-01-{:02}T09:00:00Z", 10 + round));
        repository.append("src/engine.rs", &format!("pub fn round_{round}() {{}}\n"));
        repository.append("src/lib.rs", &format!("// {round}\n"));
        repository.write("tests/engine.rs", format!("// {round}\n"));
        repository.commit(&format!("DOC-2 Round {round}"));
    }
    repository.author("Ann").at("2024-02-01");
    repository.append("src/engine.rs", "pub fn stop() {}\n").commit("Stop the engine");
    repository.remove("src/gone.rs").commit("Remove what is gone");
    repository.rename("tests/engine.rs", "tests/start.rs").commit("DOC-77 Say what is tested");
    repository.append("Cargo.toml", "version = \"1.0.0\"\n").commit("Release 1.0.0");
}

fn tickets() -> Value {
    let mut issues = vec![
        issue("DOC-1", "Story", "Done", "done", "2023-12-20", "One engine"),
        issue("DOC-2", "Story", "In Progress", "indeterminate", "2024-01-05", "Several rounds"),
        issue("DOC-3", "Bug", "Open", "new", "2024-01-06", "It does not stop | `at all`"),
    ];
    issues.extend((10..35).map(|number| {
        issue(&format!("DOC-{number}"), "Task", "Open", "new", "2024-02-10", &format!("Task of number {number}"))
    }));
    issues.push(issue("DOC-50", "Task", "Closed", "done", "2024-02-11", "Done without a commit"));
    json!({ "issues": issues })
}

/// An issue as Jira's REST interface gives it.
pub(crate) fn issue(key: &str, kind: &str, status: &str, category: &str, created: &str, summary: &str) -> Value {
    let created = format!("{created}T10:00:00.000+0000");
    json!({
        "key": key,
        "fields": {
            "summary": summary,
            "issuetype": { "name": kind },
            "status": { "name": status, "statusCategory": { "key": category } },
            "priority": { "name": "High" },
            "assignee": { "displayName": "Ann" },
            "created": created,
            "updated": created,
        }
    })
}
