//! Those who ask while the database is in trouble, and what they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::Answer;
use crate::load::part;
use crate::server::{ADMIN, PASSWORD, Server};

/// One request.
pub(super) struct Seen {
    path: &'static str,
    began: Instant,
    ended: Instant,
    status: u16,
}

/// Threads that ask all the time.
pub(super) struct Asking {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Seen>>>,
}

/// What is asked: answers from the cache, ones that are computed, rows, and a write.
const PATHS: [&str; 6] = [
    "/api/v1/rel/repo/product",
    "/api/v1/gaps",
    "/api/v1/status",
    "/api/v1/jobs",
    "/api/v1/members",
    "/api/v1/auth/login",
];

impl Asking {
    /// Asks until it is told to stop. Every answer has to be right, or to say properly that it cannot be given now.
    pub(super) fn start(server: &Server) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let threads = PATHS.into_iter().map(|path| {
            let (stop, mut client) = (Arc::clone(&stop), server.client().in_org("default"));
            std::thread::spawn(move || {
                let mut all = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let answer = if path.ends_with("login") {
                        client.with_json("POST", path, &json!({ "email": ADMIN, "password": PASSWORD }))
                    } else {
                        client.get(path)
                    };
                    if answer.status != 200 {
                        is_unavailable(&answer);
                    }
                    all.push(Seen { path, began, ended: Instant::now(), status: answer.status });
                    std::thread::sleep(Duration::from_millis(10));
                }
                all
            })
        });
        Self { threads: threads.collect(), stop }
    }

    pub(super) fn end(mut self) -> Vec<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        std::mem::take(&mut self.threads).into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The answer has to be the problem of a service that cannot answer just now.
#[track_caller]
pub(super) fn is_unavailable(answer: &Answer) -> Value {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("retry-after"), "1");
    let problem = answer.json();
    assert_eq!(problem["code"], "unavailable", "{problem:#}");
    // Where the database is, is known to whoever reads the log; the password to nobody.
    assert!(!answer.text().contains("postgres://"), "{problem:#}");
    problem
}

/// An outage from `gone` to `back`: nobody was answered from what could not be confirmed for longer than `lease`, those who
/// were not answered heard so soon, and all were answered again after `recovery`.
pub(super) fn judge(what: &str, seen: &[Seen], gone: Instant, back: Instant, lease: Duration, recovery: Duration) {
    let during = |seen: &&Seen| seen.began > gone + lease && seen.ended < back;
    let served: Vec<_> = seen.iter().filter(during).filter(|seen| seen.status == 200).map(|seen| seen.path).collect();
    assert!(served.is_empty(), "{what}: answered without the database: {served:?}");
    let refused: Vec<&Seen> = seen.iter().filter(|seen| seen.status == 503).collect();
    let mut took: Vec<Duration> = refused.iter().map(|seen| seen.ended - seen.began).collect();
    took.sort_unstable();
    let last = refused.iter().map(|seen| seen.ended).max().unwrap();
    let after = last.saturating_duration_since(back);
    let again = seen.iter().filter(|seen| seen.began > last && seen.status == 200).count();
    println!(
        "{what}: {} requests, {} refused with 503 after {:?} (median), {:?} at most; the last one {after:?} after the \
         database was back, {again} answered since",
        seen.len(),
        refused.len(),
        part(&took, 0.5),
        part(&took, 1.0),
    );
    for path in PATHS {
        assert!(seen.iter().any(|seen| seen.path == path && seen.began > last && seen.status == 200), "{what}: {path}");
    }
    assert!(!refused.is_empty(), "{what}: nobody noticed");
    assert!(after < recovery, "{what}: the last refusal came {after:?} after the database was back");
    assert!(part(&took, 1.0) < Duration::from_secs(7), "{what}: a refusal took {:?}", part(&took, 1.0));
}
