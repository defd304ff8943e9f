//! Indexing beside the requests of a service: after a sync, and until everything is embedded.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use docassist_model::{ErrorCode, OrgSlug, Progress, TenantScope};

use super::Search;

/// How long after a failure an organisation is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// A thread that indexes what it is told of, one organisation at a time. It ends when this is dropped.
pub struct Background {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    waiting: Mutex<BTreeSet<OrgSlug>>,
    woken: Condvar,
    stopping: AtomicBool,
}

impl Background {
    /// Starts the thread; without it, where the system gives none, whoever searches indexes.
    #[must_use]
    pub fn start(search: Arc<Search>) -> Self {
        let shared =
            Arc::new(Shared { waiting: Mutex::default(), woken: Condvar::new(), stopping: AtomicBool::new(false) });
        let work = Arc::clone(&shared);
        // A second one beside it is not told of what searches see; it has its own.
        let told = Arc::clone(&shared);
        let _ = search.notice.set(Box::new(move |scope| told.add(scope.org().clone())));
        let waits = Arc::clone(&shared);
        let _ = search.waiting.set(Box::new(move || waits.lock().len() as u64));
        let thread = std::thread::Builder::new().name("search index".into()).spawn(move || work.run(&search)).ok();
        Self { shared, thread }
    }

    /// Says that an organisation's records may have changed. Returns at once.
    #[must_use = "it is what tells"]
    pub fn notice(&self) -> impl Fn(&TenantScope) + Send + Sync + 'static + use<> {
        let shared = Arc::clone(&self.shared);
        move |scope| shared.add(scope.org().clone())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.woken.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<OrgSlug>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, org: OrgSlug) {
        self.lock().insert(org);
        self.woken.notify_one();
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn run(&self, search: &Search) {
        while let Some(org) = self.next() {
            let scope = TenantScope::unchecked(org.clone(), "the search index follows what was synced");
            let done = search
                .follow(&scope, &Until(self))
                .and_then(|_| search.embed(&scope, &Until(self)))
                .and_then(|_| search.optimise(&scope));
            match done {
                Ok(_) => {}
                Err(_) if self.stopping() => return,
                Err(error) => {
                    tracing::warn!(%org, %error, "indexing for search failed; it is tried again");
                    let waiting = self.lock();
                    // Others are told of meanwhile and wait no longer than this.
                    drop(self.woken.wait_timeout_while(waiting, AGAIN, |_| !self.stopping()));
                    if error.code != ErrorCode::NotFound {
                        self.add(org);
                    }
                }
            }
        }
    }

    fn next(&self) -> Option<OrgSlug> {
        let waiting = self.lock();
        let mut waiting = self
            .woken
            .wait_while(waiting, |waiting| waiting.is_empty() && !self.stopping())
            .unwrap_or_else(PoisonError::into_inner);
        if self.stopping() { None } else { waiting.pop_first() }
    }
}

/// Stops when the service does.
struct Until<'a>(&'a Shared);

impl Progress for Until<'_> {
    fn phase(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        self.0.stopping()
    }
}
