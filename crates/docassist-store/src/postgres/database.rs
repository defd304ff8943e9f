//! Connections to one PostgreSQL database: a pool for short work, and connections of their own for writers.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use postgres::{Client, Transaction};
use r2d2::{ManageConnection, Pool, PooledConnection};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::config::PostgresConfig;
use super::fault::{Fault, Inner, describe, is_disconnect, is_full};
use super::migrations;
use crate::{Result, StoreError};

/// How long to wait for one of the pool's connections. Longer than nearly everything that holds one, and short enough that
/// a request says what is wrong before its own time is over.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);
/// The same while the server takes none and this process has none: others would not give one back. Each request that waits
/// keeps a thread, and there are some hundreds of these.
const OUTAGE_TIMEOUT: Duration = Duration::from_millis(500);
/// Where the pool cannot connect it tries again after 0.2 s, 0.4 s and so on, up to half of this: that soon after an outage
/// requests are served.
const RECONNECT: Duration = Duration::from_secs(1);
/// So many times a writer's connection takes the place of one of the pool's. Others may be faster than it.
const PLACES: u32 = 10;
/// How long the server takes to give the place of a closed connection away.
const PLACE_FREED: Duration = Duration::from_millis(50);
/// A connection that was not used for this long is closed.
const IDLE: Duration = Duration::from_secs(600);

/// What a connection of the pool is set to. Nothing that it does takes long, except for reading all records, which lifts the
/// limit for itself. A transaction that its process forgot must not hold back the cleaning of old rows.
const POOLED: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '120s'; SET search_path = docassist, pg_catalog";
/// What a writer's connection is set to: an import takes as long as its file does.
const WRITING: &str = "SET statement_timeout = 0; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = 0; SET search_path = docassist, pg_catalog";

/// One database, and the connections that a process has to it.
#[derive(Clone)]
pub(super) struct Database {
    config: Arc<PostgresConfig>,
    pool: Pool<Manager>,
    outage: Arc<Outage>,
}

/// Why the pool could not connect the last time; nothing if it could.
#[derive(Debug, Default)]
struct Outage(Mutex<Option<String>>);

impl Outage {
    fn set(&self, reason: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A client that may be dropped anywhere: it says goodbye to the server, and waits for that.
pub(super) struct Connection(Option<Client>);

impl Deref for Connection {
    type Target = Client;

    #[allow(clippy::expect_used, reason = "it is taken out by `drop` alone")]
    fn deref(&self) -> &Client {
        self.0.as_ref().expect("a connection has its client until it is dropped")
    }
}

impl DerefMut for Connection {
    #[allow(clippy::expect_used, reason = "it is taken out by `drop` alone")]
    fn deref_mut(&mut self) -> &mut Client {
        self.0.as_mut().expect("a connection has its client until it is dropped")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            off_the_runtime(move || drop(client));
        }
    }
}

#[derive(Debug)]
pub(super) struct Manager {
    config: Arc<PostgresConfig>,
    outage: Arc<Outage>,
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = postgres::Error;

    fn connect(&self) -> Result<Connection, postgres::Error> {
        let connected = self.config.connect("docassist").and_then(|mut client| {
            client.batch_execute(POOLED)?;
            Ok(Connection(Some(client)))
        });
        self.outage.set(connected.as_ref().err().map(describe));
        connected
    }

    fn is_valid(&self, client: &mut Connection) -> Result<(), postgres::Error> {
        client.is_valid(Duration::from_secs(1))
    }

    fn has_broken(&self, client: &mut Connection) -> bool {
        client.is_closed()
    }
}

impl Database {
    /// The database of `config`. Connects to nothing yet.
    pub(super) fn new(config: PostgresConfig) -> Self {
        let config = Arc::new(config);
        let outage = Arc::<Outage>::default();
        let pool = Pool::builder()
            .max_size(config.connections)
            .min_idle(Some(0))
            .idle_timeout(Some(IDLE))
            .connection_timeout(RECONNECT)
            // A connection that has died shows at its first statement, and reading is then tried once more: asking each time
            // would cost every request a round trip.
            .test_on_check_out(false)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(Manager { config: Arc::clone(&config), outage: Arc::clone(&outage) });
        Self { config, pool, outage }
    }

    /// Where it is, for people.
    pub(super) fn location(&self) -> &str {
        self.config.location()
    }

    /// Makes or migrates the tables.
    pub(super) fn migrate(&self) -> Result<()> {
        off_the_runtime(|| {
            let mut client = self.connect("docassist migrate")?;
            migrations::run(&mut client, self.location())
        })
    }

    /// A connection of a writer's own. Where the server has no place left, one that the pool keeps and nobody uses makes one.
    pub(super) fn connect(&self, purpose: &str) -> Result<Connection> {
        let mut tries = 0;
        loop {
            let connected = self.config.connect(purpose).and_then(|mut client| {
                client.batch_execute(WRITING)?;
                Ok(Connection(Some(client)))
            });
            match connected {
                Err(error) if tries < PLACES && is_full(&error) && self.close_idle() => {
                    tries += 1;
                    std::thread::sleep(PLACE_FREED);
                }
                connected => return connected.map_err(|error| Fault::from(error).at(self.location())),
            }
        }
    }

    /// Closes a connection of the pool that nobody uses, and says whether there was one.
    fn close_idle(&self) -> bool {
        let Some(mut client) = self.pool.try_get() else { return false };
        // The pool forgets one that it finds closed.
        let _ = client.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())");
        true
    }

    /// Runs `run` with a connection of the pool. Where the connection turns out to be dead, and `again`, with another one.
    fn with<T>(&self, again: bool, mut run: impl FnMut(&mut Client) -> Inner<T> + Send) -> Result<T>
    where
        T: Send,
    {
        off_the_runtime(|| {
            let mut tries = 0;
            loop {
                let mut client = self.take()?;
                match run(&mut client) {
                    // After a restart of the server every idle connection is dead.
                    Err(fault) if again && fault.is_disconnect() && tries <= self.pool.max_size() => tries += 1,
                    result => return result.map_err(|fault| fault.at(self.location())),
                }
            }
        })
    }

    /// A connection of the pool that is known to be alive, for a reading that cannot be begun anew.
    pub(super) fn lend(&self) -> Result<PooledConnection<Manager>> {
        loop {
            let mut client = self.take()?;
            match client.batch_execute("") {
                Ok(()) => return Ok(client),
                // After a restart of the server every idle connection is dead; the pool makes new ones, or says that it cannot.
                Err(error) if is_disconnect(&error) => {}
                Err(error) => return Err(Fault::from(error).at(self.location())),
            }
        }
    }

    /// One of the pool's connections, waited for as long as one may come.
    fn take(&self) -> Result<PooledConnection<Manager>> {
        let began = Instant::now();
        loop {
            if let Ok(client) = self.pool.get_timeout(OUTAGE_TIMEOUT) {
                return Ok(client);
            }
            let (state, outage) = (self.pool.state(), self.outage.reason());
            if outage.is_some() && state.connections == 0 || began.elapsed() >= POOL_TIMEOUT {
                let in_use = || format!("all {} connections of this process are in use", state.connections);
                let detail = outage.unwrap_or_else(in_use);
                return Err(StoreError::Unreachable { location: self.location().to_owned(), detail });
            }
        }
    }

    /// Runs a transaction that only reads, from one consistent state. It may run more than once.
    pub(super) fn read<T: Send>(&self, mut read: impl FnMut(&mut Transaction<'_>) -> Inner<T> + Send) -> Result<T> {
        self.with(true, |client| {
            let mut transaction = snapshot(client)?;
            let result = read(&mut transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// Runs `read` once with a connection of the pool, without a transaction around it: for single statements.
    pub(super) fn ask<T: Send>(&self, read: impl FnMut(&mut Client) -> Inner<T> + Send) -> Result<T> {
        self.with(true, read)
    }

    /// Runs a transaction that writes. `durable`: it has reached the disk when it ends; otherwise it survives the death of
    /// this process, not always of the server's machine. It may run more than once, while nothing of it was committed.
    pub(super) fn write<T: Send>(
        &self,
        durable: bool,
        mut change: impl FnMut(&mut Transaction<'_>) -> Inner<T> + Send,
    ) -> Result<T> {
        /// What tells a transaction that failed before its end from one whose end is unknown.
        enum End<T> {
            Done(T),
            Unknown(postgres::Error),
        }
        let end = self.with(true, |client| {
            let mut transaction = client.transaction()?;
            if !durable {
                transaction.batch_execute("SET LOCAL synchronous_commit = off")?;
            }
            let result = change(&mut transaction)?;
            // Whether a commit that got no answer happened is not known: it is not tried again.
            Ok(match transaction.commit() {
                Ok(()) => End::Done(result),
                Err(error) => End::Unknown(error),
            })
        })?;
        match end {
            End::Done(result) => Ok(result),
            End::Unknown(error) => Err(Fault::from(error).at(self.location())),
        }
    }

    /// Connections in use, and the most there can be.
    pub(super) fn connections(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections - state.idle_connections, self.pool.max_size())
    }
}

/// A transaction that only reads, all of it from one state.
pub(super) fn snapshot(client: &mut Client) -> Result<Transaction<'_>, postgres::Error> {
    client.build_transaction().read_only(true).isolation_level(postgres::IsolationLevel::RepeatableRead).start()
}

/// Runs what blocks where it may. The client runs a small runtime of its own, which another one around it forbids; and a
/// thread that drives tasks should not wait.
pub(super) fn off_the_runtime<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Err(_) => run(),
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(run),
        // It has one thread only, which cannot be left.
        Ok(_) => std::thread::scope(|threads| match threads.spawn(run).join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }),
    }
}

/// The same in the caller's own thread, for what cannot leave it. In a runtime of one thread it has to be called from a
/// thread that may block.
pub(super) fn in_place<T>(run: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(run),
        _ => run(),
    }
}
