//! The service over a PostgreSQL: replicas that share nothing else, and a database in every kind of trouble.

mod disk;
mod faults;
mod outage;
mod replicas;
mod rolling;
mod start;
mod uploads;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use docassist_testing::PostgresServer;

use crate::server::{Server, program};
use crate::world::{World, large, run};

/// 36 bytes, as good as drawn at random.
const SECRET: &str = "Zk3v9QpX7mWc2LrT8sBy5NdHfGjE4uAaVq0i";

/// Replicas over one database. Each has a data directory of its own, as on machines of their own; the sources are where
/// all of them can read them.
pub(super) struct Cluster {
    pub(super) world: World,
    pub(super) database: Database,
    /// Where the service's secret is.
    secret: PathBuf,
}

/// What the command line is told.
#[derive(Clone)]
pub(super) struct Database {
    /// Without its password.
    address: String,
    /// Where that is.
    password: PathBuf,
    /// The data directory of commands.
    data: PathBuf,
}

impl Database {
    fn arguments(&self, command: &mut Command) {
        command.args(["--database", &self.address, "--database-password-file"]).arg(&self.password);
    }

    /// The command line on this database.
    pub(super) fn command(&self) -> Command {
        let mut command = program(&self.data);
        self.arguments(&mut command);
        command
    }
}

impl Cluster {
    /// Over a new database.
    pub(super) fn new(postgres: &PostgresServer) -> Self {
        Self::over(&postgres.database())
    }

    /// Over a database that is there, or will be.
    pub(super) fn over(address: &str) -> Self {
        let world = World::new();
        let (start, host) = address.split_once('@').unwrap();
        let (user, password) = start.rsplit_once(':').unwrap();
        let file = |name: &str, text: &str| {
            let path = world.path(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let address = format!("{user}@{host}");
        let database = Database { address, password: file("../password", password), data: world.path("../command") };
        Self { secret: file("../secret", SECRET), database, world }
    }

    /// The data directory of a replica.
    pub(super) fn data(&self, name: &str) -> PathBuf {
        self.world.path(&format!("../{name}"))
    }

    /// `serve` as [`Cluster::replica`] starts it.
    pub(super) fn serve(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = crate::server::serve(&self.data(name), &["--user-rate", "0", "--address-rate", "0"]);
        self.database.arguments(&mut command);
        command.arg("--secret-file").arg(&self.secret);
        command.arg("--source-root").arg(self.world.path("")).arg("--source-root").arg(large()).args(arguments);
        command
    }

    /// A replica with a data directory of that name.
    pub(super) fn replica(&self, name: &str, arguments: &[&str]) -> Server {
        Server::of(self.serve(name, arguments))
    }

    /// What a command prints that has to succeed.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> String {
        let output = self.database.command().args(arguments).stdout(std::process::Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The digest of the graph of an organisation.
    #[track_caller]
    pub(super) fn digest(&self, org: &str) -> String {
        self.run(&["--org", org, "export", "graph", "--digest"])
    }
}

/// The digest of the large repository alone, as an undisturbed sync into files gives it.
fn fresh_digest() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), &["-q", "sync", "git", "--name", "large", large().to_str().unwrap()]);
        run(folder.path(), &["export", "graph", "--digest"])
    })
}

/// Tells other threads to end, also when this one panics.
pub(super) struct StopAtEnd<'a>(pub(super) &'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
