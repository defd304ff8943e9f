//! What serves many: the organisations of a data directory, their accounts, answers and jobs.

mod audit;
mod orgs;
pub(crate) mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use docassist_embed::Chat;
use docassist_model::{ErrorCode, OrgSlug, Role, TenantScope, User};
use docassist_store::{ControlStore, Store, Watch};

pub use audit::Actor;
pub use webhooks::Delivery;

use crate::accounts::{Accounts, NewAccount};
use crate::jobs::{Jobs, LocationPolicy, Parts};
use crate::monitor::Monitor;
use crate::search::model_error;
use crate::secrets::{FINGERPRINT, Secrets};
use crate::{
    Answers, App, AppError, Backends, Background, CacheConfig, ChatConfig, Conversations, Database, Graphs,
    QdrantAddress, Search, SearchConfig,
};

/// Access tokens end after this long unless somebody says otherwise: about as long as a role that was taken away from a
/// stolen token should matter, though roles are looked up anew for every request.
pub const ACCESS_LIFE: Duration = Duration::from_secs(15 * 60);

/// How a service is set up.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// The data directory.
    pub data: PathBuf,
    /// What keeps records and the service's rows.
    pub database: Database,
    /// Keys.
    pub secrets: Secrets,
    /// Bytes of graphs in memory.
    pub graph_memory: u64,
    /// The cache.
    pub cache: CacheConfig,
    /// Search.
    pub search: SearchConfig,
    /// A language model that writes answers to questions; without one they are made of the sources' sentences.
    pub chat: Option<ChatConfig>,
    /// The search index, which is watched.
    pub qdrant: Option<QdrantAddress>,
    /// Folders that sources may be read from.
    pub locations: LocationPolicy,
    /// How long access tokens hold.
    pub access_life: Duration,
}

/// A service over a data directory.
pub struct Service {
    data: PathBuf,
    store: Arc<dyn Store>,
    control: Arc<dyn ControlStore>,
    graphs: Arc<Graphs>,
    search: Arc<Search>,
    secrets: Secrets,
    /// Answers from the cache.
    pub answers: Answers,
    /// Who asks, and what they may.
    pub accounts: Accounts,
    /// Questions that belong together.
    pub conversations: Conversations,
    /// Syncs.
    pub jobs: Jobs,
    /// How the servers do.
    pub monitor: Monitor,
    /// Keeps the search index up to date beside the requests.
    _indexing: Background,
    /// Hears of syncs elsewhere, where the database tells of them.
    _watch: Option<Watch>,
}

impl Service {
    /// Opens the data directory, in the present Tokio runtime. Runs no jobs yet.
    ///
    /// # Errors
    /// When the directory cannot be used, its secrets were encrypted with another secret, or the settings are wrong.
    pub fn open(config: ServiceConfig) -> Result<Self, AppError> {
        let ServiceConfig {
            data,
            database,
            secrets,
            graph_memory,
            cache,
            search,
            chat,
            qdrant,
            locations,
            access_life,
        } = config;
        let redis = cache.redis.as_ref().map(|redis| redis.url.clone());
        crate::prepare_folder(&data);
        let stores = database.stores(&data)?;
        let control = Arc::clone(&stores.control);
        let fingerprint = control.initialise(FINGERPRINT, secrets.fingerprint())?;
        if fingerprint != secrets.fingerprint() {
            return Err(AppError::new(ErrorCode::InvalidInput, "the data was written with another secret")
                .hint("Secrets of sources are encrypted with it: start with the secret that the first start had."));
        }
        let store = Arc::clone(&stores.records);
        let graphs = Arc::new(Graphs::new(graph_memory));
        let search = Arc::new(Search::open(Arc::clone(&store), Arc::clone(&graphs), &data, &search)?);
        let chat = chat.map(Chat::new).transpose().map_err(|error| model_error(&error))?.map(Arc::new);
        let models = (Some(Arc::clone(&search)), chat);
        let answers = Answers::open(cache, Arc::clone(&store), Arc::clone(&graphs), models, data.clone())?;
        let indexing = Background::start(Arc::clone(&search));
        let (forget, index) = (answers.invalidation(), indexing.notice());
        let accounts = Accounts::new(Arc::clone(&control), secrets.clone(), access_life);
        let jobs = Jobs::new(Parts {
            control: Arc::clone(&control),
            store: Arc::clone(&store),
            graphs: Arc::clone(&graphs),
            data: data.clone(),
            secrets: secrets.clone(),
            locations,
            on_change: Box::new(move |scope, kind| {
                forget(scope, kind);
                index(scope);
            }),
        })?;
        let conversations = Conversations::over(Arc::clone(&control));
        let look = answers.look();
        let watch = stores.watch(move |_| look());
        let monitor = Monitor::start(Backends { database, redis, qdrant }, Arc::clone(&control));
        Ok(Self {
            data,
            store,
            control,
            graphs,
            search,
            secrets,
            answers,
            accounts,
            conversations,
            jobs,
            monitor,
            _indexing: indexing,
            _watch: watch,
        })
    }

    /// Whether nobody has an account yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_new(&self) -> Result<bool, AppError> {
        Ok(self.control.user_count()? == 0)
    }

    /// Makes the first account, which runs the service, and the organisation `org`, whose admin it is: data that the command line
    /// has put there before belongs to whoever has the data directory.
    ///
    /// # Errors
    /// When there is an account already, or the address or the password is not taken.
    pub fn first_start(&self, administrator: NewAccount<'_>, org: &OrgSlug) -> Result<User, AppError> {
        if !self.is_new()? {
            return Err(AppError::new(ErrorCode::Conflict, "the service has accounts already"));
        }
        let user = self.accounts.create_user(NewAccount { operator: true, ..administrator })?;
        let scope = TenantScope::unchecked(org.clone(), "the first start of the service, by whoever has the data");
        self.make_org(&scope, org.as_str())?;
        self.control.set_member(&scope, user.id, Role::Admin)?;
        self.audit(&Actor::system(), Some(org), "service.first_start", &user.email, "");
        Ok(user)
    }

    /// One organisation's data.
    #[must_use]
    pub fn app(&self, scope: &TenantScope) -> App {
        App::over(Arc::clone(&self.store), Arc::clone(&self.graphs), &self.data, scope.clone())
            .searched_by(Some(Arc::clone(&self.search)))
    }

    /// Graphs in memory.
    #[must_use]
    pub fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    /// The search index.
    #[must_use]
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// Whether requests can be answered: the store can be read.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(&self) -> Result<(), AppError> {
        Ok(self.control.check()?)
    }
}
