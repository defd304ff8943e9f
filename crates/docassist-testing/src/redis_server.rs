//! A Redis of the test's own: on a spare loopback port, in a temporary folder, ended with the test, however that ends.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certificates::{Authority, Issued};

/// Ends Redis when its input ends, which the system sees to even when the test's process is killed.
const KEEPER: &str = r#"exec 3<&0
redis-server "$@" 3<&- </dev/null &
redis=$!
{ read -r _ <&3; kill -9 $redis; } 2>/dev/null &
exec 3<&-
wait $redis"#;

/// A running `redis-server`.
#[derive(Debug)]
pub struct RedisServer {
    keeper: Option<Child>,
    port: u16,
    /// Where it listens for encrypted connections, if it does.
    encrypted: Option<u16>,
    arguments: Vec<String>,
    /// Whether all that is not about where it is stands in a file, `redis.conf` in the folder.
    configured: bool,
    folder: TempDir,
}

impl RedisServer {
    /// None where there is no redis-server; the test is then to return. Where `DOCASSIST_REQUIRE_REDIS` is set, as on a
    /// build server, that is a failure instead.
    ///
    /// # Panics
    /// When Redis does not come up, or is missing and required.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Option<Self> {
        if !is_installed() {
            let reason = "skipped: there is no redis-server in PATH (`apt-get install redis-server`)";
            assert!(std::env::var_os("DOCASSIST_REQUIRE_REDIS").is_none(), "not {reason}");
            say(reason);
            return None;
        }
        let server = (0..5).find_map(|_| {
            // Another process can take the port between our look and Redis' start.
            let mut server = Self::at_spare_port(arguments);
            server.launch().then_some(server)
        });
        Some(server.expect("redis-server comes up on some port"))
    }

    /// One whose settings are those of a `redis.conf`, but for where it listens and where its folder is. None as in
    /// [`RedisServer::start`].
    ///
    /// # Panics
    /// As [`RedisServer::start`] does, and when the file asks for a password.
    #[must_use]
    pub fn with_configuration(text: &str) -> Option<Self> {
        // Where there is none, this tells so.
        drop(Self::start(&[])?);
        let server = (0..5).find_map(|_| {
            let mut server = Self::at_spare_port(&[]);
            server.keep_in_a_file(text);
            server.launch().then_some(server)
        });
        Some(server.expect("redis-server comes up with that configuration"))
    }

    /// One that takes encrypted connections as well, at a port of their own, and asks who connects for no certificate unless
    /// `arguments` say so; a Sentinel with `--sentinel`. None as in [`RedisServer::start`].
    ///
    /// # Panics
    /// As [`RedisServer::start`] does.
    #[must_use]
    pub fn encrypted(arguments: &[&str], authority: &Authority, issued: &Issued) -> Option<Self> {
        drop(Self::start(&[])?);
        let file = |path: &Path| path.to_str().expect("a temporary folder has a plain name").to_owned();
        let server = (0..5).find_map(|_| {
            let mut server = Self::at_spare_port(arguments);
            let port = spare_port();
            server.encrypted = Some(port);
            let tls = [
                ("--tls-port", port.to_string()),
                ("--tls-cert-file", file(&issued.certificate)),
                ("--tls-key-file", file(&issued.key)),
                ("--tls-ca-cert-file", file(&authority.certificate())),
            ];
            server.arguments.extend(tls.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
            if !arguments.contains(&"--tls-auth-clients") {
                server.arguments.extend(["--tls-auth-clients", "no"].map(str::to_owned));
            }
            if arguments.contains(&"--sentinel") {
                server.keep_in_a_file("");
            }
            server.launch().then_some(server)
        });
        Some(server.expect("redis-server comes up with TLS on some port"))
    }

    /// A Sentinel, which watches over nobody yet: `SENTINEL MONITOR` tells it. None as in [`RedisServer::start`].
    ///
    /// # Panics
    /// As [`RedisServer::start`] does.
    #[must_use]
    pub fn sentinel() -> Option<Self> {
        drop(Self::start(&[])?);
        let server = (0..5).find_map(|_| {
            let mut server = Self::at_spare_port(&["--sentinel"]);
            // It keeps what it learns in its file, and does not start without one.
            server.keep_in_a_file("");
            server.launch().then_some(server)
        });
        Some(server.expect("a Sentinel comes up on some port"))
    }

    /// One that is not started yet: [`RedisServer::restart`] does so. None as in [`RedisServer::start`].
    ///
    /// # Panics
    /// When Redis is missing and required.
    #[must_use]
    pub fn later(arguments: &[&str]) -> Option<Self> {
        let mut server = Self::start(arguments)?;
        server.kill();
        Some(server)
    }

    fn at_spare_port(arguments: &[&str]) -> Self {
        let port = spare_port();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { keeper: None, port, encrypted: None, arguments, configured: false, folder }
    }

    fn keep_in_a_file(&mut self, settings: &str) {
        self.configured = true;
        let file = self.folder.path().join("redis.conf");
        std::fs::write(file, settings).expect("a temporary folder can be written to");
    }

    fn launch(&mut self) -> bool {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh"]);
        if self.configured {
            command.arg(self.folder.path().join("redis.conf"));
        } else {
            command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        }
        let keeper = command
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no", "--dir"])
            .arg(self.folder.path())
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.keeper = Some(keeper.expect("sh can be started"));
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            let ended = self.keeper.as_mut().is_none_or(|keeper| !matches!(keeper.try_wait(), Ok(None)));
            if ended {
                self.keeper = None;
                return false;
            }
            if self.answers() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        false
    }

    fn answers(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
        let mut answer = [0; 5];
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        stream.write_all(b"PING\r\n").and_then(|()| stream.read_exact(&mut answer)).is_ok() && answer == *b"+PONG"
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    /// On the same port, with nothing in it.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "redis-server does not come up again on port {}", self.port);
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens for encrypted connections.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn encrypted_port(&self) -> u16 {
        self.encrypted.expect("it takes encrypted connections")
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

fn spare_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    listener.local_addr().expect("a listener has an address").port()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_installed() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        let version =
            Command::new("redis-server").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    })
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to see what was not run")]
fn say(text: &str) {
    eprintln!("{text}");
}
