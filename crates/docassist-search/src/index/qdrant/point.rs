//! Passages as points, and points as passages.

use std::collections::HashMap;

use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vectors_output::VectorsOptions;
use qdrant_client::qdrant::{
    DenseVector, NamedVectors, PointStruct, RetrievedPoint, SparseVector as ServerSparse, Value, Vector, Vectors,
    vector, vector_output,
};

use super::condition::{DOCUMENT, FACETS, INSTANT, facet};
use super::tenant::{Part, Tenant};
use crate::index::{Entry, FacetField, IndexError, Result};
use crate::lexical::SparseVector;
use crate::passage::Passage;

/// The names of the two vectors, as in the index on disk.
pub(super) const SPARSE: &str = "terms";
pub(super) const DENSE: &str = "meaning";
/// The key of the whole passage as JSON: what the server filters by stands beside it.
pub(super) const PASSAGE: &str = "passage";
/// The key of a passage's length in terms.
pub(super) const LENGTH: &str = "length";
/// The key of the hash of what is embedded.
pub(super) const HASH: &str = "hash";

pub(super) type Payload = HashMap<String, Value>;

/// The point of an entry with these vectors.
pub(super) fn write(
    tenant: &Tenant,
    entry: &Entry,
    sparse: SparseVector,
    dense: Option<Vec<f32>>,
) -> Result<PointStruct> {
    let passage = &entry.passage;
    let mut payload = tenant.payload(Part::Passage);
    let json = serde_json::to_string(passage).map_err(|error| IndexError::Engine(error.to_string()))?;
    payload.insert(PASSAGE.into(), json.into());
    payload.insert(DOCUMENT.into(), passage.document.as_str().into());
    let facets =
        FacetField::ALL.into_iter().flat_map(|field| field.values(passage).map(move |value| facet(field, value)));
    payload.insert(FACETS.into(), facets.collect::<Vec<_>>().into());
    if let Some(time) = passage.time {
        payload.insert(INSTANT.into(), time.unix().into());
    }
    payload.insert(LENGTH.into(), i64::from(entry.terms.length).into());
    payload.insert(HASH.into(), passage.hash.as_str().into());
    Ok(PointStruct { id: Some(tenant.point(passage.id)), payload, vectors: Some(named(Some(sparse), dense)) })
}

/// A point without vectors.
pub(super) fn bare(
    tenant: &Tenant,
    part: Part,
    number: usize,
    fields: impl IntoIterator<Item = (&'static str, Value)>,
) -> PointStruct {
    let mut payload = tenant.payload(part);
    payload.extend(fields.into_iter().map(|(key, value)| (key.to_owned(), value)));
    PointStruct { id: Some(tenant.share(part, number)), payload, vectors: Some(named(None, None)) }
}

/// Some of the two vectors.
pub(super) fn named(sparse: Option<SparseVector>, dense: Option<Vec<f32>>) -> Vectors {
    let sparse = sparse.map(|sparse| (SPARSE, vector::Vector::Sparse(to_server(sparse))));
    let dense = dense.map(|data| (DENSE, vector::Vector::Dense(DenseVector { data })));
    let vectors = sparse.into_iter().chain(dense);
    let vectors = vectors.map(|(name, vector)| (name.to_owned(), Vector { vector: Some(vector), ..Vector::default() }));
    NamedVectors { vectors: vectors.collect() }.into()
}

pub(super) fn to_server(vector: SparseVector) -> ServerSparse {
    ServerSparse { values: vector.values, indices: vector.indices }
}

/// The passage of a point.
pub(super) fn read(point: &RetrievedPoint) -> Result<Passage> {
    let json = text(&point.payload, PASSAGE).ok_or_else(|| IndexError::Engine("a passage without content".into()))?;
    serde_json::from_str(json).map_err(|error| IndexError::Engine(error.to_string()))
}

pub(super) fn text<'a>(payload: &'a Payload, key: &str) -> Option<&'a str> {
    match payload.get(key)?.kind.as_ref()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}

pub(super) fn integer(payload: &Payload, key: &str) -> Option<i64> {
    match payload.get(key)?.kind.as_ref()? {
        Kind::IntegerValue(number) => Some(*number),
        _ => None,
    }
}

/// What a stored point says of itself.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) sparse: SparseVector,
    pub(super) dense: Option<Vec<f32>>,
    pub(super) length: u32,
    pub(super) hash: String,
}

impl From<RetrievedPoint> for Stored {
    fn from(point: RetrievedPoint) -> Self {
        let length = integer(&point.payload, LENGTH).and_then(|length| u32::try_from(length).ok()).unwrap_or_default();
        let hash = text(&point.payload, HASH).unwrap_or_default().to_owned();
        let mut stored = Self { length, hash, ..Self::default() };
        if let Some(VectorsOptions::Vectors(named)) = point.vectors.and_then(|vectors| vectors.vectors_options) {
            for (name, vector) in named.vectors {
                match vector.into_vector() {
                    vector_output::Vector::Sparse(sparse) if name == SPARSE => stored.sparse = sorted(sparse),
                    vector_output::Vector::Dense(dense) if name == DENSE => stored.dense = Some(dense.data),
                    _ => {}
                }
            }
        }
        stored
    }
}

/// The server gives dimensions in an order of its own.
fn sorted(vector: ServerSparse) -> SparseVector {
    let mut pairs: Vec<(u32, f32)> = vector.indices.into_iter().zip(vector.values).collect();
    pairs.sort_by_key(|&(dimension, _)| dimension);
    let (indices, values) = pairs.into_iter().unzip();
    SparseVector { indices, values }
}
