//! What is kept beside passages: the state, the counts of terms and the documents.
//!
//! Counts and documents are in shares, by a hash, so that a commit writes those that changed and a reader loads those that are newer
//! than what it knows.

use qdrant_client::qdrant::{PointStruct, RetrievedPoint, Value};
use serde::{Deserialize, Serialize};

use super::point::{Payload, bare, integer, text};
use super::tenant::{Part, Tenant};
use crate::index::documents::DocumentChanges;
use crate::index::terms;
use crate::index::{IndexError, IndexedDocument, Result};
use crate::lexical::{Statistics, dimension};

/// So many that a small sync rewrites part of them only, so few that a small organisation has no more of them than passages.
pub(super) const SHARES: usize = u64::BITS as usize;
/// The key of the commit that a share was last written by.
pub(super) const REVISION: &str = "revision";
/// The key of a share's content.
pub(super) const CONTENT: &str = "content";
const NUMBER: &str = "number";

/// What an organisation's index is, as of its last commit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Another one whenever the index begins anew. Empty: there is no index.
    pub(super) epoch: String,
    /// Counts commits within the epoch.
    pub(super) revision: i64,
    pub(super) sequence: Option<u64>,
    pub(super) reason: Option<String>,
    /// Who is writing to it: what is stored is not whole until there is nobody.
    pub(super) writer: Option<String>,
    /// The average length that sparse vectors are weighed with.
    pub(super) weighed_with: Option<f32>,
    pub(super) passages: u64,
    pub(super) total_length: u64,
    pub(super) embedded: u64,
}

impl State {
    pub(super) fn read(point: &RetrievedPoint) -> Result<Self> {
        serde_json::from_str(text(&point.payload, CONTENT).unwrap_or_default()).map_err(unreadable)
    }

    pub(super) fn write(&self, tenant: &Tenant) -> Result<PointStruct> {
        let json = serde_json::to_string(self).map_err(unreadable)?;
        Ok(bare(tenant, Part::State, 0, [(CONTENT, Value::from(json))]))
    }
}

/// Which shares, of terms or of documents: a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks(u64);

impl Marks {
    pub(super) const ALL: Self = Self(u64::MAX);

    pub(super) const fn set(&mut self, number: usize) {
        self.0 |= 1 << number;
    }

    pub(super) const fn has(self, number: usize) -> bool {
        self.0 & 1 << number != 0
    }
}

pub(super) const fn of_dimension(dimension: u32) -> usize {
    dimension as usize % SHARES
}

pub(super) fn of_document(document: &str) -> usize {
    of_dimension(dimension(document))
}

/// The shares that changes touch.
pub(super) fn of_changes(changes: &DocumentChanges) -> Marks {
    let mut marks = if changes.has_emptied() { Marks::ALL } else { Marks::default() };
    changes.names().for_each(|name| marks.set(of_document(name)));
    marks
}

fn share(tenant: &Tenant, part: Part, number: usize, revision: i64, content: String) -> PointStruct {
    let number_value = i64::try_from(number).unwrap_or_default();
    let fields = [(REVISION, revision.into()), (NUMBER, number_value.into()), (CONTENT, content.into())];
    bare(tenant, part, number, fields)
}

/// The fields of a share that are read.
pub(super) const FIELDS: [&str; 2] = [NUMBER, CONTENT];

fn number(payload: &Payload) -> Option<usize> {
    integer(payload, NUMBER).and_then(|number| usize::try_from(number).ok()).filter(|&number| number < SHARES)
}

/// The shares of counts that are marked.
pub(super) fn write_terms(tenant: &Tenant, statistics: &Statistics, marks: Marks, revision: i64) -> Vec<PointStruct> {
    let mut contents = vec![String::new(); SHARES];
    for (dimension, entry) in statistics.terms() {
        let number = of_dimension(dimension);
        if marks.has(number) {
            terms::write(&mut contents[number], entry);
        }
    }
    let marked = contents.into_iter().enumerate().filter(|(number, _)| marks.has(*number));
    marked.map(|(number, content)| share(tenant, Part::Terms, number, revision, content)).collect()
}

/// Puts shares of counts in the place of what is known of them.
pub(super) fn read_terms(points: &[RetrievedPoint], statistics: &mut Statistics) -> Result<()> {
    let mut newer = Marks::default();
    for point in points {
        newer.set(number(&point.payload).ok_or_else(|| unreadable("a share without a number"))?);
    }
    statistics.retain(|dimension| !newer.has(of_dimension(dimension)));
    for line in points.iter().flat_map(|point| text(&point.payload, CONTENT).unwrap_or_default().lines()) {
        let entry = terms::read(line).ok_or_else(|| unreadable("a term without a count"))?;
        statistics.restore(dimension(&entry.term), entry);
    }
    Ok(())
}

/// The shares of documents that are marked.
pub(super) fn write_documents(
    tenant: &Tenant,
    documents: Vec<IndexedDocument>,
    marks: Marks,
    revision: i64,
) -> Result<Vec<PointStruct>> {
    let mut shares: Vec<Vec<IndexedDocument>> = vec![Vec::new(); SHARES];
    for document in documents {
        shares[of_document(&document.document)].push(document);
    }
    let marked = shares.into_iter().enumerate().filter(|(number, _)| marks.has(*number));
    marked
        .map(|(number, documents)| {
            let content = serde_json::to_string(&documents).map_err(unreadable)?;
            Ok(share(tenant, Part::Documents, number, revision, content))
        })
        .collect()
}

pub(super) fn read_documents(point: &RetrievedPoint) -> Result<Vec<IndexedDocument>> {
    serde_json::from_str(text(&point.payload, CONTENT).unwrap_or("[]")).map_err(unreadable)
}

fn unreadable(what: impl std::fmt::Display) -> IndexError {
    IndexError::Engine(format!("what the search server keeps beside passages cannot be read: {what}"))
}
