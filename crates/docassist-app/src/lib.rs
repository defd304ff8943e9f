//! What `docassist` does, as functions: sync a source, ask a question, export the graph. The only place that joins
//! sources, store and graph; it knows nothing of terminals and of HTTP.
//!
//! [`App`] is one organisation's data as one user of it sees it. It reads the clock where nobody gives an instant, and
//! hands instants down to everything else. [`Service`] is what a program adds that serves many: accounts, answers from
//! the cache, sync jobs.

pub mod accounts;
mod analyse;
mod answers;
mod ask;
mod backends;
pub mod backup;
mod conversations;
mod database;
mod diff;
pub mod doctor;
mod error;
mod graphs;
pub mod infra;
pub mod jobs;
mod machine;
pub mod monitor;
mod qdrant;
mod search;
pub mod secrets;
mod service;
mod snapshot;
mod status;
pub mod sync;
pub mod transfer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use docassist_model::{TenantScope, Timestamp};
use docassist_store::Store;

pub use analyse::{GapQuery, PathQuery, Question, Several};
pub use answers::{Answers, CacheConfig, Query};
pub use ask::{AskEvent, AskQuery, TURNS};
pub use backends::{Backends, QdrantAddress, redis_address};
pub use conversations::Conversations;
pub use database::Database;
pub use diff::{ChangeQuery, DiffQuery, UnifiedDiff};
pub use docassist_cache::{
    Breaker, Family, FamilyStats, Outcome, RedisConfig, Replicas, Stats as CacheStats, TierStats, TimesToLive,
    Value as CachedAnswer,
};
pub use docassist_embed::{Chat, ChatConfig, Protocol, RemoteConfig};
pub use docassist_graph::{Graph, PageRequest};
pub use docassist_search::answer::Turn;
pub use docassist_search::eval::{AnswerFigures, Evaluation, Figures as EvalFigures};
pub use docassist_search::fusion::Fusion;
pub use docassist_search::passage::PassageKind;
pub use docassist_store::{PostgresConfig, Window};
pub use error::AppError;
pub use graphs::{GraphState, GraphStats, Graphs};
pub use machine::{MachineSize, memory, memory_limit};
pub use search::{
    Background, Followed, IndexReport, ModelChoice, ModelState, QdrantServer, Search, SearchConfig, SearchQuery,
    SearchStats, eval_search, model_folder, pull_model,
};
pub use service::{ACCESS_LIFE, Actor, Delivery, Service, ServiceConfig};

/// How long a sync waits for another one of the same organisation by default.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// One organisation's data.
pub struct App {
    store: Arc<dyn Store>,
    graphs: Arc<Graphs>,
    search: Option<Arc<Search>>,
    scope: TenantScope,
    data: PathBuf,
}

impl App {
    /// The organisation of `scope` in `database`. Files are not touched yet; the tables of a PostgreSQL are made where they
    /// are missing.
    ///
    /// # Errors
    /// When a PostgreSQL cannot be reached or used.
    pub fn open(database: &Database, data: &Path, scope: TenantScope) -> Result<Self, AppError> {
        Ok(Self::over(database.records(data)?, Arc::new(Graphs::unbounded()), data, scope))
    }

    /// The same with search over it.
    ///
    /// # Errors
    /// When a model was named and cannot be used.
    pub fn with_search(mut self, config: &SearchConfig) -> Result<Self, AppError> {
        let (store, graphs) = (Arc::clone(&self.store), Arc::clone(&self.graphs));
        self.search = Some(Arc::new(Search::open(store, graphs, &self.data, config)?));
        Ok(self)
    }

    /// The same over a store and graphs that others use as well.
    pub(crate) fn over(store: Arc<dyn Store>, graphs: Arc<Graphs>, data: &Path, scope: TenantScope) -> Self {
        Self { store, graphs, search: None, scope, data: data.to_owned() }
    }

    /// The same with a search that others use as well.
    pub(crate) fn searched_by(mut self, search: Option<Arc<Search>>) -> Self {
        self.search = search;
        self
    }

    fn prepare_folder(&self) {
        prepare_folder(&self.data);
    }

    /// Where the organisation's files are that are no records: clones.
    fn folder(&self) -> PathBuf {
        self.data.join("orgs").join(self.scope.org().as_str())
    }
}

/// Makes a new data directory, with a note to git that nothing in it belongs into a repository: by default it lies in the
/// work tree that the user stands in. One that exists is left as it is.
///
/// What cannot be written here is found out, and said better, by the store.
fn prepare_folder(data: &Path) {
    if !data.exists() && std::fs::create_dir_all(data).is_ok() {
        drop(std::fs::write(data.join(".gitignore"), "# Made by docassist; can be deleted as a whole.\n*\n"));
    }
}

/// The present instant.
#[must_use]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
