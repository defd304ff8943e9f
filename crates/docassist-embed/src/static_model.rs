//! Static models in the Model2Vec format: a vector for each token, and their mean for a text. A hundred times faster than a
//! transformer and less exact: for millions of passages.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use crate::error::{EmbedError, Result};
use crate::minilm::WEIGHTS_FILE;
use crate::tensors::Tensors;
use crate::wordpiece::{JSON, WordPiece};
use crate::{Embedder, to_unit_length};

/// Tokens of a text that count, as in the reference implementation's default.
const MAX_TOKENS: usize = 512;
/// Texts that a core takes at once.
const RUN: usize = 64;

/// A static model, ready to embed.
pub struct StaticModel {
    id: String,
    dims: usize,
    threads: usize,
    tokenizer: WordPiece,
    /// A row for each token, or for each cluster of tokens.
    rows: Vec<f32>,
    /// The row of each token, where they differ.
    mapping: Option<Vec<u32>>,
    /// What each token counts, where they differ.
    weights: Option<Vec<f32>>,
}

impl std::fmt::Debug for StaticModel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StaticModel").field("id", &self.id).finish_non_exhaustive()
    }
}

impl StaticModel {
    /// Reads a folder with `tokenizer.json` (of the BERT kind) and `model.safetensors`. Its `config.json` says whether vectors are to be
    /// of length 1; here they always are, which changes no cosine.
    ///
    /// # Errors
    /// [`EmbedError::NotInstalled`] if a file is missing, [`EmbedError::Damaged`] if one cannot be understood or they do not fit
    /// together.
    pub fn open(folder: &Path) -> Result<Self> {
        let read = |name: &'static str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => EmbedError::NotInstalled { path: folder.to_owned(), missing: name },
                _ => EmbedError::io("read", &path, error),
            })
        };
        let bytes = read(WEIGHTS_FILE)?;
        let words = read(JSON)?;
        let tokenizer = WordPiece::from_json(&folder.join(JSON), &words)?;
        let path = folder.join(WEIGHTS_FILE);
        let damaged = |reason: String| EmbedError::damaged(&path, reason);
        let tensors = Tensors::parse(&path, &bytes)?;

        let shape = tensors.shape("embeddings").ok_or_else(|| damaged("it has no embeddings".to_owned()))?;
        let [count, dims] = *shape else {
            return Err(damaged(format!("embeddings is of shape {shape:?}, not rows and columns")));
        };
        if dims == 0 || count == 0 {
            return Err(damaged("embeddings is empty".to_owned()));
        }
        let rows = tensors.floats("embeddings", shape)?;
        if !rows.iter().all(|value| value.is_finite()) {
            return Err(damaged("embeddings has numbers that are infinite or none".to_owned()));
        }
        let tokens = tokenizer.size();
        // A list for all tokens; a longer one does no harm.
        let length = |name: &str| match tensors.shape(name) {
            None => Ok(None),
            Some([length]) if *length >= tokens => Ok(Some(*length)),
            Some(shape) => Err(damaged(format!("{name} is of shape {shape:?}, and there are {tokens} tokens"))),
        };
        let weights = length("weights")?.map(|length| tensors.floats("weights", &[length])).transpose()?;
        if weights.iter().flatten().any(|weight| !weight.is_finite()) {
            return Err(damaged("weights has numbers that are infinite or none".to_owned()));
        }
        let mapping = match length("mapping")? {
            None if count < tokens => {
                return Err(damaged(format!("it has {count} vectors, and there are {tokens} tokens")));
            }
            None => None,
            Some(length) => {
                let mapping = tensors.integers("mapping", &[length])?.into_iter();
                let mapping = mapping.map(|row| u32::try_from(row).ok().filter(|row| (*row as usize) < count));
                Some(mapping.collect::<Option<_>>().ok_or_else(|| damaged("mapping leads outside".to_owned()))?)
            }
        };
        let hash = Sha256::new().chain_update(&bytes).chain_update(&words).finalize();
        let id = format!("static/{}/1", &format!("{hash:x}")[..12]);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { id, dims, threads, tokenizer, rows, mapping, weights })
    }

    /// Uses at most this many cores for a batch; all of them by default.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    fn embed_one(&self, text: &str, tokens: &mut Vec<u32>) -> Vec<f32> {
        tokens.clear();
        self.tokenizer.encode_bare(text, MAX_TOKENS, tokens);
        let mut vector = vec![0.0; self.dims];
        for token in tokens.iter().filter(|token| Some(**token) != self.tokenizer.unknown()) {
            let token = *token as usize;
            let row = self.mapping.as_ref().map_or(token, |mapping| mapping[token] as usize);
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[token]);
            for (sum, value) in vector.iter_mut().zip(&self.rows[row * self.dims..][..self.dims]) {
                *sum += value * weight;
            }
        }
        to_unit_length(&mut vector);
        vector
    }
}

impl Embedder for StaticModel {
    fn id(&self) -> &str {
        &self.id
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let next = AtomicUsize::new(0);
        Ok(crate::on_threads(self.threads.min(texts.len().div_ceil(RUN)), texts.len(), || {
            let mut done = Vec::new();
            let mut tokens = Vec::new();
            loop {
                let first = next.fetch_add(RUN, Ordering::Relaxed);
                if first >= texts.len() {
                    return done;
                }
                for (index, text) in texts.iter().enumerate().skip(first).take(RUN) {
                    done.push((index, self.embed_one(text, &mut tokens)));
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests;
