//! all-MiniLM-L6-v2 in the process: six layers, 384 numbers, the mean over tokens, length 1.
//!
//! Tokens of several texts go through the layers one after the other, without padding, in groups that fit the caches; each
//! core takes its own groups. `docs/adr` has the measurements behind it (embed in process).

mod attention;
mod float;
mod forward;
mod integer;
mod shape;
mod weights;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use pulp::Arch;
use sha2::{Digest, Sha256};

use crate::error::{EmbedError, Result};
use crate::wordpiece::WordPiece;
use crate::{Embedder, to_unit_length};
use forward::Room;
use weights::Weights;

/// SHA-256 of the weights, `model.safetensors`, that this module is written and tested for.
pub const WEIGHTS_SHA256: &str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db";
/// Tokens of a text that the model sees, its two marks included; what follows does not change the vector. The model was
/// trained with no more.
pub const MAX_TOKENS: usize = 256;

/// The same of `vocab.txt`, which says all that there is to say about the tokenizer.
pub const VOCABULARY_SHA256: &str = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3";

pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";
pub(crate) const VOCABULARY_FILE: &str = "vocab.txt";

/// Tokens that a core takes at once: enough that reading the weights is cheap against multiplying by them, few enough that
/// what is between two layers stays in a core's cache.
const GROUP_TOKENS: usize = 256;

/// Numbers in each of its vectors.
pub const DIMS: usize = shape::WIDTH;

/// The identity of the model, as [`Embedder::id`] gives it, without opening it.
#[must_use]
pub fn id() -> String {
    // The last number counts changes of our own arithmetic that change vectors by more than rounding.
    format!("all-MiniLM-L6-v2/{}/1", &WEIGHTS_SHA256[..12])
}

/// The model, ready to embed. It is shared by reference between threads.
pub struct MiniLm {
    id: String,
    arch: Arch,
    threads: usize,
    tokenizer: WordPiece,
    weights: Weights,
}

impl std::fmt::Debug for MiniLm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MiniLm").field("id", &self.id).field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl MiniLm {
    /// Reads the model from a folder with `model.safetensors` and `vocab.txt`, as [`crate::pull`] makes it.
    ///
    /// # Errors
    /// [`crate::EmbedError::NotInstalled`] if a file is missing, [`crate::EmbedError::WrongHash`] if one is not the pinned
    /// one, [`crate::EmbedError::Damaged`] if a file cannot be understood.
    pub fn open(folder: &Path) -> Result<Self> {
        let tokenizer = tokenizer(folder)?;
        let weights = Weights::open(folder, WEIGHTS_SHA256)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { id: id(), arch: Arch::new(), threads, tokenizer, weights })
    }

    /// Uses at most this many cores for a batch; all of them by default. One text is always embedded by its caller's thread.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// How many tokens of a text the model sees, its two marks included: at most [`MAX_TOKENS`].
    #[must_use]
    pub fn count_tokens(&self, text: &str) -> usize {
        let mut tokens = Vec::new();
        self.tokenizer.encode(text, MAX_TOKENS, &mut tokens);
        tokens.len()
    }

    /// Embeds texts that it takes from `next`, a group at a time, until there are no more.
    fn work(&self, texts: &[&str], next: &AtomicUsize, threads: usize) -> Vec<(usize, Vec<f32>)> {
        let mut done = Vec::new();
        let mut room = Room::default();
        let (mut tokens, mut indices, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        // A core that takes all that is left would leave the others idle.
        let share = texts.len().div_ceil(4 * threads);
        loop {
            tokens.clear();
            indices.clear();
            lengths.clear();
            while tokens.len() < GROUP_TOKENS && indices.len() < share {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(text) = texts.get(index) else { break };
                let before = tokens.len();
                self.tokenizer.encode(text, MAX_TOKENS, &mut tokens);
                indices.push(index);
                lengths.push(tokens.len() - before);
            }
            if indices.is_empty() {
                return done;
            }
            let rows = self.weights.forward(self.arch, &mut room, &tokens, &lengths);
            let mut rows = rows.chunks_exact(shape::WIDTH);
            for (index, length) in indices.iter().zip(&lengths) {
                let mut vector = vec![0.0; shape::WIDTH];
                for row in rows.by_ref().take(*length) {
                    for (sum, value) in vector.iter_mut().zip(row) {
                        *sum += value;
                    }
                }
                // The mean's divisor goes with the length.
                to_unit_length(&mut vector);
                done.push((*index, vector));
            }
        }
    }
}

fn tokenizer(folder: &Path) -> Result<WordPiece> {
    let path = folder.join(VOCABULARY_FILE);
    let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => EmbedError::NotInstalled { path: folder.to_owned(), missing: VOCABULARY_FILE },
        _ => EmbedError::io("read", &path, error),
    })?;
    let found = format!("{:x}", Sha256::digest(&bytes));
    if found != VOCABULARY_SHA256 {
        return Err(EmbedError::WrongHash { path, expected: VOCABULARY_SHA256.to_owned(), found });
    }
    WordPiece::from_vocabulary(&path, &bytes)
}

impl Embedder for MiniLm {
    fn id(&self) -> &str {
        &self.id
    }

    fn dims(&self) -> usize {
        shape::WIDTH
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let next = AtomicUsize::new(0);
        let threads = self.threads.min(texts.len()).max(1);
        Ok(crate::on_threads(threads, texts.len(), || self.work(texts, &next, threads)))
    }
}

#[cfg(test)]
#[path = "minilm/tests.rs"]
mod tests;
