//! From what people type to ids.

use docassist_model::reference::TicketKey;
use docassist_model::{ObjectId, SourceKind, Timestamp};

use crate::graph::{CommitId, DecisionId, FileId, Graph, KeyId, PersonId, RepoId};
use crate::keys;

/// How many of the nearest names are offered.
const NEAREST: usize = 5;
/// More candidates than this are not listed.
const MAX_CANDIDATES: usize = 20;

/// What a lookup found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// Exactly this.
    Found(T),
    /// Several that the text may mean.
    Ambiguous(Vec<String>),
    /// Nothing, and what comes near.
    Missing(Nearest),
}

/// Names that resemble one that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nearest(pub Vec<String>);

impl Graph {
    /// The repository of that name.
    #[must_use]
    pub fn find_repo(&self, name: &str) -> Lookup<RepoId> {
        let names = || (0..self.repos.len() as u32).map(|id| self.repo_name(RepoId(id)));
        match names().position(|candidate| candidate == name) {
            Some(at) => Lookup::Found(RepoId(at as u32)),
            None => Lookup::Missing(nearest(name, names())),
        }
    }

    /// Names of the repositories.
    #[must_use]
    pub fn repo_names(&self) -> Vec<String> {
        (0..self.repos.len() as u32).map(|id| self.repo_name(RepoId(id)).to_owned()).collect()
    }

    /// The file at `path`, in `repo` or in the only repository that has it. A path that is the end of exactly one
    /// existing file's path will do.
    #[must_use]
    pub fn find_file(&self, path: &str, repo: Option<RepoId>) -> Lookup<FileId> {
        let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
        let repos = (0..self.repos.len() as u32).map(RepoId).filter(|id| repo.is_none_or(|wanted| wanted == *id));
        let mut exact: Vec<FileId> = repos.filter_map(|repo| self.file_at(repo, path)).collect();
        if exact.len() > 1 {
            // Repositories that still have it come before those that once had it.
            let existing: Vec<FileId> = exact.iter().copied().filter(|file| self.files.exists[file.at()]).collect();
            if existing.len() == 1 {
                exact = existing;
            }
        }
        match exact.as_slice() {
            [file] => return Lookup::Found(*file),
            [] => {}
            several => return Lookup::Ambiguous(several.iter().map(|&file| self.qualified(file)).collect()),
        }
        let all =
            || (0..self.file_count() as u32).map(FileId).filter(|f| repo.is_none_or(|r| r == self.files.repo[f.at()]));
        let ends = |file: &FileId| {
            let candidate = self.path(*file);
            candidate.len() > path.len() + 1
                && candidate.ends_with(path)
                && candidate.as_bytes()[candidate.len() - path.len() - 1] == b'/'
        };
        let suffixed: Vec<FileId> =
            all().filter(|file| self.files.exists[file.at()]).filter(ends).take(MAX_CANDIDATES).collect();
        match suffixed.as_slice() {
            [file] => Lookup::Found(*file),
            [] => Lookup::Missing(nearest(path, all().map(|file| self.path(file)))),
            several => Lookup::Ambiguous(several.iter().map(|&file| self.qualified(file)).collect()),
        }
    }

    /// The file of exactly that path.
    pub(crate) fn file_at(&self, repo: RepoId, path: &str) -> Option<FileId> {
        let at = |id: u32| (self.files.repo[id as usize], self.files.path.get(id));
        let (mut low, mut high) = (0, self.file_count() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            match at(middle).cmp(&(repo, path)) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(FileId(middle)),
            }
        }
        None
    }

    /// The name of the source that a known ticket came from. O(log n).
    #[must_use]
    pub fn source_of_ticket(&self, key: &str) -> Option<&str> {
        let Lookup::Found(key) = self.find_ticket(key) else { return None };
        let source = *self.ticket_source.get(key.at())?;
        self.sources.get(source as usize).map(|source| source.name.as_str())
    }

    /// Whether a ticket of that key existed at an instant.
    #[must_use]
    pub fn had_ticket(&self, key: &str, as_of: Timestamp) -> bool {
        matches!(self.find_ticket(key), Lookup::Found(key) if self.ticket_at(key, as_of).is_some())
    }

    /// When a file of exactly that path was last changed by a commit that is no merge, and by whom. O(log n).
    #[must_use]
    pub fn last_change(&self, repo: &str, path: &str) -> Option<(Timestamp, &str)> {
        let Lookup::Found(repo) = self.find_repo(repo) else { return None };
        let file = self.file_at(repo, path)?;
        let change = *self.file_changes.row(file.0).last()?;
        let commit = self.change_commit[change as usize];
        let time = Timestamp::from_unix(self.commits.time[commit.at()]);
        Some((time, self.people[self.commits.author[commit.at()].at()].name.as_str()))
    }

    fn qualified(&self, file: FileId) -> String {
        let path = self.path(file);
        if self.repos.len() > 1 {
            format!("{path} (in {})", self.repo_name(self.files.repo[file.at()]))
        } else {
            path.to_owned()
        }
    }

    /// The ticket of that key, in any case. Only known tickets are found.
    #[must_use]
    pub fn find_ticket(&self, key: &str) -> Lookup<KeyId> {
        let Ok(wanted) = key.parse::<TicketKey>() else {
            return Lookup::Missing(nearest(&key.to_ascii_uppercase(), self.known_keys().map(|id| self.key(id))));
        };
        match self.known_key(wanted.as_str()) {
            Some(id) => Lookup::Found(id),
            None => Lookup::Missing(nearest(wanted.as_str(), self.known_keys().map(|id| self.key(id)))),
        }
    }

    fn known_key(&self, key: &str) -> Option<KeyId> {
        let (mut low, mut high) = (0, self.tickets.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            match keys::compare(self.keys.get(middle), key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(KeyId(middle)),
            }
        }
        None
    }

    /// The commit whose name begins with `prefix`: at least four hexadecimal digits.
    #[must_use]
    pub fn find_commit(&self, prefix: &str) -> Lookup<CommitId> {
        let wanted = prefix.trim().to_ascii_lowercase();
        if wanted.len() < 4 || wanted.len() > 64 || !wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Lookup::Missing(Nearest::default());
        }
        let matches = self.commits_with_prefix(&wanted);
        let distinct = matches.first().map(|first| self.commits.ids[first.at()]);
        match matches {
            [] => Lookup::Missing(Nearest::default()),
            // The same commit in several repositories (a fork) is one commit.
            [first, rest @ ..] if rest.iter().all(|commit| Some(self.commits.ids[commit.at()]) == distinct) => {
                Lookup::Found(*first)
            }
            several => Lookup::Ambiguous(
                several
                    .iter()
                    .take(MAX_CANDIDATES)
                    .map(|&commit| {
                        format!("{} {}", self.commits.ids[commit.at()].short(), self.commits.subject.get(commit.0))
                    })
                    .collect(),
            ),
        }
    }

    /// Commits whose name begins with lower-case hexadecimal digits. Logarithmic.
    pub(crate) fn commits_with_prefix(&self, prefix: &str) -> &[CommitId] {
        let name = |commit: &CommitId| self.commits.ids[commit.at()].to_hex();
        let from = self.by_sha.partition_point(|commit| name(commit).as_str() < prefix);
        let count = self.by_sha[from..].partition_point(|commit| name(commit).starts_with(prefix));
        &self.by_sha[from..from + count]
    }

    /// Everybody whom an address or a name means: the person of the address, or all of exactly that name, or the only
    /// ones whose name or address contains it.
    #[must_use]
    pub fn find_people(&self, text: &str) -> Lookup<Vec<PersonId>> {
        let wanted = text.trim().to_lowercase();
        let wanted = wanted.rsplit_once('<').map_or(wanted.as_str(), |(_, email)| email.trim_end_matches('>'));
        let all = || (0..self.people.len() as u32).map(PersonId);
        let matching = |test: &dyn Fn(PersonId) -> bool| all().filter(|&id| test(id)).collect::<Vec<_>>();
        for test in [
            &(|id: PersonId| self.person(id).email == wanted && !wanted.is_empty()) as &dyn Fn(PersonId) -> bool,
            &|id| self.person(id).name.to_lowercase() == wanted,
        ] {
            let found = matching(test);
            if !found.is_empty() {
                return Lookup::Found(found);
            }
        }
        let parts = |id: PersonId| {
            let person = self.person(id);
            wanted.len() >= 2 && (person.name.to_lowercase().contains(wanted) || person.email.contains(wanted))
        };
        let found = matching(&parts);
        let same_name = found.iter().all(|&id| self.person(id).name == self.person(found[0]).name);
        if !found.is_empty() && same_name {
            return Lookup::Found(found);
        }
        if !found.is_empty() {
            let names = found.iter().take(MAX_CANDIDATES).map(|&id| self.display_person(id)).collect();
            return Lookup::Ambiguous(names);
        }
        Lookup::Missing(nearest(wanted, self.people.iter().map(|person| person.name.as_str())))
    }

    /// `Name <address>`.
    pub(crate) fn display_person(&self, id: PersonId) -> String {
        let person = self.person(id);
        if person.email.is_empty() { person.name.clone() } else { format!("{} <{}>", person.name, person.email) }
    }

    /// The decision record of an id, of a number that only one has, or of its page's path.
    #[must_use]
    pub fn find_decision(&self, text: &str) -> Lookup<DecisionId> {
        let ids = || (0..self.decisions.len() as u32).map(DecisionId);
        let info = |id: DecisionId| &self.decisions[id.at()];
        let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let number: Option<u32> = if digits.is_empty() { None } else { digits.parse().ok() };
        let tests: [&dyn Fn(DecisionId) -> bool; 3] =
            [&|id| info(id).id.eq_ignore_ascii_case(text), &|id| info(id).record.path == text, &|id| {
                number.is_some() && info(id).record.number == number && !text.contains('/')
            }];
        for test in tests {
            let found: Vec<DecisionId> = ids().filter(|&id| test(id)).collect();
            match found.as_slice() {
                [] => {}
                [one] => return Lookup::Found(*one),
                several => return Lookup::Ambiguous(several.iter().map(|&id| info(id).id.clone()).collect()),
            }
        }
        Lookup::Missing(nearest(text, self.decisions.iter().map(|decision| decision.id.as_str())))
    }

    /// Notes of the sources that an answer about `repo` (or about everything) rests on.
    pub(crate) fn source_notes(&self, repo: Option<RepoId>) -> Vec<String> {
        let mut notes = self.notes.clone();
        for source in &self.sources {
            if source.kind == SourceKind::Git && repo.is_some() && source.repo != repo {
                continue;
            }
            if source.interrupted {
                notes.push(format!("the sync of {} was interrupted: run it again to see the rest", source.name));
            }
            notes.extend(source.notes.iter().map(|note| format!("{}: {note}", source.name)));
        }
        notes
    }

    /// Whether an object name is a commit of the graph.
    #[must_use]
    pub fn has_commit(&self, id: &ObjectId) -> bool {
        !self.commits_with_prefix(&id.to_hex()).is_empty()
    }
}

/// The names with the fewest edits from `wanted`, and those that contain its last part. Linear in the number of names.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Nearest {
    let wanted = wanted.to_lowercase();
    let tail = wanted.rsplit(['/', ' ', '@']).next().unwrap_or(&wanted).to_owned();
    let limit = wanted.chars().count() / 3 + 1;
    let mut found: Vec<(usize, &str)> = Vec::new();
    for name in names {
        let lower = name.to_lowercase();
        let name_tail = lower.rsplit('/').next().unwrap_or(&lower);
        let whole =
            if lower.len().abs_diff(wanted.len()) <= limit { edit_distance(&lower, &wanted, limit) } else { None };
        // One wrong letter is nearer than the same file name elsewhere.
        let distance = if tail.len() >= 3 && name_tail == tail {
            whole.unwrap_or(2).min(2)
        } else if let Some(distance) = whole {
            distance
        } else if tail.len() >= 4 && name_tail.len().abs_diff(tail.len()) <= 2 {
            edit_distance(name_tail, &tail, 2).map_or(usize::MAX, |distance| distance + 1)
        } else {
            usize::MAX
        };
        if distance != usize::MAX {
            found.push((distance, name));
            if found.len() > 64 {
                found.sort_unstable();
                found.truncate(NEAREST);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Nearest(found.into_iter().take(NEAREST).map(|(_, name)| name.to_owned()).collect())
}

/// Levenshtein's distance, unless it is above `limit`.
fn edit_distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
        if row.iter().min().is_none_or(|&least| least > limit) {
            return None;
        }
    }
    row.last().copied().filter(|&distance| distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered() {
        let names = ["src/main.rs", "src/lib.rs", "docs/readme.md"];
        assert_eq!(nearest("src/mian.rs", names.into_iter()).0.first().map(String::as_str), Some("src/main.rs"));
        assert_eq!(nearest("lib.rs", names.into_iter()).0, ["src/lib.rs"]);
        let utils = ["test/a/util.js", "test/b/util.js", "src/utils.js"];
        assert_eq!(
            nearest("src/util.js", utils.into_iter()).0[0],
            "src/utils.js",
            "one letter, not one folder, is wrong"
        );
        assert_eq!(nearest("unrelated-long-name", names.into_iter()).0, Vec::<String>::new());
    }
}
