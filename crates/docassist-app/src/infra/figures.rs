//! Times of many runs, and what may be said of the difference between two servers.

use serde::Serialize;

/// Differences below this are taken for noise whatever the runs say: two equal servers on a shared machine differ so much.
const LEAST_NOISE: f64 = 0.03;
/// With fewer runs quartiles say little, and the whole range is taken.
const ENOUGH_FOR_QUARTILES: usize = 8;
/// With fewer runs than this the range says little as well: two of them can be near each other by chance.
const ENOUGH_FOR_RANGE: usize = 5;
const LEAST_NOISE_OF_FEW: f64 = 0.25;

/// The times of the same work, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// How many were taken.
    pub runs: usize,
    /// Half of them are shorter.
    pub median: f64,
    /// One in twenty is longer.
    pub p95: f64,
    /// The shortest.
    pub least: f64,
    /// What lies between the first and the third quarter; of a few runs, between the shortest and the longest.
    pub spread: f64,
}

impl Times {
    /// Of at least one time.
    pub(super) fn of(times: &[f64]) -> Option<Self> {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let spread = if sorted.len() < ENOUGH_FOR_QUARTILES {
            most - least
        } else {
            quantile(&sorted, 0.75) - quantile(&sorted, 0.25)
        };
        Some(Self { runs: sorted.len(), median: quantile(&sorted, 0.5), p95: quantile(&sorted, 0.95), least, spread })
    }
}

/// A quantile of sorted times, between its neighbours where it is none of them.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let below = place.floor();
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or_default();
    at(below) + (at(place.ceil()) - at(below)) * (place - below)
}

/// What a difference amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The tuned server takes less time, by more than runs differ among themselves.
    Faster,
    /// It takes more.
    Slower,
    /// The difference is within what runs differ among themselves.
    NoGain,
    /// There was one run only, which tells nothing about noise.
    Undecided,
}

/// The same work on both servers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// With PostgreSQL's default settings.
    pub default: Times,
    /// With those of `tune`.
    pub tuned: Times,
    /// The median of the tuned one by that of the other: below 1 it is faster.
    pub ratio: f64,
    /// By how much the ratio can differ from 1 by chance: the mean of both sides' spreads, each as a part of its median, and at
    /// least 3 %; at least 25 % with fewer than five runs.
    pub noise: f64,
    /// What that amounts to.
    pub verdict: Verdict,
}

impl Comparison {
    /// None without a time on each side.
    pub(super) fn of(default: &[f64], tuned: &[f64]) -> Option<Self> {
        let (default, tuned) = (Times::of(default)?, Times::of(tuned)?);
        let ratio = ratio(tuned.median, default.median);
        let spread = |times: &Times| if times.median > 0.0 { times.spread / times.median } else { 0.0 };
        let is_few = default.runs.min(tuned.runs) < ENOUGH_FOR_RANGE;
        let least = if is_few { LEAST_NOISE_OF_FEW } else { LEAST_NOISE };
        let noise = ((spread(&default) + spread(&tuned)) / 2.0).max(least);
        let verdict = if default.runs < 2 || tuned.runs < 2 {
            Verdict::Undecided
        } else if (ratio - 1.0).abs() < noise {
            Verdict::NoGain
        } else if ratio < 1.0 {
            Verdict::Faster
        } else {
            Verdict::Slower
        };
        Some(Self { default, tuned, ratio, noise, verdict })
    }

    /// The verdict in words.
    #[must_use]
    pub fn words(&self) -> String {
        let percent = |share: f64| format!("{:.0} %", share.abs() * 100.0);
        match self.verdict {
            Verdict::NoGain => format!("no gain (±{})", percent(self.noise)),
            Verdict::Undecided => "one run: no verdict".to_owned(),
            Verdict::Faster => format!("{} faster", percent(1.0 - self.ratio)),
            Verdict::Slower => format!("{} slower", percent(self.ratio - 1.0)),
        }
    }
}

/// A quotient; 1 where there is nothing to divide by.
pub(super) fn ratio(of: f64, by: f64) -> f64 {
    if by > 0.0 { of / by } else { 1.0 }
}

/// The mean of ratios, in which a half and a double make one; `None` of none.
pub(super) fn mean_ratio(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) =
        ratios.filter(|ratio| *ratio > 0.0).fold((0.0, 0_u32), |(sum, n), ratio| (sum + ratio.ln(), n + 1));
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        let times = Times::of(&[4.0, 1.0, 3.0, 2.0, 5.0, 6.0, 9.0, 7.0, 8.0]).unwrap();
        assert_eq!((times.runs, times.median, times.least, times.spread), (9, 5.0, 1.0, 4.0));
        assert!((times.p95 - 8.6).abs() < 1e-9);
        assert_eq!(Times::of(&[1.0, 9.0]).unwrap().spread, 8.0);
        assert_eq!(Times::of(&[]), None);
    }

    #[test]
    fn a_difference_within_the_noise_is_no_gain() {
        let verdict = |default: &[f64], tuned: &[f64]| Comparison::of(default, tuned).unwrap().verdict;
        assert_eq!(verdict(&[10.0, 10.0, 10.0], &[9.8, 9.8, 9.8]), Verdict::NoGain);
        assert_eq!(verdict(&[10.0, 14.0, 12.0, 11.0, 13.0], &[9.0, 12.0, 11.0, 10.0, 13.0]), Verdict::NoGain);
        assert_eq!(verdict(&[10.0, 10.1, 10.0], &[7.0, 7.1, 7.0]), Verdict::Faster);
        assert_eq!(verdict(&[10.0, 10.1, 10.0], &[13.0, 13.0, 13.1]), Verdict::Slower);
        // Two runs that are near each other by chance.
        assert_eq!(verdict(&[10.0, 10.1], &[8.0, 8.1]), Verdict::NoGain);
        assert_eq!(verdict(&[10.0; 6], &[9.0; 6]), Verdict::Faster);
        assert_eq!(verdict(&[10.0], &[5.0]), Verdict::Undecided);
        assert_eq!(Comparison::of(&[10.0, 10.0], &[7.0, 7.0]).unwrap().words(), "30 % faster");
        assert_eq!(mean_ratio([0.5, 2.0].into_iter()), Some(1.0));
    }
}
