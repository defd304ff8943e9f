//! Replacing a document's passages by what it says now.

use docassist_model::TenantScope;
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::{Filter, Index, Result, Selection, entries};
use crate::passage::{MAX_PASSAGES, Passage, PassageId};

/// What replacing a document did to its passages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Replaced {
    /// New ones.
    pub added: u64,
    /// Those that say something else, or stand elsewhere.
    pub changed: u64,
    /// Those that are gone.
    pub removed: u64,
    /// Those that are as before, and were not written.
    pub kept: u64,
}

/// Makes a document's passages be `passages`. Only those that differ are written; those whose text is unchanged keep their dense
/// vector.
///
/// # Errors
///
/// Where the index cannot be read or written.
pub fn replace_document(
    index: &dyn Index,
    scope: &TenantScope,
    source: &str,
    document: &str,
    passages: Vec<Passage>,
) -> Result<Replaced> {
    let filter = Filter { sources: vec![source.to_owned()], documents: vec![document.to_owned()], ..Filter::default() };
    let mut before: FxHashMap<PassageId, Passage> = FxHashMap::default();
    let mut after = None;
    loop {
        let page = index.scroll(scope, &filter, after, MAX_PASSAGES)?;
        after = page.last().map(|passage| passage.id);
        let is_last = page.len() < MAX_PASSAGES;
        before.extend(page.into_iter().map(|passage| (passage.id, passage)));
        if is_last {
            break;
        }
    }
    let mut replaced = Replaced::default();
    let mut write = Vec::new();
    for passage in passages {
        match before.remove(&passage.id) {
            Some(known) if known == passage => replaced.kept += 1,
            known => {
                *if known.is_some() { &mut replaced.changed } else { &mut replaced.added } += 1;
                write.push(passage);
            }
        }
    }
    let gone: Vec<PassageId> = before.into_keys().collect();
    if !gone.is_empty() {
        replaced.removed = index.remove(scope, &Selection::Passages(gone))?;
    }
    if !write.is_empty() {
        index.upsert(scope, &entries(write))?;
    }
    Ok(replaced)
}
