//! Learning of changes that other processes make.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use docassist_model::OrgSlug;
use postgres::fallible_iterator::FallibleIterator as _;

use super::database::Database;
use super::fault::Inner;

/// How long to listen before asking whether the connection still stands, and whether to end.
const LISTEN: Duration = Duration::from_millis(500);
/// How long to wait before connecting anew.
const AGAIN: Duration = Duration::from_millis(500);

type Changed = Box<dyn Fn(Option<&OrgSlug>) + Send>;

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within one turn; whoever drops this need not wait for it.
            drop(thread);
        }
    }
}

pub(super) fn watch(database: Database, changed: Changed) -> Watch {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::Builder::new().name("changes".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            // Why it failed is told by whoever asks the database next; here it is tried again.
            let _ = listen(&database, &changed, &stopped);
            std::thread::sleep(AGAIN);
        }
    });
    // Without a thread nothing is heard, and whoever polls sees changes all the same.
    Watch { stop, thread: thread.ok() }
}

fn listen(database: &Database, changed: &Changed, stop: &AtomicBool) -> Inner<()> {
    let mut client = database.connect("docassist changes")?;
    client.batch_execute("LISTEN docassist_changes")?;
    // What changed before this moment was not heard.
    changed(None);
    while !stop.load(Ordering::Relaxed) {
        let mut heard = Vec::new();
        {
            let mut notifications = client.notifications();
            let mut waiting = notifications.timeout_iter(LISTEN);
            if let Some(first) = waiting.next()? {
                heard.push(first);
            }
        }
        // What else is there already.
        heard.extend(client.notifications().iter().collect::<Vec<_>>()?);
        if heard.is_empty() {
            client.batch_execute("")?;
        }
        for notification in heard {
            if let Ok(org) = notification.payload().parse() {
                changed(Some(&org));
            }
        }
    }
    Ok(())
}
