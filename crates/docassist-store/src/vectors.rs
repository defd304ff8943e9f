//! Vectors of texts by the hash of what they were computed from, so that nothing is embedded twice.
//!
//! They are no records: they follow from texts and a model, and whatever is lost is computed again. But that takes hours for
//! a large organisation, where an index is rebuilt from them in minutes; so they outlive every index, and where several
//! processes share a database, what one has computed serves all.

use docassist_model::TenantScope;

use crate::Result;

/// SHA-256 of what a vector was computed from, as the model was given it.
pub type ContentHash = [u8; 32];

/// Vectors that are handed to a database at a time: some megabytes.
pub(crate) const BATCH: usize = 1_000;

/// Keeps the vectors of organisations, each under the model that made it and the hash of its content.
///
/// Nothing is kept for an organisation that was never written, and everything goes with
/// [`Store::remove_org`](crate::Store::remove_org). Neither a copy of an organisation nor a backup of files has them. Any
/// number of threads and processes may use them at once; nobody waits for a writer of records, nor does that wait.
///
/// # Errors
/// Every method fails as those of [`Store`](crate::Store) do; but what is missing or damaged counts as not there.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait VectorStore: Send + Sync {
    /// The vectors of that model for these hashes, in their order. O(log n) for each; any number may be asked for at once.
    fn vectors(&self, scope: &TenantScope, model: &str, hashes: &[ContentHash]) -> Result<Vec<Option<Vec<f32>>>>;

    /// Keeps vectors. One that is there already stays, unless it is of another length: equal content has equal vectors. What
    /// was kept survives the death of the process, not always a loss of power. An empty vector is not kept.
    ///
    /// It is no single transaction: after an error some are kept and others not.
    fn keep_vectors(&self, scope: &TenantScope, model: &str, vectors: &[(ContentHash, Vec<f32>)]) -> Result<()>;

    /// How many vectors the organisation has, of all models. O(n).
    fn vector_count(&self, scope: &TenantScope) -> Result<u64>;

    /// Removes the model's vectors whose hash `keep` refuses, and those of all other models; returns how many. O(n).
    fn prune_vectors(&self, scope: &TenantScope, model: &str, keep: &dyn Fn(&ContentHash) -> bool) -> Result<u64>;
}

/// A vector as it is stored: its numbers one after the other, little-endian.
pub(crate) fn stored(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The vector that was stored; `None` where the bytes are none.
pub(crate) fn original(bytes: &[u8]) -> Option<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks();
    (rest.is_empty() && !numbers.is_empty()).then(|| numbers.iter().copied().map(f32::from_le_bytes).collect())
}

/// What is to be written of `vectors`: each hash once, in order. Whoever writes several rows locks them in this order, so that
/// two who write the same ones wait for each other in one direction only.
pub(crate) fn in_order(vectors: &[(ContentHash, Vec<f32>)]) -> Vec<(&ContentHash, &[f32])> {
    let kept = vectors.iter().filter(|(_, vector)| !vector.is_empty());
    let mut ordered: Vec<_> = kept.map(|(hash, vector)| (hash, vector.as_slice())).collect();
    ordered.sort_by_key(|(hash, _)| *hash);
    ordered.dedup_by_key(|(hash, _)| *hash);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_vector_comes_back_bit_by_bit(bits in prop::collection::vec(any::<u32>(), 1..40)) {
            let vector: Vec<f32> = bits.iter().copied().map(f32::from_bits).collect();
            let original = original(&stored(&vector)).unwrap();
            prop_assert_eq!(original.into_iter().map(f32::to_bits).collect::<Vec<_>>(), bits);
        }
    }

    #[test]
    fn what_has_another_length_is_no_vector() {
        for length in [0, 1, 3, 5, 7] {
            assert_eq!(original(&vec![0; length]), None, "{length}");
        }
    }
}
