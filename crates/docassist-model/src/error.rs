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
    /// Nobody is logged in, or what was shown to prove who asks does not hold.
    Unauthenticated,
    /// Whoever asks may not do that.
    Forbidden,
    /// It contradicts what is there.
    Conflict,
    /// Too much was asked for in too short a time.
    RateLimited,
    /// More was sent than is taken.
    TooLarge,
    /// What was sent is of a type that is not taken.
    UnsupportedMediaType,
    /// There is such a thing, and it cannot be asked like that.
    MethodNotAllowed,
    /// It took longer than it may.
    Timeout,
    /// Not now: it is starting, stopping or full.
    Unavailable,
    /// There is no space left where data is kept.
    StorageFull,
    /// A defect, or an environment that failed (permissions).
    Internal,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::InvalidInput,
        Self::NotFound,
        Self::Busy,
        Self::SourceUnreadable,
        Self::StoreUnusable,
        Self::Cancelled,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Conflict,
        Self::RateLimited,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::Unavailable,
        Self::StorageFull,
        Self::Internal,
    ];

    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::Busy => "busy",
            Self::SourceUnreadable => "source_unreadable",
            Self::StoreUnusable => "store_unusable",
            Self::Cancelled => "cancelled",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::StorageFull => "storage_full",
            Self::Internal => "internal",
        }
    }

    /// The exit status of the command line: 0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 a check did not hold.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::InvalidInput => 2,
            Self::NotFound => 3,
            _ => 1,
        }
    }
}
