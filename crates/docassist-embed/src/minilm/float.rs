//! What stays in floating point: attention, softmax, GELU, normalisation.

use pulp::{Arch, Simd, WithSimd};

use super::integer::{COLUMNS, ROWS};

/// Sixteen columns side by side.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Columns(pub(super) [f32; COLUMNS]);

impl Columns {
    pub(super) const ZERO: Self = Self([0.0; COLUMNS]);
}

/// `rows · columns` over their common length; rows are interleaved.
#[inline(always)]
pub(super) fn tile<S: Simd>(simd: S, rows: &[[f32; ROWS]], columns: &[Columns]) -> [[f32; COLUMNS]; ROWS] {
    match S::F32_LANES {
        16 => tile_of::<S, 1>(simd, rows, columns),
        8 => tile_of::<S, 2>(simd, rows, columns),
        4 => tile_of::<S, 4>(simd, rows, columns),
        _ => tile_of::<S, COLUMNS>(simd, rows, columns),
    }
}

#[inline(always)]
fn tile_of<S: Simd, const REGISTERS: usize>(
    simd: S,
    rows: &[[f32; ROWS]],
    columns: &[Columns],
) -> [[f32; COLUMNS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; ROWS];
    for (rows, columns) in rows.iter().zip(columns) {
        let columns = S::as_simd_f32s(&columns.0).0;
        let columns: [S::f32s; REGISTERS] = std::array::from_fn(|register| columns[register]);
        for (sums, value) in sums.iter_mut().zip(rows) {
            let value = simd.splat_f32s(*value);
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = simd.mul_add_e_f32s(value, column, *sum);
            }
        }
    }
    let mut out = [[0.0; COLUMNS]; ROWS];
    for (out, sums) in out.iter_mut().zip(&sums) {
        for (out, sum) in S::as_mut_simd_f32s(out).0.iter_mut().zip(sums) {
            *out = *sum;
        }
    }
    out
}

/// eˣ within 2 ulp for x in [-87, 88]; beyond it, the value at that end.
///
/// 2ⁿ·2ᶠ with n the nearest integer to x·log₂e, which an addition leaves in the lower bits, and a polynomial for 2ᶠ.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const ROUND: f32 = 12_582_912.0;
    let x = simd.min_f32s(simd.max_f32s(x, simd.splat_f32s(-87.0)), simd.splat_f32s(88.0));
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let whole = simd.sub_f32s(shifted, simd.splat_f32s(ROUND));
    // ln 2 in two parts, so that what is taken off is exact.
    let rest = simd.mul_add_e_f32s(whole, simd.splat_f32s(-0.693_359_4), x);
    let rest = simd.mul_add_e_f32s(whole, simd.splat_f32s(2.121_944_4e-4), rest);
    let mut sum = simd.splat_f32s(1.987_569_1e-4);
    for factor in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5, 1.0, 1.0] {
        sum = simd.mul_add_e_f32s(sum, rest, simd.splat_f32s(factor));
    }
    let power = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(sum), power))
}

/// x·Φ(x), by Abramowitz and Stegun's 7.1.26 for erf, whose error is at most 1.5·10⁻⁷.
#[inline(always)]
pub(super) fn gelu_of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let z = simd.mul_f32s(simd.abs_f32s(x), simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2));
    let one = simd.splat_f32s(1.0);
    let t = simd.div_f32s(one, simd.mul_add_e_f32s(z, simd.splat_f32s(0.327_591_1), one));
    let mut sum = simd.splat_f32s(1.061_405_4);
    for factor in [-1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6] {
        sum = simd.mul_add_e_f32s(sum, t, simd.splat_f32s(factor));
    }
    // 1 − erf(|z|)
    let tail = simd.mul_f32s(simd.mul_f32s(sum, t), exp(simd, simd.neg_f32s(simd.mul_f32s(z, z))));
    // x·Φ(x) = max(x, 0) − |x|·tail/2 on both sides of zero.
    let half = simd.mul_f32s(simd.abs_f32s(x), simd.splat_f32s(0.5));
    simd.sub_f32s(simd.max_f32s(x, simd.splat_f32s(0.0)), simd.mul_f32s(half, tail))
}

/// GELU in place.
pub(super) fn gelu(arch: Arch, values: &mut [f32]) {
    struct Gelu<'a>(&'a mut [f32]);
    impl WithSimd for Gelu<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (vectors, rest) = S::as_mut_simd_f32s(self.0);
            for value in vectors {
                *value = gelu_of(simd, *value);
            }
            if !rest.is_empty() {
                simd.partial_store_f32s(rest, gelu_of(simd, simd.partial_load_f32s(rest)));
            }
        }
    }
    arch.dispatch(Gelu(values));
}

/// Scale and shift of a layer's normalisation.
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Norm {
    /// `rows = normalised(rows + added)`, each row to mean 0 and variance 1, then scaled and shifted.
    pub(super) fn apply(&self, arch: Arch, rows: &mut [f32], added: &[f32]) {
        struct Apply<'a>(&'a Norm, &'a mut [f32], &'a [f32]);
        impl WithSimd for Apply<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                let Self(norm, rows, added) = self;
                let width = norm.weight.len();
                for (row, added) in rows.chunks_exact_mut(width).zip(added.chunks_exact(width)) {
                    normalise(simd, norm, row, added);
                }
            }
        }
        arch.dispatch(Apply(self, rows, added));
    }
}

/// A row's length is a multiple of sixteen, and so of every machine's vector.
#[inline(always)]
fn normalise<S: Simd>(simd: S, norm: &Norm, row: &mut [f32], added: &[f32]) {
    /// The model's own.
    const EPSILON: f32 = 1e-12;
    let width = row.len() as f32;
    let row = S::as_mut_simd_f32s(row).0;
    let mut sum = simd.splat_f32s(0.0);
    for (value, added) in row.iter_mut().zip(S::as_simd_f32s(added).0) {
        *value = simd.add_f32s(*value, *added);
        sum = simd.add_f32s(sum, *value);
    }
    let mean = simd.splat_f32s(simd.reduce_sum_f32s(sum) / width);
    let mut squares = simd.splat_f32s(0.0);
    for value in &mut *row {
        *value = simd.sub_f32s(*value, mean);
        squares = simd.mul_add_e_f32s(*value, *value, squares);
    }
    let inverse = simd.splat_f32s(1.0 / (simd.reduce_sum_f32s(squares) / width + EPSILON).sqrt());
    let weights = S::as_simd_f32s(&norm.weight).0.iter().zip(S::as_simd_f32s(&norm.bias).0);
    for (value, (weight, bias)) in row.iter_mut().zip(weights) {
        *value = simd.mul_add_e_f32s(simd.mul_f32s(*value, inverse), *weight, *bias);
    }
}
