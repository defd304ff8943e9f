//! What pages and decision records refer to.

use docassist_model::{Decision, Page, PathMention, SourceId};
use rustc_hash::FxHashMap;

use crate::adjacency::Rows;
use crate::graph::{CommitId, DecisionId, DecisionInfo, FileId, Graph, KeyId, PageId, PageInfo, RepoId, SourceInfo};

/// Existing files by base name, so that a page may name a file by the end of its path.
struct FileNames<'a> {
    by_name: FxHashMap<&'a str, Vec<FileId>>,
}

impl<'a> FileNames<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut by_name: FxHashMap<&str, Vec<FileId>> = FxHashMap::default();
        for id in (0..graph.file_count() as u32).map(FileId).filter(|id| graph.files.exists[id.at()]) {
            let path = graph.path(id);
            by_name.entry(path.rsplit('/').next().unwrap_or(path)).or_default().push(id);
        }
        Self { by_name }
    }

    /// The only existing file of a repository whose path ends with `path`.
    fn unique_suffix(&self, graph: &Graph, repo: RepoId, path: &str) -> Option<FileId> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut matching = self.by_name.get(name)?.iter().copied().filter(|&id| {
            let candidate = graph.path(id);
            graph.files.repo[id.at()] == repo
                && candidate.strip_suffix(path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        });
        let first = matching.next()?;
        matching.next().is_none().then_some(first)
    }
}

/// Joins pages to files and keys.
pub(crate) fn pages(
    graph: &mut Graph,
    sources: &[SourceInfo],
    index_of: &FxHashMap<SourceId, u32>,
    pages: Vec<(SourceId, Page)>,
    key_ids: &FxHashMap<&str, KeyId>,
) {
    let names = FileNames::new(graph);
    let mut infos: Vec<PageInfo> = Vec::with_capacity(pages.len());
    for (source, page) in pages {
        let Some(&source) = index_of.get(&source) else { continue };
        let repo = sources[source as usize].repo;
        let mut keys: Vec<(KeyId, u32)> = Vec::new();
        for mention in &page.tickets {
            if let Some(&key) = key_ids.get(mention.key.as_str())
                && graph.projects.has(mention.key.as_str())
                && !keys.iter().any(|(known, _)| *known == key)
            {
                keys.push((key, mention.line));
            }
        }
        let own_file = repo.and_then(|repo| graph.file_at(repo, &page.path));
        let name = &sources[source as usize].name;
        let mut files: Vec<(FileId, u32)> = page
            .paths
            .iter()
            .filter(|mention| !is_elsewhere(&page, mention, name))
            .filter_map(|mention| {
                let file = match repo {
                    Some(repo) => named_file(graph, &names, repo, &page.path, &mention.path),
                    None => only_repo_with(graph, &mention.path),
                };
                file.filter(|file| Some(*file) != own_file).map(|file| (file, mention.line))
            })
            .collect();
        files.sort_unstable();
        files.dedup();
        infos.push(PageInfo {
            source,
            path: page.path,
            title: page.title,
            file: own_file,
            modified: page.modified,
            keys,
            files,
        });
    }
    infos.sort_by(|a, b| (a.source, &a.path).cmp(&(b.source, &b.path)));
    graph.pages = infos;
}

/// Whether a path comes from a link into another repository of a forge (`https://host/owner/name/blob/branch/path`).
fn is_elsewhere(page: &Page, mention: &PathMention, source: &str) -> bool {
    page.links.iter().filter(|link| link.line == mention.line && link.target.contains("://")).any(|link| {
        let Some((before, path)) =
            ["/blob/", "/tree/", "/raw/", "/src/"].iter().find_map(|at| link.target.split_once(at))
        else {
            return false;
        };
        let before = before.trim_end_matches("/-");
        let repository = before.rsplit('/').next().unwrap_or(before);
        path.contains(&mention.path) && !repository.eq_ignore_ascii_case(source)
    })
}

/// The file that a page of a repository names: exactly that path, now or once, or the only existing one that ends so.
fn named_file(graph: &Graph, names: &FileNames<'_>, repo: RepoId, page: &str, path: &str) -> Option<FileId> {
    let exact = graph.file_at(repo, path);
    if exact.is_some_and(|file| graph.files.exists[file.at()]) {
        return exact;
    }
    names.unique_suffix(graph, repo, path).or_else(|| {
        // A bare file name in a folder's page hardly means a file that the root once had.
        exact.filter(|_| path.contains('/') || !page.contains('/'))
    })
}

/// The file of exactly that path in the only repository that has it.
fn only_repo_with(graph: &Graph, path: &str) -> Option<FileId> {
    let mut found = (0..graph.repos.len() as u32).filter_map(|repo| graph.file_at(RepoId(repo), path));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Joins decision records to keys, commits and each other, and numbers them by their ids.
pub(crate) fn decisions(
    graph: &mut Graph,
    sources: &[SourceInfo],
    index_of: &FxHashMap<SourceId, u32>,
    records: Vec<(SourceId, Decision)>,
    key_ids: &FxHashMap<&str, KeyId>,
) {
    let records: Vec<(u32, Decision)> =
        records.into_iter().filter_map(|(source, record)| Some((*index_of.get(&source)?, record))).collect();
    let mut uses: FxHashMap<(u32, u32), usize> = FxHashMap::default();
    for (source, record) in &records {
        if let Some(number) = record.number {
            *uses.entry((*source, number)).or_default() += 1;
        }
    }
    let mut infos: Vec<DecisionInfo> = records
        .into_iter()
        .map(|(source, record)| {
            let name = &sources[source as usize].name;
            let id = match record.number {
                Some(number) if uses.get(&(source, number)) == Some(&1) => format!("{name}/{number:04}"),
                _ => format!("{name}/{}", record.path),
            };
            let mut keys: Vec<KeyId> = record
                .tickets
                .iter()
                .filter(|key| graph.projects.has(key.as_str()))
                .filter_map(|key| key_ids.get(key.as_str()).copied())
                .collect();
            keys.sort_unstable();
            keys.dedup();
            let mut commits: Vec<CommitId> = record
                .commits
                .iter()
                .filter_map(|prefix| match graph.commits_with_prefix(&prefix.to_ascii_lowercase()) {
                    [one] => Some(*one),
                    _ => None,
                })
                .collect();
            commits.sort_unstable();
            commits.dedup();
            let file = sources[source as usize].repo.and_then(|repo| graph.file_at(repo, &record.path));
            DecisionInfo { id, source, file, keys, commits, supersedes: Vec::new(), superseded_by: Vec::new(), record }
        })
        .collect();
    infos.sort_by(|a, b| a.id.cmp(&b.id));
    let mut pairs: Vec<(DecisionId, DecisionId)> = Vec::new();
    for (index, info) in infos.iter().enumerate() {
        let this = DecisionId(index as u32);
        let find = |reference: &String| find_record(&infos, info.source, reference).filter(|other| *other != this);
        pairs.extend(info.record.supersedes.iter().filter_map(find).map(|older| (this, older)));
        pairs.extend(info.record.superseded_by.iter().filter_map(find).map(|newer| (newer, this)));
    }
    pairs.sort_unstable();
    pairs.dedup();
    for (newer, older) in pairs {
        infos[newer.at()].supersedes.push(older);
        infos[older.at()].superseded_by.push(newer);
    }
    graph.decisions = infos;
    let keys = graph.decisions.iter().enumerate();
    let pairs: Vec<(u32, DecisionId)> =
        keys.flat_map(|(index, info)| info.keys.iter().map(move |key| (key.0, DecisionId(index as u32)))).collect();
    graph.key_decisions = Rows::group(key_ids.len(), pairs.into_iter());
    let pairs: Vec<(u32, (PageId, u32))> = graph
        .pages
        .iter()
        .enumerate()
        .flat_map(|(index, page)| page.keys.iter().map(move |(key, line)| (key.0, (PageId(index as u32), *line))))
        .collect();
    graph.key_pages = Rows::group(key_ids.len(), pairs.into_iter());
    let pairs: Vec<(u32, (PageId, u32))> = graph
        .pages
        .iter()
        .enumerate()
        .flat_map(|(index, page)| page.files.iter().map(move |(file, line)| (file.0, (PageId(index as u32), *line))))
        .collect();
    graph.file_pages = Rows::group(graph.file_count(), pairs.into_iter());
}

/// The record of the same source that a path or a number as written means.
fn find_record(infos: &[DecisionInfo], source: u32, reference: &str) -> Option<DecisionId> {
    let of_source = || infos.iter().enumerate().filter(|(_, info)| info.source == source);
    if let Some((index, _)) = of_source().find(|(_, info)| info.record.path == reference) {
        return Some(DecisionId(index as u32));
    }
    let digits: String =
        reference.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let number: u32 = digits.parse().ok()?;
    let mut numbered = of_source().filter(|(_, info)| info.record.number == Some(number));
    let (index, _) = numbered.next()?;
    numbered.next().is_none().then_some(DecisionId(index as u32))
}
