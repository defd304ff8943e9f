//! Users and members.

use std::sync::PoisonError;

use docassist_model::{ErrorCode, Member, OrgSlug, Role, TenantScope, User, UserId};
use docassist_store::NewUser;

use super::{Accounts, Principal, password};
use crate::{AppError, now};

pub(super) const LONGEST_EMAIL: usize = 254;
const LONGEST_NAME: usize = 200;

/// A user to be made.
#[derive(Clone, Copy)]
pub struct NewAccount<'a> {
    /// The address, which is also the name to log in with.
    pub email: &'a str,
    /// The name for people; the address where it is empty.
    pub name: &'a str,
    /// The first password.
    pub password: &'a str,
    /// Whether the user runs the service.
    pub operator: bool,
}

impl Accounts {
    /// Makes a user.
    ///
    /// # Errors
    /// When the address is no address or is taken, or the password is weak.
    pub fn create_user(&self, new: NewAccount<'_>) -> Result<User, AppError> {
        let email = checked_email(new.email)?;
        let name = Some(new.name.trim()).filter(|name| !name.is_empty()).unwrap_or(&email);
        if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(AppError::new(ErrorCode::InvalidInput, "the name is too long, or has control characters"));
        }
        password::check(new.password, &email)?;
        let hash = password::hash(new.password)?;
        let created = now();
        let user = NewUser { email: &email, name, password_hash: &hash, operator: new.operator, created };
        let id = self
            .control
            .create_user(&user)?
            .ok_or_else(|| AppError::new(ErrorCode::Conflict, format!("there is a user `{email}` already")))?;
        Ok(User { id, name: name.to_owned(), email, operator: new.operator, disabled: false, created })
    }

    /// Changes one's own password. All sessions end, this one too.
    ///
    /// # Errors
    /// When the present password is wrong or the new one weak.
    pub fn change_password(
        &self,
        principal: &Principal,
        present: &str,
        new: &str,
        address: &str,
    ) -> Result<(), AppError> {
        let user = principal.user();
        if principal.key.is_some() {
            return Err(AppError::new(ErrorCode::Forbidden, "a key cannot change a password"));
        }
        if self.guard.locked_for(&user.email, address).is_some() {
            return Err(AppError::new(ErrorCode::RateLimited, "too many failed attempts").hint("Try again later."));
        }
        let hash = self.control.user_by_email(&user.email)?.map(|(_, hash)| hash);
        if !password::verify(present, hash.as_deref()) {
            self.guard.failed(&user.email, address);
            return Err(AppError::new(ErrorCode::Forbidden, "the present password is wrong"));
        }
        password::check(new, &user.email)?;
        self.control.set_password(user.id, &password::hash(new)?)?;
        Ok(())
    }

    /// Sets somebody's password, for one who has forgotten it. All sessions of that user end.
    ///
    /// # Errors
    /// When there is no such user or the password is weak.
    pub fn reset_password(&self, id: UserId, new: &str) -> Result<(), AppError> {
        let user = self.control.user(id)?.ok_or_else(|| no_user(id))?;
        password::check(new, &user.email)?;
        self.control.set_password(id, &password::hash(new)?)?;
        self.guard.succeeded(&user.email);
        Ok(())
    }

    /// Disables or enables a user.
    ///
    /// # Errors
    /// When there is none such, or it is the one who asks.
    pub fn set_disabled(&self, principal: &Principal, id: UserId, disabled: bool) -> Result<(), AppError> {
        if principal.user().id == id {
            return Err(AppError::new(ErrorCode::Conflict, "you cannot disable yourself"));
        }
        let found = self.control.set_disabled(id, disabled)?;
        self.forget_user(id);
        if found { Ok(()) } else { Err(no_user(id)) }
    }

    /// Removes a user with memberships, keys and sessions.
    ///
    /// # Errors
    /// When there is none such, or it is the one who asks.
    pub fn delete_user(&self, principal: &Principal, id: UserId) -> Result<(), AppError> {
        if principal.user().id == id {
            return Err(AppError::new(ErrorCode::Conflict, "you cannot remove yourself"));
        }
        let found = self.control.delete_user(id)?;
        self.forget_user(id);
        if found { Ok(()) } else { Err(no_user(id)) }
    }

    /// Makes the user of that address a member, or changes the role. An organisation keeps an admin.
    ///
    /// # Errors
    /// When there is no such user, or the last admin would be none any more.
    pub fn set_member(&self, scope: &TenantScope, email: &str, role: Role) -> Result<Member, AppError> {
        let email = email.trim().to_lowercase();
        let (user, _) = self.control.user_by_email(&email)?.ok_or_else(|| {
            AppError::new(ErrorCode::NotFound, format!("there is no user `{email}`"))
                .hint("Whoever runs the service can make one.")
        })?;
        let _alone = self.changing_members.lock().unwrap_or_else(PoisonError::into_inner);
        if role != Role::Admin {
            self.check_admin_left(scope, user.id)?;
        }
        self.control.set_member(scope, user.id, role)?;
        self.forget_user(user.id);
        Ok(Member { user: user.id, email: user.email, name: user.name, role, disabled: user.disabled })
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// When there is none such, or no admin would be left.
    pub fn remove_member(&self, scope: &TenantScope, user: UserId) -> Result<(), AppError> {
        let _alone = self.changing_members.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_admin_left(scope, user)?;
        let found = self.control.remove_member(scope, user)?;
        self.forget_user(user);
        if found { Ok(()) } else { Err(AppError::new(ErrorCode::NotFound, format!("user {user} is no member"))) }
    }

    fn check_admin_left(&self, scope: &TenantScope, without: UserId) -> Result<(), AppError> {
        let members = self.control.members(scope)?;
        let admin = |member: &&Member| member.role == Role::Admin;
        let is_admin = members.iter().filter(admin).any(|member| member.user == without);
        if is_admin && !members.iter().filter(admin).any(|member| member.user != without && !member.disabled) {
            return Err(AppError::new(ErrorCode::Conflict, "the organisation would be left without an admin"));
        }
        Ok(())
    }

    /// Members of an organisation.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn members(&self, scope: &TenantScope) -> Result<Vec<Member>, AppError> {
        Ok(self.control.members(scope)?)
    }

    /// All users, those after `after`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn users(&self, after: Option<UserId>, limit: usize) -> Result<(u64, Vec<User>), AppError> {
        Ok((self.control.user_count()?, self.control.users(after, limit)?))
    }

    /// The organisation that is meant where a request names none: the key's, or the only one that the user is a member of.
    ///
    /// # Errors
    /// When there is none, or there are several.
    pub fn usual_org(&self, principal: &Principal) -> Result<OrgSlug, AppError> {
        if let Some(key) = &principal.key {
            return Ok(key.org.clone());
        }
        match principal.standing.memberships.as_slice() {
            [only] => Ok(only.org.clone()),
            [] => Err(AppError::new(ErrorCode::Forbidden, "you are a member of no organisation")),
            several => Err(AppError::new(ErrorCode::InvalidInput, "say which organisation is meant")
                .hint("Name it in the header `Docassist-Org` or the parameter `org`.")
                .candidates(several.iter().take(10).map(|membership| membership.org.to_string()).collect())),
        }
    }

    /// Makes everything that was remembered be read again: after an organisation was made or removed.
    pub(crate) fn forget(&self) {
        self.forget_everybody();
    }
}

fn no_user(id: UserId) -> AppError {
    AppError::new(ErrorCode::NotFound, format!("there is no user {id}"))
}

/// An address in lower case: something before and after one `@`, without white space. Whether mail arrives is not our affair.
fn checked_email(text: &str) -> Result<String, AppError> {
    let email = text.trim().to_lowercase();
    let parts = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.')
    });
    if parts && email.len() <= LONGEST_EMAIL && !email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(email);
    }
    Err(AppError::new(ErrorCode::InvalidInput, "that is no mail address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_addresses() {
        assert_eq!(checked_email(" Ann@Example.org ").unwrap(), "ann@example.org");
        for bad in ["", "ann", "@example.org", "ann@", "a b@c", "a@b@c", &format!("{}@x", "a".repeat(300))] {
            assert!(checked_email(bad).is_err(), "{bad}");
        }
    }
}
