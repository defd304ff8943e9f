//! What rows hold that follows from a record, the same in every backend.

use std::borrow::Cow;
use std::fmt::Write as _;

use docassist_model::commit::subject;
use docassist_model::{ObjectId, Page, Ticket, TicketKey, reference};
use rustc_hash::FxHashSet;
use sha2::{Digest as _, Sha256};

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

/// What stands for a long text: 128 bits of SHA-256, too many to meet another one, also on purpose.
pub(crate) type Hash = [u8; 16];

/// The hash of texts that belong together. It is stored, and the same everywhere.
pub(crate) fn hash(parts: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let mut hash = Hash::default();
    hash.copy_from_slice(&digest.finalize()[..16]);
    hash
}

/// The fingerprint of a hash: its first eight bytes.
pub(crate) fn fingerprint(hash: &[u8]) -> u64 {
    hash.first_chunk().copied().map_or(0, u64::from_le_bytes)
}

/// The fingerprint of a commit, of which nothing changes but what its author is called. `author`: the fingerprint of the
/// canonical identity.
pub(crate) fn commit_fingerprint(id: &ObjectId, author: u64) -> u64 {
    fingerprint(id.as_bytes()) ^ author
}

/// The fingerprint of the identity of an author.
pub(crate) fn author_fingerprint(name: &str, email: &str) -> u64 {
    fingerprint(&hash(&[name.as_bytes(), email.as_bytes()]))
}

/// The fingerprint of a page, from its outline and its text.
pub(crate) fn page_fingerprint(outline: &str, text: &str) -> u64 {
    fingerprint(&page_hash(outline, text))
}

/// The hash of a page. `modified` is a part of its outline.
pub(crate) fn page_hash(outline: &str, text: &str) -> Hash {
    hash(&[outline.as_bytes(), text.as_bytes()])
}

/// The fingerprint of a record that is stored as JSON.
pub(crate) fn body_fingerprint(body: &str) -> u64 {
    fingerprint(&hash(&[body.as_bytes()]))
}

/// What of a decision record's JSON names it.
#[derive(serde::Deserialize)]
struct DecisionPath<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
}

/// The path in the JSON of a decision record.
pub(crate) fn decision_path(body: &str) -> serde_json::Result<Cow<'_, str>> {
    Ok(serde_json::from_str::<DecisionPath<'_>>(body)?.path)
}
