//! What a git repository yields: commits, their people and the files they change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ObjectId, Timestamp};

/// A name and an e-mail address as somebody wrote them, after `.mailmap` where the record says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The display name; may be empty.
    pub name: String,
    /// The address; may be empty. Compared without regard to ASCII case.
    pub email: String,
}

/// What a trailer credits a person with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditRole {
    /// `Co-authored-by`, `Co-developed-by`.
    CoAuthor,
    /// `Reviewed-by`, `Reviewers`, `Reviewer`, `Acked-by`, `Approved-by`.
    Reviewer,
    /// `Signed-off-by`: passed the change on; neither authorship nor review.
    SignedOff,
    /// `Tested-by`.
    Tester,
    /// `Reported-by`, `Suggested-by`, `Helped-by`.
    Contributor,
}

/// A person named in a trailer of a commit message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Credit {
    /// What for.
    pub role: CreditRole,
    /// Whom. The address is empty where the trailer gives a name alone.
    pub identity: Identity,
}

/// What happened to a file in a commit, as `git diff-tree -M --name-status` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeStatus {
    /// New at this path.
    Added,
    /// Content or mode changed.
    Modified,
    /// Gone from this path.
    Deleted,
    /// Moved here from another path, with at least 50 % of its content.
    Renamed,
    /// Became another type of entry: a file a symbolic link, or a submodule.
    TypeChanged,
}

impl ChangeStatus {
    /// Git's letter: `A`, `M`, `D`, `R`, `T`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Added => 'A',
            Self::Modified => 'M',
            Self::Deleted => 'D',
            Self::Renamed => 'R',
            Self::TypeChanged => 'T',
        }
    }

    /// The status of git's letter; similarity digits after it are ignored. `None` for letters not produced here.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        Some(match letter.as_bytes().first()? {
            b'A' | b'C' => Self::Added,
            b'M' => Self::Modified,
            b'D' => Self::Deleted,
            b'R' => Self::Renamed,
            b'T' => Self::TypeChanged,
            _ => return None,
        })
    }
}

/// One changed file of a commit against its first (only) parent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileChange {
    /// The path after the change, or the deleted one. Bytes that are not UTF-8 are written `\xHH`.
    pub path: String,
    /// Where a renamed file was before.
    pub from: Option<String>,
    /// What happened.
    pub status: ChangeStatus,
    /// Lines added; 0 for binary files.
    pub additions: u32,
    /// Lines deleted; 0 for binary files.
    pub deletions: u32,
    /// Whether git would call either side binary, so that it has no lines.
    pub binary: bool,
}

/// A commit reachable from the synced branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its object name.
    pub id: ObjectId,
    /// Parents in order; more than one makes it a merge. Missing ones (shallow clones) are listed all the same.
    pub parents: Vec<ObjectId>,
    /// Who wrote it, as recorded in the object (before `.mailmap`).
    pub author: Identity,
    /// Who committed it, as recorded in the object (before `.mailmap`).
    pub committer: Identity,
    /// When it was written.
    pub authored: Timestamp,
    /// When it was committed: the commit's `time` for windows and `as_of`.
    pub time: Timestamp,
    /// The whole message. Bytes that are not UTF-8 are decoded by the declared encoding, or replaced.
    pub message: String,
    /// People named in trailers (before `.mailmap`).
    pub credits: Vec<Credit>,
    /// Changed files in git's order; empty for merges, and for a commit whose trees could not be read.
    pub changes: Vec<FileChange>,
}

impl Commit {
    /// The first line of the message, without surrounding space.
    #[must_use]
    pub fn subject(&self) -> &str {
        subject(&self.message)
    }

    /// Whether it has more than one parent.
    #[must_use]
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }
}

/// The first non-empty line of a commit message, trimmed.
#[must_use]
pub fn subject(message: &str) -> &str {
    message.trim_start().lines().next().unwrap_or_default().trim_end()
}

/// Whether a commit message says that it takes an earlier commit back: git's own wording, or a leading `revert`.
#[must_use]
pub fn is_revert(message: &str) -> bool {
    let subject = subject(message);
    let starts = |prefix: &str| subject.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    starts("revert \"") || starts("revert:") || starts("revert ") || message.contains("\nThis reverts commit ")
}

/// Whether an identity is a program's: its name or address says so in one of the ways that forges and release tools use.
#[must_use]
pub fn is_bot(identity: &Identity) -> bool {
    const NAMES: [&str; 12] = [
        "dependabot",
        "renovate",
        "greenkeeper",
        "github-actions",
        "github actions",
        "semantic-release-bot",
        "snyk-bot",
        "jenkins",
        "travis ci",
        "codecov",
        "allcontributors",
        "asfgit",
    ];
    let name = identity.name.to_ascii_lowercase();
    let email = identity.email.to_ascii_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    [name.as_str(), local].iter().any(|text| {
        text.ends_with("[bot]")
            || text.ends_with("-bot")
            || text.ends_with(" bot")
            || *text == "bot"
            || NAMES.iter().any(|known| text.starts_with(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverts_are_recognised_by_git_s_wording_and_by_convention() {
        for message in
            ["Revert \"Add x\"\n\nThis reverts commit abc.", "revert: add x", "Undo\n\nThis reverts commit 12."]
        {
            assert!(is_revert(message), "{message}");
        }
        for message in ["Add revertible migrations", "Reverting is hard", "", "\n\n"] {
            assert!(!is_revert(message), "{message}");
        }
    }

    #[test]
    fn bots_are_recognised_and_people_are_not() {
        let identity = |name: &str, email: &str| Identity { name: name.into(), email: email.into() };
        assert!(is_bot(&identity("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com")));
        assert!(is_bot(&identity("Renovate Bot", "bot@renovateapp.com")));
        assert!(!is_bot(&identity("Bob Abbot", "abbot@example.org")));
        assert!(!is_bot(&identity("Robot Smith", "r@example.org")));
    }
}
