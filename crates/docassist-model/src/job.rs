//! Syncs that the service runs by itself.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{OrgSlug, SourceKind, Timestamp};

/// A job's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its turn.
    Queued,
    /// Under way.
    Running,
    /// Done.
    Done,
    /// It could not be done; `error` says why.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema, Deserialize)]
pub struct JobProgress {
    /// What is being done.
    pub phase: String,
    /// Units of the phase that are done.
    pub done: u64,
    /// Units of the phase in all, where that is known.
    pub total: Option<u64>,
}

/// A sync that runs, will run or has run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Job {
    /// The number.
    pub id: JobId,
    /// Whose.
    pub org: OrgSlug,
    /// What kind of source.
    pub kind: SourceKind,
    /// The source's name. One job at a time runs for a source.
    pub source: String,
    /// Where it is.
    pub state: JobState,
    /// What is to be done, in the terms of its kind. No secrets.
    pub request: Value,
    /// Who asked: as in the audit log, or `schedule`, `webhook`.
    pub requested_by: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was last begun.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// How often it was begun: more than once where the process that ran it died.
    pub attempts: u32,
    /// Whether somebody has asked for its end.
    pub cancel_requested: bool,
    /// How far it is, or was when last noted.
    pub progress: JobProgress,
    /// What it did, once it is done.
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What is kept about how a source is brought up to date.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSettings {
    /// The source's name.
    pub source: String,
    /// What it is.
    pub kind: SourceKind,
    /// What a sync of it is to do, in the terms of its kind. No secrets.
    pub request: Value,
    /// The secret that its location needs, encrypted.
    pub secret: Option<Vec<u8>>,
    /// Seconds from one sync to the next by themselves; `None`: only when asked.
    pub every: Option<u32>,
    /// When the next one is due.
    pub due: Option<Timestamp>,
}

/// A forge whose push messages are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "their own names")]
pub enum Forge {
    Github,
    Gitlab,
    Bitbucket,
}

impl Forge {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Github, Self::Gitlab, Self::Bitbucket];

    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Bitbucket => "bitbucket",
        }
    }

    /// The forge of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|forge| forge.as_str() == name)
    }
}

/// An address that a forge calls when somebody has pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its random public name, the last part of its address.
    pub id: String,
    /// Whose.
    pub org: OrgSlug,
    /// The source to sync.
    pub source: String,
    /// Whose messages.
    pub forge: Forge,
    /// The secret that messages are signed with, encrypted.
    pub secret: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
}
