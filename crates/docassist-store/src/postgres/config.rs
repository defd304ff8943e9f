//! Where a PostgreSQL is and how it is spoken to.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Config, NoTls};

use super::tls::{self, Tls};
use crate::{Result, StoreError};

/// Connections that a process keeps at most, besides one for each writer and one that listens.
pub const DEFAULT_CONNECTIONS: u32 = 16;
/// How long to wait for a connection: for the server to take one, or for one of ours to be given back.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// After this long without an answer the system asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// What was sent and not acknowledged for this long ends the connection: a server that went without a word is noticed.
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// How to reach a PostgreSQL: an address as libpq takes it, and limits.
///
/// Several hosts in one address are tried in turn, so that a fail-over needs no other configuration
/// (`postgres://a,b/docassist?target_session_attrs=read-write`).
#[derive(Clone)]
pub struct PostgresConfig {
    pub(super) client: Config,
    pub(super) tls: Option<Tls>,
    pub(super) connections: u32,
    /// Where bulk reads go, if it has what they need.
    pub(super) standby: Option<Box<PostgresConfig>>,
    location: String,
    transport: Transport,
    /// As the address says, for programs that are called.
    pub(super) sslmode: String,
    pub(super) root: Option<PathBuf>,
}

/// How well the way to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Every host is this machine: nobody else is on the way.
    Local,
    /// Nothing is encrypted.
    Plain,
    /// Encrypted where the server offers it: whoever is on the way can say that it does not.
    Opportunistic,
    /// Encrypted, whoever answers.
    Encrypted,
    /// Encrypted, and the server has proved its name.
    Verified,
}

impl std::fmt::Debug for PostgresConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the password.
        formatter.debug_struct("PostgresConfig").field("location", &self.location).finish_non_exhaustive()
    }
}

impl PostgresConfig {
    /// Reads an address such as `postgres://docassist@db.example.org/docassist?sslmode=verify-full`.
    ///
    /// `sslmode` is as in libpq: `disable`, `prefer` (the default), `require` (encrypted, the server's certificate is not
    /// looked at), `verify-full` (the certificate must be good for the host's name). `sslrootcert` names a file of
    /// certificates to trust instead of the system's, and makes `require` verify as well.
    ///
    /// # Errors
    /// [`StoreError::InvalidAddress`] where it is none, or names what is not known here. It never repeats the address,
    /// which may hold a password.
    pub fn parse(address: &str) -> Result<Self> {
        let invalid = |detail: String| StoreError::InvalidAddress { detail };
        let (address, options) = split(address);
        let mut sslmode = None;
        let mut root = None;
        let mut kept = Vec::new();
        for option in options {
            match option.split_once('=').unwrap_or((option, "")) {
                ("sslmode", mode) => sslmode = Some(mode.to_owned()),
                ("sslrootcert", path) => root = Some(PathBuf::from(percent_decoded(path))),
                _ => kept.push(option),
            }
        }
        let address = if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) };
        let mut client = Config::from_str(&address).map_err(|error| invalid(cause(&error)))?;
        let verified = match sslmode.as_deref().unwrap_or("prefer") {
            "disable" => {
                client.ssl_mode(SslMode::Disable);
                false
            }
            "prefer" => {
                client.ssl_mode(SslMode::Prefer);
                root.is_some()
            }
            "require" => {
                client.ssl_mode(SslMode::Require);
                root.is_some()
            }
            "verify-full" => {
                client.ssl_mode(SslMode::Require);
                true
            }
            other => {
                return Err(invalid(format!("sslmode `{other}`: it is one of disable, prefer, require, verify-full")));
            }
        };
        if client.get_user().is_none() {
            return Err(invalid("it names no user: postgres://USER@HOST/DATABASE".to_owned()));
        }
        if client.get_hosts().is_empty() {
            return Err(invalid("it names no host: postgres://USER@HOST/DATABASE".to_owned()));
        }
        client.keepalives_idle(KEEPALIVE).tcp_user_timeout(USER_TIMEOUT);
        if client.get_connect_timeout().is_none() {
            client.connect_timeout(CONNECT_TIMEOUT);
        }
        let encrypted = client.get_ssl_mode() != SslMode::Disable;
        let tls = encrypted.then(|| tls::connector(verified, root.as_deref())).transpose()?;
        let location = location(&client);
        let transport = match client.get_ssl_mode() {
            _ if client.get_hosts().iter().all(is_local) => Transport::Local,
            _ if verified => Transport::Verified,
            SslMode::Disable => Transport::Plain,
            SslMode::Prefer => Transport::Opportunistic,
            _ => Transport::Encrypted,
        };
        let sslmode = sslmode.unwrap_or_else(|| "prefer".to_owned());
        Ok(Self { client, tls, connections: DEFAULT_CONNECTIONS, standby: None, location, transport, sslmode, root })
    }

    /// With a password, where the address has none: what is in files and variables does not show in a list of processes.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.client.password(password);
        self
    }

    /// Whether the address has a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.client.get_password().is_some()
    }

    /// With at most so many connections (at least one), besides one for each writer and one that listens.
    #[must_use]
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// With a standby for what reads much: the records of a graph, and those that a search index is made of. It is asked where it
    /// has followed far enough, so that nobody reads what is older than it would be otherwise; the other one answers instead
    /// where it has not, or fails.
    #[must_use]
    pub fn standby(mut self, standby: Self) -> Self {
        self.standby = Some(Box::new(standby));
        self
    }

    /// Host, port and database, without user and password.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// What `judge` says of the password, where there is one. It is handed out for nothing else.
    pub fn judge_password<T>(&self, judge: impl FnOnce(&str) -> T) -> Option<T> {
        self.client.get_password().map(|password| judge(&String::from_utf8_lossy(password)))
    }

    /// How well the way there is protected.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// A new connection, for `purpose`, which others see as its `application_name`.
    pub(super) fn connect(&self, purpose: &str) -> Result<postgres::Client, postgres::Error> {
        let mut client = self.client.clone();
        client.application_name(purpose);
        match &self.tls {
            Some(tls) => client.connect(tls.clone()),
            None => client.connect(NoTls),
        }
    }
}

/// The address without its options, and the options.
fn split(address: &str) -> (&str, Vec<&str>) {
    match address.split_once('?') {
        Some((address, options)) => (address, options.split('&').filter(|option| !option.is_empty()).collect()),
        None => (address, Vec::new()),
    }
}

/// Whether a host is this machine.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a client's error is about, without its category.
fn cause(error: &postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn location(client: &Config) -> String {
    let ports = client.get_ports();
    let hosts: Vec<String> = client
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(at, host)| {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        })
        .collect();
    let database = client.get_dbname().or(client.get_user()).unwrap_or_default();
    format!("PostgreSQL {}/{database}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    use docassist_testing::{Authority, PostgresServer};

    use super::*;
    use crate::postgres::fault::describe;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let config = PostgresConfig::parse("postgres://ann:hunter2@db.example.org:5433/docs?sslmode=disable").unwrap();
        assert_eq!(config.location(), "PostgreSQL db.example.org:5433/docs");
        assert!(!format!("{config:?}").contains("hunter2"));
        let config = PostgresConfig::parse("postgres://ann@a,b/docs?target_session_attrs=read-write").unwrap();
        assert_eq!(config.location(), "PostgreSQL a:5432,b:5432/docs");
        let config = PostgresConfig::parse("postgres://ann@%2Frun%2Fpg/docs").unwrap();
        assert_eq!(config.location(), "PostgreSQL /run/pg:5432/docs");
    }

    #[test]
    fn the_way_to_the_server_is_judged() {
        for (address, transport) in [
            ("postgres://ann@127.0.0.1/docs?sslmode=disable", Transport::Local),
            ("postgres://ann@%2Frun%2Fpg,localhost/docs", Transport::Local),
            ("postgres://ann@localhost,db/docs", Transport::Opportunistic),
            ("postgres://ann@db/docs?sslmode=disable", Transport::Plain),
            ("postgres://ann@db/docs?sslmode=require", Transport::Encrypted),
            ("postgres://ann@db/docs?sslmode=verify-full", Transport::Verified),
        ] {
            assert_eq!(PostgresConfig::parse(address).unwrap().transport(), transport, "{address}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_without_the_password() {
        for address in [
            "mysql://ann:hunter2@db/docs",
            "postgres://ann:hunter2@db/docs?sslmode=allow",
            "postgres://ann:hunter2@db/docs?sslmode=verify-full&sslrootcert=/no/such/file",
            "postgres://ann:hunter2@db:port/docs",
            "postgres://ann:hunter2@db/docs?colour=red",
            "postgres://db/docs",
            "postgres://ann:hunter2@/docs",
            "",
        ] {
            let error = PostgresConfig::parse(address).expect_err(address);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    /// How the server's side of a session is encrypted, or what was said in place of one.
    fn encryption(url: &str) -> Result<bool, String> {
        let config = PostgresConfig::parse(url).map_err(|error| error.to_string())?;
        let mut client = config.connect("a test").map_err(|error| describe(&error))?;
        let row = client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).unwrap();
        Ok(row.get(0))
    }

    #[test]
    fn sessions_are_encrypted_and_the_server_verified_as_the_address_says() {
        let Some(server) = PostgresServer::start(&[]) else { return };
        let plain = server.database();
        let (authority, other) = (Authority::new(), Authority::new());
        let with = |mode: &str, trusted: Option<&Authority>| {
            let root = trusted.map(|authority| format!("&sslrootcert={}", authority.certificate().display()));
            encryption(&format!("{plain}?sslmode={mode}{}", root.unwrap_or_default()))
        };
        // A server that does not encrypt is taken where nothing else was asked for.
        assert_eq!(with("disable", None), Ok(false));
        assert_eq!(with("prefer", None), Ok(false));
        for mode in ["require", "verify-full"] {
            let refused = with(mode, Some(&authority)).unwrap_err();
            assert!(refused.contains("TLS"), "{mode}: {refused}");
        }
        server.encrypt(&authority.issue(&["127.0.0.1"]));
        assert_eq!(with("disable", None), Ok(false));
        assert_eq!(with("prefer", None), Ok(true));
        assert_eq!(with("require", None), Ok(true));
        for mode in ["prefer", "require", "verify-full"] {
            assert_eq!(with(mode, Some(&authority)), Ok(true), "{mode}");
            let refused = with(mode, Some(&other)).unwrap_err();
            assert!(refused.contains("UnknownIssuer"), "{mode}: {refused}");
        }
        // The system does not know the authority of a test.
        assert!(with("verify-full", None).is_err());
        // A certificate for somebody else.
        server.encrypt(&authority.issue(&["db.example.org"]));
        assert_eq!(with("require", None), Ok(true));
        let refused = with("verify-full", Some(&authority)).unwrap_err();
        assert!(refused.contains("not valid for name"), "{refused}");
    }
}
