//! Passages: the pieces of pages, tickets, commits, decisions and code that are searched and cited.

mod code;
mod commit;
mod cut;
mod markup;
mod page;
mod ticket;

use docassist_model::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

pub use code::code_passages;
pub use commit::commit_passages;
pub use cut::Budget;
pub use page::{decision_passages, page_passages};
pub use ticket::ticket_passages;

/// More passages than any document that people wrote has; what a generated one has beyond them is not indexed.
pub const MAX_PASSAGES: usize = 2_000;
/// Titles and headings are shown in lists; what is longer is no title.
const MAX_TITLE: usize = 300;
/// Commits that touch more files are described by their message, not by their paths.
pub const MAX_PATHS: usize = 100;

/// A passage's identity: the same as long as it keeps its place in its document, whatever it says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PassageId(pub u128);

impl std::fmt::Display for PassageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl std::str::FromStr for PassageId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for PassageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PassageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a passage is a piece of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassageKind {
    /// A page of documentation.
    Page,
    /// A ticket's summary and description.
    Ticket,
    /// A comment of a ticket.
    Comment,
    /// A commit's message.
    Commit,
    /// A pull request.
    PullRequest,
    /// A decision record.
    Decision,
    /// A documented item of a code file, or its header.
    Code,
}

impl PassageKind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Page, Self::Ticket, Self::Comment, Self::Commit, Self::PullRequest, Self::Decision, Self::Code];

    /// Its name in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::Comment => "comment",
            Self::Commit => "commit",
            Self::PullRequest => "pull_request",
            Self::Decision => "decision",
            Self::Code => "code",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Where a reader finds the passage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// Lines of a file, from 1, both included.
    Lines {
        /// The path from the root of its repository or folder.
        path: String,
        /// The first line.
        first: u32,
        /// The last line.
        last: u32,
    },
    /// A page of a site.
    Url(String),
    /// A ticket, and which of its comments (from 1).
    Ticket {
        /// Its key.
        key: String,
        /// The comment's number; `None` for summary and description.
        comment: Option<u32>,
    },
    /// A commit.
    Commit {
        /// Its object name in hexadecimal.
        sha: String,
    },
    /// A pull request.
    PullRequest {
        /// Its number.
        number: u64,
    },
}

/// A passage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Its identity within its organisation.
    pub id: PassageId,
    /// The name of the source that it came from.
    pub source: String,
    /// The document that it is a piece of: a path, a key, an object name. Unique within its source and kind of document.
    pub document: String,
    /// What it is a piece of.
    pub kind: PassageKind,
    /// Where a reader finds it.
    pub address: Address,
    /// The document's title.
    pub title: String,
    /// The headings above it, outermost first, without the title.
    pub headings: Vec<String>,
    /// What it says, as it stands in the document.
    pub text: String,
    /// When it was last changed, where known.
    pub time: Option<Timestamp>,
    /// Who wrote it, where known.
    pub author: Option<String>,
    /// The repository that it belongs to, where it belongs to one.
    pub repository: Option<String>,
    /// Labels, components, statuses: what it can be filtered by besides.
    pub labels: Vec<String>,
    /// SHA-256 of what is embedded of it, in hexadecimal: equal hashes have equal vectors.
    pub hash: String,
}

impl Passage {
    /// What is embedded: the title, the headings and the text.
    #[must_use]
    pub fn embedded_text(&self) -> String {
        embedded(&self.title, &self.headings, &self.text)
    }
}

fn embedded(title: &str, headings: &[String], text: &str) -> String {
    let mut whole = String::with_capacity(title.len() + text.len() + 64);
    // A text that begins with its title need not say it twice to a model that reads 256 tokens.
    if !text.starts_with(title) {
        whole.push_str(title);
        whole.push('\n');
    }
    for heading in headings {
        whole.push_str(heading);
        whole.push('\n');
    }
    whole.push_str(text);
    whole
}

/// What all passages of a document share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The source's name.
    pub source: String,
    /// The repository, where the source is one.
    pub repository: Option<String>,
    /// Who wrote the document, where the record itself does not say.
    pub author: Option<String>,
    /// When it was last changed, where the record itself does not say.
    pub time: Option<Timestamp>,
    /// Labels to add.
    pub labels: Vec<String>,
}

/// Collects a document's passages and gives each its identity.
pub(crate) struct Collector<'a> {
    origin: &'a Origin,
    kind: PassageKind,
    document: String,
    title: String,
    passages: Vec<Passage>,
}

/// What differs between the passages of a document.
pub(crate) struct Piece {
    pub(crate) address: Address,
    pub(crate) headings: Vec<String>,
    pub(crate) text: String,
    pub(crate) time: Option<Timestamp>,
    pub(crate) author: Option<String>,
    pub(crate) labels: Vec<String>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(origin: &'a Origin, kind: PassageKind, document: &str, title: &str) -> Self {
        let title = cut::shorten(title.trim(), MAX_TITLE).to_owned();
        Self { origin, kind, document: document.to_owned(), title, passages: Vec::new() }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.passages.len() >= MAX_PASSAGES
    }

    pub(crate) fn add(&mut self, kind: PassageKind, piece: Piece) {
        if self.is_full() || piece.text.trim().is_empty() {
            return;
        }
        let headings: Vec<String> =
            piece.headings.iter().map(|heading| cut::shorten(heading, MAX_TITLE).to_owned()).collect();
        // Its place: the headings above, and which of the passages under them it is. A line more above moves neither.
        let place = self.passages.iter().filter(|other| other.kind == kind && other.headings == headings).count();
        let id = identity(&self.origin.source, self.kind, &self.document, kind, &headings, place);
        let hash = sha256(embedded(&self.title, &headings, &piece.text).as_bytes());
        let mut labels = piece.labels;
        labels.extend(self.origin.labels.iter().cloned());
        labels.sort_unstable();
        labels.dedup();
        self.passages.push(Passage {
            id,
            source: self.origin.source.clone(),
            document: self.document.clone(),
            kind,
            address: piece.address,
            title: self.title.clone(),
            headings,
            text: piece.text,
            time: piece.time.or(self.origin.time),
            author: piece.author.or_else(|| self.origin.author.clone()),
            repository: self.origin.repository.clone(),
            labels,
            hash,
        });
    }

    pub(crate) fn finish(self) -> Vec<Passage> {
        self.passages
    }
}

fn identity(
    source: &str,
    document_kind: PassageKind,
    document: &str,
    kind: PassageKind,
    headings: &[String],
    place: usize,
) -> PassageId {
    let mut hasher = Sha256::new();
    // Lengths keep parts apart that would otherwise read the same.
    for part in [source, document_kind.as_str(), document, kind.as_str()] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    for heading in headings {
        hasher.update((heading.len() as u64).to_le_bytes());
        hasher.update(heading.as_bytes());
    }
    hasher.update([0xff]);
    hasher.update((place as u64).to_le_bytes());
    let digest = hasher.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    PassageId(u128::from_be_bytes(half))
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests;
