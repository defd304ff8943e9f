//! The figures that rankings are judged by.

use rustc_hash::FxHashMap;
use serde::Serialize;

/// How good a ranking is, or many on average; all from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Metrics {
    /// Normalised discounted cumulative gain of the first ten, with graded relevance as gain.
    pub ndcg_at_10: f64,
    /// Mean precision at each relevant document, over the judged depth.
    pub map: f64,
    /// The share of relevant documents among the first ten.
    pub recall_at_10: f64,
    /// The share among the first hundred.
    pub recall_at_100: f64,
    /// The reciprocal rank of the first relevant one among the first ten.
    pub mrr_at_10: f64,
}

impl Metrics {
    /// The figures of one ranking, by the grade of each relevant document; grades of 0 and less are not relevant.
    #[must_use]
    pub fn of(ranking: &[&str], judgements: &FxHashMap<String, f64>) -> Self {
        let grade = |document: &str| judgements.get(document).copied().filter(|grade| *grade > 0.0);
        let mut ideal: Vec<f64> = judgements.values().copied().filter(|grade| *grade > 0.0).collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        if ideal.is_empty() {
            return Self::default();
        }
        let relevant = count(ideal.len());
        let discount = |rank: usize| (count(rank) + 2.0).log2();
        let gain: f64 =
            ranking.iter().take(10).enumerate().map(|(rank, id)| grade(id).unwrap_or(0.0) / discount(rank)).sum();
        let best: f64 = ideal.iter().take(10).enumerate().map(|(rank, grade)| grade / discount(rank)).sum();
        let (mut found, mut precision, mut first, mut at_10, mut at_100) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (rank, _) in ranking.iter().enumerate().filter(|(_, id)| grade(id).is_some()) {
            found += 1.0;
            precision += found / (count(rank) + 1.0);
            if rank < 10 {
                at_10 += 1.0;
                if first == 0.0 {
                    first = 1.0 / (count(rank) + 1.0);
                }
            }
            if rank < 100 {
                at_100 += 1.0;
            }
        }
        Self {
            ndcg_at_10: gain / best,
            map: precision / relevant,
            recall_at_10: at_10 / relevant,
            recall_at_100: at_100 / relevant,
            mrr_at_10: first,
        }
    }

    /// The average.
    #[must_use]
    pub fn mean(all: &[Self]) -> Self {
        let of = |field: fn(&Self) -> f64| {
            if all.is_empty() { 0.0 } else { all.iter().map(field).sum::<f64>() / count(all.len()) }
        };
        Self {
            ndcg_at_10: of(|metrics| metrics.ndcg_at_10),
            map: of(|metrics| metrics.map),
            recall_at_10: of(|metrics| metrics.recall_at_10),
            recall_at_100: of(|metrics| metrics.recall_at_100),
            mrr_at_10: of(|metrics| metrics.mrr_at_10),
        }
    }
}

/// The value that a share of the values does not exceed.
pub(super) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank within the values")]
    let rank = (count(values.len()) * share).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied().unwrap_or_default()
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn count(number: usize) -> f64 {
    number as f64
}
