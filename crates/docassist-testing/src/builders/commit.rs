//! Commits.

use std::hash::{DefaultHasher, Hash, Hasher};

use docassist_model::{ChangeStatus, Commit, Credit, CreditRole, FileChange, ObjectId};

use super::{at, person};

/// A commit by Ann at noon of 2024-01-01 that changes nothing.
#[must_use]
pub fn commit(subject: &str) -> CommitBuilder {
    let author = person("Ann");
    let time = at("2024-01-01T12:00:00Z");
    CommitBuilder {
        id: None,
        commit: Commit {
            id: ObjectId::from_bytes(&[0; 20]).expect("20 bytes are an object name"),
            parents: Vec::new(),
            committer: author.clone(),
            author,
            authored: time,
            time,
            message: subject.to_owned(),
            credits: Vec::new(),
            changes: Vec::new(),
        },
    }
}

/// Makes a [`Commit`].
#[derive(Debug, Clone)]
pub struct CommitBuilder {
    commit: Commit,
    id: Option<ObjectId>,
}

impl CommitBuilder {
    /// Its name begins with these hexadecimal digits; the rest is zeros. Without it, the name follows from the content,
    /// so that commits which differ in anything differ in name.
    #[must_use]
    pub fn id(mut self, hex: &str) -> Self {
        self.id = Some(format!("{hex:0<40}").parse().expect("tests write hexadecimal digits"));
        self
    }

    /// Who wrote and committed it: a name, or `Name <address>`.
    #[must_use]
    pub fn author(mut self, who: &str) -> Self {
        self.commit.author = person(who);
        self.commit.committer = self.commit.author.clone();
        self
    }

    /// Who committed it.
    #[must_use]
    pub fn committer(mut self, who: &str) -> Self {
        self.commit.committer = person(who);
        self
    }

    /// When it was written and committed: a date or an instant.
    #[must_use]
    pub fn at(mut self, when: &str) -> Self {
        self.commit.time = at(when);
        self.commit.authored = self.commit.time;
        self
    }

    /// When it was written, where that was earlier.
    #[must_use]
    pub fn authored(mut self, when: &str) -> Self {
        self.commit.authored = at(when);
        self
    }

    /// Adds a paragraph to the message. Trailers in it are not read: use [`Self::reviewer`] and its like.
    #[must_use]
    pub fn body(mut self, text: &str) -> Self {
        self.commit.message.push_str("\n\n");
        self.commit.message.push_str(text);
        self
    }

    /// Its parents; two or more make it a merge.
    #[must_use]
    pub fn parents<'a>(mut self, parents: impl IntoIterator<Item = &'a Commit>) -> Self {
        self.commit.parents = parents.into_iter().map(|parent| parent.id).collect();
        self
    }

    /// A merge of two commits that the records do not have.
    #[must_use]
    pub fn merge(mut self) -> Self {
        let parent = |byte| ObjectId::from_bytes(&[byte; 20]).expect("20 bytes are an object name");
        self.commit.parents = vec![parent(0xa1), parent(0xb2)];
        self
    }

    /// Changes a file: 10 lines in, 2 out.
    #[must_use]
    pub fn file(self, path: &str) -> Self {
        self.modified(path, 10, 2)
    }

    /// Changes several files as [`Self::file`] does.
    #[must_use]
    pub fn files<'a>(self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        paths.into_iter().fold(self, Self::file)
    }

    /// Changes a file.
    #[must_use]
    pub fn modified(self, path: &str, additions: u32, deletions: u32) -> Self {
        self.change(path, None, ChangeStatus::Modified, additions, deletions)
    }

    /// Adds a file of so many lines.
    #[must_use]
    pub fn added(self, path: &str, lines: u32) -> Self {
        self.change(path, None, ChangeStatus::Added, lines, 0)
    }

    /// Deletes a file of so many lines.
    #[must_use]
    pub fn deleted(self, path: &str, lines: u32) -> Self {
        self.change(path, None, ChangeStatus::Deleted, 0, lines)
    }

    /// Renames a file without changing it.
    #[must_use]
    pub fn renamed(self, from: &str, to: &str) -> Self {
        self.change(to, Some(from), ChangeStatus::Renamed, 0, 0)
    }

    /// Changes a file without lines.
    #[must_use]
    pub fn binary(mut self, path: &str) -> Self {
        self = self.modified(path, 0, 0);
        if let Some(change) = self.commit.changes.last_mut() {
            change.binary = true;
        }
        self
    }

    /// Any change.
    #[must_use]
    pub fn change(mut self, path: &str, from: Option<&str>, status: ChangeStatus, added: u32, deleted: u32) -> Self {
        self.commit.changes.push(FileChange {
            path: path.to_owned(),
            from: from.map(str::to_owned),
            status,
            additions: added,
            deletions: deleted,
            binary: false,
        });
        self
    }

    /// Names a reviewer, in the message as well.
    #[must_use]
    pub fn reviewer(self, who: &str) -> Self {
        self.credit(CreditRole::Reviewer, "Reviewed-by", who)
    }

    /// Names a co-author, in the message as well.
    #[must_use]
    pub fn co_author(self, who: &str) -> Self {
        self.credit(CreditRole::CoAuthor, "Co-authored-by", who)
    }

    /// Names somebody in a trailer of that token.
    #[must_use]
    pub fn credit(mut self, role: CreditRole, token: &str, who: &str) -> Self {
        let identity = person(who);
        let gap = if self.commit.credits.is_empty() { "\n\n" } else { "\n" };
        self.commit.message.push_str(&format!("{gap}{token}: {} <{}>", identity.name, identity.email));
        self.commit.credits.push(Credit { role, identity });
        self
    }

    /// The commit. Changed files are in git's order.
    #[must_use]
    pub fn build(mut self) -> Commit {
        self.commit.changes.sort_by(|a, b| a.path.cmp(&b.path));
        self.commit.id = self.id.unwrap_or_else(|| name_of(&self.commit));
        self.commit
    }
}

impl From<CommitBuilder> for Commit {
    fn from(builder: CommitBuilder) -> Self {
        builder.build()
    }
}

/// A name that follows from the content.
fn name_of(commit: &Commit) -> ObjectId {
    let mut bytes = Vec::with_capacity(24);
    for round in 0..3_u8 {
        let mut hasher = DefaultHasher::new();
        round.hash(&mut hasher);
        (&commit.message, &commit.author, commit.time, &commit.parents, &commit.changes).hash(&mut hasher);
        bytes.extend(hasher.finish().to_be_bytes());
    }
    ObjectId::from_bytes(&bytes[..20]).expect("20 bytes are an object name")
}
