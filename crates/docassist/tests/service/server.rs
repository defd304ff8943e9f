//! A running service.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Answer, Client};

pub(crate) const ADMIN: &str = "root@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A process that is ended with the test, however that ends.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    token: String,
}

/// The program without what the surroundings of the tests say.
pub(crate) fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docassist"));
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("DOCASSIST_") || name_text.starts_with("OTEL_") {
            command.env_remove(&name);
        }
    }
    command.arg("--data").arg(data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// `serve` on a spare port, with the account of [`ADMIN`].
pub(crate) fn serve(data: &Path, arguments: &[&str]) -> Command {
    let mut command = program(data);
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-email", ADMIN]).args(arguments);
    command.env("DOCASSIST_ADMIN_PASSWORD", PASSWORD);
    command
}

impl Server {
    /// Starts one with rates off, and logs in.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = serve(data, &["--user-rate", "0", "--address-rate", "0"]);
        command.args(arguments);
        Self::of(command)
    }

    /// Runs a command that serves, and logs in.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let said = Arc::<Mutex<String>>::default();
        let (reader, address) = listen(stderr, Arc::clone(&said));
        // Made before anything can fail, so that the process ends with it.
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            said,
            reader: Some(reader),
            token: String::new(),
        };
        let address = address.recv_timeout(Duration::from_secs(30));
        server.address = address.unwrap_or_else(|_| panic!("it does not listen: {}", server.said()));
        server.token = server.log_in(ADMIN, PASSWORD);
        server
    }

    pub(crate) fn log_in(&self, email: &str, password: &str) -> String {
        let body = json!({ "email": email, "password": password });
        let answer = self.anonymous().with_json("POST", "/api/v1/auth/login", &body).expect(200);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Who asks as the administrator, over a connection of their own.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address).with_token(&self.token)
    }

    /// The same in the organisation of the first start.
    fn own(&self) -> Client {
        self.client().in_org("default")
    }

    pub(crate) fn anonymous(&self) -> Client {
        Client::new(self.address)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.own().get(path)
    }

    /// The JSON of an answer that has to be 200.
    #[track_caller]
    pub(crate) fn ask(&self, path: &str) -> Value {
        self.get(path).expect(200).json()
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.own().with_json("POST", path, body)
    }

    /// Queues a sync, and gives the job's number.
    #[track_caller]
    pub(crate) fn sync(&self, kind: &str, body: &Value) -> u64 {
        self.post(&format!("/api/v1/sync/{kind}"), body).expect(202).json()["id"].as_u64().unwrap()
    }

    pub(crate) fn job(&self, id: u64) -> Value {
        self.ask(&format!("/api/v1/jobs/{id}"))
    }

    /// The job when it has ended.
    #[track_caller]
    pub(crate) fn ended(&self, id: u64) -> Value {
        let mut client = self.own();
        self.poll("the job ends", Duration::from_secs(90), || {
            let job = client.get(&format!("/api/v1/jobs/{id}")).expect(200).json();
            let ended = !matches!(job["state"].as_str(), Some("queued" | "running"));
            ended.then_some(job)
        })
    }

    /// Syncs, and waits until that is done.
    #[track_caller]
    pub(crate) fn synced(&self, kind: &str, body: &Value) -> Value {
        let job = self.ended(self.sync(kind, body));
        assert_eq!(job["state"], "done", "{job:#}");
        job
    }

    /// Waits until a job runs and has read something.
    #[track_caller]
    pub(crate) fn under_way(&self, id: u64) -> Value {
        self.poll("the job is under way", Duration::from_secs(30), || {
            let job = self.job(id);
            assert!(matches!(job["state"].as_str(), Some("queued" | "running")), "it is too late: {job:#}");
            (job["progress"]["done"].as_u64() > Some(0)).then_some(job)
        })
    }

    /// Looks every 10 ms until there is something.
    #[track_caller]
    pub(crate) fn poll<T>(&self, what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(began.elapsed() < within, "not within {within:?}: {what}; it said: {}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The value of a metric, named with its labels if it has some.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").expect(200).text();
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start_matches("{}").strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// What it has written to stderr so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Asks this process alone to end.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal to this process alone.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end, which somebody else has asked for.
    #[track_caller]
    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                if let Some(reader) = self.reader.take() {
                    reader.join().unwrap();
                }
                return status;
            }
            assert!(began.elapsed() < within, "it does not end within {within:?}: {}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to end, and waits.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.terminate();
        let status = self.wait(Duration::from_secs(20));
        assert!(status.success(), "{status}: {}", self.said());
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let said = self.said();
            let from = said.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
            eprintln!("--- the service said:\n{}", &said[from..]);
        }
    }
}

/// Keeps what it says, and tells where it listens.
fn listen(stderr: ChildStderr, said: Arc<Mutex<String>>) -> (JoinHandle<()>, std::sync::mpsc::Receiver<SocketAddr>) {
    let (tell, told) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some(rest) = line.strip_prefix("listening at http://") {
                let address = rest.split(';').next().unwrap_or_default().parse();
                let _ = tell.send(address.unwrap());
            }
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
    (reader, told)
}
