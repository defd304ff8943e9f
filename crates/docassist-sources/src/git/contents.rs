//! The texts of files at a commit, for whoever indexes them.

use docassist_model::ObjectId;

use super::object_reader::ObjectReader;
use super::tip::tree_of;
use super::tree_diff::tree_diff;
use super::{GitRepository, model_id, path_text};
use crate::pages;

/// Longer files are data or generated, whatever their name says.
const MAX_TEXT_BYTES: u64 = 2 << 20;

/// A regular file of a commit's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// The path from the root, as records have it.
    pub path: String,
    /// The object name of its content: equal names are equal contents.
    pub blob: ObjectId,
}

impl GitRepository {
    /// Lists the regular files of a commit's tree, in the order of their paths, without reading their contents. `None` where
    /// the tree cannot be read; folders that cannot be are left out.
    #[must_use]
    pub fn tree_files(&self, commit: &ObjectId) -> Option<Vec<TreeFile>> {
        let mut reader = ObjectReader::new(&self.inner);
        let tree = tree_of(&mut reader, commit)?;
        let mut changes = Vec::new();
        tree_diff(&mut reader, None, Some(tree), &mut changes, &mut |_| {});
        let file = |side: super::tree_diff::Side| side.mode.is_regular().then(|| model_id(&side.id));
        Some(
            changes
                .iter()
                .filter_map(|change| Some(TreeFile { path: path_text(&change.path), blob: file(change.new?)? }))
                .collect(),
        )
    }

    /// Reads contents as text, one file in memory at a time. Those that are missing, damaged or too long to be written by
    /// people are passed over; bytes that are no UTF-8 are replaced.
    pub fn read_texts(&self, files: &[TreeFile], take: &mut dyn FnMut(&TreeFile, &str)) {
        let mut reader = ObjectReader::new(&self.inner);
        for file in files {
            let Ok(id) = gix::ObjectId::try_from(file.blob.as_bytes()) else { continue };
            if reader.size(&id).is_ok_and(|size| size <= MAX_TEXT_BYTES)
                && let Ok(content) = reader.blob(&id)
            {
                take(file, &pages::decode(&content));
            }
        }
    }
}
