//! What documentation yields.

use serde::{Deserialize, Serialize};

use crate::{TicketKey, Timestamp};

/// The markup of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageFormat {
    /// CommonMark and its relatives: `.md .markdown .mdx`.
    Markdown,
    /// reStructuredText: `.rst`.
    ReStructuredText,
    /// AsciiDoc: `.adoc .asciidoc .asc`.
    AsciiDoc,
    /// Text without markup: `.txt`, `.text`, README without an extension.
    Plain,
}

/// A heading of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// 1 for the title's level, 6 at most.
    pub level: u8,
    /// Its text without markup.
    pub text: String,
    /// Line of the file, from 1.
    pub line: u32,
}

/// A link out of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The target as written: a URL, or a path relative to the page.
    pub target: String,
    /// Line of the file, from 1.
    pub line: u32,
}

/// Text in a page that has the shape of a file path: in a link's target, in code, or in running text with a slash.
/// Whether it names a file is decided by the graph, which knows the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMention {
    /// The path as written, without anchors, queries and line numbers; relative links are resolved against the page's
    /// folder into a path from the root where that stays inside it.
    pub path: String,
    /// Line of the file, from 1.
    pub line: u32,
}

/// Text in a page that has the shape of a ticket key. Whether it names a project is decided by the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketMention {
    /// The key, upper case.
    pub key: TicketKey,
    /// Line of the file, from 1.
    pub line: u32,
}

/// A page of documentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Path from the root of the repository or folder.
    pub path: String,
    /// Front matter's title, the first heading, or the file's name.
    pub title: String,
    /// Its markup.
    pub format: PageFormat,
    /// Headings in order.
    pub headings: Vec<Heading>,
    /// Links in order.
    pub links: Vec<Link>,
    /// Candidates of ticket references, in order, each key once a line.
    pub tickets: Vec<TicketMention>,
    /// Candidates of file references, in order, each path once a line.
    pub paths: Vec<PathMention>,
    /// The whole text, decoded; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// When the file changed last, for pages outside a repository (in one, its history tells).
    pub modified: Option<Timestamp>,
}
