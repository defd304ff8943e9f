//! Reverse relations and the orders that analyses read.

use docassist_model::file_kind::{is_public_interface, is_schema};
use docassist_model::findings::Counts;
use docassist_model::{FileKind, StatusCategory};
use rustc_hash::FxHashSet;

use crate::adjacency::Rows;
use crate::graph::{CommitFlags, CommitId, Facts, FeatureWork, FileId, FileWeight, FolderId, Graph, KeyId, PageId};

/// Derives everything that is not a record. Linear but for the sorts.
pub(crate) fn indexes(graph: &mut Graph) {
    let commits = graph.commit_count() as u32;
    let changes = graph.changes.items();
    graph.file_changes =
        Rows::group(graph.file_count(), changes.iter().enumerate().map(|(at, change)| (change.file.0, at as u32)));
    let moves: Vec<(u32, u32)> =
        changes.iter().enumerate().filter_map(|(at, change)| Some((change.from?.0, at as u32))).collect();
    graph.file_moves = Rows::group(graph.file_count(), moves.into_iter());
    graph.folder_commits = folder_commits(graph);
    let pairs: Vec<(u32, CommitId)> = (0..commits)
        .flat_map(|commit| graph.commit_keys.row(commit).iter().map(move |key| (key.0, CommitId(commit))))
        .collect();
    graph.key_commits = Rows::group(graph.keys.len(), pairs.into_iter());
    people(graph);
    let pairs: Vec<(u32, KeyId)> = (0..graph.tickets.len() as u32)
        .flat_map(|ticket| graph.ticket_mentions.row(ticket).iter().map(move |key| (key.0, KeyId(ticket))))
        .collect();
    graph.mentioned_by = Rows::group(graph.keys.len(), pairs.into_iter());
    let above = |ticket: u32| {
        let info = &graph.tickets[ticket as usize];
        [info.parent, info.epic.filter(|epic| info.parent != Some(*epic))].into_iter().flatten()
    };
    let pairs: Vec<(u32, KeyId)> = (0..graph.tickets.len() as u32)
        .flat_map(|ticket| above(ticket).map(move |key| (key.0, KeyId(ticket))))
        .collect();
    graph.children = Rows::group(graph.keys.len(), pairs.into_iter());
    tickets(graph);
    graph.files.weight = (0..graph.file_count() as u32).map(|file| weight(graph, FileId(file))).collect();
    graph.undecided = undecided(graph);
    graph.undocumented = (0..commits).map(CommitId).filter(|&commit| is_undocumented(graph, commit)).collect();
    let mut dangling: Vec<KeyId> = (graph.tickets.len() as u32..graph.keys.len() as u32)
        .map(KeyId)
        .filter(|key| graph.projects.has(graph.key(*key)) && !graph.key_commits.row(key.0).is_empty())
        .collect();
    dangling.sort_by_key(|key| (std::cmp::Reverse(graph.key_commits.row(key.0).len()), *key));
    graph.dangling = dangling;
    graph.facts = facts(graph);
}

fn facts(graph: &Graph) -> Facts {
    let mut facts = Facts {
        last_update: graph.tickets.iter().map(|ticket| ticket.updated).max().unwrap_or_default(),
        referred_tickets: graph.known_keys().filter(|key| !graph.key_commits.row(key.0).is_empty()).count() as u64,
        several_page_sources: graph.pages.windows(2).any(|pair| pair[0].source != pair[1].source),
        ..Facts::default()
    };
    let mut by_page: Vec<(PageId, u64)> = Vec::new();
    for (index, page) in graph.pages.iter().enumerate().filter(|(_, page)| !speaks_of_the_past(&page.path)) {
        let id = PageId(index as u32);
        facts.page_references += page.files.len() as u64;
        let before = facts.outdated.len();
        let gone = page.files.iter().filter(|(file, _)| !graph.files.exists[file.at()]);
        facts.outdated.extend(gone.map(|&(file, line)| (id, line, file)));
        by_page.push((id, (facts.outdated.len() - before) as u64));
    }
    facts.outdated.sort_unstable();
    // Counts of zero are dropped before they are named: most pages have none.
    by_page.retain(|(_, count)| *count > 0);
    let name = |page| graph.page_name_among(page, facts.several_page_sources);
    facts.outdated_by_page = Counts::new(by_page.into_iter().map(|(page, count)| (name(page), count)).collect());
    facts
}

/// Change logs and release notes name what was there then.
fn speaks_of_the_past(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    ["changelog", "changes", "history", "news", "release", "upgrad", "migrat"].iter().any(|word| name.contains(word))
}

fn folder_commits(graph: &Graph) -> Rows<CommitId> {
    let mut pairs: Vec<(u32, CommitId)> = Vec::new();
    let mut seen: Vec<FolderId> = Vec::new();
    for commit in (0..graph.commit_count() as u32).map(CommitId) {
        seen.clear();
        seen.extend(graph.changes.row(commit.0).iter().map(|change| graph.files.folder[change.file.at()]));
        seen.sort_unstable();
        seen.dedup();
        pairs.extend(seen.iter().map(|folder| (folder.0, commit)));
    }
    Rows::group(graph.folders.len(), pairs.into_iter())
}

fn people(graph: &mut Graph) {
    let real = |commit: &u32| !graph.is_merge(CommitId(*commit));
    let mut written: Vec<(u32, CommitId)> = Vec::new();
    let mut reviewed: Vec<(u32, CommitId)> = Vec::new();
    for commit in (0..graph.commit_count() as u32).filter(real) {
        written.push((graph.commits.author[commit as usize].0, CommitId(commit)));
        written.extend(graph.co_authors.row(commit).iter().map(|person| (person.0, CommitId(commit))));
        reviewed.extend(graph.reviewers.row(commit).iter().map(|person| (person.0, CommitId(commit))));
    }
    graph.person_commits = Rows::group(graph.people.len(), written.into_iter());
    graph.person_reviews = Rows::group(graph.people.len(), reviewed.into_iter());
}

fn tickets(graph: &mut Graph) {
    let mut by_created: Vec<KeyId> = graph.known_keys().collect();
    by_created.sort_by_key(|key| (graph.tickets[key.at()].created, *key));
    graph.by_created = by_created;
    let mut open: Vec<KeyId> =
        graph.known_keys().filter(|key| graph.tickets[key.at()].category != StatusCategory::Done).collect();
    open.sort_by_key(|key| (graph.tickets[key.at()].updated, *key));
    graph.open_by_updated = open;
}

/// What the contract asks of an undocumented change, but for the window.
fn is_undocumented(graph: &Graph, commit: CommitId) -> bool {
    const EXCLUDING: u8 =
        CommitFlags::MERGE | CommitFlags::REVERT | CommitFlags::BOT | CommitFlags::DOCUMENTATION | CommitFlags::REFERS;
    let flags = graph.commits.flags[commit.at()];
    flags.has(CommitFlags::SOURCE) && !flags.any(EXCLUDING)
}

fn weight(graph: &Graph, file: FileId) -> FileWeight {
    let path = graph.path(file);
    let bit = |fact: bool, bit: u8| if fact { bit } else { 0 };
    FileWeight(match graph.files.kind[file.at()] {
        FileKind::Dependency => FileWeight::DEPENDENCY,
        FileKind::Source | FileKind::Configuration => {
            bit(is_schema(path), FileWeight::SCHEMA) | bit(is_public_interface(path), FileWeight::INTERFACE)
        }
        _ => 0,
    })
}

fn undecided(graph: &Graph) -> Vec<(KeyId, FeatureWork)> {
    let mut scratch = FeatureScratch::default();
    let mut features: Vec<(f64, KeyId, FeatureWork)> = graph
        .known_keys()
        .filter(|key| {
            graph.tickets[key.at()].feature
                && !graph.key_commits.row(key.0).is_empty()
                && graph.key_decisions.row(key.0).is_empty()
        })
        .map(|key| {
            let work = feature_work(graph, graph.key_commits.row(key.0), &mut scratch);
            (significance(&work), key, work)
        })
        .collect();
    features.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    features.into_iter().map(|(_, key, work)| (key, work)).collect()
}

/// Sets that are reused over many tickets.
#[derive(Default)]
pub(crate) struct FeatureScratch {
    files: FxHashSet<FileId>,
    folders: FxHashSet<FolderId>,
}

/// What the non-merge ones of some commits changed.
pub(crate) fn feature_work(graph: &Graph, commits: &[CommitId], scratch: &mut FeatureScratch) -> FeatureWork {
    scratch.files.clear();
    scratch.folders.clear();
    let mut work = FeatureWork { commits: commits.len() as u32, ..FeatureWork::default() };
    let mut weights = 0;
    for change in commits.iter().flat_map(|commit| graph.changes.row(commit.0)) {
        if !scratch.files.insert(change.file) {
            continue;
        }
        scratch.folders.insert(graph.files.folder[change.file.at()]);
        weights |= graph.files.weight[change.file.at()].0;
    }
    work.dependency = weights & FileWeight::DEPENDENCY != 0;
    work.schema = weights & FileWeight::SCHEMA != 0;
    work.interface = weights & FileWeight::INTERFACE != 0;
    work.files = scratch.files.len() as u32;
    work.folders = scratch.folders.len() as u32;
    work
}

/// How much a feature would have deserved a decision record, 0–100: up to 25 points for files and 25 for folders
/// (each doubling counts 5), and 20, 20 and 10 for a changed schema, dependency and public interface.
pub(crate) fn significance(work: &FeatureWork) -> f64 {
    let doublings = |n: u32| (f64::from(n) + 1.0).log2() * 5.0;
    let fact = |fact: bool, points: f64| if fact { points } else { 0.0 };
    let points = doublings(work.files).min(25.0)
        + doublings(work.folders).min(25.0)
        + fact(work.schema, 20.0)
        + fact(work.dependency, 20.0)
        + fact(work.interface, 10.0);
    (points * 10.0).round() / 10.0
}
