//! The files and pages at a branch's tip.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use docassist_model::{FileEntry, FileKind, ObjectId, Page, file_kind};
use gix_attributes::StateRef;
use gix_glob::wildmatch;

use super::message::parse_commit;
use super::object_reader::{BIG_FILE_BYTES, ObjectReader};
use super::path_text;
use super::tree_diff::{Side, TreeChange, entries, tree_diff};
use crate::pages;

/// Which files to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeSelection {
    /// Those that differ from the old commit; all of them if the attributes changed.
    Changed,
    /// All of them.
    All,
}

/// What changed among the files of a branch's tip.
#[derive(Debug, Default)]
pub struct FileTree {
    /// Whether `files` and `pages` are all there are.
    pub complete: bool,
    /// Paths that are gone; pages among them too.
    pub removed: Vec<String>,
    /// New and changed files.
    pub files: Vec<FileEntry>,
    /// New and changed pages.
    pub pages: Vec<Page>,
    /// What could not be read.
    pub notes: Vec<String>,
}

pub(super) fn root_file(reader: &mut ObjectReader, commit: &ObjectId, name: &[u8]) -> Option<Arc<[u8]>> {
    let tree = tree_of(reader, commit)?;
    let raw = reader.tree(&tree).ok()?;
    let hash_len = reader.repository().object_hash().len_in_bytes();
    let entry = gix::objs::TreeRefIter::from_bytes(&raw, gix::hash::Kind::from_hex_len(hash_len * 2)?)
        .filter_map(Result::ok)
        .find(|entry| entry.filename == name && entry.mode.is_blob())?;
    reader.blob(entry.oid).ok()
}

pub(super) fn tree_of(reader: &mut ObjectReader, commit: &ObjectId) -> Option<gix::ObjectId> {
    let id = gix::ObjectId::try_from(commit.as_bytes()).ok()?;
    reader.commit(&id).ok().and_then(|raw| parse_commit(raw).tree)
}

pub(super) fn file_tree(
    repository: &gix::ThreadSafeRepository,
    old: Option<&ObjectId>,
    new: &ObjectId,
    selection: TreeSelection,
    threads: usize,
) -> FileTree {
    let mut reader = ObjectReader::new(repository);
    let mut result = FileTree::default();
    let Some(new_tree) = tree_of(&mut reader, new) else {
        result
            .notes
            .push(format!("the tree of {} cannot be read: files and pages are as of the last sync", new.short()));
        return result;
    };
    let old_tree = match selection {
        TreeSelection::Changed => old.and_then(|old| tree_of(&mut reader, old)),
        TreeSelection::All => None,
    };
    let mut changes = differences(&mut reader, old_tree, new_tree, &mut result.notes);
    result.complete = old_tree.is_none();
    if !result.complete && changes.iter().any(|change| change.path.ends_with(b".gitattributes")) {
        changes = differences(&mut reader, None, new_tree, &mut result.notes);
        result.complete = true;
    }
    let attributes = if result.complete {
        Attributes::read(&mut reader, changes.iter().filter_map(|change| Some((change.path.as_slice(), change.new?))))
    } else {
        let files = attribute_files(&mut reader, new_tree, &changes);
        Attributes::read(&mut reader, files.iter().map(|(path, side)| (path.as_slice(), *side)))
    };
    result.removed =
        changes.iter().filter(|change| change.new.is_none()).map(|change| path_text(&change.path)).collect();
    let present: Vec<(&[u8], Side)> = changes.iter().filter_map(|c| Some((c.path.as_slice(), c.new?))).collect();
    read_files(repository, &present, &attributes, threads, &mut result);
    result
}

/// The `.gitattributes` files that rules for changed paths can stand in: those in the folders above them.
fn attribute_files(reader: &mut ObjectReader, tree: gix::ObjectId, changes: &[TreeChange]) -> Vec<(Vec<u8>, Side)> {
    let above = |path: &[u8]| {
        let slashes: Vec<usize> = memchr::memchr_iter(b'/', path).collect();
        slashes.into_iter().map(|slash| path[..slash].to_vec()).collect::<Vec<_>>()
    };
    let folders: BTreeSet<Vec<u8>> = changes.iter().flat_map(|change| above(&change.path)).collect();
    let mut files = Vec::new();
    let mut trees: BTreeMap<Vec<u8>, gix::ObjectId> = BTreeMap::from([(Vec::new(), tree)]);
    // In this order a folder comes before those in it.
    for folder in std::iter::once(Vec::new()).chain(folders) {
        let Some(tree) = trees.get(&folder).copied() else { continue };
        let Ok(raw) = reader.tree(&tree) else { continue };
        for (name, side) in entries(&raw, reader.repository().object_hash().len_in_bytes()) {
            let path = if folder.is_empty() { name.to_vec() } else { [folder.as_slice(), b"/", name].concat() };
            if side.mode.is_tree() {
                trees.insert(path, side.id);
            } else if name == b".gitattributes" {
                files.push((path, side));
            }
        }
    }
    files
}

fn differences(
    reader: &mut ObjectReader,
    old: Option<gix::ObjectId>,
    new: gix::ObjectId,
    notes: &mut Vec<String>,
) -> Vec<TreeChange> {
    let mut changes = Vec::new();
    tree_diff(reader, old, Some(new), &mut changes, &mut |error| {
        notes.push(format!("{error}: its files are not listed"));
    });
    changes
}

fn read_files(
    repository: &gix::ThreadSafeRepository,
    present: &[(&[u8], Side)],
    attributes: &Attributes,
    threads: usize,
    result: &mut FileTree,
) {
    const RUN: usize = 64;
    let runs: Vec<&[(&[u8], Side)]> = present.chunks(RUN).collect();
    let next = AtomicUsize::new(0);
    let parts: Vec<(usize, FileTree)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(runs.len()).max(1))
            .map(|_| {
                scope.spawn(|| {
                    let mut reader = ObjectReader::new(repository);
                    let mut parts = Vec::new();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(run) = runs.get(index) else { return parts };
                        let mut part = FileTree::default();
                        for (path, side) in *run {
                            read_file(&mut reader, path, *side, attributes, &mut part);
                        }
                        parts.push((index, part));
                    }
                })
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    let mut parts = parts;
    parts.sort_by_key(|(index, _)| *index);
    for (_, part) in parts {
        result.files.extend(part.files);
        result.pages.extend(part.pages);
        result.notes.extend(part.notes);
    }
}

fn read_file(reader: &mut ObjectReader, path: &[u8], side: Side, attributes: &Attributes, result: &mut FileTree) {
    let text = path_text(path);
    let marks = file_kind::Attributes { linguist_generated: attributes.linguist_generated(path) };
    if side.mode.is_submodule() || side.mode.is_symlink() {
        // A link's kind is that of its name; its target is listed under its own.
        let kind = if side.mode.is_submodule() { FileKind::Other } else { file_kind::classify(&text, marks, None) };
        result.files.push(FileEntry { path: text, kind, size: 0 });
        return;
    }
    let size = reader.size(&side.id).unwrap_or(0);
    let content = if size > BIG_FILE_BYTES { None } else { reader.blob(&side.id).ok() };
    if content.is_none() && size <= BIG_FILE_BYTES {
        result.notes.push(format!("{text}: object {} cannot be read; its kind is a guess by its name", side.id));
    }
    let kind = file_kind::classify(&text, marks, content.as_deref());
    if let Some(content) = content
        && !matches!(kind, FileKind::Binary | FileKind::Generated)
        && pages::format_of(&text).is_some()
    {
        result.pages.push(pages::parse(&text, &content, None));
    }
    result.files.push(FileEntry { path: text, kind, size });
}

/// The `linguist-generated` rules of all `.gitattributes` files of a tree.
struct Attributes {
    rules: Vec<Rule>,
}

struct Rule {
    /// Folder of the file, with a trailing slash; empty at the root.
    folder: Vec<u8>,
    pattern: gix_glob::Pattern,
    generated: Option<bool>,
}

impl Attributes {
    fn read<'a>(reader: &mut ObjectReader, files: impl Iterator<Item = (&'a [u8], Side)>) -> Self {
        let mut sources: Vec<(&[u8], Side)> = files
            .filter(|(path, _)| {
                path.ends_with(b".gitattributes") && (path.len() == 14 || path[path.len() - 15] == b'/')
            })
            .collect();
        // A file in a deeper folder has the last word.
        sources.sort_by_key(|(path, _)| path.iter().filter(|&&b| b == b'/').count());
        let mut rules = Vec::new();
        for (path, side) in sources {
            let Ok(content) = reader.blob(&side.id) else { continue };
            let folder = &path[..path.len() - ".gitattributes".len()];
            for line in gix_attributes::parse(&content).filter_map(Result::ok) {
                let (gix_attributes::parse::Kind::Pattern(pattern), assignments, _) = line else { continue };
                for assignment in assignments.filter_map(Result::ok) {
                    if assignment.name.as_str() != "linguist-generated" {
                        continue;
                    }
                    let generated = match assignment.state {
                        StateRef::Set => Some(true),
                        StateRef::Unset => Some(false),
                        StateRef::Value(value) => Some(value.as_bstr() != "false"),
                        StateRef::Unspecified => None,
                    };
                    rules.push(Rule { folder: folder.to_vec(), pattern: pattern.clone(), generated });
                }
            }
        }
        Self { rules }
    }

    fn linguist_generated(&self, path: &[u8]) -> Option<bool> {
        let matching = self.rules.iter().rev().find(|rule| {
            let Some(relative) = path.strip_prefix(rule.folder.as_slice()) else { return false };
            let basename = memchr::memrchr(b'/', relative).map(|slash| slash + 1);
            rule.pattern.matches_repo_relative_path(
                relative.into(),
                basename,
                Some(false),
                gix_glob::pattern::Case::Sensitive,
                wildmatch::Mode::NO_MATCH_SLASH_LITERAL,
            )
        })?;
        matching.generated
    }
}
