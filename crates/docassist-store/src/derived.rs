//! What rows hold that follows from a record, the same in every backend.

use std::fmt::Write as _;

use docassist_model::commit::subject;
use docassist_model::{Page, Ticket, TicketKey, reference};
use rustc_hash::FxHashSet;

use crate::encoding;

/// What the name of a shadow begins with; the rest is the name of what it stands in for. No user can give such a name.
const SHADOW: char = '~';

/// Whether a source of that name is a shadow.
pub(crate) fn is_shadow(name: &str) -> bool {
    name.starts_with(SHADOW)
}

/// The name of the shadow of a source.
pub(crate) fn shadow_of(original: &str) -> String {
    format!("{SHADOW}{original}")
}

/// The name of what a source stands in for; `None` where it is no shadow.
pub(crate) fn original_of(shadow: &str) -> Option<&str> {
    shadow.strip_prefix(SHADOW)
}

/// Ticket keys of a message, in the form of [`docassist_model::projection::CommitRow`].
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) subject: String,
    pub(crate) body: String,
    seen: FxHashSet<TicketKey>,
}

impl Keys {
    /// Replaces the keys by those of `message`.
    pub(crate) fn read(&mut self, message: &str) {
        self.seen.clear();
        let line = subject(message);
        // The first line is a part of the message: the rest begins where it ends.
        let rest = message.trim_start().get(line.len()..).unwrap_or_default();
        self.subject.clear();
        append(line, &mut self.subject, &mut self.seen);
        self.body.clear();
        append(rest, &mut self.body, &mut self.seen);
    }
}

/// Appends the candidates in `text` that were not seen yet to `keys`, separated by spaces.
fn append(text: &str, keys: &mut String, seen: &mut FxHashSet<TicketKey>) {
    for key in reference::candidates(text) {
        if !seen.contains(&key) {
            let space = if keys.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(keys, "{space}{key}");
            seen.insert(key);
        }
    }
}

/// What the columns of a ticket hold besides its fields.
#[derive(Default)]
pub(crate) struct TicketColumns {
    /// Its links, encoded.
    pub(crate) links: Vec<u8>,
    /// The keys that its texts mention, as in [`Keys`].
    pub(crate) mentions: String,
    seen: FxHashSet<TicketKey>,
}

impl TicketColumns {
    /// Replaces what is there by the columns of `ticket`.
    pub(crate) fn read(&mut self, ticket: &Ticket) {
        self.links.clear();
        for link in &ticket.links {
            encoding::put_link(&mut self.links, &link.kind, link.direction, link.key.as_str());
        }
        self.mentions.clear();
        self.seen.clear();
        self.seen.insert(ticket.key.clone());
        append(&ticket.description, &mut self.mentions, &mut self.seen);
        for comment in &ticket.comments {
            append(&comment.body, &mut self.mentions, &mut self.seen);
        }
    }
}

/// The page without its text.
pub(crate) fn outline(page: &Page) -> Page {
    Page {
        path: page.path.clone(),
        title: page.title.clone(),
        format: page.format,
        headings: page.headings.clone(),
        links: page.links.clone(),
        tickets: page.tickets.clone(),
        paths: page.paths.clone(),
        text: String::new(),
        modified: page.modified,
    }
}
