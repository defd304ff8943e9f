//! Reads objects with a cache that is sized for walking neighbouring commits.

use std::sync::Arc;

use gix::objs::{FindExt, Kind};
use gix::prelude::*;
use rustc_hash::FxHashMap;

/// Git's `core.bigFileThreshold`: larger blobs are never diffed and count as binary.
pub(super) const BIG_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// Bytes of whole objects kept per reader. Consecutive commits touch the same trees and files, and a commit's new
/// version is the next one's old version.
const OBJECT_CACHE_BYTES: usize = 96 * 1024 * 1024;

/// Bytes of delta bases kept per reader: a pack stores an old version as a delta of a newer one, so reading on along a
/// file's history finds its base here.
const DELTA_BASE_CACHE_BYTES: usize = 96 * 1024 * 1024;

/// Why an object could not be read; becomes a note of the sync.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// The repository does not have it.
    #[error("object {0} is missing")]
    Missing(gix::ObjectId),
    /// It is there and damaged, or of another type than its name is used for.
    #[error("object {0} cannot be read: {1}")]
    Damaged(gix::ObjectId, String),
}

/// One thread's view of the object database.
pub(super) struct ObjectReader {
    repository: gix::Repository,
    buffer: Vec<u8>,
    recent: Generations,
}

impl ObjectReader {
    pub(super) fn new(repository: &gix::ThreadSafeRepository) -> Self {
        let mut repository = repository.to_thread_local();
        repository.objects.unset_object_cache();
        repository
            .objects
            .set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(DELTA_BASE_CACHE_BYTES)));
        Self { repository, buffer: Vec::new(), recent: Generations::new(OBJECT_CACHE_BYTES) }
    }

    pub(super) fn repository(&self) -> &gix::Repository {
        &self.repository
    }

    /// The content of a commit, uncached: each is read once.
    pub(super) fn commit(&mut self, id: &gix::oid) -> Result<&[u8], Unreadable> {
        self.read(id, Kind::Commit)?;
        Ok(&self.buffer)
    }

    /// The content of a tree.
    pub(super) fn tree(&mut self, id: &gix::oid) -> Result<Arc<[u8]>, Unreadable> {
        self.cached(id, Kind::Tree)
    }

    /// The content of a blob.
    pub(super) fn blob(&mut self, id: &gix::oid) -> Result<Arc<[u8]>, Unreadable> {
        self.cached(id, Kind::Blob)
    }

    /// The size of a blob in bytes, without reading its content.
    pub(super) fn size(&mut self, id: &gix::oid) -> Result<u64, Unreadable> {
        if let Some(content) = self.recent.get(id) {
            return Ok(content.len() as u64);
        }
        match self.repository.objects.try_header(id) {
            Ok(Some(header)) => Ok(header.size()),
            Ok(None) => Err(Unreadable::Missing(id.to_owned())),
            Err(error) => Err(Unreadable::Damaged(id.to_owned(), error.to_string())),
        }
    }

    fn cached(&mut self, id: &gix::oid, kind: Kind) -> Result<Arc<[u8]>, Unreadable> {
        if let Some(content) = self.recent.get(id) {
            return Ok(content);
        }
        self.read(id, kind)?;
        let content: Arc<[u8]> = Arc::from(self.buffer.as_slice());
        self.recent.insert(id.to_owned(), Arc::clone(&content));
        Ok(content)
    }

    fn read(&mut self, id: &gix::oid, kind: Kind) -> Result<(), Unreadable> {
        let (found_kind, length) = match self.repository.objects.find(id, &mut self.buffer) {
            Ok(data) => (data.kind, data.data.len()),
            Err(error) if self.repository.has_object(id) => {
                return Err(Unreadable::Damaged(id.to_owned(), error.to_string()));
            }
            Err(_) => return Err(Unreadable::Missing(id.to_owned())),
        };
        if found_kind != kind {
            return Err(Unreadable::Damaged(id.to_owned(), format!("it is a {found_kind}, not a {kind}")));
        }
        self.buffer.truncate(length);
        Ok(())
    }
}

/// A cache in two generations: when the young one is full it becomes the old one, and what is used from there moves
/// back. As good as LRU for a walk, without its lists.
struct Generations {
    young: FxHashMap<gix::ObjectId, Arc<[u8]>>,
    old: FxHashMap<gix::ObjectId, Arc<[u8]>>,
    young_bytes: usize,
    half: usize,
}

impl Generations {
    fn new(bytes: usize) -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default(), young_bytes: 0, half: bytes / 2 }
    }

    fn get(&mut self, id: &gix::oid) -> Option<Arc<[u8]>> {
        if let Some(content) = self.young.get(id) {
            return Some(Arc::clone(content));
        }
        let (id, content) = self.old.remove_entry(id)?;
        self.insert(id, Arc::clone(&content));
        Some(content)
    }

    fn insert(&mut self, id: gix::ObjectId, content: Arc<[u8]>) {
        // A single object that takes much of a generation would only push everything else out.
        if content.len() > self.half / 4 {
            return;
        }
        self.young_bytes += content.len() + 64;
        self.young.insert(id, content);
        if self.young_bytes > self.half {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}
