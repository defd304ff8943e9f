//! What a tracker yields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{TicketKey, Timestamp};

/// Jira's three status categories, which every workflow maps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum StatusCategory {
    /// Not begun; also where the tracker does not say.
    #[default]
    ToDo,
    /// Begun and not finished.
    InProgress,
    /// Finished, for whatever reason.
    Done,
}

/// A tracker account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Account {
    /// The name to show; falls back to the login or account id.
    pub name: String,
    /// The address where the tracker gives it.
    pub email: Option<String>,
}

/// Which end of a link a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkDirection {
    /// This ticket does it to the other ("blocks").
    Outward,
    /// The other does it to this one ("is blocked by").
    Inward,
}

/// A link to another ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketLink {
    /// The link type's name: `Blocks`, `Duplicate`, `Relates`.
    pub kind: String,
    /// Which end this ticket is.
    pub direction: LinkDirection,
    /// The other ticket.
    pub key: TicketKey,
}

/// A comment, as Markdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who wrote it, where known.
    pub author: Option<Account>,
    /// When.
    pub created: Option<Timestamp>,
    /// Markdown.
    pub body: String,
}

/// An issue of a tracker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its key.
    pub key: TicketKey,
    /// One line.
    pub summary: String,
    /// Markdown; empty when there is none.
    pub description: String,
    /// The issue type's name; empty when absent.
    pub type_name: String,
    /// The status's name; empty when absent.
    pub status: String,
    /// The status's category.
    pub category: StatusCategory,
    /// The priority's name; `None` when absent or literally "None".
    pub priority: Option<String>,
    /// Who works on it.
    pub assignee: Option<Account>,
    /// Who reported it.
    pub reporter: Option<Account>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last updated; its creation where the tracker does not say.
    pub updated: Timestamp,
    /// When it was resolved.
    pub resolved: Option<Timestamp>,
    /// The resolution's name.
    pub resolution: Option<String>,
    /// The ticket that this is a part of (sub-task's parent).
    pub parent: Option<TicketKey>,
    /// The epic that this belongs to.
    pub epic: Option<TicketKey>,
    /// Labels.
    pub labels: Vec<String>,
    /// Component names.
    pub components: Vec<String>,
    /// Names of the versions that it is fixed in.
    pub fix_versions: Vec<String>,
    /// Names of the versions that it was found in.
    pub affects_versions: Vec<String>,
    /// Links to other tickets.
    pub links: Vec<TicketLink>,
    /// Comments, oldest first as exported.
    pub comments: Vec<Comment>,
    /// Every other field that has a value, by its name or id.
    pub custom: BTreeMap<String, serde_json::Value>,
}
