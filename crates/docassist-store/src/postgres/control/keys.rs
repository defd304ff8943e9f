//! API keys.

use docassist_model::{ApiKey, OrgSlug, Timestamp, UserId};
use postgres::{Client, Row, Transaction};

use super::rows::{self, parameters};
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text::stored;

/// Seconds to which the last use of a key is noted: a busy key is written once a minute.
const TOUCH_STEP: i64 = 60;

fn read(row: &Row) -> Inner<ApiKey> {
    let scope = rows::plain(row, 4)?;
    Ok(ApiKey {
        id: rows::string(row, 0)?,
        org: rows::org(row, 1)?,
        user: UserId(rows::read_number(row, 2)?),
        name: rows::string(row, 3)?,
        scope: scope.parse().map_err(|_| Fault::Malformed(format!("role `{scope}`")))?,
        created: rows::time(row, 5)?,
        expires: rows::optional_time(row, 6)?,
        last_used: rows::optional_time(row, 7)?,
        revoked: rows::optional_time(row, 8)?,
    })
}

/// Keeps a key.
pub(super) fn create(transaction: &mut Transaction<'_>, key: &ApiKey, secret_hash: &[u8; 32]) -> Inner<()> {
    const SQL: &str = "INSERT INTO keys \
         (id, secret_hash, org, user_id, name, scope, created, expires, last_used, revoked) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let parameters = parameters![
        stored(&key.id) => TEXT,
        secret_hash.as_slice() => BYTEA,
        key.org.as_str() => TEXT,
        rows::user(key.user) => INT8,
        stored(&key.name) => TEXT,
        key.scope.as_str() => TEXT,
        key.created.unix() => INT8,
        rows::instant(key.expires) => INT8,
        rows::instant(key.last_used) => INT8,
        rows::instant(key.revoked) => INT8,
    ];
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// The key of that public part, with the hash of its secret.
pub(super) fn by_id(client: &mut Client, id: &str) -> Inner<Option<(ApiKey, [u8; 32])>> {
    const SQL: &str = "SELECT id, org, user_id, name, scope, created, expires, last_used, revoked, secret_hash \
         FROM keys WHERE id = $1";
    rows::first(client, SQL, parameters![stored(id) => TEXT], |row| {
        let hash: &[u8] = row.try_get(9)?;
        let hash = hash.try_into().map_err(|_| Fault::Malformed(format!("a hash of {} bytes", hash.len())))?;
        Ok((read(row)?, hash))
    })
}

/// Keys of an organisation, newest first.
pub(super) fn of_org(client: &mut Client, org: &OrgSlug) -> Inner<Vec<ApiKey>> {
    const SQL: &str = "SELECT id, org, user_id, name, scope, created, expires, last_used, revoked FROM keys \
         WHERE org = $1 ORDER BY created DESC, n DESC";
    rows::all(client, SQL, parameters![org.as_str() => TEXT], read)
}

/// Revokes a key that is not revoked yet.
pub(super) fn revoke(transaction: &mut Transaction<'_>, org: &OrgSlug, id: &str, now: Timestamp) -> Inner<bool> {
    const SQL: &str = "UPDATE keys SET revoked = $3 WHERE id = $1 AND org = $2 AND revoked IS NULL";
    let parameters = parameters![stored(id) => TEXT, org.as_str() => TEXT, now.unix() => INT8];
    rows::changes(transaction, SQL, parameters)
}

/// The minute that an instant is in.
fn minute(now: Timestamp) -> i64 {
    now.unix() - now.unix().rem_euclid(TOUCH_STEP)
}

/// Whether nothing is left to be noted about the use of a key now.
pub(super) fn is_touched(client: &mut Client, id: &str, now: Timestamp) -> Inner<bool> {
    const SQL: &str = "SELECT NOT EXISTS (SELECT FROM keys WHERE id = $1 AND (last_used IS NULL OR last_used < $2))";
    rows::holds(client, SQL, parameters![stored(id) => TEXT, minute(now) => INT8])
}

/// Notes that a key was used. A time that is later already stays: processes note it in any order. Where another one is
/// just noting it, nothing is left to do, and no request waits.
pub(super) fn touch(transaction: &mut Transaction<'_>, id: &str, now: Timestamp) -> Inner<()> {
    const SQL: &str = "UPDATE keys SET last_used = $2 WHERE n = (SELECT n FROM keys \
         WHERE id = $1 AND (last_used IS NULL OR last_used < $2) FOR NO KEY UPDATE SKIP LOCKED)";
    rows::execute(transaction, SQL, parameters![stored(id) => TEXT, minute(now) => INT8])?;
    Ok(())
}
