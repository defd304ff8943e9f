//! From records to a graph.

mod fill;
mod place;

use std::collections::BTreeSet;

use docassist_model::projection::{ChangeRow, CommitRow, FileRow, IdentityRow, PathRow, SourceRow, TicketRow};
use docassist_model::{
    CreditRole, Decision, Identity, LinkDirection, ObjectId, Page, RecordSink, SourceId, SourceKind,
};
use rustc_hash::FxHashMap;

use crate::adjacency::Rows;
use crate::graph::{Commits, Facts, Graph, KeyId, RepoId, SourceInfo, TicketInfo};
use crate::keys::{self};
use crate::text::{Symbols, Texts};

/// A ticket with the keys of its parent and epic.
type Above = (u32, Option<Box<str>>, Option<Box<str>>);

/// Collects an organisation's records and builds its graph. Equal record sets give equal graphs, in whatever order
/// commits arrive and whatever numbers paths and identities have.
#[derive(Default)]
pub struct GraphBuilder {
    sources: Vec<(SourceId, SourceInfo)>,
    named_projects: BTreeSet<String>,
    identities: FxHashMap<u32, Identity>,
    path_index: Vec<u32>,
    path_source: Vec<SourceId>,
    path_text: Texts,
    files: Vec<FileRow>,
    commits: RawCommits,
    tickets: RawTickets,
    pages: Vec<(SourceId, Page)>,
    decisions: Vec<(SourceId, Decision)>,
}

#[derive(Default)]
struct RawCommits {
    source: Vec<SourceId>,
    ids: Vec<ObjectId>,
    parents: Vec<u32>,
    author: Vec<u32>,
    authored: Vec<i64>,
    time: Vec<i64>,
    subject: Texts,
    revert: Vec<bool>,
    subject_keys: Texts,
    body_keys: Texts,
    credits: Rows<(CreditRole, u32)>,
    changes: Rows<ChangeRow>,
}

#[derive(Default)]
struct RawTickets {
    symbols: Symbols,
    keys: Texts,
    summary: Texts,
    mentions: Texts,
    source: Vec<SourceId>,
    /// `parent` and `epic` are filled in once all keys are known.
    info: Vec<TicketInfo>,
    /// Ticket, parent, epic.
    parents: Vec<Above>,
    links: Vec<(u32, u32, LinkDirection, Box<str>)>,
}

const NO_PATH: u32 = u32::MAX;

impl RecordSink for GraphBuilder {
    fn source(&mut self, row: &SourceRow<'_>) {
        self.named_projects.extend(row.projects.iter().cloned());
        let info = SourceInfo {
            kind: row.kind,
            name: row.name.to_owned(),
            notes: row.notes.to_vec(),
            interrupted: row.interrupted,
            synced: row.synced,
            repo: None,
        };
        self.sources.push((row.id, info));
    }

    fn identity(&mut self, row: &IdentityRow<'_>) {
        let identity = Identity { name: row.name.trim().to_owned(), email: row.email.trim().to_ascii_lowercase() };
        self.identities.insert(row.id, identity);
    }

    fn path(&mut self, row: &PathRow<'_>) {
        let id = row.id as usize;
        if self.path_index.len() <= id {
            self.path_index.resize(id + 1, NO_PATH);
        }
        self.path_index[id] = self.path_text.push(row.path);
        self.path_source.push(row.source);
    }

    fn file(&mut self, row: &FileRow) {
        self.files.push(*row);
    }

    fn commit(&mut self, row: &CommitRow<'_>) {
        let Some(id) = ObjectId::from_bytes(row.id) else { return };
        let commits = &mut self.commits;
        commits.ids.push(id);
        commits.source.push(row.source);
        commits.parents.push(row.parents);
        commits.author.push(row.author);
        commits.authored.push(row.authored.unix());
        commits.time.push(row.time.unix());
        commits.subject.push(row.subject);
        commits.revert.push(row.revert);
        commits.subject_keys.push(row.subject_keys);
        commits.body_keys.push(row.body_keys);
        commits.credits.push_row(row.credits.iter().copied());
        let merge = row.parents > 1;
        commits.changes.push_row(row.changes.iter().copied().filter(|_| !merge));
    }

    fn ticket(&mut self, row: &TicketRow<'_>) {
        let tickets = &mut self.tickets;
        let index = tickets.keys.push(row.key);
        tickets.summary.push(row.summary);
        tickets.mentions.push(row.mentions);
        tickets.source.push(row.source);
        let mut symbol = |text: &str| tickets.symbols.intern(text);
        let not_applicable = row.resolution.is_some_and(keys::is_not_applicable);
        let info = TicketInfo {
            type_name: symbol(row.type_name),
            status: symbol(row.status),
            category: row.category,
            priority: row.priority.map(&mut symbol),
            priority_rank: keys::priority_rank(row.priority),
            assignee: row.assignee.map(&mut symbol),
            reporter: row.reporter.map(&mut symbol),
            created: row.created.unix(),
            updated: row.updated.unix(),
            resolved: row.resolved.map(docassist_model::Timestamp::unix),
            resolution: row.resolution.map(&mut symbol),
            not_applicable,
            feature: keys::is_feature(row.type_name),
            defect: keys::is_defect(row.type_name),
            parent: None,
            epic: None,
        };
        tickets.info.push(info);
        if row.parent.is_some() || row.epic.is_some() {
            tickets.parents.push((index, row.parent.map(Into::into), row.epic.map(Into::into)));
        }
        for (kind, direction, other) in row.links {
            let kind = tickets.symbols.intern(kind);
            tickets.links.push((index, kind, *direction, other.as_str().into()));
        }
    }

    fn page(&mut self, source: SourceId, page: &Page) {
        self.pages.push((source, page.clone()));
    }

    fn decision(&mut self, source: SourceId, decision: &Decision) {
        self.decisions.push((source, decision.clone()));
    }
}

impl GraphBuilder {
    /// Builds the graph of an organisation at a change sequence. About linear in the number of records and changes.
    #[must_use]
    pub fn build(mut self, org: &str, sequence: u64) -> Graph {
        self.sources.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        let source_ids: Vec<SourceId> = self.sources.iter().map(|(id, _)| *id).collect();
        let mut sources: Vec<SourceInfo> = self.sources.drain(..).map(|(_, info)| info).collect();
        let mut repos = Vec::new();
        for (index, source) in sources.iter_mut().enumerate() {
            // One that never was read to its end is no part of the organisation yet: that it was begun changes nothing.
            if source.kind == SourceKind::Git && source.synced {
                source.repo = Some(RepoId(repos.len() as u32));
                repos.push(index as u32);
            }
        }
        let index_of: FxHashMap<SourceId, u32> =
            source_ids.iter().zip(0_u32..).map(|(id, index)| (*id, index)).collect();
        let repo_of = |source: SourceId| index_of.get(&source).and_then(|&index| sources[index as usize].repo);

        let order = self.commit_order(&repo_of);
        let (files, folders, file_of_path) = self.place_files(&repo_of);
        let (people, person_of) = self.place_people();
        let projects = self.projects();
        let (keys, ticket_order) = self.place_keys(&projects);
        let key_ids: FxHashMap<&str, KeyId> = (0..keys.len() as u32).map(|id| (keys.get(id), KeyId(id))).collect();

        let mut graph = Graph {
            org: org.to_owned(),
            sequence,
            repos,
            projects,
            files,
            folders,
            people,
            commits: Commits::default(),
            tickets: Vec::new(),
            ticket_summary: Texts::default(),
            ticket_source: Vec::new(),
            symbols: Symbols::default(),
            keys: Texts::default(),
            pages: Vec::new(),
            decisions: Vec::new(),
            by_sha: Vec::new(),
            changes: Rows::default(),
            change_commit: Vec::new(),
            file_changes: Rows::default(),
            file_moves: Rows::default(),
            folder_commits: Rows::default(),
            commit_keys: Rows::default(),
            key_commits: Rows::default(),
            person_commits: Rows::default(),
            person_reviews: Rows::default(),
            co_authors: Rows::default(),
            reviewers: Rows::default(),
            ticket_links: Rows::default(),
            children: Rows::default(),
            ticket_mentions: Rows::default(),
            mentioned_by: Rows::default(),
            key_pages: Rows::default(),
            file_pages: Rows::default(),
            key_decisions: Rows::default(),
            by_created: Vec::new(),
            open_by_updated: Vec::new(),
            undecided: Vec::new(),
            undocumented: Vec::new(),
            dangling: Vec::new(),
            notes: Vec::new(),
            facts: Facts::default(),
            sources: Vec::new(),
        };
        self.fill_commits(&mut graph, &order, &repo_of, &file_of_path, &person_of, &key_ids);
        self.fill_tickets(&mut graph, &ticket_order, &index_of, &key_ids);
        crate::resolve::pages(&mut graph, &sources, &index_of, std::mem::take(&mut self.pages), &key_ids);
        crate::resolve::decisions(&mut graph, &sources, &index_of, std::mem::take(&mut self.decisions), &key_ids);
        drop(key_ids);
        graph.sources = sources;
        graph.keys = keys;
        crate::derive::indexes(&mut graph);
        graph
    }
}
