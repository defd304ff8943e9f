//! What can go wrong with stored records, and what to do about it.

use std::io;

use docassist_model::ErrorCode;

/// Any error of a caller's own, passed through unchanged.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of every store operation.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why a store operation did not happen. Whatever the variant: the operation left nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer holds the organisation.
    #[error("organisation `{org}` is being written by {holder}")]
    Busy {
        /// The organisation.
        org: String,
        /// `process 1234 (sync git kafka) since 12:03:11 UTC`, or `another process`.
        holder: String,
    },
    /// The caller's `cancel` said so.
    #[error("cancelled while waiting for the organisation's writer")]
    Cancelled,
    /// There is no source of that name or number.
    #[error("no source `{0}`")]
    UnknownSource(String),
    /// A source of that name exists and is of another kind, or the operation is for another kind.
    #[error("source `{name}` is of kind {found}, not {wanted}")]
    KindMismatch {
        /// The source.
        name: String,
        /// Its kind.
        found: &'static str,
        /// The kind that was asked for.
        wanted: &'static str,
    },
    /// The organisation or the user that something was to belong to does not exist, or not any more.
    #[error("the organisation or the user is gone")]
    UnknownOwner,
    /// The data was written by a newer version of the program.
    #[error("{location} has format version {found}; this program knows versions up to {known}")]
    Newer {
        /// Where the data is.
        location: String,
        /// Its format version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The data is not what this program wrote.
    #[error("{location} is damaged or not written by docassist: {detail}")]
    Damaged {
        /// Where the data is.
        location: String,
        /// What was found.
        detail: String,
    },
    /// An organisation that is to be written anew has records already.
    #[error("{location} has records already")]
    Occupied {
        /// Where they are.
        location: String,
    },
    /// What is to be read is itself the target of a copy that did not finish.
    #[error("{location} is not whole: a copy into it was interrupted")]
    UnfinishedCopy {
        /// Where it is.
        location: String,
    },
    /// A program of the database's own failed.
    #[error("{name} failed: {detail}")]
    Tool {
        /// The program.
        name: &'static str,
        /// What it said.
        detail: String,
    },
    /// The address of a database is none.
    #[error("the address of the database cannot be used: {detail}")]
    InvalidAddress {
        /// What is wrong with it; never the address itself, which may hold a password.
        detail: String,
    },
    /// The database cannot be reached, or has no room for another connection.
    #[error("{location} cannot be reached: {detail}")]
    Unreachable {
        /// Where it is.
        location: String,
        /// What was reported.
        detail: String,
    },
    /// No space is left.
    #[error("no space left for {location}")]
    DiskFull {
        /// Where the data is.
        location: String,
    },
    /// The program may not read or write there.
    #[error("no permission for {location}: {detail}")]
    Permission {
        /// Where the data is.
        location: String,
        /// What was refused.
        detail: String,
    },
    /// The caller's feed of tickets failed; nothing was imported.
    #[error("reading the tickets failed: {0}")]
    Feed(#[source] BoxError),
    /// Anything else that the database or the file system reports.
    #[error("{location}: {source}")]
    Backend {
        /// Where the data is.
        location: String,
        /// What was reported.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Busy { .. } => ErrorCode::Busy,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::UnknownSource(_) | Self::UnknownOwner => ErrorCode::NotFound,
            Self::KindMismatch { .. } | Self::InvalidAddress { .. } => ErrorCode::InvalidInput,
            Self::Unreachable { .. } => ErrorCode::Unavailable,
            Self::Occupied { .. } => ErrorCode::Conflict,
            Self::Newer { .. } | Self::Damaged { .. } | Self::UnfinishedCopy { .. } => ErrorCode::StoreUnusable,
            Self::Feed(_) => ErrorCode::SourceUnreadable,
            Self::DiskFull { .. } => ErrorCode::StorageFull,
            Self::Permission { .. } | Self::Tool { .. } | Self::Backend { .. } => ErrorCode::Internal,
        }
    }

    /// What happened without where it did, for those who use a service and do not run it: hosts and paths are none of their
    /// business. None where the message names neither.
    #[must_use]
    pub fn without_location(&self) -> Option<String> {
        Some(match self {
            // An organisation's name has no spaces; the database's location has.
            Self::Busy { org, .. } if org.contains(' ') => {
                "others are writing the same, inside the database".to_owned()
            }
            Self::Newer { found, known, .. } => {
                format!("the stored data has format version {found}; this program knows versions up to {known}")
            }
            Self::Damaged { .. } => "the stored data is damaged or not written by docassist".to_owned(),
            Self::Occupied { .. } => "there are records already".to_owned(),
            Self::UnfinishedCopy { .. } => "the stored data is not whole: a copy into it was interrupted".to_owned(),
            Self::InvalidAddress { .. } => "the address of the database cannot be used".to_owned(),
            Self::Unreachable { .. } => "the database cannot be reached".to_owned(),
            Self::DiskFull { .. } => "no space left for the stored data".to_owned(),
            Self::Permission { .. } => "no permission for the stored data".to_owned(),
            Self::Tool { name, .. } => format!("{name} failed"),
            Self::Backend { .. } => "the stored data cannot be used; the service's log says why".to_owned(),
            Self::Busy { .. }
            | Self::Cancelled
            | Self::UnknownSource(_)
            | Self::KindMismatch { .. }
            | Self::UnknownOwner
            | Self::Feed(_) => return None,
        })
    }

    /// What the user can do about it, where there is something to do.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Busy { .. } => "wait until it has finished, or stop that process; what it has read so far is kept",
            Self::UnknownSource(_) => "`docassist status` lists the sources",
            Self::KindMismatch { .. } => "give the new source another name with --name",
            Self::Newer { .. } => "use the newer docassist that wrote it, or another --data directory",
            Self::Damaged { .. } => {
                "restore a backup; a file of records can be moved away instead: another sync reads them anew from their \
                 sources"
            }
            Self::InvalidAddress { .. } => "it looks like postgres://USER@HOST/DATABASE?sslmode=verify-full",
            Self::Occupied { .. } => "leave it as it is, or say --replace to remove what is there first",
            Self::UnfinishedCopy { .. } => "run that copy again first",
            Self::Unreachable { .. } => "check that it runs and takes connections; nothing here needs a restart",
            Self::DiskFull { .. } => "free some space and sync again; what was finished before is kept",
            Self::Permission { .. } => "check who owns the data directory, or choose another one with --data",
            Self::Cancelled | Self::UnknownOwner | Self::Feed(_) | Self::Tool { .. } | Self::Backend { .. } => {
                return None;
            }
        })
    }

    /// An input or output error at `location`.
    pub(crate) fn io(location: impl Into<String>, error: io::Error) -> Self {
        let location = location.into();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Permission { location, detail: error.to_string() }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { location },
            _ => Self::Backend { location, source: error.into() },
        }
    }
}
