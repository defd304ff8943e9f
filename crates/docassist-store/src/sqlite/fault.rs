//! Errors on their way to [`StoreError`], before it is known where they happened.

use rusqlite::ErrorCode as Code;
use rusqlite::types::FromSqlError;

use crate::StoreError;
use crate::encoding::Malformed;

/// An error inside one database.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite's.
    Sql(rusqlite::Error),
    /// Stored data that this program did not write.
    Malformed(String),
    /// One that needs no place.
    Store(StoreError),
}

/// The result of everything inside one database.
pub(super) type Inner<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
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

impl From<FromSqlError> for Fault {
    fn from(error: FromSqlError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed("a list is cut off or garbled".to_owned())
    }
}

impl Fault {
    /// The error for callers.
    pub(super) fn at(self, location: &str) -> StoreError {
        let location = location.to_owned();
        let error = match self {
            Self::Store(error) => return error,
            Self::Malformed(detail) => return StoreError::Damaged { location, detail },
            Self::Sql(error) => error,
        };
        match error {
            rusqlite::Error::SqliteFailure(failure, ref message) => {
                let detail = message.clone().unwrap_or_else(|| failure.to_string());
                match failure.code {
                    Code::DatabaseCorrupt | Code::NotADatabase => StoreError::Damaged { location, detail },
                    Code::DiskFull => StoreError::DiskFull { location },
                    Code::PermissionDenied | Code::ReadOnly | Code::CannotOpen => {
                        StoreError::Permission { location, detail }
                    }
                    // A migration by another process, another program, or many who write to the same database.
                    Code::DatabaseBusy | Code::DatabaseLocked => {
                        StoreError::Busy { org: location, holder: "another process, inside the database".to_owned() }
                    }
                    _ if failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
                        StoreError::UnknownOwner
                    }
                    _ => StoreError::Backend { location, source: error.into() },
                }
            }
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
            // A table or column that every version has is missing.
            | rusqlite::Error::SqlInputError { .. } => StoreError::Damaged { location, detail: error.to_string() },
            _ => StoreError::Backend { location, source: error.into() },
        }
    }
}
