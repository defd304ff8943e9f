//! The OpenAPI document and a page to browse it.

use aide::axum::ApiRouter;
use aide::axum::routing::get;
use aide::swagger::Swagger;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use crate::state::AppState;

/// The document, ready to be sent.
pub(crate) struct Document(Bytes);

impl Document {
    pub(crate) fn new(document: &Value) -> Self {
        Self(serde_json::to_vec(document).unwrap_or_default().into())
    }
}

/// The page loads nothing from elsewhere, and may not: it works without the internet.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn routes(document: Document) -> ApiRouter<AppState> {
    let page = Bytes::from(Swagger::new("/openapi.json").with_title("Documentation Assistant").html());
    ApiRouter::new()
        .route(
            "/openapi.json",
            get(move || {
                let body = document.0.clone();
                async move { ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response() }
            }),
        )
        .route(
            "/docs",
            get(move || {
                let body = page.clone();
                async move {
                    let mut response: Response = Html(body).into_response();
                    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
                    response
                }
            }),
        )
}

/// Says in the document what generated schemas do not: a parameter that may be left out is not `null` in an address.
pub(crate) fn tidy(document: &mut Value) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|path| path.values_mut()) {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for schema in parameters.into_iter().flatten().filter_map(|parameter| parameter.get_mut("schema")) {
            without_null(schema);
        }
    }
}

fn without_null(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    for name in ["anyOf", "oneOf"] {
        if let Some(Value::Array(choices)) = schema.get_mut(name) {
            choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        }
    }
}
