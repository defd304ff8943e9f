//! Organisations, users and memberships.

use docassist_model::{Member, Membership, OrgSlug, Organisation, Role, User, UserId};
use postgres::{Client, Row, Transaction};

use super::rows::{self, parameters};
use super::sessions;
use crate::NewUser;
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text::stored;

fn read_org(row: &Row) -> Inner<Organisation> {
    Ok(Organisation { slug: rows::org(row, 0)?, name: rows::string(row, 1)?, created: rows::time(row, 2)? })
}

/// Makes an organisation unless the slug is taken.
pub(super) fn create_org(transaction: &mut Transaction<'_>, org: &Organisation) -> Inner<bool> {
    // The number that was given last, not the highest that can be seen: an entry of the earlier organisation may be on its
    // way.
    const SQL: &str = "INSERT INTO orgs (slug, name, created, audit_after) \
         VALUES ($1, $2, $3, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit_id_seq)) \
         ON CONFLICT DO NOTHING";
    let parameters = parameters![org.slug.as_str() => TEXT, stored(&org.name) => TEXT, org.created.unix() => INT8];
    rows::changes(transaction, SQL, parameters)
}

/// The organisation of that slug.
pub(super) fn org(client: &mut Client, slug: &OrgSlug) -> Inner<Option<Organisation>> {
    const SQL: &str = "SELECT slug, name, created FROM orgs WHERE slug = $1";
    rows::first(client, SQL, parameters![slug.as_str() => TEXT], read_org)
}

/// Organisations in the order of their slugs.
pub(super) fn orgs(client: &mut Client, after: Option<&OrgSlug>, limit: usize) -> Inner<Vec<Organisation>> {
    // No slug is empty.
    const SQL: &str = "SELECT slug, name, created FROM orgs WHERE slug > $1 ORDER BY slug LIMIT $2";
    let after = after.map_or("", OrgSlug::as_str);
    rows::all(client, SQL, parameters![after => TEXT, rows::limit(limit) => INT8], read_org)
}

fn read_user(row: &Row) -> Inner<User> {
    Ok(User {
        id: UserId(rows::read_number(row, 0)?),
        email: rows::string(row, 1)?,
        name: rows::string(row, 2)?,
        operator: rows::flag(row, 3)?,
        disabled: rows::flag(row, 4)?,
        created: rows::time(row, 5)?,
    })
}

/// Makes a user unless the address is taken.
pub(super) fn create_user(transaction: &mut Transaction<'_>, user: &NewUser<'_>) -> Inner<Option<UserId>> {
    const SQL: &str = "INSERT INTO users (email, name, password_hash, operator, created) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (email) DO NOTHING RETURNING id";
    let email = user.email.to_lowercase();
    let parameters = parameters![
        stored(&email) => TEXT,
        stored(user.name) => TEXT,
        stored(user.password_hash) => TEXT,
        user.operator => BOOL,
        user.created.unix() => INT8,
    ];
    rows::first(transaction, SQL, parameters, |row| rows::read_number(row, 0).map(UserId))
}

/// The user of that number.
pub(super) fn user(client: &mut Client, id: UserId) -> Inner<Option<User>> {
    const SQL: &str = "SELECT id, email, name, operator, disabled, created FROM users WHERE id = $1";
    rows::first(client, SQL, parameters![rows::user(id) => INT8], read_user)
}

/// The user of that address, with the password's hash.
pub(super) fn user_by_email(client: &mut Client, email: &str) -> Inner<Option<(User, String)>> {
    const SQL: &str = "SELECT id, email, name, operator, disabled, created, password_hash FROM users WHERE email = $1";
    let email = email.to_lowercase();
    rows::first(client, SQL, parameters![stored(&email) => TEXT], |row| Ok((read_user(row)?, rows::string(row, 6)?)))
}

/// Users in the order of their numbers.
pub(super) fn users(client: &mut Client, after: Option<UserId>, limit: usize) -> Inner<Vec<User>> {
    const SQL: &str = "SELECT id, email, name, operator, disabled, created FROM users WHERE id > $1 \
         ORDER BY id LIMIT $2";
    let after = after.map_or(i64::MIN, rows::user);
    rows::all(client, SQL, parameters![after => INT8, rows::limit(limit) => INT8], read_user)
}

/// Sets a password's hash and ends the user's sessions.
pub(super) fn set_password(transaction: &mut Transaction<'_>, id: UserId, hash: &str) -> Inner<bool> {
    const SQL: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";
    // The user first: whoever begins a session meanwhile waits, or is waited for and its session is ended.
    let found = rows::changes(transaction, SQL, parameters![rows::user(id) => INT8, stored(hash) => TEXT])?;
    sessions::end_all(transaction, id)?;
    Ok(found)
}

/// Disables a user, and ends the sessions, or enables one.
pub(super) fn set_disabled(transaction: &mut Transaction<'_>, id: UserId, disabled: bool) -> Inner<bool> {
    const SQL: &str = "UPDATE users SET disabled = $2 WHERE id = $1";
    // The user first, as above.
    let found = rows::changes(transaction, SQL, parameters![rows::user(id) => INT8, disabled => BOOL])?;
    if disabled {
        sessions::end_all(transaction, id)?;
    }
    Ok(found)
}

fn read_role(row: &Row, index: usize) -> Inner<Role> {
    let role = rows::plain(row, index)?;
    role.parse().map_err(|_| Fault::Malformed(format!("role `{role}`")))
}

/// Makes a user a member, or changes the role.
pub(super) fn set_member(transaction: &mut Transaction<'_>, org: &OrgSlug, user: UserId, role: Role) -> Inner<()> {
    const SQL: &str = "INSERT INTO members (org, user_id, role) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id, org) DO UPDATE SET role = excluded.role";
    rows::execute(
        transaction,
        SQL,
        parameters![org.as_str() => TEXT, rows::user(user) => INT8, role.as_str() => TEXT],
    )?;
    Ok(())
}

/// Ends a membership, and the member's keys and conversations with it.
pub(super) fn remove_member(transaction: &mut Transaction<'_>, org: &OrgSlug, user: UserId) -> Inner<bool> {
    let parameters = parameters![org.as_str() => TEXT, rows::user(user) => INT8];
    if !rows::changes(transaction, "DELETE FROM members WHERE org = $1 AND user_id = $2", parameters)? {
        return Ok(false);
    }
    rows::execute(transaction, "DELETE FROM keys WHERE org = $1 AND user_id = $2", parameters)?;
    rows::execute(transaction, "DELETE FROM conversations WHERE org = $1 AND user_id = $2", parameters)?;
    Ok(true)
}

/// Members in the order of their addresses.
pub(super) fn members(client: &mut Client, org: &OrgSlug) -> Inner<Vec<Member>> {
    const SQL: &str = "SELECT users.id, email, name, role, disabled FROM members JOIN users ON users.id = user_id \
         WHERE org = $1 ORDER BY email";
    rows::all(client, SQL, parameters![org.as_str() => TEXT], |row| {
        Ok(Member {
            user: UserId(rows::read_number(row, 0)?),
            email: rows::string(row, 1)?,
            name: rows::string(row, 2)?,
            role: read_role(row, 3)?,
            disabled: rows::flag(row, 4)?,
        })
    })
}

/// A user's memberships in the order of the organisations' slugs.
pub(super) fn memberships(client: &mut Client, user: UserId) -> Inner<Vec<Membership>> {
    const SQL: &str = "SELECT org, role FROM members WHERE user_id = $1 ORDER BY org";
    rows::all(client, SQL, parameters![rows::user(user) => INT8], |row| {
        Ok(Membership { org: rows::org(row, 0)?, role: read_role(row, 1)? })
    })
}
