//! Numbers that are the same in every run, so that both servers are asked the same and runs can be compared.

/// SplitMix64.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// Equal seeds give equal numbers.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0, below 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of them.
    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let count = of.len() as u64;
        of.get(usize::try_from(self.next().checked_rem(count)?).ok()?)
    }
}

/// Ranks by Zipf's law: the second is asked for half as often as the first, the third a third as often.
#[derive(Debug)]
pub(super) struct Zipf {
    /// The sum of all shares up to each rank.
    sums: Vec<f64>,
}

impl Zipf {
    pub(super) fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let shares = (1..=count).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self { sums: shares.collect() }
    }

    /// A rank, from 0.
    pub(super) fn next(&self, random: &mut Random) -> usize {
        let at = random.share() * self.sums.last().copied().unwrap_or_default();
        self.sums.partition_point(|sum| *sum <= at).min(self.sums.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rank_is_twice_as_frequent_as_the_second() {
        let (zipf, mut random) = (Zipf::new(100), Random::new(1));
        let mut counts = [0_u32; 100];
        for _ in 0..100_000 {
            counts[zipf.next(&mut random)] += 1;
        }
        // Of 100 ranks the first has 1 / 5.187 of all.
        assert!((18_600..20_000).contains(&counts[0]) && (9_000..10_300).contains(&counts[1]), "{counts:?}");
        assert!(counts[99] > 0);
        assert_eq!(Random::new(1).pick::<u8>(&[]), None);
    }
}
