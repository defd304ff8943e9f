//! Answers: from the cache, with the headers that say so; or with a status of their own.

use std::marker::PhantomData;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use docassist_app::{CachedAnswer, Outcome};
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Serialize;

/// RFC 9211.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Only the one who asked may keep it, and asks each time whether it still stands: that costs a 304.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A finished answer, `T` as JSON.
pub struct Cached<T> {
    value: CachedAnswer,
    outcome: Outcome,
    of: PhantomData<fn() -> T>,
}

impl<T> From<(CachedAnswer, Outcome)> for Cached<T> {
    fn from((value, outcome): (CachedAnswer, Outcome)) -> Self {
        Self { value, outcome, of: PhantomData }
    }
}

impl<T> IntoResponse for Cached<T> {
    fn into_response(self) -> Response {
        let Self { value, outcome, .. } = self;
        let mut response = Response::new(Body::from(value.body().clone()));
        let headers = response.headers_mut();
        headers.reserve(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(value.body().len()));
        headers.insert(CACHE_CONTROL, REVALIDATE);
        // Weak, since a compressed answer has other bytes and the same meaning.
        if let Ok(etag) = HeaderValue::from_maybe_shared(bytes::Bytes::from(format!("W/{}", value.etag()))) {
            headers.insert(ETAG, etag);
        }
        if let Ok(status) = HeaderValue::from_maybe_shared(bytes::Bytes::from(outcome.cache_status())) {
            headers.insert(CACHE_STATUS, status);
        }
        response
    }
}

impl<T: JsonSchema> OperationOutput for Cached<T> {
    type Inner = T;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        <Json<T> as OperationOutput>::operation_response(ctx, operation)
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        let mut responses: Vec<_> =
            Self::operation_response(ctx, operation).map(|response| (Some(200), response)).into_iter().collect();
        let unchanged = ApiResponse {
            description: "What was asked for has the entity tag of `If-None-Match`.".to_owned(),
            ..ApiResponse::default()
        };
        responses.push((Some(304), unchanged));
        responses
    }
}

/// `T` as JSON with a status that is not 200.
pub struct Reply<const STATUS: u16, T>(pub T);

impl<const STATUS: u16, T: Serialize> IntoResponse for Reply<STATUS, T> {
    fn into_response(self) -> Response {
        (StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK), Json(self.0)).into_response()
    }
}

impl<const STATUS: u16, T: JsonSchema> OperationOutput for Reply<STATUS, T> {
    type Inner = T;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        <Json<T> as OperationOutput>::operation_response(ctx, operation)
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (Some(STATUS), response)).into_iter().collect()
    }
}

/// Done, and nothing to say.
pub struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl OperationOutput for Done {
    type Inner = ();

    fn operation_response(_: &mut GenContext, _: &mut Operation) -> Option<ApiResponse> {
        Some(ApiResponse { description: "Done.".to_owned(), ..ApiResponse::default() })
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (Some(204), response)).into_iter().collect()
    }
}

/// A body of another type than JSON.
pub(crate) fn described(description: &str, content_type: &str) -> ApiResponse {
    ApiResponse {
        description: description.to_owned(),
        content: [(content_type.to_owned(), aide::openapi::MediaType::default())].into_iter().collect(),
        ..ApiResponse::default()
    }
}
