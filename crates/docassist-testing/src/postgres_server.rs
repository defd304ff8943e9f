//! A PostgreSQL of the test's own: on a spare loopback port, in a temporary folder, ended with the test, however that ends.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certificates::Issued;

/// Passes on the signal that it reads, and when its input ends, which the system sees to even when the test's process is
/// killed, ends PostgreSQL and removes the folder: a server that is kept in a static is never dropped. Control-C reaches
/// everybody at a terminal; that PostgreSQL ends by it is no reason to leave the folder behind.
const KEEPER: &str = r#"trap '' INT
folder=$1
shift
exec 3<&0
"$@" 3<&- </dev/null >>"$folder/server.log" 2>&1 &
server=$!
{
    if read -r signal <&3; then
        kill -s "$signal" $server
    else
        kill -s QUIT $server
        while kill -0 $server; do sleep 0.02; done
        rm -rf "$folder"
    fi
} >/dev/null 2>&1 &
exec 3<&-
wait $server"#;

/// What a test's server does without: the disk's word that it has everything, since only a loss of power would tell. The
/// connections are those of many tests at once. Messages go to `server.log`, where a failure quotes them.
const SETTINGS: [(&str, &str); 7] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("listen_addresses", "127.0.0.1"),
    ("max_connections", "300"),
    ("shared_buffers", "32MB"),
    ("logging_collector", "off"),
    ("jit", "off"),
];

/// The ordinary role: it may log in and use what it owns.
const ROLE: &str = "docassist";

/// The oldest version that is good enough.
const MIN_VERSION: u32 = 15;

/// How long the server may take to come up, on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(60);

/// How long the processes of a server whose first one was killed may take to notice.
const AFTERMATH: Duration = Duration::from_secs(10);

/// A running PostgreSQL.
#[derive(Debug)]
pub struct PostgresServer {
    keeper: Option<Child>,
    binaries: &'static Binaries,
    user: Option<Unprivileged>,
    port: u16,
    settings: Vec<String>,
    password: String,
    databases: AtomicU32,
    folder: TempDir,
}

impl PostgresServer {
    /// None where there is no PostgreSQL; the test is then to return. Where `DOCASSIST_REQUIRE_POSTGRES` is set, as on a
    /// build server, that is a failure instead. `settings` are as in `postgresql.conf`.
    ///
    /// It has a superuser `postgres` and an ordinary role `docassist`, which both log in with a password over TCP; through
    /// the socket in the folder everybody gets in who gets into the folder.
    ///
    /// # Panics
    /// When PostgreSQL does not come up, or is missing and required.
    #[must_use]
    pub fn start(settings: &[(&str, &str)]) -> Option<Self> {
        Self::start_in(&std::env::temp_dir(), settings)
    }

    /// The same with its folder in another one, such as a small volume. Its user has to get through that one.
    ///
    /// # Panics
    /// As [`PostgresServer::start`] does.
    #[must_use]
    pub fn start_in(parent: &Path, settings: &[(&str, &str)]) -> Option<Self> {
        let settings = SETTINGS.iter().chain(settings).map(|(name, value)| format!("{name}={value}")).collect();
        Self::begin(parent, settings, None)
    }

    /// One whose settings are those of a `postgresql.conf`, but for where it listens. None as in [`PostgresServer::start`].
    ///
    /// # Panics
    /// As [`PostgresServer::start`] does.
    #[must_use]
    pub fn with_configuration(text: &str) -> Option<Self> {
        Self::begin(&std::env::temp_dir(), vec!["listen_addresses=127.0.0.1".to_owned()], Some(text))
    }

    fn begin(parent: &Path, mut settings: Vec<String>, configuration: Option<&str>) -> Option<Self> {
        let Some(binaries) = binaries() else {
            let reason = "skipped: there is no PostgreSQL 15 or newer in PATH or below /usr/lib/postgresql \
                 (`apt-get install postgresql`)";
            assert!(std::env::var_os("DOCASSIST_REQUIRE_POSTGRES").is_none(), "not {reason}");
            say(reason);
            return None;
        };
        let folder = tempfile::tempdir_in(parent).expect("a temporary folder can be made");
        let user = Unprivileged::of(folder.path());
        // The folder's name is random.
        let password: String = folder.path().to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect();
        if let Some(text) = configuration {
            let path = folder.path().join("postgresql.conf");
            std::fs::write(&path, text).expect("a temporary folder can be written to");
            settings.push(format!("config_file={}", path.display()));
        }
        let mut server =
            Self { keeper: None, binaries, user, port: 0, settings, password, databases: AtomicU32::new(0), folder };
        server.initialise();
        // Another process can take the port between our look and PostgreSQL's start.
        let is_up = (0..5).any(|_| {
            server.port = spare_port();
            server.launch()
        });
        assert!(is_up, "PostgreSQL comes up on some port:\n{}", server.log());
        let password = &server.password;
        server.psql(
            "postgres",
            &format!("ALTER ROLE postgres PASSWORD '{password}'; CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'"),
        );
        Some(server)
    }

    /// From now on it takes encrypted connections as well, with this certificate.
    ///
    /// # Panics
    /// When it does not take them.
    pub fn encrypt(&self, issued: &Issued) {
        for (setting, file) in [("ssl_cert_file", &issued.certificate), ("ssl_key_file", &issued.key)] {
            // It wants a key of its own user's, which nobody else can read.
            let own = self.folder.path().join(setting);
            let mut copy = self.command(Path::new("sh"));
            copy.args(["-c", "umask 077; cat > \"$1\"", "sh"]).arg(&own);
            let file = std::fs::File::open(file).expect("the files of a certificate can be read");
            assert!(copy.stdin(file).status().is_ok_and(|status| status.success()), "{} is written", own.display());
            self.psql("postgres", &format!("ALTER SYSTEM SET {setting} = '{}'", own.display()));
        }
        self.psql("postgres", "ALTER SYSTEM SET ssl = on");
        self.psql("postgres", "SELECT pg_reload_conf()");
        let began = Instant::now();
        while self.psql("postgres", "SHOW ssl") != "on" {
            assert!(began.elapsed() < START, "PostgreSQL takes no encrypted connections:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// One for all tests of this process that do not stop it. It ends with the process. None as in
    /// [`PostgresServer::start`].
    ///
    /// # Panics
    /// As [`PostgresServer::start`] does.
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<PostgresServer>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[])).as_ref()
    }

    /// A standby that follows this one and answers what only reads: it has the same roles and databases, under its own port. It
    /// waits for no disk and no archive, and ends with its own value.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn standby(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let user = Unprivileged::of(folder.path());
        let mut standby = Self {
            keeper: None,
            binaries: self.binaries,
            user,
            port: 0,
            settings: self.settings.iter().filter(|setting| !setting.starts_with("config_file=")).cloned().collect(),
            password: self.password.clone(),
            databases: AtomicU32::new(0),
            folder,
        };
        let copied = standby
            .command(&self.binaries.postgres.with_file_name("pg_basebackup"))
            .args(["--username=postgres", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"])
            .args(["--port", &self.port.to_string(), "--host"])
            .arg(self.folder.path())
            .arg("--pgdata")
            .arg(standby.data())
            .output()
            .expect("pg_basebackup can be started");
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        let is_up = (0..5).any(|_| {
            standby.port = spare_port();
            standby.launch()
        });
        assert!(is_up, "the standby comes up on some port:\n{}", standby.log());
        standby
    }

    /// The address that `database` of another server has here: of the one that this one follows.
    #[must_use]
    pub fn same_database(&self, database: &str) -> String {
        self.url(ROLE, name_of(database))
    }

    fn initialise(&self) {
        let initdb = |locale: &[&str]| {
            self.command(&self.binaries.initdb)
                .args(["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"])
                .args(["--encoding=UTF8", "--no-sync", "--no-instructions", "-D"])
                .arg(self.data())
                .args(locale)
                .output()
                .expect("initdb can be started")
        };
        // Texts sort as they do for people, as in most databases out there: who means another order is to say so.
        let output = initdb(&["--locale=C", "--locale-provider=icu", "--icu-locale=en"]);
        if !output.status.success() {
            // Not every PostgreSQL is built with these locales.
            let output = initdb(&["--locale=C"]);
            assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// A command that runs as the server's user, in the folder.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        // What the environment says about another server is not about this one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        if let Some(user) = &self.user {
            user.run(&mut command);
        }
        command
    }

    fn launch(&mut self) -> bool {
        let old = self.status();
        let mut command = self.command(Path::new("sh"));
        command.args(["-c", KEEPER, "sh"]).arg(self.folder.path()).arg(&self.binaries.postgres);
        command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path()).args(["-p", &self.port.to_string()]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let keeper = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.keeper = Some(keeper.expect("sh can be started"));
        let began = Instant::now();
        while began.elapsed() < START {
            let ended = self.keeper.as_mut().is_none_or(|keeper| !matches!(keeper.try_wait(), Ok(None)));
            if ended {
                self.keeper = None;
                return false;
            }
            let status = self.status();
            let state = status.as_deref().and_then(|status| status.lines().nth(7)).map(str::trim);
            if status != old && matches!(state, Some("ready" | "standby")) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        false
    }

    /// What the server says about itself: a number, when it was started, whether it is ready.
    fn status(&self) -> Option<String> {
        std::fs::read_to_string(self.data().join("postmaster.pid")).ok()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    fn end(&mut self, signal: &str) {
        if let Some(mut keeper) = self.keeper.take() {
            if let Some(mut input) = keeper.stdin.take() {
                // One that has ended by itself hears nothing.
                let _ = writeln!(input, "{signal}");
            }
            let _ = keeper.wait();
        }
    }

    /// Ends it at once, as a crash does: nothing that is not in its files is kept, and its next start recovers from the
    /// log. (Not by `kill -9`, after which a piece of shared memory would stay until somebody removes it.)
    pub fn kill(&mut self) {
        self.end("QUIT");
    }

    /// Ends its first process by `kill -9`, after which the others notice and end by themselves. To be restarted: the piece
    /// of shared memory that stays behind is removed by the next start.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill_hard(&mut self) {
        let status = self.status().unwrap_or_default();
        let process = status.lines().next().expect("a server that runs has a number");
        let killed = Command::new("kill").args(["-9", process]).status().expect("kill can be started");
        assert!(killed.success(), "there is a process {process}");
        self.end("QUIT");
    }

    /// Ends it as `systemctl stop` does: clients are told, and everything is written.
    pub fn stop_gracefully(&mut self) {
        self.end("INT");
    }

    /// On the same port and data, after killing it where it runs.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&mut self) {
        self.kill();
        // What is left of one that was killed hard may hold its memory for a moment.
        let began = Instant::now();
        let mut is_up = self.launch();
        while !is_up && began.elapsed() < AFTERMATH {
            std::thread::sleep(Duration::from_millis(200));
            is_up = self.launch();
        }
        assert!(is_up, "PostgreSQL does not come up again on port {}:\n{}", self.port, self.log());
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its data, its log (`server.log`) and its socket are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes an empty database, which belongs to the ordinary role, and returns its address as that role.
    ///
    /// # Panics
    /// When the server does not run.
    #[must_use]
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("test_{number}");
        // Nobody can be connected to template0, so that any number can copy it at once.
        self.psql("postgres", &format!("CREATE DATABASE {name} OWNER {ROLE} TEMPLATE template0"));
        self.url(ROLE, &name)
    }

    /// The address of a database as the superuser. `database` is a name, or an address that [`PostgresServer::database`]
    /// returned.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.url("postgres", name_of(database))
    }

    fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Runs statements as the superuser and returns what they yield: a row a line, `|` between columns. `database` is as
    /// for [`PostgresServer::superuser_url`].
    ///
    /// # Panics
    /// When one of them fails.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let output = self
            .command(&self.binaries.psql)
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
            .args(["--username=postgres", "--dbname", name_of(database), "--port", &self.port.to_string()])
            .arg("--host")
            .arg(self.folder.path())
            .args(["--command", sql])
            .output()
            .expect("psql can be started");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// The name of a database in its address; a name is its own.
fn name_of(database: &str) -> &str {
    let name = database.rsplit('/').next().unwrap_or(database);
    name.split('?').next().unwrap_or(name)
}

fn spare_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    listener.local_addr().expect("a listener has an address").port()
}

/// The programs of one installation.
#[derive(Debug)]
struct Binaries {
    initdb: PathBuf,
    postgres: PathBuf,
    psql: PathBuf,
}

/// Those in PATH, else the newest where Debian puts them.
fn binaries() -> Option<&'static Binaries> {
    static FOUND: OnceLock<Option<Binaries>> = OnceLock::new();
    let find = || {
        let path: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
        let mut installed: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
            })
            .collect();
        installed.sort();
        let installed: Vec<PathBuf> = installed.into_iter().rev().map(|(_, folder)| folder).collect();
        [path.as_slice(), installed.as_slice()].into_iter().find_map(|folders| {
            let program = |name: &str| {
                let found = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file())?;
                // Its neighbours are found through where it really is.
                Some(found.canonicalize().unwrap_or(found))
            };
            let (initdb, postgres) = (program("initdb")?, program("postgres")?);
            if version(&postgres)? < MIN_VERSION {
                return None;
            }
            // Any version's does; Debian's PATH has one alone, a script that looks for its neighbours by itself.
            let neighbour = postgres.with_file_name("psql");
            let psql = if neighbour.is_file() { neighbour } else { program("psql")? };
            Some(Binaries { initdb, postgres, psql })
        })
    };
    FOUND.get_or_init(find).as_ref()
}

/// The first number of `postgres (PostgreSQL) 15.20 (Debian …)`.
fn version(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// Who runs the server where the test runs as root, which PostgreSQL refuses.
#[derive(Debug)]
struct Unprivileged {
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no root elsewhere"))]
    user: u32,
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no root elsewhere"))]
    group: u32,
}

impl Unprivileged {
    /// Gives away a folder that root has just made; None where it is not root's.
    #[cfg(unix)]
    fn of(folder: &Path) -> Option<Self> {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let root = folder.metadata().expect("a new folder is there").uid() == 0;
        if !root {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").expect("users are listed in /etc/passwd");
        let named = |name: &str| {
            users.lines().find_map(|line| {
                let mut fields = line.split(':');
                let is_it = fields.next()? == name;
                let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
                is_it.then_some(Self { user, group })
            })
        };
        let user = named("postgres").or_else(|| named("nobody")).expect("there is a user `postgres` or `nobody`");
        chown(folder, Some(user.user), Some(user.group)).expect("root can give a folder away");
        Some(user)
    }

    #[cfg(not(unix))]
    fn of(_folder: &Path) -> Option<Self> {
        None
    }

    #[cfg_attr(not(unix), allow(unused_variables, clippy::unused_self, reason = "there is no root elsewhere"))]
    fn run(&self, command: &mut Command) {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::gid(command, self.group);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::uid(command, self.user);
        // Its own home is none of its business.
        command.env("HOME", OsString::from("/"));
    }
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to see what was not run")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_outlives_a_crash_and_a_stop() {
        let Some(mut server) = PostgresServer::start(&[("application_name", "chosen")]) else { return };
        let database = server.database();
        assert_ne!(server.database(), database);
        server.psql(&database, "CREATE TABLE kept (n int)");
        let ends = [PostgresServer::kill, PostgresServer::kill_hard, PostgresServer::stop_gracefully];
        for (number, end) in ends.into_iter().enumerate() {
            server.psql(&database, &format!("INSERT INTO kept VALUES ({number})"));
            end(&mut server);
            assert!(std::net::TcpStream::connect(("127.0.0.1", server.port())).is_err());
            server.restart();
        }
        assert_eq!(server.psql(&database, "SELECT n FROM kept ORDER BY n"), "0\n1\n2");
        let owner = "SELECT usename, usesuper, usecreatedb, usebypassrls FROM pg_database JOIN pg_user \
             ON usesysid = datdba WHERE datname = current_database()";
        assert_eq!(server.psql(&database, owner), "docassist|f|f|f");
        assert_eq!(server.psql(&database, "SHOW fsync"), "off");
        let folder = server.folder().to_owned();
        drop(server);
        assert!(!folder.exists());
    }
}
