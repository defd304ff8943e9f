//! Decision records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TicketKey;

/// The state of a decision, in the terms that the record forms share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionStatus {
    /// Proposed, draft, in review.
    Proposed,
    /// Accepted, approved, decided, done, implemented.
    Accepted,
    /// Rejected, declined.
    Rejected,
    /// Deprecated, obsolete, retired.
    Deprecated,
    /// Superseded, replaced, amended away.
    Superseded,
    /// The record gives none, or one that is none of these.
    Unknown,
}

impl DecisionStatus {
    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Deprecated => "deprecated",
            Self::Superseded => "superseded",
            Self::Unknown => "unknown",
        }
    }
}

/// An architecture decision record found among the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Path of its page, from the root.
    pub path: String,
    /// Its number, from the file name or the title.
    pub number: Option<u32>,
    /// The title without its number.
    pub title: String,
    /// The state.
    pub status: DecisionStatus,
    /// The status line as written, without markup; empty where there is none.
    pub status_text: String,
    /// `YYYY-MM-DD`, where the record gives one.
    pub date: Option<String>,
    /// What this record replaces: paths from the root, or numbers as written (`ADR-0003`, `3`).
    pub supersedes: Vec<String>,
    /// What replaces this record, in the same forms.
    pub superseded_by: Vec<String>,
    /// Candidates of ticket references.
    pub tickets: Vec<TicketKey>,
    /// Candidates of commit references: 7 to 64 hexadecimal digits with at least one letter and one digit.
    pub commits: Vec<String>,
}
