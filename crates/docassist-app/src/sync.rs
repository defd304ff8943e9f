//! Syncs: from a source to records.

mod docs;
mod git;
mod tickets;

pub use docassist_sources::git::Access;
pub use docs::{DocsReport, DocsRequest};
pub(crate) use git::checked_name;
pub use git::{GitReport, GitRequest};
pub use tickets::{TicketsReport, TicketsRequest};
