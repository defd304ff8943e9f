//! The first start, secrets, and the command that looks at the cache.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::server::{ADMIN, PASSWORD, Server, program, serve};
use crate::world::World;

/// 36 bytes, as good as drawn at random.
const SECRET: &str = "Zk3v9QpX7mWc2LrT8sBy5NdHfGjE4uAaVq0i";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs what has to end by itself.
#[track_caller]
fn refused(mut command: Command, status: i32, words: &[&str]) {
    let mut child = command.spawn().unwrap();
    let begun = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(20) {
            drop(child.kill());
            panic!("it goes on: {}", said(&child.wait_with_output().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(status), "{text}");
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

/// `serve` without any account named.
fn bare(data: &Path, arguments: &[&str]) -> Command {
    let mut command = program(data);
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
    command
}

#[test]
fn without_an_account_it_does_not_start_and_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let hints = ["nobody has an account", "--admin-email", "DOCASSIST_ADMIN_PASSWORD"];
    refused(bare(&folder.path().join("a"), &[]), 2, &hints);
    refused(bare(&folder.path().join("b"), &["--admin-email", ADMIN]), 2, &hints);
    let mut weak = bare(&folder.path().join("c"), &["--admin-email", ADMIN]);
    weak.env("DOCASSIST_ADMIN_PASSWORD", "short");
    refused(weak, 2, &["password", "12 characters"]);
    // Nothing of that stands in the way of a right start.
    let server = Server::start(&folder.path().join("c"), &[]);
    assert_eq!(server.ask("/api/v1/me")["user"]["email"], ADMIN, "{}", server.get("/api/v1/me").text());
    server.stop();
    // The second start needs no account.
    let server = Server::of(bare(&folder.path().join("c"), &[]));
    server.stop();
}

#[test]
fn beyond_this_machine_it_needs_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.args(["serve", "--listen", "0.0.0.0:0", "--admin-email", ADMIN]);
    command.env("DOCASSIST_ADMIN_PASSWORD", PASSWORD);
    refused(command, 2, &["no secret is set", "--secret-file", "DOCASSIST_SECRET"]);
    assert!(!folder.path().join("secret").exists());
}

#[test]
fn weak_and_wrong_secrets_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("secret");
    for weak in ["", "short", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let mut command = serve(&data, &[]);
        command.env("DOCASSIST_SECRET", weak);
        refused(command, 2, &["too weak", "openssl rand"]);
        std::fs::write(&file, weak).unwrap();
        refused(serve(&data, &["--secret-file", file.to_str().unwrap()]), 2, &["too weak"]);
    }
    refused(serve(&data, &["--secret-file", "/nowhere/secret"]), 2, &["/nowhere/secret"]);

    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let server = Server::start(&data, &["--secret-file", file.to_str().unwrap()]);
    let token = server.token().to_owned();
    server.stop();
    assert!(!data.join("secret").exists(), "the secret is elsewhere");
    // The same one in another way.
    let mut same = serve(&data, &[]);
    same.env("DOCASSIST_SECRET", SECRET);
    let server = Server::of(same);
    server.anonymous().with_token(&token).get("/api/v1/me").expect(200);
    server.stop();
    let mut other = serve(&data, &[]);
    other.env("DOCASSIST_SECRET", SECRET.chars().rev().collect::<String>());
    refused(other, 2, &["another secret"]);
    refused(serve(&data, &[]), 2, &["another secret"]);
}

#[test]
fn the_password_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let data = folder.path().join("data");
    let arguments = ["--admin-email", ADMIN, "--admin-password-file", file.to_str().unwrap()];
    Server::of(bare(&data, &arguments)).stop();
    let missing = ["--admin-email", ADMIN, "--admin-password-file", "/nowhere/password"];
    refused(bare(&folder.path().join("new"), &missing), 2, &["/nowhere/password"]);
}

#[cfg(unix)]
#[test]
fn the_secret_that_it_makes_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"), &[]);
    let secret = folder.path().join("data/secret");
    assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&secret).unwrap();
    server.stop();
    Server::start(&folder.path().join("data"), &[]).stop();
    assert_eq!(std::fs::read(&secret).unwrap(), before);
}

#[test]
fn processes_that_start_at_once_make_one_administrator() {
    for round in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let servers: Vec<Server> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..3).map(|_| scope.spawn(|| Server::start(&data, &[]))).collect();
            starting.into_iter().map(|server| server.join().unwrap()).collect()
        });
        for server in &servers {
            let users = server.ask("/api/v1/users");
            assert_eq!((&users["total"], &users["items"][0]["email"]), (&1.into(), &ADMIN.into()), "round {round}");
            assert_eq!(server.ask("/api/v1/orgs")["total"], 1);
            // All sign with the same secret.
            server.anonymous().with_token(servers[0].token()).get("/api/v1/me").expect(200);
        }
        let made = servers.iter().filter(|server| server.said().contains("made the account")).count();
        assert_eq!(made, 1, "round {round}");
        let left: Vec<_> = std::fs::read_dir(&data).unwrap().flatten().map(|entry| entry.file_name()).collect();
        let secrets = left.iter().filter(|name| name.to_string_lossy().starts_with("secret")).count();
        assert_eq!(secrets, 1, "{left:?}");
    }
}

#[test]
fn an_address_that_is_taken_is_told() {
    let world = World::new();
    let server = world.server(&[]);
    let address = server.address().to_string();
    let mut command = program(&world.data());
    command.args(["serve", "--listen", &address]);
    refused(command, 1, &[&address, "cannot be listened at"]);
}

#[test]
fn the_cache_of_a_running_service_can_be_looked_at() {
    let world = World::new();
    let server = world.server(&[]);
    server.synced("git", &world.git());
    for _ in 0..3 {
        server.ask("/api/v1/gaps");
    }
    let url = format!("http://{}", server.address());
    let look = |arguments: &[&str]| {
        let mut command = program(&world.data());
        command.args(["cache", "stats", "--url", &url]).args(arguments).stdout(Stdio::piped());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let stats: Value = serde_json::from_str(&look(&["--json"])).unwrap();
    let gaps = stats["families"].as_array().unwrap().iter().find(|of| of["family"] == "gaps").unwrap();
    assert_eq!(
        (&gaps["computations"], &gaps["computations_saved"], &gaps["memory"]["hits"]),
        (&1.into(), &2.into(), &2.into())
    );
    assert_eq!(stats["redis"]["state"], "absent");
    let table = look(&["--format", "table"]);
    for text in ["Cache of answers", "66.7 %", "gaps", "relationships", "absent"] {
        assert!(table.contains(text), "no `{text}` in {table}");
    }
    server.stop();
    let mut command = program(&world.data());
    command.args(["cache", "stats", "--url", &url]);
    refused(command, 1, &["does not answer", "--url", "--token"]);
}
