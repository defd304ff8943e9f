//! The stable codes that every failure is one of.

use serde::Serialize;

/// What kind of failure it is. The command line maps it to an exit status, a service to an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request itself is wrong.
    InvalidInput,
    /// There is no such thing.
    NotFound,
    /// Somebody else holds what is needed.
    Busy,
    /// A source could not be read.
    SourceUnreadable,
    /// The stored data is damaged or of a newer version.
    StoreUnusable,
    /// Stopped on request.
    Cancelled,
    /// A defect, or an environment that failed (disk full, permissions).
    Internal,
}

impl ErrorCode {
    /// The exit status of the command line: 0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 a check did not hold.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::InvalidInput => 2,
            Self::NotFound => 3,
            Self::Busy | Self::SourceUnreadable | Self::StoreUnusable | Self::Cancelled | Self::Internal => 1,
        }
    }
}
