//! Questions and answers that go by a name.

use docassist_model::{OrgSlug, UserId};
use postgres::{Client, Transaction};

use super::rows::{self, parameters};
use crate::control::{CONVERSATIONS, TURNS};
use crate::derived::{self, Hash};
use crate::postgres::fault::Inner;
use crate::postgres::text::stored;
use crate::{ConversationHead, ConversationTurn, StoreError};

/// A user's number as a parameter. 0 is nobody's: it stands for whoever has the database's password.
fn owner(user: Option<UserId>) -> i64 {
    user.map_or(0, rows::user)
}

/// What stands for a name in an index.
fn hash(name: &str) -> Hash {
    derived::hash(&[name.as_bytes()])
}

/// Appends a turn, and removes what is too old.
pub(super) fn add_turn(
    transaction: &mut Transaction<'_>,
    org: &OrgSlug,
    user: Option<UserId>,
    name: &str,
    turn: &ConversationTurn,
) -> Inner<()> {
    // An organisation that is being removed waits for this one to end, and takes it along.
    const HOLD: &str = "SELECT slug FROM orgs WHERE slug = $1 FOR KEY SHARE";
    // Writes also where it is there: turns of one conversation come one after the other.
    const BEGIN: &str = "INSERT INTO conversations (org, user_id, hash, name, latest) VALUES ($1, $2, $3, $4, 0) \
         ON CONFLICT (org, coalesce(user_id, 0), hash) DO UPDATE SET name = excluded.name RETURNING n";
    const ADD: &str = "INSERT INTO turns (conversation, question, answer, asked) VALUES ($1, $2, $3, $4) RETURNING n";
    const MOVE: &str = "UPDATE conversations SET latest = $2 WHERE n = $1";
    const TRIM: &str = "DELETE FROM turns WHERE conversation = $1 AND n <= \
         (SELECT n FROM turns WHERE conversation = $1 ORDER BY n DESC LIMIT 1 OFFSET $2)";
    const FORGET: &str = "DELETE FROM conversations WHERE org = $1 AND coalesce(user_id, 0) = $2 AND latest <= \
         (SELECT latest FROM conversations WHERE org = $1 AND coalesce(user_id, 0) = $2 \
          ORDER BY latest DESC LIMIT 1 OFFSET $3)";
    let known = rows::first(transaction, HOLD, parameters![org.as_str() => TEXT], |_| Ok(()))?;
    if user.is_some() && known.is_none() {
        return Err(StoreError::UnknownOwner.into());
    }
    let hash = hash(name);
    let parameters = parameters![
        org.as_str() => TEXT,
        user.map(rows::user) => INT8,
        hash.as_slice() => BYTEA,
        stored(name) => TEXT,
    ];
    let conversation = rows::one(transaction, BEGIN, parameters, |row| rows::integer(row, 0))?;
    let parameters = parameters![
        conversation => INT8,
        stored(&turn.question) => TEXT,
        stored(&turn.answer) => TEXT,
        turn.asked.unix() => INT8,
    ];
    let latest = rows::one(transaction, ADD, parameters, |row| rows::integer(row, 0))?;
    rows::execute(transaction, MOVE, parameters![conversation => INT8, latest => INT8])?;
    rows::execute(transaction, TRIM, parameters![conversation => INT8, rows::limit(TURNS) => INT8])?;
    let parameters = parameters![org.as_str() => TEXT, owner(user) => INT8, rows::limit(CONVERSATIONS) => INT8];
    rows::execute(transaction, FORGET, parameters)?;
    Ok(())
}

/// The newest turns of a conversation, oldest first.
pub(super) fn turns(
    client: &mut Client,
    org: &OrgSlug,
    user: Option<UserId>,
    name: &str,
    newest: usize,
) -> Inner<Vec<ConversationTurn>> {
    const SQL: &str = "SELECT question, answer, asked FROM turns WHERE conversation = \
         (SELECT n FROM conversations WHERE org = $1 AND coalesce(user_id, 0) = $2 AND hash = $3) \
         ORDER BY n DESC LIMIT $4";
    let hash = hash(name);
    let parameters = parameters![
        org.as_str() => TEXT,
        owner(user) => INT8,
        hash.as_slice() => BYTEA,
        rows::limit(newest) => INT8,
    ];
    let mut turns = rows::all(client, SQL, parameters, |row| {
        Ok(ConversationTurn {
            question: rows::string(row, 0)?,
            answer: rows::string(row, 1)?,
            asked: rows::time(row, 2)?,
        })
    })?;
    turns.reverse();
    Ok(turns)
}

/// The conversations of a user, newest first.
pub(super) fn list(client: &mut Client, org: &OrgSlug, user: Option<UserId>) -> Inner<Vec<ConversationHead>> {
    const SQL: &str = "SELECT name, (SELECT count(*) FROM turns WHERE conversation = conversations.n), asked \
         FROM conversations JOIN turns ON turns.n = latest WHERE org = $1 AND coalesce(user_id, 0) = $2 \
         ORDER BY latest DESC";
    rows::all(client, SQL, parameters![org.as_str() => TEXT, owner(user) => INT8], |row| {
        Ok(ConversationHead {
            name: rows::string(row, 0)?,
            turns: rows::read_number(row, 1)?,
            updated: rows::time(row, 2)?,
        })
    })
}

/// Removes a conversation.
pub(super) fn remove(
    transaction: &mut Transaction<'_>,
    org: &OrgSlug,
    user: Option<UserId>,
    name: &str,
) -> Inner<bool> {
    const SQL: &str = "DELETE FROM conversations WHERE org = $1 AND coalesce(user_id, 0) = $2 AND hash = $3";
    let hash = hash(name);
    let parameters = parameters![
        org.as_str() => TEXT,
        owner(user) => INT8,
        hash.as_slice() => BYTEA,
    ];
    rows::changes(transaction, SQL, parameters)
}

/// Removes all conversations about an organisation.
pub(super) fn remove_of_org(transaction: &mut Transaction<'_>, org: &OrgSlug) -> Inner<()> {
    rows::execute(transaction, "DELETE FROM conversations WHERE org = $1", parameters![org.as_str() => TEXT])?;
    Ok(())
}
