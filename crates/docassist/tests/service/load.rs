//! Load: threads that ask all the time, and count what went wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::http::Answer;
use crate::server::Server;

/// Threads that ask.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Report>>,
}

/// What they saw.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) requests: usize,
    /// Answers that were wrong, and requests that were not answered.
    pub(crate) failures: Vec<String>,
    /// How long answers took that the cache in memory had.
    pub(crate) cached: Vec<Duration>,
    /// How long all answers took.
    pub(crate) all: Vec<Duration>,
}

/// Requests of each thread at least.
const LEAST: usize = 20;

/// Whether an answer is right, and what is wrong with it.
type Judge = dyn Fn(&Answer) -> Result<(), String> + Send + Sync;

/// What is asked: a path, and a judge of the answer.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) judge: Arc<Judge>,
}

impl Ask {
    /// A question that has to be answered with 200.
    pub(crate) fn of(path: &str) -> Self {
        Self::judged(path, |_| Ok(()))
    }

    /// One whose answer has to please.
    pub(crate) fn judged(path: &str, judge: impl Fn(&Answer) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self { path: path.to_owned(), judge: Arc::new(judge) }
    }
}

impl Load {
    /// So many threads ask these questions in turn.
    pub(crate) fn start(server: &Server, threads: usize, asks: &[Ask]) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let threads = (0..threads).map(|number| {
            let (stop, asks, mut client) = (Arc::clone(&stop), asks.to_vec(), server.client());
            std::thread::spawn(move || {
                let mut report = Report::default();
                for ask in asks.iter().cycle().skip(number) {
                    // However short the time was: a load of nothing shows nothing.
                    if stop.load(Ordering::Relaxed) && report.requests >= LEAST {
                        break;
                    }
                    report.requests += 1;
                    match client.send("GET", &ask.path, &[], b"") {
                        Ok(answer) => report.take(ask, &answer),
                        Err(trouble) => report.failures.push(format!("{}: {trouble:?}", ask.path)),
                    }
                    // The machine's two cores have other things to do as well.
                    std::thread::sleep(Duration::from_millis(2));
                }
                report
            })
        });
        Self { threads: threads.collect(), stop }
    }

    pub(crate) fn end(mut self) -> Report {
        self.stop.store(true, Ordering::Relaxed);
        let mut report = Report::default();
        for thread in std::mem::take(&mut self.threads) {
            let of = thread.join().unwrap();
            report.requests += of.requests;
            report.failures.extend(of.failures);
            report.cached.extend(of.cached);
            report.all.extend(of.all);
        }
        report.cached.sort_unstable();
        report.all.sort_unstable();
        report
    }
}

impl Report {
    fn take(&mut self, ask: &Ask, answer: &Answer) {
        if answer.status != 200 {
            self.failures.push(format!("{}: {} {}", ask.path, answer.status, answer.text()));
        } else if let Err(wrong) = (ask.judge)(answer) {
            self.failures.push(format!("{}: {wrong}", ask.path));
        }
        self.all.push(answer.took);
        if answer.header("cache-status").starts_with("docassist; hit") {
            self.cached.push(answer.took);
        }
    }

    /// Nothing went wrong, and something was done.
    #[track_caller]
    pub(crate) fn check(&self, what: &str) {
        let count = self.failures.len();
        assert!(count == 0, "{what}: {count} of {} failed: {:#?}", self.requests, &self.failures[..count.min(5)]);
        assert!(self.requests >= LEAST, "{what}: only {} requests", self.requests);
        println!(
            "{what}: {} requests, none failed; cached: p50 {:?}, p99 {:?}, longest {:?}; all: p99 {:?}, longest {:?}",
            self.requests,
            part(&self.cached, 0.5),
            part(&self.cached, 0.99),
            part(&self.cached, 1.0),
            part(&self.all, 0.99),
            part(&self.all, 1.0),
        );
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // A failed test's threads end too.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The value below which this part of the sorted times is.
pub(crate) fn part(times: &[Duration], part: f64) -> Duration {
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}
