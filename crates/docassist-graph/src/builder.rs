//! From records to a graph.

use std::collections::BTreeSet;

use docassist_model::projection::{ChangeRow, CommitRow, FileRow, IdentityRow, PathRow, SourceRow, TicketRow};
use docassist_model::{
    CreditRole, Decision, FileKind, Identity, LinkDirection, ObjectId, Page, RecordSink, SourceId, SourceKind, commit,
    file_kind,
};
use rustc_hash::FxHashMap;

use crate::adjacency::Rows;
use crate::graph::{
    Change, CommitFlags, CommitId, Commits, FileId, Files, FolderId, Graph, KeyId, LinkInfo, PersonId, PersonInfo,
    RepoId, SourceInfo, TicketInfo,
};
use crate::keys::{self, Projects};
use crate::text::{Symbols, Texts};

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

impl Default for RawCommits {
    fn default() -> Self {
        Self {
            source: Vec::new(),
            ids: Vec::new(),
            parents: Vec::new(),
            author: Vec::new(),
            authored: Vec::new(),
            time: Vec::new(),
            subject: Texts::default(),
            revert: Vec::new(),
            subject_keys: Texts::default(),
            body_keys: Texts::default(),
            credits: Rows::default(),
            changes: Rows::default(),
        }
    }
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
    parents: Vec<(u32, Option<Box<str>>, Option<Box<str>>)>,
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
            resolved: row.resolved.map(|time| time.unix()),
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
            if source.kind == SourceKind::Git {
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

    /// Commits by (time, sha, repository); those of sources that are gone are left out.
    fn commit_order(&self, repo_of: &dyn Fn(SourceId) -> Option<RepoId>) -> Vec<u32> {
        let commits = &self.commits;
        let mut order: Vec<u32> =
            (0..commits.ids.len() as u32).filter(|&c| repo_of(commits.source[c as usize]).is_some()).collect();
        order.sort_unstable_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            commits.time[a]
                .cmp(&commits.time[b])
                .then_with(|| commits.ids[a].cmp(&commits.ids[b]))
                .then_with(|| repo_of(commits.source[a]).cmp(&repo_of(commits.source[b])))
        });
        order
    }

    /// Numbers the files that the tip has or a commit changed.
    fn place_files(&self, repo_of: &dyn Fn(SourceId) -> Option<RepoId>) -> (Files, Texts, Vec<Option<FileId>>) {
        let mut used = vec![false; self.path_text.len()];
        let mut mark = |path: u32| {
            if let Some(&index) = self.path_index.get(path as usize)
                && index != NO_PATH
            {
                used[index as usize] = true;
            }
        };
        for change in self.commits.changes.items() {
            mark(change.path);
            change.from.into_iter().for_each(&mut mark);
        }
        self.files.iter().for_each(|file| mark(file.path));
        let repo_at = |index: u32| repo_of(self.path_source[index as usize]);
        let mut order: Vec<u32> =
            (0..used.len() as u32).filter(|&index| used[index as usize] && repo_at(index).is_some()).collect();
        order.sort_unstable_by(|&a, &b| {
            repo_at(a).cmp(&repo_at(b)).then_with(|| self.path_text.get(a).cmp(self.path_text.get(b)))
        });
        let mut id_of_index = vec![None; used.len()];
        for (id, &index) in order.iter().enumerate() {
            id_of_index[index as usize] = Some(FileId(id as u32));
        }
        let file_of_path: Vec<Option<FileId>> = self
            .path_index
            .iter()
            .map(|&index| if index == NO_PATH { None } else { id_of_index[index as usize] })
            .collect();

        let mut files = Files {
            repo: order.iter().filter_map(|&index| repo_at(index)).collect(),
            path: self.path_text.reordered(&order),
            kind: Vec::new(),
            exists: vec![false; order.len()],
            folder: Vec::with_capacity(order.len()),
        };
        let mut at_tip: Vec<Option<FileKind>> = vec![None; order.len()];
        for row in &self.files {
            if let Some(Some(file)) = file_of_path.get(row.path as usize) {
                files.exists[file.at()] = true;
                at_tip[file.at()] = Some(row.kind);
            }
        }
        // A file that is gone has no content to look at; that a change called it binary is known all the same.
        let mut binary = vec![false; order.len()];
        for change in self.commits.changes.items().iter().filter(|change| change.binary) {
            if let Some(Some(file)) = file_of_path.get(change.path as usize) {
                binary[file.at()] = true;
            }
        }
        files.kind = (0..order.len() as u32)
            .map(|id| {
                at_tip[id as usize].unwrap_or_else(|| match file_kind::classify_path(files.path.get(id)) {
                    FileKind::Generated => FileKind::Generated,
                    _ if binary[id as usize] => FileKind::Binary,
                    kind => kind,
                })
            })
            .collect();
        let mut folders = Texts::default();
        let mut known: FxHashMap<(RepoId, &str), FolderId> = FxHashMap::default();
        for id in 0..order.len() as u32 {
            let path = files.path.get(id);
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let repo = files.repo[id as usize];
            let folder = *known.entry((repo, folder)).or_insert_with(|| FolderId(folders.push(folder)));
            files.folder.push(folder);
        }
        (files, folders, file_of_path)
    }

    /// Numbers the people whom commits name: one per address; names without an address join the only person of that
    /// name, or stand for themselves.
    fn place_people(&self) -> (Vec<PersonInfo>, FxHashMap<u32, PersonId>) {
        let mut uses: FxHashMap<u32, (u32, u32)> = FxHashMap::default();
        for &author in &self.commits.author {
            uses.entry(author).or_default().0 += 1;
        }
        for &(_, person) in self.commits.credits.items() {
            uses.entry(person).or_default().1 += 1;
        }
        // Address → names with how often each authored and was credited.
        let mut by_email: FxHashMap<&str, Vec<(&str, (u32, u32))>> = FxHashMap::default();
        let mut nameless: Vec<&str> = Vec::new();
        for (id, count) in &uses {
            let Some(identity) = self.identities.get(id) else { continue };
            if identity.email.is_empty() {
                nameless.push(&identity.name);
            } else {
                by_email.entry(&identity.email).or_default().push((&identity.name, *count));
            }
        }
        let mut people: Vec<PersonInfo> = by_email
            .into_iter()
            .map(|(email, mut names)| {
                // Identities are per source, so the same name comes several times.
                names.sort_unstable();
                names.dedup_by(|later, earlier| {
                    let same = later.0 == earlier.0;
                    if same {
                        earlier.1 = (earlier.1.0 + later.1.0, earlier.1.1 + later.1.1);
                    }
                    same
                });
                let name = names.iter().max_by_key(|(name, count)| (*count, std::cmp::Reverse(*name)));
                person(name.map_or("", |(name, _)| name), email)
            })
            .collect();
        let mut with_name: FxHashMap<String, Option<usize>> = FxHashMap::default();
        for (index, person) in people.iter().enumerate() {
            with_name.entry(person.name.to_lowercase()).and_modify(|slot| *slot = None).or_insert(Some(index));
        }
        nameless.sort_unstable();
        nameless.dedup();
        for name in nameless {
            if !matches!(with_name.get(&name.to_lowercase()), Some(Some(_))) {
                people.push(person(name, ""));
            }
        }
        people.sort_unstable_by(|a, b| a.email.cmp(&b.email).then_with(|| a.name.cmp(&b.name)));
        let mut by_email: FxHashMap<&str, PersonId> = FxHashMap::default();
        let mut by_name: FxHashMap<String, Vec<PersonId>> = FxHashMap::default();
        for (person, id) in people.iter().zip(0..) {
            if person.email.is_empty() {
                by_name.entry(person.name.clone()).or_default().insert(0, PersonId(id));
            } else {
                by_email.insert(&person.email, PersonId(id));
                by_name.entry(person.name.to_lowercase()).or_default().push(PersonId(id));
            }
        }
        let person_of = uses
            .keys()
            .filter_map(|id| {
                let identity = self.identities.get(id)?;
                let person = if identity.email.is_empty() {
                    let exact = by_name.get(&identity.name).and_then(|ids| ids.first());
                    let own = exact.filter(|id| people[id.at()].email.is_empty());
                    own.or_else(|| by_name.get(&identity.name.to_lowercase())?.first())
                } else {
                    by_email.get(identity.email.as_str())
                };
                person.map(|person| (*id, *person))
            })
            .collect();
        (people, person_of)
    }

    /// The projects whose keys are references.
    fn projects(&self) -> Projects {
        let mut prefixes = self.named_projects.clone();
        for id in 0..self.tickets.keys.len() as u32 {
            if let Some((prefix, _)) = docassist_model::reference::split(self.tickets.keys.get(id))
                && !prefixes.contains(prefix)
            {
                prefixes.insert(prefix.to_owned());
            }
        }
        if !prefixes.is_empty() {
            return Projects::known(prefixes);
        }
        let commits = &self.commits;
        let non_merges = || (0..commits.ids.len() as u32).filter(|&c| commits.parents[c as usize] <= 1);
        Projects::learn(non_merges().map(|c| commits.subject_keys.get(c)), non_merges().count())
    }

    /// Numbers known tickets, then the keys that are only referred to.
    fn place_keys(&self, projects: &Projects) -> (Texts, Vec<u32>) {
        let tickets = &self.tickets.keys;
        let mut ticket_order: Vec<u32> = (0..tickets.len() as u32).collect();
        ticket_order.sort_unstable_by(|&a, &b| keys::compare(tickets.get(a), tickets.get(b)));
        let known: rustc_hash::FxHashSet<&str> = ticket_order.iter().map(|&id| tickets.get(id)).collect();
        let mut dangling: rustc_hash::FxHashSet<&str> = rustc_hash::FxHashSet::default();
        for texts in [&self.commits.subject_keys, &self.commits.body_keys, &self.tickets.mentions] {
            for id in 0..texts.len() as u32 {
                for key in texts.get(id).split_ascii_whitespace() {
                    if !known.contains(key) && projects.has(key) {
                        dangling.insert(key);
                    }
                }
            }
        }
        let of_pages = self.pages.iter().flat_map(|(_, page)| &page.tickets).map(|mention| mention.key.as_str());
        let of_decisions = self.decisions.iter().flat_map(|(_, record)| &record.tickets).map(|key| key.as_str());
        let of_links = self.tickets.links.iter().map(|(_, _, _, other)| other.as_ref());
        let of_parents = self.tickets.parents.iter().flat_map(|(_, parent, epic)| [parent, epic]).flatten();
        for key in of_pages.chain(of_decisions) {
            if !known.contains(key) && projects.has(key) {
                dangling.insert(key);
            }
        }
        // A link's target is a ticket by the tracker's word, whether its project is known here or not.
        for key in of_links.chain(of_parents.map(AsRef::as_ref)) {
            if !known.contains(key) {
                dangling.insert(key);
            }
        }
        let mut dangling: Vec<&str> = dangling.into_iter().collect();
        dangling.sort_unstable_by(|a, b| keys::compare(a, b));
        let mut texts = tickets.reordered(&ticket_order);
        for key in dangling {
            texts.push(key);
        }
        (texts, ticket_order)
    }

    fn fill_commits(
        &self,
        graph: &mut Graph,
        order: &[u32],
        repo_of: &dyn Fn(SourceId) -> Option<RepoId>,
        file_of_path: &[Option<FileId>],
        person_of: &FxHashMap<u32, PersonId>,
        key_ids: &FxHashMap<&str, KeyId>,
    ) {
        let raw = &self.commits;
        let commits = &mut graph.commits;
        commits.subject = raw.subject.reordered(order);
        let file = |path: u32| file_of_path.get(path as usize).copied().flatten();
        for &index in order {
            let at = index as usize;
            commits.ids.push(raw.ids[at]);
            commits.repo.push(repo_of(raw.source[at]).unwrap_or(RepoId(0)));
            commits.time.push(raw.time[at]);
            commits.authored.push(raw.authored[at]);
            let author = person_of.get(&raw.author[at]).copied().unwrap_or(PersonId(0));
            commits.author.push(author);
            let mut flags = CommitFlags::default();
            let bot = graph.people.get(author.at()).is_some_and(|person| person.bot);
            for (fact, bit) in [
                (raw.parents[at] > 1, CommitFlags::MERGE),
                (raw.revert[at], CommitFlags::REVERT),
                (bot, CommitFlags::BOT),
            ] {
                if fact {
                    flags.0 |= bit;
                }
            }
            let (mut additions, mut deletions) = (0_u32, 0_u32);
            graph.changes.push_row(raw.changes.row(index).iter().filter_map(|change| {
                let id = file(change.path)?;
                additions = additions.saturating_add(change.additions);
                deletions = deletions.saturating_add(change.deletions);
                match graph.files.kind[id.at()] {
                    FileKind::Source => flags.0 |= CommitFlags::SOURCE,
                    FileKind::Documentation => flags.0 |= CommitFlags::DOCUMENTATION,
                    _ => {}
                }
                Some(Change {
                    file: id,
                    from: change.from.and_then(file),
                    additions: change.additions,
                    deletions: change.deletions,
                    status: change.status,
                    binary: change.binary,
                })
            }));
            commits.additions.push(additions);
            commits.deletions.push(deletions);
            let candidates = [raw.subject_keys.get(index), raw.body_keys.get(index)];
            let mut refers = false;
            graph.commit_keys.push_row(
                candidates
                    .iter()
                    .flat_map(|text| text.split_ascii_whitespace())
                    .filter(|key| graph.projects.has(key))
                    .filter_map(|key| key_ids.get(key).copied())
                    .inspect(|_| refers = true),
            );
            if refers {
                flags.0 |= CommitFlags::REFERS;
            }
            commits.flags.push(flags);
            let people = |wanted: CreditRole| {
                let mut people: Vec<PersonId> = raw
                    .credits
                    .row(index)
                    .iter()
                    .filter(|(role, _)| *role == wanted)
                    .filter_map(|(_, identity)| person_of.get(identity).copied())
                    .filter(|&person| person != author)
                    .collect();
                people.sort_unstable();
                people.dedup();
                people
            };
            graph.co_authors.push_row(people(CreditRole::CoAuthor).into_iter());
            graph.reviewers.push_row(people(CreditRole::Reviewer).into_iter());
        }
        let commit_count = order.len() as u32;
        graph.by_sha = (0..commit_count).map(CommitId).collect();
        let ids = &graph.commits.ids;
        graph.by_sha.sort_unstable_by(|a, b| ids[a.at()].cmp(&ids[b.at()]).then(a.cmp(b)));
        graph.change_commit = (0..commit_count)
            .flat_map(|commit| std::iter::repeat_n(CommitId(commit), graph.changes.row(commit).len()))
            .collect();
    }

    fn fill_tickets(
        &mut self,
        graph: &mut Graph,
        order: &[u32],
        index_of: &FxHashMap<SourceId, u32>,
        key_ids: &FxHashMap<&str, KeyId>,
    ) {
        let raw = &mut self.tickets;
        for (index, parent, epic) in &raw.parents {
            let id = |key: &Option<Box<str>>| key.as_deref().and_then(|key| key_ids.get(key).copied());
            raw.info[*index as usize].parent = id(parent);
            raw.info[*index as usize].epic = id(epic);
        }
        graph.symbols = std::mem::take(&mut raw.symbols);
        graph.tickets = order.iter().map(|&index| raw.info[index as usize]).collect();
        graph.ticket_summary = raw.summary.reordered(order);
        graph.ticket_source =
            order.iter().map(|&index| index_of.get(&raw.source[index as usize]).copied().unwrap_or_default()).collect();
        let mut new_of_old = vec![0_u32; order.len()];
        for (new, &old) in order.iter().enumerate() {
            new_of_old[old as usize] = new as u32;
        }
        let mut links: Vec<(u32, LinkInfo)> = raw
            .links
            .iter()
            .filter_map(|(index, kind, direction, other)| {
                let other = *key_ids.get(other.as_ref())?;
                Some((new_of_old[*index as usize], LinkInfo { kind: *kind, direction: *direction, other }))
            })
            .collect();
        links.sort_unstable_by(|a, b| {
            let name = |link: &LinkInfo| graph.symbols.get(link.kind);
            a.0.cmp(&b.0)
                .then_with(|| name(&a.1).cmp(name(&b.1)))
                .then_with(|| (a.1.direction, a.1.other).cmp(&(b.1.direction, b.1.other)))
        });
        links.dedup();
        graph.ticket_links = Rows::group(order.len(), links.iter().copied());
        for &index in order {
            let mut mentioned: Vec<KeyId> = raw
                .mentions
                .get(index)
                .split_ascii_whitespace()
                .filter(|key| graph.projects.has(key))
                .filter_map(|key| key_ids.get(key).copied())
                .collect();
            mentioned.sort_unstable();
            mentioned.dedup();
            graph.ticket_mentions.push_row(mentioned.into_iter());
        }
    }
}

fn person(name: &str, email: &str) -> PersonInfo {
    let identity = Identity { name: name.to_owned(), email: email.to_owned() };
    PersonInfo { bot: commit::is_bot(&identity), name: identity.name, email: identity.email }
}
