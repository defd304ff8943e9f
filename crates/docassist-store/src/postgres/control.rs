//! What the service keeps besides records, for all organisations, in the same database as these.
//!
//! Any number of processes share it. Nobody waits for a transaction of another row; of two that want the same one, the
//! second is told what the first one did. What nobody would miss after a loss of power (sessions, when a key was used, how
//! far a job is, what was asked) does not wait for the disk.

mod accounts;
mod audit;
mod conversations;
mod jobs;
mod keys;
mod rows;
mod sessions;
mod settings;
mod webhooks;

use docassist_model::{
    ApiKey, AuditEntry, Job, JobId, JobProgress, Member, Membership, OrgSlug, Organisation, Role, SourceSettings,
    TenantScope, Timestamp, User, UserId, Webhook,
};
use postgres::Transaction;
use postgres::error::SqlState;

use self::rows::parameters;
use super::config::PostgresConfig;
use super::database::Database;
use super::fault::{Fault, Inner};
use crate::{
    Beat, ClaimedJob, ControlStore, ConversationHead, ConversationTurn, JobEnd, NewAuditEntry, NewJob, NewToken,
    NewUser, Reseal, Result, Rotation, Window,
};

/// How often a transaction is run again because another one came between. Each time another one was done, so that this many
/// in a row are more than there are processes.
const RACES: usize = 50;

/// What the service keeps besides records, in one PostgreSQL database.
#[derive(Debug)]
pub struct PostgresControl {
    database: Database,
}

impl PostgresControl {
    /// The rows in a database whose tables are there.
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Opens the database, making or migrating its tables as needed.
    ///
    /// # Errors
    /// As [`PostgresStore::open`](super::PostgresStore::open) does.
    pub fn open(config: PostgresConfig) -> Result<Self> {
        let database = Database::new(config);
        database.migrate()?;
        Ok(Self::new(database))
    }

    /// Runs a transaction that has reached the disk when it ends.
    fn write<T: Send>(&self, change: impl FnMut(&mut Transaction<'_>) -> Inner<T> + Send) -> Result<T> {
        self.transact(true, change)
    }

    /// Runs a transaction that survives the death of the process, not always a loss of the server's power.
    fn note<T: Send>(&self, change: impl FnMut(&mut Transaction<'_>) -> Inner<T> + Send) -> Result<T> {
        self.transact(false, change)
    }

    fn transact<T: Send>(
        &self,
        durable: bool,
        mut change: impl FnMut(&mut Transaction<'_>) -> Inner<T> + Send,
    ) -> Result<T> {
        let mut race = None;
        for _ in 0..RACES {
            let result = self.database.write(durable, |transaction| match change(transaction) {
                // PostgreSQL has given the transaction up: that it is then ended undoes the rest of it.
                Err(Fault::Sql(error)) if is_race(&error) => Ok(Err(error)),
                result => result.map(Ok),
            })?;
            match result {
                Ok(value) => return Ok(value),
                Err(error) => race = Some(error),
            }
        }
        let error = race.map_or_else(|| Fault::Malformed("nothing was tried".to_owned()), Fault::Sql);
        Err(error.at(self.database.location()))
    }
}

/// Whether running the transaction again may end otherwise: another one came first, and both together were refused.
fn is_race(error: &postgres::Error) -> bool {
    let state = error.code();
    jobs::is_race(error)
        || state == Some(&SqlState::T_R_DEADLOCK_DETECTED)
        || state == Some(&SqlState::T_R_SERIALIZATION_FAILURE)
}

impl ControlStore for PostgresControl {
    fn create_org(&self, org: &Organisation) -> Result<bool> {
        self.write(|transaction| accounts::create_org(transaction, org))
    }

    fn org(&self, slug: &OrgSlug) -> Result<Option<Organisation>> {
        self.database.ask(|client| accounts::org(client, slug))
    }

    fn orgs(&self, after: Option<&OrgSlug>, limit: usize) -> Result<Vec<Organisation>> {
        self.database.ask(|client| accounts::orgs(client, after, limit))
    }

    fn org_count(&self) -> Result<u64> {
        self.database.ask(|client| rows::count(client, "SELECT count(*) FROM orgs", &[]))
    }

    fn delete_org(&self, scope: &TenantScope) -> Result<bool> {
        // What belongs to it goes with it (ON DELETE CASCADE).
        const SQL: &str = "DELETE FROM orgs WHERE slug = $1";
        self.write(|transaction| {
            let there = rows::changes(transaction, SQL, parameters![scope.org().as_str() => TEXT])?;
            // After it: what was added while this waited for the organisation is seen now.
            conversations::remove_of_org(transaction, scope.org())?;
            Ok(there)
        })
    }

    fn create_user(&self, user: &NewUser<'_>) -> Result<Option<UserId>> {
        self.write(|transaction| accounts::create_user(transaction, user))
    }

    fn user(&self, id: UserId) -> Result<Option<User>> {
        self.database.ask(|client| accounts::user(client, id))
    }

    fn user_by_email(&self, email: &str) -> Result<Option<(User, String)>> {
        self.database.ask(|client| accounts::user_by_email(client, email))
    }

    fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>> {
        self.database.ask(|client| accounts::users(client, after, limit))
    }

    fn user_count(&self) -> Result<u64> {
        self.database.ask(|client| rows::count(client, "SELECT count(*) FROM users", &[]))
    }

    fn set_password(&self, id: UserId, password_hash: &str) -> Result<bool> {
        self.write(|transaction| accounts::set_password(transaction, id, password_hash))
    }

    fn set_disabled(&self, id: UserId, disabled: bool) -> Result<bool> {
        self.write(|transaction| accounts::set_disabled(transaction, id, disabled))
    }

    fn delete_user(&self, id: UserId) -> Result<bool> {
        // What belongs to the user goes along (ON DELETE CASCADE).
        const SQL: &str = "DELETE FROM users WHERE id = $1";
        self.write(|transaction| rows::changes(transaction, SQL, parameters![rows::user(id) => INT8]))
    }

    fn set_member(&self, scope: &TenantScope, user: UserId, role: Role) -> Result<()> {
        self.write(|transaction| accounts::set_member(transaction, scope.org(), user, role))
    }

    fn remove_member(&self, scope: &TenantScope, user: UserId) -> Result<bool> {
        self.write(|transaction| accounts::remove_member(transaction, scope.org(), user))
    }

    fn members(&self, scope: &TenantScope) -> Result<Vec<Member>> {
        self.database.ask(|client| accounts::members(client, scope.org()))
    }

    fn memberships(&self, user: UserId) -> Result<Vec<Membership>> {
        self.database.ask(|client| accounts::memberships(client, user))
    }

    fn create_key(&self, key: &ApiKey, secret_hash: &[u8; 32]) -> Result<()> {
        self.write(|transaction| keys::create(transaction, key, secret_hash))
    }

    fn key(&self, id: &str) -> Result<Option<(ApiKey, [u8; 32])>> {
        self.database.ask(|client| keys::by_id(client, id))
    }

    fn keys(&self, scope: &TenantScope) -> Result<Vec<ApiKey>> {
        self.database.ask(|client| keys::of_org(client, scope.org()))
    }

    fn revoke_key(&self, scope: &TenantScope, id: &str, now: Timestamp) -> Result<bool> {
        self.write(|transaction| keys::revoke(transaction, scope.org(), id, now))
    }

    fn touch_key(&self, id: &str, now: Timestamp) -> Result<()> {
        // Nearly every time it is noted already, which one question tells.
        if self.database.ask(|client| keys::is_touched(client, id, now))? {
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
        let ended = self.note(|transaction| sessions::purge_tokens(transaction, before))?;
        self.note(sessions::purge_sessions)?;
        Ok(ended)
    }

    fn append_audit(&self, entry: &NewAuditEntry<'_>) -> Result<()> {
        self.write(|transaction| audit::append(transaction, entry))
    }

    fn audit(&self, scope: &TenantScope, window: Window) -> Result<Vec<AuditEntry>> {
        self.database.ask(|client| audit::of_org(client, scope.org(), window))
    }

    fn audit_of_service(&self, window: Window) -> Result<Vec<AuditEntry>> {
        self.database.ask(|client| audit::of_service(client, window))
    }

    fn enqueue_job(&self, scope: &TenantScope, job: &NewJob<'_>) -> Result<(Job, bool)> {
        self.write(|transaction| jobs::enqueue(transaction, scope.org(), job))
    }

    fn job(&self, scope: &TenantScope, id: JobId) -> Result<Option<Job>> {
        self.database.ask(|client| jobs::of_org(client, scope.org(), id))
    }

    fn jobs(&self, scope: &TenantScope, source: Option<&str>, window: Window) -> Result<Vec<Job>> {
        self.database.ask(|client| jobs::list(client, scope.org(), source, window))
    }

    fn job_count(&self, scope: &TenantScope, source: Option<&str>) -> Result<u64> {
        self.database.ask(|client| jobs::count(client, scope.org(), source))
    }

    fn job_load(&self) -> Result<(u64, u64)> {
        self.database.ask(jobs::load)
    }

    fn claim_job_at(
        &self,
        place: &str,
        owner: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<ClaimedJob>> {
        // Nearly every time there is none, which one question tells.
        let (can_run, can_be_put_back) = self.database.ask(|client| jobs::any_can_run(client, place, now))?;
        if can_be_put_back {
            self.note(|transaction| jobs::put_back(transaction, place, now))?;
        }
        if !can_run && !can_be_put_back {
            return Ok(None);
        }
        // A claim that is lost is made again: the job is still in the queue.
        self.note(|transaction| jobs::claim(transaction, place, owner, now, lease_until))
    }

    fn fail_jobs_elsewhere(&self, place: &str, before: Timestamp, error: &str, now: Timestamp) -> Result<u64> {
        self.write(|transaction| jobs::fail_elsewhere(transaction, place, before, error, now))
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
        self.database.ask(|client| settings::of_source(client, scope.org(), source))
    }

    fn all_settings(&self, scope: &TenantScope) -> Result<Vec<SourceSettings>> {
        self.database.ask(|client| settings::of_org(client, scope.org()))
    }

    fn delete_settings(&self, scope: &TenantScope, source: &str) -> Result<bool> {
        self.write(|transaction| {
            let had_webhooks = webhooks::delete_of_source(transaction, scope.org(), source)?;
            Ok(settings::delete(transaction, scope.org(), source)? || had_webhooks)
        })
    }

    fn take_due(&self, now: Timestamp, limit: usize) -> Result<Vec<(OrgSlug, SourceSettings)>> {
        // Nearly every time nothing is, which one question tells.
        if !self.database.ask(|client| settings::any_is_due(client, now))? {
            return Ok(Vec::new());
        }
        self.write(|transaction| settings::take_due(transaction, now, limit))
    }

    fn create_webhook(&self, webhook: &Webhook) -> Result<()> {
        self.write(|transaction| webhooks::create(transaction, webhook))
    }

    fn webhook(&self, id: &str) -> Result<Option<Webhook>> {
        self.database.ask(|client| webhooks::by_id(client, id))
    }

    fn webhooks(&self, scope: &TenantScope) -> Result<Vec<Webhook>> {
        self.database.ask(|client| webhooks::of_org(client, scope.org()))
    }

    fn delete_webhook(&self, scope: &TenantScope, id: &str) -> Result<bool> {
        self.write(|transaction| webhooks::delete(transaction, scope.org(), id))
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
        self.database.ask(|client| conversations::turns(client, scope.org(), user, conversation, newest))
    }

    fn conversations(&self, scope: &TenantScope, user: Option<UserId>) -> Result<Vec<ConversationHead>> {
        self.database.ask(|client| conversations::list(client, scope.org(), user))
    }

    fn remove_conversation(&self, scope: &TenantScope, user: Option<UserId>, conversation: &str) -> Result<bool> {
        self.write(|transaction| conversations::remove(transaction, scope.org(), user, conversation))
    }

    fn initialise(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        if let Some(value) = self.database.ask(|client| settings::fixture(client, name))? {
            return Ok(value);
        }
        self.write(|transaction| settings::fix(transaction, name, value))
    }

    fn reseal(&self, name: &str, old: &[u8], new: &[u8], seal: Reseal<'_>) -> Result<Option<u64>> {
        self.write(|transaction| settings::reseal(transaction, name, old, new, seal))
    }

    fn check(&self) -> Result<()> {
        const SQL: &str = "SELECT EXISTS (SELECT FROM orgs) AND EXISTS (SELECT FROM users)";
        self.database.ask(|client| rows::holds(client, SQL, &[])).map(drop)
    }
}
