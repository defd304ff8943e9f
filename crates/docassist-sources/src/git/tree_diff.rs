//! The difference of two trees, read from the raw objects.

use std::cmp::Ordering;

use gix::ObjectId;

use super::object_reader::{ObjectReader, Unreadable};

/// Deeper folders are not followed: no file system has them, and a crafted tree may contain itself.
const MAX_DEPTH: usize = 512;

/// The type and permission bits of a tree entry, as git canonicalises them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode(u32);

impl Mode {
    const TYPE: u32 = 0o170_000;

    fn canonical(raw: u32) -> Self {
        Self(match raw & Self::TYPE {
            0o100_000 if raw & 0o100 != 0 => 0o100_755,
            0o100_000 => 0o100_644,
            0o120_000 => 0o120_000,
            0o040_000 => 0o040_000,
            _ => 0o160_000,
        })
    }

    pub(super) const fn is_tree(self) -> bool {
        self.0 == 0o040_000
    }

    pub(super) const fn is_regular(self) -> bool {
        self.0 & Self::TYPE == 0o100_000
    }

    pub(super) const fn is_submodule(self) -> bool {
        self.0 == 0o160_000
    }

    pub(super) const fn is_symlink(self) -> bool {
        self.0 == 0o120_000
    }

    /// Whether both are files, both symbolic links, or both submodules.
    pub(super) const fn same_type(self, other: Self) -> bool {
        self.0 & Self::TYPE == other.0 & Self::TYPE
    }
}

/// One side of a changed path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) mode: Mode,
    pub(super) id: ObjectId,
}

/// A path that differs. At least one side is present; neither is a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeChange {
    pub(super) path: Vec<u8>,
    pub(super) old: Option<Side>,
    pub(super) new: Option<Side>,
}

struct Entry<'a> {
    name: &'a [u8],
    side: Side,
}

/// Splits off the first entry of a raw tree: `<octal mode> <name>\0<object name>`.
fn next_entry<'a>(raw: &mut &'a [u8], hash_len: usize) -> Option<Entry<'a>> {
    let space = raw.iter().position(|&b| b == b' ')?;
    let mode = raw[..space].iter().try_fold(0_u32, |mode, &digit| {
        if (b'0'..=b'7').contains(&digit) { mode.checked_mul(8)?.checked_add(u32::from(digit - b'0')) } else { None }
    })?;
    let rest = &raw[space + 1..];
    let end = memchr::memchr(0, rest)?;
    let name = &rest[..end];
    let id = rest.get(end + 1..end + 1 + hash_len)?;
    *raw = &rest[end + 1 + hash_len..];
    Some(Entry { name, side: Side { mode: Mode::canonical(mode), id: ObjectId::try_from(id).ok()? } })
}

/// Name and side of each entry of a raw tree, up to the first that is damaged.
pub(super) fn entries(raw: &[u8], hash_len: usize) -> impl Iterator<Item = (&[u8], Side)> {
    let mut rest = raw;
    std::iter::from_fn(move || next_entry(&mut rest, hash_len).map(|entry| (entry.name, entry.side)))
}

/// Git's order of tree entries: bytewise, a folder as if its name ended with `/`.
fn compare(a: &Entry<'_>, b: &Entry<'_>) -> Ordering {
    let common = a.name.len().min(b.name.len());
    a.name[..common].cmp(&b.name[..common]).then_with(|| {
        let next = |entry: &Entry<'_>| match entry.name.get(common) {
            Some(&byte) => byte,
            None if entry.side.mode.is_tree() => b'/',
            None => 0,
        };
        next(a).cmp(&next(b))
    })
}

/// Collects the paths that differ between two trees, in git's order. What cannot be read is passed to `unreadable`, and
/// the rest is compared all the same.
pub(super) fn tree_diff(
    reader: &mut ObjectReader,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    changes: &mut Vec<TreeChange>,
    unreadable: &mut dyn FnMut(Unreadable),
) {
    let hash_len = reader.repository().object_hash().len_in_bytes();
    let mut walk = Walk { reader, hash_len, path: Vec::new(), depth: 0, changes, unreadable };
    if old != new {
        walk.trees(old, new);
    }
}

struct Walk<'a> {
    reader: &'a mut ObjectReader,
    hash_len: usize,
    path: Vec<u8>,
    depth: usize,
    changes: &'a mut Vec<TreeChange>,
    unreadable: &'a mut dyn FnMut(Unreadable),
}

impl Walk<'_> {
    /// Compares two different trees at `self.path`. When one side is unreadable nothing is said about either: half a
    /// comparison would call every file new or gone.
    fn trees(&mut self, old: Option<ObjectId>, new: Option<ObjectId>) {
        let mut load = |id: Option<ObjectId>| match id.map(|id| self.reader.tree(&id)).transpose() {
            Ok(content) => Some(content),
            Err(error) => {
                (self.unreadable)(error);
                None
            }
        };
        let (Some(old), Some(new)) = (load(old), load(new)) else { return };
        let (mut old, mut new) = (old.as_deref().unwrap_or_default(), new.as_deref().unwrap_or_default());
        let mut before = next_entry(&mut old, self.hash_len);
        let mut after = next_entry(&mut new, self.hash_len);
        loop {
            let order = match (&before, &after) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => compare(a, b),
            };
            let left = if order == Ordering::Greater { None } else { before.take() };
            let right = if order == Ordering::Less { None } else { after.take() };
            if left.is_some() {
                before = next_entry(&mut old, self.hash_len);
            }
            if right.is_some() {
                after = next_entry(&mut new, self.hash_len);
            }
            let Some(name) = left.as_ref().or(right.as_ref()).map(|entry| entry.name) else { return };
            self.entry(name, left.as_ref().map(|entry| entry.side), right.as_ref().map(|entry| entry.side));
        }
    }

    fn entry(&mut self, name: &[u8], old: Option<Side>, new: Option<Side>) {
        if old == new {
            return;
        }
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        // `compare` never pairs a folder with a file, so the present sides agree.
        if old.or(new).is_some_and(|side| side.mode.is_tree()) {
            if self.depth < MAX_DEPTH {
                self.depth += 1;
                self.trees(old.map(|side| side.id), new.map(|side| side.id));
                self.depth -= 1;
            }
        } else {
            self.changes.push(TreeChange { path: self.path.clone(), old, new });
        }
        self.path.truncate(length);
    }
}
