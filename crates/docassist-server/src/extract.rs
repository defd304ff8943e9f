//! What handlers take from a request. Their types say who may call and what is read; what does not fit is a problem
//! with words, never a bare status.

mod access;
pub(crate) mod body;
mod client;
mod query;

pub(crate) use access::SECURITY;
pub use access::{Access, Admin, Authenticated, Local, Member, Operator, Policy, Viewer};
pub use body::JsonBody;
pub use client::Client;
pub use query::{NoParameters, Path, Query};
