//! Random numbers that are the same everywhere: integers alone, no operation that platforms round differently.

/// xoshiro256**, seeded by splitmix64 (Blackman and Vigna, public domain algorithms).
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// A stream of its own for each (seed, stream).
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut at = seed ^ mix(stream.wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut next = || {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(at)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in `0..bound`; 0 for an empty range.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// Uniform in `low..=high`.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// True so many times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len() as u32) as usize]
    }

    /// A rank in `0..bound`, the lower the likelier: each doubling of (rank + head) is as likely as the next, which is
    /// Zipf's law with the first `head` ranks alike.
    pub(crate) fn zipf(&mut self, bound: u32, head: u32) -> u32 {
        let octaves = (bound / head + 1).ilog2() + 1;
        loop {
            let octave = self.below(octaves);
            let from = (head << octave) - head;
            let rank = from + self.below(head << octave);
            if rank < bound {
                return rank;
            }
            if bound == 0 {
                return 0;
            }
        }
    }

    /// A number from 1 up to below `2^octaves`, each doubling as likely as the next.
    pub(crate) fn doubling(&mut self, octaves: u32) -> u32 {
        let base = 1 << self.below(octaves);
        base + self.below(base)
    }
}

/// The finaliser of splitmix64: a good hash of a number.
pub(crate) const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_ranks_are_likely_and_all_are_possible() {
        let mut random = Random::new(1, 2);
        let mut seen = [0_u32; 100];
        for _ in 0..20_000 {
            seen[random.zipf(100, 4) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 0));
        assert!(seen[0] > 10 * seen[99], "{} {}", seen[0], seen[99]);
    }

    #[test]
    fn streams_differ_and_repeat() {
        let first = |seed, stream| Random::new(seed, stream).next();
        assert_eq!(first(1, 1), first(1, 1));
        assert_ne!(first(1, 1), first(1, 2));
        assert_ne!(first(1, 1), first(2, 1));
    }
}
