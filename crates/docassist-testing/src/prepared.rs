//! Data that takes long to make and is made once: histories for benchmarks, below a target folder.

use std::path::{Path, PathBuf};

use crate::random::mix;

/// What the generated data depends on, in this crate.
const GENERATOR: [&str; 10] = [
    "backlog.rs",
    "history.rs",
    "history",
    "random.rs",
    "records.rs",
    "records",
    "repository.rs",
    "repository",
    "shape.rs",
    "words.rs",
];

/// The folder `name` below `root`, made with `make` unless that was done before with the same generator and the same
/// `sources` (files or folders of program text that the data depends on as well). What older versions made goes.
///
/// # Panics
/// When the folder cannot be made.
pub fn prepared(root: &Path, name: &str, sources: &[&Path], make: impl FnOnce(&Path)) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let all = GENERATOR.iter().map(|file| own.join(file)).chain(sources.iter().map(|&source| source.to_owned()));
    let mut fingerprint = 0;
    all.for_each(|source| fingerprint = fold(fingerprint, &source));
    let folder = root.join(format!("{name}.{fingerprint:016x}"));
    if folder.exists() {
        return folder;
    }
    std::fs::create_dir_all(root).expect("the folder for prepared data can be made");
    for entry in std::fs::read_dir(root).expect("the folder for prepared data can be read").flatten() {
        // `name.` and nothing else: a name may be the beginning of another.
        let found = entry.file_name();
        if found.to_str().and_then(|found| found.strip_prefix(name)).is_some_and(|rest| rest.starts_with('.')) {
            // Another process may do the same at the same time; then one of them finds nothing to remove.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let unfinished = root.join(format!("{name}.{}.unfinished", std::process::id()));
    std::fs::create_dir_all(&unfinished).expect("a folder for prepared data can be made");
    make(&unfinished);
    if std::fs::rename(&unfinished, &folder).is_err() {
        assert!(folder.exists(), "prepared data can be moved to {}", folder.display());
    }
    folder
}

/// Adds names and contents to a hash.
fn fold(hash: u64, path: &Path) -> u64 {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(path).expect("sources can be read").flatten().map(|entry| entry.path()).collect();
        entries.sort();
        return entries.iter().fold(hash, |hash, entry| fold(hash, entry));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let content = std::fs::read(path).unwrap_or_default();
    name.bytes().chain(content).fold(hash, |hash, byte| mix(hash ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_made_once_and_again_when_a_source_changes() {
        let root = tempfile::tempdir().unwrap();
        let source = root.path().join("source.rs");
        let mut made = 0;
        let mut prepare = |text: &str| {
            std::fs::write(&source, text).unwrap();
            prepared(&root.path().join("data"), "big", &[&source], |folder| {
                made += 1;
                std::fs::write(folder.join("file"), "x").unwrap();
            })
        };
        let (first, again) = (prepare("one"), prepare("one"));
        assert_eq!(first, again);
        let changed = prepare("two");
        assert!(changed.join("file").exists() && !first.exists());
        assert_eq!(made, 2);
    }
}
