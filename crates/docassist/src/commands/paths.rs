//! Paths as people type them: from the repository's root, or from the folder that they are in.

use std::path::{Path, PathBuf};

use docassist_app::{App, PathQuery};

use crate::cli::PathArgs;
use crate::failure::Failure;

/// The files that paths mean. Inside the work tree of a synced repository a path that exists from here, and not from its
/// root, is turned into one from its root; and that repository is meant unless another is named.
pub(crate) fn query(app: &App, arguments: PathArgs) -> Result<PathQuery, Failure> {
    let PathArgs { paths, repo } = arguments;
    let Some(here) = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok()) else {
        return Ok(PathQuery { paths, repo });
    };
    let sources = app.status(false)?.body.sources;
    // A repository may lie within another one: the innermost is meant.
    let around = |path: &Path| {
        let roots = sources.iter().filter(|source| source.kind == "git" && path.starts_with(&source.location));
        roots.max_by_key(|source| source.location.len())
    };
    let mut repos: Vec<Option<&str>> = Vec::new();
    let mut translated = Vec::new();
    for path in &paths {
        let found = here.join(path).canonicalize().ok();
        let source = around(found.as_deref().unwrap_or(&here));
        let source = source.filter(|source| repo.as_ref().is_none_or(|repo| *repo == source.name));
        let (Some(found), Some(source)) = (found, source) else {
            repos.push(None);
            translated.push(path.clone());
            continue;
        };
        let root = PathBuf::from(&source.location);
        repos.push(Some(&source.name));
        let from_root = found.strip_prefix(&root).ok().map(slashed);
        let stays = Path::new(path).is_relative() && root.join(path).exists();
        translated.push(from_root.filter(|_| !stays).unwrap_or_else(|| path.clone()));
    }
    let common = repos.first().copied().flatten().filter(|first| repos.iter().all(|repo| *repo == Some(*first)));
    Ok(PathQuery { paths: translated, repo: repo.or_else(|| common.map(str::to_owned)) })
}

/// With the separators that git uses.
fn slashed(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
