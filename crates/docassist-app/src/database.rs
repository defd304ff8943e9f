//! Where records and the service's rows are kept: in files of the data directory, or in a PostgreSQL.

use std::path::Path;
use std::sync::Arc;

use docassist_model::{ErrorCode, OrgSlug};
use docassist_store::{ControlStore, PostgresConfig, PostgresStore, SqliteControl, SqliteStore, Store, Watch};

use crate::AppError;

/// Which engine keeps records.
#[derive(Debug, Clone, Default)]
#[allow(clippy::large_enum_variant, reason = "a process has one or two of them")]
pub enum Database {
    /// SQLite: files in the data directory.
    #[default]
    Files,
    /// A PostgreSQL. The data directory keeps clones and files that were sent; replicas on several machines share it, or
    /// each reads repositories into its own.
    Postgres(PostgresConfig),
}

/// The stores of a database. Both sides of PostgreSQL share their connections.
pub(crate) struct Stores {
    pub(crate) records: Arc<dyn Store>,
    pub(crate) control: Arc<dyn ControlStore>,
    /// Where changes of other processes can be listened for.
    listening: Option<Arc<PostgresStore>>,
}

impl Database {
    /// The PostgreSQL at `address`, with the password in the file `password`, if it is given.
    ///
    /// # Errors
    /// Where the address cannot be understood or the file not be read.
    pub fn at(address: &str, password: Option<&Path>) -> Result<Self, AppError> {
        let config = PostgresConfig::parse(address)?;
        let Some(path) = password else { return Ok(Self::Postgres(config)) };
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("the database's password in {} cannot be read: {error}", path.display());
            AppError::new(ErrorCode::InvalidInput, message)
        })?;
        Ok(Self::Postgres(config.password(text.trim_end_matches(['\r', '\n']))))
    }

    /// With a standby at `address` for what reads much, and the same password file. Files have none.
    ///
    /// # Errors
    /// Where records are in files, the address cannot be understood, or the file not be read.
    pub fn with_standby(self, address: &str, password: Option<&Path>) -> Result<Self, AppError> {
        match (self, Self::at(address, password)?) {
            (Self::Postgres(config), Self::Postgres(standby)) => Ok(Self::Postgres(config.standby(standby))),
            _ => Err(AppError::new(ErrorCode::InvalidInput, "files have no standby")
                .hint("--database names the PostgreSQL that it follows.")),
        }
    }

    /// With at most so many connections of this process, besides one for each writer and one that listens. Files have none.
    #[must_use]
    pub fn pool(self, connections: u32) -> Self {
        match self {
            Self::Files => Self::Files,
            Self::Postgres(config) => Self::Postgres(config.connections(connections)),
        }
    }

    /// Where it is, for people. No secrets.
    #[must_use]
    pub fn location(&self, data: &Path) -> String {
        match self {
            Self::Files => data.display().to_string(),
            Self::Postgres(config) => config.location().to_owned(),
        }
    }

    /// The records, without the service's rows.
    pub(crate) fn records(&self, data: &Path) -> Result<Arc<dyn Store>, AppError> {
        Ok(match self {
            Self::Files => Arc::new(SqliteStore::new(data)),
            Self::Postgres(config) => Arc::new(PostgresStore::open(config.clone(), data)?),
        })
    }

    /// All that a service needs.
    pub(crate) fn stores(&self, data: &Path) -> Result<Stores, AppError> {
        Ok(match self {
            Self::Files => Stores {
                control: Arc::new(SqliteControl::open(data)?),
                records: Arc::new(SqliteStore::new(data)),
                listening: None,
            },
            Self::Postgres(config) => {
                let records = Arc::new(PostgresStore::open(config.clone(), data)?);
                Stores {
                    control: Arc::new(records.control()),
                    records: Arc::clone(&records) as Arc<dyn Store>,
                    listening: Some(records),
                }
            }
        })
    }
}

impl Stores {
    /// Calls `changed` when another process may have changed an organisation's records, where the database tells.
    pub(crate) fn watch(&self, changed: impl Fn(Option<&OrgSlug>) + Send + 'static) -> Option<Watch> {
        self.listening.as_ref().map(|store| store.watch(changed))
    }
}
