//! A service with two organisations that have the same names for everything, and different words in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Method;
use docassist_app::accounts::{Login, NewAccount, NewKey};
use docassist_app::jobs::LocationPolicy;
use docassist_app::secrets::Secrets;
use docassist_app::sync::{GitRequest, TicketsRequest};
use docassist_app::{CacheConfig, Database, ModelChoice, QdrantServer, SearchConfig, Service, ServiceConfig};
use docassist_model::progress::Unobserved;
use docassist_model::{OrgSlug, Role, TenantScope, User};
use docassist_server::ServerConfig;
use docassist_server::api::router;
use docassist_store::{ControlStore, PostgresControl, SqliteControl};
use docassist_testing::PostgresServer;
use docassist_testing::fixture::GitFixture;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::call::{Answer, Call};

pub(crate) const SECRET: &[u8] = b"tests-do-not-guess-this-secret-0123456789";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const OPERATOR: &str = "root@example.org";
/// The instant that most questions are about: two months after the first commit.
pub(crate) const AS_OF: &str = "2024-03-01";
/// The two organisations, each with the word that all of its texts have.
pub(crate) const ACME: (&str, &str) = ("acme", "ACMEONLY");
pub(crate) const GLOBEX: (&str, &str) = ("globex", "GLOBEXONLY");

/// A service in a folder of its own.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    pub(crate) router: Router,
    pub(crate) folder: TempDir,
    database: Database,
    /// What keeps the search index, where it is not kept in files.
    _qdrant: Option<docassist_testing_qdrant::Server>,
}

/// Names what keeps the search index, where it is not files: `qdrant`.
pub(crate) const INDEX: &str = "DOCASSIST_TEST_INDEX";

/// Search by words, in files or on the server.
fn search_config(server: Option<&docassist_testing_qdrant::Server>) -> SearchConfig {
    let server =
        server.map(|server| QdrantServer { key: Some(QDRANT_KEY.to_owned()), ..QdrantServer::new(server.url()) });
    SearchConfig { model: ModelChoice::None, server, ..SearchConfig::default() }
}

const QDRANT_KEY: &str = "the-index-s-own-key";

/// How the service and its router are set up.
pub(crate) struct Setup {
    pub(crate) server: ServerConfig,
    pub(crate) locations: LocationPolicy,
    pub(crate) database: Database,
    pub(crate) cache: CacheConfig,
}

impl Default for Setup {
    fn default() -> Self {
        let server = ServerConfig { user_rate: 0, address_rate: 0, ..ServerConfig::default() };
        Self { server, locations: LocationPolicy::default(), database: database(), cache: CacheConfig::default() }
    }
}

pub(crate) fn scope(org: &str) -> TenantScope {
    TenantScope::unchecked(org.parse().unwrap(), "a test")
}

impl World {
    /// One administrator, who is the admin of the organisation `default`. Sources may lie in the world's folder.
    pub(crate) fn new() -> Self {
        Self::with(|folder| {
            let locations = LocationPolicy { roots: vec![folder.to_owned()], ssh: false };
            Setup { locations, ..Setup::default() }
        })
    }

    /// The setup may name folders in the world's own.
    pub(crate) fn with(setup: impl FnOnce(&Path) -> Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let Setup { server, locations, database, cache } = setup(folder.path());
        let qdrant = std::env::var_os(INDEX).map(|_| docassist_testing_qdrant::Server::start(Some(QDRANT_KEY)));
        let service = Service::open(ServiceConfig {
            database: database.clone(),
            data: folder.path().join("data"),
            secrets: Secrets::derive(SECRET).unwrap(),
            graph_memory: 1 << 30,
            cache,
            search: search_config(qdrant.as_ref()),
            chat: None,
            qdrant: None,
            locations,
            access_life: Duration::from_secs(900),
        });
        let service = Arc::new(service.unwrap());
        let administrator = NewAccount { email: OPERATOR, name: "Root", password: PASSWORD, operator: true };
        service.first_start(administrator, &"default".parse().unwrap()).unwrap();
        let router = router(Arc::clone(&service), server);
        Self { service, router, folder, database, _qdrant: qdrant }
    }

    /// Both organisations with their records, and no members but the operator.
    pub(crate) fn filled() -> Self {
        let world = Self::new();
        world.fill_both();
        world
    }

    pub(crate) fn fill_both(&self) {
        for (org, marker) in [ACME, GLOBEX] {
            self.make_org(org);
            self.fill(org, marker);
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The service's rows, past the service.
    pub(crate) fn control(&self) -> Box<dyn ControlStore> {
        match &self.database {
            Database::Files => Box::new(SqliteControl::open(&self.folder.path().join("data")).unwrap()),
            Database::Postgres(config) => Box::new(PostgresControl::open(config.clone()).unwrap()),
        }
    }

    pub(crate) fn make_org(&self, org: &str) {
        let slug: OrgSlug = org.parse().unwrap();
        let principal = self.service.accounts.authenticate(&self.log_in(OPERATOR)).unwrap();
        self.service.create_org(&principal, &slug, "").unwrap();
    }

    pub(crate) fn user(&self, email: &str) -> User {
        let new = NewAccount { email, name: "", password: PASSWORD, operator: false };
        self.service.accounts.create_user(new).unwrap()
    }

    pub(crate) fn member(&self, org: &str, email: &str, role: Role) {
        self.service.accounts.set_member(&scope(org), email, role).unwrap();
    }

    /// A new user with a role, and an access token of that user.
    pub(crate) fn newcomer(&self, org: &str, email: &str, role: Role) -> String {
        self.user(email);
        self.member(org, email, role);
        self.log_in(email)
    }

    pub(crate) fn log_in(&self, email: &str) -> String {
        let login = Login { email, password: PASSWORD, address: "192.0.2.1" };
        self.service.accounts.log_in(login).unwrap().access
    }

    /// A key of somebody: its id and its text.
    pub(crate) fn key(&self, token: &str, org: &str, role: Role) -> (String, String) {
        let principal = self.service.accounts.authenticate(token).unwrap();
        let new = NewKey { name: "a test", scope: role, days: None };
        let (key, text) = self.service.accounts.create_key(&principal, &scope(org), new).unwrap();
        (key.id, text)
    }

    pub(crate) fn call(&self, method: Method, uri: &str) -> Call {
        Call::new(self.router.clone(), method, uri)
    }

    pub(crate) fn get(&self, uri: &str) -> Call {
        self.call(Method::GET, uri)
    }

    pub(crate) fn post(&self, uri: &str) -> Call {
        self.call(Method::POST, uri)
    }

    pub(crate) fn put(&self, uri: &str) -> Call {
        self.call(Method::PUT, uri)
    }

    pub(crate) fn delete(&self, uri: &str) -> Call {
        self.call(Method::DELETE, uri)
    }

    pub(crate) async fn log_in_with(&self, email: &str, password: &str) -> Answer {
        self.post("/api/v1/auth/login").json(json!({ "email": email, "password": password })).send().await
    }

    /// Waits for the end of a job, and returns it.
    pub(crate) async fn ended(&self, token: &str, org: &str, job: &Value) -> Value {
        for _ in 0..1_200 {
            let answer = self.get(&format!("/api/v1/jobs/{}", job["id"])).token(token).org(org).send().await;
            let now = answer.expect(200);
            if !matches!(now["state"].as_str(), Some("queued" | "running")) {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the job does not end: {job}");
    }

    /// Commits something to the repository and syncs it as the service does: somebody has to run jobs.
    pub(crate) async fn sync_more(&self, org: &str, marker: &str, token: &str) {
        let folder = self.repository_folder(marker);
        let mut git = docassist_testing::fixture::git(&folder);
        git.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-q", "--allow-empty", "-m"]);
        assert!(git.arg(format!("DOC-3 {marker} again")).status().unwrap().success());
        let body = json!({ "location": folder.display().to_string() });
        let job = self.post("/api/v1/sync/git").token(token).org(org).json(body).send().await.expect(202);
        let done = self.ended(token, org, &job).await;
        assert_eq!(done["state"], "done", "{done}");
    }

    pub(crate) fn repository_folder(&self, marker: &str) -> PathBuf {
        self.folder.path().join(marker).join("product")
    }

    /// A repository and tickets, in words of the organisation only.
    pub(crate) fn fill(&self, org: &str, marker: &str) {
        let mut repository = GitFixture::in_folder(&self.repository_folder(marker));
        build(&mut repository, marker);
        let file = self.folder.path().join(marker).join("tickets.json");
        std::fs::write(&file, tickets(marker).to_string()).unwrap();
        self.sync(org, marker);
        let request = TicketsRequest { files: vec![file], ..TicketsRequest::default() };
        self.service.app(&scope(org)).sync_tickets(&request, &Unobserved).unwrap();
    }

    pub(crate) fn sync(&self, org: &str, marker: &str) {
        let location = self.repository_folder(marker).display().to_string();
        let request = GitRequest { location, ..GitRequest::default() };
        // In a thread that may block, as syncs run in the service.
        let app = self.service.app(&scope(org));
        std::thread::scope(|threads| threads.spawn(|| app.sync_git(&request, &Unobserved).map(drop)).join().unwrap())
            .unwrap();
    }
}

/// Set where the tests run over a PostgreSQL: [`crate::postgres`] has them run so.
pub(crate) const DATABASE: &str = "DOCASSIST_TEST_DATABASE";

/// A new database of the engine that the tests run over.
fn database() -> Database {
    if !is_over_a_server() {
        return Database::Files;
    }
    let server = PostgresServer::shared().unwrap();
    Database::at(&server.database(), None).unwrap()
}

pub(crate) fn is_over_a_server() -> bool {
    std::env::var_os(DATABASE).is_some()
}

fn build(repository: &mut GitFixture, marker: &str) {
    repository.write("Cargo.toml", format!("[package]\nname = \"product\"\n# {marker}\n"));
    repository.write("src/lib.rs", format!("pub mod engine;\n// {marker}\n"));
    repository.write("src/engine.rs", format!("pub fn start() {{}}\n// {marker}\n"));
    repository.write("src/gone.rs", format!("// {marker}\n"));
    repository.write(&format!("src/{}.rs", marker.to_lowercase()), "pub fn own() {}\n");
    repository.commit(&format!("DOC-1 Begin {marker}"));
    repository.write("docs/guide.md", format!("# Guide {marker}\n\nSee `src/engine.rs` and `src/gone.rs`.\n"));
    let record = |number: u8, status: &str| {
        format!(
            "# {number}. Use {number} {marker} engines\n\nDate: 2024-01-0{number}\n\n## Status\n\n{status}\n\n\
             ## Context\n\nDOC-1 asks for it.\n"
        )
    };
    repository.write("docs/adr/0001-engines.md", record(1, "Accepted"));
    repository.write("docs/adr/0002-more-engines.md", record(2, "Proposed"));
    repository.commit(&format!("DOC-1 Write the {marker} guide"));
    for round in 0..4 {
        repository.author("Bob").at(&format!("2024-01-{:02}T09:00:00Z", 10 + round));
        repository.append("src/engine.rs", &format!("pub fn round_{round}() {{}}\n"));
        repository.append("src/lib.rs", &format!("// {round}\n"));
        repository.write("tests/engine.rs", format!("// {marker} {round}\n"));
        repository.commit(&format!("DOC-2 Round {round} of {marker}"));
    }
    let lead = format!("{marker} Lead <lead@example.org>");
    repository.author(&lead).at("2024-02-01");
    repository.append("src/engine.rs", "pub fn stop() {}\n").commit(&format!("Stop the {marker} engine"));
    repository.remove("src/gone.rs").commit(&format!("Remove what is gone at {marker}"));
    repository.rename("tests/engine.rs", "tests/start.rs").commit(&format!("DOC-77 Test {marker}"));
}

fn tickets(marker: &str) -> Value {
    let mut issues = vec![
        issue("DOC-1", "Story", "Done", "done", "2023-12-20", &format!("One {marker} engine")),
        issue("DOC-2", "Story", "In Progress", "indeterminate", "2024-01-05", &format!("Several {marker} rounds")),
        issue("DOC-3", "Bug", "Open", "new", "2024-01-06", &format!("{marker} does not stop")),
    ];
    issues.extend((10..35).map(|number| {
        let summary = format!("Task of {marker}, number {number}");
        issue(&format!("DOC-{number}"), "Task", "Open", "new", "2024-02-10", &summary)
    }));
    json!({ "issues": issues })
}

fn issue(key: &str, kind: &str, status: &str, category: &str, created: &str, summary: &str) -> Value {
    let created = format!("{created}T10:00:00.000+0000");
    json!({
        "key": key,
        "fields": {
            "summary": summary,
            "description": summary,
            "issuetype": { "name": kind },
            "status": { "name": status, "statusCategory": { "key": category } },
            "priority": { "name": "High" },
            "assignee": { "displayName": "Ann" },
            "created": created,
            "updated": created,
        }
    })
}
