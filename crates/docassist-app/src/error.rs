//! What a user is told when something did not work.

use docassist_graph::{InvalidCursor, Lookup};
use docassist_model::ErrorCode;
use docassist_sources::git::{CloneError, GitError};
use docassist_store::StoreError;

/// A failure: what kind, what happened, what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AppError {
    /// The kind, for exit statuses and protocols.
    pub code: ErrorCode,
    /// What happened, lower case, without a full stop.
    pub message: String,
    /// What to do next, a sentence.
    pub hint: Option<String>,
    /// Names that may be meant.
    pub candidates: Vec<String>,
    /// What happened, for those who use a service and do not run it: without hosts and paths. None where the message has
    /// neither.
    pub public: Option<String>,
}

impl AppError {
    /// A failure without hint and candidates.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, candidates: Vec::new(), public: None }
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What happened, for those who use a service and do not run it.
    #[must_use]
    pub fn for_users(&self) -> &str {
        self.public.as_deref().unwrap_or(&self.message)
    }

    pub(crate) fn candidates(mut self, candidates: Vec<String>) -> Self {
        self.candidates = candidates;
        self
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "stopped").hint("What was read so far is kept: run it again to go on.")
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        // A feed's own error passes through the store unchanged.
        if let StoreError::Feed(inner) = error {
            return match inner.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => Self::new(ErrorCode::SourceUnreadable, other.to_string()),
            };
        }
        let mut own = Self::new(error.code(), error.to_string());
        own.hint = error.hint().map(str::to_owned);
        own.public = error.without_location();
        own
    }
}

impl From<GitError> for AppError {
    fn from(error: GitError) -> Self {
        let (code, hint) = match &error {
            GitError::NotARepository { .. } => {
                (ErrorCode::SourceUnreadable, "Name a folder inside a git repository, or a URL that git can clone.")
            }
            GitError::NoSuchBranch { .. } => {
                (ErrorCode::NotFound, "Leave --branch out to read the branch that HEAD is at.")
            }
            GitError::References(_) => (ErrorCode::SourceUnreadable, "Run `git fsck` there to see what is damaged."),
        };
        Self::new(code, error.to_string()).hint(hint)
    }
}

impl From<CloneError> for AppError {
    fn from(error: CloneError) -> Self {
        match &error {
            CloneError::Cancelled => Self::cancelled(),
            CloneError::Git { .. } => Self::new(ErrorCode::SourceUnreadable, error.to_string())
                .hint("Try the same URL with `git ls-remote`: your own git settings and credentials are used."),
            CloneError::NoGit(_) | CloneError::Io { .. } => Self::new(ErrorCode::SourceUnreadable, error.to_string()),
        }
    }
}

impl From<InvalidCursor> for AppError {
    fn from(error: InvalidCursor) -> Self {
        Self::new(ErrorCode::InvalidInput, error.to_string())
    }
}

/// Turns what a lookup found into the thing, or into an error that names what comes near.
pub(crate) fn found<T>(lookup: Lookup<T>, what: &str, text: &str) -> Result<T, AppError> {
    match lookup {
        Lookup::Found(thing) => Ok(thing),
        Lookup::Ambiguous(names) => {
            Err(AppError::new(ErrorCode::NotFound, format!("`{text}` may mean several: say which {what}"))
                .candidates(names))
        }
        Lookup::Missing(nearest) => {
            Err(AppError::new(ErrorCode::NotFound, format!("there is no {what} `{text}`")).candidates(nearest.0))
        }
    }
}
