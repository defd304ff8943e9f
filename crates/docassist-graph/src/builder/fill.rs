//! Commits and tickets with their relations, in the order of their numbers.

use docassist_model::{CreditRole, FileKind, SourceId};
use rustc_hash::FxHashMap;

use super::GraphBuilder;
use crate::adjacency::Rows;
use crate::graph::{Change, CommitFlags, CommitId, FileId, Graph, KeyId, LinkInfo, PersonId, RepoId};

impl GraphBuilder {
    pub(super) fn fill_commits(
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

    pub(super) fn fill_tickets(
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
