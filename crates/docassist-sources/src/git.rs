//! Git repositories, read in the process and on all cores.
//!
//! The plumbing of `gix` gives the objects; trees, renames and lines are compared here, because its convenient API
//! does more per commit than a history needs (see `docs/adr/0003-read-git-objects-in-process.md`).

mod contents;
mod history;
mod lines;
mod message;
mod myers;
mod object_reader;
mod remote;
mod renames;
mod tip;
mod tree_diff;
mod walk;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use docassist_model::{Identity, ObjectId};

pub use contents::TreeFile;
pub use history::{CommitBatch, UnreadableObject};
pub use remote::{Access, CloneError, Credential, is_remote, update_clone};
pub use tip::{FileTree, TreeSelection};
pub use walk::Walk;

/// Why a repository could not be used at all. Anything less is a note beside a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// There is no repository at the path or above it.
    #[error("no git repository at {path}: {reason}")]
    NotARepository {
        /// The path asked for.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The named branch does not exist.
    #[error("no branch `{name}`; there are: {}", existing.join(", "))]
    NoSuchBranch {
        /// The name asked for.
        name: String,
        /// Some that exist.
        existing: Vec<String>,
    },
    /// The references could not be read.
    #[error("the references cannot be read: {0}")]
    References(String),
}

/// An opened repository.
pub struct GitRepository {
    inner: gix::ThreadSafeRepository,
    shallow: Vec<gix::ObjectId>,
}

/// The branch that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its short name; `HEAD` when that is detached.
    pub name: String,
    /// Its newest commit; `None` while the branch has none.
    pub tip: Option<ObjectId>,
    /// What is unusual about it.
    pub note: Option<String>,
}

impl GitRepository {
    /// Opens the repository at `path`, or the one that it lies in.
    ///
    /// # Errors
    /// [`GitError::NotARepository`].
    pub fn open(path: &Path) -> Result<Self, GitError> {
        let failed = |reason: String| GitError::NotARepository { path: path.to_owned(), reason };
        let absolute = path.canonicalize().map_err(|error| failed(error.to_string()))?;
        // The repository is read and nothing of it is run, so its owner does not matter; the user's own configuration
        // must not change what a sync finds.
        let options = gix::open::Options::isolated();
        let trust = gix::sec::trust::Mapping { full: options.clone(), reduced: options };
        let inner =
            gix::ThreadSafeRepository::discover_opts(absolute, gix::discover::upwards::Options::default(), trust)
                .map_err(|error| failed(error.to_string()))?;
        let shallow = inner.to_thread_local().shallow_commits().ok().flatten();
        Ok(Self { shallow: shallow.map(|ids| ids.iter().copied().collect()).unwrap_or_default(), inner })
    }

    /// The folder that people know the repository by: its work tree, or the bare repository itself.
    #[must_use]
    pub fn location(&self) -> PathBuf {
        let repository = self.inner.to_thread_local();
        repository.workdir().unwrap_or_else(|| repository.common_dir()).to_owned()
    }

    /// The folders that it is read from: its own, the one that its objects are in, and those that it borrows objects from.
    /// They need not be below its location: a `.git` can be a file or link that leads elsewhere.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        let repository = self.inner.to_thread_local();
        let objects = repository.objects.store_ref();
        let mut folders = vec![repository.git_dir().to_owned(), repository.common_dir().to_owned()];
        folders.push(objects.path().to_owned());
        folders.extend(objects.alternate_db_paths().unwrap_or_default());
        folders
    }

    /// The history before these commits is not here (a shallow clone).
    #[must_use]
    pub fn shallow_boundary(&self) -> usize {
        self.shallow.len()
    }

    /// Finds the branch to read: the named one, or the one that `HEAD` is at.
    ///
    /// # Errors
    /// [`GitError::NoSuchBranch`], [`GitError::References`].
    pub fn branch(&self, name: Option<&str>) -> Result<Branch, GitError> {
        let repository = self.inner.to_thread_local();
        match name {
            Some(name) => Self::named_branch(&repository, name),
            None => Self::head(&repository),
        }
    }

    fn head(repository: &gix::Repository) -> Result<Branch, GitError> {
        let failed = |error: String| GitError::References(error);
        let mut head = repository.head().map_err(|error| failed(error.to_string()))?;
        let detached = head.is_detached();
        let name = head.referent_name().map_or_else(|| "HEAD".to_owned(), |name| name.shorten().to_string());
        // Only an unborn branch has no commit; a branch that points at a missing object is found out by reading it.
        let tip = match head.kind {
            gix::head::Kind::Unborn(_) => None,
            _ => head.try_peel_to_id().map_err(|error| failed(error.to_string()))?.map(|id| model_id(&id)),
        };
        let note = if tip.is_none() {
            Some(format!("branch `{name}` has no commits yet"))
        } else if detached {
            Some("HEAD is detached: its commit was read; name a branch with --branch".to_owned())
        } else {
            None
        };
        Ok(Branch { name, tip, note })
    }

    fn named_branch(repository: &gix::Repository, name: &str) -> Result<Branch, GitError> {
        let candidates =
            [format!("refs/heads/{name}"), format!("refs/remotes/{name}"), format!("refs/remotes/origin/{name}")];
        for candidate in candidates {
            if let Ok(mut reference) = repository.find_reference(candidate.as_str()) {
                let id = reference.peel_to_id().map_err(|error| GitError::References(error.to_string()))?;
                return Ok(Branch { name: name.to_owned(), tip: Some(model_id(&id)), note: None });
            }
        }
        let mut existing: Vec<String> = Vec::new();
        if let Ok(references) = repository.references()
            && let Ok(branches) = references.local_branches()
        {
            existing.extend(branches.flatten().map(|branch| branch.name().shorten().to_string()).take(20));
        }
        Err(GitError::NoSuchBranch { name: name.to_owned(), existing })
    }

    /// Lists the commits reachable from `tip` that are not `known`, parents before children. Known ones are not walked
    /// through: what is known must be known with all its ancestors.
    #[must_use]
    pub fn walk(&self, tip: &ObjectId, known: &mut dyn FnMut(&ObjectId) -> bool) -> Walk {
        walk::walk(&self.inner, &self.shallow, tip, known)
    }

    /// Reads commits on `threads` threads and hands them to `consume` in their order, until it breaks.
    pub fn read_commits(&self, walk: &Walk, threads: usize, consume: &mut dyn FnMut(CommitBatch) -> ControlFlow<()>) {
        history::read_commits(&self.inner, &walk.ids, &self.shallow, threads, consume);
    }

    /// Whether the object database has an object, readable or not.
    #[must_use]
    pub fn has_object(&self, id: &ObjectId) -> bool {
        gix::ObjectId::try_from(id.as_bytes()).is_ok_and(|id| self.inner.to_thread_local().has_object(id))
    }

    /// Whether `id` is at the boundary of a shallow clone.
    #[must_use]
    pub fn is_shallow_boundary(&self, id: &ObjectId) -> bool {
        self.shallow.iter().any(|boundary| boundary.as_bytes() == id.as_bytes())
    }

    /// Reads the files and pages at `new` that differ from those at `old`.
    #[must_use]
    pub fn file_tree(
        &self,
        old: Option<&ObjectId>,
        new: &ObjectId,
        selection: TreeSelection,
        threads: usize,
    ) -> FileTree {
        tip::file_tree(&self.inner, old, new, selection, threads)
    }

    /// The `.mailmap` at the root of a commit's tree; empty where there is none.
    #[must_use]
    pub fn mailmap(&self, commit: &ObjectId) -> Mailmap {
        let mut reader = object_reader::ObjectReader::new(&self.inner);
        let content = tip::root_file(&mut reader, commit, b".mailmap");
        Mailmap::parse(content.as_deref().unwrap_or_default())
    }
}

/// Who people are, by `.mailmap`.
pub struct Mailmap {
    snapshot: gix::mailmap::Snapshot,
    fingerprint: u64,
}

impl Mailmap {
    /// Reads a `.mailmap`; lines that are not of its format are ignored, as git does.
    #[must_use]
    pub fn parse(content: &[u8]) -> Self {
        use std::hash::Hasher;
        let mut hasher = rustc_hash::FxHasher::default();
        hasher.write(content);
        Self { snapshot: gix::mailmap::Snapshot::from_bytes(content), fingerprint: hasher.finish() }
    }

    /// Equal for equal files, so that a change of the file can be told.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The person's proper name and address.
    #[must_use]
    pub fn resolve(&self, identity: &Identity) -> Identity {
        let signature = gix::actor::SignatureRef {
            name: identity.name.as_str().into(),
            email: identity.email.as_str().into(),
            time: "0 +0000",
        };
        let Some(resolved) = self.snapshot.try_resolve_ref(signature) else { return identity.clone() };
        let text = |new: Option<&gix::bstr::BStr>, old: &str| new.map_or_else(|| old.to_owned(), ToString::to_string);
        Identity { name: text(resolved.name, &identity.name), email: text(resolved.email, &identity.email) }
    }
}

/// The model's form of an object name.
fn model_id(id: &gix::oid) -> ObjectId {
    // A git object name has 20 or 32 bytes in every hash that `gix` knows; nothing else is constructible.
    ObjectId::from_bytes(id.as_bytes()).unwrap_or_else(|| unreachable!("object names have 20 or 32 bytes"))
}

/// A path for people and records: UTF-8 as it is, other bytes as `\xHH`.
fn path_text(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    // A NUL cannot be part of a path in a valid tree; databases and terminals do not take it.
    if text.contains('\0') { text.replace('\0', "\\x00") } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn identity(name: &str, email: &str) -> Identity {
        Identity { name: name.to_owned(), email: email.to_owned() }
    }

    #[test]
    fn a_mailmap_gives_people_their_proper_names_and_addresses() {
        let map =
            Mailmap::parse(b"Ann Lee <ann@example.org> <old@example.org>\n# note\nBob <bob@example.org>\nnonsense\n");
        assert_eq!(map.resolve(&identity("ann", "OLD@example.org")), identity("Ann Lee", "ann@example.org"));
        assert_eq!(map.resolve(&identity("bobby", "bob@example.org")), identity("Bob", "bob@example.org"));
        assert_eq!(map.resolve(&identity("Cy", "cy@example.org")), identity("Cy", "cy@example.org"));
    }

    #[test]
    fn paths_are_text_and_stay_different() {
        assert_eq!(path_text("src/ä b.rs".as_bytes()), "src/ä b.rs");
        assert_eq!(path_text(b"caf\xe9/\xff"), "caf\\xE9/\\xFF");
    }

    proptest! {
        #[test]
        fn any_mailmap_is_read(content in proptest::collection::vec(any::<u8>(), 0..300), name in ".{0,20}", email in ".{0,20}") {
            let map = Mailmap::parse(&content);
            let _ = map.resolve(&identity(&name, &email));
        }

        /// Lines that look like a mailmap's get further into its parser.
        #[test]
        fn any_mailmap_like_text_is_read(lines in proptest::collection::vec("[A-Za-z <>@#.]{0,40}", 0..12), email in "[a-z@.]{0,12}") {
            let map = Mailmap::parse(lines.join("\n").as_bytes());
            let _ = map.resolve(&identity("a", &email));
        }
    }
}
