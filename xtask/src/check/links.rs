//! Links in Markdown documents: those that point to files must find one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Checks the documents at the root and below `docs/`.
pub(super) fn check() -> Result<()> {
    let root = workspace::root();
    let mut documents = Vec::new();
    collect(&root, false, &mut documents)?;
    if root.join("docs").is_dir() {
        collect(&root.join("docs"), true, &mut documents)?;
    }
    let mut broken = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
        for (line, target) in targets(&text) {
            if !leads_somewhere(&root, document, &target) {
                let name = document.strip_prefix(&root).unwrap_or(document);
                broken.push(format!("{}:{line}: there is no {target}", name.display()));
            }
        }
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    println!("{} documents", documents.len());
    Ok(())
}

fn collect(folder: &Path, deep: bool, documents: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            if deep {
                collect(&path, deep, documents)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    Ok(())
}

fn leads_somewhere(root: &Path, document: &Path, target: &str) -> bool {
    let target = target.trim_start_matches('<').trim_end_matches('>');
    let path = target.split(['#', '?']).next().unwrap_or_default();
    // A scheme, an address, or a place in this very document.
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return true;
    }
    let path = path.replace("%20", " ");
    match path.strip_prefix('/') {
        Some(from_root) => root.join(from_root).exists(),
        None => document.parent().unwrap_or(root).join(&path).exists(),
    }
}

/// The targets of `[text](target)` and `[label]: target`, with their lines; code is not looked at.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for (number, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| start.starts_with(marker));
        match (fence, marker) {
            (None, Some(marker)) => fence = Some(marker),
            (Some(open), Some(marker)) if open == marker => fence = None,
            _ => {}
        }
        if fence.is_some() || marker.is_some() {
            continue;
        }
        // Every other piece between backticks is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (at, _) in prose.match_indices("](") {
            let rest = &prose[at + 2..];
            let end = rest.find([')', ' ']).unwrap_or(rest.len());
            found.push((number + 1, rest[..end].to_owned()));
        }
        if let Some((label, target)) = prose.split_once("]: ")
            && label.starts_with('[')
            && !label.starts_with("[^")
        {
            found.push((number + 1, target.split_whitespace().next().unwrap_or_default().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "See [a](a.md) and ![b](img/b.png \"title\").\n```\n[no](no.md)\n```\n`[no](no.md)` [c](c.md#x)\n[d]: d.md\n";
        let found: Vec<String> = targets(text).into_iter().map(|(line, target)| format!("{line} {target}")).collect();
        assert_eq!(found, ["1 a.md", "1 img/b.png", "5 c.md#x", "6 d.md"]);
    }

    #[test]
    fn links_to_files_must_find_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("docs")).unwrap();
        fs::write(root.join("README.md"), "").unwrap();
        let document = root.join("docs/a.md");
        let good = |target: &str| leads_somewhere(root, &document, target);
        for target in
            ["../README.md", "../README.md#x", "/README.md", "#here", "https://example.org/x", "mailto:a@b", "."]
        {
            assert!(good(target), "{target}");
        }
        assert!(!good("README.md") && !good("../docs/none.md"));
    }
}
