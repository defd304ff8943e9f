//! `completions` and `man`.

use crate::world::World;

#[test]
fn completions_know_the_commands() {
    let world = World::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = world.done(&["completions", shell]);
        assert!(script.contains("missing-decisions") && script.contains("as-of"), "{shell}");
    }
}

#[test]
fn every_command_has_a_page() {
    let world = World::empty();
    let page = world.done(&["man"]);
    assert!(page.contains(".TH docassist 1") && page.contains("as\\-of"), "{page}");
    let run = world.run(&["man", "--output", "pages"]);
    assert_eq!((run.status, run.out.as_str()), (0, ""), "{}", run.err);
    for name in ["docassist.1", "docassist-gaps-orphaned.1", "docassist-sync-git.1", "docassist-impact-diff.1"] {
        assert!(world.path("pages").join(name).exists(), "{name}");
    }
    assert!(run.err.contains("pages has "), "{}", run.err);
    // None of these needs or makes data.
    assert!(!world.path(".docassist").exists());
}

#[test]
fn help_and_version_go_to_stdout() {
    let world = World::empty();
    for command in [&["--help"][..], &["gaps", "--help"], &["help", "sync", "git"], &["--version"]] {
        let run = world.run(command);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{command:?}");
        assert!(!run.out.is_empty() && !run.out.contains('\u{1b}'), "{command:?}");
    }
}
