//! Errors on their way to [`StoreError`], before it is known where they happened.

use postgres::error::SqlState;

use crate::StoreError;
use crate::encoding::Malformed;

/// An error inside the database.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server's, or of the way to it.
    Sql(postgres::Error),
    /// Stored data that this program did not write.
    Malformed(String),
    /// One that needs no place.
    Store(StoreError),
}

/// The result of everything inside the database.
pub(super) type Inner<T> = Result<T, Fault>;

impl From<postgres::Error> for Fault {
    fn from(error: postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed("a list is cut off or garbled".to_owned())
    }
}

impl Fault {
    /// Whether it is the connection that failed, so that another one may do.
    pub(super) fn is_disconnect(&self) -> bool {
        matches!(self, Self::Sql(error) if is_disconnect(error))
    }

    /// The error for callers.
    pub(super) fn at(self, location: &str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Malformed(detail) => StoreError::Damaged { location: location.to_owned(), detail },
            Self::Sql(error) => of_sql(error, location),
        }
    }
}

/// Whether the connection is gone, or the server is going.
pub(super) fn is_disconnect(error: &postgres::Error) -> bool {
    let Some(state) = error.code() else {
        // Without a word of the server's: the connection's own error, unless a value did not fit.
        return error.is_closed()
            || std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
    };
    // Class 08: connection exceptions; 57P0x: shut down, crashed, starting.
    state.code().starts_with("08") || state.code().starts_with("57P")
}

/// Whether the server has no place for another connection.
pub(super) fn is_full(error: &postgres::Error) -> bool {
    error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS)
}

/// What the server said, for people.
pub(super) fn describe(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => match error.detail() {
            Some(detail) => format!("{} ({detail})", error.message()),
            None => error.message().to_owned(),
        },
        None => std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string),
    }
}

fn of_sql(error: postgres::Error, location: &str) -> StoreError {
    let detail = describe(&error);
    let location = location.to_owned();
    if is_disconnect(&error) {
        return StoreError::Unreachable { location, detail };
    }
    let Some(state) = error.code() else {
        return StoreError::Backend { location, source: error.into() };
    };
    match state.code() {
        "23503" => StoreError::UnknownOwner,
        "53100" => StoreError::DiskFull { location },
        // Too many connections, out of memory, and what else the server has too little of.
        code if code.starts_with("53") => StoreError::Unreachable { location, detail },
        // Could not get a lock in time, a statement took too long, a deadlock.
        "55P03" | "57014" | "40P01" | "40001" => {
            StoreError::Busy { org: location, holder: format!("others, inside the database ({detail})") }
        }
        "42501" | "25006" | "28000" | "28P01" | "3D000" => StoreError::Permission { location, detail },
        // Corrupt pages and indexes; tables and columns that every version has and that are missing.
        "XX001" | "XX002" | "42P01" | "42703" => StoreError::Damaged { location, detail },
        _ if *state == SqlState::UNTRANSLATABLE_CHARACTER => StoreError::Damaged { location, detail },
        _ => StoreError::Backend { location, source: detail.into() },
    }
}
