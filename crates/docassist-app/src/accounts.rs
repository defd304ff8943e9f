//! Who asks, and what they may.
//!
//! Somebody who asks is a [`Principal`]: a user with an access token, or a program with a user's key. What a principal may
//! do in an organisation is decided anew for every request from the user's present memberships ([`Accounts::role_in`]), never from
//! what a token says; so a role that is taken away is gone at once in this process, and within [`MEMORY`] in every other.

mod guard;
mod keys;
mod password;
mod tokens;
mod users;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use docassist_model::{ApiKey, ErrorCode, Membership, OrgSlug, Role, Timestamp, User, UserId};
use docassist_store::ControlStore;
use moka::sync::Cache;

pub use guard::Guard;
pub use keys::NewKey;
pub use tokens::{Login, Tokens};
pub use users::NewAccount;

use crate::AppError;
use crate::secrets::Secrets;

/// How long this process remembers users and keys that another process may have changed.
pub const MEMORY: Duration = Duration::from_secs(1);
/// Users and keys that are remembered: those that ask within a second.
const REMEMBERED: u64 = 20_000;

/// A user as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The user.
    pub user: User,
    /// Where the user is a member.
    pub memberships: Vec<Membership>,
}

/// Who asks: a user who is not disabled, by whatever proof.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The user as of now.
    pub standing: Arc<Standing>,
    /// The key, where a program asks with one.
    pub key: Option<Arc<ApiKey>>,
}

impl Principal {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.standing.user
    }

    /// As the audit log names it.
    #[must_use]
    pub fn actor(&self) -> String {
        match &self.key {
            Some(key) => format!("key:{} of {}", key.id, self.user().email),
            None => format!("user:{}", self.user().email),
        }
    }

    /// Whether this is somebody who runs the service, in person: keys are for work within an organisation.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.user().operator && self.key.is_none()
    }
}

/// A credential that was checked.
struct Seen {
    principal: Principal,
    /// When it ends by itself.
    end: Option<Timestamp>,
    /// When the oldest of what it was checked against was read.
    read: Instant,
}

/// What the store had.
#[derive(Clone)]
struct Dated<T> {
    found: Arc<T>,
    /// When it was read: what is made of it is no newer.
    read: Instant,
}

impl<T> Dated<T> {
    fn holds(&self) -> bool {
        self.read.elapsed() < MEMORY
    }
}

/// Accounts, and what is remembered of them for a moment.
pub struct Accounts {
    control: Arc<dyn ControlStore>,
    secrets: Secrets,
    standings: Cache<UserId, Dated<Standing>>,
    known_keys: Cache<String, Dated<keys::KnownKey>>,
    /// Who showed which credential a moment ago. Read for every request, and so a table that costs little to read.
    seen: RwLock<HashMap<Box<str>, Seen>>,
    /// How often something was forgotten: what was read before is not remembered after.
    forgotten: AtomicU64,
    guard: Guard,
    /// Memberships are changed one after the other, or two admins could go at the same moment.
    changing_members: Mutex<()>,
    /// Access tokens end after this long.
    access_life: Duration,
}

impl Accounts {
    pub(crate) fn new(control: Arc<dyn ControlStore>, secrets: Secrets, access_life: Duration) -> Self {
        let remembered = || Cache::builder().max_capacity(REMEMBERED).time_to_live(MEMORY);
        Self {
            control,
            secrets,
            standings: remembered().build(),
            known_keys: Cache::builder().max_capacity(REMEMBERED).time_to_live(MEMORY).build(),
            seen: RwLock::default(),
            forgotten: AtomicU64::new(0),
            guard: Guard::default(),
            changing_members: Mutex::default(),
            access_life,
        }
    }

    /// What keeps people from guessing passwords.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// A user who is not disabled, from memory where possible. Reads the store at most once a second per user.
    fn standing(&self, id: UserId) -> Result<Option<Dated<Standing>>, AppError> {
        if let Some(standing) = self.standings.get(&id).filter(Dated::holds) {
            return Ok(Some(standing));
        }
        let (forgotten, read) = (self.forgotten.load(Ordering::Acquire), Instant::now());
        let Some(user) = self.control.user(id)?.filter(|user| !user.disabled) else { return Ok(None) };
        let standing = Standing { user, memberships: self.control.memberships(id)? };
        let standing = Dated { found: Arc::new(standing), read };
        self.standings.insert(id, standing.clone());
        if self.forgotten.load(Ordering::Acquire) != forgotten {
            self.standings.invalidate(&id);
        }
        Ok(Some(standing))
    }

    /// Who shows this access token or API key.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] when it does not hold, has ended, or its user is no more.
    pub fn authenticate(&self, credential: &str) -> Result<Principal, AppError> {
        let forgotten = self.forgotten.load(Ordering::Acquire);
        let found =
            if Self::is_key(credential) { self.with_key(credential)? } else { self.with_access_token(credential)? };
        let principal = found.principal.clone();
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED as usize {
            seen.clear();
        }
        if self.forgotten.load(Ordering::Acquire) == forgotten {
            seen.insert(credential.into(), found);
        }
        Ok(principal)
    }

    /// The same where it was checked within [`MEMORY`], and so without blocking; `None` where it was not.
    #[must_use]
    pub fn remembered(&self, credential: &str) -> Option<Principal> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.get(credential)?;
        let good = seen.read.elapsed() < MEMORY && seen.end.is_none_or(|end| crate::now() < end);
        good.then(|| seen.principal.clone())
    }

    /// Has a user looked up anew. Credentials are few and quickly checked: all of them are forgotten.
    fn forget_user(&self, id: UserId) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.standings.invalidate(&id);
        self.forget_credentials();
    }

    fn forget_credentials(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.known_keys.invalidate_all();
        self.seen.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn forget_everybody(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.standings.invalidate_all();
        self.forget_credentials();
    }

    /// The role that whoever asked a while ago has now: for answers that go on.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] or [`ErrorCode::Forbidden`] when such a request would be refused now.
    pub fn role_now(&self, principal: &Principal, org: &OrgSlug) -> Result<Role, AppError> {
        let gone = || tokens::refused("whoever asked may ask no more");
        if let Some(key) = &principal.key
            && !self.key_holds(&key.id)?
        {
            return Err(gone());
        }
        let standing = self.standing(principal.user().id)?.ok_or_else(gone)?.found;
        self.role_in(&Principal { standing, key: principal.key.clone() }, org)
    }

    /// The role of a principal in an organisation: the membership's, cut at what the key may; a service's operator is an
    /// admin everywhere. Reads the store for operators, and for nobody else.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`] in the same words whether there is no such organisation or the principal is no member.
    pub fn role_in(&self, principal: &Principal, org: &OrgSlug) -> Result<Role, AppError> {
        let standing = &principal.standing;
        let membership = standing.memberships.iter().find(|membership| membership.org == *org);
        let own = match membership {
            Some(membership) => Some(membership.role),
            // There is nothing to be an admin of in what does not exist.
            None if standing.user.operator && self.control.org(org)?.is_some() => Some(Role::Admin),
            None => None,
        };
        let role = match (&principal.key, own) {
            (Some(key), _) if key.org != *org => None,
            (Some(key), own) => own.map(|own| own.min(key.scope)),
            (None, own) => own,
        };
        role.ok_or_else(|| {
            AppError::new(ErrorCode::Forbidden, format!("no organisation `{org}` is open to you"))
                .hint("`GET /api/v1/me` lists yours.")
        })
    }
}
