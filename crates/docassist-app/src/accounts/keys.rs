//! API keys: shown once, kept hashed, limited and ending.
//!
//! A key is `dak_<id>_<secret>`. The prefix lets scanners of leaked secrets find it; the id is public and shown in lists.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use docassist_model::{ApiKey, ErrorCode, Role, TenantScope, Timestamp};
use subtle::ConstantTimeEq as _;

use super::tokens::{digest, refused};
use super::{Accounts, Dated, Principal, Seen};
use crate::secrets::{random, random_text};
use crate::{AppError, now};

const PREFIX: &str = "dak_";
const LONGEST_NAME: usize = 100;
const LONGEST_DAYS: u32 = 3650;
/// Uses are noted once in so many seconds.
const NOTED_EVERY: i64 = 60;

/// A key to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// What it is for.
    pub name: &'a str,
    /// The most that it may do.
    pub scope: Role,
    /// Days until it ends; `None`: never.
    pub days: Option<u32>,
}

/// A key with the hash of its secret.
pub(super) type KnownKey = (ApiKey, [u8; 32]);

impl Accounts {
    /// Makes a key for the one who asks. Returns it with the text to show, which nobody can see again.
    ///
    /// # Errors
    /// When the key would be allowed more than its user, or the name or the time is out of bounds.
    pub fn create_key(
        &self,
        principal: &Principal,
        scope: &TenantScope,
        new: NewKey<'_>,
    ) -> Result<(ApiKey, String), AppError> {
        let own = self.role_in(principal, scope.org())?;
        if new.scope > own {
            let message = format!("you are {}: a key of yours cannot be {}", own.as_str(), new.scope.as_str());
            return Err(AppError::new(ErrorCode::Forbidden, message));
        }
        if principal.key.is_some() {
            return Err(AppError::new(ErrorCode::Forbidden, "a key cannot make keys").hint("Log in as a user."));
        }
        let name = new.name.trim();
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(AppError::new(ErrorCode::InvalidInput, "a key needs a name of at most 100 bytes"));
        }
        if new.days.is_some_and(|days| !(1..=LONGEST_DAYS).contains(&days)) {
            let message = format!("a key ends after 1 to {LONGEST_DAYS} days");
            return Err(AppError::new(ErrorCode::InvalidInput, message));
        }
        let id: String = random::<8>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = random_text::<32>()?;
        let created = now();
        let key = ApiKey {
            id: id.clone(),
            org: scope.org().clone(),
            user: principal.user().id,
            name: name.to_owned(),
            scope: new.scope,
            created,
            expires: new.days.map(|days| Timestamp::from_unix(created.unix() + i64::from(days) * 86_400)),
            last_used: None,
            revoked: None,
        };
        self.control.create_key(&key, &digest(&secret))?;
        Ok((key, format!("{PREFIX}{id}_{secret}")))
    }

    /// A key from memory where possible.
    fn known_key(&self, id: &str) -> Result<Option<Dated<KnownKey>>, AppError> {
        if let Some(known) = self.known_keys.get(id).filter(Dated::holds) {
            return Ok(Some(known));
        }
        let (forgotten, read) = (self.forgotten.load(Ordering::Acquire), Instant::now());
        let Some(known) = self.control.key(id)? else { return Ok(None) };
        let known = Dated { found: Arc::new(known), read };
        self.known_keys.insert(id.to_owned(), known.clone());
        if self.forgotten.load(Ordering::Acquire) != forgotten {
            self.known_keys.invalidate(id);
        }
        Ok(Some(known))
    }

    /// Who shows this key.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] when it does not hold, has ended, or its user is no more.
    pub(super) fn with_key(&self, text: &str) -> Result<Seen, AppError> {
        let fault = || refused("the API key does not hold");
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or_else(fault)?;
        let forgotten = self.forgotten.load(Ordering::Acquire);
        let known = self.known_key(id)?.ok_or_else(fault)?;
        let (key, hash) = known.found.as_ref();
        let now = now();
        // The hash first: who does not know the secret learns nothing of the key.
        if !bool::from(digest(secret).ct_eq(hash)) || key.revoked.is_some() {
            return Err(fault());
        }
        if key.expires.is_some_and(|expires| expires <= now) {
            return Err(refused("the API key has ended"));
        }
        let standing = self.standing(key.user)?.ok_or_else(fault)?;
        if key.last_used.is_none_or(|last| now.unix() - last.unix() >= NOTED_EVERY) {
            self.control.touch_key(id, now)?;
            let mut used = key.clone();
            used.last_used = Some(now);
            // Of what was read then: noting a use reads nothing.
            self.known_keys.insert(id.to_owned(), Dated { found: Arc::new((used, *hash)), read: known.read });
            if self.forgotten.load(Ordering::Acquire) != forgotten {
                self.known_keys.invalidate(id);
            }
        }
        let read = known.read.min(standing.read);
        let principal = Principal { standing: standing.found, key: Some(Arc::new(key.clone())) };
        Ok(Seen { principal, end: key.expires, read })
    }

    /// Whether there is such a key, and it is neither revoked nor ended.
    pub(super) fn key_holds(&self, id: &str) -> Result<bool, AppError> {
        let known = self.known_key(id)?;
        let holds = |key: &ApiKey| key.revoked.is_none() && key.expires.is_none_or(|expires| expires > now());
        Ok(known.is_some_and(|known| holds(&known.found.0)))
    }

    /// Whether a text has the form of a key.
    #[must_use]
    pub(super) fn is_key(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Keys of an organisation: an admin sees all of them, others their own.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys(&self, principal: &Principal, scope: &TenantScope) -> Result<Vec<ApiKey>, AppError> {
        let all = self.role_in(principal, scope.org())? == Role::Admin;
        let mut keys = self.control.keys(scope)?;
        keys.retain(|key| all || key.user == principal.user().id);
        Ok(keys)
    }

    /// Revokes a key: one of one's own, or, as an admin, any of the organisation.
    ///
    /// # Errors
    /// When there is none such, or it is somebody else's.
    pub fn revoke_key(&self, principal: &Principal, scope: &TenantScope, id: &str) -> Result<(), AppError> {
        // A key for less than everything that has leaked shall not take away the others of its user.
        let own = principal.key.as_ref().filter(|key| key.scope < Role::Admin).map(|key| &key.id);
        let known = own.is_none_or(|own| own == id)
            && self.keys(principal, scope)?.iter().any(|key| key.id == id && key.revoked.is_none());
        if !known || !self.control.revoke_key(scope, id, now())? {
            return Err(AppError::new(ErrorCode::NotFound, format!("there is no key `{id}`")));
        }
        self.forget_credentials();
        Ok(())
    }
}
