//! Whatever happened between syncs, the graph is the one that a first sync builds.

use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;

use docassist_testing::fixture::GitFixture;

use crate::organisation::Organisation;

/// Something that happens to a repository or a tracker between two syncs.
#[derive(Debug, Clone)]
enum Step {
    Edit { file: usize, lines: u8, key: u8 },
    Remove { file: usize },
    Rename { from: usize, to: usize },
    Page { page: usize, file: usize, key: u8 },
    Decide { number: u8, key: u8 },
    Mailmap { variant: u8 },
    Attributes { generated: bool },
    Amend { key: u8 },
    Merge { back: u8, key: u8 },
    ForcePush { back: u8, key: u8 },
    Rewind { back: u8 },
    Ticket { key: u8, variant: u8 },
    ForgetTicket { key: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let file = 0..FILES.len();
    let key = 0..6_u8;
    prop_oneof![
        6 => (file.clone(), 1..40_u8, key.clone()).prop_map(|(file, lines, key)| Step::Edit { file, lines, key }),
        1 => file.clone().prop_map(|file| Step::Remove { file }),
        2 => (file.clone(), file.clone()).prop_map(|(from, to)| Step::Rename { from, to }),
        2 => (0..3_usize, file, key.clone()).prop_map(|(page, file, key)| Step::Page { page, file, key }),
        1 => (1..4_u8, key.clone()).prop_map(|(number, key)| Step::Decide { number, key }),
        1 => (0..3_u8).prop_map(|variant| Step::Mailmap { variant }),
        1 => any::<bool>().prop_map(|generated| Step::Attributes { generated }),
        2 => key.clone().prop_map(|key| Step::Amend { key }),
        2 => (1..4_u8, key.clone()).prop_map(|(back, key)| Step::Merge { back, key }),
        2 => (1..4_u8, key.clone()).prop_map(|(back, key)| Step::ForcePush { back, key }),
        1 => (1..3_u8).prop_map(|back| Step::Rewind { back }),
        3 => (key.clone(), 0..3_u8).prop_map(|(key, variant)| Step::Ticket { key, variant }),
        1 => key.prop_map(|key| Step::ForgetTicket { key }),
    ]
}

const FILES: [&str; 7] =
    ["src/main.rs", "src/net/client.rs", "src/net/server.rs", "lib/util.js", "Cargo.toml", "tests/it.rs", "data.bin"];
const PAGES: [&str; 3] = ["README.md", "docs/guide.md", "docs/reference.rst"];

struct World {
    repository: GitFixture,
    tickets: Vec<(u8, u8)>,
    edits: u32,
}

impl World {
    fn new() -> Self {
        let mut repository = GitFixture::new();
        repository.write("src/main.rs", "fn main() {}\n");
        repository.commit("Begin");
        Self { repository, tickets: Vec::new(), edits: 0 }
    }

    fn depth(&self) -> usize {
        self.repository.git(["rev-list", "--count", "--first-parent", "HEAD"]).trim().parse().unwrap()
    }

    fn message(&mut self, key: u8) -> String {
        self.edits += 1;
        let by = ["", "\n\nReviewed-by: Rev One <rev@example.org>", "\n\nCo-authored-by: Co <co@example.org>"];
        format!("PROJ-{key}: change {} (UTF-8){}", self.edits, by[self.edits as usize % 3])
    }

    fn text(&mut self, lines: u8) -> String {
        self.edits += 1;
        (0..lines).map(|line| format!("line {line} of {}\n", u32::from(line) * 7 % (self.edits + 3))).collect()
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Edit { file, lines, key } => {
                let mut text = self.text(*lines);
                if FILES[*file] == "data.bin" {
                    text.push('\0');
                }
                self.repository.write(FILES[*file], &text);
                let message = self.message(*key);
                self.repository.commit(&message);
            }
            Step::Remove { file } => {
                if std::fs::remove_file(self.repository.path().join(FILES[*file])).is_ok() {
                    self.repository.commit("Remove a file");
                }
            }
            Step::Rename { from, to } => {
                let path = |index: usize| self.repository.path().join(FILES[index]);
                if path(*from).exists() && from != to {
                    std::fs::create_dir_all(path(*to).parent().unwrap()).unwrap();
                    std::fs::rename(path(*from), path(*to)).unwrap();
                    self.repository.commit("Move a file");
                }
            }
            Step::Page { page, file, key } => {
                let text =
                    format!("# Page\n\nSee `{}` and PROJ-{key}, not UTF-8.\n\n[link](../src/main.rs)\n", FILES[*file]);
                self.repository.write(PAGES[*page], &text);
                self.repository.commit("Write a page");
            }
            Step::Decide { number, key } => {
                let older = number.saturating_sub(1);
                let text = format!(
                    "# {number}. Choose\n\nDate: 2024-01-0{number}\n\n## Status\n\nAccepted\n\nSupersedes ADR-000{older}\n\n\
                     ## Context\n\nPROJ-{key}\n\n## Decision\n\nYes.\n"
                );
                self.repository.write(&format!("docs/adr/000{number}-choose.md"), &text);
                self.repository.commit("Decide");
            }
            Step::Mailmap { variant } => {
                let text = ["", "Anna Author <anna@example.org> <ann@example.org>\n", "Ann A. <ann@example.org>\n"];
                self.repository.write(".mailmap", text[*variant as usize]);
                self.repository.commit("Tell who is who");
            }
            Step::Attributes { generated } => {
                let text = if *generated { "src/net/** linguist-generated\n" } else { "\n" };
                self.repository.write(".gitattributes", text);
                self.repository.commit("Mark files");
            }
            Step::Amend { key } => {
                let message = self.message(*key);
                self.repository.amend(&message);
            }
            Step::Merge { back, key } => self.merge(*back, *key),
            Step::ForcePush { back, key } => {
                self.rewind(*back);
                let text = self.text(9);
                self.repository.write("src/main.rs", &text);
                let message = self.message(*key);
                self.repository.commit(&message);
            }
            Step::Rewind { back } => self.rewind(*back),
            Step::Ticket { key, variant } => {
                self.tickets.retain(|(known, _)| known != key);
                self.tickets.push((*key, *variant));
            }
            Step::ForgetTicket { key } => self.tickets.retain(|(known, _)| known != key),
        }
    }

    fn rewind(&mut self, back: u8) {
        let back = usize::from(back).min(self.depth() - 1);
        self.repository.reset(&format!("HEAD~{back}"));
    }

    /// A branch from some commits back with one commit, merged.
    fn merge(&mut self, back: u8, key: u8) {
        let back = usize::from(back).min(self.depth() - 1);
        self.repository.git(["checkout", "--quiet", "-B", "side", &format!("HEAD~{back}")]);
        let text = self.text(5);
        self.repository.write("src/net/side.rs", &text);
        let message = self.message(key);
        self.repository.commit(&message);
        self.repository.checkout("main").merge("side", &format!("Merge PROJ-{key}"));
    }

    fn ticket_file(&self) -> PathBuf {
        let path = self.repository.path().join(".git").join("tickets.jsonl");
        let mut file = std::fs::File::create(&path).unwrap();
        for (key, variant) in &self.tickets {
            let (status, category) =
                [("Open", "new"), ("Doing", "indeterminate"), ("Closed", "done")][usize::from(*variant)];
            let line = serde_json::json!({"key": format!("PROJ-{key}"), "fields": {
                "summary": format!("Ticket {key} {variant}"), "issuetype": {"name": "Story"},
                "status": {"name": status, "statusCategory": {"key": category}},
                "created": "2020-09-13T12:26:40.000+0000", "updated": format!("2020-10-1{variant}T00:00:00.000+0000"),
                "description": format!("after PROJ-{}", (key + variant) % 8),
                "issuelinks": [{"type": {"name": "Blocks"}, "outwardIssue": {"key": format!("PROJ-{}", (key + 1) % 7)}}],
            }});
            writeln!(file, "{line}").unwrap();
        }
        path
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// After each step of a random walk, the graph of an organisation that synced after every step equals that of one that
    /// syncs for the first time.
    #[test]
    fn incremental_equals_full(steps in proptest::collection::vec(step(), 8..20)) {
        let mut world = World::new();
        let incremental = Organisation::new();
        for step in &steps {
            world.apply(step);
            let file = world.ticket_file();
            incremental.sync(&world.repository);
            incremental.import(file.clone(), true);
            let full = Organisation::new();
            // The other order: it must not matter either.
            full.import(file, true);
            full.sync(&world.repository);
            let (a, b) = (incremental.app.export().unwrap(), full.app.export().unwrap());
            let only = |these: &[String], those: &[String]| {
                these.iter().filter(|line| !those.contains(line)).take(5).cloned().collect::<Vec<_>>().join("\n")
            };
            prop_assert!(a == b, "after {step:?}\nonly incremental:\n{}\nonly full:\n{}", only(&a, &b), only(&b, &a));
        }
        prop_assert_eq!(incremental.digest(), Organisation::digest(&incremental), "a digest is stable");
    }
}

/// The same on a real history: the repository that this test stands in, replayed in steps.
#[test]
fn a_real_history_replayed_in_steps_equals_a_first_sync() {
    const STEPS: usize = 50;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let copy = GitFixture::new();
    let source = root.canonicalize().unwrap();
    if !source.join(".git").exists() {
        eprintln!("skipped: the tests do not stand in a git repository");
        return;
    }
    copy.git(["fetch", "--quiet", source.to_str().unwrap(), "HEAD:refs/heads/whole"]);
    let commits = copy.git(["rev-list", "--reverse", "whole"]);
    let commits: Vec<&str> = commits.lines().collect();
    let incremental = Organisation::new();
    let stride = commits.len().div_ceil(STEPS).max(1);
    for commit in commits.iter().step_by(stride).chain(commits.last()) {
        copy.git(["update-ref", "refs/heads/main", commit]);
        incremental.sync(&copy);
        let full = Organisation::new();
        full.sync(&copy);
        assert_eq!(incremental.digest(), full.digest(), "at {commit}");
    }
}

#[test]
fn a_sync_with_nothing_new_changes_nothing() {
    let mut world = World::new();
    world.apply(&Step::Edit { file: 1, lines: 5, key: 1 });
    let organisation = Organisation::new();
    assert!(organisation.sync(&world.repository).changed);
    let before = organisation.app.status(false).unwrap().body.sequence;
    let again = organisation.sync(&world.repository);
    assert!(!again.changed, "{again:?}");
    assert_eq!(organisation.app.status(false).unwrap().body.sequence, before);
}

#[test]
fn data_in_a_work_tree_stays_out_of_its_repository() {
    let mut world = World::new();
    world.apply(&Step::Edit { file: 1, lines: 5, key: 1 });
    let app = crate::organisation::open(&world.repository.path().join(".docassist"));
    let location = world.repository.path().to_str().unwrap().to_owned();
    let request = docassist_app::sync::GitRequest { location, name: Some("app".into()), ..Default::default() };
    app.sync_git(&request, &docassist_model::Unobserved).unwrap();
    assert_eq!(world.repository.git(["status", "--porcelain"]), "");
}

#[test]
fn another_branch_replaces_the_one_before() {
    let mut world = World::new();
    world.repository.git(["branch", "other"]);
    world.apply(&Step::Edit { file: 1, lines: 5, key: 1 });
    let organisation = Organisation::new();
    organisation.sync(&world.repository);
    assert_eq!(organisation.app.graph().unwrap().commit_count(), 2);
    world.repository.git(["checkout", "--quiet", "other"]);
    let report = organisation.sync(&world.repository);
    assert_eq!((report.commits_added, report.commits_removed), (0, 1));
    assert_eq!(organisation.app.graph().unwrap().commit_count(), 1);
}
