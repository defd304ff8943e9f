//! Durable records of an organisation and the sequence of their changes.
//!
//! A [`Store`] keeps what sources yield (commits, tickets, pages, decisions) and counts its changes in one sequence per
//! organisation; whatever is computed from records (the graph, the search index) follows that sequence and can be built
//! afresh at any time with [`Store::project`]. All writing goes through a [`Writer`], of which an organisation has one
//! at a time, whatever the number of processes.
//!
//! Operations are whole: each method is one transaction, so no caller can leave half of a sync behind. Nothing here
//! knows of analyses, of HTTP or of the time: instants come in as arguments (only the lock, which is no record, notes
//! when it was taken).
//!
//! Vectors of texts, which follow from records and take long to compute, are kept by a [`VectorStore`]: the same stores.
//!
//! What the service keeps besides records (organisations, accounts, keys, sessions, the audit log, jobs, conversations) is in a
//! [`ControlStore`], one for all organisations.
//!
//! Backends: [`SqliteStore`], one database file per organisation, and [`SqliteControl`], one file beside them.

mod control;
mod copy;
mod derived;
mod encoding;
mod error;
mod postgres;
mod reading;
mod records;
mod settlement;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod vectors;

pub use control::{
    Beat, ClaimedJob, ControlStore, ConversationHead, ConversationTurn, JobEnd, NewAuditEntry, NewJob, NewToken,
    NewUser, Reseal, Rotation, SealedFor, Window,
};
pub use copy::{Copied, UNFINISHED_COPY, copy};
pub use error::{BoxError, Result, StoreError};
pub use postgres::{ANALYTICAL, Analytical, Counted, Maintenance, PostgresWorkload};
pub use postgres::{
    DEFAULT_CONNECTIONS, PostgresArchive, PostgresConfig, PostgresControl, PostgresFigures, PostgresInspection,
    PostgresStore, ReplicaLag, SchemaState, SettingRow, SlowStatement, Statements, TableFigures, Transport,
    UnusedIndex, Watch, inspect_postgres, postgres_figures,
};
pub use reading::{DocumentKind, DocumentRow, Reading};
pub use records::{
    DocsFinish, FeedEnd, FileChanges, GitFinish, Outcome, PageChanges, RecordCounts, Source, TicketImport,
    TicketOutcome,
};
pub use sqlite::{SqliteControl, SqliteFiles, SqliteStore};
pub use store::{Store, TicketSink, Writer};
pub use vectors::{ContentHash, VectorStore};
