//! Changes that are not committed: as the system's git sees them in a work tree, or as somebody sends them.

mod unified;

use std::path::PathBuf;
use std::process::Command;

use docassist_graph::Graph;
use docassist_graph::analysis::impact::DiffRequest;
use docassist_model::findings::Answer;
use docassist_model::findings::impact::DiffImpact;
use docassist_model::{ChangeStatus, ErrorCode, FileChange};

use crate::analyse::{Question, find_people, find_repo};
use crate::{App, AppError, now};

/// Untracked files that are read to count their lines, and how large one may be.
const MAX_UNTRACKED: usize = 1_000;
const MAX_UNTRACKED_BYTES: u64 = 16 * 1024 * 1024;

pub use unified::UnifiedDiff;

/// A change that somebody sends: the service has no work tree to look at.
#[derive(Debug, Clone, Default)]
pub struct ChangeQuery {
    /// The changed files.
    pub files: Vec<FileChange>,
    /// The repository; the only one there is if `None`.
    pub repo: Option<String>,
    /// Texts that may refer to tickets: a title, a branch's name, messages.
    pub message: String,
    /// Whose change it is, by address or name. Somebody who never committed here is nobody.
    pub authors: Vec<String>,
}

/// A change in a work tree or between two commits.
#[derive(Debug, Clone, Default)]
pub struct DiffQuery {
    /// A folder in the work tree.
    pub folder: PathBuf,
    /// `None`: what is not committed. `BASE..HEAD` or `BASE...HEAD`: between those. `BASE`: from there to the work tree.
    pub base: Option<String>,
    /// The repository's name here; found by the folder if `None`.
    pub repo: Option<String>,
}

impl App {
    /// What a change that is not committed, or a range of commits, touches.
    ///
    /// # Errors
    /// When the folder is in no synced repository, or git cannot compare.
    pub fn impact_of_diff(&self, query: &DiffQuery, question: Question) -> Result<Answer<DiffImpact>, AppError> {
        let root = git(query, &["rev-parse", "--show-toplevel"])?;
        let root = PathBuf::from(root.trim_end());
        let graph = self.graph()?;
        let repo = match find_repo(&graph, query.repo.as_deref())? {
            Some(repo) => repo,
            None => self.repo_at(&graph, &root)?,
        };
        let base = query.base.as_deref().unwrap_or("HEAD");
        if base.starts_with('-') {
            return Err(AppError::new(ErrorCode::InvalidInput, format!("`{base}` is no commit")));
        }
        let query = &DiffQuery { folder: root, ..query.clone() };
        let options = ["-c", "diff.renameLimit=1000", "diff", "--no-ext-diff", "--no-textconv", "-M", "-z"];
        let ask = |format: &[&str]| {
            let arguments: Vec<&str> = options.iter().chain(format).copied().chain([base, "--"]).collect();
            git(query, &arguments)
        };
        let mut files = parse_numstat(&ask(&["--numstat"])?, &parse_names(&ask(&["--name-status"])?));
        let range_of_commits = base.contains("..");
        if !range_of_commits {
            files.extend(untracked(query)?);
        }
        let mut text = git(query, &["rev-parse", "--abbrev-ref", "HEAD"]).unwrap_or_default();
        let mut authors = Vec::new();
        if range_of_commits {
            text = git(query, &["log", "--format=%B", base, "--"])?;
            let addresses = git(query, &["log", "--format=%aE", base, "--"])?;
            for address in addresses.lines().collect::<std::collections::BTreeSet<_>>() {
                authors.extend(find_people(&graph, address).unwrap_or_default());
            }
        } else if let Ok(address) = git(query, &["config", "user.email"]) {
            // Somebody who never committed here is nobody's author yet.
            authors = find_people(&graph, address.trim()).unwrap_or_default();
        }
        let range = if range_of_commits { base.to_owned() } else { format!("{base} and the work tree") };
        let request = DiffRequest { repo, range, files, text, authors };
        let limit = question.limit.unwrap_or(Question::DEFAULT_LIMIT);
        Ok(graph.impact_of_diff(&request, question.as_of.unwrap_or_else(now), limit))
    }

    /// What a change that somebody sends touches.
    ///
    /// # Errors
    /// When the repository is not known, or there are several and none is named.
    pub fn impact_of_change(&self, query: &ChangeQuery, question: Question) -> Result<Answer<DiffImpact>, AppError> {
        let graph = self.graph()?;
        let names = graph.repo_names();
        let name = match (query.repo.as_deref(), names.as_slice()) {
            (Some(name), _) => Some(name),
            (None, [only]) => Some(only.as_str()),
            (None, _) => None,
        };
        let repo = find_repo(&graph, name)?.ok_or_else(|| {
            AppError::new(ErrorCode::InvalidInput, "say which repository the change is in").candidates(names)
        })?;
        let mut authors = Vec::new();
        for author in &query.authors {
            authors.extend(find_people(&graph, author).unwrap_or_default());
        }
        let request = DiffRequest {
            repo,
            range: "the change as sent".to_owned(),
            files: query.files.clone(),
            text: query.message.clone(),
            authors,
        };
        let limit = question.limit.unwrap_or(Question::DEFAULT_LIMIT);
        Ok(graph.impact_of_diff(&request, question.as_of.unwrap_or_else(now), limit))
    }

    /// The synced repository whose work tree is at `root`, or the only one there is.
    fn repo_at(&self, graph: &Graph, root: &std::path::Path) -> Result<docassist_graph::RepoId, AppError> {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let sources = self.store.sources(&self.scope)?;
        let here = sources.iter().find(|source| std::path::Path::new(&source.location) == root);
        let names = graph.repo_names();
        let name = match (here, names.as_slice()) {
            (Some(source), _) => Some(source.name.as_str()),
            (None, [only]) => Some(only.as_str()),
            _ => None,
        };
        let repo = find_repo(graph, name)?;
        repo.ok_or_else(|| {
            AppError::new(ErrorCode::NotFound, format!("the repository at {} is not synced", root.display()))
                .hint("Run `docassist sync git .` there first, or name a synced one with --repo.")
                .candidates(names)
        })
    }
}

fn git(query: &DiffQuery, arguments: &[&str]) -> Result<String, AppError> {
    let output =
        Command::new("git").arg("-C").arg(&query.folder).args(arguments).output().map_err(|error| {
            AppError::new(ErrorCode::SourceUnreadable, format!("git could not be started: {error}"))
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let first = message.lines().next().unwrap_or("no reason given").to_owned();
    // Settings (`-c name=value`) may stand before the command's name.
    let command = arguments.iter().find(|word| !word.starts_with('-') && !word.contains('=')).unwrap_or(&"");
    Err(AppError::new(ErrorCode::InvalidInput, format!("git {command}: {first}"))
        .hint("Run it inside a work tree, and name a commit, a branch or a range that exists there."))
}

/// Status letter and earlier path by path.
fn parse_names(text: &str) -> std::collections::HashMap<String, (ChangeStatus, Option<String>)> {
    let mut names = std::collections::HashMap::new();
    let mut parts = text.split('\0');
    while let Some(letter) = parts.next().filter(|letter| !letter.is_empty()) {
        let Some(first) = parts.next() else { break };
        let status = ChangeStatus::from_letter(letter).unwrap_or(ChangeStatus::Modified);
        if letter.starts_with(['R', 'C']) {
            let Some(second) = parts.next() else { break };
            names.insert(second.to_owned(), (status, Some(first.to_owned())));
        } else {
            names.insert(first.to_owned(), (status, None));
        }
    }
    names
}

fn parse_numstat(
    text: &str,
    names: &std::collections::HashMap<String, (ChangeStatus, Option<String>)>,
) -> Vec<FileChange> {
    let mut files = Vec::new();
    let mut parts = text.split('\0');
    while let Some(entry) = parts.next().filter(|entry| !entry.is_empty()) {
        let mut fields = entry.splitn(3, '\t');
        let (Some(additions), Some(deletions), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            break;
        };
        let path = if path.is_empty() {
            // A rename: the two paths follow.
            let _from = parts.next();
            parts.next().unwrap_or_default().to_owned()
        } else {
            path.to_owned()
        };
        let (status, from) = names.get(&path).cloned().unwrap_or((ChangeStatus::Modified, None));
        files.push(FileChange {
            from,
            status,
            additions: additions.parse().unwrap_or(0),
            deletions: deletions.parse().unwrap_or(0),
            binary: additions == "-",
            path,
        });
    }
    files
}

/// Files that git does not track and does not ignore: new, as far as the change goes.
fn untracked(query: &DiffQuery) -> Result<Vec<FileChange>, AppError> {
    let listing = git(query, &["ls-files", "--others", "--exclude-standard", "-z"])?;
    let paths = listing.split('\0').filter(|path| !path.is_empty()).take(MAX_UNTRACKED);
    Ok(paths
        .map(|path| {
            let full = query.folder.join(path);
            let small =
                full.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_UNTRACKED_BYTES);
            let content = if small { std::fs::read(&full).unwrap_or_default() } else { Vec::new() };
            let binary = !small || content.iter().take(8_000).any(|&byte| byte == 0);
            let feeds = content.iter().filter(|&&byte| byte == b'\n').count();
            let lines = feeds + usize::from(content.last().is_some_and(|&byte| byte != b'\n'));
            FileChange {
                path: path.to_owned(),
                from: None,
                status: ChangeStatus::Added,
                additions: if binary { 0 } else { u32::try_from(lines).unwrap_or(u32::MAX) },
                deletions: 0,
                binary,
            }
        })
        .collect())
}
