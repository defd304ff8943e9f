//! Builders of records, for tests to say what matters and nothing else.
//!
//! ```
//! use docassist_testing::{commit, ticket};
//!
//! let fix = commit("ALOY-7 Fix the parser").author("Ann").at("2024-05-01").file("src/parser.rs").build();
//! let bug = ticket("ALOY-7").kind("Bug").status("Done").priority("Major").build();
//! assert_eq!(fix.subject(), "ALOY-7 Fix the parser");
//! assert_eq!(bug.key.as_str(), "ALOY-7");
//! ```

mod commit;
mod organisation;
mod page;
mod ticket;

use docassist_model::{Identity, Timestamp};

pub use commit::{CommitBuilder, commit};
pub use organisation::{Organisation, organisation};
pub use page::{DecisionBuilder, PageBuilder, decision, page};
pub use ticket::{TicketBuilder, ticket};

/// The instant of a date (its first second) or of an RFC 3339 time.
///
/// # Panics
/// When `text` is neither.
#[must_use]
pub fn at(text: &str) -> Timestamp {
    text.parse().expect("tests write valid instants")
}

/// Somebody, written `Ann Lee <ann@example.org>`; without an address `Ann Lee` gets `ann.lee@example.org`.
#[must_use]
pub fn person(text: &str) -> Identity {
    if let Some((name, rest)) = text.split_once('<') {
        let email = rest.trim_end().trim_end_matches('>');
        return Identity { name: name.trim().to_owned(), email: email.to_owned() };
    }
    let local = text.trim().to_lowercase().replace(' ', ".");
    Identity { name: text.trim().to_owned(), email: format!("{local}@example.org") }
}
