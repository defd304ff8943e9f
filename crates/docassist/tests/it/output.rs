//! What is printed is readable and harmless, whatever the data holds.

use unicode_width::UnicodeWidthStr as _;

use crate::world::{World, issue};

/// Every question of the little company.
const QUESTIONS: &[&[&str]] = &[
    &["status"],
    &["gaps"],
    &["gaps", "orphaned"],
    &["gaps", "undocumented"],
    &["gaps", "missing-decisions"],
    &["gaps", "stale"],
    &["gaps", "dangling"],
    &["gaps", "outdated-docs"],
    &["impact", "file", "src/engine.rs"],
    &["impact", "file", "src/engine.rs", "src/lib.rs"],
    &["impact", "ticket", "DOC-2"],
    &["impact", "diff", "HEAD~3..HEAD", "-C", "product"],
    &["reviewers", "src/engine.rs"],
    &["rel", "ticket", "DOC-1"],
    &["rel", "developer", "Bob"],
    &["rel", "file", "src/engine.rs"],
    &["rel", "repo", "product"],
    &["rel", "search", "e"],
    &["decisions"],
    &["decisions", "show", "1"],
];

/// A company whose subjects, names and titles obey nobody.
fn hostile() -> World {
    let mut world = World::synced();
    let subjects = [
        "\u{1b}[2J\u{1b}]0;title\u{7}escape",
        "\u{202e}override\u{2066}isolate",
        "bell\u{7}back\u{8}tab\tform\u{c}c1\u{9b}31m",
        "| pipe ` tick <img src=x onerror=alert(1)> @everyone #1 **bold** ~~x~~",
        "שלום עולם مرحبا بالعالم",
        "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{30a}\u{30b} zalgo",
    ];
    for subject in
        subjects.iter().map(|subject| (*subject).to_owned()).chain(["long ".repeat(20_000), "宽".repeat(300)])
    {
        // The shell limits the length of an argument, git does not: the long one goes in by a file.
        let message = world.path("message");
        std::fs::write(&message, &subject).unwrap();
        world.repository.author("Eve \u{1b}[31m|`<x>").append("src/engine.rs", "// more\n");
        world.repository.git(["add", "--all"]);
        world.repository.git(["commit", "--quiet", "--cleanup=verbatim", "-F", message.to_str().unwrap()]);
    }
    world.done(&["sync", "git", "product", "-q"]);
    let issues =
        [issue("DOC-90", "Bug", "Open", "new", "2024-02-20", "\u{1b}[31mred\u{202e} | `x` @team\nsecond line")];
    std::fs::write(world.path("more.json"), serde_json::to_string(&issues).unwrap()).unwrap();
    world.done(&["sync", "tickets", "more.json", "--name", "more", "-q"]);
    world
}

fn dangerous(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[test]
fn tables_fit_and_obey_nothing() {
    let world = hostile();
    for question in QUESTIONS {
        for width in [60_usize, 80, 200] {
            let mut command = world.command(question);
            command.args(["--format", "table", "--as-of", "2024-03-01"]).env("COLUMNS", width.to_string());
            let output = command.output().unwrap();
            assert!(output.status.success(), "{question:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(!text.contains(dangerous), "{question:?}: {text:?}");
            for line in text.lines() {
                // Commands are for copying and are never broken.
                let command = line.starts_with("… ") || line.starts_with("next: ");
                assert!(command || line.width() <= width, "{question:?} is wider than {width}: {line}");
                assert!(line.chars().count() < 4 * width + 200, "{question:?}: {line}");
                assert_eq!(line, line.trim_end(), "{question:?}");
            }
        }
    }
}

#[test]
fn markdown_obeys_nothing() {
    let world = hostile();
    for question in QUESTIONS {
        let text = world.markdown(question);
        assert!(!text.contains(dangerous), "{question:?}: {text:?}");
        assert!(
            !text.contains("<img") && !text.contains("@everyone") && !text.contains("@team"),
            "{question:?}: {text}"
        );
        assert!(!text.contains("#1 ") && !text.contains("**bold"), "{question:?}: {text}");
        assert!(text.lines().count() < 120, "{question:?} has {} lines", text.lines().count());
        // Every row of a table has the columns of its header.
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        for lines in text.lines().collect::<Vec<_>>().windows(2) {
            if lines[0].starts_with('|') && lines[1].starts_with('|') {
                assert_eq!(cells(lines[0]), cells(lines[1]), "{question:?}: {lines:?}");
            }
        }
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }
}

#[test]
fn json_keeps_the_text_as_it_is() {
    let world = hostile();
    let found = world.ask(&["rel", "search", "DOC-90"]);
    assert_eq!(found["items"][0]["title"], "\u{1b}[31mred\u{202e} | `x` @team second line");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let world = World::synced();
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = world.command(&["gaps", "--format", "table"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\u{1b}')
    };
    assert!(!coloured(&[]), "stdout is no terminal");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

/// The commands that an output suggests.
fn suggested(text: &str) -> Vec<Vec<String>> {
    let commands = text.lines().filter_map(|line| {
        let line = line.strip_prefix("next: ").or_else(|| line.split_once(" more: ").map(|(_, command)| command))?;
        Some(line.split("  #").next().unwrap_or(line).trim_end())
    });
    commands
        .map(|command| command.split(' ').skip(1).map(|word| word.trim_matches('\'').to_owned()).collect())
        .collect()
}

#[test]
fn every_suggested_command_works() {
    let world = World::synced();
    let mut tried = 0;
    let syncs: [&[&str]; 2] =
        [&["sync", "git", "product", "--format", "table"], &["sync", "tickets", "tickets.json", "--format", "table"]];
    let limited = QUESTIONS.iter().map(|question| {
        let limit = !matches!(question, ["status" | "gaps"]);
        let options = if limit { &["--limit", "1"][..] } else { &[] };
        question.iter().copied().chain(options.iter().copied()).chain(["--format", "table"]).collect::<Vec<_>>()
    });
    for question in syncs.iter().map(|sync| sync.to_vec()).chain(limited) {
        for command in suggested(&world.done(&question)) {
            // A file of tickets is for the reader to name.
            if command.last().is_some_and(|word| word == "FILE" || word == "PATH") {
                continue;
            }
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            world.done(&words);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried} commands");
}
