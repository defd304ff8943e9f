//! Parameters in addresses.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::{ParamLocation, add_parameters, parameters_from_schema};
use axum::extract::{FromRequestParts, RawPathParams};
use docassist_model::ErrorCode;
use hyper::http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The parameter that names the organisation, which every route of one has.
pub(crate) const ORG: &str = "org";

/// Parameters after the `?`. Unknown ones are refused: a misspelt one would silently be left out.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let own: String;
        let query = if query.contains(ORG) {
            let others = query.split('&').filter(|pair| pair.split('=').next() != Some(ORG));
            own = others.collect::<Vec<_>>().join("&");
            own.as_str()
        } else {
            query
        };
        let pairs = serde_html_form::Deserializer::from_bytes(query.as_bytes());
        serde_path_to_error::deserialize(pairs).map(Self).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { String::new() } else { format!(" at {path}") };
            Problem::new(ErrorCode::InvalidInput, format!("the query cannot be read{place}: {}", error.inner()))
                .hint("`GET /openapi.json` says which parameters there are.")
        })
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = ctx.schema.subschema_for::<T>();
        let parameters = parameters_from_schema(ctx, schema, ParamLocation::Query);
        add_parameters(ctx, operation, parameters);
    }
}

/// No parameters after the `?` but the organisation's name.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// Parts of the path.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = |error: String| Problem::new(ErrorCode::InvalidInput, format!("the path cannot be read: {error}"));
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|error| wrong(error.to_string()))?;
        // Decoded already; through one more form so that numbers are read as numbers.
        let pairs: Vec<(&str, &str)> = params.iter().collect();
        let form = serde_html_form::to_string(&pairs).map_err(|error| wrong(error.to_string()))?;
        let pairs = serde_html_form::Deserializer::from_bytes(form.as_bytes());
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| wrong(format!("{} of {}", error.inner(), error.path())))
    }
}

impl<T: JsonSchema> OperationInput for Path<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = ctx.schema.subschema_for::<T>();
        let parameters = parameters_from_schema(ctx, schema, ParamLocation::Path);
        add_parameters(ctx, operation, parameters);
    }
}
