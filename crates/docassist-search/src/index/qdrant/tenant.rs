//! What keeps organisations apart in a collection that they share.
//!
//! This is the only place that makes anything of a [`TenantScope`]: the filter that every request carries, the names of points, and
//! the mark that every point bears.

use std::collections::HashMap;

use docassist_model::TenantScope;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::{Condition, Filter, PointId, Value};
use sha2::{Digest, Sha256};

use crate::passage::PassageId;

/// The key of a point's organisation.
pub(super) const ORG: &str = "org";
/// The key of what a point is.
pub(super) const PART: &str = "part";

/// What a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Passage,
    /// A share of the counts of terms.
    Terms,
    /// A share of the documents that were noted.
    Documents,
    State,
}

impl Part {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Passage => "passage",
            Self::Terms => "terms",
            Self::Documents => "documents",
            Self::State => "state",
        }
    }
}

/// An organisation in a collection.
#[derive(Debug, Clone)]
pub(super) struct Tenant {
    org: String,
    /// Where its passages' names begin.
    base: u128,
}

impl Tenant {
    pub(super) fn of(scope: &TenantScope) -> Self {
        let org = scope.org().as_str().to_owned();
        let base = half(Sha256::new().chain_update("passages\0").chain_update(&org));
        Self { org, base }
    }

    /// The organisation's points of a kind that fulfil some conditions.
    pub(super) fn filter(&self, part: Part, conditions: impl IntoIterator<Item = Condition>) -> Filter {
        let mut filter = self.everything();
        filter.must.push(Condition::matches(PART, part.as_str().to_owned()));
        filter.must.extend(conditions);
        filter
    }

    /// All of the organisation's points.
    pub(super) fn everything(&self) -> Filter {
        Filter::must([Condition::matches(ORG, self.org.clone())])
    }

    /// What every point of the organisation bears.
    pub(super) fn payload(&self, part: Part) -> HashMap<String, Value> {
        HashMap::from([(ORG.to_owned(), self.org.clone().into()), (PART.to_owned(), part.as_str().into())])
    }

    /// The name of a passage's point: another one in every organisation, and in the order of passages but for one place, at
    /// [`Tenant::first`], where names begin anew.
    pub(super) fn point(&self, id: PassageId) -> PointId {
        named(self.base.wrapping_add(id.0))
    }

    /// The passage of a point; `None` where the name is not one that we give.
    pub(super) fn passage(&self, point: Option<&PointId>) -> Option<PassageId> {
        number(point).map(|number| PassageId(number.wrapping_sub(self.base)))
    }

    /// Whether a passage's point is named after the names have begun anew.
    pub(super) fn is_beyond(&self, id: PassageId) -> bool {
        self.base.checked_add(id.0).is_none()
    }

    /// The name of another point.
    pub(super) fn share(&self, part: Part, number: usize) -> PointId {
        let hasher = Sha256::new().chain_update(part.as_str()).chain_update("\0").chain_update(&self.org);
        named(half(hasher.chain_update("\0").chain_update(number.to_string())))
    }
}

fn half(hasher: Sha256) -> u128 {
    let digest = hasher.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half)
}

fn named(number: u128) -> PointId {
    let hex = format!("{number:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    PointId { point_id_options: Some(PointIdOptions::Uuid(parts.join("-"))) }
}

fn number(point: Option<&PointId>) -> Option<u128> {
    match point?.point_id_options.as_ref()? {
        PointIdOptions::Uuid(text) => u128::from_str_radix(&text.replace('-', ""), 16).ok(),
        PointIdOptions::Num(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::index::suite::scope;

    #[test]
    fn every_filter_names_the_organisation() {
        let tenant = Tenant::of(&scope("one"));
        for filter in [tenant.everything(), tenant.filter(Part::Passage, []), tenant.filter(Part::State, [])] {
            assert_eq!(filter.must[0], Condition::matches(ORG, "one".to_owned()));
            assert!(filter.should.is_empty() && filter.min_should.is_none());
        }
    }

    proptest! {
        #[test]
        fn a_point_says_its_passage_and_no_other_organisation_s(id in any::<u128>(), next in 1_u128..1_000) {
            let (one, two) = (Tenant::of(&scope("one")), Tenant::of(&scope("two")));
            let point = one.point(PassageId(id));
            prop_assert_eq!(one.passage(Some(&point)), Some(PassageId(id)));
            prop_assert_ne!(&point, &two.point(PassageId(id)));
            prop_assert_ne!(&point, &one.share(Part::Terms, 0));
            if let Some(later) = id.checked_add(next).map(PassageId) && one.is_beyond(PassageId(id)) == one.is_beyond(later) {
                prop_assert!(number(Some(&point)) < number(Some(&one.point(later))));
            }
        }
    }
}
