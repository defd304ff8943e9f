//! Whose data an operation may touch.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

/// The name of an organisation in commands, addresses and folder names: 1 to 63 of `a-z 0-9 -`, beginning and ending
/// with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct OrgSlug(String);

impl OrgSlug {
    /// The text of the slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no organisation name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no organisation name: use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit")]
pub struct InvalidOrgSlug(pub String);

impl FromStr for OrgSlug {
    type Err = InvalidOrgSlug;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidOrgSlug(text.to_owned())) }
    }
}

impl fmt::Display for OrgSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The right to work on one organisation's data. Every store, cache and search call takes one, so that no code path can
/// forget to say whose data it touches.
///
/// It cannot be built from its parts: a program that serves requests makes it where it has checked who asks; everything
/// else says in writing why it may ([`TenantScope::unchecked`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TenantScope {
    org: OrgSlug,
}

impl TenantScope {
    /// A scope without a check of who asks. `reason` says why none is needed ("the data directory is the user's own").
    #[must_use]
    pub fn unchecked(org: OrgSlug, reason: &'static str) -> Self {
        debug_assert!(!reason.trim().is_empty(), "a reason is required");
        Self { org }
    }

    /// The organisation.
    #[must_use]
    pub fn org(&self) -> &OrgSlug {
        &self.org
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_cannot_leave_their_folder() {
        for bad in ["", "..", "a/b", "A", "-a", "a-", "a b", &"a".repeat(64)] {
            assert!(bad.parse::<OrgSlug>().is_err(), "{bad}");
        }
        for good in ["a", "default", "my-team-2"] {
            assert!(good.parse::<OrgSlug>().is_ok(), "{good}");
        }
    }
}
