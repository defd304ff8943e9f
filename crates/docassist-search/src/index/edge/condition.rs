//! Our filters in the engine's terms.

use qdrant_edge::{
    AnyVariants, Condition, FieldCondition, Filter as EdgeFilter, HasVectorCondition, JsonPath, Match, MatchAny, Range,
    external::ordered_float::OrderedFloat,
};

use super::payload::point_id;
use crate::index::{FacetField, Filter};
use crate::passage::{PassageId, PassageKind};

/// The key of a payload's instant, in seconds.
pub(super) const INSTANT: &str = "instant";

/// The key of a payload's document.
pub(super) const DOCUMENT: &str = "document";

/// The key of all that passages are filtered and counted by besides: `kind=page`, `author=Ada`. One index of all of them costs the
/// engine a fifth of what it takes to index a passage less than one for each.
pub(super) const FACETS: &str = "facets";

/// A value in the field of facets.
pub(super) fn facet(field: FacetField, value: &str) -> String {
    format!("{}={value}", field.as_str())
}

/// Whether a field has one of the values.
pub(super) fn one_of(field: FacetField, values: &[String]) -> Condition {
    let values: Vec<String> = values.iter().map(|value| facet(field, value)).collect();
    any(FACETS, &values)
}

/// The engine's filter; `None` where everything passes.
pub(super) fn of(filter: &Filter) -> Option<EdgeFilter> {
    let mut must = Vec::new();
    let kinds: Vec<String> = filter.kinds.iter().copied().map(PassageKind::as_str).map(str::to_owned).collect();
    for (field, values) in [
        (FacetField::Kind, &kinds),
        (FacetField::Source, &filter.sources),
        (FacetField::Repository, &filter.repositories),
        (FacetField::Author, &filter.authors),
        (FacetField::Labels, &filter.labels),
    ] {
        if !values.is_empty() {
            must.push(one_of(field, values));
        }
    }
    if !filter.documents.is_empty() {
        must.push(any(DOCUMENT, &filter.documents));
    }
    if filter.since.is_some() || filter.until.is_some() {
        #[allow(clippy::cast_precision_loss, reason = "seconds of every real date are exact in 53 bits")]
        let bound = |time: Option<docassist_model::Timestamp>| time.map(|time| OrderedFloat(time.unix() as f64));
        let range = Range { gt: None, lt: None, gte: bound(filter.since), lte: bound(filter.until) };
        must.extend(path(INSTANT).map(|key| Condition::Field(FieldCondition::new_range(key, range))));
    }
    all(must)
}

/// All of some conditions.
pub(super) fn all(must: Vec<Condition>) -> Option<EdgeFilter> {
    (!must.is_empty()).then_some(EdgeFilter { should: None, min_should: None, must: Some(must), must_not: None })
}

/// Whether a key has one of the values.
pub(super) fn any(field: &str, values: &[String]) -> Condition {
    let any = AnyVariants::Strings(values.iter().map(|value| value.as_str().into()).collect());
    match path(field) {
        Some(key) => Condition::Field(FieldCondition::new_match(key, Match::Any(MatchAny { any }))),
        // Not reached: the names of fields are constants of this crate, and paths.
        None => Condition::Filter(EdgeFilter::new()),
    }
}

/// Those of a few passages.
pub(super) fn among(ids: &[PassageId]) -> EdgeFilter {
    EdgeFilter::new().with_point_ids(ids.iter().copied().map(point_id))
}

/// Those without a vector.
pub(super) fn without(vector: &str) -> EdgeFilter {
    let has = Condition::HasVector(HasVectorCondition { has_vector: vector.into() });
    EdgeFilter { should: None, min_should: None, must: None, must_not: Some(vec![has]) }
}

/// Those with a vector.
pub(super) fn with(vector: &str) -> EdgeFilter {
    EdgeFilter::new_must(Condition::HasVector(HasVectorCondition { has_vector: vector.into() }))
}

/// A payload key.
pub(super) fn path(field: &str) -> Option<JsonPath> {
    field.parse().ok()
}
