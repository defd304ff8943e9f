//! JSON that is sent.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use docassist_model::ErrorCode;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A JSON body. What is wrong in it is named with its place.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

/// Whether a content type means JSON.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The whole body.
pub(crate) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    use axum::response::IntoResponse as _;
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let text = rejection.body_text();
        match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(ErrorCode::TooLarge, "the body is larger than is taken"),
            _ => Problem::new(ErrorCode::InvalidInput, format!("the body cannot be read: {text}")),
        }
    })
}

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let wrong = |what: String| {
        Problem::new(ErrorCode::InvalidInput, what).hint("`GET /openapi.json` says what the body is to be.")
    };
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!(" at {path}") };
        wrong(format!("the body is wrong{place}: {}", error.inner()))
    })?;
    reader.end().map_err(|error| wrong(format!("the body goes on after its end: {error}")))?;
    Ok(value)
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !is_json(content_type) {
            return Err(Problem::new(ErrorCode::UnsupportedMediaType, "the body is to be JSON")
                .hint("Send it with `Content-Type: application/json`."));
        }
        parse(&bytes(request, state).await?).map(Self)
    }
}

impl<T: JsonSchema> OperationInput for JsonBody<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        <axum::Json<T> as OperationInput>::operation_input(ctx, operation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_recognised() {
        for good in ["application/json", "application/json; charset=utf-8", "Application/Problem+JSON"] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/json", "text/plain", "application/jsonp", "image/x+json"] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn faults_are_named_with_their_place() {
        let fault = |text: &str| parse::<std::collections::BTreeMap<String, Vec<u32>>>(text.as_bytes()).unwrap_err().0;
        assert!(fault("{\"a\":[1,\"x\"]}").message.contains("at a[1]"), "{}", fault("{\"a\":[1,\"x\"]}"));
        assert!(fault("{} {}").message.contains("after its end"));
        assert!(fault("").message.contains("the body is wrong"));
    }
}
