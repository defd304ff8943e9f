//! A Redis of the test's own: on a spare loopback port, in a temporary folder, ended with the test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use docassist_cache::RedisConfig;
use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

pub(crate) struct RedisServer {
    child: Option<Child>,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut folder = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        // Another process can take the port between our look and Redis' start.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = Self { child: None, port, arguments: arguments.clone(), folder };
            if server.launch() {
                return server;
            }
            folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
        }
        panic!("redis-server does not come up on any port");
    }

    fn launch(&mut self) -> bool {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--daemonize", "no", "--loglevel", "warning", "--dir"])
            .arg(self.folder.path())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!(
                "these tests need redis-server (7 or later) in PATH: {error}; install it with `apt-get install \
                 redis-server`, `dnf install redis` or `brew install redis`"
            )
        });
        self.child = Some(child);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_some()) {
                self.child = None;
                return false;
            }
            if self.try_connect().is_some_and(|mut redis| redis::cmd("PING").query::<String>(&mut redis).is_ok()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "redis-server does not come up again on port {}", self.port);
    }

    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig::new(format!("redis://127.0.0.1:{}/", self.port))
    }

    fn try_connect(&self) -> Option<Connection> {
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
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
