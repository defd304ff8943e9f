//! Compares the changes of every commit, and their line counts, with the export.
//!
//! Rename detection and diffs are heuristics that two sound programs may do differently at the edges, so that a small part
//! may differ; how much exactly is printed.

use rustc_hash::FxHashMap;

use super::export::{Export, ExportedChange};
use super::git::{Change, History};
use super::report::Section;

/// At least this part of the changes agrees in status and rename source …
const SAME_CHANGES: f64 = 0.999;
/// … this part in its line counts …
const SAME_LINES: f64 = 0.995;
/// … and the totals of lines differ by no more than this part.
const TOTALS_APART: f64 = 0.001;
/// How many differences are shown.
const SHOWN: usize = 15;

/// Compares all changes.
pub(crate) fn compare(history: &History, export: &Export) -> Section {
    let mut section = Section::new("file changes");
    let mut ours: FxHashMap<(&str, &str), &Change> = FxHashMap::default();
    for (sha, changes) in &history.changes {
        ours.extend(changes.iter().map(|change| ((sha.as_str(), change.path.as_str()), change)));
    }
    let theirs: FxHashMap<(&str, &str), &ExportedChange> =
        export.changes.iter().map(|((sha, path), change)| ((sha.as_str(), path.as_str()), change)).collect();
    let sources: FxHashMap<(&str, &str), &str> =
        export.renames.iter().map(|((sha, path), old)| ((sha.as_str(), path.as_str()), old.as_str())).collect();
    let mut all: Vec<(&str, &str)> = ours.keys().chain(theirs.keys()).copied().collect();
    all.sort_unstable();
    all.dedup();
    section.compared = all.len();

    let (mut other_change, mut other_lines) = (Vec::new(), Vec::new());
    for (sha, path) in all.iter().copied() {
        let source = sources.get(&(sha, path)).copied();
        let place = format!("{} {path}", &sha[..sha.len().min(12)]);
        match (ours.get(&(sha, path)), theirs.get(&(sha, path))) {
            (Some(git), Some(product)) => {
                if (git.status, git.source.as_deref()) != (product.status, source) {
                    let (git, product) = (name(git.status, git.source.as_deref()), name(product.status, source));
                    other_change.push(format!("{place}: git {git}, product {product}"));
                }
                let marked = product.binary.unwrap_or(git.binary);
                if (git.added, git.deleted, git.binary) != (product.added, product.deleted, marked) {
                    let ours = counts(git.added, git.deleted, git.binary);
                    other_lines.push(format!(
                        "{place}: git {ours}, product {}",
                        counts(product.added, product.deleted, marked)
                    ));
                }
            }
            (Some(git), None) => {
                other_change.push(format!("{place}: git {}, product nothing", name(git.status, git.source.as_deref())));
                other_lines
                    .push(format!("{place}: git {}, product nothing", counts(git.added, git.deleted, git.binary)));
            }
            (None, Some(product)) => {
                other_change.push(format!("{place}: git nothing, product {}", name(product.status, source)));
                let counts = counts(product.added, product.deleted, false);
                other_lines.push(format!("{place}: git nothing, product {counts}"));
            }
            (None, None) => {}
        }
    }
    // A rename edge without a change would be a rename that `changes` keeps silent about.
    for (sha, path) in sources.keys().filter(|place| !theirs.contains_key(*place)) {
        section.mismatch(format!("{sha} {path}: a `renamed` edge without a `changes` edge"));
    }
    judge(&mut section, "status and rename source", all.len(), &other_change, SAME_CHANGES);
    judge(&mut section, "line counts", all.len(), &other_lines, SAME_LINES);
    let git = ours.values().fold((0, 0), |(added, deleted), c| (added + c.added, deleted + c.deleted));
    let product = theirs.values().fold((0, 0), |(added, deleted), c| (added + c.added, deleted + c.deleted));
    totals(&mut section, "additions", git.0, product.0);
    totals(&mut section, "deletions", git.1, product.1);
    section
}

fn judge(section: &mut Section, what: &str, all: usize, different: &[String], enough: f64) {
    let same = all - different.len();
    let part = if all == 0 { 1.0 } else { same as f64 / all as f64 };
    let figure = format!("{what}: {same} of {all} equal ({:.3} %, wanted {:.1} %)", part * 100.0, enough * 100.0);
    let mut lines: Vec<String> = vec![figure];
    lines.extend(different.iter().take(SHOWN).map(|text| format!("  {text}")));
    if different.len() > SHOWN {
        lines.push(format!("  … and {} more", different.len() - SHOWN));
    }
    if part < enough { section.mismatch(lines.join("\n")) } else { section.notes.extend(lines) }
}

fn totals(section: &mut Section, what: &str, git: u64, product: u64) {
    let apart = git.abs_diff(product) as f64 / git.max(1) as f64;
    let figure = format!("{what}: git {git}, product {product} ({:.4} % apart)", apart * 100.0);
    if apart > TOTALS_APART { section.mismatch(figure) } else { section.note(figure) }
}

fn name(status: char, source: Option<&str>) -> String {
    source.map_or_else(|| status.to_string(), |source| format!("{status} from {source}"))
}

fn counts(added: u64, deleted: u64, binary: bool) -> String {
    if binary { "binary".to_owned() } else { format!("+{added} -{deleted}") }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::history;
    use super::*;

    fn exported(history: &History) -> Export {
        let mut export = Export::default();
        for (sha, changes) in &history.changes {
            for change in changes {
                let place = (sha.clone(), change.path.clone());
                if let Some(source) = &change.source {
                    export.renames.insert(place.clone(), source.clone());
                }
                let (added, deleted) = (change.added, change.deleted);
                export.changes.insert(place, ExportedChange { status: change.status, added, deleted, binary: None });
            }
        }
        export
    }

    fn place(sha: &str, path: &str) -> (String, String) {
        (sha.to_owned(), path.to_owned())
    }

    #[test]
    fn an_export_that_tells_the_same_is_the_same() {
        let history = history("c0 A:a A:b\n c1 R:a>c M:b\n c2 D:c");
        let section = compare(&history, &exported(&history));
        assert_eq!((section.compared, section.mismatches()), (5, 0), "{:?}", section.shown());
    }

    #[test]
    fn a_lost_rename_a_wrong_status_and_wrong_lines_are_found() {
        let history = history("c0 A:a A:b\n c1 R:a>c M:b\n c2 D:c");
        let mut export = exported(&history);
        export.renames.clear();
        assert_eq!(compare(&history, &export).mismatches(), 1);
        let mut export = exported(&history);
        export.changes.remove(&place("c2", "c"));
        // The share of equal changes, of equal counts, and the sum of additions.
        assert_eq!(compare(&history, &export).mismatches(), 3);
        let mut export = exported(&history);
        export.changes.get_mut(&place("c1", "b")).unwrap().binary = Some(true);
        assert_eq!(compare(&history, &export).mismatches(), 1);
    }

    #[test]
    fn a_few_different_counts_in_many_are_let_pass_and_told() {
        let many: String = (0..2000).map(|n| format!(" A:f{n}")).collect();
        let history = history(&format!("c0{many}"));
        let mut export = exported(&history);
        export.changes.get_mut(&place("c0", "f7")).unwrap().added = 2;
        let section = compare(&history, &export);
        assert_eq!(section.mismatches(), 0, "{:?}", section.shown());
        assert!(section.notes.iter().any(|note| note.contains("c0 f7: git +1 -0, product +2 -0")));
    }
}
