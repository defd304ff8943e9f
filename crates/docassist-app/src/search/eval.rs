//! Measuring search on a collection of judged questions.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use docassist_model::{ErrorCode, TenantScope};
use docassist_search::embedder::Embedder;
use docassist_search::eval::{EvalError, Evaluation, evaluate, index_beir, read_beir, read_questions};
use docassist_search::index::{EdgeIndex, EdgeOptions};

use super::models::Model;
use crate::{AppError, ModelChoice};

/// Indexes a collection in BEIR's format among the temporary files and puts its questions to it, by words, by meaning and by both;
/// with questions that it does not answer, also measures how well answers know that.
///
/// # Errors
/// When a file cannot be read, nothing is judged, or the model fails.
pub fn eval_search(
    data: &Path,
    (corpus, queries, qrels): (&Path, &Path, &Path),
    unanswerable: Option<&Path>,
    choice: &ModelChoice,
) -> Result<Evaluation, AppError> {
    let open = |path: &Path| {
        File::open(path).map(BufReader::new).map_err(|error| {
            AppError::new(ErrorCode::InvalidInput, format!("{} cannot be read: {error}", path.display()))
        })
    };
    let collection = read_beir(open(corpus)?, open(queries)?, open(qrels)?)
        .map_err(|error| AppError::new(ErrorCode::InvalidInput, error.to_string()))?;
    let (others, notes) = match unanswerable {
        Some(path) => {
            read_questions(open(path)?).map_err(|error| AppError::new(ErrorCode::InvalidInput, error.to_string()))?
        }
        None => (Vec::new(), Vec::new()),
    };
    if unanswerable.is_some() && others.is_empty() {
        return Err(AppError::new(ErrorCode::InvalidInput, "there is no question without an answer in the file"));
    }
    let model = Model::choose(choice, data)?;
    let place = tempfile::tempdir().map_err(|error| {
        AppError::new(ErrorCode::Internal, format!("there is no room for temporary files: {error}"))
    })?;
    let scope = TenantScope::unchecked(evaluated()?, "a folder of its own for one evaluation");
    let index = EdgeIndex::new(place.path(), EdgeOptions { dense: model.as_ref().map(Model::space) });
    let embedder = model.as_ref().map(|model| model as &dyn Embedder);
    index_beir(&index, &scope, embedder, &collection)?;
    let mut evaluation = evaluate(&index, &scope, embedder, &collection, &others)?;
    evaluation.notes.extend(notes);
    Ok(evaluation)
}

fn evaluated() -> Result<docassist_model::OrgSlug, AppError> {
    "evaluation".parse().map_err(|error| AppError::new(ErrorCode::Internal, format!("{error}")))
}

impl From<EvalError> for AppError {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Index(error) => error.into(),
            EvalError::Embed(error) => error.into(),
            EvalError::NothingJudged => Self::new(ErrorCode::InvalidInput, error.to_string()).hint(
                "The names in the judgements are those of the questions and documents: query-id, corpus-id, score.",
            ),
        }
    }
}
