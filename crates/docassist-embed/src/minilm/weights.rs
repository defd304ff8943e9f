//! Reads the weights and lays them out for the kernels.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::WEIGHTS_FILE;
use super::float::Norm;
use super::integer::Linear;
use super::shape::{HEAD_WIDTH, INNER, LAYERS, PLACES, WIDTH, WORDS};
use crate::error::{EmbedError, Result};
use crate::joined;
use crate::tensors::Tensors;

/// All weights.
pub(super) struct Weights {
    /// A row for each word piece.
    pub(super) words: Vec<f32>,
    /// A row for each place, with what marks the first of two texts already added: there is only one.
    pub(super) places: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

/// One of the six layers.
pub(super) struct Layer {
    /// Query, key and value of all heads in one.
    pub(super) mix: Linear,
    pub(super) attended: Linear,
    pub(super) attended_norm: Norm,
    pub(super) widen: Linear,
    pub(super) narrow: Linear,
    pub(super) norm: Norm,
}

impl Weights {
    pub(super) fn open(folder: &Path, sha256: &str) -> Result<Self> {
        let path = folder.join(WEIGHTS_FILE);
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => EmbedError::NotInstalled { path: folder.to_owned(), missing: WEIGHTS_FILE },
            _ => EmbedError::io("read", &path, error),
        })?;
        // Beside reading the numbers, on another core.
        std::thread::scope(|scope| {
            let hash = scope.spawn(|| format!("{:x}", Sha256::digest(&bytes)));
            let weights = Tensors::parse(&path, &bytes).and_then(|tensors| Self::read(&tensors));
            let found = joined(hash);
            if found != sha256 {
                // What is wrong within a wrong file says more, if something is.
                weights?;
                return Err(EmbedError::WrongHash { path: path.clone(), expected: sha256.to_owned(), found });
            }
            weights
        })
    }

    fn read(tensors: &Tensors<'_>) -> Result<Self> {
        let mut places = tensors.floats("embeddings.position_embeddings.weight", &[PLACES, WIDTH])?;
        let kinds = tensors.floats("embeddings.token_type_embeddings.weight", &[2, WIDTH])?;
        for row in places.chunks_exact_mut(WIDTH) {
            for (value, kind) in row.iter_mut().zip(&kinds) {
                *value += kind;
            }
        }
        // Each on a thread of its own: laying weights out is half of the time that opening the model takes.
        let layers = std::thread::scope(|scope| {
            let layers: Vec<_> = (0..LAYERS).map(|layer| scope.spawn(move || Layer::read(tensors, layer))).collect();
            layers.into_iter().map(joined).collect::<Result<_>>()
        })?;
        Ok(Self {
            words: tensors.floats("embeddings.word_embeddings.weight", &[WORDS, WIDTH])?,
            places,
            norm: norm(tensors, "embeddings")?,
            layers,
        })
    }
}

impl Layer {
    fn read(tensors: &Tensors<'_>, layer: usize) -> Result<Self> {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let linear = |part: &str, inputs, outputs| -> Result<(Vec<f32>, Vec<f32>)> {
            Ok((
                tensors.floats(&name(&format!("{part}.weight")), &[outputs, inputs])?,
                tensors.floats(&name(&format!("{part}.bias")), &[outputs])?,
            ))
        };
        let packed = |part: &str, inputs, outputs| -> Result<Linear> {
            let (weight, bias) = linear(part, inputs, outputs)?;
            Ok(Linear::new(&weight, &bias, inputs))
        };
        let (mut weight, mut bias) = linear("attention.self.query", WIDTH, WIDTH)?;
        // Attention divides by the root of the head's width: once here.
        let root = (HEAD_WIDTH as f32).sqrt();
        for value in weight.iter_mut().chain(&mut bias) {
            *value /= root;
        }
        for part in ["attention.self.key", "attention.self.value"] {
            let (more_weight, more_bias) = linear(part, WIDTH, WIDTH)?;
            weight.extend(more_weight);
            bias.extend(more_bias);
        }
        Ok(Self {
            mix: Linear::new(&weight, &bias, WIDTH),
            attended: packed("attention.output.dense", WIDTH, WIDTH)?,
            attended_norm: norm(tensors, &name("attention.output"))?,
            widen: packed("intermediate.dense", WIDTH, INNER)?,
            narrow: packed("output.dense", INNER, WIDTH)?,
            norm: norm(tensors, &name("output"))?,
        })
    }
}

fn norm(tensors: &Tensors<'_>, part: &str) -> Result<Norm> {
    Ok(Norm {
        weight: tensors.floats(&format!("{part}.LayerNorm.weight"), &[WIDTH])?,
        bias: tensors.floats(&format!("{part}.LayerNorm.bias"), &[WIDTH])?,
    })
}
