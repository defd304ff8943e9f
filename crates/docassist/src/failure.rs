//! What ends a command early.

use docassist_app::AppError;
use docassist_model::ErrorCode;

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With a message for the user.
    Told(AppError),
    /// A check did not hold; what did not has been printed.
    CheckFailed,
    /// Whoever reads stdout has had enough (`| head`): nothing is wrong.
    OutputClosed,
}

impl Failure {
    /// The command line itself is wrong.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message, Some(hint.into()))
    }

    pub(crate) fn new(code: ErrorCode, message: impl Into<String>, hint: Option<String>) -> Self {
        Self::Told(AppError { code, message: message.into(), hint, candidates: Vec::new(), public: None })
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::Told(error)
    }
}

/// Only for writing to stdout; other files say which file it was.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::new(ErrorCode::Internal, format!("the answer could not be written: {error}"), None),
        }
    }
}
