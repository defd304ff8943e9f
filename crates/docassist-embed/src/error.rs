//! What can go wrong.

use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, EmbedError>;

/// Why there is no model, or no vector. Each message says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// There is no model at this place.
    #[error("no embedding model in {}: {missing} is missing", path.display())]
    NotInstalled {
        /// The model's folder.
        path: PathBuf,
        /// The file that was looked for.
        missing: &'static str,
    },
    /// A file is not the one that was agreed on: damaged, cut off, or of another model.
    #[error("{} is damaged or another model's: its SHA-256 is {found}, not {expected}", path.display())]
    WrongHash {
        /// The file, or the address that it came from.
        path: PathBuf,
        /// The pinned hash, in hexadecimal digits.
        expected: String,
        /// The file's own.
        found: String,
    },
    /// A file of a model cannot be understood.
    #[error("{} cannot be used: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What was given as a model's source holds none.
    #[error("{} holds no model: {reason}", path.display())]
    NoModel {
        /// The file or folder.
        path: PathBuf,
        /// What was looked for.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, …
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A server could not be reached, or was too slow.
    #[error("{url} does not answer: {reason}")]
    Unreachable {
        /// Its address, without credentials.
        url: String,
        /// Why, after the last attempt.
        reason: String,
    },
    /// A server refused.
    #[error("{url} refuses: {reason}")]
    Refused {
        /// Its address, without credentials.
        url: String,
        /// The status and what the server says.
        reason: String,
    },
    /// A server's answer is not what was asked for.
    #[error("{url} answers something else than vectors for these texts: {reason}")]
    WrongAnswer {
        /// Its address, without credentials.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// A setting cannot be used.
    #[error("{0}")]
    Setting(String),
}

impl EmbedError {
    pub(crate) fn io(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}
