//! Attention of one text's tokens to each other.

use pulp::{Arch, Simd, WithSimd};

use super::float::{Columns, exp, tile};
use super::integer::{COLUMNS, ROWS};
use super::shape::{HEAD_WIDTH, HEADS, WIDTH};

/// Room that is used again from text to text.
#[derive(Default)]
pub(super) struct Room {
    /// Keys: panels of sixteen tokens × the head's width.
    keys: Vec<Columns>,
    /// Values: panels of sixteen of the head's columns × tokens.
    values: Vec<Columns>,
    scores: Vec<f32>,
    weights: Vec<[f32; ROWS]>,
}

/// `out[token] = Σ softmax(query · keys) · values`, per head. `mixed` has each token's query, key and value one after the
/// other; queries are already divided by the root of the head's width.
pub(super) fn attend(arch: Arch, room: &mut Room, mixed: &[f32], out: &mut [f32]) {
    arch.dispatch(Attend { room, mixed, out });
}

struct Attend<'a> {
    room: &'a mut Room,
    mixed: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { room, mixed, out } = self;
        let tokens = out.len() / WIDTH;
        for head in 0..HEADS {
            room.pack(mixed, head * HEAD_WIDTH, tokens);
            for first in (0..tokens).step_by(ROWS) {
                one_block(simd, room, mixed, out, head * HEAD_WIDTH, first);
            }
        }
    }
}

impl Room {
    #[inline(always)]
    fn pack(&mut self, mixed: &[f32], column: usize, tokens: usize) {
        let panels = tokens.div_ceil(COLUMNS);
        self.keys.clear();
        self.keys.resize(panels * HEAD_WIDTH, Columns::ZERO);
        self.values.clear();
        self.values.resize(HEAD_WIDTH / COLUMNS * tokens, Columns::ZERO);
        for (token, row) in mixed.chunks_exact(3 * WIDTH).enumerate() {
            let panel = &mut self.keys[token / COLUMNS * HEAD_WIDTH..][..HEAD_WIDTH];
            let lane = token % COLUMNS;
            for (columns, key) in panel.iter_mut().zip(&row[WIDTH + column..]) {
                columns.0[lane] = *key;
            }
            let value = &row[2 * WIDTH + column..][..HEAD_WIDTH];
            for (panel, value) in value.chunks_exact(COLUMNS).enumerate() {
                self.values[panel * tokens + token].0.copy_from_slice(value);
            }
        }
        self.scores.resize(panels * COLUMNS * ROWS, 0.0);
        self.weights.clear();
        self.weights.resize(tokens, [0.0; ROWS]);
    }
}

/// A block of queries of one head.
#[inline(always)]
fn one_block<S: Simd>(simd: S, room: &mut Room, mixed: &[f32], out: &mut [f32], column: usize, first: usize) {
    let tokens = room.weights.len();
    let rows = ROWS.min(tokens - first);
    let stride = room.scores.len() / ROWS;

    let mut queries = [[0.0; ROWS]; HEAD_WIDTH];
    for row in 0..rows {
        let query = &mixed[(first + row) * 3 * WIDTH + column..][..HEAD_WIDTH];
        for (queries, value) in queries.iter_mut().zip(query) {
            queries[row] = *value;
        }
    }
    for (panel, keys) in room.keys.chunks_exact(HEAD_WIDTH).enumerate() {
        let scores = tile(simd, &queries, keys);
        for (row, scores) in scores.iter().enumerate() {
            room.scores[row * stride + panel * COLUMNS..][..COLUMNS].copy_from_slice(scores);
        }
    }

    let mut inverse = [0.0; ROWS];
    for (row, inverse) in inverse.iter_mut().enumerate().take(rows) {
        let scores = &mut room.scores[row * stride..][..stride];
        // Columns beyond the last token weigh nothing.
        scores[tokens..].fill(f32::NEG_INFINITY);
        let scores = S::as_mut_simd_f32s(scores).0;
        let largest =
            scores.iter().fold(simd.splat_f32s(f32::NEG_INFINITY), |largest, score| simd.max_f32s(largest, *score));
        let largest = simd.splat_f32s(simd.reduce_max_f32s(largest));
        let mut sum = simd.splat_f32s(0.0);
        for score in scores {
            *score = exp(simd, simd.sub_f32s(*score, largest));
            sum = simd.add_f32s(sum, *score);
        }
        *inverse = 1.0 / simd.reduce_sum_f32s(sum);
    }
    let mut scores = room.scores.chunks_exact(stride);
    let scores: [&[f32]; ROWS] = std::array::from_fn(|_| scores.next().map_or(&[][..], |scores| &scores[..tokens]));
    for (token, weights) in room.weights.iter_mut().enumerate() {
        *weights = std::array::from_fn(|row| scores[row][token]);
    }
    for (panel, values) in room.values.chunks_exact(tokens).enumerate() {
        let sums = tile(simd, &room.weights, values);
        for row in 0..rows {
            let out = &mut out[(first + row) * WIDTH + column + panel * COLUMNS..][..COLUMNS];
            for (out, sum) in out.iter_mut().zip(&sums[row]) {
                *out = sum * inverse[row];
            }
        }
    }
}
