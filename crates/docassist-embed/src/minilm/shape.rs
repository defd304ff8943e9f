//! The model's shape.

/// Numbers of a token's vector, and of a text's.
pub(super) const WIDTH: usize = 384;
pub(super) const LAYERS: usize = 6;
pub(super) const HEADS: usize = 12;
pub(super) const HEAD_WIDTH: usize = WIDTH / HEADS;
/// Numbers between the two halves of a layer's feed-forward part.
pub(super) const INNER: usize = 4 * WIDTH;
/// Word pieces that the model knows.
pub(super) const WORDS: usize = 30_522;
/// Places that the model knows, of which [`super::MAX_TOKENS`] are used.
pub(super) const PLACES: usize = 512;
