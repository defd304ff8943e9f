//! Sparse vectors, and which dimension a term has.

use serde::{Deserialize, Serialize};

/// A vector of which only the named dimensions are not zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SparseVector {
    /// The dimensions, ascending, each once.
    pub indices: Vec<u32>,
    /// Their values, in the same order.
    pub values: Vec<f32>,
}

impl SparseVector {
    /// The sum of the products of equal dimensions.
    #[must_use]
    pub fn dot(&self, other: &Self) -> f32 {
        let (mut left, mut right, mut sum) = (0, 0, 0.0);
        while let (Some(a), Some(b)) = (self.indices.get(left), other.indices.get(right)) {
            match a.cmp(b) {
                std::cmp::Ordering::Less => left += 1,
                std::cmp::Ordering::Greater => right += 1,
                std::cmp::Ordering::Equal => {
                    sum += self.values[left] * other.values[right];
                    left += 1;
                    right += 1;
                }
            }
        }
        sum
    }

    /// The value at a dimension; 0 where it has none.
    #[must_use]
    pub fn get(&self, dimension: u32) -> f32 {
        self.indices.binary_search(&dimension).map_or(0.0, |at| self.values[at])
    }
}

/// The dimension of a term: a hash, so that no dictionary has to be shared by those who write. It is part of the stored
/// format. Among 100,000 terms about one pair shares a dimension, which then counts as one term.
#[must_use]
pub fn dimension(term: &str) -> u32 {
    // FNV-1a, whose low bits are uneven for short words, then the finaliser of MurmurHash3.
    let mut hash = term
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    #[allow(clippy::cast_possible_truncation, reason = "the lower half of the hash is meant")]
    let dimension = hash as u32;
    dimension
}
