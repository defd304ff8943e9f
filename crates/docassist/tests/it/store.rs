//! `store`.

use std::process::Stdio;
use std::time::Instant;

use docassist_testing::PostgresServer;
use docassist_testing::records::Shape;
use docassist_testing::repository;
use serde_json::Value;

use crate::world::{Run, World};

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("no report: {}{}", run.out, run.err))
}

#[test]
fn organisations_move_there_and_back() {
    let Some(server) = PostgresServer::shared() else { return };
    let world = World::synced();
    world.done(&["sync", "git", "product", "-q", "--org", "second"]);
    // The password in a file, as in a deployment.
    let url = server.database();
    let (start, host) = url.split_once('@').unwrap();
    let (user, password) = start.rsplit_once(':').unwrap();
    let database = format!("{user}@{host}");
    std::fs::write(world.path("password"), format!("{password}\n")).unwrap();
    let copy = |from: &str, to: &str, more: &[&str]| {
        let arguments = ["store", "copy", "--from", from, "--to", to, "--database-password-file", "password"];
        world.run(&[&arguments[..], more].concat())
    };
    let digest = |more: &[&str]| world.done(&[&["export", "graph", "--digest"], more].concat()).trim().to_owned();

    let run = copy(".docassist", &database, &["--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let told = report(&run);
    let copied = &told["organisations"][0];
    assert_eq!((&told["same"], &copied["org"]), (&Value::from(true), &Value::from("default")), "{told:#}");
    assert_eq!((copied["commits"].as_u64(), copied["tickets"].as_u64()), (Some(10), Some(29)), "{told:#}");
    assert_eq!(copied["digest_from"], digest(&[]));
    assert_eq!(copied["digest_to"], digest(&[]));
    assert_eq!(digest(&["--database", &url]), digest(&[]));
    assert!(told["notes"][0].as_str().unwrap().contains("accounts, keys, jobs and settings of sources are not copied"));

    // Not over what is there, unless that is said; all of them, or the one that is named.
    let run = copy(".docassist", &database, &["--all-orgs"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("has records already") && run.err.contains("--replace"), "{}", run.err);
    assert_eq!(digest(&["--database", &url]), digest(&[]));
    world.done(&["sync", "docs", "product/docs", "-q"]);
    let run = copy(".docassist", &database, &["--all-orgs", "--replace", "--format", "table"]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(run.out.contains("copied 2 organisations") && !run.out.contains("DIFFERENT"), "{}", run.out);
    for org in ["default", "second"] {
        assert_eq!(digest(&["--database", &url, "--org", org]), digest(&["--org", org]));
    }
    assert!(world.path(".docassist/orgs/default/records.db").exists());

    let run = copy(&database, "back", &["--all-orgs"]);
    assert_eq!(run.status, 0, "{}", run.err);
    for org in ["default", "second"] {
        assert_eq!(digest(&["--data", "back", "--org", org]), digest(&["--org", org]));
    }
    // A sync goes on where the copy ends.
    let run = world.run(&["sync", "git", "product", "--data", "back", "--json"]);
    assert_eq!(report(&run)["changed"], Value::from(false), "{}", run.out);
}

#[test]
fn what_cannot_be_copied_is_named() {
    let world = World::synced();
    let url = "postgres://ann:hunter2@localhost:1/docs";
    for (arguments, status, said) in [
        (&["--from", ".docassist", "--to", ".docassist"][..], 2, "cannot be copied to itself"),
        (&["--from", ".docassist", "--to", "other", "--org", "defualt"], 3, "did you mean:\n  default"),
        (&["--from", "missing", "--to", "other"], 3, "has no organisation `default`"),
        (&["--from", ".docassist", "--to", "other", "--all-orgs", "--org", "default"], 2, "contradict each other"),
        (&["--from", ".docassist", "--to", url], 1, "cannot be reached"),
        (&["--from", ".docassist", "--to", "postgres://docs"], 2, "names no user"),
        (&["--from", ".docassist"], 2, "--to"),
    ] {
        let run = world.run(&[&["store", "copy"], arguments].concat());
        assert_eq!((run.status, run.out.as_str()), (status, ""), "{arguments:?}: {}", run.err);
        assert!(run.err.contains(said) && !run.err.contains("hunter2"), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn a_copy_that_is_killed_is_seen_and_done_again() {
    let Some(server) = PostgresServer::shared() else { return };
    let world = World::empty();
    repository::write(&Shape::small(2_000), &world.path("large"));
    world.done(&["sync", "git", "large", "-q"]);
    let expected = world.done(&["export", "graph", "--digest"]);
    for target in [server.database(), "copy".to_owned()] {
        let arguments = ["store", "copy", "--from", ".docassist", "--to", &target, "--replace", "-q"];
        let place = if target == "copy" { ["--data", "copy"] } else { ["--database", &target] };
        let digest = || world.done(&[&["export", "graph", "--digest"][..], &place].concat());
        // How long one takes on this machine.
        let begun = Instant::now();
        world.done(&arguments);
        let whole = begun.elapsed();
        let mut seen = 0;
        for step in (1..12).rev() {
            let mut command = world.command(&arguments);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(whole * step / 12);
            // By the handle of the process that was started here.
            let _ = child.kill();
            let _ = child.wait().unwrap();
            let status = world.done(&[&["status", "--json"][..], &place].concat());
            if status.contains("(unfinished copy)") {
                assert!(status.contains("was interrupted"), "{status}");
                seen += 1;
            } else {
                // It had not begun, or was done: nothing between looks like a whole.
                assert_eq!(digest(), expected);
            }
        }
        assert!(seen > 0, "no kill came in its midst");
        world.done(&arguments);
        assert_eq!(digest(), expected);
        assert!(!world.done(&[&["status", "--json"][..], &place].concat()).contains("unfinished"));
    }
}
