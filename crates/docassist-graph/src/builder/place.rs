//! Numbers for commits, files, people and keys, in the orders that answers are sorted by.

use docassist_model::{FileKind, Identity, SourceId, commit, file_kind};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{GraphBuilder, NO_PATH};
use crate::graph::{FileId, Files, FolderId, PersonId, PersonInfo, RepoId};
use crate::keys::{self, Projects};
use crate::text::Texts;

/// A name with how often it authored and was credited.
type Named<'a> = (&'a str, (u32, u32));

impl GraphBuilder {
    /// Commits by (time, sha, repository); those of sources that are gone are left out.
    pub(super) fn commit_order(&self, repo_of: &dyn Fn(SourceId) -> Option<RepoId>) -> Vec<u32> {
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
    pub(super) fn place_files(
        &self,
        repo_of: &dyn Fn(SourceId) -> Option<RepoId>,
    ) -> (Files, Texts, Vec<Option<FileId>>) {
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
            weight: Vec::new(),
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
    pub(super) fn place_people(&self) -> (Vec<PersonInfo>, FxHashMap<u32, PersonId>) {
        let mut uses: FxHashMap<u32, (u32, u32)> = FxHashMap::default();
        for &author in &self.commits.author {
            uses.entry(author).or_default().0 += 1;
        }
        for &(_, person) in self.commits.credits.items() {
            uses.entry(person).or_default().1 += 1;
        }
        // Address → names with how often each authored and was credited.
        let mut by_email: FxHashMap<&str, Vec<Named<'_>>> = FxHashMap::default();
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
    pub(super) fn projects(&self) -> Projects {
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
        let subjects = non_merges().map(|c| (commits.subject.get(c), commits.subject_keys.get(c)));
        Projects::learn(subjects, non_merges().count())
    }

    /// Numbers known tickets, then the keys that are only referred to.
    pub(super) fn place_keys(&self, projects: &Projects) -> (Texts, Vec<u32>) {
        let tickets = &self.tickets.keys;
        let mut ticket_order: Vec<u32> = (0..tickets.len() as u32).collect();
        ticket_order.sort_unstable_by(|&a, &b| keys::compare(tickets.get(a), tickets.get(b)));
        let known: FxHashSet<&str> = ticket_order.iter().map(|&id| tickets.get(id)).collect();
        let mut dangling: FxHashSet<&str> = FxHashSet::default();
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
        let of_decisions =
            self.decisions.iter().flat_map(|(_, record)| &record.tickets).map(docassist_model::TicketKey::as_str);
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
}

fn person(name: &str, email: &str) -> PersonInfo {
    let identity = Identity { name: name.to_owned(), email: email.to_owned() };
    PersonInfo { bot: commit::is_bot(&identity), name: identity.name, email: identity.email }
}
