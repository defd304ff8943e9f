//! A Redis of the test's own: on a spare loopback port, in a temporary folder, ended with the test, however that ends.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use docassist_cache::RedisConfig;
use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

/// Ends Redis when its input ends, which the system sees to even when the test's process is killed.
const KEEPER: &str = r#"exec 3<&0
redis-server "$@" 3<&- </dev/null &
redis=$!
{ read -r _ <&3; kill -9 $redis; } 2>/dev/null &
exec 3<&-
wait $redis"#;

pub(crate) struct RedisServer {
    keeper: Option<Child>,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// None where there is no redis-server; the test is then to return. Where `DOCASSIST_REQUIRE_REDIS` is set, as on a
    /// build server, that is a failure instead.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        if !is_installed() {
            let reason = "skipped: there is no redis-server in PATH (`apt-get install redis-server`)";
            assert!(std::env::var_os("DOCASSIST_REQUIRE_REDIS").is_none(), "not {reason}");
            eprintln!("{reason}");
            return None;
        }
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        // Another process can take the port between our look and Redis' start.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let folder = tempfile::tempdir().unwrap();
            let mut server = Self { keeper: None, port, arguments: arguments.clone(), folder };
            if server.launch() {
                return Some(server);
            }
        }
        panic!("redis-server does not come up on any port");
    }

    fn launch(&mut self) -> bool {
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh", "--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no", "--daemonize", "no", "--loglevel", "warning", "--dir"])
            .arg(self.folder.path())
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.keeper = Some(keeper.unwrap());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if self.keeper.as_mut().is_some_and(|keeper| keeper.try_wait().unwrap().is_some()) {
                self.keeper = None;
                return false;
            }
            if self.try_connect().is_some_and(|mut redis| redis::cmd("PING").query::<String>(&mut redis).is_ok()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        false
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "redis-server does not come up again on port {}", self.port);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig::new(format!("redis://127.0.0.1:{}/", self.port))
    }

    pub(crate) fn try_connect(&self) -> Option<Connection> {
        redis::Client::open(self.config().url).unwrap().get_connection_with_timeout(Duration::from_secs(1)).ok()
    }

    /// Runs a command, its words separated by spaces.
    pub(crate) fn run<T: FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        for word in words {
            command.arg(word);
        }
        command.query(&mut self.try_connect().expect("redis is up")).unwrap()
    }
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
