//! What a job is asked to do, as it is kept in its row.

use std::fmt;
use std::path::PathBuf;

use docassist_model::{ErrorCode, SourceKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::AppError;

/// What a sync is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SyncRequest {
    /// Read a repository.
    Git {
        /// A folder of this machine, or a URL.
        location: String,
        /// The branch; the one that `HEAD` is at if `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// Whether to read everything again.
        #[serde(default)]
        full: bool,
    },
    /// Import tickets.
    Tickets {
        /// Files of this machine; the names of those that were uploaded.
        files: Vec<PathBuf>,
        /// Project prefixes to know even without a ticket of theirs.
        #[serde(default)]
        projects: Vec<String>,
        /// Whether tickets that the files do not have go.
        #[serde(default)]
        prune: bool,
        /// The folder that the files were uploaded to; removed with the job.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upload: Option<String>,
    },
    /// Read a folder of pages.
    Docs {
        /// The folder.
        folder: PathBuf,
    },
}

/// A name and password, or token, for a repository.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCredential {
    /// The name; forges take any with a token.
    pub username: String,
    /// The password or token.
    pub password: String,
}

impl fmt::Debug for GitCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GitCredential(…)")
    }
}

impl From<GitCredential> for docassist_sources::git::Credential {
    fn from(GitCredential { username, password }: GitCredential) -> Self {
        Self { username, password }
    }
}

impl SyncRequest {
    /// The kind of its source.
    #[must_use]
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::Git { .. } => SourceKind::Git,
            Self::Tickets { .. } => SourceKind::Tickets,
            Self::Docs { .. } => SourceKind::Docs,
        }
    }

    /// Whether it reads files that were uploaded for it.
    #[must_use]
    pub const fn is_upload(&self) -> bool {
        matches!(self, Self::Tickets { upload: Some(_), .. })
    }

    pub(super) fn to_value(&self) -> Result<Value, AppError> {
        serde_json::to_value(self)
            .map_err(|error| AppError::new(ErrorCode::Internal, format!("the request cannot be kept: {error}")))
    }

    pub(super) fn from_value(value: &Value) -> Result<Self, AppError> {
        Self::deserialize(value).map_err(|error| {
            AppError::new(ErrorCode::StoreUnusable, format!("a stored request is of no form that is known: {error}"))
        })
    }

    /// Takes a name and password out of a URL, so that they are kept encrypted and shown nowhere.
    pub(super) fn take_credential(&mut self) -> Result<Option<GitCredential>, AppError> {
        let Self::Git { location, .. } = self else { return Ok(None) };
        let Some((scheme, rest)) = location.split_once("://") else { return Ok(None) };
        let end = rest.find('/').unwrap_or(rest.len());
        let Some(at) = rest[..end].rfind('@') else { return Ok(None) };
        let (user, host) = (&rest[..at], &rest[at + 1..]);
        let (username, password) = match user.split_once(':') {
            Some((name, password)) => (decoded(name)?, decoded(password)?),
            // `ssh://git@host`: the name is part of the address.
            None if !scheme.starts_with("http") => return Ok(None),
            None => ("x-access-token".to_owned(), decoded(user)?),
        };
        *location = format!("{scheme}://{host}");
        Ok(Some(GitCredential { username, password }))
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Result<String, AppError> {
    let fault = || AppError::new(ErrorCode::InvalidInput, "the name or password in the URL is not well encoded");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(fault)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| fault())?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| fault())
}

/// Shortest period of a schedule: a sync of a large repository with nothing new takes well under a second, and its forge
/// should not be asked more often.
const SHORTEST_PERIOD: u32 = 60;
const LONGEST_PERIOD: u32 = 366 * 24 * 60 * 60;

/// Seconds of a period as people write it: `90s`, `15m`, `2h`, `1d`.
///
/// # Errors
/// When it is no period, shorter than a minute or longer than a year.
pub fn parse_period(text: &str) -> Result<u32, AppError> {
    let fault = |message: String| {
        AppError::new(ErrorCode::InvalidInput, message).hint("Write a number and s, m, h or d, such as 15m or 1d.")
    };
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(fault(format!("`{text}` is no period"))),
    };
    let number: u32 = digits.parse().map_err(|_| fault(format!("`{text}` is no period")))?;
    let seconds = number.checked_mul(factor).filter(|seconds| (SHORTEST_PERIOD..=LONGEST_PERIOD).contains(seconds));
    seconds.ok_or_else(|| fault(format!("`{text}` is less than a minute or more than a year")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(location: &str) -> SyncRequest {
        SyncRequest::Git { location: location.to_owned(), branch: None, full: false }
    }

    #[test]
    fn a_password_is_taken_out_of_a_url() {
        for (url, bare, credential) in [
            ("https://ann:s%40crt@host/x.git", "https://host/x.git", Some(("ann", "s@crt"))),
            ("https://token@host:8443/x", "https://host:8443/x", Some(("x-access-token", "token"))),
            ("https://host/x@y", "https://host/x@y", None),
            ("ssh://git@host/x", "ssh://git@host/x", None),
            ("git@host:x", "git@host:x", None),
            ("/srv/a@b", "/srv/a@b", None),
        ] {
            let mut request = git(url);
            let found = request.take_credential().unwrap();
            assert_eq!(request, git(bare));
            let found = found.as_ref().map(|found| (found.username.as_str(), found.password.as_str()));
            assert_eq!(found, credential, "{url}");
        }
        assert!(git("https://a:%zz@host/x").take_credential().is_err());
        assert!(git("https://a:%f@host/x").take_credential().is_err());
    }

    #[test]
    fn requests_survive_their_row() {
        let request = git("https://host/x");
        assert_eq!(SyncRequest::from_value(&request.to_value().unwrap()).unwrap(), request);
        assert!(SyncRequest::from_value(&serde_json::json!({"kind": "svn"})).is_err());
    }

    #[test]
    fn periods_are_read() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400), (" 60s ", 60)] {
            assert_eq!(parse_period(text).unwrap(), seconds, "{text}");
        }
        for bad in ["", "15", "m", "5 m", "-5m", "59s", "400d", "99999999999d", "1w", "15µ"] {
            assert!(parse_period(bad).is_err(), "{bad}");
        }
    }
}
