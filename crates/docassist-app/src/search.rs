//! Search over everything that an organisation wrote.
//!
//! [`Search`] has one index for all organisations and keeps each organisation's part as of the store's present sequence: whoever asks
//! first after a change brings it up to date ([`follow`]), others wait for that. Vectors come afterwards, in the background or on
//! request ([`embed`]); until they are there, words find what there is.

mod background;
mod embed;
mod eval;
mod figures;
mod follow;
mod models;
mod present;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use docassist_graph::Graph;
use docassist_model::findings::search::SearchResults;
use docassist_model::findings::{Answer, Completeness};
use docassist_model::{ErrorCode, OrgSlug, Progress, TenantScope, Timestamp, Unobserved};
use docassist_search::embedder::Embedder;
use docassist_search::fusion::Fusion;
use docassist_search::index::{Counts, EdgeIndex, EdgeOptions, Filter, Index, IndexError, QdrantIndex, QdrantOptions};
use docassist_search::passage::PassageKind;
use docassist_search::query::{SearchError, SearchRequest};
use docassist_store::{Store, StoreError, Writer};

pub use background::Background;
pub use eval::eval_search;
pub use figures::SearchStats;
pub use follow::Followed;
pub(crate) use models::model_error;
pub use models::{ModelChoice, ModelState, model_folder, pull_model};
pub(crate) use present::{citation, correction, coverage, place};

use crate::{App, AppError, Graphs, now};
use follow::Follower;
use models::Model;

/// How search is set up.
#[derive(Debug, Clone, Default)]
pub struct SearchConfig {
    /// What gives texts their vectors.
    pub model: ModelChoice,
    /// Where the index is: in files of the data directory, each process its own, unless a Qdrant server is named, which all
    /// replicas share.
    pub server: Option<QdrantServer>,
    /// How long a question waits while the index is being built; without end if `None`.
    pub patience: Option<Duration>,
}

/// A Qdrant server that keeps the index.
#[derive(Clone, PartialEq, Eq)]
pub struct QdrantServer {
    /// Its address for gRPC: `http://qdrant:6334`.
    pub url: String,
    /// Its key, where it asks for one.
    pub key: Option<String>,
    /// What its collections' names begin with, where several installations share it.
    pub prefix: Option<String>,
    /// Shards and copies of them on a cluster, for a collection that is made.
    pub shards: Option<u32>,
    /// See there.
    pub replicas: Option<u32>,
}

impl QdrantServer {
    /// The one at an address, that asks for no key, with its own settings.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), key: None, prefix: None, shards: None, replicas: None }
    }
}

impl std::fmt::Debug for QdrantServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("QdrantServer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// How long a process waits for another one that writes the same organisation's part of a shared index, where nobody said.
const LEASE: Duration = Duration::from_secs(60);

/// Organisations whose indexes are open at a time: each holds its terms in memory, and some hundred files.
const MOST_OPEN: usize = 64;

/// The search index of all organisations, and what keeps it up to date.
pub struct Search {
    store: Arc<dyn Store>,
    graphs: Arc<Graphs>,
    index: Arc<dyn Index>,
    model: Option<Model>,
    patience: Option<Duration>,
    /// Whether other processes write the same index: then only who holds the organisation's writer may.
    shared: bool,
    data: PathBuf,
    orgs: Mutex<HashMap<OrgSlug, Arc<Org>>>,
    /// Tells whoever embeds in the background, where somebody does.
    notice: OnceLock<Box<Notice>>,
    /// How many organisations wait for that.
    waiting: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
    counters: figures::Counters,
}

/// Is told of an organisation that has something to index or to embed.
type Notice = dyn Fn(&TenantScope) + Send + Sync;

/// What this process knows of an organisation's part.
#[derive(Default)]
struct Org {
    writer: Mutex<Writing>,
    free: Condvar,
}

/// Whether somebody writes, and how far.
#[derive(Default)]
struct Writing {
    busy: bool,
    done: u64,
    total: Option<u64>,
    /// What the last time told.
    notes: Vec<String>,
    /// How much there was after it.
    counts: Option<Counts>,
}

impl Search {
    /// Search over a store. Nothing is opened before it is asked for.
    ///
    /// # Errors
    /// When the model was named and cannot be used.
    pub(crate) fn open(
        store: Arc<dyn Store>,
        graphs: Arc<Graphs>,
        data: &Path,
        config: &SearchConfig,
    ) -> Result<Self, AppError> {
        let model = Model::choose(&config.model, data)?;
        let dense = model.as_ref().map(Model::space);
        let index: Arc<dyn Index> = match &config.server {
            None => Arc::new(EdgeIndex::new(data.join("orgs"), EdgeOptions { dense }).keeping_open(MOST_OPEN)),
            Some(server) => {
                let usual = QdrantOptions::new(&server.url);
                let options = QdrantOptions {
                    api_key: server.key.clone(),
                    prefix: server.prefix.clone().unwrap_or(usual.prefix),
                    dense,
                    shards: server.shards,
                    replicas: server.replicas,
                    ..QdrantOptions::new(&server.url)
                };
                Arc::new(QdrantIndex::new(&options)?)
            }
        };
        Ok(Self {
            store,
            graphs,
            index,
            model,
            patience: config.patience,
            shared: config.server.is_some(),
            data: data.to_owned(),
            orgs: Mutex::default(),
            notice: OnceLock::new(),
            waiting: OnceLock::new(),
            counters: figures::Counters::default(),
        })
    }

    fn org(&self, scope: &TenantScope) -> Arc<Org> {
        let mut orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(orgs.entry(scope.org().clone()).or_default())
    }

    /// All that this process knows of.
    fn orgs(&self) -> Vec<(OrgSlug, Arc<Org>)> {
        let orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        orgs.iter().map(|(slug, org)| (slug.clone(), Arc::clone(org))).collect()
    }

    /// The index.
    pub(crate) fn index(&self) -> &dyn Index {
        self.index.as_ref()
    }

    /// The model, where there is one.
    pub(crate) fn embedder(&self) -> Option<&dyn Embedder> {
        self.model.as_ref().map(|model| model as &dyn Embedder)
    }

    /// Which model gives vectors.
    #[must_use]
    pub fn model_name(&self) -> Option<&str> {
        self.model.as_ref().map(Model::name)
    }

    /// Whether the index was ever built for the organisation, or its records are few enough that nobody notices the building.
    pub(crate) fn is_built(&self, scope: &TenantScope) -> Result<bool, AppError> {
        Ok(self.index.position(scope)?.sequence.is_some())
    }

    /// Brings the organisation's part to the store's present state, or waits for whoever does.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] where that takes longer than the patience; the store's and the index's errors.
    pub fn follow(&self, scope: &TenantScope, progress: &dyn Progress) -> Result<Followed, AppError> {
        if self.index.position(scope)?.sequence == Some(self.store.sequence(scope)?) {
            return Ok(Followed::default());
        }
        let org = self.org(scope);
        let mut turn = self.turn(&org)?;
        let _lease = self.lease(scope, progress)?;
        let observed = Observed { org: &org, progress };
        let graph = || self.graphs.get(self.store.as_ref(), scope).ok();
        let follower = Follower {
            store: self.store.as_ref(),
            index: self.index.as_ref(),
            scope,
            folder: self.data.join("orgs").join(scope.org().as_str()),
            graph: &graph,
            progress: &observed,
        };
        let started = Instant::now();
        let followed = follower.run().inspect_err(|_| self.count_failure())?;
        self.count_followed(scope, &followed, started.elapsed());
        if let Some(reason) = &followed.rebuilt {
            tracing::info!(org = %scope.org(), reason, "the search index was built anew from the store");
        }
        turn.notes(followed.notes.clone());
        Ok(followed)
    }

    /// The right to write an organisation's part, alone in this process.
    fn turn<'a>(&self, org: &'a Org) -> Result<Turn<'a>, AppError> {
        let mut writing = org.lock();
        let end = self.patience.map(|patience| Instant::now() + patience);
        while writing.busy {
            writing = match end {
                None => org.free.wait(writing).unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(being_built(&writing));
                    }
                    org.free.wait_timeout(writing, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        writing.busy = true;
        (writing.done, writing.total) = (0, None);
        Ok(Turn(org))
    }

    /// The right to write an organisation's part, alone among processes, where they share the index.
    fn lease(&self, scope: &TenantScope, progress: &dyn Progress) -> Result<Option<Box<dyn Writer + '_>>, AppError> {
        if !self.shared {
            return Ok(None);
        }
        let wait = self.patience.unwrap_or(LEASE);
        match self.store.writer(scope, "search index", wait, &|| progress.cancelled()) {
            Ok(writer) => Ok(Some(writer)),
            Err(StoreError::Busy { .. }) => Err(being_built(&Writing::default())),
            Err(error) => Err(error.into()),
        }
    }

    /// What could not be indexed when the organisation was last followed here.
    fn notes(&self, scope: &TenantScope) -> Vec<String> {
        self.org(scope).lock().notes.clone()
    }

    /// Forgets an organisation: its part of the index goes.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn remove_org(&self, scope: &TenantScope) -> Result<(), AppError> {
        let org = self.org(scope);
        let _turn = self.turn(&org)?;
        let _lease = self.lease(scope, &Unobserved)?;
        self.index.remove_org(scope)?;
        org.lock().counts = None;
        Ok(())
    }
}

impl Org {
    fn lock(&self) -> MutexGuard<'_, Writing> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the next one write when it is dropped.
struct Turn<'a>(&'a Org);

impl Turn<'_> {
    fn notes(&mut self, notes: Vec<String>) {
        self.0.lock().notes = notes;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().busy = false;
        self.0.free.notify_all();
    }
}

fn being_built(writing: &Writing) -> AppError {
    let how_far = match writing.total {
        Some(total) if total > 0 => format!(": {} of {total} documents", writing.done),
        _ => String::new(),
    };
    AppError::new(ErrorCode::Unavailable, format!("the search index is being brought up to date{how_far}"))
        .hint("Ask again in a moment; nothing else waits for it.")
}

/// Tells those who wait how far it is.
struct Observed<'a> {
    org: &'a Org,
    progress: &'a dyn Progress,
}

impl Progress for Observed<'_> {
    fn phase(&self, name: &str, total: Option<u64>) {
        let mut writing = self.org.lock();
        (writing.done, writing.total) = (0, total);
        drop(writing);
        self.progress.phase(name, total);
    }

    fn advance(&self, by: u64) {
        self.org.lock().done += by;
        self.progress.advance(by);
    }

    fn cancelled(&self) -> bool {
        self.progress.cancelled()
    }
}

/// A search as a user asks for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    /// Words, `"phrases"` that must stand in what is found, and `-words` that must not.
    pub text: String,
    /// Kinds of what is found: `page`, `ticket`, `comment`, `commit`, `decision`, `code`; any if empty.
    pub kinds: Vec<PassageKind>,
    /// Repositories and other sources by their names; any if empty.
    pub sources: Vec<String>,
    /// Authors; any if empty.
    pub authors: Vec<String>,
    /// Labels; any if empty.
    pub labels: Vec<String>,
    /// Not changed before.
    pub since: Option<Timestamp>,
    /// Not changed after; also what the answer is as of.
    pub as_of: Option<Timestamp>,
    /// Documents; ten if `None`.
    pub limit: Option<usize>,
    /// Whether to count the values of fields.
    pub facets: bool,
    /// By words, by meaning, or by both.
    pub fusion: Fusion,
}

impl SearchQuery {
    /// What passages must fulfil.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            kinds: self.kinds.clone(),
            sources: self.sources.clone(),
            authors: self.authors.clone(),
            labels: self.labels.clone(),
            since: self.since,
            until: self.as_of,
            ..Filter::default()
        }
    }

    pub(crate) fn request(&self) -> SearchRequest {
        SearchRequest {
            text: self.text.clone(),
            filter: self.filter(),
            limit: self.limit.unwrap_or(0),
            fusion: self.fusion,
            facets: self.facets,
        }
    }
}

impl App {
    /// Search, where it was set up.
    pub(crate) fn searching(&self) -> Result<&Arc<Search>, AppError> {
        self.search.as_ref().ok_or_else(|| AppError::new(ErrorCode::Unavailable, "search is turned off here"))
    }

    /// Documents whose passages answer best to what was typed.
    ///
    /// The first one after a change brings the index up to date, which takes a quarter of a millisecond a passage that differs.
    ///
    /// # Errors
    /// When nothing was typed, a source is not known, or the index cannot be read or written.
    pub fn search(&self, query: &SearchQuery, progress: &dyn Progress) -> Result<Answer<SearchResults>, AppError> {
        if query.text.trim().is_empty() {
            return Err(AppError::new(ErrorCode::InvalidInput, "nothing to search for")
                .hint("Say some words: docassist search retry policy"));
        }
        self.known_sources(&query.sources)?;
        let search = self.searching()?;
        search.follow(&self.scope, progress)?;
        let request = query.request();
        let found = docassist_search::query::search(search.index(), &self.scope, search.embedder(), &request)?;
        let coverage = coverage(search, found.coverage);
        let completeness = self.completeness(&coverage)?;
        Ok(Answer {
            org: self.scope.org().to_string(),
            as_of: query.as_of.unwrap_or_else(now),
            body: present::results(query, found, coverage),
            completeness,
        })
    }

    /// Brings the index up to date, and embeds what is not embedded yet.
    ///
    /// # Errors
    /// When the index or the store cannot be used, the model fails, or `progress` says to stop: what is done is kept.
    pub fn index(&self, progress: &dyn Progress) -> Result<IndexReport, AppError> {
        let search = self.searching()?;
        let followed = search.follow(&self.scope, progress)?;
        let embedded_now = search.embed(&self.scope, progress)?;
        search.optimise(&self.scope)?;
        let counts = search.index().counts(&self.scope)?;
        let coverage = coverage(
            search,
            docassist_search::query::Coverage { passages: counts.passages, embedded: counts.embedded },
        );
        let mut notes = followed.notes;
        notes.extend(search.model.is_none().then(|| NO_MODEL.to_owned()));
        Ok(IndexReport {
            documents_changed: followed.changed,
            documents_removed: followed.removed,
            rebuilt: followed.rebuilt,
            embedded_now,
            coverage,
            notes,
        })
    }

    pub(crate) fn known_sources(&self, names: &[String]) -> Result<(), AppError> {
        if names.is_empty() {
            return Ok(());
        }
        let known: Vec<String> = self.store.sources(&self.scope)?.into_iter().map(|source| source.name).collect();
        match names.iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                Err(AppError::new(ErrorCode::NotFound, format!("there is no source `{name}`")).candidates(known))
            }
        }
    }

    /// What an answer from the index rests on.
    pub(crate) fn completeness(
        &self,
        coverage: &docassist_model::findings::search::Coverage,
    ) -> Result<Completeness, AppError> {
        let search = self.searching()?;
        let mut notes = search.notes(&self.scope);
        if coverage.passages == 0 {
            notes.push("nothing is connected yet: there is nothing to find".to_owned());
        } else if coverage.model.is_none() {
            notes.push(NO_MODEL.to_owned());
        } else if coverage.embedded < coverage.passages {
            if let Some(notice) = search.notice.get() {
                notice(&self.scope);
            }
            notes.push(format!(
                "{} of {} passages are found by their words only: they are not embedded yet",
                coverage.passages - coverage.embedded,
                coverage.passages
            ));
        }
        Ok(Completeness::of(notes))
    }

    /// Tickets like one, best first, where the index was built before.
    pub(crate) fn similar_tickets(
        &self,
        graph: &Graph,
        key: &str,
        as_of: Timestamp,
    ) -> Result<Option<Vec<docassist_model::findings::impact::SimilarTicket>>, AppError> {
        let Some(search) = &self.search else { return Ok(None) };
        if !search.is_built(&self.scope)? {
            return Ok(None);
        }
        search.follow(&self.scope, &Unobserved)?;
        present::similar_tickets(search, &self.scope, graph, key, as_of).map(Some)
    }
}

const NO_MODEL: &str =
    "there is no embedding model: only words are compared, not meaning; `docassist model pull` fetches one";

/// What indexing did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct IndexReport {
    /// Documents that were new or different.
    pub documents_changed: u64,
    /// Documents that were gone.
    pub documents_removed: u64,
    /// Why the index was built from the beginning, where it had been there before.
    pub rebuilt: Option<String>,
    /// Passages that were embedded.
    pub embedded_now: u64,
    /// How much there is.
    pub coverage: docassist_model::findings::search::Coverage,
    /// What is missing.
    pub notes: Vec<String>,
}

impl From<IndexError> for AppError {
    fn from(error: IndexError) -> Self {
        let code = match &error {
            IndexError::InUse => ErrorCode::Busy,
            IndexError::Options(_) => ErrorCode::InvalidInput,
            IndexError::Unreachable { .. } | IndexError::Unauthorised { .. } => ErrorCode::Unavailable,
            _ => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<SearchError> for AppError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Index(error) => error.into(),
        }
    }
}
