//! Organisations.

use docassist_model::{ErrorCode, OrgSlug, Organisation, Role, TenantScope};

use super::Service;
use crate::accounts::Principal;
use crate::{AppError, now};

const LONGEST_NAME: usize = 200;

impl Service {
    /// Makes an organisation, whose admin is the one who asks.
    ///
    /// # Errors
    /// When the slug is taken or the name is not fit to print.
    pub fn create_org(&self, principal: &Principal, slug: &OrgSlug, name: &str) -> Result<Organisation, AppError> {
        let scope = TenantScope::unchecked(slug.clone(), "it is being made by an operator of the service");
        let org = self.make_org(&scope, name)?;
        self.control.set_member(&scope, principal.user().id, Role::Admin)?;
        self.accounts.forget();
        Ok(org)
    }

    pub(super) fn make_org(&self, scope: &TenantScope, name: &str) -> Result<Organisation, AppError> {
        let slug = scope.org();
        let name = Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or(slug.as_str());
        if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(AppError::new(ErrorCode::InvalidInput, "the name is too long, or has control characters"));
        }
        let org = Organisation { slug: slug.clone(), name: name.to_owned(), created: now() };
        if !self.control.create_org(&org)? {
            return Err(AppError::new(ErrorCode::Conflict, format!("there is an organisation `{slug}` already")));
        }
        Ok(org)
    }

    /// Removes an organisation with everything in it. Its audit entries stay.
    ///
    /// # Errors
    /// When there is none such, or a sync of it does not end in time.
    pub fn delete_org(&self, scope: &TenantScope) -> Result<(), AppError> {
        if self.control.org(scope.org())?.is_none() {
            return Err(AppError::new(ErrorCode::NotFound, format!("there is no organisation `{}`", scope.org())));
        }
        // What is searched goes first: nothing is found of an organisation that is being removed, and an index is made again where
        // the rest fails. Records come before the row: if they cannot go, the organisation is still there to be removed again.
        self.search.remove_org(scope)?;
        self.store.remove_org(scope)?;
        self.control.delete_org(scope)?;
        // Whoever searched in between has made a new one, of records that are gone now.
        if let Err(error) = self.search.remove_org(scope) {
            tracing::warn!(%error, "what a search left of a removed organisation stays until it is asked for again");
        }
        self.graphs.forget(scope);
        self.answers.clear(scope);
        self.accounts.forget();
        Ok(())
    }

    /// The organisations that the one who asks may see: an operator all of them, others their own. After `after`, by slug.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn orgs(
        &self,
        principal: &Principal,
        after: Option<&OrgSlug>,
        limit: usize,
    ) -> Result<(u64, Vec<Organisation>), AppError> {
        if principal.is_operator() {
            return Ok((self.control.org_count()?, self.control.orgs(after, limit)?));
        }
        let own: Vec<&OrgSlug> = match &principal.key {
            Some(key) => vec![&key.org],
            None => principal.standing.memberships.iter().map(|membership| &membership.org).collect(),
        };
        let mut orgs = Vec::new();
        for slug in own.iter().filter(|slug| after.is_none_or(|after| **slug > after)).take(limit) {
            orgs.extend(self.control.org(slug)?);
        }
        Ok((own.len() as u64, orgs))
    }
}
