//! How the servers of a deployment do: read once, and in a running service kept fresh in the background, so that neither a
//! scrape nor a request waits for a server that is in trouble, and none is asked more often for being looked at.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use docassist_cache::redis_info;
use docassist_model::{ErrorCode, Timestamp};
use docassist_ops::doctor::RedisLive;
use docassist_ops::metrics::{POSTGRES_UP, QDRANT_UP, REDIS_UP};
use docassist_ops::monitor::{
    Connections, PostgresFigures, QdrantFigures, RedisFigures, Replica, Sample, SlowStatement, TableFigures,
    UnusedIndex,
};
use docassist_store::{self as store, ControlStore, PostgresConfig, Statements};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::{AbortHandle, spawn_blocking};

use crate::{AppError, Backends, QdrantAddress, qdrant};

/// How often servers are asked in the background: as often as Prometheus scrapes by default.
pub const EVERY: Duration = Duration::from_secs(15);

/// Whether a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It answers.
    Up,
    /// It does not.
    Down,
    /// None is configured.
    NotConfigured,
}

impl Reach {
    /// As people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::NotConfigured => "not configured",
        }
    }
}

/// What a server told.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Told<T> {
    /// Whether it answers.
    pub state: Reach,
    /// Where it is, without user and password; `null` where none is configured.
    pub location: Option<String>,
    /// Why it could not be asked; `null` where it could.
    pub error: Option<String>,
    /// What it told; `null` where it could not be asked.
    pub figures: Option<T>,
}

impl<T> Told<T> {
    fn of(location: String, told: Result<T, String>) -> Self {
        match told {
            Ok(figures) => Self { state: Reach::Up, location: Some(location), error: None, figures: Some(figures) },
            Err(error) => Self { state: Reach::Down, location: Some(location), error: Some(error), figures: None },
        }
    }

    /// Nothing is configured.
    #[must_use]
    pub fn nothing() -> Self {
        Self { state: Reach::NotConfigured, location: None, error: None, figures: None }
    }
}

/// What all servers told.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Figures {
    /// When.
    pub as_of: Timestamp,
    /// The store; `not_configured` where records are kept in files.
    pub postgres: Told<PostgresFigures>,
    /// The cache that replicas share.
    pub redis: Told<RedisFigures>,
    /// The search index.
    pub qdrant: Told<QdrantFigures>,
    /// Syncs of the whole service that wait and that run, where they are kept in PostgreSQL: what a scrape tells of them
    /// must not wait for it either.
    #[serde(skip)]
    #[schemars(skip)]
    pub jobs: Option<(u64, u64)>,
}

impl Figures {
    /// As Prometheus scrapes them; of a server that is not configured nothing.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        let mut up = |metric, state: Reach| {
            if state != Reach::NotConfigured {
                let value = f64::from(u8::from(state == Reach::Up));
                samples.push(Sample { metric, labels: Vec::new(), value });
            }
        };
        up(&POSTGRES_UP, self.postgres.state);
        up(&REDIS_UP, self.redis.state);
        up(&QDRANT_UP, self.qdrant.state);
        samples.extend(self.postgres.figures.iter().flat_map(PostgresFigures::samples));
        samples.extend(self.redis.figures.iter().flat_map(RedisFigures::samples));
        samples.extend(self.qdrant.figures.iter().flat_map(QdrantFigures::samples));
        samples
    }
}

/// Asks all servers that are configured, each at the same time.
pub async fn read(backends: &Backends) -> Figures {
    let (postgres, redis, qdrant) = tokio::join!(
        postgres(backends.postgres()),
        redis(backends.redis.as_deref()),
        search_index(backends.qdrant.as_ref())
    );
    Figures { as_of: crate::now(), postgres, redis, qdrant, jobs: None }
}

/// The same for a program without a runtime. Blocks.
///
/// # Errors
/// When the system gives no threads.
pub fn read_now(backends: &Backends) -> Result<Figures, AppError> {
    Ok(runtime()?.block_on(read(backends)))
}

/// A runtime for as long as it takes to look.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, AppError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| AppError::new(ErrorCode::Internal, format!("no threads can be started: {error}")))
}

async fn postgres(config: Option<&PostgresConfig>) -> Told<PostgresFigures> {
    let Some(config) = config.cloned() else { return Told::nothing() };
    let location = config.location().to_owned();
    let told = spawn_blocking(move || store::postgres_figures(&config)).await;
    let told = told.map_err(|error| error.to_string()).and_then(|told| told.map_err(|error| reason(&error)));
    Told::of(location, told.map(shaped))
}

/// What the error says beside the location, which is told already.
pub(crate) fn reason(error: &store::StoreError) -> String {
    match error {
        store::StoreError::Unreachable { detail, .. } => detail.clone(),
        other => other.to_string(),
    }
}

async fn redis(url: Option<&str>) -> Told<RedisFigures> {
    let Some(url) = url else { return Told::nothing() };
    match redis_info(url).await {
        Ok(told) if told.info.is_empty() => Told::of(told.location, Err("INFO is not allowed to us".to_owned())),
        Ok(told) => Told::of(told.location, Ok(RedisFigures::from_info(&RedisLive::parse_info(&told.info)))),
        Err(error) => Told::of(error.location, Err(error.reason)),
    }
}

async fn search_index(address: Option<&QdrantAddress>) -> Told<QdrantFigures> {
    let Some(address) = address.cloned() else { return Told::nothing() };
    let location = address.url.clone();
    let told = spawn_blocking(move || qdrant::look(&address)).await;
    let told = told.map_err(|error| error.to_string()).and_then(|told| told);
    Told::of(location, told.map(qdrant::QdrantState::figures))
}

/// What to do where statements are not counted.
const CREATE_EXTENSION: &str = "a superuser has to run CREATE EXTENSION pg_stat_statements in this database";
const LOAD_LIBRARY: &str = "shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, and a restart";
const GRANT_MONITOR: &str = "the role may not read pg_stat_statements: GRANT pg_monitor to it";

fn shaped(of: store::PostgresFigures) -> PostgresFigures {
    let (slowest, missing) = match of.statements {
        Statements::Counted(slowest) => (slowest, None),
        Statements::NoExtension => (Vec::new(), Some(CREATE_EXTENSION)),
        Statements::NotLoaded => (Vec::new(), Some(LOAD_LIBRARY)),
        Statements::Hidden => (Vec::new(), Some(GRANT_MONITOR)),
    };
    let (hit, read) = of.heap_blocks;
    PostgresFigures {
        statements_counted: missing.is_none(),
        statements_missing: missing.map(str::to_owned),
        slowest: slowest
            .into_iter()
            .map(|of| SlowStatement {
                query_id: of.query_id,
                query: of.query,
                calls: of.calls,
                mean_ms: of.mean_ms,
                total_ms: of.total_ms,
                rows: of.rows,
            })
            .collect(),
        heap_blocks_hit: hit,
        heap_blocks_read: read,
        buffer_hit_percent: PostgresFigures::hit_percent(hit, read),
        connections: Connections::new(of.connections.into_iter().collect(), of.max_connections),
        tables: of
            .tables
            .into_iter()
            .map(|of| TableFigures {
                table: of.table,
                live_tuples: of.live_tuples,
                dead_tuples: of.dead_tuples,
                bytes: of.bytes,
                last_autovacuum: of.last_autovacuum.map(|time| Timestamp::from_unix(time).to_string()),
            })
            .collect(),
        unused_indexes: of
            .unused_indexes
            .into_iter()
            .map(|of| UnusedIndex { index: of.index, table: of.table, bytes: of.bytes })
            .collect(),
        database_bytes: of.database_bytes,
        replicas: of.replicas.into_iter().map(|of| Replica { name: of.name, lag_seconds: of.seconds }).collect(),
        oldest_transaction_seconds: of.oldest_transaction_seconds,
    }
}

/// The servers of a running service, asked again and again in the background. Ends when it is dropped.
pub struct Monitor {
    shared: Arc<Shared>,
    task: Option<AbortHandle>,
}

struct Shared {
    backends: Backends,
    control: Arc<dyn ControlStore>,
    latest: RwLock<Option<(Instant, Arc<Figures>)>>,
    /// Held by whoever asks: others wait for what that gives.
    asking: tokio::sync::Mutex<()>,
}

impl Monitor {
    /// Begins asking, in the present Tokio runtime.
    pub(crate) fn start(backends: Backends, control: Arc<dyn ControlStore>) -> Self {
        let (latest, asking) = (RwLock::default(), tokio::sync::Mutex::default());
        let shared = Arc::new(Shared { backends, control, latest, asking });
        let task = (!shared.backends.is_empty()).then(|| {
            let shared = Arc::clone(&shared);
            let task = tokio::spawn(async move {
                loop {
                    shared.recent(EVERY).await;
                    tokio::time::sleep(EVERY).await;
                }
            });
            task.abort_handle()
        });
        Self { shared, task }
    }

    /// What was told last; none right after the start. Never waits.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Figures>> {
        self.shared.younger_than(Duration::MAX)
    }

    /// Syncs of the whole service that wait and that run. Asks the store where that is a file; else it is what was told last.
    #[must_use]
    pub fn jobs(&self) -> Option<(u64, u64)> {
        match self.shared.backends.postgres() {
            None => self.shared.control.job_load().ok(),
            Some(_) => self.latest()?.jobs,
        }
    }

    /// What was told less than `age` ago; else servers are asked now, once for all who wait for it.
    pub async fn recent(&self, age: Duration) -> Arc<Figures> {
        self.shared.recent(age).await
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Shared {
    fn younger_than(&self, age: Duration) -> Option<Arc<Figures>> {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().filter(|(asked, _)| asked.elapsed() < age).map(|(_, figures)| Arc::clone(figures))
    }

    async fn recent(&self, age: Duration) -> Arc<Figures> {
        if let Some(figures) = self.younger_than(age) {
            return figures;
        }
        let _asking = self.asking.lock().await;
        // Whoever asked meanwhile was asking for us as well.
        if let Some(figures) = self.younger_than(age) {
            return figures;
        }
        let mut figures = read(&self.backends).await;
        if figures.postgres.state == Reach::Up {
            let control = Arc::clone(&self.control);
            figures.jobs = spawn_blocking(move || control.job_load().ok()).await.ok().flatten();
        }
        let figures = Arc::new(figures);
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&figures)));
        figures
    }
}

#[cfg(test)]
mod tests {
    use docassist_store::SqliteControl;

    use super::*;
    use crate::Database;

    fn control() -> (tempfile::TempDir, Arc<dyn ControlStore>) {
        let folder = tempfile::tempdir().unwrap();
        let control = Arc::new(SqliteControl::open(folder.path()).unwrap());
        (folder, control)
    }

    #[tokio::test]
    async fn servers_that_are_away_are_down_and_others_are_not_configured() {
        let address = "postgres://nobody:hunter2@127.0.0.1:1/none?sslmode=disable";
        let backends = Backends {
            database: Database::at(address, None).unwrap(),
            redis: Some("redis://:hunter2@127.0.0.1:1/".to_owned()),
            qdrant: None,
        };
        let (_folder, control) = control();
        let monitor = Monitor::start(backends, control);
        assert!(monitor.jobs().is_none());
        assert!(monitor.latest().is_none());
        let figures = monitor.recent(Duration::from_secs(60)).await;
        assert_eq!((figures.postgres.state, figures.redis.state), (Reach::Down, Reach::Down));
        assert_eq!(figures.qdrant, Told::nothing());
        assert!(!format!("{figures:?}").contains("hunter2"));
        assert!(Arc::ptr_eq(&figures, &monitor.latest().unwrap()));
        assert!(Arc::ptr_eq(&figures, &monitor.recent(Duration::from_secs(60)).await));
        assert!(!Arc::ptr_eq(&figures, &monitor.recent(Duration::ZERO).await));
        let samples: Vec<_> = figures.samples().iter().map(|sample| (sample.metric.name, sample.value)).collect();
        assert_eq!(samples, [("docassist_postgres_up", 0.0), ("docassist_redis_up", 0.0)]);
    }

    #[tokio::test]
    async fn without_servers_nothing_is_asked() {
        let (_folder, control) = control();
        let monitor = Monitor::start(Backends::default(), control);
        assert!(monitor.task.is_none());
        assert_eq!(monitor.jobs(), Some((0, 0)));
        assert!(monitor.recent(Duration::ZERO).await.samples().is_empty());
    }
}
