//! Questions that belong together, kept for whoever asked them in an organisation.

use std::path::Path;
use std::sync::Arc;

use docassist_model::findings::Answer;
use docassist_model::findings::search::AskAnswer;
use docassist_model::{ErrorCode, TenantScope, UserId};
use docassist_search::answer::Turn;
use docassist_store::{ControlStore, ConversationHead, ConversationTurn};

use crate::ask::TURNS;
use crate::{AppError, Database};

/// Conversations of all users.
#[derive(Clone)]
pub struct Conversations(Arc<dyn ControlStore>);

impl Conversations {
    /// Those of a database, for whoever has the files: they belong to no account.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn open(database: &Database, data: &Path) -> Result<Self, AppError> {
        Ok(Self(database.stores(data)?.control))
    }

    pub(crate) fn over(control: Arc<dyn ControlStore>) -> Self {
        Self(control)
    }

    /// The last turns of a conversation, oldest first; none where it is new.
    ///
    /// # Errors
    /// When the name is none, or the store cannot be read.
    pub fn turns(&self, scope: &TenantScope, user: Option<UserId>, name: &str) -> Result<Vec<Turn>, AppError> {
        check(name)?;
        let turns = self.0.turns(scope, user, name, TURNS)?;
        Ok(turns.into_iter().map(|turn| Turn { question: turn.question, answer: turn.answer }).collect())
    }

    /// Adds what was asked and answered.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn keep(
        &self,
        scope: &TenantScope,
        user: Option<UserId>,
        name: &str,
        answer: &Answer<AskAnswer>,
    ) -> Result<(), AppError> {
        let turn = ConversationTurn {
            question: answer.body.question.clone(),
            answer: answer.body.answer.clone(),
            asked: crate::now(),
        };
        Ok(self.0.add_turn(scope, user, name, &turn)?)
    }

    /// The whole of a conversation, oldest first.
    ///
    /// # Errors
    /// When there is none such.
    pub fn read(
        &self,
        scope: &TenantScope,
        user: Option<UserId>,
        name: &str,
    ) -> Result<Vec<ConversationTurn>, AppError> {
        let turns = self.0.turns(scope, user, name, usize::MAX)?;
        if turns.is_empty() { Err(none(name)) } else { Ok(turns) }
    }

    /// All conversations, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self, scope: &TenantScope, user: Option<UserId>) -> Result<Vec<ConversationHead>, AppError> {
        Ok(self.0.conversations(scope, user)?)
    }

    /// Removes one.
    ///
    /// # Errors
    /// When there is none such.
    pub fn remove(&self, scope: &TenantScope, user: Option<UserId>, name: &str) -> Result<(), AppError> {
        if self.0.remove_conversation(scope, user, name)? { Ok(()) } else { Err(none(name)) }
    }
}

/// A name is part of lists and addresses.
fn check(name: &str) -> Result<(), AppError> {
    let valid = !name.is_empty() && name.len() <= 100 && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    if valid {
        return Ok(());
    }
    Err(AppError::new(
        ErrorCode::InvalidInput,
        "a conversation's name has letters, digits, `-`, `_` and `.`, 100 bytes at most",
    ))
}

fn none(name: &str) -> AppError {
    AppError::new(ErrorCode::NotFound, format!("there is no conversation `{name}`"))
}
