//! What happens in the generated repository, one oddity after the other.

use super::scribe::{Line, Scribe, Tree};

/// 2 January 2019, 00:00 UTC.
const BEGIN: i64 = 1_546_387_200;
/// A commit from a machine whose clock was wrong: 2090.
const FUTURE: i64 = 3_786_912_000;

/// Keys in every shape that occurs, and much that looks like one.
const MESSAGES: &[&str] = &[
    "APP-{n}: upper case, at the start\n",
    "fix the parser (app-{n})\n\nand its tests\n",
    "[WEB2-{n}] a project with a digit\n",
    "tidy up\n\nSee https://tickets.example.org/browse/APP-{n}?focus=1#x and X_Y-{n}.\n",
    "x_y-{n}/App-{n},APP-{n}: three at once\n",
    "no ticket at all\n",
    "MYAPP-{n} APP-{n}x APP-0{n} APP-0 APP- APP_{n} _APP-{n} are none\n",
    "éAPP-{n} APP-{n}é 文APP-{n} are none, but «APP-{n}» is one\n",
    "UTF-8, SHA-256 and UNKNOWN-{n} are no tickets\n",
    "APP-{n}-rc1 then APP-{n}. And APP-{n}: again\n",
    "APP-9{n}00 dangles\n\nso does app-9{n}00 in the body, and X_Y-4294967297\n",
    "APP\u{2013}{n} has a dash of another kind, APP -{n} a space\n",
    "a windows message\r\n\r\nAPP-{n}\r\n",
];

/// Tells the whole history.
pub(super) fn tell(scribe: &mut Scribe) {
    scribe.clock = BEGIN;
    let mut main = Line::default();
    beginnings(scribe, &mut main);
    renames(scribe, &mut main);
    kinds_of_files(scribe, &mut main);
    merges(scribe, &mut main);
    sizes(scribe, &mut main);
    messages(scribe, &mut main);
    clocks(scribe, &mut main);
    routine(scribe, &mut main);
    scribe.branch("main", &main);
    let mut unmerged = main;
    scribe
        .commit(&mut unmerged, "APP-70 on a branch that nobody reads\n", |tree| tree.append("src/unmerged.rs", "x\n"));
    scribe.branch("unmerged", &unmerged);
}

fn beginnings(scribe: &mut Scribe, main: &mut Line) {
    scribe.commit(main, "start\n", |tree| {
        tree.put("README.md", "# Nasty\n\nSee APP-1.\n");
        tree.put("docs/guide.md", "# Guide\n\nAPP-2 is explained here.\n");
    });
    for module in 0..12 {
        let text = scribe.text(30 + module);
        scribe.commit(main, format!("APP-{}: add module {module}\n", module + 1), |tree| {
            tree.put(format!("src/module{module}.rs"), text);
        });
    }
    for (number, keys) in [(1, "APP-2"), (2, "APP-4 and x_y-3"), (3, "no ticket")] {
        let page = format!(
            "# {number}. Choice {number}\n\nDate: 2019-03-0{number}\n\n## Status\n\nAccepted\n\n## Context\n\n\
             This came up with {keys}.\n\n## Decision\n\nWe take the first way.\n\n## Consequences\n\nNone.\n"
        );
        scribe.commit(main, format!("Record decision {number}\n"), |tree| {
            tree.put(format!("docs/adr/000{number}-choice-{number}.md"), page);
        });
    }
}

fn renames(scribe: &mut Scribe, main: &mut Line) {
    let edit = |scribe: &mut Scribe, main: &mut Line, path: &str| {
        let path = path.to_owned();
        scribe.commit(main, format!("edit {path}\n"), |tree| tree.append(&path, &format!("more in {path}\n")));
    };
    // A chain, with edits between and in the renaming commit itself.
    for (from, to) in [
        ("src/module0.rs", "src/chain1.rs"),
        ("src/chain1.rs", "src/deep/chain2.rs"),
        ("src/deep/chain2.rs", "src/chain3.rs"),
    ] {
        scribe.commit(main, format!("APP-20 move {from} to {to}\n"), |tree| {
            tree.rename(from, to);
            tree.append(to, "moved\n");
        });
        edit(scribe, main, to);
    }
    // A swap. Both names stay, and so git sees two rewritten files, no renames.
    scribe.commit(main, "give module 1 another name\n", |tree| tree.rename("src/module1.rs", "src/other.rs"));
    let (one, two) = (main.tree.content("src/other.rs"), main.tree.content("src/module2.rs"));
    scribe.commit(main, "APP-21 swap contents\n", |tree| {
        tree.put("src/other.rs", two);
        tree.put("src/module2.rs", one);
    });
    edit(scribe, main, "src/other.rs");
    // The name is used again by a stranger, which then moves as well.
    scribe.commit(main, "move module 3\n", |tree| tree.rename("src/module3.rs", "src/moved3.rs"));
    let stranger = scribe.text(25);
    scribe.commit(main, "APP-22 a new module 3\n", |tree| tree.put("src/module3.rs", stranger));
    edit(scribe, main, "src/module3.rs");
    edit(scribe, main, "src/moved3.rs");
    scribe.commit(main, "the new module 3 moves too\n", |tree| tree.rename("src/module3.rs", "src/again3.rs"));
    // There and back.
    scribe.commit(main, "there\n", |tree| tree.rename("src/module4.rs", "src/away4.rs"));
    edit(scribe, main, "src/away4.rs");
    scribe.commit(main, "and back\n", |tree| tree.rename("src/away4.rs", "src/module4.rs"));
    // Deleted, and made anew later under the same name.
    scribe.commit(main, "delete module 5\n", |tree| tree.remove("src/module5.rs"));
    let anew = scribe.text(20);
    scribe.commit(main, "APP-23 module 5 again\n", |tree| tree.put("src/module5.rs", anew));
    // A change of case, and a whole folder.
    scribe.commit(main, "case\n", |tree| tree.rename("src/module6.rs", "src/Module6.rs"));
    scribe.commit(main, "APP-24 move the records\n", |tree| {
        for number in 1..=3 {
            let name = format!("000{number}-choice-{number}.md");
            tree.rename(format!("docs/adr/{name}"), format!("docs/decisions/{name}"));
        }
    });
    // Two equal files go and one comes: the one of the same name is its source. An empty file moves as well.
    let equal = scribe.text(40);
    scribe.commit(main, "two equal files, and an empty one\n", |tree| {
        tree.put("src/a/helper.rs", &equal);
        tree.put("src/b/shared.rs", &equal);
        tree.put("src/empty.rs", "");
    });
    scribe.commit(main, "one of two\n", |tree| {
        tree.remove("src/a/helper.rs");
        tree.remove("src/b/shared.rs");
        tree.put("src/c/shared.rs", &equal);
    });
    scribe.commit(main, "move the empty file\n", |tree| tree.rename("src/empty.rs", "src/c/empty.rs"));
    // Renamed here, edited under the old name over there.
    let base = main.clone();
    let mut side = main.clone();
    scribe.commit(main, "APP-25 rename here\n", |tree| tree.rename("src/module7.rs", "src/renamed7.rs"));
    scribe.commit(&mut side, "APP-26 edit there\n", |tree| tree.append("src/module7.rs", "from the side\n"));
    let edited = side.tree.content("src/module7.rs");
    scribe.merge(main, &base.tree, &[&side], "Merge the edit into the renamed file, APP-27\n", |tree| {
        tree.remove("src/module7.rs");
        tree.put("src/renamed7.rs", edited);
    });
    edit(scribe, main, "src/renamed7.rs");
}

fn kinds_of_files(scribe: &mut Scribe, main: &mut Line) {
    let mut each = |message: &str, change: &dyn Fn(&mut Tree)| scribe.commit(main, message, change);
    each("APP-30 a script\n", &|tree| tree.put("run.sh", "#!/bin/sh\necho run\n"));
    each("make it executable\n", &|tree| tree.set_mode("run.sh", 0o100_755));
    each("binary\n", &|tree| tree.put("logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
    each("APP-31 another binary\n", &|tree| tree.put("logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01"));
    each("move the binary\n", &|tree| tree.rename("logo.png", "assets/logo.png"));
    each("text becomes binary\n", &|tree| tree.put("run.sh", b"#!/bin/sh\necho \0run\n"));
    each("a link\n", &|tree| tree.put_as(0o120_000, "latest", "docs/guide.md"));
    each("point it elsewhere\n", &|tree| tree.put_as(0o120_000, "latest", "README.md"));
    each("the link becomes a file\n", &|tree| tree.put("latest", "no longer a link\n"));
    each("APP-32 a submodule\n", &|tree| tree.put_as(0o160_000, "vendor/lib", "1".repeat(40)));
    each("the submodule moves on\n", &|tree| tree.put_as(0o160_000, "vendor/lib", "2".repeat(40)));
    each("the submodule goes\n", &|tree| tree.remove("vendor/lib"));
    each("line ends of Windows\n", &|tree| tree.put("src/windows.txt", "one\r\ntwo\r\nthree\r\n"));
    each("and of Unix\n", &|tree| tree.put("src/windows.txt", "one\ntwo\nthree\n"));
    each("no last line end\n", &|tree| tree.put("src/open.txt", "one\ntwo"));
    each("still none\n", &|tree| tree.put("src/open.txt", "one\ntwo\nthree"));
    each("now one\n", &|tree| tree.put("src/open.txt", "one\ntwo\nthree\n"));
    each("old Mac line ends\n", &|tree| tree.put("src/mac.txt", "one\rtwo\rthree"));
    each("all empty again\n", &|tree| tree.put("src/mac.txt", ""));
    each("UTF-16 counts as binary\n", &|tree| tree.put("src/wide.txt", b"\xff\xfea\0\n\0b\0\n\0"));
    each("APP-33 odd names\n", &|tree| {
        tree.put("src/with space/\u{fc}ml\u{e4}ut \u{1f980}.rs", "a\nb\n");
        tree.put("src/tab\there.txt", "a\n");
        tree.put("src/new\nline.txt", "a\n");
        tree.put("src/\"quoted\".txt", "a\n");
        tree.put("src/back\\slash.txt", "a\n");
        tree.put("src/colon:at@hash#100%.txt", "a\n");
        tree.put("-dash.txt", "a\n");
        tree.put("src/[glob]*?.txt", "a\n");
    });
    each("names that are not UTF-8\n", &|tree| {
        tree.put(b"src/caf\xe9.txt", "one\ntwo\nthree\nfour\n");
        tree.put(b"\xff\xfe/x.txt", "one\n");
    });
    each("edit odd names\n", &|tree| {
        tree.put(b"src/caf\xe9.txt", "one\ntwo\nthree\nfour\nfive\n");
        tree.append("src/new\nline.txt", "b\n");
        tree.append("-dash.txt", "b\n");
    });
    each("moved to UTF-8\n", &|tree| tree.rename(b"src/caf\xe9.txt", "src/caf\u{e9}.txt"));
}

fn merges(scribe: &mut Scribe, main: &mut Line) {
    // An octopus.
    let base = main.clone();
    let mut arms = [main.clone(), main.clone(), main.clone()];
    for (number, arm) in arms.iter_mut().enumerate() {
        let path = format!("src/arm{number}.rs");
        let text = scribe.text(15);
        scribe.commit(arm, format!("APP-4{number} arm {number}\n"), |tree| tree.put(&path, text));
        scribe.commit(arm, format!("arm {number} again\n"), |tree| tree.append(&path, "again\n"));
    }
    let [one, two, three] = &arms;
    scribe.merge(main, &base.tree, &[one, two, three], "Merge three arms, APP-43\n", |_| {});
    // A merge that changes what neither side has.
    let base = main.clone();
    let mut side = main.clone();
    scribe.commit(&mut side, "WEB2-3 aside\n", |tree| tree.append("src/arm0.rs", "aside\n"));
    scribe.commit(main, "ahead\n", |tree| tree.append("src/arm1.rs", "ahead\n"));
    scribe.merge(main, &base.tree, &[&side], "Merge with a fix of its own (WEB2-4)\n", |tree| {
        tree.append("src/arm2.rs", "only in the merge\n");
        tree.put("src/born-in-merge.rs", "born\nhere\nand\nnowhere\nelse\n");
    });
    scribe.commit(main, "move what a merge made\n", |tree| tree.rename("src/born-in-merge.rs", "src/from-merge.rs"));
    // A merge that drops the other side, and two lines that merge each other.
    let mut dropped = main.clone();
    scribe.commit(&mut dropped, "APP-44 dropped work\n", |tree| tree.put("src/dropped.rs", "gone\n"));
    let nothing = dropped.tree.clone();
    scribe.merge(main, &nothing, &[&dropped], "Merge and keep ours\n", |_| {});
    let base = main.clone();
    let (mut left, mut right) = (main.clone(), main.clone());
    scribe.commit(&mut left, "left\n", |tree| tree.append("src/arm0.rs", "left\n"));
    scribe.commit(&mut right, "right\n", |tree| tree.append("src/arm1.rs", "right\n"));
    let (left_before, right_before) = (left.clone(), right.clone());
    scribe.merge(&mut left, &base.tree, &[&right_before], "Merge right into left\n", |_| {});
    scribe.merge(&mut right, &base.tree, &[&left_before], "Merge left into right\n", |_| {});
    scribe.commit(&mut left, "left goes on\n", |tree| tree.append("src/arm0.rs", "left again\n"));
    let base = right.tree.clone();
    *main = left;
    scribe.merge(main, &base, &[&right], "Merge crosswise\n", |_| {});
    // A second history, with files of names that are taken already.
    let mut foreign = Line::default();
    let text = scribe.text(20);
    scribe.commit(&mut foreign, "APP-45 a project of its own\n", |tree| {
        tree.put("src/foreign.rs", &text);
        tree.put("README.md", "# Foreign\n");
    });
    scribe.commit(&mut foreign, "and its second commit\n", |tree| tree.append("src/foreign.rs", "second\n"));
    let empty = Tree::default();
    let readme = main.tree.content("README.md");
    scribe.merge(main, &empty, &[&foreign], "Merge a foreign project\n", |tree| tree.put("README.md", readme));
}

fn sizes(scribe: &mut Scribe, main: &mut Line) {
    for (count, ending) in [(50, "fifty"), (51, "fifty-one")] {
        for round in 0..2 {
            scribe.commit(main, format!("APP-50 {ending} files, round {round}\n"), |tree| {
                for number in 0..count - 1 {
                    tree.append(&format!("src/{ending}/f{number}.txt"), &format!("round {round} of file {number}\n"));
                }
                tree.append("src/module8.rs", "with many\n");
            });
        }
    }
    scribe.commit(main, "nothing at all\n", |_| {});
    scribe.commit(main, "APP-51 nothing, with a ticket\n", |_| {});
}

fn messages(scribe: &mut Scribe, main: &mut Line) {
    for (number, message) in [
        &b""[..],
        b"\n\n",
        b"  \n APP-52 after blanks\n",
        b"APP-53 without a line end",
        b"a\tb\x01c \x1b[31mAPP-54\x1b[0m\n",
    ]
    .iter()
    .enumerate()
    {
        scribe.commit(main, message, |tree| tree.append("src/messages.rs", &format!("message {number}\n")));
    }
    scribe.commit(main, b"caf\xe9 undeclared, APP-55\n", |tree| tree.append("src/messages.rs", "latin\n"));
    scribe.commit(main, b"\xe9APP-56 undeclared and at the border of a word\n", |tree| {
        tree.append("src/messages.rs", "border\n");
    });
    scribe.commit_encoded(main, "ISO-8859-1", b"caf\xe9 declared, APP-57\n", "declared\n");
    scribe.commit_encoded(main, "ISO-8859-1", b"\xe9APP-58 is no key, \xabAPP-59\xbb is one\n", "a letter before\n");
    scribe.commit_encoded(main, "windows-1252", b"\x93APP-60\x94 in curly quotes\n", "quotes\n");
    scribe.commit(main, "Wrong turn for WEB2-9\n", |tree| tree.append("src/module9.rs", "wrong\n"));
    let before = main.tree.content("src/module9.rs");
    let reverted = before.strip_suffix(b"wrong\n").map(<[u8]>::to_vec).unwrap_or_default();
    let message = "Revert \"Wrong turn for WEB2-9\"\n\nThis reverts commit 0123456789abcdef0123456789abcdef01234567.\n";
    scribe.commit(main, message, |tree| tree.put("src/module9.rs", reverted));
}

fn clocks(scribe: &mut Scribe, main: &mut Line) {
    let now = scribe.clock;
    for number in 0..4 {
        // Four commits in one second: only their names order them.
        scribe.clock = now;
        scribe.commit(main, format!("WEB2-1{number} in the same second\n"), |tree| {
            tree.append("src/seconds.rs", &format!("{number}\n"));
            tree.append("src/module10.rs", &format!("{number}\n"));
        });
    }
    // A child that is a year older than its parent, renaming included.
    scribe.clock = now - 365 * 86_400;
    scribe.commit(main, "APP-61 from a slow clock\n", |tree| tree.rename("src/module11.rs", "src/slow11.rs"));
    scribe.clock = FUTURE;
    scribe.commit(main, "APP-62 and APP-9999 from tomorrow\n", |tree| tree.append("src/future.rs", "tomorrow\n"));
    scribe.clock = now + 86_400;
    scribe.commit(main, "back to today\n", |tree| tree.append("src/slow11.rs", "today\n"));
}

fn routine(scribe: &mut Scribe, main: &mut Line) {
    for round in 0..110_usize {
        let message = MESSAGES[round % MESSAGES.len()].replace("{n}", &(1 + round % 37).to_string());
        let paths = main.tree.plain();
        let touched: Vec<String> = (0..1 + scribe.below(4)).map(|_| paths[scribe.below(paths.len())].clone()).collect();
        let line = format!("round {round} says {}\n", scribe.below(1_000_000));
        scribe.commit(main, message, |tree| {
            for path in &touched {
                // Sometimes in front, so that hunks move.
                if round % 3 == 0 {
                    let behind = tree.content(path);
                    tree.put(path, [line.as_bytes(), &behind].concat());
                } else {
                    tree.append(path, &line);
                }
            }
        });
    }
}
