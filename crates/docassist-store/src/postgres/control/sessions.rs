//! Sessions and their refresh tokens.
//!
//! A session's row is locked by whoever adds, uses or ends something of it, so that of two who hand in the same token the
//! second one sees what the first one did. Rows are locked in the order users, sessions, tokens, and sessions in that of
//! their numbers: nobody waits for each other.

use docassist_model::{Timestamp, UserId};
use postgres::Transaction;

use super::rows::{self, parameters};
use crate::postgres::fault::Inner;
use crate::{NewToken, Rotation, StoreError};

fn insert_token(transaction: &mut Transaction<'_>, session: i64, token: NewToken<'_>) -> Inner<()> {
    const SQL: &str = "INSERT INTO tokens (hash, session, expires) VALUES ($1, $2, $3)";
    let parameters = parameters![token.hash.as_slice() => BYTEA, session => INT8, token.expires.unix() => INT8];
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// Begins a session.
pub(super) fn begin(transaction: &mut Transaction<'_>, user: UserId, token: NewToken<'_>) -> Inner<()> {
    // Not for one who was disabled since the password was checked: nothing would end that session. Whoever disables the
    // user or sets another password at this moment waits for the lock and then finds the session, or is waited for.
    const SQL: &str = "WITH owner AS MATERIALIZED (SELECT id FROM users WHERE id = $1 AND NOT disabled FOR SHARE) \
         INSERT INTO sessions (user_id) SELECT id FROM owner RETURNING id";
    let session = rows::first(transaction, SQL, parameters![rows::user(user) => INT8], |row| rows::integer(row, 0))?;
    insert_token(transaction, session.ok_or(StoreError::UnknownOwner)?, token)
}

/// Hands in a token for the next one.
pub(super) fn rotate(transaction: &mut Transaction<'_>, old: &[u8; 32], next: NewToken<'_>) -> Inner<Rotation> {
    const LOCK: &str = "SELECT sessions.id, users.id FROM sessions JOIN users ON users.id = user_id \
         WHERE sessions.id = (SELECT session FROM tokens WHERE hash = $1) AND NOT disabled \
         FOR NO KEY UPDATE OF sessions";
    // After the lock was taken, so that it sees what whoever held it before has done.
    const TOKEN: &str = "SELECT used FROM tokens WHERE hash = $1 AND expires > $2";
    let locked = rows::first(transaction, LOCK, parameters![old.as_slice() => BYTEA], |row| {
        Ok((rows::integer(row, 0)?, UserId(rows::read_number(row, 1)?)))
    })?;
    let Some((session, user)) = locked else { return Ok(Rotation::Refused) };
    let token = parameters![old.as_slice() => BYTEA, next.now.unix() => INT8];
    let Some(used) = rows::first(transaction, TOKEN, token, |row| rows::flag(row, 0))? else {
        return Ok(Rotation::Refused);
    };
    if used {
        rows::execute(transaction, "DELETE FROM sessions WHERE id = $1", parameters![session => INT8])?;
        return Ok(Rotation::Reused(user));
    }
    rows::execute(transaction, "UPDATE tokens SET used = true WHERE hash = $1", parameters![old.as_slice() => BYTEA])?;
    insert_token(transaction, session, next)?;
    Ok(Rotation::Rotated(user))
}

/// Ends the session of a token.
pub(super) fn end(transaction: &mut Transaction<'_>, token: &[u8; 32]) -> Inner<bool> {
    const SQL: &str = "DELETE FROM sessions WHERE id = (SELECT session FROM tokens WHERE hash = $1)";
    rows::changes(transaction, SQL, parameters![token.as_slice() => BYTEA])
}

/// Ends all sessions of a user.
pub(super) fn end_all(transaction: &mut Transaction<'_>, user: UserId) -> Inner<()> {
    const SQL: &str = "WITH ending AS MATERIALIZED (\
         SELECT id AS session FROM sessions WHERE user_id = $1 ORDER BY id FOR UPDATE) \
         DELETE FROM sessions USING ending WHERE id = session";
    rows::execute(transaction, SQL, parameters![rows::user(user) => INT8])?;
    Ok(())
}

/// Forgets tokens that ended.
pub(super) fn purge_tokens(transaction: &mut Transaction<'_>, before: Timestamp) -> Inner<u64> {
    // Those that another transaction is ending with their sessions are left to it.
    const SQL: &str = "WITH ended AS MATERIALIZED (\
         SELECT hash AS token FROM tokens WHERE expires < $1 FOR UPDATE SKIP LOCKED) \
         DELETE FROM tokens USING ended WHERE hash = token";
    rows::execute(transaction, SQL, parameters![before.unix() => INT8])
}

/// Forgets sessions that have no token left. In a transaction of its own: sessions are locked before their tokens.
pub(super) fn purge_sessions(transaction: &mut Transaction<'_>) -> Inner<()> {
    const SQL: &str = "WITH empty AS MATERIALIZED (\
         SELECT id AS session FROM sessions WHERE NOT EXISTS (SELECT FROM tokens WHERE tokens.session = sessions.id) \
         FOR UPDATE SKIP LOCKED) \
         DELETE FROM sessions USING empty WHERE id = session";
    rows::execute(transaction, SQL, &[])?;
    Ok(())
}
