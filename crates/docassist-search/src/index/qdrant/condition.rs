//! Our filters in the server's terms.

use qdrant_client::qdrant::{Condition, Filter as Conditions, PointId, Range};

use crate::index::{FacetField, Filter};
use crate::passage::PassageKind;

/// The key of a passage's time, in seconds.
pub(super) const INSTANT: &str = "instant";
/// The key of a passage's document.
pub(super) const DOCUMENT: &str = "document";
/// The key of all that passages are filtered and counted by besides, as in the index on disk: `kind=page`, `author=Ada`.
pub(super) const FACETS: &str = "facets";

pub(super) fn facet(field: FacetField, value: &str) -> String {
    format!("{}={value}", field.as_str())
}

/// Whether a field has one of the values.
pub(super) fn one_of<'a>(field: FacetField, values: impl IntoIterator<Item = &'a str>) -> Condition {
    Condition::matches(FACETS, values.into_iter().map(|value| facet(field, value)).collect::<Vec<_>>())
}

/// Whether a passage is one of some documents'.
pub(super) fn of_documents(documents: &[String]) -> Condition {
    Condition::matches(DOCUMENT, documents.to_vec())
}

/// The conditions of a filter.
pub(super) fn of(filter: &Filter) -> Vec<Condition> {
    let mut must = Vec::new();
    if !filter.kinds.is_empty() {
        must.push(one_of(FacetField::Kind, filter.kinds.iter().copied().map(PassageKind::as_str)));
    }
    for (field, values) in [
        (FacetField::Source, &filter.sources),
        (FacetField::Repository, &filter.repositories),
        (FacetField::Author, &filter.authors),
        (FacetField::Labels, &filter.labels),
    ] {
        if !values.is_empty() {
            must.push(one_of(field, values.iter().map(String::as_str)));
        }
    }
    if !filter.documents.is_empty() {
        must.push(of_documents(&filter.documents));
    }
    if filter.since.is_some() || filter.until.is_some() {
        #[allow(clippy::cast_precision_loss, reason = "seconds of every real date are exact in 53 bits")]
        let bound = |time: Option<docassist_model::Timestamp>| time.map(|time| time.unix() as f64);
        let range = Range { gte: bound(filter.since), lte: bound(filter.until), ..Range::default() };
        must.push(Condition::range(INSTANT, range));
    }
    must
}

/// Whether a point is one of these.
pub(super) fn among(points: impl IntoIterator<Item = PointId>) -> Condition {
    Condition::has_id(points)
}

/// Whether a point has no such vector.
pub(super) fn without(vector: &str) -> Condition {
    Conditions::must_not([Condition::has_vector(vector)]).into()
}
