//! `cargo xtask stack` on real servers: they run as the generated files say, and nothing of them stays.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says why it is skipped"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A stack's folder; whatever happens, nothing runs there afterwards.
struct Stack(TempDir);

impl Stack {
    /// None where there is no PostgreSQL or Redis; where they are required, their absence fails the test later.
    fn new() -> Option<Self> {
        let missing = |name: &str| Command::new(name).arg("--version").output().is_err();
        let required = std::env::var_os("DOCASSIST_REQUIRE_POSTGRES").is_some();
        if !required && (missing("redis-server") || (missing("postgres") && !Path::new("/usr/lib/postgresql").exists()))
        {
            eprintln!("skipped: there is no PostgreSQL or Redis");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL runs as a user of its own where the test is root's, and has to get to its folder.
        #[cfg(unix)]
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Some(Self(folder))
    }

    fn run(&self, action: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["stack", action, "--folder"]).arg(self.0.path()).args(more).output().unwrap()
    }

    #[track_caller]
    fn up(&self) -> String {
        let mut arguments = vec!["--memory", "1G", "--cpus", "2", "--disk", "ssd", "--connections", "8"];
        // The tests of the workspace have built it before any of them runs; a build in here would wait for whoever builds.
        let built =
            Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name(format!("docassist{}", std::env::consts::EXE_SUFFIX));
        let built = built.exists().then(|| built.display().to_string());
        let program = std::env::var("DOCASSIST_PROGRAM").ok().or(built);
        arguments.extend(program.iter().flat_map(|program| ["--docassist", program.as_str()]));
        let output = self.run("up", &arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn state(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.0.path().join("state.json")).unwrap()).unwrap()
    }

    fn program(&self) -> Command {
        let state = self.state();
        let mut command = Command::new(state["program"].as_str().unwrap());
        for (name, value) in state["environment"].as_object().unwrap() {
            command.env(name, value.as_str().unwrap());
        }
        command.env("DOCASSIST_DATA", self.0.path().join("service"));
        command
    }

    /// What `docassist doctor` says is not as the files say: setting and place. How this machine is set up is not the
    /// servers' affair.
    fn drifted(&self) -> Vec<(String, String)> {
        let output = self.program().args(["doctor", "--json", "--deploy"]).arg(self.0.path().join("deploy")).output();
        let output = output.unwrap();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        assert_eq!(report["unreachable"], serde_json::json!([]));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["verdict"] == "drift" && finding["area"] != "host")
            .map(|finding| (text(&finding["setting"]), text(&finding["place"])))
            .collect()
    }

    fn is_listened_at(port: &Value) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", u16::try_from(port.as_u64().unwrap()).unwrap())).is_ok()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.run("down", &[]);
    }
}

#[test]
fn a_stack_runs_as_its_files_say_and_goes_without_a_trace() {
    let Some(stack) = Stack::new() else { return };
    assert!(!stack.run("status", &[]).status.success());
    let exports = stack.up();
    for name in ["DOCASSIST_DATABASE", "DOCASSIST_REDIS_URL"] {
        assert!(exports.contains(&format!("export {name}='")), "{exports}");
    }
    // Makes the tables.
    assert!(stack.program().arg("status").output().unwrap().status.success());
    assert_eq!(stack.drifted(), []);

    // Once more changes nothing.
    let first = stack.state();
    let again = stack.run("up", &[]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("is up already"), "{again:?}");
    assert_eq!((stack.state(), String::from_utf8(again.stdout).unwrap()), (first.clone(), exports));
    assert!(stack.run("status", &[]).status.success());

    // A changed file is told with its line.
    let path = stack.0.path().join("deploy/postgresql.conf");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().position(|line| line.starts_with("random_page_cost = ")).unwrap();
    std::fs::write(&path, text.replace("random_page_cost = 1.1", "random_page_cost = 2.5")).unwrap();
    assert_eq!(stack.drifted(), [("random_page_cost".to_owned(), format!("{}:{}", path.display(), line + 1))]);

    assert!(stack.run("down", &[]).status.success());
    assert!(!stack.run("status", &[]).status.success());
    for port in ["postgres_port", "redis_port"] {
        assert!(!Stack::is_listened_at(&first[port]), "{port}");
    }
    assert!(stack.run("down", &[]).status.success(), "nothing to do is no failure");
    assert_eq!(std::fs::read_dir(stack.0.path().join("data")).unwrap().count(), 0);
}

#[test]
#[cfg(unix)]
fn a_stack_whose_holder_was_killed_makes_room_for_the_next() {
    let Some(stack) = Stack::new() else { return };
    stack.up();
    let first = stack.state();
    let killed = Command::new("kill").args(["-9", &first["holder"].to_string()]).status().unwrap();
    assert!(killed.success());
    // What the system takes from it, it takes one after the other.
    let has_ended = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        String::from_utf8_lossy(&stack.run("status", &[]).stderr).contains("without `down`")
    });
    assert!(has_ended, "{:?}", stack.run("status", &[]));
    stack.up();
    let second = stack.state();
    assert_ne!(first["holder"], second["holder"]);
    for port in ["postgres_port", "redis_port"] {
        assert!(Stack::is_listened_at(&second[port]), "{port}");
    }
    // Of the first nothing is left: one folder of each server.
    assert_eq!(std::fs::read_dir(stack.0.path().join("data")).unwrap().count(), 2);
}
