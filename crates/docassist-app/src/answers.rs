//! Answers from the cache: which question has which key, and how it is computed where the cache has nothing that stands.

mod query;

use std::path::PathBuf;
use std::sync::Arc;

use docassist_cache::{
    Cache, Computed, Config, CurrentGenerations, Durable, Failure, Forward, Generations, GenerationsUnavailable,
    Outcome, RedisUse, Served, Stats, Value,
};
use docassist_embed::Chat;
use docassist_model::findings::Answer;
use docassist_model::findings::search::AskAnswer;
use docassist_model::{ErrorCode, TenantScope, Unobserved};
use docassist_store::Store;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

pub use query::Query;

use crate::jobs::OnChange;
use crate::{App, AppError, AskEvent, AskQuery, Graphs, Search};

/// The settings of the cache.
pub type CacheConfig = Config;

/// The content type of all answers.
const JSON: &str = "application/json";

/// Computations at the same time over all organisations: they are short and need a core each, and more than that many would only
/// take memory from one another.
const COMPUTATIONS: usize = 32;

/// Answers questions about any organisation.
pub struct Answers {
    cache: Arc<Cache<AppError>>,
    work: Arc<Work>,
}

/// What computing takes.
struct Work {
    store: Arc<dyn Store>,
    graphs: Arc<Graphs>,
    search: Option<Arc<Search>>,
    chat: Option<Arc<Chat>>,
    data: PathBuf,
    permits: Semaphore,
    /// For questions that a language model may be asked: they wait for it and must not keep others waiting.
    chats: Arc<Semaphore>,
}

/// Questions that wait for a language model at the same time: each has a thread, and the model serves few at once.
const CHATS: usize = 8;

impl Answers {
    /// Opens the cache in the present Tokio runtime.
    ///
    /// # Errors
    /// When the address of Redis cannot be understood.
    pub(crate) fn open(
        config: Config,
        store: Arc<dyn Store>,
        graphs: Arc<Graphs>,
        (search, chat): (Option<Arc<Search>>, Option<Arc<Chat>>),
        data: PathBuf,
    ) -> Result<Self, AppError> {
        let generations = Arc::new(StoreGenerations(Arc::clone(&store)));
        let cache = Cache::open(config, generations)
            .map_err(|error| AppError::new(ErrorCode::InvalidInput, error.to_string()))?;
        let (permits, chats) = (Semaphore::new(COMPUTATIONS), Arc::new(Semaphore::new(CHATS)));
        let work = Arc::new(Work { store, graphs, search, chat, data, permits, chats });
        Ok(Self { cache: Arc::new(cache), work })
    }

    /// The answer as JSON bytes, and where it came from.
    ///
    /// # Errors
    /// As the question itself fails; [`ErrorCode::Internal`] when another request's computation of the same panicked.
    pub async fn get(&self, scope: &TenantScope, query: Query) -> Result<(Value, Outcome), AppError> {
        let Some(key) = query.key(scope) else {
            let (value, _) = self.work.compute(scope, Arc::new(query)).await?;
            let outcome = Outcome {
                served: Served::Computed(Forward::Bypass),
                collapsed: false,
                stored: false,
                ttl: None,
                redis: RedisUse::Absent,
            };
            return Ok((value, outcome));
        };
        let query = Arc::new(query);
        // The stamp needs no look: the graph is of the store's present sequence, which is at least as new.
        let compute = |_| async {
            let (value, keep) = self.work.compute(scope, query).await?;
            Ok(if keep { Computed::from(value) } else { Computed::not_kept(value) })
        };
        self.cache.get_or_compute(&key, compute).await.map_err(|failure| match failure {
            Failure::Computation(error) => error,
            Failure::Crashed => AppError::new(ErrorCode::Internal, failure.to_string()),
        })
    }

    /// Runs something that blocks and works with an organisation's graph, past the cache. The graph is loaded first, without
    /// keeping a thread for those who wait for it.
    ///
    /// # Errors
    /// As `work` fails.
    pub async fn compute<T: Send + 'static>(
        &self,
        scope: &TenantScope,
        work: impl FnOnce(&App) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        self.work.with_graph(scope, work).await
    }

    /// Answers a question past the cache, and tells meanwhile what happens: for whoever reads an answer as it is written, and for
    /// conversations, which are their user's own.
    ///
    /// # Errors
    /// As the question fails.
    pub async fn ask(
        &self,
        scope: &TenantScope,
        query: AskQuery,
        mut tell: impl FnMut(AskEvent) -> bool + Send + 'static,
    ) -> Result<Answer<AskAnswer>, AppError> {
        let chat = self.work.chat.clone();
        let work = move |app: &App| app.ask(&query, chat.as_deref(), &Unobserved, &mut tell);
        match &self.work.chat {
            Some(_) => self.work.with_chat(scope, work).await,
            None => self.work.with_graph(scope, work).await,
        }
    }

    /// Forgets an organisation's answers, here and in all replicas.
    pub fn clear(&self, scope: &TenantScope) {
        self.cache.clear(scope);
    }

    /// The cache's counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.cache.settle();
        self.cache.stats()
    }

    /// Asks the store now for what has changed elsewhere, and not only when it is due.
    pub(crate) fn look(&self) -> impl Fn() + Send + 'static {
        let cache = Arc::clone(&self.cache);
        move || cache.look()
    }

    /// What makes answers stale when records have changed.
    pub(crate) fn invalidation(&self) -> Box<OnChange> {
        let cache = Arc::clone(&self.cache);
        Box::new(move |scope, kind| cache.bump(scope, kind))
    }
}

impl Work {
    async fn compute(self: &Arc<Self>, scope: &TenantScope, query: Arc<Query>) -> Result<(Value, bool), AppError> {
        let chat = self.chat.clone().filter(|_| query.may_chat());
        let answer = move |app: &App, chat: Option<&Chat>| {
            let answered = query.answer(app, chat)?;
            Ok((Value::new(JSON, answered.json), answered.keep))
        };
        match chat {
            None => self.with_graph(scope, move |app| answer(app, None)).await,
            Some(chat) => self.with_chat(scope, move |app| answer(app, Some(&chat))).await,
        }
    }

    /// Runs something that may wait for a language model, beside the computations.
    async fn with_chat<T: Send + 'static>(
        self: &Arc<Self>,
        scope: &TenantScope,
        work: impl FnOnce(&App) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        let permit = Arc::clone(&self.chats).try_acquire_owned().map_err(|_| {
            AppError::new(ErrorCode::Unavailable, "too many questions wait for the language model")
                .hint("Ask again in a moment.")
        })?;
        let (this, of) = (Arc::clone(self), scope.clone());
        blocking(move || {
            // Held where the work is: whoever asked may have gone, and the thread still waits.
            let _permit = permit;
            work(&this.app(of))
        })
        .await
    }

    async fn with_graph<T: Send + 'static>(
        self: &Arc<Self>,
        scope: &TenantScope,
        work: impl FnOnce(&App) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        let slot = self.graphs.slot(scope);
        let (this, of, place) = (Arc::clone(self), scope.clone(), Arc::clone(&slot));
        let mut work = Some(work);
        // Most often the graph is there, and one visit to the threads that may block is enough.
        let permit = self.permits.acquire().await.map_err(|_| ending())?;
        let here = blocking(move || {
            if this.graphs.current(&place, this.store.as_ref(), &of)?.is_none() {
                return Ok((work.take(), None));
            }
            let result = work.take().map(|work| work(&this.app(of)));
            Ok((None, result))
        })
        .await?;
        drop(permit);
        let work = match here {
            (_, Some(result)) => return result,
            (Some(work), None) => work,
            (None, None) => return Err(AppError::new(ErrorCode::Internal, "a computation was lost")),
        };
        let loading = slot.loading.lock().await;
        let (this, of, place) = (Arc::clone(self), scope.clone(), Arc::clone(&slot));
        blocking(move || this.graphs.load(&place, this.store.as_ref(), &of).map(drop)).await?;
        drop(loading);
        let _permit = self.permits.acquire().await.map_err(|_| ending())?;
        let (this, of) = (Arc::clone(self), scope.clone());
        blocking(move || work(&this.app(of))).await
    }

    fn app(self: &Arc<Self>, scope: TenantScope) -> App {
        App::over(Arc::clone(&self.store), Arc::clone(&self.graphs), &self.data, scope).searched_by(self.search.clone())
    }
}

fn ending() -> AppError {
    AppError::new(ErrorCode::Unavailable, "the service is ending")
}

/// Runs what blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => {
            Err(AppError::new(ErrorCode::Internal, "the request ended by a defect in the program"))
        }
        Err(_) => Err(ending()),
    }
}

/// The change sequences of the store.
struct StoreGenerations(Arc<dyn Store>);

impl Generations for StoreGenerations {
    fn current<'a>(&'a self, scopes: &'a [TenantScope]) -> CurrentGenerations<'a> {
        let (store, scopes) = (Arc::clone(&self.0), scopes.to_vec());
        Box::pin(async move {
            blocking(move || Ok(store.sequences(&scopes)?.into_iter().map(Durable::all).collect::<Vec<_>>()))
                .await
                .map_err(|error| GenerationsUnavailable(error.to_string()))
        })
    }
}
