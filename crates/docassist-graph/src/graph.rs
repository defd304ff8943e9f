//! The graph's data.

use docassist_model::findings::Counts;
use docassist_model::{
    ChangeStatus, Decision, FileKind, LinkDirection, ObjectId, SourceKind, StatusCategory, Timestamp,
};

use crate::adjacency::Rows;
use crate::keys::Projects;
use crate::text::{Symbols, Texts};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            #[allow(dead_code, reason = "not every kind is looked up in a list")]
            pub(crate) const fn at(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

ids! {
    /// A repository, in the order of names.
    RepoId,
    /// A commit, in the order of (committer time, sha, repository).
    CommitId,
    /// A path of a repository that the tip has or a commit changed, in the order of (repository, path).
    FileId,
    /// A folder, in the order of (repository, path).
    FolderId,
    /// A person, in the order of addresses.
    PersonId,
    /// A ticket key that is known (below [`Graph::ticket_count`]) or only referred to, each in the order of (project, number).
    KeyId,
    /// A page, in the order of (source, path).
    PageId,
    /// A decision record, in the order of ids.
    DecisionId,
}

/// A changed file of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) file: FileId,
    pub(crate) from: Option<FileId>,
    pub(crate) additions: u32,
    pub(crate) deletions: u32,
    pub(crate) status: ChangeStatus,
    pub(crate) binary: bool,
}

/// Facts of a commit as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CommitFlags(pub(crate) u8);

impl CommitFlags {
    pub(crate) const MERGE: u8 = 1;
    pub(crate) const REVERT: u8 = 2;
    pub(crate) const BOT: u8 = 4;
    pub(crate) const SOURCE: u8 = 8;
    pub(crate) const DOCUMENTATION: u8 = 16;
    pub(crate) const REFERS: u8 = 32;

    pub(crate) const fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }

    pub(crate) const fn any(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// A repository or other source.
#[derive(Debug, Clone)]
pub(crate) struct SourceInfo {
    pub(crate) kind: SourceKind,
    pub(crate) name: String,
    pub(crate) notes: Vec<String>,
    pub(crate) interrupted: bool,
    /// Whether a sync of it ever ended.
    pub(crate) synced: bool,
    /// The repository's number, for git sources that were synced.
    pub(crate) repo: Option<RepoId>,
}

/// Commits, one entry of each list per commit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commits {
    pub(crate) ids: Vec<ObjectId>,
    pub(crate) repo: Vec<RepoId>,
    pub(crate) time: Vec<i64>,
    pub(crate) authored: Vec<i64>,
    pub(crate) author: Vec<PersonId>,
    pub(crate) subject: Texts,
    pub(crate) flags: Vec<CommitFlags>,
    pub(crate) additions: Vec<u32>,
    pub(crate) deletions: Vec<u32>,
}

/// What makes a change to a file significant, as bits: the path tells, and is asked once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FileWeight(pub(crate) u8);

impl FileWeight {
    pub(crate) const DEPENDENCY: u8 = 1;
    pub(crate) const SCHEMA: u8 = 2;
    pub(crate) const INTERFACE: u8 = 4;
}

/// Files, one entry of each list per file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    pub(crate) repo: Vec<RepoId>,
    pub(crate) path: Texts,
    pub(crate) kind: Vec<FileKind>,
    pub(crate) exists: Vec<bool>,
    /// What makes a change to it significant.
    pub(crate) weight: Vec<FileWeight>,
    pub(crate) folder: Vec<FolderId>,
}

/// Somebody with an address, or with a name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PersonInfo {
    pub(crate) name: String,
    /// Lower case; empty where only a name is known.
    pub(crate) email: String,
    pub(crate) bot: bool,
}

/// A known ticket. Symbols are numbers of [`Graph::symbols`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct TicketInfo {
    pub(crate) type_name: u32,
    pub(crate) status: u32,
    pub(crate) category: StatusCategory,
    pub(crate) priority: Option<u32>,
    pub(crate) priority_rank: u8,
    pub(crate) assignee: Option<u32>,
    pub(crate) reporter: Option<u32>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) resolved: Option<i64>,
    pub(crate) resolution: Option<u32>,
    /// Whether the resolution says that no change was to be made.
    pub(crate) not_applicable: bool,
    /// Whether the type is a story, epic or feature.
    pub(crate) feature: bool,
    /// Whether the type is a bug or defect.
    pub(crate) defect: bool,
    pub(crate) parent: Option<KeyId>,
    pub(crate) epic: Option<KeyId>,
}

/// A link from a ticket to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkInfo {
    pub(crate) kind: u32,
    pub(crate) direction: LinkDirection,
    pub(crate) other: KeyId,
}

/// A page.
#[derive(Debug, Clone)]
pub(crate) struct PageInfo {
    /// Index into [`Graph::sources`].
    pub(crate) source: u32,
    pub(crate) path: String,
    pub(crate) title: String,
    /// The file that it is, in a repository.
    pub(crate) file: Option<FileId>,
    pub(crate) modified: Option<Timestamp>,
    /// Known and dangling keys with the first line that mentions each.
    pub(crate) keys: Vec<(KeyId, u32)>,
    /// Files with the lines that mention them.
    pub(crate) files: Vec<(FileId, u32)>,
}

/// A decision record with its relations.
#[derive(Debug, Clone)]
pub(crate) struct DecisionInfo {
    pub(crate) id: String,
    /// Index into [`Graph::sources`].
    pub(crate) source: u32,
    pub(crate) record: Decision,
    pub(crate) file: Option<FileId>,
    pub(crate) keys: Vec<KeyId>,
    pub(crate) commits: Vec<CommitId>,
    pub(crate) supersedes: Vec<DecisionId>,
    pub(crate) superseded_by: Vec<DecisionId>,
}

/// What makes a built feature significant, over all time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct FeatureWork {
    pub(crate) commits: u32,
    pub(crate) files: u32,
    pub(crate) folders: u32,
    pub(crate) dependency: bool,
    pub(crate) schema: bool,
    pub(crate) interface: bool,
}

/// What analyses would otherwise count again for every question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// When a ticket was last updated; meaningless without tickets.
    pub(crate) last_update: i64,
    /// Known tickets that a commit refers to.
    pub(crate) referred_tickets: u64,
    /// Whether pages are of more than one source.
    pub(crate) several_page_sources: bool,
    /// Page, line and file of every reference to a file that is gone, in this order.
    pub(crate) outdated: Vec<(PageId, u32, FileId)>,
    pub(crate) outdated_by_page: Counts,
    /// References of pages to files, outdated or not, but for those of change logs.
    pub(crate) page_references: u64,
}

/// An immutable state of an organisation's knowledge.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(crate) org: String,
    pub(crate) sequence: u64,
    pub(crate) sources: Vec<SourceInfo>,
    /// Index into `sources` by repository.
    pub(crate) repos: Vec<u32>,
    pub(crate) symbols: Symbols,
    pub(crate) projects: Projects,

    pub(crate) commits: Commits,
    pub(crate) files: Files,
    pub(crate) folders: Texts,
    pub(crate) people: Vec<PersonInfo>,
    /// Number of known tickets; keys from there on are dangling.
    pub(crate) tickets: Vec<TicketInfo>,
    pub(crate) ticket_summary: Texts,
    pub(crate) ticket_source: Vec<u32>,
    /// Keys: known tickets first, then dangling ones.
    pub(crate) keys: Texts,
    pub(crate) pages: Vec<PageInfo>,
    pub(crate) decisions: Vec<DecisionInfo>,

    /// Commits by object name.
    pub(crate) by_sha: Vec<CommitId>,
    /// Commit → its changes.
    pub(crate) changes: Rows<Change>,
    /// Change (its index among all) → commit.
    pub(crate) change_commit: Vec<CommitId>,
    /// File → indexes of its changes, oldest first.
    pub(crate) file_changes: Rows<u32>,
    /// File → indexes of the changes that moved it away, oldest first.
    pub(crate) file_moves: Rows<u32>,
    /// Folder → non-merge commits that changed a file in it directly, oldest first, each once.
    pub(crate) folder_commits: Rows<CommitId>,
    /// Commit → keys that it refers to.
    pub(crate) commit_keys: Rows<KeyId>,
    /// Key → commits that refer to it, oldest first.
    pub(crate) key_commits: Rows<CommitId>,
    /// Person → non-merge commits that they authored or co-authored, oldest first.
    pub(crate) person_commits: Rows<CommitId>,
    /// Person → non-merge commits that they reviewed, oldest first.
    pub(crate) person_reviews: Rows<CommitId>,
    /// Commit → co-authors, and → reviewers.
    pub(crate) co_authors: Rows<PersonId>,
    pub(crate) reviewers: Rows<PersonId>,
    /// Ticket → links, as recorded at this end.
    pub(crate) ticket_links: Rows<LinkInfo>,
    /// Key → tickets whose parent or epic it is.
    pub(crate) children: Rows<KeyId>,
    /// Ticket → keys that its texts mention, and key → tickets whose texts mention it.
    pub(crate) ticket_mentions: Rows<KeyId>,
    pub(crate) mentioned_by: Rows<KeyId>,
    /// Key → pages, file → (page, line), key → decisions.
    pub(crate) key_pages: Rows<(PageId, u32)>,
    pub(crate) file_pages: Rows<(PageId, u32)>,
    pub(crate) key_decisions: Rows<DecisionId>,

    /// Known tickets by creation.
    pub(crate) by_created: Vec<KeyId>,
    /// Known tickets that are not done, by last update.
    pub(crate) open_by_updated: Vec<KeyId>,
    /// Features that a commit refers to and no decision does, most significant first, with their work over all time.
    pub(crate) undecided: Vec<(KeyId, FeatureWork)>,
    /// Commits that are undocumented whatever the window, oldest first.
    pub(crate) undocumented: Vec<CommitId>,
    /// Dangling keys that a commit refers to, most commits first.
    pub(crate) dangling: Vec<KeyId>,
    /// What did not fit into the graph.
    pub(crate) notes: Vec<String>,
    pub(crate) facts: Facts,
}

impl Graph {
    /// The organisation.
    #[must_use]
    pub fn org(&self) -> &str {
        &self.org
    }

    /// The number of the change that this graph is of.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Number of commits.
    #[must_use]
    pub fn commit_count(&self) -> usize {
        self.commits.ids.len()
    }

    /// Number of known tickets.
    #[must_use]
    pub fn ticket_count(&self) -> usize {
        self.tickets.len()
    }

    /// Number of files, existing and gone.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files.repo.len()
    }

    /// Number of people.
    #[must_use]
    pub fn person_count(&self) -> usize {
        self.people.len()
    }

    /// The time of the newest commit, and the last update of a ticket.
    #[must_use]
    pub fn newest(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let commit = self.commits.time.last().copied().map(Timestamp::from_unix);
        let ticket = (!self.tickets.is_empty()).then(|| Timestamp::from_unix(self.facts.last_update));
        (commit, ticket)
    }

    /// Bytes that the graph takes, without the allocator's own.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let commits = &self.commits;
        let per_commit = size_of::<ObjectId>() + 4 + 8 + 8 + 4 + 1 + 4 + 4;
        commits.ids.len() * per_commit
            + commits.subject.bytes()
            + self.files.path.bytes()
            + self.files.repo.len() * 11
            + self.folders.bytes()
            + self.people.iter().map(|p| size_of::<PersonInfo>() + p.name.len() + p.email.len()).sum::<usize>()
            + self.tickets.len() * (size_of::<TicketInfo>() + 4)
            + self.ticket_summary.bytes()
            + self.keys.bytes()
            + self.changes.bytes()
            + self.change_commit.len() * 4
            + self.file_changes.bytes()
            + self.file_moves.bytes()
            + self.folder_commits.bytes()
            + self.commit_keys.bytes()
            + self.key_commits.bytes()
            + self.person_commits.bytes()
            + self.person_reviews.bytes()
            + self.co_authors.bytes()
            + self.reviewers.bytes()
            + self.ticket_links.bytes()
            + self.children.bytes()
            + self.ticket_mentions.bytes()
            + self.mentioned_by.bytes()
            + self.key_pages.bytes()
            + self.file_pages.bytes()
            + self.key_decisions.bytes()
            + (self.by_created.len()
                + self.open_by_updated.len()
                + self.undocumented.len()
                + self.dangling.len()
                + self.by_sha.len())
                * 4
            + self.undecided.len() * size_of::<(KeyId, FeatureWork)>()
            + self.facts.outdated.len() * size_of::<(PageId, u32, FileId)>()
            + self.facts.outdated_by_page.iter().map(|(name, _)| name.len() + 32).sum::<usize>()
    }

    // What analyses read. Ids come from the graph itself, so indexing is by construction in bounds.

    pub(crate) fn repo_name(&self, repo: RepoId) -> &str {
        &self.sources[self.repos[repo.at()] as usize].name
    }

    pub(crate) fn path(&self, file: FileId) -> &str {
        self.files.path.get(file.0)
    }

    pub(crate) fn key(&self, key: KeyId) -> &str {
        self.keys.get(key.0)
    }

    /// The ticket of a key, unless it is dangling.
    pub(crate) fn ticket(&self, key: KeyId) -> Option<&TicketInfo> {
        self.tickets.get(key.at())
    }

    pub(crate) fn person(&self, person: PersonId) -> &PersonInfo {
        &self.people[person.at()]
    }

    pub(crate) fn time(&self, commit: CommitId) -> i64 {
        self.commits.time[commit.at()]
    }

    pub(crate) fn is_merge(&self, commit: CommitId) -> bool {
        self.commits.flags[commit.at()].has(CommitFlags::MERGE)
    }

    /// The first commit after `as_of`: those below existed then.
    pub(crate) fn horizon(&self, as_of: Timestamp) -> CommitId {
        CommitId(self.commits.time.partition_point(|&time| time <= as_of.unix()) as u32)
    }

    /// The part of a list of commits, oldest first, that existed at a horizon.
    pub(crate) fn until(commits: &[CommitId], horizon: CommitId) -> &[CommitId] {
        &commits[..commits.partition_point(|&commit| commit < horizon)]
    }

    pub(crate) fn known_keys(&self) -> impl Iterator<Item = KeyId> + use<> {
        (0..self.tickets.len() as u32).map(KeyId)
    }

    /// The change of an index among all changes.
    pub(crate) fn change(&self, index: u32) -> &Change {
        &self.changes.items()[index as usize]
    }

    pub(crate) fn symbol(&self, symbol: u32) -> &str {
        self.symbols.get(symbol)
    }
}
