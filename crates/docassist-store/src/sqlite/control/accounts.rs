//! Organisations, users and memberships.

use docassist_model::{Member, Membership, OrgSlug, Organisation, Role, User, UserId};
use rusqlite::{Connection, Row, Transaction};

use super::{rows, sessions};
use crate::NewUser;
use crate::sqlite::columns;
use crate::sqlite::fault::{Fault, Inner};

fn read_org(row: &Row<'_>) -> Inner<Organisation> {
    Ok(Organisation {
        slug: columns::org(row, 0)?,
        name: columns::text(row, 1)?.to_owned(),
        created: columns::time(row, 2)?,
    })
}

/// Makes an organisation unless the slug is taken.
pub(super) fn create_org(transaction: &Transaction<'_>, org: &Organisation) -> Inner<bool> {
    const SQL: &str = "INSERT INTO orgs (slug, name, created, audit_after) \
         VALUES (?1, ?2, ?3, (SELECT ifnull(max(id), 0) FROM audit)) ON CONFLICT DO NOTHING";
    rows::changes(transaction, SQL, (org.slug.as_str(), &org.name, org.created.unix()))
}

/// The organisation of that slug.
pub(super) fn org(connection: &Connection, slug: &OrgSlug) -> Inner<Option<Organisation>> {
    const SQL: &str = "SELECT slug, name, created FROM orgs WHERE slug = ?1";
    rows::first(connection, SQL, [slug.as_str()], read_org)
}

/// Organisations in the order of their slugs.
pub(super) fn orgs(connection: &Connection, after: Option<&OrgSlug>, limit: usize) -> Inner<Vec<Organisation>> {
    // No slug is empty.
    const SQL: &str = "SELECT slug, name, created FROM orgs WHERE slug > ?1 ORDER BY slug LIMIT ?2";
    let after = after.map_or("", OrgSlug::as_str);
    rows::all(connection, SQL, (after, rows::limit(limit)), read_org)
}

fn read_user(row: &Row<'_>) -> Inner<User> {
    Ok(User {
        id: UserId(columns::number(row, 0)?),
        email: columns::text(row, 1)?.to_owned(),
        name: columns::text(row, 2)?.to_owned(),
        operator: columns::flag(row, 3)?,
        disabled: columns::flag(row, 4)?,
        created: columns::time(row, 5)?,
    })
}

/// Makes a user unless the address is taken.
pub(super) fn create_user(transaction: &Transaction<'_>, user: &NewUser<'_>) -> Inner<Option<UserId>> {
    const SQL: &str = "INSERT INTO users (email, name, password_hash, operator, created) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (email) DO NOTHING RETURNING id";
    let parameters = (user.email.to_lowercase(), user.name, user.password_hash, user.operator, user.created.unix());
    rows::first(transaction, SQL, parameters, |row| columns::number(row, 0).map(UserId))
}

/// The user of that number.
pub(super) fn user(connection: &Connection, id: UserId) -> Inner<Option<User>> {
    const SQL: &str = "SELECT id, email, name, operator, disabled, created FROM users WHERE id = ?1";
    rows::first(connection, SQL, [rows::user(id)], read_user)
}

/// The user of that address, with the password's hash.
pub(super) fn user_by_email(connection: &Connection, email: &str) -> Inner<Option<(User, String)>> {
    const SQL: &str = "SELECT id, email, name, operator, disabled, created, password_hash FROM users WHERE email = ?1";
    rows::first(connection, SQL, [email.to_lowercase()], |row| Ok((read_user(row)?, columns::text(row, 6)?.to_owned())))
}

/// Users in the order of their numbers.
pub(super) fn users(connection: &Connection, after: Option<UserId>, limit: usize) -> Inner<Vec<User>> {
    const SQL: &str = "SELECT id, email, name, operator, disabled, created FROM users WHERE id > ?1 \
         ORDER BY id LIMIT ?2";
    rows::all(connection, SQL, (after.map_or(i64::MIN, rows::user), rows::limit(limit)), read_user)
}

/// Sets a password's hash and ends the user's sessions.
pub(super) fn set_password(transaction: &Transaction<'_>, id: UserId, hash: &str) -> Inner<bool> {
    const SQL: &str = "UPDATE users SET password_hash = ?2 WHERE id = ?1";
    sessions::end_all(transaction, id)?;
    rows::changes(transaction, SQL, (rows::user(id), hash))
}

/// Disables a user, and ends the sessions, or enables one.
pub(super) fn set_disabled(transaction: &Transaction<'_>, id: UserId, disabled: bool) -> Inner<bool> {
    const SQL: &str = "UPDATE users SET disabled = ?2 WHERE id = ?1";
    if disabled {
        sessions::end_all(transaction, id)?;
    }
    rows::changes(transaction, SQL, (rows::user(id), disabled))
}

fn read_role(row: &Row<'_>, index: usize) -> Inner<Role> {
    let role = columns::text(row, index)?;
    role.parse().map_err(|_| Fault::Malformed(format!("role `{role}`")))
}

/// Makes a user a member, or changes the role.
pub(super) fn set_member(transaction: &Transaction<'_>, org: &OrgSlug, user: UserId, role: Role) -> Inner<()> {
    const SQL: &str = "INSERT INTO members (org, user, role) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user, org) DO UPDATE SET role = excluded.role";
    rows::execute(transaction, SQL, (org.as_str(), rows::user(user), role.as_str()))?;
    Ok(())
}

/// Ends a membership, and the member's keys and conversations with it.
pub(super) fn remove_member(transaction: &Transaction<'_>, org: &OrgSlug, user: UserId) -> Inner<bool> {
    let parameters = (org.as_str(), rows::user(user));
    if !rows::changes(transaction, "DELETE FROM members WHERE org = ?1 AND user = ?2", parameters)? {
        return Ok(false);
    }
    for sql in
        ["DELETE FROM keys WHERE org = ?1 AND user = ?2", "DELETE FROM conversations WHERE org = ?1 AND user = ?2"]
    {
        rows::execute(transaction, sql, parameters)?;
    }
    Ok(true)
}

/// Members in the order of their addresses.
pub(super) fn members(connection: &Connection, org: &OrgSlug) -> Inner<Vec<Member>> {
    const SQL: &str = "SELECT users.id, email, name, role, disabled FROM members JOIN users ON users.id = user \
         WHERE org = ?1 ORDER BY email";
    rows::all(connection, SQL, [org.as_str()], |row| {
        Ok(Member {
            user: UserId(columns::number(row, 0)?),
            email: columns::text(row, 1)?.to_owned(),
            name: columns::text(row, 2)?.to_owned(),
            role: read_role(row, 3)?,
            disabled: columns::flag(row, 4)?,
        })
    })
}

/// A user's memberships in the order of the organisations' slugs.
pub(super) fn memberships(connection: &Connection, user: UserId) -> Inner<Vec<Membership>> {
    const SQL: &str = "SELECT org, role FROM members WHERE user = ?1 ORDER BY org";
    rows::all(connection, SQL, [rows::user(user)], |row| {
        Ok(Membership { org: columns::org(row, 0)?, role: read_role(row, 1)? })
    })
}
