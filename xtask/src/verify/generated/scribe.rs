//! Writes commits as a stream for `git fast-import`, which takes any bytes for names, messages and contents.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::super::git;

/// The files of a commit: mode and content; of a submodule the commit that it points to.
#[derive(Clone, Default)]
pub(super) struct Tree(BTreeMap<Vec<u8>, (u32, Vec<u8>)>);

/// The end of a line of commits.
#[derive(Clone, Default)]
pub(super) struct Line {
    mark: usize,
    pub(super) tree: Tree,
}

/// Collects commits.
#[derive(Default)]
pub(super) struct Scribe {
    stream: Vec<u8>,
    times: Vec<i64>,
    random: u64,
    /// The instant of the next commit, unless it names its own.
    pub(super) clock: i64,
}

/// Names that tools stumble over: accents, an apostrophe, no space, a comma, and one that looks like an address.
const PEOPLE: &[&str] = &[
    "Ada Example <ada@example.org>",
    "Björn Ångström <bjorn@example.org>",
    "O'Neil, Jr. <o.neil@example.org>",
    "李雷 <lilei@example.org>",
    "root@localhost <>",
];

/// Offsets that are negative, half an hour off, and on the other side of the date line.
const ZONES: &[&str] = &["+0000", "-0800", "+0530", "+1300", "-0330"];

impl Tree {
    pub(super) fn put(&mut self, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) {
        self.put_as(0o100_644, path, content);
    }

    pub(super) fn put_as(&mut self, mode: u32, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) {
        self.0.insert(path.as_ref().to_vec(), (mode, content.as_ref().to_vec()));
    }

    pub(super) fn set_mode(&mut self, path: &str, mode: u32) {
        self.entry(path).0 = mode;
    }

    pub(super) fn append(&mut self, path: &str, text: &str) {
        self.entry(path).1.extend_from_slice(text.as_bytes());
    }

    pub(super) fn rename(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) {
        if let Some(file) = self.0.remove(from.as_ref()) {
            self.0.insert(to.as_ref().to_vec(), file);
        }
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.0.remove(path.as_bytes());
    }

    pub(super) fn content(&self, path: &str) -> Vec<u8> {
        self.0.get(path.as_bytes()).map(|(_, content)| content.clone()).unwrap_or_default()
    }

    /// Paths of plain text files, which any edit may touch.
    pub(super) fn plain(&self) -> Vec<String> {
        let text = |path: &&Vec<u8>| path.starts_with(b"src/") || path.starts_with(b"docs/");
        self.0.keys().filter(text).filter_map(|path| String::from_utf8(path.clone()).ok()).collect()
    }

    /// Takes over what `theirs` changed since `base`.
    pub(super) fn merge(&mut self, base: &Self, theirs: &Self) {
        for path in base.0.keys().chain(theirs.0.keys()) {
            if base.0.get(path) != theirs.0.get(path) {
                match theirs.0.get(path) {
                    Some(file) => self.0.insert(path.clone(), file.clone()),
                    None => self.0.remove(path),
                };
            }
        }
    }

    fn entry(&mut self, path: &str) -> &mut (u32, Vec<u8>) {
        self.0.entry(path.as_bytes().to_vec()).or_insert((0o100_644, Vec::new()))
    }
}

impl Scribe {
    /// A number below `bound`, the same in every run.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        // Knuth's multiplier; the low bits of such a generator repeat soon, so the high ones are taken.
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % bound
    }

    /// So many different lines of text.
    pub(super) fn text(&mut self, lines: usize) -> String {
        (0..lines).map(|n| format!("line {n} says {}\n", self.below(1_000_000_000))).collect()
    }

    /// Adds a commit to a line.
    pub(super) fn commit(&mut self, line: &mut Line, message: impl AsRef<[u8]>, change: impl FnOnce(&mut Tree)) {
        let before = line.tree.clone();
        change(&mut line.tree);
        self.record(line, &before, &[], None, message.as_ref());
    }

    /// Adds a commit that declares the encoding of its message.
    pub(super) fn commit_encoded(&mut self, line: &mut Line, encoding: &str, message: &[u8], content: &str) {
        let before = line.tree.clone();
        line.tree.append("src/encoded.txt", content);
        self.record(line, &before, &[], Some(encoding), message);
    }

    /// Joins other lines, which left `base`, into a line; `change` adds what a merge should not contain.
    pub(super) fn merge(
        &mut self,
        line: &mut Line,
        base: &Tree,
        others: &[&Line],
        message: &str,
        change: impl FnOnce(&mut Tree),
    ) {
        let before = line.tree.clone();
        for other in others {
            line.tree.merge(base, &other.tree);
        }
        change(&mut line.tree);
        let parents: Vec<usize> = others.iter().map(|other| other.mark).collect();
        self.record(line, &before, &parents, None, message.as_bytes());
    }

    /// Points a branch at the end of a line.
    pub(super) fn branch(&mut self, name: &str, line: &Line) {
        self.say(format!("reset refs/heads/{name}\nfrom :{}\n\n", line.mark));
    }

    /// The commits' times, in the order of writing.
    pub(super) fn times(&self) -> Vec<i64> {
        self.times.clone()
    }

    fn record(&mut self, line: &mut Line, before: &Tree, others: &[usize], encoding: Option<&str>, message: &[u8]) {
        let number = self.times.len() + 1;
        let (author, committer) = (PEOPLE[number % PEOPLE.len()], PEOPLE[number / 7 % PEOPLE.len()]);
        let zone = ZONES[number % ZONES.len()];
        // Written some time before it was committed, as after a rebase.
        let authored = self.clock - (number as i64 % 4) * 5_000;
        if line.mark == 0 {
            // Without this, a root would continue whatever was written last.
            self.say("reset refs/heads/scratch\n\n");
        }
        self.say(format!("commit refs/heads/scratch\nmark :{number}\n"));
        self.say(format!("author {author} {authored} {zone}\ncommitter {committer} {} {zone}\n", self.clock));
        if let Some(encoding) = encoding {
            self.say(format!("encoding {encoding}\n"));
        }
        self.data(message);
        if line.mark > 0 {
            self.say(format!("from :{}\n", line.mark));
        }
        for other in others {
            self.say(format!("merge :{other}\n"));
        }
        for path in before.0.keys().filter(|path| !line.tree.0.contains_key(*path)) {
            self.stream.extend_from_slice(b"D ");
            self.path(path);
        }
        for (path, (mode, content)) in &line.tree.0 {
            if before.0.get(path).is_some_and(|old| (old.0, &old.1) == (*mode, content)) {
                continue;
            }
            if *mode == 0o160_000 {
                self.say(format!("M 160000 {} ", String::from_utf8_lossy(content)));
                self.path(path);
            } else {
                self.say(format!("M {mode:o} inline "));
                self.path(path);
                self.data(content);
            }
        }
        self.say("\n");
        line.mark = number;
        self.times.push(self.clock);
        // Anything from minutes to four days.
        self.clock += 600 + self.below(4 * 86_400) as i64;
    }

    fn say(&mut self, text: impl AsRef<str>) {
        self.stream.extend_from_slice(text.as_ref().as_bytes());
    }

    fn data(&mut self, bytes: &[u8]) {
        self.say(format!("data {}\n", bytes.len()));
        self.stream.extend_from_slice(bytes);
        self.say("\n");
    }

    fn path(&mut self, path: &[u8]) {
        self.stream.push(b'"');
        for byte in path {
            match byte {
                b'\n' => self.stream.extend_from_slice(b"\\n"),
                b'"' | b'\\' => self.stream.extend_from_slice(&[b'\\', *byte]),
                byte => self.stream.push(*byte),
            }
        }
        self.stream.extend_from_slice(b"\"\n");
    }

    /// Makes the repository.
    pub(super) fn import(&self, repository: &Path) -> Result<()> {
        fs::create_dir_all(repository)?;
        git::output(git::git(repository).args(["init", "--quiet", "--bare", "--initial-branch=main"]))?;
        let stream = repository.join("fast-import-stream");
        fs::write(&stream, &self.stream)?;
        let mut import = git::git(repository);
        import.args(["fast-import", "--quiet", "--force"]).stdin(Stdio::from(fs::File::open(&stream)?));
        git::output(&mut import).context("git cannot import the generated history")?;
        fs::remove_file(stream)?;
        git::output(git::git(repository).args(["update-ref", "-d", "refs/heads/scratch"]))?;
        Ok(())
    }
}
