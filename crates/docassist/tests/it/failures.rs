//! Exit statuses, and what is said with them.

use crate::world::World;

/// Command, exit status, and what is said on stderr.
const FAILURES: &[(&[&str], i32, &[&str])] = &[
    // 2: wrong usage.
    (&[], 2, &["Usage"]),
    (&["gap"], 2, &["unrecognized subcommand"]),
    (&["gaps", "everything"], 2, &["unrecognized subcommand"]),
    (&["gaps", "stale", "--days", "0"], 2, &["--days"]),
    (&["gaps", "stale", "--days", "soon"], 2, &["--days"]),
    (&["gaps", "stale", "--limit", "0"], 2, &["--limit"]),
    (&["gaps", "stale", "--cursor", "orphaned.3"], 2, &["is no cursor of this list"]),
    (&["gaps", "missing-decisions", "--days", "3"], 2, &["unexpected argument"]),
    (&["gaps", "--as-of", "yesterday"], 2, &["neither a date"]),
    (&["gaps", "--org", "No Such"], 2, &["is no organisation name"]),
    (&["gaps", "--format", "xml"], 2, &["table, json, md"]),
    (&["--json", "gaps", "--format", "md"], 2, &["contradict each other"]),
    (&["gaps", "-q", "-v"], 2, &["contradict each other"]),
    (&["gaps", "--config", "missing"], 2, &["missing cannot be read"]),
    (
        &["gaps", "--config", "bad"],
        2,
        &["bad:2: the key `colour` is not known", "data, database, org, format and wait"],
    ),
    (&["impact", "file"], 2, &["PATH"]),
    (&["export", "graph", "--as-of", "2024-01-01"], 2, &["Leave --as-of out"]),
    (&["export", "graph", "--digest", "--output", "x"], 2, &["cannot be used with"]),
    (&["sync", "tickets"], 2, &["FILE"]),
    (&["sync", "git", "product", "--name", "../x"], 2, &["cannot be the name of a source"]),
    (&["sync", "tickets", "tickets.json", "--project", "1-2"], 2, &["is no project prefix"]),
    (&["impact", "diff", "no-such-branch", "-C", "product"], 2, &["error: git diff:"]),
    // 3: no such thing, and the nearest names.
    (&["impact", "file", "src/engin.rs"], 3, &["there is no file", "did you mean:\n  src/engine.rs"]),
    (&["impact", "file", "src/lib.rs", "nothing/like/it"], 3, &["there is no file `nothing/like/it`"]),
    (&["impact", "ticket", "DOC-111"], 3, &["there is no ticket", "DOC-11\n"]),
    (&["impact", "commit", "abc"], 3, &["there is no commit", "at least four"]),
    (&["impact", "commit", "0000000"], 3, &["there is no commit", "sync again"]),
    (&["reviewers", "src/engine.rs", "--author", "Bobby"], 3, &["there is no person", "Bob"]),
    (&["rel", "developer", "Anna"], 3, &["there is no person `Anna`", "did you mean:\n  Ann\n"]),
    (&["rel", "file", "x.rs", "--repo", "produkt"], 3, &["there is no repository", "  product\n"]),
    (&["rel", "repo", "produkt"], 3, &["there is no repository", "  product\n"]),
    (&["rel", "ticket", "DOC-11", "--as-of", "2023-01-01"], 3, &["did not exist at"]),
    (&["decisions", "show", "7"], 3, &["there is no decision record"]),
    (&["sync", "git", "product", "--branch", "none"], 3, &["none", "hint:"]),
    // 1: it did not work.
    (&["sync", "git", "no-such-folder"], 1, &["no-such-folder", "hint:"]),
    (&["sync", "tickets", "no-such-file"], 1, &["no-such-file"]),
    (&["sync", "docs", "no-such-folder"], 1, &["no-such-folder"]),
    (&["export", "graph", "--output", "no-such-folder/x"], 1, &["no-such-folder/x cannot be written"]),
];

#[test]
fn failures_have_their_exit_status_and_say_what_to_do() {
    let world = World::synced();
    std::fs::write(world.path("bad"), "# ours\ncolour = red\n").unwrap();
    for (command, status, said) in FAILURES {
        // With --json, too, nothing but an answer goes to stdout.
        let run = world.run(command);
        assert_eq!(run.status, *status, "{command:?}: {}{}", run.out, run.err);
        assert_eq!(run.out, "", "{command:?}");
        for part in *said {
            assert!(run.err.contains(part), "{command:?} does not say `{part}`:\n{}", run.err);
        }
        assert!(!run.err.contains('\u{1b}'), "{command:?} colours what is no terminal");
        assert!(!run.err.contains("panicked"), "{command:?}");
    }
}

#[test]
fn a_path_that_two_repositories_have_asks_for_one() {
    let world = World::synced();
    let mut other = docassist_testing::fixture::GitFixture::in_folder(&world.path("other"));
    other.write("src/lib.rs", "//! Another.\n").commit("Begin another");
    world.done(&["sync", "git", "other", "-q"]);
    let run = world.run(&["impact", "file", "src/lib.rs"]);
    assert_eq!(run.status, 3);
    assert!(run.err.contains("(in other)") && run.err.contains("--repo"), "{}", run.err);
    assert_eq!(world.ask(&["impact", "file", "src/lib.rs", "--repo", "other"])["repo"], "other");
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let world = World::synced();
    let run = world.run(&["impact", "file", "\u{1b}[31mred\u{202e}"]);
    assert_eq!(run.status, 3);
    assert!(!run.err.contains(['\u{1b}', '\u{202e}']), "{:?}", run.err);
}

#[test]
fn questions_before_any_sync_have_empty_answers_that_say_so() {
    let world = World::empty();
    for command in [&["gaps"][..], &["gaps", "orphaned"], &["status"], &["decisions"], &["rel", "search", "x"]] {
        let table = world.table(command);
        assert!(!table.is_empty());
        world.ask(command);
    }
    assert!(world.table(&["gaps"]).contains("docassist sync git"));
    assert!(world.table(&["status"]).contains("next: docassist sync git ."));
    let run = world.run(&["impact", "file", "x"]);
    assert!(run.status == 3 && run.err.contains("docassist sync git PATH"), "{}", run.err);
}
