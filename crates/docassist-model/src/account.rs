//! Who may ask: people with accounts, organisations, roles, and keys for programs.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OrgSlug, Timestamp};

/// A user's number; never used again after the user was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub u64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a member of an organisation may do in it. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Ask.
    Viewer,
    /// Also bring sources up to date.
    Member,
    /// Also decide on sources, members, keys and the cache.
    Admin,
}

impl Role {
    /// All of them, least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Member, Self::Admin];

    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

/// The text is the name of none of some choices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of {1}")]
pub struct UnknownName(pub String, pub &'static str);

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| UnknownName(text.to_owned(), "viewer, member and admin"))
    }
}

/// An organisation that the service knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Organisation {
    /// Its name in addresses and keys.
    pub slug: OrgSlug,
    /// Its name for people.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct User {
    /// The number.
    pub id: UserId,
    /// The address that the user logs in with, in lower case; unique.
    pub email: String,
    /// The name for people.
    pub name: String,
    /// Whether the user runs the whole service: makes organisations and users, and is an admin of every organisation.
    pub operator: bool,
    /// A disabled user can do nothing.
    pub disabled: bool,
    /// When the account was made.
    pub created: Timestamp,
}

/// A user's role in an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Membership {
    /// The organisation.
    pub org: OrgSlug,
    /// The role.
    pub role: Role,
}

/// A member of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the fields are the user's own")]
pub struct Member {
    pub user: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub disabled: bool,
}

/// A key with which a program acts for a user in one organisation. The secret is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ApiKey {
    /// Its public part: what is shown in lists, and begins the key.
    pub id: String,
    /// The only organisation that it is for.
    pub org: OrgSlug,
    /// For whom it acts: it can never do more than that user can at that moment.
    pub user: UserId,
    /// What it is for.
    pub name: String,
    /// The most that it may do.
    pub scope: Role,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; `None`: when it is revoked.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// Something that somebody did, as the audit log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditEntry {
    /// Its number; later entries have higher ones.
    pub id: u64,
    /// When.
    pub time: Timestamp,
    /// In which organisation; `None`: in none, such as a log-in.
    pub org: Option<OrgSlug>,
    /// Who: `user:ann@example.org`, `key:3f2a…`, `system`.
    pub actor: String,
    /// What: `auth.login`, `member.set`, …
    pub action: String,
    /// To what.
    pub target: String,
    /// From which address.
    pub address: String,
    /// What else there is to say. No secrets.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered_and_named() {
        assert!(Role::Viewer < Role::Member && Role::Member < Role::Admin);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("owner".parse::<Role>().is_err());
    }
}
