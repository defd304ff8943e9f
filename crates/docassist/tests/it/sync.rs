//! `sync`.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use docassist_testing::fixture::GitFixture;

use crate::world::{Run, World, issue};

#[test]
fn a_report_says_what_changed_and_what_to_do_next() {
    let mut world = World::synced();
    world.repository.author("Bob").append("src/lib.rs", "// more\n").commit("More");
    let table = world.done(&["sync", "git", "product", "--format", "table"]);
    assert!(table.starts_with("Synced product: branch main at "), "{table}");
    assert!(table.contains("1 commit added; 1 file new or changed; 2 decision records\n"), "{table}");
    assert!(table.contains("next: docassist impact file src/"), "{table}");
    assert!(table.contains("next: docassist rel ticket DOC-"), "{table}");
    let again = world.done(&["sync", "git", "product", "--format", "table", "-q"]);
    assert!(again.ends_with("nothing has changed since the last sync\n"), "{again}");
    let markdown = world.done(&["sync", "tickets", "tickets.json", "--format", "md"]);
    assert!(markdown.contains("29 unchanged") && !markdown.contains("docassist "), "{markdown}");
}

#[test]
fn a_report_for_programs() {
    let world = World::synced();
    let report: serde_json::Value =
        serde_json::from_str(&world.done(&["sync", "git", "product", "--full", "--json"])).unwrap();
    for (field, expected) in [("source", "product"), ("branch", "main")] {
        assert_eq!(report[field], expected);
    }
    assert_eq!((report["commits_added"].as_u64(), report["decisions"].as_u64()), (Some(10), Some(2)));
    assert!(report["notes"].as_array().unwrap().is_empty());
}

#[test]
fn what_could_not_be_read_is_said() {
    let world = World::empty();
    let good = issue("DOC-1", "Task", "Open", "new", "2024-01-01", "Good");
    std::fs::write(world.path("mixed.jsonl"), format!("{good}\n{{\"key\": \n{{\"fields\": {{}}}}\n")).unwrap();
    let table = world.done(&["sync", "tickets", "mixed.jsonl", "--format", "table"]);
    assert!(table.contains("1 ticket added") && table.contains("not seen: mixed.jsonl"), "{table}");
    assert!(table.contains("next: docassist sync git PATH"), "{table}");
}

#[test]
fn pages_of_a_folder() {
    let world = World::synced();
    std::fs::create_dir_all(world.path("handbook/deep")).unwrap();
    std::fs::write(world.path("handbook/deep/page.md"), "# A page\n\nOf DOC-2.\n").unwrap();
    let table = world.done(&["sync", "docs", "handbook", "--format", "table"]);
    assert!(table.contains("Synced handbook: 1 page") && table.contains("1 page new or changed"), "{table}");
    let story = world.ask(&["rel", "ticket", "DOC-2"]);
    assert_eq!(story["documents"][0]["path"], "deep/page.md");
}

#[test]
fn progress_goes_to_stderr_and_only_where_it_is_wanted() {
    let world = World::synced();
    let quiet = world.run(&["sync", "git", "product", "--full", "-q"]);
    assert_eq!(quiet.err, "");
    let usual = world.run(&["sync", "git", "product", "--full"]);
    assert_eq!(usual.err, "");
    let verbose = world.run(&["sync", "git", "product", "--full", "-v"]);
    assert!(verbose.err.starts_with("data: .docassist, organisation: default\n"), "{}", verbose.err);
    assert!(verbose.err.contains("reading commits: 10 in "), "{}", verbose.err);
    assert!(!verbose.err.contains('\u{1b}'), "{}", verbose.err);
}

/// A sync of tickets that has begun and waits for the rest of its file.
#[cfg(unix)]
struct Held {
    child: Option<Child>,
    pipe: std::fs::File,
}

#[cfg(unix)]
impl Held {
    fn new(world: &World) -> Self {
        let fifo = world.path("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let mut command = world.command(&["sync", "tickets", "fifo", "--name", "held", "-v"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pipe = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
        let mut held = Self { child: Some(child), pipe };
        // More than is looked at to tell the form of the file.
        held.write(500);
        held.until_writing(world);
        held
    }

    /// Waits until it has the right to write.
    fn until_writing(&self, world: &World) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            let run = world.run(&["sync", "git", "product", "--wait", "0", "-q"]);
            if run.status == 1 && run.err.contains("is being written") {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the first sync never began to write");
    }

    fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    fn write(&mut self, lines: usize) {
        for number in 0..lines {
            let key = format!("DOC-{}", 900 + number);
            let line = issue(&key, "Task", "Open", "new", "2024-01-01", "More").to_string();
            // Whoever was stopped reads no more.
            if writeln!(self.pipe, "{line}").is_err() {
                return;
            }
        }
    }

    fn finish(self) -> Run {
        drop(self.pipe);
        Run::of(&self.child.unwrap().wait_with_output().unwrap())
    }
}

#[cfg(unix)]
#[test]
fn a_second_sync_waits_and_says_who_writes() {
    let world = World::synced();
    let held = Held::new(&world);
    let started = Instant::now();
    let run = world.run(&["sync", "git", "product", "--wait", "1"]);
    assert_eq!(run.status, 1);
    assert!(started.elapsed() >= Duration::from_secs(1));
    let writer = format!("process {} (sync tickets held)", held.child.as_ref().unwrap().id());
    assert!(run.err.contains(&writer) && run.err.contains("hint: "), "{}", run.err);
    // Readers do not wait.
    world.done(&["gaps"]);
    let first = held.finish();
    assert_eq!(first.status, 0, "{}", first.err);
    world.done(&["sync", "git", "product", "-q"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_an_import_and_leaves_nothing_of_it() {
    let world = World::synced();
    let before = world.done(&["export", "graph", "--digest"]);
    let mut held = Held::new(&world);
    held.signal("-INT");
    // So that the signal is there before what it should stop.
    std::thread::sleep(Duration::from_millis(300));
    held.write(2_000);
    let run = held.finish();
    assert_eq!((run.status, run.out.as_str()), (1, ""), "{}", run.err);
    assert!(run.err.contains("stopping; once more") && run.err.contains("error: stopped"), "{}", run.err);
    assert!(run.err.contains("Nothing was imported"), "{}", run.err);
    assert_eq!(world.done(&["export", "graph", "--digest"]), before);
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let world = World::synced();
    let held = Held::new(&world);
    held.signal("-INT");
    std::thread::sleep(Duration::from_millis(300));
    held.signal("-INT");
    let Held { child, pipe } = held;
    let run = Run::of(&child.unwrap().wait_with_output().unwrap());
    drop(pipe);
    assert_eq!(run.status, 130, "{}", run.err);
    world.done(&["sync", "git", "product", "-q"]);
}

/// Many commits, quickly.
fn history(world: &World, commits: usize) {
    let repository = GitFixture::in_folder(&world.path("long"));
    let mut stream = String::new();
    for number in 0..commits {
        let time = 1_700_000_000 + number * 60;
        let (message, content) = (format!("Commit {number}"), format!("{number}\n").repeat(20));
        stream.push_str(&format!(
            "commit refs/heads/main\ncommitter Ann <ann@example.org> {time} +0000\ndata {}\n{message}\n\
             M 644 inline src/file_{}.rs\ndata {}\n{content}\n",
            message.len(),
            number % 97,
            content.len()
        ));
    }
    let mut command = docassist_testing::fixture::git(repository.path());
    let mut child = command.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_during_a_sync_keeps_what_was_read_and_the_next_one_goes_on() {
    use std::io::{BufRead as _, BufReader, Read as _};

    let world = World::empty();
    history(&world, 20_000);
    let mut command = world.command(&["sync", "git", "long", "-v"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("listing commits") {
        assert!(said.read_line(&mut text).unwrap() > 0, "{text}");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    said.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{text}");
    assert!(text.contains("error: stopped") && text.contains("run it again to go on"), "{text}");
    let status = world.ask(&["status"]);
    assert_eq!(status["sources"][0]["interrupted"], true, "{status}");
    assert!(world.table(&["status"]).contains("was interrupted: run it again"));
    // Resumed, it is what it would have been.
    world.done(&["sync", "git", "long", "-q"]);
    let resumed = world.done(&["export", "graph", "--digest"]);
    world.done(&["sync", "git", "long", "-q", "--org", "fresh"]);
    assert_eq!(world.done(&["export", "graph", "--digest", "--org", "fresh"]), resumed);
}
