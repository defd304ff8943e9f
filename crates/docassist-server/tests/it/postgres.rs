//! The tests of this folder over a PostgreSQL.

use std::process::Command;

use docassist_testing::PostgresServer;

use crate::world::DATABASE;

/// What rests on the database: who may do what, and that nobody sees what is not theirs. The rest (the form of requests and
/// answers, rates) never gets that far.
const MODULES: [&str; 10] =
    ["accounts", "audit", "equality", "foreign", "isolation", "keys", "members", "search", "sessions", "sources"];

/// Runs them in a process of their own: so they are written once, and whatever is added to them is run here too.
#[test]
fn what_holds_over_files_holds_over_postgresql() {
    if std::env::var_os(DATABASE).is_some() || PostgresServer::shared().is_none() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(MODULES.map(|module| format!("{module}::"))).env(DATABASE, "postgres");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "over PostgreSQL: {said}\n{errors}");
    let passed = said.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ok")).count();
    assert!(passed > 40, "only {passed} tests: {said}");
    println!("{passed} tests over PostgreSQL: {}", said.lines().rfind(|line| line.contains("finished in")).unwrap());
}
