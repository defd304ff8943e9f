//! The HTTP service: which routes there are, who may call them, and how answers and failures look on the wire.
//!
//! What is asked is answered by `docassist-app`; this crate knows nothing of SQL, of Redis, of git. [`api`] puts the routes
//! together, [`extract`] has the types by which a handler says who may call it and what it reads, [`mod@edge`] is what
//! every request passes, [`problem`] is the one table of failures, [`serve`](mod@serve) accepts connections.

pub mod answer;
pub mod api;
pub mod edge;
mod exports;
pub mod extract;
mod limits;
mod metrics;
pub mod observe;
pub mod problem;
mod routes;
pub mod serve;
mod state;

pub use serve::{Bound, bind};
pub use state::{AppState, ServerConfig};
