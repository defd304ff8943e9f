//! Products of matrices in 16-bit integers, where nine tenths of the model's time goes.
//!
//! AVX2 multiplies sixteen pairs of 16-bit integers and adds neighbours in one instruction (`vpmaddwd`), twice as many
//! products as a fused multiply-add of floats has. The 8-bit instruction (`vpmaddubsw`) needs a second one to widen its
//! sums, so it is no faster, and it saturates. So: 12 bits for each side, 32 bits for sums, which cannot overflow.
//!
//! Integers are exact: a text's vector is the same alone, in a batch, and by either kernel.

use pulp::Arch;

use super::float::Columns;

/// Rows of a tile: with [`COLUMNS`], what fits into AVX2's sixteen registers.
pub(super) const ROWS: usize = 6;
/// Columns of a tile: two registers of eight sums.
pub(super) const COLUMNS: usize = 16;
/// Largest value of a quantised number.
const LIMIT: f32 = 2047.0;
/// Longest run of products that is summed in 32 bits: 384 · 2047² < 2³¹.
const RUN: usize = 384;

/// Two values of each of sixteen columns, side by side, as `vpmaddwd` wants them.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Pairs([i16; 2 * COLUMNS]);

/// The weights of a linear layer, quantised per output and laid out for the kernel.
pub(super) struct Linear {
    inputs: usize,
    outputs: usize,
    /// Runs of inputs × panels of sixteen outputs × pairs of inputs.
    pairs: Vec<Pairs>,
    scales: Vec<Columns>,
    bias: Vec<Columns>,
}

impl Linear {
    /// Takes `weight` as `outputs` rows of `inputs`. Both must be multiples of sixteen, and a long `inputs` one of
    /// [`RUN`]; the model's shapes are, and are checked where the file is read.
    pub(super) fn new(weight: &[f32], bias: &[f32], inputs: usize) -> Self {
        let outputs = bias.len();
        debug_assert!(weight.len() == inputs * outputs && outputs.is_multiple_of(COLUMNS));
        debug_assert!(inputs.is_multiple_of(2) && (inputs <= RUN || inputs.is_multiple_of(RUN)));
        let scales: Vec<f32> = weight.chunks_exact(inputs).map(|row| scale(largest(row))).collect();
        let inverses: Vec<f32> = scales.iter().map(|scale| 1.0 / scale).collect();
        let mut pairs = Vec::with_capacity(inputs * outputs / (2 * COLUMNS));
        for run in (0..inputs).step_by(RUN) {
            for (rows, inverses) in weight.chunks_exact(COLUMNS * inputs).zip(inverses.chunks_exact(COLUMNS)) {
                for input in (run..inputs.min(run + RUN)).step_by(2) {
                    let mut pair = [0; 2 * COLUMNS];
                    for (column, row) in rows.chunks_exact(inputs).enumerate() {
                        pair[2 * column] = quantise(row[input], inverses[column]) as i16;
                        pair[2 * column + 1] = quantise(row[input + 1], inverses[column]) as i16;
                    }
                    pairs.push(Pairs(pair));
                }
            }
        }
        let columns = |values: &[f32]| {
            values.chunks_exact(COLUMNS).map(|chunk| Columns(std::array::from_fn(|i| chunk[i]))).collect()
        };
        Self { inputs, outputs, pairs, scales: columns(&scales), bias: columns(bias) }
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// `out = rows · weightᵀ + bias`, row after row.
    pub(super) fn apply(&self, arch: Arch, rows: &Quantised, out: &mut [f32]) {
        debug_assert!(rows.width == self.inputs && out.len() == rows.count * self.outputs);
        #[cfg(target_arch = "x86_64")]
        if let Arch::V3(simd) = arch {
            // A closure of its own, so that everything within is compiled for AVX2.
            return simd.vectorize(
                #[inline(always)]
                || self.multiply(rows, out, |a, b| avx2_tile(simd, a, b)),
            );
        }
        arch.dispatch(
            #[inline(always)]
            || self.multiply(rows, out, tile),
        );
    }

    #[inline(always)]
    fn multiply(
        &self,
        rows: &Quantised,
        out: &mut [f32],
        tile: impl Fn(&[[i32; ROWS]], &[Pairs]) -> [[i32; COLUMNS]; ROWS],
    ) {
        for row in out.chunks_exact_mut(self.outputs) {
            for (columns, bias) in row.chunks_exact_mut(COLUMNS).zip(&self.bias) {
                columns.copy_from_slice(&bias.0);
            }
        }
        let run_pairs = self.inputs.min(RUN) / 2;
        let panels = self.outputs / COLUMNS;
        for (run, weights) in self.pairs.chunks_exact(run_pairs * panels).enumerate() {
            for (panel, weights) in weights.chunks_exact(run_pairs).enumerate() {
                let scales = &self.scales[panel].0;
                for (block, rows_of_block) in rows.blocks.chunks_exact(rows.width / 2).enumerate() {
                    let sums = tile(&rows_of_block[run * run_pairs..][..run_pairs], weights);
                    let first = block * ROWS;
                    for (row, sums) in (first..rows.count.min(first + ROWS)).zip(&sums) {
                        let factor = rows.scales[row];
                        let out = &mut out[row * self.outputs + panel * COLUMNS..][..COLUMNS];
                        for column in 0..COLUMNS {
                            out[column] += sums[column] as f32 * (factor * scales[column]);
                        }
                    }
                }
            }
        }
    }
}

/// Rows of numbers, quantised per row and interleaved by blocks of [`ROWS`].
#[derive(Default)]
pub(super) struct Quantised {
    count: usize,
    width: usize,
    /// Blocks of rows × pairs of columns × rows; a pair is two 16-bit numbers, the first in the lower half.
    blocks: Vec<[i32; ROWS]>,
    scales: Vec<f32>,
    row: Vec<i32>,
}

impl Quantised {
    /// Takes rows of `width` numbers.
    pub(super) fn fill(&mut self, arch: Arch, values: &[f32], width: usize) {
        self.width = width;
        self.count = values.len() / width;
        self.scales.clear();
        self.blocks.clear();
        // Rows beyond the last one are zero: their sums are not used.
        self.blocks.resize(self.count.div_ceil(ROWS) * (width / 2), [0; ROWS]);
        arch.dispatch(
            #[inline(always)]
            || self.quantise_rows(values),
        );
    }

    #[inline(always)]
    fn quantise_rows(&mut self, values: &[f32]) {
        let pairs = self.width / 2;
        self.row.resize(pairs, 0);
        for (index, row) in values.chunks_exact(self.width).enumerate() {
            let scale = scale(largest(row));
            self.scales.push(scale);
            let inverse = 1.0 / scale;
            for (pair, two) in self.row.iter_mut().zip(row.chunks_exact(2)) {
                *pair = (quantise(two[0], inverse) & 0xffff) | (quantise(two[1], inverse) << 16);
            }
            let block = &mut self.blocks[index / ROWS * pairs..][..pairs];
            let lane = index % ROWS;
            for (rows, pair) in block.iter_mut().zip(&self.row) {
                rows[lane] = *pair;
            }
        }
    }
}

/// Rounds to the nearest, by the addition that leaves the integer in the lower bits: a cast would saturate, which takes
/// five instructions.
#[inline(always)]
fn quantise(value: f32, inverse_scale: f32) -> i32 {
    const ROUND: f32 = 12_582_912.0;
    (value * inverse_scale + ROUND).to_bits() as i32 - ROUND.to_bits() as i32
}

/// What one step of the integers stands for. Never zero, so that a row of zeros stays one.
#[inline(always)]
fn scale(largest: f32) -> f32 {
    largest.max(f32::MIN_POSITIVE * 1e6) / LIMIT
}

#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; COLUMNS];
    for chunk in values.chunks_exact(COLUMNS) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            let value = value.abs();
            *lane = if value > *lane { value } else { *lane };
        }
    }
    let rest = values.chunks_exact(COLUMNS).remainder();
    lanes.iter().chain(rest).fold(0.0, |largest, value| largest.max(value.abs()))
}

/// One tile for any machine. The compiler finds vector instructions for it where there are some.
#[inline(always)]
fn tile(rows: &[[i32; ROWS]], columns: &[Pairs]) -> [[i32; COLUMNS]; ROWS] {
    let mut sums = [[0; COLUMNS]; ROWS];
    for (rows, columns) in rows.iter().zip(columns) {
        for (sums, pair) in sums.iter_mut().zip(rows) {
            let (low, high) = (i32::from(*pair as i16), *pair >> 16);
            for (sum, [first, second]) in sums.iter_mut().zip(columns.0.as_chunks().0) {
                *sum += low * i32::from(*first) + high * i32::from(*second);
            }
        }
    }
    sums
}

/// The same with AVX2: twelve registers of sums, two of weights, one of a row's pair.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx2_tile(simd: pulp::x86::V3, rows: &[[i32; ROWS]], columns: &[Pairs]) -> [[i32; COLUMNS]; ROWS] {
    use std::arch::x86_64::__m256i;
    let (avx, avx2) = (simd.avx, simd.avx2);
    let mut sums = [[avx._mm256_setzero_si256(); 2]; ROWS];
    for (rows, columns) in rows.iter().zip(columns) {
        let [left, right]: [__m256i; 2] = pulp::cast(columns.0);
        for (sums, pair) in sums.iter_mut().zip(rows) {
            let pair = avx._mm256_set1_epi32(*pair);
            sums[0] = avx2._mm256_add_epi32(sums[0], avx2._mm256_madd_epi16(pair, left));
            sums[1] = avx2._mm256_add_epi32(sums[1], avx2._mm256_madd_epi16(pair, right));
        }
    }
    sums.map(pulp::cast)
}
