//! PostgreSQL: records of all organisations and what the service keeps besides them, in one database, for any number of
//! processes.
//!
//! Every row of records carries its organisation's number, every statement names it, and row-level security holds
//! whoever forgets. An organisation's writer holds a lock of the session (`pg_advisory_lock`), which ends with its
//! connection, however that ends.

mod archive;
mod changes;
mod config;
mod control;
mod database;
mod fault;
mod inspect;
mod migrations;
mod records;
mod text;
mod tls;
mod tools;
mod workload;

pub use archive::PostgresArchive;
pub use changes::Watch;
pub use config::{DEFAULT_CONNECTIONS, PostgresConfig, Transport};
pub use control::PostgresControl;
pub use inspect::{
    PostgresFigures, PostgresInspection, ReplicaLag, SchemaState, SettingRow, SlowStatement, Statements, TableFigures,
    UnusedIndex, figures as postgres_figures, inspect as inspect_postgres,
};
pub use records::PostgresStore;
pub use workload::{ANALYTICAL, Analytical, Counted, Maintenance, PostgresWorkload};
