//! The index whose process is killed while it writes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;
use crate::index::entries;
use crate::index::suite::{find, passage, scope};

/// Names the folder to write to, for the process that is to be killed.
const FOLDER: &str = "DOCASSIST_SEARCH_KILLED";
const PER_COMMIT: usize = 200;
const ROUNDS: u64 = 8;

/// A word of letters for a round, so that no two rounds share a part.
fn word(sequence: u64) -> String {
    sequence.to_string().bytes().map(|digit| char::from(b'p' + digit - b'0')).collect()
}

fn index(folder: &std::path::Path) -> EdgeIndex {
    EdgeIndex::new(folder, EdgeOptions::default())
}

/// Not a test of its own: the process that the other one starts and kills. It writes and commits without end, and says each commit.
#[test]
#[ignore = "started by `killed_at_any_moment_it_is_whole_or_says_that_it_is_not`"]
#[allow(clippy::print_stdout, reason = "it talks to the test that started it")]
fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (index, one) = (index(std::path::Path::new(&folder)), scope("one"));
    let start = index.position(&one).unwrap().sequence.unwrap_or(0);
    for sequence in start + 1.. {
        let many = (0..PER_COMMIT)
            .map(|n| {
                passage(
                    "docs",
                    &format!("d{}", (sequence as usize * PER_COMMIT + n) % 2_000),
                    &format!("cache {}", word(sequence)),
                )
            })
            .collect();
        index.upsert(&one, &entries(many)).unwrap();
        index.commit(&one, sequence).unwrap();
        println!("committed {sequence}");
    }
}

fn start(folder: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["index::edge::kill::writes_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_at_any_moment_it_is_whole_or_says_that_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let one = scope("one");
    let (mut whole, mut anew) = (0, 0);
    for round in 0..ROUNDS {
        let mut child = start(folder.path());
        let mut said = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let Some(sequence) = line.unwrap().split("committed ").nth(1).and_then(|n| n.trim().parse::<u64>().ok())
            else {
                continue;
            };
            said = sequence;
            if sequence % 3 == 2 {
                break;
            }
        }
        // Somewhere in the next write or commit.
        std::thread::sleep(Duration::from_millis(round * 11 % 40));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(said > 0, "it never committed");
        let index = index(folder.path());
        let position = index.position(&one).unwrap();
        let passages = index.counts(&one).unwrap().passages;
        let found = find(&index, &one, "cache", &Filter::default());
        match position.sequence {
            Some(sequence) => {
                whole += 1;
                assert!(sequence >= said, "a commit that was said is there: {sequence} {said}");
                assert_eq!(passages, (sequence * PER_COMMIT as u64).min(2_000).max(PER_COMMIT as u64));
                let newest = find(&index, &one, &word(sequence), &Filter::default());
                assert!(!newest.is_empty() && !found.is_empty());
                assert!(find(&index, &one, &word(sequence + 1), &Filter::default()).is_empty());
            }
            None => {
                anew += 1;
                assert!(position.reason.unwrap().contains("cut short"));
                assert_eq!((passages, found.len()), (0, 0), "nothing half written is served");
            }
        }
    }
    // The kills are at different moments; should a machine hit one kind only, the other is tested beside this.
    assert_eq!(whole + anew, ROUNDS);
}
