//! The files of a generated history: which there are, how often each is changed, and what they were called.

use std::collections::HashSet;

use crate::random::{Random, mix};
use crate::words;

/// Ranks that are equally hot; with the logarithm of the number of files it decides how often the hottest file changes.
const HEAD: u32 = 16;

/// A file over all its names.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Its present path, an index into [`Tree::paths`].
    pub(crate) path: u32,
    pub(crate) folder: u32,
    pub(crate) lines: u32,
    pub(crate) alive: bool,
    /// Test of this source, or source of this test.
    pub(crate) partner: Option<u32>,
    /// The last commit that changed it.
    pub(crate) touched: u32,
    /// Place among the living, hottest first.
    rank: u32,
}

/// What a folder holds, and so what its files are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Java,
    Python,
    TypeScript,
    Rust,
    Go,
    Docs,
    Config,
}

#[derive(Debug, Clone)]
struct Folder {
    path: String,
    /// Where tests of its sources are.
    tests: String,
    style: Style,
    files: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct Tree {
    /// Every path that was ever given out, by number.
    pub(crate) paths: Vec<Box<str>>,
    pub(crate) files: Vec<File>,
    taken: HashSet<u64>,
    ranked: Vec<u32>,
    folders: Vec<Folder>,
    modules: Vec<(String, Style)>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            paths: Vec::new(),
            files: Vec::new(),
            taken: HashSet::new(),
            ranked: Vec::new(),
            folders: Vec::new(),
            modules: Vec::new(),
        }
    }

    /// The files that every repository has at its root, which stay among the hottest.
    pub(crate) fn plant(&mut self, random: &mut Random) -> Vec<u32> {
        let root = self.push_folder(String::new(), "tests".to_owned(), Style::Config);
        ["README.md", "CHANGELOG.md", "build.gradle", "package.json", ".gitignore", ".github/workflows/build.yml"]
            .into_iter()
            .chain(["docs/index.md", "docs/upgrade.md", "LICENSE", "gradle/dependencies.gradle"])
            .filter_map(|path| self.push_file(path.to_owned(), root, random))
            .collect()
    }

    pub(crate) fn alive(&self) -> u32 {
        self.ranked.len() as u32
    }

    pub(crate) fn path(&self, path: u32) -> &str {
        &self.paths[path as usize]
    }

    pub(crate) fn path_of(&self, file: u32) -> &str {
        self.path(self.files[file as usize].path)
    }

    /// The living files.
    pub(crate) fn living(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.alive)
    }

    /// A file, the hot ones likelier.
    pub(crate) fn pick_hot(&self, random: &mut Random) -> Option<u32> {
        self.ranked.get(random.zipf(self.alive(), HEAD) as usize).copied()
    }

    /// Any file, all alike.
    pub(crate) fn pick_any(&self, random: &mut Random) -> Option<u32> {
        self.ranked.get(random.below(self.alive()) as usize).copied()
    }

    /// A file of the same folder, those that were there first likelier.
    pub(crate) fn pick_beside(&self, file: u32, random: &mut Random) -> Option<u32> {
        let files = &self.folders[self.files[file as usize].folder as usize].files;
        files.get(random.zipf(files.len() as u32, 2) as usize).copied()
    }

    /// A file that the owner of `seed` works on: everybody has folders of their own.
    pub(crate) fn pick_of_owner(&self, seed: u64, random: &mut Random) -> Option<u32> {
        let home = (mix(seed) % self.folders.len().max(1) as u64) as u32;
        let folder = (home + random.zipf(12, 2)) as usize % self.folders.len().max(1);
        let files = &self.folders.get(folder)?.files;
        files.get(random.zipf(files.len() as u32, 2) as usize).copied()
    }

    /// New files: one, or one and its test; now and then the first of a new folder or module.
    pub(crate) fn grow(&mut self, random: &mut Random, new: &mut Vec<u32>) {
        let fresh = self.folders.len() < 4 || random.chance(70);
        let folder = if fresh { self.new_folder(random, new) } else { self.existing_folder(random) };
        for _ in 0..4 {
            let (path, test) = self.new_name(folder, random);
            let Some(file) = self.push_file(path, folder, random) else { continue };
            new.push(file);
            if random.chance(450)
                && let Some(test) = test
                && let Some(test) = self.push_file(test, folder, random)
            {
                self.files[file as usize].partner = Some(test);
                self.files[test as usize].partner = Some(file);
                new.push(test);
            }
            return;
        }
    }

    /// A new page of decisions.
    pub(crate) fn decide(&mut self, number: u32, random: &mut Random) -> Option<u32> {
        let (noun, role) = (words::noun(random), random.pick(&words::ROLES));
        self.push_file(format!("docs/adr/{number:04}-use-one-{noun}-{role}.md"), 0, random)
    }

    /// The file's next name: another name, or the same in another folder. Its old path is returned.
    pub(crate) fn rename(&mut self, file: u32, random: &mut Random) -> Option<u32> {
        let old = self.files[file as usize].path;
        let folder = self.files[file as usize].folder;
        let moved = random.chance(500);
        let target = if moved { self.existing_folder(random) } else { folder };
        let path = if moved && self.folders[target as usize].style == self.folders[folder as usize].style {
            join(&self.folders[target as usize].path, base(self.path(old)))
        } else {
            self.new_name(folder, random).0
        };
        self.renamed(file, path)
    }

    /// Moves all the files directly in a folder of at least two; pairs of file and old path.
    pub(crate) fn move_folder(&mut self, random: &mut Random) -> Vec<(u32, u32)> {
        let folder = self.existing_folder(random) as usize;
        if folder == 0 || self.folders[folder].files.len() < 2 {
            return Vec::new();
        }
        let (parent, last) = self.folders[folder].path.rsplit_once('/').unwrap_or(("", &self.folders[folder].path));
        let target = match random.below(3) {
            0 => join(parent, &format!("{last}{}", random.below(10))),
            1 => join(&join(parent, "internals"), last),
            _ => join(parent, words::noun(random)),
        };
        let before = std::mem::replace(&mut self.folders[folder].path, target.clone());
        let files = self.folders[folder].files.clone();
        files
            .into_iter()
            .filter_map(|file| {
                // Tests lie elsewhere, though they belong to the folder.
                let rest = self.path_of(file).strip_prefix(&before)?.strip_prefix('/')?;
                let path = join(&target, rest);
                self.renamed(file, path).map(|old| (file, old))
            })
            .collect()
    }

    fn renamed(&mut self, file: u32, path: String) -> Option<u32> {
        let new = self.push_path(path)?;
        Some(std::mem::replace(&mut self.files[file as usize].path, new))
    }

    pub(crate) fn delete(&mut self, file: u32) {
        let File { rank, folder, .. } = self.files[file as usize];
        self.files[file as usize].alive = false;
        self.ranked.swap_remove(rank as usize);
        if let Some(&moved) = self.ranked.get(rank as usize) {
            self.files[moved as usize].rank = rank;
        }
        self.folders[folder as usize].files.retain(|&other| other != file);
    }

    fn push_file(&mut self, path: String, folder: u32, random: &mut Random) -> Option<u32> {
        let path = self.push_path(path)?;
        let number = self.files.len() as u32;
        let lines = if random.chance(30) { 0 } else { 20 };
        let lines = lines + random.doubling(9).min(380);
        self.files.push(File { path, folder, lines, alive: true, partner: None, touched: u32::MAX, rank: 0 });
        // It takes the rank of any other, so that heat does not follow age.
        let rank = random.below(self.alive() + 1);
        self.ranked.push(number);
        let last = self.ranked.len() - 1;
        self.ranked.swap(rank as usize, last);
        for at in [rank as usize, last] {
            let there = self.ranked[at];
            self.files[there as usize].rank = at as u32;
        }
        self.folders[folder as usize].files.push(number);
        Some(number)
    }

    /// The number of a path; `None` where it was given out before.
    fn push_path(&mut self, path: String) -> Option<u32> {
        let hash = path
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        if !self.taken.insert(hash) {
            return None;
        }
        self.paths.push(path.into_boxed_str());
        Some(self.paths.len() as u32 - 1)
    }

    fn existing_folder(&self, random: &mut Random) -> u32 {
        // New folders are where work goes on.
        let count = self.folders.len() as u32;
        count - 1 - random.zipf(count, 32)
    }

    fn push_folder(&mut self, path: String, tests: String, style: Style) -> u32 {
        self.folders.push(Folder { path, tests, style, files: Vec::new() });
        self.folders.len() as u32 - 1
    }

    fn new_folder(&mut self, random: &mut Random, new: &mut Vec<u32>) -> u32 {
        let count = self.modules.len() as u32;
        let module = if count == 0 || random.chance(60) {
            self.new_module(random, new);
            count
        } else {
            random.zipf(count, 4)
        };
        let (name, style) = self.modules[module as usize].clone();
        let mut inner = words::noun(random).to_owned();
        while random.chance(300) {
            inner.push('/');
            inner.push_str(words::noun(random));
        }
        let short = name.rsplit('/').next().unwrap_or(&name).replace('-', "");
        let (path, tests) = match style {
            Style::Java => (
                format!("{name}/src/main/java/org/acme/{short}/{inner}"),
                format!("{name}/src/test/java/org/acme/{short}/{inner}"),
            ),
            Style::Python => (format!("{name}/{short}/{inner}"), format!("{name}/tests/{inner}")),
            Style::TypeScript | Style::Rust => (format!("{name}/src/{inner}"), format!("{name}/tests/{inner}")),
            Style::Go => (format!("{name}/internal/{inner}"), format!("{name}/internal/{inner}")),
            Style::Docs | Style::Config => (format!("{name}/{inner}"), String::new()),
        };
        self.push_folder(path, tests, style)
    }

    fn new_module(&mut self, random: &mut Random, new: &mut Vec<u32>) {
        const CODE: [Style; 5] = [Style::Java, Style::Python, Style::TypeScript, Style::Rust, Style::Go];
        let mut name = random.pick(&words::MODULES).to_owned();
        if random.chance(600) {
            name = format!("{name}-{}", words::noun(random));
        }
        // By turns, so that small histories have every kind too; half of the code is in one language, as in most places.
        let (name, style) = match self.modules.len() % 10 {
            2 | 9 => (format!("docs/{name}"), Style::Docs),
            5 => (format!("config/{name}"), Style::Config),
            0 | 1 | 4 | 7 => (name, Style::Java),
            _ => (format!("services/{name}"), CODE[random.below(5) as usize]),
        };
        let manifest = match style {
            Style::Java => "build.gradle",
            Style::Python => "pyproject.toml",
            Style::TypeScript => "package.json",
            Style::Rust => "Cargo.toml",
            Style::Go => "go.mod",
            Style::Docs | Style::Config => "README.md",
        };
        new.extend(self.push_file(join(&name, manifest), 0, random));
        self.modules.push((name, style));
    }

    /// A path for a new file of a folder, and one for its test.
    fn new_name(&self, folder: u32, random: &mut Random) -> (String, Option<String>) {
        let Folder { path, tests, style, .. } = &self.folders[folder as usize];
        let mut parts = vec![words::noun(random), random.pick(&words::ROLES)];
        if random.chance(500) {
            parts.insert(0, words::noun(random));
        }
        let snake = parts.join("_");
        let pascal: String = parts.iter().flat_map(|part| capitalised(part)).collect();
        let (name, test) = match style {
            Style::Java => (format!("{pascal}.java"), Some(format!("{pascal}Test.java"))),
            Style::Python => (format!("{snake}.py"), Some(format!("test_{snake}.py"))),
            Style::TypeScript => (format!("{pascal}.ts"), Some(format!("{pascal}.test.ts"))),
            Style::Rust => (format!("{snake}.rs"), Some(format!("{snake}.rs"))),
            Style::Go => (format!("{snake}.go"), Some(format!("{snake}_test.go"))),
            Style::Docs => (format!("{}.{}", parts.join("-"), if random.chance(60) { "png" } else { "md" }), None),
            Style::Config => {
                let extension = random.pick(&["yaml", "properties", "json", "toml", "sh", "sql"]);
                (format!("{}.{extension}", parts.join("-")), None)
            }
        };
        (join(path, &name), test.map(|test| join(tests, &test)))
    }
}

fn capitalised(word: &str) -> impl Iterator<Item = char> + '_ {
    word.chars().enumerate().map(|(at, letter)| if at == 0 { letter.to_ascii_uppercase() } else { letter })
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
