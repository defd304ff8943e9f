//! What the service keeps besides records, in one SQLite file for all organisations: `DATA/control.db`.
//!
//! Several processes share the file. A transaction that writes begins as such (`BEGIN IMMEDIATE`), so that it waits for
//! another one at its start and never fails in its midst. What nobody would miss after a loss of power (sessions, when a
//! key was used, how far a job is, what was asked) does not wait for the disk.

mod accounts;
mod audit;
mod conversations;
mod jobs;
mod keys;
mod rows;
mod sessions;
mod settings;
mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use docassist_model::{
    ApiKey, AuditEntry, Job, JobId, JobProgress, Member, Membership, OrgSlug, Organisation, Role, SourceSettings,
    TenantScope, Timestamp, User, UserId, Webhook,
};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::database::{self, Format, Purpose};
use super::fault::Inner;
use crate::{
    Beat, ClaimedJob, ControlStore, ConversationHead, ConversationTurn, JobEnd, NewAuditEntry, NewJob, NewToken,
    NewUser, Reseal, Result, Rotation, StoreError, Window,
};

/// What the service keeps besides records ("docC").
pub(super) const CONTROL: Format = Format {
    application_id: 0x646f_6343,
    migrations: &[
        include_str!("control/migrations/0001_control.sql"),
        include_str!("control/migrations/0002_conversations.sql"),
    ],
    private: true,
    writer_cache_kib: 4 * 1024,
};

/// Connections kept open for what comes next. More are opened when more threads ask at once, and closed afterwards.
const IDLE: usize = 16;

/// What the service keeps besides records, in `DATA/control.db`.
#[derive(Debug)]
pub struct SqliteControl {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteControl {
    /// Opens the file below `data`, making or migrating it as needed. A new folder and a new file are their owner's
    /// alone.
    ///
    /// # Errors
    /// [`StoreError::Newer`] or [`StoreError::Damaged`] where the file cannot be used, and the environment's errors.
    pub fn open(data: &Path) -> Result<Self> {
        let mut folder = std::fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(data).map_err(|error| StoreError::io(data.display().to_string(), error))?;
        let control = Self { path: data.join("control.db"), idle: Mutex::default() };
        let connection = control.connect()?;
        control.put_back(connection);
        Ok(control)
    }

    fn connect(&self) -> Result<Connection> {
        database::open(&self.path, Purpose::Write, &CONTROL)?.ok_or_else(|| {
            let detail = "it could not be created".to_owned();
            StoreError::Damaged { location: self.path.display().to_string(), detail }
        })
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
    }

    fn with<T>(&self, run: impl FnOnce(&mut Connection) -> Inner<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // A connection that failed is closed: nobody knows what state it is in.
        let result = run(&mut connection).map_err(|fault| fault.at(&self.path.display().to_string()))?;
        self.put_back(connection);
        Ok(result)
    }

    /// Runs one statement that reads. It is a transaction by itself.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Inner<T>) -> Result<T> {
        self.with(|connection| read(connection))
    }

    /// Runs a transaction that has reached the disk when it ends.
    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Inner<T>) -> Result<T> {
        self.with(|connection| transact(connection, true, change))
    }

    /// Runs a transaction that survives the death of the process, not always a loss of power.
    fn note<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Inner<T>) -> Result<T> {
        self.with(|connection| transact(connection, false, change))
    }
}

fn transact<T>(
    connection: &mut Connection,
    durable: bool,
    change: impl FnOnce(&Transaction<'_>) -> Inner<T>,
) -> Inner<T> {
    database::durable(connection, durable)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = change(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

impl ControlStore for SqliteControl {
    fn create_org(&self, org: &Organisation) -> Result<bool> {
        self.write(|transaction| accounts::create_org(transaction, org))
    }

    fn org(&self, slug: &OrgSlug) -> Result<Option<Organisation>> {
        self.read(|connection| accounts::org(connection, slug))
    }

    fn orgs(&self, after: Option<&OrgSlug>, limit: usize) -> Result<Vec<Organisation>> {
        self.read(|connection| accounts::orgs(connection, after, limit))
    }

    fn org_count(&self) -> Result<u64> {
        self.read(|connection| rows::count(connection, "SELECT count(*) FROM orgs", []))
    }

    fn delete_org(&self, scope: &TenantScope) -> Result<bool> {
        // What belongs to it goes with it (ON DELETE CASCADE).
        const SQL: &str = "DELETE FROM orgs WHERE slug = ?1";
        self.write(|transaction| {
            conversations::remove_of_org(transaction, scope.org())?;
            rows::changes(transaction, SQL, [scope.org().as_str()])
        })
    }

    fn create_user(&self, user: &NewUser<'_>) -> Result<Option<UserId>> {
        self.write(|transaction| accounts::create_user(transaction, user))
    }

    fn user(&self, id: UserId) -> Result<Option<User>> {
        self.read(|connection| accounts::user(connection, id))
    }

    fn user_by_email(&self, email: &str) -> Result<Option<(User, String)>> {
        self.read(|connection| accounts::user_by_email(connection, email))
    }

    fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>> {
        self.read(|connection| accounts::users(connection, after, limit))
    }

    fn user_count(&self) -> Result<u64> {
        self.read(|connection| rows::count(connection, "SELECT count(*) FROM users", []))
    }

    fn set_password(&self, id: UserId, password_hash: &str) -> Result<bool> {
        self.write(|transaction| accounts::set_password(transaction, id, password_hash))
    }

    fn set_disabled(&self, id: UserId, disabled: bool) -> Result<bool> {
        self.write(|transaction| accounts::set_disabled(transaction, id, disabled))
    }

    fn delete_user(&self, id: UserId) -> Result<bool> {
        // What belongs to the user goes along (ON DELETE CASCADE).
        self.write(|transaction| rows::changes(transaction, "DELETE FROM users WHERE id = ?1", [rows::user(id)]))
    }

    fn set_member(&self, scope: &TenantScope, user: UserId, role: Role) -> Result<()> {
        self.write(|transaction| accounts::set_member(transaction, scope.org(), user, role))
    }

    fn remove_member(&self, scope: &TenantScope, user: UserId) -> Result<bool> {
        self.write(|transaction| accounts::remove_member(transaction, scope.org(), user))
    }

    fn members(&self, scope: &TenantScope) -> Result<Vec<Member>> {
        self.read(|connection| accounts::members(connection, scope.org()))
    }

    fn memberships(&self, user: UserId) -> Result<Vec<Membership>> {
        self.read(|connection| accounts::memberships(connection, user))
    }

    fn create_key(&self, key: &ApiKey, secret_hash: &[u8; 32]) -> Result<()> {
        self.write(|transaction| keys::create(transaction, key, secret_hash))
    }

    fn key(&self, id: &str) -> Result<Option<(ApiKey, [u8; 32])>> {
        self.read(|connection| keys::by_id(connection, id))
    }

    fn keys(&self, scope: &TenantScope) -> Result<Vec<ApiKey>> {
        self.read(|connection| keys::of_org(connection, scope.org()))
    }

    fn revoke_key(&self, scope: &TenantScope, id: &str, now: Timestamp) -> Result<bool> {
        self.write(|transaction| keys::revoke(transaction, scope.org(), id, now))
    }

    fn touch_key(&self, id: &str, now: Timestamp) -> Result<()> {
        // Nearly every time it is noted already, and nobody has to wait for a writer to learn that.
        if self.read(|connection| keys::is_touched(connection, id, now))? {
            return Ok(());
        }
        self.note(|transaction| keys::touch(transaction, id, now))
    }

    fn begin_session(&self, user: UserId, token: NewToken<'_>) -> Result<()> {
        self.note(|transaction| sessions::begin(transaction, user, token))
    }

    fn rotate_token(&self, old: &[u8; 32], next: NewToken<'_>) -> Result<Rotation> {
        self.note(|transaction| sessions::rotate(transaction, old, next))
    }

    fn end_session(&self, token: &[u8; 32]) -> Result<bool> {
        self.note(|transaction| sessions::end(transaction, token))
    }

    fn end_sessions_of(&self, user: UserId) -> Result<()> {
        self.note(|transaction| sessions::end_all(transaction, user))
    }

    fn purge_sessions(&self, before: Timestamp) -> Result<u64> {
        self.note(|transaction| sessions::purge(transaction, before))
    }

    fn append_audit(&self, entry: &NewAuditEntry<'_>) -> Result<()> {
        self.write(|transaction| audit::append(transaction, entry))
    }

    fn audit(&self, scope: &TenantScope, window: Window) -> Result<Vec<AuditEntry>> {
        self.read(|connection| audit::of_org(connection, scope.org(), window))
    }

    fn audit_of_service(&self, window: Window) -> Result<Vec<AuditEntry>> {
        self.read(|connection| audit::of_service(connection, window))
    }

    fn enqueue_job(&self, scope: &TenantScope, job: &NewJob<'_>) -> Result<(Job, bool)> {
        self.write(|transaction| jobs::enqueue(transaction, scope.org(), job))
    }

    fn job(&self, scope: &TenantScope, id: JobId) -> Result<Option<Job>> {
        self.read(|connection| jobs::of_org(connection, scope.org(), id))
    }

    fn jobs(&self, scope: &TenantScope, source: Option<&str>, window: Window) -> Result<Vec<Job>> {
        self.read(|connection| jobs::list(connection, scope.org(), source, window))
    }

    fn job_count(&self, scope: &TenantScope, source: Option<&str>) -> Result<u64> {
        self.read(|connection| jobs::count(connection, scope.org(), source))
    }

    fn job_load(&self) -> Result<(u64, u64)> {
        self.read(jobs::load)
    }

    /// The rows lie in the data directory: whoever sees them is at the one place that there is.
    fn claim_job_at(
        &self,
        _place: &str,
        owner: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<ClaimedJob>> {
        // Nearly every time there is none, and nobody has to wait for a writer to learn that.
        if !self.read(|connection| jobs::any_can_run(connection, now))? {
            return Ok(None);
        }
        // A claim that is lost is made again: the job is still in the queue.
        self.note(|transaction| jobs::claim(transaction, owner, now, lease_until))
    }

    fn fail_jobs_elsewhere(&self, _place: &str, _before: Timestamp, _error: &str, _now: Timestamp) -> Result<u64> {
        Ok(0)
    }

    fn beat_job(&self, id: JobId, owner: &str, progress: &JobProgress, lease_until: Timestamp) -> Result<Beat> {
        self.note(|transaction| jobs::beat(transaction, id, owner, progress, lease_until))
    }

    fn end_job(&self, id: JobId, owner: &str, end: &JobEnd, now: Timestamp) -> Result<bool> {
        self.write(|transaction| jobs::end(transaction, id, owner, end, now))
    }

    fn cancel_job(&self, scope: &TenantScope, id: JobId, now: Timestamp) -> Result<Option<Job>> {
        self.write(|transaction| jobs::cancel(transaction, scope.org(), id, now))
    }

    fn purge_jobs(&self, before: Timestamp) -> Result<u64> {
        self.note(|transaction| jobs::purge(transaction, before))
    }

    fn put_settings(&self, scope: &TenantScope, settings: &SourceSettings) -> Result<()> {
        self.write(|transaction| settings::put(transaction, scope.org(), settings))
    }

    fn settings(&self, scope: &TenantScope, source: &str) -> Result<Option<SourceSettings>> {
        self.read(|connection| settings::of_source(connection, scope.org(), source))
    }

    fn all_settings(&self, scope: &TenantScope) -> Result<Vec<SourceSettings>> {
        self.read(|connection| settings::of_org(connection, scope.org()))
    }

    fn delete_settings(&self, scope: &TenantScope, source: &str) -> Result<bool> {
        self.write(|transaction| {
            let had_webhooks = webhooks::delete_of_source(transaction, scope.org(), source)?;
            Ok(settings::delete(transaction, scope.org(), source)? || had_webhooks)
        })
    }

    fn take_due(&self, now: Timestamp, limit: usize) -> Result<Vec<(OrgSlug, SourceSettings)>> {
        // Nearly every time nothing is, and nobody has to wait for a writer to learn that.
        if !self.read(|connection| settings::any_is_due(connection, now))? {
            return Ok(Vec::new());
        }
        self.write(|transaction| settings::take_due(transaction, now, limit))
    }

    fn create_webhook(&self, webhook: &Webhook) -> Result<()> {
        self.write(|transaction| webhooks::create(transaction, webhook))
    }

    fn webhook(&self, id: &str) -> Result<Option<Webhook>> {
        self.read(|connection| webhooks::by_id(connection, id))
    }

    fn webhooks(&self, scope: &TenantScope) -> Result<Vec<Webhook>> {
        self.read(|connection| webhooks::of_org(connection, scope.org()))
    }

    fn delete_webhook(&self, scope: &TenantScope, id: &str) -> Result<bool> {
        const SQL: &str = "DELETE FROM webhooks WHERE id = ?1 AND org = ?2";
        self.write(|transaction| rows::changes(transaction, SQL, [id, scope.org().as_str()]))
    }

    fn add_turn(
        &self,
        scope: &TenantScope,
        user: Option<UserId>,
        conversation: &str,
        turn: &ConversationTurn,
    ) -> Result<()> {
        self.note(|transaction| conversations::add_turn(transaction, scope.org(), user, conversation, turn))
    }

    fn turns(
        &self,
        scope: &TenantScope,
        user: Option<UserId>,
        conversation: &str,
        newest: usize,
    ) -> Result<Vec<ConversationTurn>> {
        self.read(|connection| conversations::turns(connection, scope.org(), user, conversation, newest))
    }

    fn conversations(&self, scope: &TenantScope, user: Option<UserId>) -> Result<Vec<ConversationHead>> {
        self.read(|connection| conversations::list(connection, scope.org(), user))
    }

    fn remove_conversation(&self, scope: &TenantScope, user: Option<UserId>, conversation: &str) -> Result<bool> {
        self.write(|transaction| conversations::remove(transaction, scope.org(), user, conversation))
    }

    fn initialise(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        if let Some(value) = self.read(|connection| settings::fixture(connection, name))? {
            return Ok(value);
        }
        self.write(|transaction| settings::fix(transaction, name, value))
    }

    fn reseal(&self, name: &str, old: &[u8], new: &[u8], seal: Reseal<'_>) -> Result<Option<u64>> {
        self.write(|transaction| settings::reseal(transaction, name, old, new, seal))
    }

    fn check(&self) -> Result<()> {
        const SQL: &str = "SELECT EXISTS (SELECT 1 FROM orgs) + EXISTS (SELECT 1 FROM users)";
        self.read(|connection| rows::count(connection, SQL, [])).map(drop)
    }
}
