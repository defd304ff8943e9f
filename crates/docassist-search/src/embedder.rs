//! What search needs of an embedding model.

/// Why a text could not be embedded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EmbedError(pub String);

/// A model that gives texts vectors. Equal texts get equal vectors.
pub trait Embedder: Send + Sync {
    /// The dimensions of its vectors.
    fn dims(&self) -> usize;

    /// Its name, different for every model whose vectors cannot be compared with another's.
    fn id(&self) -> &str;

    /// The vectors of texts, in their order, each of length 1.
    ///
    /// # Errors
    ///
    /// Where the model fails.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;
}

/// Embeds by counting hashed terms: no meaning, but equal for equal texts, alike for like ones, and always there. For tests.
#[derive(Debug, Clone)]
pub struct HashedTerms {
    dims: usize,
}

impl HashedTerms {
    /// Of so many dimensions.
    #[must_use]
    pub const fn new(dims: usize) -> Self {
        Self { dims }
    }
}

impl Embedder for HashedTerms {
    fn dims(&self) -> usize {
        self.dims
    }

    fn id(&self) -> &'static str {
        "hashed-terms"
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let one = |text: &&str| {
            let mut vector = vec![0.0_f32; self.dims];
            crate::tokens::each_token(text, |token| {
                let dimension = crate::lexical::dimension(&token.term) as usize % self.dims.max(1);
                if let Some(value) = vector.get_mut(dimension) {
                    *value += 1.0;
                }
            });
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            if length > 0.0 {
                vector.iter_mut().for_each(|value| *value /= length);
            }
            vector
        };
        Ok(texts.iter().map(one).collect())
    }
}
