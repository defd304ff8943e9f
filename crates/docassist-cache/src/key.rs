//! Typed keys, exactly those of the contract, and the hashing of parameters.
//!
//! The organisation is part of every key and comes from a [`TenantScope`], never from text. Its slug holds neither `:`
//! nor `%`, every other free part is escaped so that it holds no `:` either, and the first two parts fix how many
//! follow. So a key can be taken apart in one way only, and two organisations can never share one.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use docassist_model::{SourceKind, TenantScope, TicketKey};
use sha2::{Digest as _, Sha256};

/// A group of keys with one time to live and one row in the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Gap analyses.
    Gaps,
    /// Impact of files, tickets and commits, and reviewers.
    Impact,
    /// What is related to a ticket, a developer, a file or a repository.
    Relationships,
    /// Searches and answers to questions.
    Search,
}

impl Family {
    /// All families, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Gaps, Self::Impact, Self::Relationships, Self::Search];

    /// Its name in metrics and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gaps => "gaps",
            Self::Impact => "impact",
            Self::Relationships => "relationships",
            Self::Search => "search",
        }
    }

    /// The kinds of sources whose sync makes its values stale: the contract's table. Today every analysis reads all
    /// three, so that a page can close a gap and a commit can change a ticket's history.
    #[must_use]
    pub const fn depends_on(self, kind: SourceKind) -> bool {
        match self {
            Self::Gaps | Self::Impact | Self::Relationships | Self::Search => {
                matches!(kind, SourceKind::Git | SourceKind::Tickets | SourceKind::Docs)
            }
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Gaps => 0,
            Self::Impact => 1,
            Self::Relationships => 2,
            Self::Search => 3,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Parameters beyond those that a key names: page, `as_of`, a window that is not the default.
///
/// The order in which they are set does not matter; setting one again replaces it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<&'static str, String>);

impl Params {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one. Instants and numbers must be given in one spelling only (UTC, no leading zeros), or equal questions
    /// have different keys; that costs a computation and is never wrong.
    #[must_use]
    pub fn set(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.insert(name, value.to_string());
        self
    }

    /// Sets one where there is a value.
    #[must_use]
    pub fn set_some(self, name: &'static str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    fn hash(&self) -> String {
        hash("params", self.0.iter().flat_map(|(name, value)| [*name, value.as_str()]))
    }
}

/// A file as a key names it: its path, and the repository where the question names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName<'a> {
    /// The repository, or none where the path alone was asked for.
    pub repo: Option<&'a str>,
    /// The path from the repository's root.
    pub path: &'a str,
}

impl<'a> FileName<'a> {
    /// The presence of a repository is an item of its own: no repository is not the repository with the empty name.
    fn items(self) -> [&'a str; 3] {
        match self.repo {
            Some(repo) => ["repo", repo, self.path],
            None => ["any", "", self.path],
        }
    }
}

/// The name of one answer of one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    scope: TenantScope,
    family: Family,
    text: Arc<str>,
}

impl Key {
    /// `gaps:comprehensive:{org}`
    #[must_use]
    pub fn gaps_comprehensive(scope: &TenantScope) -> Self {
        Self::build(Family::Gaps, "gaps:comprehensive", scope, None)
    }

    /// `gaps:orphaned:{org}:{days}`
    #[must_use]
    pub fn gaps_orphaned(scope: &TenantScope, days: u32) -> Self {
        Self::build(Family::Gaps, "gaps:orphaned", scope, Some(&days.to_string()))
    }

    /// `gaps:undocumented:{org}`
    #[must_use]
    pub fn gaps_undocumented(scope: &TenantScope) -> Self {
        Self::build(Family::Gaps, "gaps:undocumented", scope, None)
    }

    /// `gaps:missing_decisions:{org}`
    #[must_use]
    pub fn gaps_missing_decisions(scope: &TenantScope) -> Self {
        Self::build(Family::Gaps, "gaps:missing_decisions", scope, None)
    }

    /// `gaps:stale:{org}:{days}`
    #[must_use]
    pub fn gaps_stale(scope: &TenantScope, days: u32) -> Self {
        Self::build(Family::Gaps, "gaps:stale", scope, Some(&days.to_string()))
    }

    /// `gaps:dangling:{org}`
    #[must_use]
    pub fn gaps_dangling(scope: &TenantScope) -> Self {
        Self::build(Family::Gaps, "gaps:dangling", scope, None)
    }

    /// `gaps:outdated_docs:{org}`
    #[must_use]
    pub fn gaps_outdated_docs(scope: &TenantScope) -> Self {
        Self::build(Family::Gaps, "gaps:outdated_docs", scope, None)
    }

    /// `impact:file:{org}:{file_hash}`
    #[must_use]
    pub fn impact_file(scope: &TenantScope, file: FileName<'_>) -> Self {
        Self::build(Family::Impact, "impact:file", scope, Some(&hash("file", file.items())))
    }

    /// `impact:ticket:{org}:{ticket_key}`
    #[must_use]
    pub fn impact_ticket(scope: &TenantScope, ticket: &TicketKey) -> Self {
        Self::build(Family::Impact, "impact:ticket", scope, Some(ticket.as_str()))
    }

    /// `impact:commit:{org}:{sha}`
    #[must_use]
    pub fn impact_commit(scope: &TenantScope, sha: &str) -> Self {
        Self::build(Family::Impact, "impact:commit", scope, Some(sha))
    }

    /// `impact:reviewers:{org}:{files_hash}`: of the set of files, in whatever order and however often each is named.
    #[must_use]
    pub fn impact_reviewers(scope: &TenantScope, files: &[FileName<'_>]) -> Self {
        let mut files = files.to_vec();
        files.sort_unstable();
        files.dedup();
        let hash = hash("files", files.iter().flat_map(|file| file.items()));
        Self::build(Family::Impact, "impact:reviewers", scope, Some(&hash))
    }

    /// `rel:ticket:{org}:{ticket_key}`
    #[must_use]
    pub fn rel_ticket(scope: &TenantScope, ticket: &TicketKey) -> Self {
        Self::build(Family::Relationships, "rel:ticket", scope, Some(ticket.as_str()))
    }

    /// `rel:developer:{org}:{email}`
    #[must_use]
    pub fn rel_developer(scope: &TenantScope, email: &str) -> Self {
        Self::build(Family::Relationships, "rel:developer", scope, Some(email))
    }

    /// `rel:file:{org}:{file_hash}`
    #[must_use]
    pub fn rel_file(scope: &TenantScope, file: FileName<'_>) -> Self {
        Self::build(Family::Relationships, "rel:file", scope, Some(&hash("file", file.items())))
    }

    /// `rel:repo:{org}:{repo_id}`
    #[must_use]
    pub fn rel_repo(scope: &TenantScope, repo: &str) -> Self {
        Self::build(Family::Relationships, "rel:repo", scope, Some(repo))
    }

    /// `rel:search:{org}:{text_hash}`
    #[must_use]
    pub fn rel_search(scope: &TenantScope, text: &str) -> Self {
        Self::build(Family::Relationships, "rel:search", scope, Some(&hash("text", [text])))
    }

    /// `rel:decisions:{org}`
    #[must_use]
    pub fn decisions(scope: &TenantScope) -> Self {
        Self::build(Family::Relationships, "rel:decisions", scope, None)
    }

    /// `rel:decision:{org}:{id}`
    #[must_use]
    pub fn decision(scope: &TenantScope, id: &str) -> Self {
        Self::build(Family::Relationships, "rel:decision", scope, Some(id))
    }

    /// `search:text:{org}:{text_hash}`
    #[must_use]
    pub fn search(scope: &TenantScope, text: &str) -> Self {
        Self::build(Family::Search, "search:text", scope, Some(&hash("text", [text])))
    }

    /// `search:ask:{org}:{question_hash}`
    #[must_use]
    pub fn ask(scope: &TenantScope, question: &str) -> Self {
        Self::build(Family::Search, "search:ask", scope, Some(&hash("question", [question])))
    }

    /// The key of the same question with further parameters, `:{params_hash}` appended; itself where there are none.
    /// Applied once: the parameters of one question are one set.
    #[must_use]
    pub fn with(self, params: &Params) -> Self {
        if params.0.is_empty() {
            return self;
        }
        Self { text: format!("{}:{}", self.text, params.hash()).into(), ..self }
    }

    fn build(family: Family, prefix: &'static str, scope: &TenantScope, last: Option<&str>) -> Self {
        let mut text = String::with_capacity(prefix.len() + 80);
        text.push_str(prefix);
        text.push(':');
        text.push_str(scope.org().as_str());
        if let Some(last) = last {
            text.push(':');
            escape(last, &mut text);
        }
        Self { scope: scope.clone(), family, text: text.into() }
    }

    /// Its family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Whose data it names.
    #[must_use]
    pub fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn shared_text(&self) -> &Arc<str> {
        &self.text
    }
}

/// The longest part of a key that stands in it as it is; a longer one is hashed, so that nobody can fill the cache with
/// keys. The longest mail address is 254 bytes; names in a question can be anything.
const LONGEST_PART: usize = 256;

/// Appends `part` with everything but unreserved characters percent-encoded: `:` separates parts, and control
/// characters have no business in a key that operators read.
fn escape(part: &str, text: &mut String) {
    if part.len() > LONGEST_PART {
        // `~` is escaped everywhere else, so that a hashed part equals no literal one.
        text.push('~');
        text.push_str(&hash("part", [part]));
        return;
    }
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._@+/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// SHA-256 of the items, each preceded by its length so that no two lists of items have the same bytes, cut to 16 bytes:
/// no accidental collision in any number of keys, and finding one on purpose takes 2^64 attempts. `label` keeps hashes of
/// different things apart.
fn hash<'a>(label: &'a str, items: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for item in std::iter::once(label).chain(items) {
        digest.update(u64::try_from(item.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(item.as_bytes());
    }
    hex(&digest.finalize()[..16])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
