//! Giving passages their vectors. A text is embedded once: its vector is kept in the store under the hash of what was embedded, for
//! other passages that say the same, for an index that has to be built anew, and for other replicas.

use docassist_model::{Progress, TenantScope};
use docassist_search::embedder::Embedder as _;
use docassist_search::index::Filter;
use docassist_search::passage::{Passage, PassageId};
use docassist_store::ContentHash;
use rustc_hash::FxHashSet;

use super::Search;
use crate::AppError;

/// Passages between two commits of the index: some seconds of embedding. A kill in the moment of writing costs the index, so that
/// vectors are computed first and written after.
const BATCH: usize = 1_024;
/// Texts that the model takes at a time: between two, the work can be stopped.
const TEXTS: usize = 64;
/// Vectors above the number of passages that are left alone: a branch that comes and goes finds its vectors again, and 1.5 KB each
/// are cheaper than the model.
const PRUNED: u64 = 10_000;

impl Search {
    /// Embeds what is not embedded yet, until all is, or `progress` says to stop. Returns how many passages were given a vector.
    ///
    /// # Errors
    /// When the model fails, or the store or the index cannot be used. What was embedded before is kept.
    pub(crate) fn embed(&self, scope: &TenantScope, progress: &dyn Progress) -> Result<u64, AppError> {
        if self.model.is_none() {
            return Ok(0);
        }
        let counts = self.index.counts(scope)?;
        let left = counts.passages.saturating_sub(counts.embedded);
        if left > 0 {
            progress.phase("embedding", Some(left));
        }
        let mut embedded = 0;
        // A passage that an index gives again and again without taking its vector would keep us here for ever.
        let mut seen: FxHashSet<PassageId> = FxHashSet::default();
        loop {
            let mut passages = self.index.without_dense(scope, BATCH)?;
            passages.retain(|passage| seen.insert(passage.id));
            if passages.is_empty() {
                self.prune(scope)?;
                return Ok(embedded);
            }
            let vectors = self.vectors(scope, &passages, progress)?;
            let stopped = vectors.len() < passages.len();
            embedded += self.write(scope, &vectors, progress)?;
            if stopped {
                return Err(AppError::cancelled());
            }
        }
    }

    /// Removes vectors that no passage has any more, once they are worth the reading of all passages. What another replica embeds
    /// in this moment may be among them, and is then embedded twice.
    fn prune(&self, scope: &TenantScope) -> Result<(), AppError> {
        let Some(model) = &self.model else { return Ok(()) };
        let kept = self.store.vector_count(scope)?;
        if kept <= self.index.counts(scope)?.passages + PRUNED {
            return Ok(());
        }
        let mut hashes: FxHashSet<ContentHash> = FxHashSet::default();
        let mut after = None;
        loop {
            let passages = self.index.scroll(scope, &Filter::default(), after, BATCH)?;
            let Some(last) = passages.last() else { break };
            after = Some(last.id);
            hashes.extend(passages.iter().map(|passage| content_hash(&passage.hash)));
        }
        let removed = self.store.prune_vectors(scope, model.id(), &|hash| hashes.contains(hash))?;
        tracing::debug!(org = %scope.org(), removed, "vectors that no passage has any more were removed");
        Ok(())
    }

    /// The vectors of passages, from the store or the model; of the first ones only where `progress` says to stop.
    fn vectors(
        &self,
        scope: &TenantScope,
        passages: &[Passage],
        progress: &dyn Progress,
    ) -> Result<Vec<(PassageId, Vec<f32>)>, AppError> {
        let Some(model) = &self.model else { return Ok(Vec::new()) };
        let hashes: Vec<ContentHash> = passages.iter().map(|passage| content_hash(&passage.hash)).collect();
        let known = self.store.vectors(scope, model.id(), &hashes)?;
        let mut vectors = Vec::with_capacity(passages.len());
        let mut missing = Vec::new();
        for ((passage, hash), vector) in passages.iter().zip(&hashes).zip(known) {
            match vector.filter(|vector| vector.len() == model.dims()) {
                Some(vector) => {
                    vectors.push((passage.id, vector));
                    progress.advance(1);
                }
                None => missing.push((passage, *hash)),
            }
        }
        for part in missing.chunks(TEXTS) {
            if progress.cancelled() {
                break;
            }
            let texts: Vec<String> = part.iter().map(|(passage, _)| passage.embedded_text()).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let made = model.embed(&texts).inspect_err(|_| self.count_failure())?;
            let kept: Vec<(ContentHash, Vec<f32>)> =
                part.iter().zip(&made).map(|((_, hash), vector)| (*hash, vector.clone())).collect();
            self.store.keep_vectors(scope, model.id(), &kept)?;
            vectors.extend(part.iter().zip(made).map(|((passage, _), vector)| (passage.id, vector)));
            progress.advance(part.len() as u64);
        }
        Ok(vectors)
    }

    fn write(
        &self,
        scope: &TenantScope,
        vectors: &[(PassageId, Vec<f32>)],
        progress: &dyn Progress,
    ) -> Result<u64, AppError> {
        let org = self.org(scope);
        let _turn = self.turn(&org)?;
        let _lease = self.lease(scope, progress)?;
        // Whoever followed in between has committed; what is written here is of the same state.
        let position = self.index.position(scope)?;
        let Some(sequence) = position.sequence else { return Ok(0) };
        let written = self.index.set_dense(scope, vectors)?;
        self.index.commit(scope, sequence)?;
        self.count_embedded(scope, written);
        Ok(written)
    }

    /// Builds what makes searches in many passages fast, where there is anything to do.
    pub(crate) fn optimise(&self, scope: &TenantScope) -> Result<bool, AppError> {
        Ok(self.index.optimise(scope)?)
    }
}

/// The bytes of a hash in hexadecimal digits.
fn content_hash(hex: &str) -> ContentHash {
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let digit = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
        *byte = digit(pair[0]) << 4 | digit(pair[1]);
    }
    hash
}
