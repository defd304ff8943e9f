//! The audit log.

use docassist_model::{AuditEntry, OrgSlug, TenantScope};
use docassist_store::{NewAuditEntry, Window};

use super::Service;
use crate::accounts::Principal;
use crate::{AppError, now};

/// Longest text of an entry's part: senders choose some of them.
const LONGEST: usize = 500;

/// Who did something, and from where.
#[derive(Debug, Clone)]
pub struct Actor {
    /// As [`AuditEntry::actor`] has it.
    pub name: String,
    /// The address of the request.
    pub address: String,
}

impl Actor {
    /// Somebody who asks.
    #[must_use]
    pub fn of(principal: &Principal, address: &str) -> Self {
        Self { name: principal.actor(), address: address.to_owned() }
    }

    /// Somebody who has not proved who they are.
    #[must_use]
    pub fn unknown(address: &str) -> Self {
        Self { name: "unknown".to_owned(), address: address.to_owned() }
    }

    /// The service itself.
    #[must_use]
    pub fn system() -> Self {
        Self { name: "system".to_owned(), address: String::new() }
    }
}

impl Service {
    /// Appends to the audit log what was done. What cannot be written there is written to the program's log: what was done is done.
    pub fn audit(&self, actor: &Actor, org: Option<&OrgSlug>, action: &str, target: &str, detail: &str) {
        let entry = NewAuditEntry {
            time: now(),
            org,
            actor: cut(&actor.name),
            action,
            target: cut(target),
            address: cut(&actor.address),
            detail: cut(detail),
        };
        if let Err(error) = self.control.append_audit(&entry) {
            tracing::error!(?entry, %error, "the audit log cannot be written");
        }
    }

    /// Entries of an organisation, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn audit_log(&self, scope: &TenantScope, window: Window) -> Result<Vec<AuditEntry>, AppError> {
        Ok(self.control.audit(scope, window)?)
    }

    /// Entries of the whole service, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn audit_log_of_service(&self, window: Window) -> Result<Vec<AuditEntry>, AppError> {
        Ok(self.control.audit_of_service(window)?)
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
