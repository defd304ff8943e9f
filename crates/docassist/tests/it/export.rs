//! `export`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::world::World;

#[test]
fn lines_are_sorted_and_have_a_digest() {
    let world = World::synced();
    let out = world.done(&["export", "graph"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.len() > 50 && lines.is_sorted(), "{} lines", lines.len());
    assert!(lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let run = world.run(&["export", "graph", "--output", "graph.jsonl"]);
    assert_eq!((run.status, run.out.as_str()), (0, ""));
    assert!(run.err.starts_with("wrote graph.jsonl: "), "{}", run.err);
    assert_eq!(std::fs::read_to_string(world.path("graph.jsonl")).unwrap(), out);
    assert!(!world.path("graph.jsonl.partial").exists());
    let digest = world.done(&["export", "graph", "--digest"]);
    assert_eq!(digest.trim().len(), 64);
    // Another machine that reads the same has the same.
    let again = World::synced();
    assert_eq!(again.done(&["export", "graph", "--digest"]), digest);
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let world = World::synced();
    for command in [&["export", "graph"][..], &["gaps", "--format", "table"], &["gaps", "--json"], &["man"]] {
        let mut command = world.command(command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}
