//! How likely a change is to do harm. The factors are those that defect studies agree on (churn, earlier defects, ownership,
//! coupling, size and spread of the change: Nagappan & Ball, ICSE 2005; Kamei et al., TSE 2013; Bird et al., FSE 2011);
//! their points are chosen so that the largest possible sum is 100, and every point is shown with its observation.

use docassist_model::Timestamp;
use docassist_model::findings::impact::{Level, Risk, RiskFactor};

/// Collects factors; those without points are left out.
#[derive(Default)]
pub(super) struct RiskBuilder {
    factors: Vec<RiskFactor>,
}

impl RiskBuilder {
    /// Adds a factor of `share` (0–1, clamped) of its `most` points.
    pub(super) fn add(&mut self, name: &'static str, share: f64, most: f64, why: impl FnOnce() -> String) {
        let value = (share.clamp(0.0, 1.0) * most * 10.0).round() / 10.0;
        if value > 0.0 {
            self.factors.push(RiskFactor { name, value, why: why() });
        }
    }

    pub(super) fn finish(mut self) -> Risk {
        self.factors.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.name.cmp(b.name)));
        let sum: f64 = self.factors.iter().map(|factor| factor.value).sum();
        let score = sum.round().clamp(0.0, 100.0) as u8;
        Risk { score, level: Level::of(score), factors: self.factors }
    }
}

/// `n` on a scale where `full` is 1 and each doubling counts the same.
pub(super) fn log_share(n: u64, full: u64) -> f64 {
    (n as f64 + 1.0).log2() / (full as f64 + 1.0).log2()
}

/// Days that count as lately.
pub(super) const RECENT_DAYS: u32 = 180;

/// The instant that lately begins at.
pub(super) fn recent_since(as_of: Timestamp) -> i64 {
    as_of.minus_days(RECENT_DAYS).unix()
}

/// `1 file`, `2 files`.
pub(super) fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}
