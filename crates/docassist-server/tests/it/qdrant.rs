//! The tests of this folder with a search index on a Qdrant server.

use std::process::Command;

use crate::world::INDEX;

/// What rests on the index: what is found, that it follows every change, and that nobody finds what is not theirs.
const MODULES: [&str; 2] = ["isolation", "search"];

/// Runs them in a process of their own: so they are written once, and whatever is added to them is run here too.
#[test]
fn what_holds_over_files_holds_over_qdrant() {
    if std::env::var_os(INDEX).is_some() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(MODULES.map(|module| format!("{module}::"))).env(INDEX, "qdrant");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "over Qdrant: {said}\n{errors}");
    let passed = said.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ok")).count();
    assert!(passed > 8, "only {passed} tests: {said}");
    println!("{passed} tests over Qdrant: {}", said.lines().rfind(|line| line.contains("finished in")).unwrap());
}
