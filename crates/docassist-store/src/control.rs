//! What the service keeps besides records: organisations, accounts, keys, sessions, the audit log, sync jobs, and how
//! sources are brought up to date.
//!
//! Secrets come here hashed or encrypted, never as they are. Whoever calls knows what may be seen: a method that takes a
//! [`TenantScope`] touches that organisation's rows only; the others are about the service as a whole.

use docassist_model::{
    ApiKey, AuditEntry, Job, JobId, JobProgress, Member, Membership, OrgSlug, Organisation, Role, SourceKind,
    SourceSettings, TenantScope, Timestamp, User, UserId, Webhook,
};
use serde_json::Value;

use crate::Result;

/// One part of a long list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Only entries with lower numbers than this.
    pub before: Option<u64>,
    /// So many at most.
    pub limit: usize,
}

/// A user to be made.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are those of `User`")]
pub struct NewUser<'a> {
    pub email: &'a str,
    pub name: &'a str,
    /// The hash of the password, with its algorithm and parameters.
    pub password_hash: &'a str,
    pub operator: bool,
    pub created: Timestamp,
}

/// Something for the audit log.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are those of `AuditEntry`")]
pub struct NewAuditEntry<'a> {
    pub time: Timestamp,
    pub org: Option<&'a OrgSlug>,
    pub actor: &'a str,
    pub action: &'a str,
    pub target: &'a str,
    pub address: &'a str,
    pub detail: &'a str,
}

/// A session's first or next refresh token.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// SHA-256 of the token.
    pub hash: &'a [u8; 32],
    /// When it is made.
    pub now: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

/// What became of a refresh token that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It was good: it is used up now, and the new one is in its place.
    Rotated(UserId),
    /// It had been used before: somebody has a copy. The whole session is ended.
    Reused(UserId),
    /// There is none such, or it has ended (used or not), or its session has, or the user is disabled.
    Refused,
}

/// A job to be queued.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are those of `Job`")]
pub struct NewJob<'a> {
    pub kind: SourceKind,
    pub source: &'a str,
    pub request: &'a Value,
    /// What the location needs, encrypted; handed to whoever claims the job, and forgotten when it ends.
    pub secret: Option<&'a [u8]>,
    pub requested_by: &'a str,
    pub created: Timestamp,
    /// Whether it is queued beside others of its source, since what it brings is nowhere else: an upload.
    pub alone: bool,
    /// The data directory that what it brings lies in, where several share a database: only who works there claims it.
    /// Such a job is `alone`.
    pub place: Option<&'a str>,
}

/// A job that its caller is to run.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// The job, running.
    pub job: Job,
    /// What its location needs, encrypted.
    pub secret: Option<Vec<u8>>,
}

/// What a running job is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Go on.
    GoOn,
    /// Stop: somebody asked for its end.
    Cancel,
    /// Stop, and report nothing: it was taken over by somebody else, who believed its runner dead.
    Lost,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnd {
    /// Done, with what it did.
    Done(Value),
    /// Not done, and why.
    Failed(String),
    /// Stopped on request.
    Cancelled,
    /// The process that ran it is ending: it goes back into the queue, in its old place, and somebody else goes on with
    /// it. Where its end was asked for meanwhile, or another job waits for the same source, it ends as cancelled instead
    /// (with an `error` that names the other one): that one goes on from what was read so far.
    Released,
}

/// The most turns that a conversation keeps.
pub(crate) const TURNS: usize = 200;
/// The most conversations that a user has in an organisation.
pub(crate) const CONVERSATIONS: usize = 200;

/// A question of a conversation, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationTurn {
    /// The question, as it was asked.
    pub question: String,
    /// The answer, as plain text.
    pub answer: String,
    /// When it was asked.
    pub asked: Timestamp,
}

/// A conversation without its turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationHead {
    /// Its name, which its user gave it.
    pub name: String,
    /// How many turns it has.
    pub turns: u64,
    /// When the newest one was asked.
    pub updated: Timestamp,
}

/// What a sealed secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedFor<'a> {
    /// A source of that name: the credential by which it is read.
    Source(&'a str),
    /// The webhook of that public name.
    Webhook(&'a str),
}

/// Seals anew what was sealed for an organisation. Its errors pass through unchanged.
pub type Reseal<'a> = &'a (dyn Fn(&OrgSlug, SealedFor<'_>, &[u8]) -> Result<Vec<u8>> + Sync);

/// Rows of the service. Methods are whole transactions, usable from any number of threads and processes at once.
///
/// # Errors
/// Every method fails as those of [`Store`](crate::Store) do. What is kept for an organisation or a user that does not
/// exist fails with [`StoreError::UnknownOwner`](crate::StoreError::UnknownOwner).
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait ControlStore: Send + Sync {
    // ---- organisations

    /// Makes an organisation; `false` where the slug is taken.
    fn create_org(&self, org: &Organisation) -> Result<bool>;
    /// The organisation.
    fn org(&self, slug: &OrgSlug) -> Result<Option<Organisation>>;
    /// All of them, in the order of their slugs, those after `after`.
    fn orgs(&self, after: Option<&OrgSlug>, limit: usize) -> Result<Vec<Organisation>>;
    /// How many there are.
    fn org_count(&self) -> Result<u64>;
    /// Forgets an organisation with its memberships, keys, jobs, settings, webhooks and conversations; its audit entries
    /// stay, but a new organisation of the same slug does not get them. `false` where there is none (conversations of the
    /// command line go all the same). Its records are the caller's to
    /// remove.
    fn delete_org(&self, scope: &TenantScope) -> Result<bool>;

    // ---- users

    /// Makes a user; `None` where the address is taken. The address is kept in lower case.
    fn create_user(&self, user: &NewUser<'_>) -> Result<Option<UserId>>;
    /// The user.
    fn user(&self, id: UserId) -> Result<Option<User>>;
    /// The user of that address (compared in lower case), with the password's hash.
    fn user_by_email(&self, email: &str) -> Result<Option<(User, String)>>;
    /// All users, in the order of their numbers, those after `after`.
    fn users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>>;
    /// How many there are.
    fn user_count(&self) -> Result<u64>;
    /// Sets the password's hash and ends all sessions of the user; `false` where there is none such.
    fn set_password(&self, id: UserId, password_hash: &str) -> Result<bool>;
    /// Disables or enables a user; disabling ends all sessions. `false` where there is none such.
    fn set_disabled(&self, id: UserId, disabled: bool) -> Result<bool>;
    /// Removes a user with memberships, keys, sessions and conversations; `false` where there is none such.
    fn delete_user(&self, id: UserId) -> Result<bool>;

    // ---- members

    /// Makes a user a member, or changes the role.
    fn set_member(&self, scope: &TenantScope, user: UserId, role: Role) -> Result<()>;
    /// Ends a membership, and with it the user's keys for this organisation and conversations about it; `false` where there was none.
    fn remove_member(&self, scope: &TenantScope, user: UserId) -> Result<bool>;
    /// Members in the order of their addresses.
    fn members(&self, scope: &TenantScope) -> Result<Vec<Member>>;
    /// The organisations of a user, in the order of their slugs.
    fn memberships(&self, user: UserId) -> Result<Vec<Membership>>;

    // ---- API keys

    /// Keeps a key with the SHA-256 of its secret.
    fn create_key(&self, key: &ApiKey, secret_hash: &[u8; 32]) -> Result<()>;
    /// The key of that public part, with the hash of its secret; revoked and ended ones too.
    fn key(&self, id: &str) -> Result<Option<(ApiKey, [u8; 32])>>;
    /// Keys of the organisation, newest first.
    fn keys(&self, scope: &TenantScope) -> Result<Vec<ApiKey>>;
    /// Revokes a key of the organisation; `false` where there is none such or it is revoked already.
    fn revoke_key(&self, scope: &TenantScope, id: &str, now: Timestamp) -> Result<bool>;
    /// Notes that a key was used, to the minute: called for every request, it writes once a minute.
    fn touch_key(&self, id: &str, now: Timestamp) -> Result<()>;

    // ---- sessions

    /// Begins a session with its first refresh token. A disabled user is refused like one who is gone.
    fn begin_session(&self, user: UserId, token: NewToken<'_>) -> Result<()>;
    /// Hands in a refresh token for the next one.
    fn rotate_token(&self, old: &[u8; 32], next: NewToken<'_>) -> Result<Rotation>;
    /// Ends the session that a refresh token belongs to; `false` where there is none.
    fn end_session(&self, token: &[u8; 32]) -> Result<bool>;
    /// Ends all sessions of a user.
    fn end_sessions_of(&self, user: UserId) -> Result<()>;
    /// Forgets tokens that ended before `before`. Returns how many.
    fn purge_sessions(&self, before: Timestamp) -> Result<u64>;

    // ---- audit

    /// Appends an entry. Entries are never changed or removed: the database itself refuses it.
    fn append_audit(&self, entry: &NewAuditEntry<'_>) -> Result<()>;
    /// Entries of one organisation, newest first. Those of an earlier organisation of the same slug are not among them.
    fn audit(&self, scope: &TenantScope, window: Window) -> Result<Vec<AuditEntry>>;
    /// Entries of the whole service, newest first.
    fn audit_of_service(&self, window: Window) -> Result<Vec<AuditEntry>>;

    // ---- jobs

    /// Queues a job. Where one for the same source is queued already, that one takes the new kind, request, secret and
    /// `requested_by`, keeps its place in the queue, and is returned with `false`: any number of pushes make one sync.
    fn enqueue_job(&self, scope: &TenantScope, job: &NewJob<'_>) -> Result<(Job, bool)>;
    /// A job of the organisation.
    fn job(&self, scope: &TenantScope, id: JobId) -> Result<Option<Job>>;
    /// Jobs of the organisation, newest first; of one source only, where it is named.
    fn jobs(&self, scope: &TenantScope, source: Option<&str>, window: Window) -> Result<Vec<Job>>;
    /// How many jobs the organisation has.
    fn job_count(&self, scope: &TenantScope, source: Option<&str>) -> Result<u64>;
    /// How many jobs of the whole service wait, and how many run.
    fn job_load(&self) -> Result<(u64, u64)>;
    /// Takes the oldest job that can run: queued, while none of its source runs, or running with a lease that ended at
    /// `now` or before. `owner` holds it until `lease_until`. One whose lease has ended and whose end was asked for is
    /// cancelled on the way, since nobody else will.
    ///
    /// Jobs of another `place` are left alone; they hold up others of their source, and no other ones. One that ran there,
    /// and whose lease has ended, goes back into the queue, so that it does not hold up its organisation.
    fn claim_job_at(
        &self,
        place: &str,
        owner: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<ClaimedJob>>;
    /// The same, of jobs that can run at any place.
    fn claim_job(&self, owner: &str, now: Timestamp, lease_until: Timestamp) -> Result<Option<ClaimedJob>> {
        self.claim_job_at("", owner, now, lease_until)
    }
    /// Ends jobs of other places than `place` as failed, with `error`, that were queued before `before` and still wait:
    /// whoever could run them does not come back. Returns how many.
    fn fail_jobs_elsewhere(&self, place: &str, before: Timestamp, error: &str, now: Timestamp) -> Result<u64>;
    /// Notes how far a job is and renews the lease. Late is no harm while nobody else has taken it.
    fn beat_job(&self, id: JobId, owner: &str, progress: &JobProgress, lease_until: Timestamp) -> Result<Beat>;
    /// Ends a job and forgets its secret; `false` where `owner` does not hold it any more, and nothing was changed.
    fn end_job(&self, id: JobId, owner: &str, end: &JobEnd, now: Timestamp) -> Result<bool>;
    /// Asks for a job's end: a queued one is cancelled at once, a running one by its runner at its next beat. Returns the
    /// job; `None` where there is none such.
    fn cancel_job(&self, scope: &TenantScope, id: JobId, now: Timestamp) -> Result<Option<Job>>;
    /// Forgets jobs that ended before `before`. Returns how many.
    fn purge_jobs(&self, before: Timestamp) -> Result<u64>;

    // ---- how sources are brought up to date

    /// Keeps settings of a source, replacing earlier ones.
    fn put_settings(&self, scope: &TenantScope, settings: &SourceSettings) -> Result<()>;
    /// Settings of a source.
    fn settings(&self, scope: &TenantScope, source: &str) -> Result<Option<SourceSettings>>;
    /// Settings of all sources, in the order of their names.
    fn all_settings(&self, scope: &TenantScope) -> Result<Vec<SourceSettings>>;
    /// Forgets settings and webhooks of a source; `false` where there were none.
    fn delete_settings(&self, scope: &TenantScope, source: &str) -> Result<bool>;
    /// Takes settings whose sync is due, of any organisation, longest due first, and moves each one's `due` to `now` plus
    /// its period (to nothing without one) in the same transaction, so that of several processes one queues it. Returns
    /// them with the `due` that they have now.
    fn take_due(&self, now: Timestamp, limit: usize) -> Result<Vec<(OrgSlug, SourceSettings)>>;

    // ---- webhooks

    /// Keeps a webhook.
    fn create_webhook(&self, webhook: &Webhook) -> Result<()>;
    /// The webhook of that public name, of whichever organisation.
    fn webhook(&self, id: &str) -> Result<Option<Webhook>>;
    /// Webhooks of the organisation, oldest first.
    fn webhooks(&self, scope: &TenantScope) -> Result<Vec<Webhook>>;
    /// Forgets a webhook; `false` where there is none such.
    fn delete_webhook(&self, scope: &TenantScope, id: &str) -> Result<bool>;

    // ---- conversations

    /// Appends a turn to the conversation of that name, which begins with its first one. Without a user it is of whoever has
    /// the data directory or the database's password, and of an organisation that may have records only; with one, the
    /// organisation must exist.
    ///
    /// A conversation keeps its newest 200 turns, and a user the 200 conversations of an organisation that were last gone on
    /// with: older ones go. After a loss of power, turns of the last moments may be missing.
    fn add_turn(
        &self,
        scope: &TenantScope,
        user: Option<UserId>,
        conversation: &str,
        turn: &ConversationTurn,
    ) -> Result<()>;
    /// The newest turns of a conversation, so many at most, in the order in which they were added.
    fn turns(
        &self,
        scope: &TenantScope,
        user: Option<UserId>,
        conversation: &str,
        newest: usize,
    ) -> Result<Vec<ConversationTurn>>;
    /// The conversations of a user about the organisation; the one that was last gone on with comes first.
    fn conversations(&self, scope: &TenantScope, user: Option<UserId>) -> Result<Vec<ConversationHead>>;
    /// Removes a conversation; `false` where there is none such.
    fn remove_conversation(&self, scope: &TenantScope, user: Option<UserId>, conversation: &str) -> Result<bool>;

    // ---- the service itself

    /// Keeps a value under a name unless there is one; returns what is there now. For what is made once and has to be the
    /// same for all processes.
    fn initialise(&self, name: &str, value: &[u8]) -> Result<Vec<u8>>;
    /// Replaces the value under a name, where it is `old`, and every sealed secret by what `seal` makes of it, all in one
    /// transaction. How many secrets there were; `None`, with nothing changed, where the value is another one.
    fn reseal(&self, name: &str, old: &[u8], new: &[u8], seal: Reseal<'_>) -> Result<Option<u64>>;
    /// Whether the rows can be read: a query that touches them.
    fn check(&self) -> Result<()>;
}
