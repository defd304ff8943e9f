//! Whether answers know when there is none, and stand in what they cite.

use docassist_model::TenantScope;
use serde::Serialize;

use super::BeirQuery;
use crate::answer::{Support, answer};
use crate::embedder::Embedder;
use crate::index::{Index, IndexError};
use crate::passage::PassageId;
use crate::query::{SearchError, SearchRequest};

/// How questions were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Supported {
    /// Questions.
    pub asked: usize,
    /// Those that got no answer.
    pub none: usize,
    /// Those with weak support.
    pub weak: usize,
    /// Those with good support.
    pub good: usize,
    /// Sentences of all answers.
    pub sentences: usize,
    /// Those that stand in what they cite, letter by letter.
    pub contained: usize,
}

/// The answers to questions that the corpus answers, and to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AnswerFigures {
    /// Questions with a relevant document.
    pub answerable: Supported,
    /// Questions of another collection.
    pub unanswerable: Supported,
}

/// Answers by words, and by both where there is a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// By words.
    pub lexical: AnswerFigures,
    /// By both.
    pub hybrid: Option<AnswerFigures>,
}

/// Asks both kinds of questions, by words and by both.
pub(super) fn answers(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    answerable: &[&BeirQuery],
    unanswerable: &[BeirQuery],
) -> Result<Answers, IndexError> {
    let of = |embedder: Option<&dyn Embedder>| -> Result<AnswerFigures, IndexError> {
        Ok(AnswerFigures {
            answerable: supported(index, scope, embedder, answerable.iter().copied())?,
            unanswerable: supported(index, scope, embedder, unanswerable.iter())?,
        })
    };
    Ok(Answers { lexical: of(None)?, hybrid: embedder.map(|embedder| of(Some(embedder))).transpose()? })
}

fn supported<'a>(
    index: &dyn Index,
    scope: &TenantScope,
    embedder: Option<&dyn Embedder>,
    questions: impl Iterator<Item = &'a BeirQuery>,
) -> Result<Supported, IndexError> {
    let mut figures = Supported::default();
    for question in questions {
        let request = SearchRequest { text: question.text.clone(), ..SearchRequest::default() };
        let found = answer(index, scope, embedder, &request).map_err(|SearchError::Index(error)| error)?;
        figures.asked += 1;
        *match found.support {
            Support::None => &mut figures.none,
            Support::Weak => &mut figures.weak,
            Support::Good => &mut figures.good,
        } += 1;
        let ids: Vec<PassageId> = found.citations.iter().map(|citation| citation.id).collect();
        let passages = index.get(scope, &ids)?;
        for sentence in &found.sentences {
            let cited = found.citations.iter().find(|citation| citation.number == sentence.citation);
            let passage = cited.and_then(|cited| passages.iter().find(|passage| passage.id == cited.id));
            figures.sentences += 1;
            figures.contained += usize::from(passage.is_some_and(|passage| passage.text.contains(&sentence.text)));
        }
    }
    Ok(figures)
}
