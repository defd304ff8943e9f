//! The writer of an organisation: a session that holds the organisation's lock.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use docassist_model::{Commit, Decision, ObjectId, OrgSlug, SourceId, SourceKind};
use postgres::Client;
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::git::Known;
use super::{git, pages, rows, shadow, sources, tickets};
use crate::derived::hash;
use crate::postgres::database::{Connection, Database, in_place, off_the_runtime};
use crate::postgres::fault::{Fault, Inner};
use crate::{
    BoxError, DocsFinish, FeedEnd, GitFinish, Outcome, Result, Source, StoreError, TicketImport, TicketOutcome,
    TicketSink, Writer,
};

/// How often a waiting writer tries again: short for people, long for the machine.
const POLL: Duration = Duration::from_millis(50);
/// PostgreSQL keeps so many bytes of a session's name.
const MAX_NAME: usize = 63;

/// Holds the organisation's lock and the session that it is of.
pub(super) struct PostgresWriter {
    session: Mutex<Session>,
    org: i64,
    location: String,
}

struct Session {
    client: Held,
    known: FxHashMap<SourceId, Known>,
}

/// A session that holds an organisation's lock.
pub(super) struct Held(Connection);

impl Deref for Held {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The session's end frees the lock as well, only a moment after it was let go.
        let _ = off_the_runtime(|| self.0.batch_execute("SELECT pg_advisory_unlock_all()"));
    }
}

/// The number of an organisation's lock.
fn lock_number(org: &OrgSlug) -> i64 {
    let mut number = [0; 8];
    number.copy_from_slice(&hash(&[b"writer", org.as_str().as_bytes()])[..8]);
    i64::from_le_bytes(number)
}

/// Takes the organisation's lock in a session of its own, waiting at most `wait` and asking `cancel` between tries.
pub(super) fn lock(
    database: &Database,
    org: &OrgSlug,
    purpose: &str,
    wait: Duration,
    cancel: &dyn Fn() -> bool,
) -> Result<Held> {
    let started = Instant::now();
    let number = lock_number(org);
    let at = |fault: postgres::Error| Fault::from(fault).at(database.location());
    let mut client = off_the_runtime(|| database.connect(&session_name(purpose)))?;
    loop {
        let taken = off_the_runtime(|| {
            let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&number])?;
            row.try_get::<_, bool>(0)
        });
        if taken.map_err(at)? {
            return Ok(Held(client));
        }
        if cancel() {
            return Err(StoreError::Cancelled);
        }
        let left = wait.saturating_sub(started.elapsed());
        if left.is_zero() {
            let holder = off_the_runtime(|| holder(&mut client, number)).unwrap_or(None);
            let holder = holder.unwrap_or_else(|| "another process".to_owned());
            return Err(StoreError::Busy { org: org.to_string(), holder });
        }
        std::thread::sleep(left.min(POLL));
    }
}

/// What others see of a session: `docassist 1234 (sync git kafka)`.
fn session_name(purpose: &str) -> String {
    let purpose: String = purpose.chars().filter(|c| !c.is_control()).collect();
    let mut name = format!("docassist {} ({purpose})", std::process::id());
    if name.len() > MAX_NAME {
        name.truncate(name.floor_char_boundary(MAX_NAME - 1));
        name.push(')');
    }
    name
}

/// Who holds a lock, for people.
fn holder(client: &mut Client, number: i64) -> Inner<Option<String>> {
    // A lock of 64 bits shows as its two halves.
    const SQL: &str = "SELECT application_name, host(client_addr), to_char(backend_start AT TIME ZONE 'UTC', 'HH24:MI:SS') \
         FROM pg_locks JOIN pg_stat_activity USING (pid) \
         WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pg_locks.database = (SELECT oid FROM pg_database \
         WHERE datname = current_database()) AND ((classid::bigint << 32) | objid::bigint) = $1";
    let Some(row) = client.query_opt(SQL, &[&number])? else { return Ok(None) };
    let name: Option<&str> = rows::value(&row, 0)?;
    let address: Option<&str> = rows::value(&row, 1)?;
    let since: Option<&str> = rows::value(&row, 2)?;
    let Some(process) = name.and_then(|name| name.strip_prefix("docassist ")) else { return Ok(None) };
    let mut text = format!("process {process}");
    if let Some(since) = since {
        text = format!("{text} since {since} UTC");
    }
    // A number of a process says nothing without its machine.
    if let Some(address) = address.filter(|address| !matches!(*address, "127.0.0.1" | "::1")) {
        text = format!("{text}, at {address}");
    }
    Ok(Some(text))
}

impl PostgresWriter {
    /// The writer of the organisation whose lock `client` holds.
    pub(super) fn new(mut client: Held, org: &OrgSlug, location: &str) -> Result<Self> {
        const MAKE: &str = "INSERT INTO tenants (slug) VALUES ($1) ON CONFLICT DO NOTHING";
        let made = off_the_runtime(|| {
            if let Some(org) = rows::tenant(&mut *client, org)? {
                return Ok(Some(org));
            }
            client.execute(MAKE, &[&org.as_str()])?;
            rows::tenant(&mut *client, org)
        });
        let org = made.and_then(|org| org.ok_or_else(|| Fault::Malformed("a new organisation is missing".to_owned())));
        let org = org.map_err(|fault: Fault| fault.at(location))?;
        let session = Mutex::new(Session { client, known: FxHashMap::default() });
        Ok(Self { session, org, location: location.to_owned() })
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `change` in a transaction; `durable` says whether it has reached the disk at the end.
    fn write<T: Send>(
        &mut self,
        durable: bool,
        change: impl FnOnce(&mut Client, i64, &mut FxHashMap<SourceId, Known>) -> Inner<T>,
    ) -> Result<T> {
        let org = self.org;
        let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner);
        let result = (|| {
            off_the_runtime(|| begin(&mut session.client, org, durable))?;
            let result = change(&mut session.client, org, &mut session.known)?;
            off_the_runtime(|| session.client.batch_execute("COMMIT"))?;
            Ok(result)
        })();
        result.map_err(|fault: Fault| {
            // Numbers that were given in this transaction are gone, and commits are not stored.
            session.known.clear();
            // Where the connection is gone, so is the transaction.
            let _ = off_the_runtime(|| session.client.batch_execute("ROLLBACK"));
            fault.at(&self.location)
        })
    }

    fn read<T: Send>(&self, read: impl FnOnce(&mut Client, i64) -> Inner<T> + Send) -> Result<T> {
        let mut guard = self.session();
        let (session, org): (&mut Session, i64) = (&mut guard, self.org);
        let result = off_the_runtime(|| {
            begin(&mut session.client, org, false)?;
            let result = read(&mut session.client, org);
            session.client.batch_execute(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            result
        });
        result.map_err(|fault| fault.at(&self.location))
    }
}

/// Begins a transaction about the organisation.
fn begin(client: &mut Client, org: i64, durable: bool) -> Inner<()> {
    let durable = if durable { "on" } else { "off" };
    // Numbers of ours, not texts of others.
    client.batch_execute(&format!(
        "BEGIN; SET LOCAL synchronous_commit = {durable}; SET LOCAL docassist.org = '{org}'"
    ))?;
    Ok(())
}

/// Runs a change that does not call back.
macro_rules! blocking {
    ($self:ident, $durable:literal, $change:expr) => {
        $self.write($durable, |client, org, known| off_the_runtime(|| $change(client, org, known)))
    };
}

impl Writer for PostgresWriter {
    fn source(&mut self, kind: SourceKind, name: &str, location: &str) -> Result<Source> {
        let existing = self.read(|client, org| {
            let Some(state) = sources::by_name(client, org, name)? else { return Ok(None) };
            state.source.check_kind(kind)?;
            sources::counted(client, org, state).map(Some)
        })?;
        if let Some(source) = existing {
            return Ok(source);
        }
        blocking!(self, false, |client, org, _| sources::make(client, org, kind, name, location, "null"))
    }

    fn shadow(&mut self, source: SourceId, terms: &Value) -> Result<Source> {
        blocking!(self, false, |client, org, _| shadow::begin(client, org, source, terms))
    }

    fn remove_source(&mut self, source: SourceId) -> Result<()> {
        blocking!(self, true, |client: &mut Client, org, known: &mut FxHashMap<SourceId, Known>| {
            // The numbers of sources are never used again: what is known of a shadow that goes as well is no harm.
            known.remove(&source);
            let state = sources::of_any_kind(client, org, source)?;
            shadow::drop_of(client, org, &state.source.name)?;
            sources::remove(client, org, source)?;
            sources::advance(client, org)?;
            Ok(())
        })
    }

    fn known_commit(&self, source: SourceId, id: &ObjectId) -> Result<bool> {
        self.read(|client, org| git::known(client, org, source, id))
    }

    fn commit_graph(&self, source: SourceId) -> Result<Vec<(ObjectId, Vec<ObjectId>)>> {
        self.read(|client, org| {
            sources::of_kind(client, org, source, SourceKind::Git)?;
            git::graph(client, org, source)
        })
    }

    fn has_staged(&self, source: SourceId) -> Result<bool> {
        self.read(|client, org| Ok(sources::of_kind(client, org, source, SourceKind::Git)?.source.staged > 0))
    }

    fn decisions(&self, source: SourceId) -> Result<Vec<Decision>> {
        self.read(|client, org| pages::decisions(client, org, source))
    }

    fn stage_commits(&mut self, source: SourceId, commits: &[Commit]) -> Result<u64> {
        // Not durable against a loss of power: what is lost is read again, and finishing waits for the whole log.
        blocking!(self, false, |client: &mut Client, org, known: &mut FxHashMap<SourceId, Known>| {
            sources::of_kind(client, org, source, SourceKind::Git)?;
            git::stage(client, org, source, known.entry(source).or_default(), commits)
        })
    }

    fn finish_git(&mut self, source: SourceId, finish: GitFinish<'_>) -> Result<Outcome> {
        // The mailmap's function is the caller's own and stays in the caller's thread.
        self.write(true, |client, org, known| {
            in_place(|| {
                let state = sources::of_kind(client, org, source, SourceKind::Git)?;
                let original = shadow::original(client, org, &state.source)?;
                if original.is_none() {
                    // Whoever began to read it anew did not go on.
                    shadow::drop_of(client, org, &state.source.name)?;
                }
                let numbers = &mut known.entry(source).or_default().numbers;
                let outcome = git::finish(client, org, &state, numbers, &finish)?;
                if let Some(original) = original {
                    shadow::replace(client, org, &original.source, source)?;
                    known.remove(&original.source.id);
                }
                Ok(outcome)
            })
        })
    }

    fn import_tickets(
        &mut self,
        source: SourceId,
        import: TicketImport<'_>,
        feed: &mut dyn FnMut(&mut dyn TicketSink) -> Result<FeedEnd, BoxError>,
    ) -> Result<TicketOutcome> {
        let location = self.location.clone();
        self.write(true, |client, org, _| {
            let state = off_the_runtime(|| sources::of_kind(client, org, source, SourceKind::Tickets))?;
            tickets::import(client, org, &state.source, &import, &location, feed)
        })
    }

    fn finish_docs(&mut self, source: SourceId, finish: DocsFinish<'_>) -> Result<Outcome> {
        blocking!(self, true, |client: &mut Client, org, _| {
            let state = sources::of_kind(client, org, source, SourceKind::Docs)?;
            pages::finish(client, org, &state.source, &finish)
        })
    }
}
