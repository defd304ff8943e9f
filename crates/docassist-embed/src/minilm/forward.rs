//! Tokens through the six layers.

use pulp::Arch;

use super::attention::{self, attend};
use super::float::gelu;
use super::integer::{Linear, Quantised};
use super::shape::WIDTH;
use super::weights::Weights;

/// Room for one core's group of tokens, used again from group to group.
#[derive(Default)]
pub(super) struct Room {
    rows: Vec<f32>,
    quantised: Quantised,
    mixed: Vec<f32>,
    attended: Vec<f32>,
    wide: Vec<f32>,
    out: Vec<f32>,
    attention: attention::Room,
}

impl Weights {
    /// A row of [`WIDTH`] numbers for each token. `lengths` says how many tokens each text has.
    pub(super) fn forward<'a>(&self, arch: Arch, room: &'a mut Room, tokens: &[u32], lengths: &[usize]) -> &'a [f32] {
        let Room { rows, quantised, mixed, attended, wide, out, attention } = room;
        rows.clear();
        let places = lengths.iter().flat_map(|length| 0..*length);
        for (token, place) in tokens.iter().zip(places) {
            let word = &self.words[*token as usize * WIDTH..][..WIDTH];
            rows.extend(word.iter().zip(&self.places[place * WIDTH..]).map(|(word, place)| word + place));
        }
        out.clear();
        out.resize(rows.len(), 0.0);
        attended.resize(rows.len(), 0.0);
        self.norm.apply(arch, rows, out);
        for layer in &self.layers {
            let mut linear = |from: &[f32], width: usize, linear: &Linear, to: &mut Vec<f32>| {
                quantised.fill(arch, from, width);
                to.resize(tokens.len() * linear.outputs(), 0.0);
                linear.apply(arch, quantised, to);
            };
            linear(rows, WIDTH, &layer.mix, mixed);
            let mut start = 0;
            for length in lengths.iter().copied() {
                let mixed = &mixed[start * 3 * WIDTH..][..length * 3 * WIDTH];
                attend(arch, attention, mixed, &mut attended[start * WIDTH..][..length * WIDTH]);
                start += length;
            }
            linear(attended, WIDTH, &layer.attended, out);
            layer.attended_norm.apply(arch, rows, out);
            linear(rows, WIDTH, &layer.widen, wide);
            gelu(arch, wide);
            linear(wide, layer.widen.outputs(), &layer.narrow, out);
            layer.norm.apply(arch, rows, out);
        }
        rows
    }
}
