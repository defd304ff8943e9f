//! A PostgreSQL of the run's own, from this machine's programs: at a spare loopback port, in the run's folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use docassist_model::ErrorCode;
use docassist_store::PostgresConfig;

use super::folder::{Folder, failed, random_word};
use super::keeper::{Keeper, spare_port};
use crate::AppError;

/// The oldest version that is good enough.
const MIN_VERSION: u32 = 15;
/// How long a server may take to come up, on a machine that is busy.
const START: Duration = Duration::from_secs(60);
/// Ports that are tried: another process can take one between our look and the server's start.
const TRIES: u32 = 5;
/// The file in the data directory with the settings that are measured.
const SETTINGS_FILE: &str = "bench.conf";
/// The library that `tune` has loaded; not every installation has it.
const STATEMENTS: &str = "pg_stat_statements";

/// The superuser.
const SUPERUSER: &str = "postgres";
/// The product's own role and its database.
pub(super) const ROLE: &str = "docassist";

/// The programs of one installation.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    initdb: PathBuf,
    postgres: PathBuf,
    /// As the server tells it: `postgres (PostgreSQL) 15.20`.
    pub(super) version: String,
}

impl Programs {
    /// Those in PATH, else the newest where Debian puts them.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] where there are none.
    pub(super) fn find() -> Result<Self, AppError> {
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
        let found = [path.as_slice(), installed.as_slice()].into_iter().find_map(|folders| {
            let program = |name: &str| {
                let found = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file())?;
                // Its neighbours are found through where it really is.
                Some(found.canonicalize().unwrap_or(found))
            };
            let (initdb, postgres) = (program("initdb")?, program("postgres")?);
            let version = version(&postgres)?;
            (number(&version)? >= MIN_VERSION).then_some(Self { initdb, postgres, version })
        });
        found.ok_or_else(|| {
            AppError::new(
                ErrorCode::Unavailable,
                "there is no PostgreSQL 15 or newer in PATH or below /usr/lib/postgresql to measure with",
            )
            .hint("Install its server, such as `apt-get install postgresql`; nothing of it needs to run.")
        })
    }
}

fn version(postgres: &Path) -> Option<String> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The first number of `postgres (PostgreSQL) 15.20 (Debian …)`.
fn number(version: &str) -> Option<u32> {
    let number = version.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// A running server.
#[derive(Debug)]
pub(super) struct PostgresServer<'a> {
    keeper: Option<Keeper>,
    programs: &'a Programs,
    folder: &'a Folder,
    place: PathBuf,
    port: u16,
    password: String,
    /// What had to be different from what was asked for.
    pub(super) notes: Vec<String>,
}

impl<'a> PostgresServer<'a> {
    /// Makes and starts a server in the folder `name` of the run, with its defaults and what `settings` says, a
    /// `postgresql.conf`. What it keeps reaches the disk, as with every server that is not a test's.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn start(
        programs: &'a Programs,
        folder: &'a Folder,
        name: &str,
        settings: Option<&str>,
    ) -> Result<Self, AppError> {
        let place = folder.sub(name)?;
        let mut server =
            Self { keeper: None, programs, folder, place, port: 0, password: random_word()?, notes: Vec::new() };
        server.initialise()?;
        if let Some(settings) = settings {
            server.write_settings(settings)?;
        }
        if server.launch_anywhere()? {
            return Ok(server);
        }
        let Some(settings) = settings.filter(|_| server.log().contains(STATEMENTS)) else {
            return Err(server.did_not_start());
        };
        // Without the library its settings are unknown as well.
        let mentions = |line: &&str| line.starts_with("shared_preload_libraries") || line.starts_with(STATEMENTS);
        let without: Vec<&str> = settings.lines().filter(|line| !mentions(line)).collect();
        server.write_settings(&without.join("\n"))?;
        server.notes.push(format!("{STATEMENTS} is not installed here and was left out of the tuned settings"));
        if server.launch_anywhere()? { Ok(server) } else { Err(server.did_not_start()) }
    }

    fn did_not_start(&self) -> AppError {
        let log = self.log();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        AppError::new(ErrorCode::Unavailable, format!("PostgreSQL does not start: {}", last.join(" · ")))
            .hint("Give the size of a smaller machine: --memory 2G.")
    }

    fn initialise(&self) -> Result<(), AppError> {
        let secret = self.place.join("password");
        std::fs::write(&secret, &self.password).map_err(|error| failed(&secret, &error))?;
        self.folder.hand_over(&secret)?;
        let initdb = |locale: &[&str]| {
            let mut command = self.folder.command(&self.programs.initdb, &self.place);
            command
                .args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions", "--no-sync"])
                .arg(format!("--username={SUPERUSER}"))
                .arg("--pwfile")
                .arg(&secret)
                .arg("-D")
                .arg(self.data())
                .args(locale)
                .stdin(Stdio::null());
            command.output().map_err(|error| failed(&self.place, &error))
        };
        // (--no-sync: a new, empty cluster; what is loaded later does wait for the disk.) Texts sort as they do for people, as in most databases out there.
        let mut output = initdb(&["--locale=C", "--locale-provider=icu", "--icu-locale=en"])?;
        if !output.status.success() {
            // Not every PostgreSQL is built with these locales.
            output = initdb(&["--locale=C"])?;
        }
        let _ = std::fs::remove_file(&secret);
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().last().unwrap_or("it says nothing").to_owned();
        Err(AppError::new(ErrorCode::Unavailable, format!("initdb failed: {last}"))
            .hint("Set TMPDIR to a folder with room for both servers' data, which every user may enter."))
    }

    /// The settings come after those of `initdb`, so that they count.
    fn write_settings(&self, settings: &str) -> Result<(), AppError> {
        let (own, main) = (self.data().join(SETTINGS_FILE), self.data().join("postgresql.conf"));
        std::fs::write(&own, settings).map_err(|error| failed(&own, &error))?;
        self.folder.hand_over(&own)?;
        let include = format!("\ninclude '{SETTINGS_FILE}'\n");
        let text = std::fs::read_to_string(&main).map_err(|error| failed(&main, &error))?;
        if text.ends_with(&include) {
            return Ok(());
        }
        std::fs::write(&main, text + &include).map_err(|error| failed(&main, &error))
    }

    fn launch_anywhere(&mut self) -> Result<bool, AppError> {
        for _ in 0..TRIES {
            self.port = spare_port()?;
            if self.launch()? {
                return Ok(true);
            }
            if !self.log().contains("could not bind") {
                break;
            }
        }
        Ok(false)
    }

    fn launch(&mut self) -> Result<bool, AppError> {
        let old = self.status();
        let mut command = Command::new(&self.programs.postgres);
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        // No socket in the file system: the folder's path may be longer than one's may be.
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off"] {
            command.args(["-c", setting]);
        }
        let mut keeper = Keeper::start(self.folder, &self.place, "QUIT", &command)?;
        let began = Instant::now();
        while began.elapsed() < START {
            if !keeper.is_running() {
                // Without its data the next try would be in vain.
                keeper.stop("INT");
                return Ok(false);
            }
            let status = self.status();
            let ready = status.as_deref().and_then(|status| status.lines().nth(7)).map(str::trim) == Some("ready");
            if status != old && ready {
                self.keeper = Some(keeper);
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        keeper.stop("QUIT");
        Ok(false)
    }

    /// What the server says about itself: a number, when it was started, whether it is ready.
    fn status(&self) -> Option<String> {
        std::fs::read_to_string(self.data().join("postmaster.pid")).ok()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.join("server.log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.place.join("data")
    }

    /// Stops the server as `systemctl restart` does and starts it again. Returns how long nobody could connect. With
    /// `forget`, the system is asked meanwhile to drop the server's files from its page cache, and whether it took that is
    /// the second value.
    ///
    /// # Errors
    /// When it does not come up again.
    pub(super) fn restart(&mut self, forget: bool) -> Result<(Duration, bool), AppError> {
        let began = Instant::now();
        if let Some(keeper) = self.keeper.take() {
            keeper.stop("INT");
        }
        let mut took = began.elapsed();
        let forgotten = forget && self.forget();
        let began = Instant::now();
        if !self.launch()? {
            return Err(self.did_not_start());
        }
        took += began.elapsed();
        Ok((took, forgotten))
    }

    /// Asks the system to drop the pages of this server's tables and indexes, which needs no permission and touches nobody else's
    /// (POSIX_FADV_DONTNEED, by GNU's `dd`). What was stopped in order has written everything.
    fn forget(&self) -> bool {
        let base = self.data().join("base");
        let mut command = self.folder.command("find", &self.place);
        command.arg(&base).args(["-type", "f", "-size", "+15"]);
        // The databases that every cluster is made with: they have these numbers since version 15, and nobody reads them here.
        for database in ["1", "4", "5"] {
            command.args(["!", "-path"]).arg(base.join(database).join("*"));
        }
        command.args(["(", "-exec", "dd", "if={}", "iflag=nocache"]);
        // What it failed for is named.
        command.args(["count=0", "status=none", ";", "-o", "-print", ")"]);
        let done = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
        done.is_ok_and(|output| output.status.success() && output.stdout.is_empty())
    }

    /// The superuser's address.
    pub(super) fn superuser(&self, database: &str) -> Result<PostgresConfig, AppError> {
        self.config(SUPERUSER, database)
    }

    /// The address of the product's own role in its database, whose password is the superuser's.
    pub(super) fn product(&self) -> Result<PostgresConfig, AppError> {
        self.config(ROLE, ROLE)
    }

    fn config(&self, user: &str, database: &str) -> Result<PostgresConfig, AppError> {
        let address = format!("postgres://{user}@127.0.0.1:{}/{database}?sslmode=disable", self.port);
        Ok(PostgresConfig::parse(&address)?.password(&self.password))
    }

    /// The password of both roles.
    pub(super) fn password(&self) -> &str {
        &self.password
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_are_read() {
        assert_eq!(number("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"), Some(15));
        assert_eq!(number("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(number("postgres"), None);
    }
}
