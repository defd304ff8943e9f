//! Who is at the other end of the connection, and the request's id.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use aide::OperationInput;
use axum::extract::FromRequestParts;
use hyper::http::request::Parts;

/// What the edge knows of a request.
#[derive(Debug, Clone)]
pub struct Client {
    /// The address that the request comes from.
    pub address: IpAddr,
    /// Whether it reached us through somebody who forwards requests.
    pub forwarded: bool,
    /// The request's id.
    pub request_id: Arc<str>,
}

impl Client {
    /// The address as text.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Default for Client {
    fn default() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), forwarded: true, request_id: "".into() }
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl OperationInput for Client {}
