//! What is written for a passage.

use docassist_model::TenantScope;

use super::{Index, Result};
use crate::lexical::{CountedTerms, FieldWeights};
use crate::passage::Passage;

/// A passage with its terms and, where it is known, its dense vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The passage.
    pub passage: Passage,
    /// Its terms.
    pub terms: CountedTerms,
    /// Its dense vector.
    pub dense: Option<Vec<f32>>,
}

impl Entry {
    /// Counts a passage's terms.
    #[must_use]
    pub fn new(passage: Passage) -> Self {
        let weights = FieldWeights::default();
        // Where the text repeats the title, as abstracts and commit messages do, its own weight is enough.
        let rest = passage.text.strip_prefix(passage.title.as_str());
        let rest = rest.filter(|rest| !rest.starts_with(char::is_alphanumeric));
        let text = rest.unwrap_or(&passage.text);
        let fields = std::iter::once((passage.title.as_str(), weights.title))
            .chain(passage.headings.iter().map(|heading| (heading.as_str(), weights.headings)))
            .chain([(text, weights.text)]);
        let terms = CountedTerms::count(fields);
        Self { passage, terms, dense: None }
    }

    /// The same with its dense vector.
    #[must_use]
    pub fn with_dense(mut self, vector: Vec<f32>) -> Self {
        self.dense = Some(vector);
        self
    }
}

/// Indexes passages as they come: their terms are counted on another core than the one that writes. Returns how many there were.
///
/// # Errors
///
/// Where the index cannot be written; passages before have been written then.
pub fn index_all(
    index: &dyn Index,
    scope: &TenantScope,
    passages: impl Iterator<Item = Passage> + Send,
) -> Result<u64> {
    /// Batches that wait for the writer, so that a fast source does not fill memory.
    const WAITING: usize = 4;
    const BATCH: usize = 512;
    std::thread::scope(|threads| {
        let (send, receive) = std::sync::mpsc::sync_channel::<Vec<Entry>>(WAITING);
        threads.spawn(move || {
            let mut batch = Vec::with_capacity(BATCH);
            for passage in passages {
                batch.push(Entry::new(passage));
                if batch.len() == BATCH && send.send(std::mem::take(&mut batch)).is_err() {
                    // The writer has failed and says why.
                    return;
                }
            }
            let _ = send.send(batch);
        });
        let mut written = 0;
        for batch in receive {
            index.upsert(scope, &batch)?;
            written += batch.len() as u64;
        }
        Ok(written)
    })
}

/// Counts the terms of many passages, on all cores.
#[must_use]
pub fn entries(passages: Vec<Passage>) -> Vec<Entry> {
    // Fewer than this take less time than a thread takes to begin.
    const WORTH_A_THREAD: usize = 64;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = passages.len().div_ceil(threads).max(WORTH_A_THREAD);
    if passages.len() <= share {
        return passages.into_iter().map(Entry::new).collect();
    }
    let mut shares = Vec::new();
    let mut rest = passages;
    while rest.len() > share {
        let tail = rest.split_off(share);
        shares.push(std::mem::replace(&mut rest, tail));
    }
    std::thread::scope(|threads| {
        let others: Vec<_> = shares
            .into_iter()
            .map(|share| threads.spawn(move || share.into_iter().map(Entry::new).collect::<Vec<_>>()))
            .collect();
        let last: Vec<Entry> = rest.into_iter().map(Entry::new).collect();
        let mut all: Vec<Entry> = Vec::new();
        for other in others {
            match other.join() {
                Ok(entries) => all.extend(entries),
                // Counting does not panic; if it did, the panic belongs to the caller.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all.extend(last);
        all
    })
}
