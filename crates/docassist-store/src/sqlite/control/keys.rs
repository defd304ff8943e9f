//! API keys.

use docassist_model::{ApiKey, OrgSlug, Timestamp, UserId};
use rusqlite::{Connection, Row, Transaction};

use super::rows;
use crate::sqlite::columns;
use crate::sqlite::fault::{Fault, Inner};

/// Seconds to which the last use of a key is noted: a busy key is written once a minute.
const TOUCH_STEP: i64 = 60;

fn read(row: &Row<'_>) -> Inner<ApiKey> {
    let scope = columns::text(row, 4)?;
    Ok(ApiKey {
        id: columns::text(row, 0)?.to_owned(),
        org: columns::org(row, 1)?,
        user: UserId(columns::number(row, 2)?),
        name: columns::text(row, 3)?.to_owned(),
        scope: scope.parse().map_err(|_| Fault::Malformed(format!("role `{scope}`")))?,
        created: columns::time(row, 5)?,
        expires: columns::optional_time(row, 6)?,
        last_used: columns::optional_time(row, 7)?,
        revoked: columns::optional_time(row, 8)?,
    })
}

/// Keeps a key.
pub(super) fn create(transaction: &Transaction<'_>, key: &ApiKey, secret_hash: &[u8; 32]) -> Inner<()> {
    const SQL: &str = "INSERT INTO keys (id, secret_hash, org, user, name, scope, created, expires, last_used, revoked) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let parameters = (
        &key.id,
        secret_hash,
        key.org.as_str(),
        rows::user(key.user),
        &key.name,
        key.scope.as_str(),
        key.created.unix(),
        rows::time(key.expires),
        rows::time(key.last_used),
        rows::time(key.revoked),
    );
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// The key of that public part, with the hash of its secret.
pub(super) fn by_id(connection: &Connection, id: &str) -> Inner<Option<(ApiKey, [u8; 32])>> {
    const SQL: &str = "SELECT id, org, user, name, scope, created, expires, last_used, revoked, secret_hash \
         FROM keys WHERE id = ?1";
    rows::first(connection, SQL, [id], |row| {
        let hash = columns::blob(row, 9)?;
        let hash = hash.try_into().map_err(|_| Fault::Malformed(format!("a hash of {} bytes", hash.len())))?;
        Ok((read(row)?, hash))
    })
}

/// Keys of an organisation, newest first.
pub(super) fn of_org(connection: &Connection, org: &OrgSlug) -> Inner<Vec<ApiKey>> {
    const SQL: &str = "SELECT id, org, user, name, scope, created, expires, last_used, revoked FROM keys \
         WHERE org = ?1 ORDER BY created DESC, n DESC";
    rows::all(connection, SQL, [org.as_str()], read)
}

/// Revokes a key that is not revoked yet.
pub(super) fn revoke(transaction: &Transaction<'_>, org: &OrgSlug, id: &str, now: Timestamp) -> Inner<bool> {
    const SQL: &str = "UPDATE keys SET revoked = ?3 WHERE id = ?1 AND org = ?2 AND revoked IS NULL";
    rows::changes(transaction, SQL, (id, org.as_str(), now.unix()))
}

/// The minute that an instant is in.
fn minute(now: Timestamp) -> i64 {
    now.unix() - now.unix().rem_euclid(TOUCH_STEP)
}

/// Whether nothing is left to be noted about the use of a key now.
pub(super) fn is_touched(connection: &Connection, id: &str, now: Timestamp) -> Inner<bool> {
    const SQL: &str = "SELECT count(*) FROM keys WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)";
    Ok(rows::count(connection, SQL, (id, minute(now)))? == 0)
}

/// Notes that a key was used. A time that is later already stays: processes note it in any order.
pub(super) fn touch(transaction: &Transaction<'_>, id: &str, now: Timestamp) -> Inner<()> {
    const SQL: &str = "UPDATE keys SET last_used = ?2 WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)";
    rows::execute(transaction, SQL, (id, minute(now)))?;
    Ok(())
}
