//! Qdrant.

use schemars::JsonSchema;
use serde::Serialize;

use super::Sample;
use crate::metrics;

/// What Qdrant tells of its collections.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct QdrantFigures {
    /// Its version.
    pub version: String,
    /// Points of all collections.
    pub points: u64,
    /// One entry a collection, by name.
    pub collections: Vec<CollectionFigures>,
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct CollectionFigures {
    /// Its name.
    pub name: String,
    /// `green`, `yellow` (indexing), `grey` or `red` (a failure).
    pub status: String,
    /// Points.
    pub points: u64,
    /// Vectors that are in the index already.
    pub indexed_vectors: u64,
    /// Segments.
    pub segments: u64,
}

/// Every status, so that one that ended is 0 and not left standing.
const STATUSES: [&str; 4] = ["green", "yellow", "grey", "red"];

impl QdrantFigures {
    /// From its collections, in any order.
    #[must_use]
    pub fn new(version: impl Into<String>, mut collections: Vec<CollectionFigures>) -> Self {
        collections.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            version: version.into(),
            points: collections.iter().map(|collection| collection.points).sum(),
            collections,
        }
    }

    /// As Prometheus scrapes them.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for collection in &self.collections {
            let name = || collection.name.clone();
            samples.push(Sample::with(&metrics::QDRANT_POINTS, [name()], collection.points as f64));
            samples.push(Sample::with(&metrics::QDRANT_SEGMENTS, [name()], collection.segments as f64));
            for status in STATUSES {
                let value = f64::from(u8::from(collection.status == status));
                samples.push(Sample::with(&metrics::QDRANT_STATUS, [name(), status.to_owned()], value));
            }
        }
        samples
    }
}
