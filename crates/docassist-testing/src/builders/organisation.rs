//! An organisation's records, handed to a projection as a store would.

use std::collections::HashMap;

use docassist_model::commit::is_revert;
use docassist_model::file_kind::classify_path;
use docassist_model::projection::{ChangeRow, CommitRow, FileRow, IdentityRow, PathRow, SourceRow, TicketRow};
use docassist_model::reference::candidates;
use docassist_model::{
    ChangeStatus, Commit, Decision, FileEntry, Identity, LinkDirection, Page, RecordSink, SourceId, SourceKind, Ticket,
    TicketKey,
};

/// Nobody's records yet.
#[must_use]
pub fn organisation() -> Organisation {
    Organisation::default()
}

/// Sources with their records. What is added goes to the source begun last.
///
/// ```
/// use docassist_testing::{commit, organisation, ticket};
///
/// let organisation = organisation()
///     .repository("main")
///     .commit(commit("ALOY-1 Begin").added("src/lib.rs", 10))
///     .tracker("jira")
///     .ticket(ticket("ALOY-1"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Organisation {
    sources: Vec<SourceRecords>,
}

#[derive(Debug, Clone)]
struct SourceRecords {
    kind: SourceKind,
    name: String,
    projects: Vec<String>,
    notes: Vec<String>,
    interrupted: bool,
    synced: bool,
    commits: Vec<Commit>,
    /// `None` where the tip follows from the commits.
    tip: Option<Vec<FileEntry>>,
    tickets: Vec<Ticket>,
    pages: Vec<Page>,
    decisions: Vec<Decision>,
}

impl Organisation {
    /// Begins a repository.
    #[must_use]
    pub fn repository(self, name: &str) -> Self {
        self.source(SourceKind::Git, name)
    }

    /// Begins a tracker's export.
    #[must_use]
    pub fn tracker(self, name: &str) -> Self {
        self.source(SourceKind::Tickets, name)
    }

    /// Begins a folder of pages.
    #[must_use]
    pub fn folder(self, name: &str) -> Self {
        self.source(SourceKind::Docs, name)
    }

    fn source(mut self, kind: SourceKind, name: &str) -> Self {
        self.sources.push(SourceRecords {
            kind,
            name: name.to_owned(),
            projects: Vec::new(),
            notes: Vec::new(),
            interrupted: false,
            synced: true,
            commits: Vec::new(),
            tip: None,
            tickets: Vec::new(),
            pages: Vec::new(),
            decisions: Vec::new(),
        });
        self
    }

    /// Names a ticket project for the source.
    #[must_use]
    pub fn project(mut self, prefix: &str) -> Self {
        self.last().projects.push(prefix.to_owned());
        self
    }

    /// Says what could not be seen of the source.
    #[must_use]
    pub fn note(mut self, text: &str) -> Self {
        self.last().notes.push(text.to_owned());
        self
    }

    /// The source's sync was interrupted.
    #[must_use]
    pub fn interrupted(mut self) -> Self {
        self.last().interrupted = true;
        self
    }

    /// The source's first sync was interrupted.
    #[must_use]
    pub fn never_synced(mut self) -> Self {
        self.last().synced = false;
        self.interrupted()
    }

    /// Adds a commit.
    #[must_use]
    pub fn commit(mut self, commit: impl Into<Commit>) -> Self {
        self.last().commits.push(commit.into());
        self
    }

    /// Adds commits.
    #[must_use]
    pub fn commits(self, commits: impl IntoIterator<Item = impl Into<Commit>>) -> Self {
        commits.into_iter().fold(self, Self::commit)
    }

    /// Gives the files at the tip. Without it they are those that the commits, in their order, leave.
    #[must_use]
    pub fn tip<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        let entry = |path: &str| FileEntry { path: path.to_owned(), kind: classify_path(path), size: 100 };
        self.last().tip = Some(paths.into_iter().map(entry).collect());
        self
    }

    /// Adds a ticket.
    #[must_use]
    pub fn ticket(mut self, ticket: impl Into<Ticket>) -> Self {
        self.last().tickets.push(ticket.into());
        self
    }

    /// Adds tickets.
    #[must_use]
    pub fn tickets(self, tickets: impl IntoIterator<Item = impl Into<Ticket>>) -> Self {
        tickets.into_iter().fold(self, Self::ticket)
    }

    /// Adds a page.
    #[must_use]
    pub fn page(mut self, page: impl Into<Page>) -> Self {
        self.last().pages.push(page.into());
        self
    }

    /// Adds a decision record.
    #[must_use]
    pub fn decision(mut self, decision: impl Into<Decision>) -> Self {
        self.last().decisions.push(decision.into());
        self
    }

    fn last(&mut self) -> &mut SourceRecords {
        self.sources.last_mut().expect("a source is begun before its records are added")
    }

    /// Hands all records to `sink`, in the order that a store does. Sources are numbered from 1.
    pub fn feed(&self, sink: &mut dyn RecordSink) {
        let id = |index: usize| SourceId(u32::try_from(index + 1).expect("tests have few sources"));
        for (index, source) in self.sources.iter().enumerate() {
            sink.source(&SourceRow {
                id: id(index),
                kind: source.kind,
                name: &source.name,
                projects: &source.projects,
                notes: &source.notes,
                interrupted: source.interrupted,
                synced: source.synced,
            });
        }
        let tips: Vec<Vec<FileEntry>> =
            self.sources.iter().map(|source| source.tip.clone().unwrap_or_else(|| tip_of(&source.commits))).collect();
        let mut names = Names::default();
        for (index, source) in self.sources.iter().enumerate() {
            names.take_in(id(index), source, &tips[index]);
        }
        // In the order of their numbers: a map's own order differs from run to run.
        let mut identities: Vec<_> = names.identities.iter().collect();
        identities.sort_unstable_by_key(|(_, number)| **number);
        for (identity, id) in identities {
            sink.identity(&IdentityRow { id: *id, name: &identity.name, email: &identity.email });
        }
        let mut paths: Vec<_> = names.paths.iter().collect();
        paths.sort_unstable_by_key(|(_, number)| **number);
        for ((source, path), id) in paths {
            sink.path(&PathRow { id: *id, source: *source, path });
        }
        for (index, tip) in tips.iter().enumerate() {
            for file in tip {
                sink.file(&FileRow { path: names.path(id(index), &file.path), kind: file.kind, size: file.size });
            }
        }
        for (index, source) in self.sources.iter().enumerate() {
            for commit in &source.commits {
                feed_commit(sink, id(index), commit, &names);
            }
        }
        for (index, source) in self.sources.iter().enumerate() {
            for ticket in &source.tickets {
                feed_ticket(sink, id(index), ticket);
            }
        }
        for (index, source) in self.sources.iter().enumerate() {
            for page in &source.pages {
                sink.page(id(index), &Page { text: String::new(), ..page.clone() });
            }
        }
        for (index, source) in self.sources.iter().enumerate() {
            for decision in &source.decisions {
                sink.decision(id(index), decision);
            }
        }
    }
}

/// Numbers of identities and paths.
#[derive(Default)]
struct Names {
    identities: HashMap<Identity, u32>,
    paths: HashMap<(SourceId, String), u32>,
}

impl Names {
    fn take_in(&mut self, id: SourceId, source: &SourceRecords, tip: &[FileEntry]) {
        for commit in &source.commits {
            let credited = commit.credits.iter().map(|credit| &credit.identity);
            for identity in credited.chain([&commit.author, &commit.committer]) {
                let next = number(self.identities.len());
                self.identities.entry(identity.clone()).or_insert(next);
            }
            for change in &commit.changes {
                for path in std::iter::once(&change.path).chain(&change.from) {
                    self.take_in_path(id, path);
                }
            }
        }
        for file in tip {
            self.take_in_path(id, &file.path);
        }
    }

    fn take_in_path(&mut self, source: SourceId, path: &str) {
        let next = number(self.paths.len());
        self.paths.entry((source, path.to_owned())).or_insert(next);
    }

    fn path(&self, source: SourceId, path: &str) -> u32 {
        self.paths[&(source, path.to_owned())]
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("tests have few records") + 1
}

/// The files that commits leave.
fn tip_of(commits: &[Commit]) -> Vec<FileEntry> {
    let mut paths = std::collections::BTreeSet::new();
    for change in commits.iter().flat_map(|commit| &commit.changes) {
        if let Some(from) = &change.from {
            paths.remove(from);
        }
        if change.status == ChangeStatus::Deleted {
            paths.remove(&change.path);
        } else {
            paths.insert(change.path.clone());
        }
    }
    paths.into_iter().map(|path| FileEntry { kind: classify_path(&path), path, size: 100 }).collect()
}

fn feed_commit(sink: &mut dyn RecordSink, source: SourceId, commit: &Commit, names: &Names) {
    let subject = commit.subject();
    let body = commit.message.trim_start().strip_prefix(subject).unwrap_or_default();
    let of_subject = keys([subject], None);
    let mut of_body = keys([body], None);
    of_body.retain(|key| !of_subject.contains(key));
    let credits: Vec<_> =
        commit.credits.iter().map(|credit| (credit.role, names.identities[&credit.identity])).collect();
    let changes: Vec<ChangeRow> = commit
        .changes
        .iter()
        .map(|change| ChangeRow {
            path: names.path(source, &change.path),
            from: change.from.as_deref().map(|from| names.path(source, from)),
            status: change.status,
            binary: change.binary,
            additions: change.additions,
            deletions: change.deletions,
        })
        .collect();
    sink.commit(&CommitRow {
        source,
        id: commit.id.as_bytes(),
        parents: u32::try_from(commit.parents.len()).expect("tests have few parents"),
        author: names.identities[&commit.author],
        authored: commit.authored,
        time: commit.time,
        subject,
        revert: is_revert(&commit.message),
        subject_keys: &of_subject.join(" "),
        body_keys: &of_body.join(" "),
        credits: &credits,
        changes: &changes,
    });
}

fn feed_ticket(sink: &mut dyn RecordSink, source: SourceId, ticket: &Ticket) {
    let texts = std::iter::once(ticket.description.as_str()).chain(ticket.comments.iter().map(|c| c.body.as_str()));
    let links: Vec<(String, LinkDirection, String)> =
        ticket.links.iter().map(|link| (link.kind.clone(), link.direction, link.key.as_str().to_owned())).collect();
    sink.ticket(&TicketRow {
        source,
        key: ticket.key.as_str(),
        summary: &ticket.summary,
        type_name: &ticket.type_name,
        status: &ticket.status,
        category: ticket.category,
        priority: ticket.priority.as_deref(),
        assignee: ticket.assignee.as_ref().map(|account| account.name.as_str()),
        reporter: ticket.reporter.as_ref().map(|account| account.name.as_str()),
        created: ticket.created,
        updated: ticket.updated,
        resolved: ticket.resolved,
        resolution: ticket.resolution.as_deref(),
        parent: ticket.parent.as_ref().map(TicketKey::as_str),
        epic: ticket.epic.as_ref().map(TicketKey::as_str),
        links: &links,
        mentions: &keys(texts, Some(ticket.key.as_str())).join(" "),
    });
}

/// Key candidates of texts, each once, without `own`.
fn keys<'a>(texts: impl IntoIterator<Item = &'a str>, own: Option<&str>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in texts.into_iter().flat_map(candidates) {
        if Some(key.as_str()) != own && !keys.iter().any(|known| known == key.as_str()) {
            keys.push(key.into());
        }
    }
    keys
}
