//! Sessions and their refresh tokens.

use docassist_model::{Timestamp, UserId};
use rusqlite::Transaction;

use super::rows;
use crate::sqlite::columns;
use crate::sqlite::fault::Inner;
use crate::{NewToken, Rotation, StoreError};

fn insert_token(transaction: &Transaction<'_>, session: i64, token: NewToken<'_>) -> Inner<()> {
    const SQL: &str = "INSERT INTO tokens (hash, session, expires) VALUES (?1, ?2, ?3)";
    rows::execute(transaction, SQL, (token.hash, session, token.expires.unix()))?;
    Ok(())
}

/// Begins a session.
pub(super) fn begin(transaction: &Transaction<'_>, user: UserId, token: NewToken<'_>) -> Inner<()> {
    // Not for one who was disabled since the password was checked: nothing would end that session.
    const SQL: &str = "INSERT INTO sessions (user) SELECT id FROM users WHERE id = ?1 AND NOT disabled RETURNING id";
    let session = rows::first(transaction, SQL, [rows::user(user)], |row| columns::integer(row, 0))?;
    insert_token(transaction, session.ok_or(StoreError::UnknownOwner)?, token)
}

/// Hands in a token for the next one.
pub(super) fn rotate(transaction: &Transaction<'_>, old: &[u8; 32], next: NewToken<'_>) -> Inner<Rotation> {
    const SQL: &str = "SELECT session, used, user FROM tokens JOIN sessions ON sessions.id = session \
         JOIN users ON users.id = user WHERE hash = ?1 AND expires > ?2 AND NOT disabled";
    let found = rows::first(transaction, SQL, (old, next.now.unix()), |row| {
        Ok((columns::integer(row, 0)?, columns::flag(row, 1)?, UserId(columns::number(row, 2)?)))
    })?;
    let Some((session, used, user)) = found else { return Ok(Rotation::Refused) };
    if used {
        rows::execute(transaction, "DELETE FROM sessions WHERE id = ?1", [session])?;
        return Ok(Rotation::Reused(user));
    }
    rows::execute(transaction, "UPDATE tokens SET used = 1 WHERE hash = ?1", [old])?;
    insert_token(transaction, session, next)?;
    Ok(Rotation::Rotated(user))
}

/// Ends the session of a token.
pub(super) fn end(transaction: &Transaction<'_>, token: &[u8; 32]) -> Inner<bool> {
    const SQL: &str = "DELETE FROM sessions WHERE id = (SELECT session FROM tokens WHERE hash = ?1)";
    rows::changes(transaction, SQL, [token])
}

/// Ends all sessions of a user.
pub(super) fn end_all(transaction: &Transaction<'_>, user: UserId) -> Inner<()> {
    rows::execute(transaction, "DELETE FROM sessions WHERE user = ?1", [rows::user(user)])?;
    Ok(())
}

/// Forgets tokens that ended, and sessions that have no other.
pub(super) fn purge(transaction: &Transaction<'_>, before: Timestamp) -> Inner<u64> {
    let ended = rows::execute(transaction, "DELETE FROM tokens WHERE expires < ?1", [before.unix()])?;
    if ended > 0 {
        const EMPTY: &str =
            "DELETE FROM sessions WHERE NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.session = sessions.id)";
        rows::execute(transaction, EMPTY, [])?;
    }
    Ok(ended)
}
