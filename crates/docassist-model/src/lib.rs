//! The vocabulary that every part of `docassist` shares: what sources yield ([`Commit`], [`Ticket`], [`Page`],
//! [`Decision`]), what analyses answer ([`findings`]), who may ask ([`TenantScope`]) and how a ticket is referred to
//! ([`mod@reference`]).
//!
//! This crate knows nothing of storage, of the graph or of any protocol. Everything in it is a plain value.

pub mod account;
pub mod commit;
pub mod decision;
pub mod error;
pub mod file_kind;
pub mod findings;
pub mod job;
pub mod object_id;
pub mod page;
pub mod progress;
pub mod projection;
pub mod reference;
pub mod tenant;
pub mod ticket;
pub mod time;

pub use account::{ApiKey, AuditEntry, Member, Membership, Organisation, Role, UnknownName, User, UserId};
pub use commit::{ChangeStatus, Commit, Credit, CreditRole, FileChange, Identity};
pub use decision::{Decision, DecisionStatus};
pub use error::ErrorCode;
pub use file_kind::{FileEntry, FileKind};
pub use job::{Forge, Job, JobId, JobProgress, JobState, SourceSettings, Webhook};
pub use object_id::ObjectId;
pub use page::{Heading, Link, Page, PageFormat, PathMention, TicketMention};
pub use progress::{Progress, Unobserved};
pub use projection::{RecordSink, SourceId, SourceKind};
pub use reference::TicketKey;
pub use tenant::{OrgSlug, TenantScope};
pub use ticket::{Account, Comment, LinkDirection, StatusCategory, Ticket, TicketLink};
pub use time::Timestamp;
