//! Questions and answers that go by a name.

use docassist_model::{OrgSlug, UserId};
use rusqlite::{Connection, Transaction};

use super::rows;
use crate::control::{CONVERSATIONS, TURNS};
use crate::sqlite::columns;
use crate::sqlite::fault::Inner;
use crate::{ConversationHead, ConversationTurn, StoreError};

/// A user's number as a parameter. 0 is nobody's: it stands for whoever has the data directory.
fn owner(user: Option<UserId>) -> i64 {
    user.map_or(0, rows::user)
}

/// The number of a conversation.
fn find(connection: &Connection, org: &OrgSlug, user: Option<UserId>, name: &str) -> Inner<Option<i64>> {
    const SQL: &str = "SELECT n FROM conversations WHERE org = ?1 AND ifnull(user, 0) = ?2 AND name = ?3";
    rows::first(connection, SQL, (org.as_str(), owner(user), name), |row| columns::integer(row, 0))
}

/// Appends a turn, and removes what is too old.
pub(super) fn add_turn(
    transaction: &Transaction<'_>,
    org: &OrgSlug,
    user: Option<UserId>,
    name: &str,
    turn: &ConversationTurn,
) -> Inner<()> {
    const KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM orgs WHERE slug = ?1)";
    const BEGIN: &str = "INSERT INTO conversations (org, user, name, latest) VALUES (?1, ?2, ?3, 0) RETURNING n";
    const ADD: &str = "INSERT INTO turns (conversation, question, answer, asked) VALUES (?1, ?2, ?3, ?4) RETURNING n";
    const MOVE: &str = "UPDATE conversations SET latest = ?2 WHERE n = ?1";
    const TRIM: &str = "DELETE FROM turns WHERE conversation = ?1 AND n <= \
         (SELECT n FROM turns WHERE conversation = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?2)";
    const FORGET: &str = "DELETE FROM conversations WHERE org = ?1 AND ifnull(user, 0) = ?2 AND latest <= \
         (SELECT latest FROM conversations WHERE org = ?1 AND ifnull(user, 0) = ?2 \
          ORDER BY latest DESC LIMIT 1 OFFSET ?3)";
    if user.is_some() && rows::count(transaction, KNOWN, [org.as_str()])? == 0 {
        return Err(StoreError::UnknownOwner.into());
    }
    let conversation = match find(transaction, org, user, name)? {
        Some(conversation) => conversation,
        None => {
            let user = user.map(rows::user);
            rows::one(transaction, BEGIN, (org.as_str(), user, name), |row| columns::integer(row, 0))?
        }
    };
    let parameters = (conversation, &turn.question, &turn.answer, turn.asked.unix());
    let latest: i64 = rows::one(transaction, ADD, parameters, |row| columns::integer(row, 0))?;
    rows::execute(transaction, MOVE, (conversation, latest))?;
    rows::execute(transaction, TRIM, (conversation, rows::limit(TURNS)))?;
    rows::execute(transaction, FORGET, (org.as_str(), owner(user), rows::limit(CONVERSATIONS)))?;
    Ok(())
}

/// The newest turns of a conversation, oldest first.
pub(super) fn turns(
    connection: &Connection,
    org: &OrgSlug,
    user: Option<UserId>,
    name: &str,
    newest: usize,
) -> Inner<Vec<ConversationTurn>> {
    const SQL: &str = "SELECT question, answer, asked FROM turns WHERE conversation = \
         (SELECT n FROM conversations WHERE org = ?1 AND ifnull(user, 0) = ?2 AND name = ?3) ORDER BY n DESC LIMIT ?4";
    let parameters = (org.as_str(), owner(user), name, rows::limit(newest));
    let mut turns = rows::all(connection, SQL, parameters, |row| {
        Ok(ConversationTurn {
            question: columns::text(row, 0)?.to_owned(),
            answer: columns::text(row, 1)?.to_owned(),
            asked: columns::time(row, 2)?,
        })
    })?;
    turns.reverse();
    Ok(turns)
}

/// The conversations of a user, newest first.
pub(super) fn list(connection: &Connection, org: &OrgSlug, user: Option<UserId>) -> Inner<Vec<ConversationHead>> {
    const SQL: &str = "SELECT name, (SELECT count(*) FROM turns WHERE conversation = conversations.n), asked \
         FROM conversations JOIN turns ON turns.n = latest WHERE org = ?1 AND ifnull(user, 0) = ?2 ORDER BY latest DESC";
    rows::all(connection, SQL, (org.as_str(), owner(user)), |row| {
        Ok(ConversationHead {
            name: columns::text(row, 0)?.to_owned(),
            turns: columns::number(row, 1)?,
            updated: columns::time(row, 2)?,
        })
    })
}

/// Removes a conversation.
pub(super) fn remove(transaction: &Transaction<'_>, org: &OrgSlug, user: Option<UserId>, name: &str) -> Inner<bool> {
    const SQL: &str = "DELETE FROM conversations WHERE org = ?1 AND ifnull(user, 0) = ?2 AND name = ?3";
    rows::changes(transaction, SQL, (org.as_str(), owner(user), name))
}

/// Removes all conversations about an organisation.
pub(super) fn remove_of_org(transaction: &Transaction<'_>, org: &OrgSlug) -> Inner<()> {
    rows::execute(transaction, "DELETE FROM conversations WHERE org = ?1", [org.as_str()])?;
    Ok(())
}
