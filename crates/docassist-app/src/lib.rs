//! What `docassist` does, as functions: sync a source, ask a question, export the graph. The only place that joins
//! sources, store and graph; it knows nothing of terminals and of HTTP.
//!
//! [`App`] is one organisation's data as one user of it sees it. It reads the clock where nobody gives an instant, and
//! hands instants down to everything else.

mod analyse;
mod diff;
mod error;
mod snapshot;
mod status;
pub mod sync;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use docassist_model::{TenantScope, Timestamp};
use docassist_store::{SqliteStore, Store};

pub use analyse::{GapQuery, PathQuery, Question};
pub use diff::DiffQuery;
pub use docassist_graph::{Graph, PageRequest};
pub use error::AppError;

/// How long a sync waits for another one of the same organisation by default.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// One organisation's data.
pub struct App {
    store: Box<dyn Store>,
    scope: TenantScope,
    data: PathBuf,
    snapshot: Mutex<snapshot::Cell>,
}

impl App {
    /// The organisation of `scope` in the data directory `data`. Reads and writes nothing yet.
    #[must_use]
    pub fn new(data: &Path, scope: TenantScope) -> Self {
        let store: Box<dyn Store> = Box::new(SqliteStore::new(data));
        Self { store, scope, data: data.to_owned(), snapshot: Mutex::default() }
    }

    /// Makes a new data directory, with a note to git that nothing in it belongs into a repository: by default it lies in
    /// the work tree that the user stands in. One that exists is left as it is.
    ///
    /// What cannot be written here is found out, and said better, by the store.
    fn prepare_folder(&self) {
        if !self.data.exists() && std::fs::create_dir_all(&self.data).is_ok() {
            drop(std::fs::write(self.data.join(".gitignore"), "# Made by docassist; can be deleted as a whole.\n*\n"));
        }
    }

    /// Where the organisation's files are that are no records: clones.
    fn folder(&self) -> PathBuf {
        self.data.join("orgs").join(self.scope.org().as_str())
    }
}

/// The present instant.
#[must_use]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
