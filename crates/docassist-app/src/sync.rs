//! Syncs: from a source to records.

mod docs;
mod git;
mod tickets;

pub use docs::{DocsReport, DocsRequest};
pub use git::{GitReport, GitRequest};
pub use tickets::{TicketsReport, TicketsRequest};
