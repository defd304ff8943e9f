//! A passage as the engine stores it: its fields, with the instant as a number and the length for the corpus's counts.

use qdrant_edge::{Payload, PointId, external::uuid::Uuid};
use serde_json::Value;

use super::condition::{FACETS, INSTANT, facet};
use crate::index::{FacetField, IndexError, Result};
use crate::passage::{Passage, PassageId};

/// The key of a passage's length in terms.
pub(super) const LENGTH: &str = "length";

/// The engine's name of a passage.
pub(super) const fn point_id(id: PassageId) -> PointId {
    PointId::Uuid(Uuid::from_u128(id.0))
}

/// The passage of an engine's name.
pub(super) const fn passage_id(id: &PointId) -> PassageId {
    match id {
        PointId::Uuid(uuid) => PassageId(uuid.as_u128()),
        // Never written by us.
        PointId::NumId(number) => PassageId(*number as u128),
    }
}

/// A passage's payload.
pub(super) fn write(passage: &Passage, length: u32) -> Result<Payload> {
    let Value::Object(mut fields) = serde_json::to_value(passage).map_err(engine)? else {
        return Err(IndexError::Engine("a passage is no object".into()));
    };
    fields.retain(|_, value| !value.is_null());
    if let Some(time) = passage.time {
        fields.insert(INSTANT.into(), time.unix().into());
    }
    let facets =
        FacetField::ALL.into_iter().flat_map(|field| field.values(passage).map(move |value| facet(field, value)));
    fields.insert(FACETS.into(), facets.collect::<Vec<_>>().into());
    fields.insert(LENGTH.into(), length.into());
    Ok(Payload(fields.into_iter().collect()))
}

/// The passage of a payload.
pub(super) fn read(payload: Payload) -> Result<Passage> {
    serde_json::from_value(Value::Object(payload.0.into_iter().collect())).map_err(engine)
}

/// The length in a payload.
pub(super) fn length(payload: Option<&Payload>) -> u32 {
    let length = payload.and_then(|payload| payload.0.get(LENGTH)).and_then(Value::as_u64);
    length.and_then(|length| u32::try_from(length).ok()).unwrap_or_default()
}

pub(super) fn engine(error: impl std::fmt::Display) -> IndexError {
    IndexError::Engine(error.to_string())
}
