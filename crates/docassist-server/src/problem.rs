//! Failures as their callers see them: problem details (RFC 9457) with a code from one table.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as ApiResponse, SchemaObject};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use docassist_app::AppError;
use docassist_model::ErrorCode;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use schemars::JsonSchema;
use serde::Serialize;

/// The content type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Every code with its status and title. Codes are stable; what a message says is not.
pub const TABLE: [(ErrorCode, StatusCode, &str); ErrorCode::ALL.len()] = [
    (ErrorCode::InvalidInput, StatusCode::BAD_REQUEST, "The request is wrong"),
    (ErrorCode::NotFound, StatusCode::NOT_FOUND, "There is no such thing"),
    (ErrorCode::Busy, StatusCode::CONFLICT, "Somebody else holds what is needed"),
    (ErrorCode::SourceUnreadable, StatusCode::UNPROCESSABLE_ENTITY, "The source could not be read"),
    (ErrorCode::StoreUnusable, StatusCode::SERVICE_UNAVAILABLE, "The stored data cannot be used"),
    (ErrorCode::Cancelled, StatusCode::CONFLICT, "Stopped on request"),
    (ErrorCode::Unauthenticated, StatusCode::UNAUTHORIZED, "Nobody is logged in"),
    (ErrorCode::Forbidden, StatusCode::FORBIDDEN, "You may not do that"),
    (ErrorCode::Conflict, StatusCode::CONFLICT, "It contradicts what is there"),
    (ErrorCode::RateLimited, StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
    (ErrorCode::TooLarge, StatusCode::PAYLOAD_TOO_LARGE, "More was sent than is taken"),
    (ErrorCode::UnsupportedMediaType, StatusCode::UNSUPPORTED_MEDIA_TYPE, "That content type is not taken"),
    (ErrorCode::MethodNotAllowed, StatusCode::METHOD_NOT_ALLOWED, "That method is not taken here"),
    (ErrorCode::Timeout, StatusCode::GATEWAY_TIMEOUT, "It took too long"),
    (ErrorCode::Unavailable, StatusCode::SERVICE_UNAVAILABLE, "Not now"),
    (ErrorCode::StorageFull, StatusCode::INSUFFICIENT_STORAGE, "No space is left"),
    (ErrorCode::Internal, StatusCode::INTERNAL_SERVER_ERROR, "A defect in the service, or its environment failed"),
];

fn row(code: ErrorCode) -> (StatusCode, &'static str) {
    let row = TABLE.iter().find(|(known, ..)| *known == code);
    row.map_or((StatusCode::INTERNAL_SERVER_ERROR, "A defect in the service"), |(_, status, title)| (*status, title))
}

/// A failure on its way out. The body is written at the edge, which knows the request's id.
#[derive(Debug, Clone)]
pub struct Problem(pub AppError);

/// The body of a failure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemBody {
    /// `urn:docassist:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of failure in words, the same for all of a code.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// The stable code.
    pub code: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Names that may be meant.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub candidates: Vec<String>,
    /// The request's id, by which the service's log knows it.
    pub request_id: String,
}

impl Problem {
    /// A problem of a code.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self(AppError::new(code, detail))
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self(self.0.hint(hint))
    }

    /// What a status without a body of ours means.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
            StatusCode::UNAUTHORIZED => ErrorCode::Unauthenticated,
            StatusCode::FORBIDDEN => ErrorCode::Forbidden,
            status if status.is_client_error() => ErrorCode::InvalidInput,
            _ => ErrorCode::Internal,
        };
        let problem = Self::new(code, row(code).1.to_lowercase());
        match code {
            ErrorCode::NotFound => problem.hint("`GET /openapi.json` lists what there is."),
            _ => problem,
        }
    }

    /// The answer with its body. What is the service's own fault is told to its log and not to the caller: messages
    /// name paths and the like.
    pub(crate) fn render(self, request_id: &str) -> Response {
        let Self(error) = self;
        let (status, title) = row(error.code);
        let own = matches!(error.code, ErrorCode::Internal | ErrorCode::StoreUnusable);
        let (detail, hint) = if own {
            tracing::error!(code = error.code.as_str(), %error, hint = error.hint, request_id, "a request failed");
            ("the service's log says more under this request's id".to_owned(), None)
        } else {
            if error.code == ErrorCode::StorageFull {
                // Whoever asks cannot free any; whoever runs the service is to hear of it, and where.
                tracing::error!(%error, request_id, "no space is left");
            }
            (error.for_users().to_owned(), error.hint)
        };
        let body = ProblemBody {
            kind: format!("urn:docassist:problem:{}", error.code.as_str()),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            code: error.code.as_str().to_owned(),
            hint,
            candidates: error.candidates,
            request_id: request_id.to_owned(),
        };
        let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_default()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match error.code {
            ErrorCode::RateLimited | ErrorCode::Busy | ErrorCode::Unavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            ErrorCode::Unauthenticated => {
                let scheme = HeaderValue::from_static("Bearer realm=\"docassist\"");
                headers.insert(hyper::header::WWW_AUTHENTICATE, scheme);
            }
            _ => {}
        }
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = row(self.0.code).0;
        response.extensions_mut().insert(self);
        response
    }
}

impl OperationOutput for Problem {
    type Inner = ProblemBody;

    fn operation_response(ctx: &mut GenContext, _: &mut Operation) -> Option<ApiResponse> {
        let schema =
            SchemaObject { json_schema: ctx.schema.subschema_for::<ProblemBody>(), example: None, external_docs: None };
        let media = MediaType { schema: Some(schema), ..MediaType::default() };
        Some(ApiResponse {
            description: "What went wrong, as problem details (RFC 9457).".to_owned(),
            content: [(PROBLEM_JSON.to_owned(), media)].into_iter().collect(),
            ..ApiResponse::default()
        })
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (None, response)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_table_once() {
        for code in ErrorCode::ALL {
            assert_eq!(TABLE.iter().filter(|(known, ..)| *known == code).count(), 1, "{code:?}");
        }
    }
}
