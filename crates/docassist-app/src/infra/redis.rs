//! A Redis of the run's own, at a spare loopback port.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::folder::{Folder, failed};
use super::keeper::{Keeper, spare_port};
use crate::AppError;

const PROGRAM: &str = "redis-server";
const START: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(1);
const TRIES: u32 = 5;

/// A running `redis-server`.
#[derive(Debug)]
pub(super) struct RedisServer {
    port: u16,
    _keeper: Keeper,
}

impl RedisServer {
    /// Whether there is one in PATH.
    pub(super) fn is_installed() -> bool {
        let version = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    }

    /// Starts one in the folder `name` of the run with the text of a `redis.conf`, or with its defaults. `None` where it does
    /// not come up.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn start(folder: &Folder, name: &str, settings: Option<&str>) -> Result<Option<Self>, AppError> {
        for attempt in 0..TRIES {
            let place = folder.sub(&format!("{name}-{attempt}"))?;
            let port = spare_port()?;
            let mut command = Command::new(PROGRAM);
            if let Some(settings) = settings {
                let path: PathBuf = place.join("redis.conf");
                std::fs::write(&path, settings).map_err(|error| failed(&path, &error))?;
                folder.hand_over(&path)?;
                command.arg(&path);
            }
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no", "--dir"]);
            command.arg(&place);
            // It holds answers of this run only, and makes no file of them: KILL loses nothing.
            let mut server = Self { port, _keeper: Keeper::start(folder, &place, "KILL", &command)? };
            let began = Instant::now();
            while began.elapsed() < START && server._keeper.is_running() {
                if server.ask("PING").is_some_and(|answer| answer == ["PONG"]) {
                    return Ok(Some(server));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(None)
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The value of a setting.
    pub(super) fn setting(&self, name: &str) -> Option<String> {
        self.ask(&format!("CONFIG GET {name}"))?.into_iter().nth(1)
    }

    /// The words of an answer to a command without spaces in its words: a simple one, or a list of texts.
    fn ask(&self, command: &str) -> Option<Vec<String>> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, ANSWER).ok()?;
        stream.set_read_timeout(Some(ANSWER)).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut lines = BufReader::new(stream).lines();
        let mut line = || lines.next()?.ok();
        let first = line()?;
        if let Some(simple) = first.strip_prefix('+') {
            return Some(vec![simple.to_owned()]);
        }
        let count: usize = first.strip_prefix('*')?.parse().ok()?;
        // Each text has its length in a line before it.
        (0..count.min(16)).map(|_| line().and_then(|_| line())).collect()
    }
}
