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

use std::sync::Arc;
use std::time::Duration;

use docassist_model::{ApiKey, ErrorCode, Membership, OrgSlug, Role, User, UserId};
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

/// Accounts, and what is remembered of them for a moment.
pub struct Accounts {
    control: Arc<dyn ControlStore>,
    secrets: Secrets,
    standings: Cache<UserId, Arc<Standing>>,
    known_keys: Cache<String, Arc<(ApiKey, [u8; 32])>>,
    /// Access tokens whose signature was checked, with their user and their end.
    known_tokens: Cache<Box<str>, (UserId, i64)>,
    guard: Guard,
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
            known_tokens: Cache::builder().max_capacity(REMEMBERED).time_to_live(Duration::from_secs(60)).build(),
            guard: Guard::default(),
            access_life,
        }
    }

    /// What keeps people from guessing passwords.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// A user who is not disabled, from memory where possible. Reads the store at most once a second per user.
    fn standing(&self, id: UserId) -> Result<Option<Arc<Standing>>, AppError> {
        if let Some(standing) = self.standings.get(&id) {
            return Ok(Some(standing));
        }
        let Some(user) = self.control.user(id)?.filter(|user| !user.disabled) else { return Ok(None) };
        let standing = Arc::new(Standing { user, memberships: self.control.memberships(id)? });
        self.standings.insert(id, Arc::clone(&standing));
        Ok(Some(standing))
    }

    /// Who shows this access token or API key.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] when it does not hold, has ended, or its user is no more.
    pub fn authenticate(&self, credential: &str) -> Result<Principal, AppError> {
        if Self::is_key(credential) { self.with_key(credential) } else { self.with_access_token(credential) }
    }

    /// The same where nothing needs to be read from the store, and so without blocking; `None` where something does, or it does
    /// not hold.
    #[must_use]
    pub fn remembered(&self, credential: &str) -> Option<Principal> {
        if Self::is_key(credential) {
            return self.remembered_key(credential);
        }
        let (user, end) = self.known_tokens.get(credential)?;
        let standing = self.standings.get(&user)?;
        (crate::now().unix() < end).then_some(Principal { standing, key: None })
    }

    fn forget_user(&self, id: UserId) {
        self.standings.invalidate(&id);
    }

    fn forget_everybody(&self) {
        self.standings.invalidate_all();
        self.known_keys.invalidate_all();
    }

    /// The role of a principal in an organisation: the membership's, cut at what the key may; a service's operator is an
    /// admin everywhere.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`] in the same words whether there is no such organisation or the principal is no member.
    pub fn role_in(&self, principal: &Principal, org: &OrgSlug) -> Result<Role, AppError> {
        let standing = &principal.standing;
        let membership = standing.memberships.iter().find(|membership| membership.org == *org);
        let own = membership.map(|membership| membership.role).or(standing.user.operator.then_some(Role::Admin));
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
