//! The servers that a deployment consists of, as far as they are configured.

use std::fmt;
use std::path::Path;

use docassist_model::ErrorCode;
use docassist_store::PostgresConfig;

use crate::{AppError, Database};

/// The servers, each asked over connections of its own by whoever looks after them.
#[derive(Clone, Default)]
pub struct Backends {
    /// What keeps records.
    pub database: Database,
    /// The address of Redis, which may hold a password.
    pub redis: Option<String>,
    /// The search index.
    pub qdrant: Option<QdrantAddress>,
}

impl fmt::Debug for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backends")
            .field("database", &self.database)
            .field("redis", &self.redis.is_some())
            .field("qdrant", &self.qdrant)
            .finish()
    }
}

impl Backends {
    /// The PostgreSQL, where records are not kept in files.
    pub(crate) fn postgres(&self) -> Option<&PostgresConfig> {
        match &self.database {
            Database::Files => None,
            Database::Postgres(config) => Some(config),
        }
    }

    /// Whether there is anything to ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.postgres().is_none() && self.redis.is_none() && self.qdrant.is_none()
    }
}

/// Where Qdrant's REST interface is.
#[derive(Clone)]
pub struct QdrantAddress {
    pub(crate) url: String,
    pub(crate) key: Option<String>,
}

impl fmt::Debug for QdrantAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        f.debug_struct("QdrantAddress").field("url", &self.url).finish_non_exhaustive()
    }
}

impl QdrantAddress {
    /// The Qdrant at `url`, with the key in the file `key`, if it is given. The port of gRPC, 6334, stands for the one
    /// beside it, where the same server speaks REST.
    ///
    /// # Errors
    /// Where the address is none or the file cannot be read.
    pub fn new(url: &str, key: Option<&Path>) -> Result<Self, AppError> {
        let url = url.trim_end_matches('/');
        if !(url.starts_with("http://") || url.starts_with("https://")) || url.contains('@') {
            return Err(AppError::new(ErrorCode::InvalidInput, "the address of Qdrant cannot be used")
                .hint("It looks like http://qdrant:6333; its key is in a file of its own."));
        }
        let url = match url.strip_suffix(":6334") {
            Some(host) => format!("{host}:6333"),
            None => url.to_owned(),
        };
        let read = |path: &Path| {
            std::fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(|error| {
                let message = format!("Qdrant's key in {} cannot be read: {error}", path.display());
                AppError::new(ErrorCode::InvalidInput, message)
            })
        };
        Ok(Self { url, key: key.map(read).transpose()? })
    }
}

/// The address of Redis with the password in the file `password`, if it is given, and the address has none.
///
/// # Errors
/// Where the file cannot be read, or the address has no place for a password.
pub fn redis_address(url: &str, password: Option<&Path>) -> Result<String, AppError> {
    let Some(path) = password else { return Ok(url.to_owned()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("Redis' password in {} cannot be read: {error}", path.display());
        AppError::new(ErrorCode::InvalidInput, message)
    })?;
    let place = url.split_once("://").filter(|(scheme, _)| !scheme.contains("unix"));
    let Some((scheme, rest)) = place else {
        return Err(AppError::new(
            ErrorCode::InvalidInput,
            "this address of Redis cannot be given a password from a file",
        )
        .hint("It looks like redis://host:6379/0, or redis://user@host:6379/0."));
    };
    // A path among the parameters may have an `@`.
    let authority = rest.find('?').unwrap_or(rest.len());
    let (user, rest) = rest[..authority].rfind('@').map_or(("", rest), |at| (&rest[..at], &rest[at + 1..]));
    if user.contains(':') && !user.ends_with(':') {
        return Ok(url.to_owned());
    }
    let user = user.trim_end_matches(':');
    let mut encoded = String::new();
    for byte in text.trim_end_matches(['\r', '\n']).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    Ok(format!("{scheme}://{user}:{encoded}@{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_without_secrets_in_it() {
        assert_eq!(QdrantAddress::new("http://qdrant:6334/", None).unwrap().url, "http://qdrant:6333");
        assert_eq!(QdrantAddress::new("https://q.example.org", None).unwrap().url, "https://q.example.org");
        for bad in ["qdrant:6333", "http://key@qdrant", "", "ftp://qdrant"] {
            let error = QdrantAddress::new(bad, None).unwrap_err();
            assert!(!error.message.contains("key@"), "{error}");
        }
    }

    #[test]
    fn redis_gets_its_password_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "p@ss/1\n").unwrap();
        for (url, with) in [
            ("redis://cache:6379/0", "redis://:p%40ss%2F1@cache:6379/0"),
            ("redis://:@cache", "redis://:p%40ss%2F1@cache"),
            ("redis://ann@cache", "redis://ann:p%40ss%2F1@cache"),
            ("redis://ann:own@cache", "redis://ann:own@cache"),
            ("rediss://cache/?ssl_ca_certs=/a@b.pem", "rediss://:p%40ss%2F1@cache/?ssl_ca_certs=/a@b.pem"),
            ("rediss://ann@cache?ssl_ca_certs=/a@b.pem", "rediss://ann:p%40ss%2F1@cache?ssl_ca_certs=/a@b.pem"),
        ] {
            assert_eq!(redis_address(url, Some(&file)).unwrap(), with);
            assert_eq!(redis_address(url, None).unwrap(), url);
        }
        assert!(redis_address("redis+unix:///run/redis", Some(&file)).is_err());
        assert!(redis_address("redis://cache", Some(folder.path())).is_err());
    }
}
