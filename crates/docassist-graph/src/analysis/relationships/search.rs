//! Finding things by their names.

use docassist_model::Timestamp;
use docassist_model::findings::relationships::{Match, Matches};
use docassist_model::findings::{Answer, Counts};

use crate::analysis::{InvalidCursor, PageRequest, page};
use crate::graph::{CommitId, FileId, Graph, KeyId};

/// What a match is of; its order breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Repository,
    Ticket,
    Person,
    File,
    Decision,
    Page,
    Commit,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Repository, Self::Ticket, Self::Person, Self::File, Self::Decision, Self::Page, Self::Commit];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Ticket => "ticket",
            Self::Person => "person",
            Self::File => "file",
            Self::Decision => "decision",
            Self::Page => "page",
            Self::Commit => "commit",
        }
    }
}

/// The words of a query, lower case.
struct Words(Vec<String>);

impl Words {
    /// Whether every word is in one of the texts. Case is that of ASCII, so that nothing is allocated per candidate.
    fn in_any(&self, texts: [&str; 2]) -> bool {
        self.0.iter().all(|word| texts.iter().any(|text| contains_ignoring_case(text, word)))
    }

    fn is(&self, text: &str) -> bool {
        let joined = self.0.join(" ");
        text.eq_ignore_ascii_case(&joined)
    }
}

fn contains_ignoring_case(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    word.len() <= text.len() && text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

impl Graph {
    /// Everything whose name or title contains every word of the text: exact names first, then the newest. Linear in the
    /// bytes of all names and titles.
    ///
    /// # Errors
    /// [`InvalidCursor`].
    pub fn search_names(
        &self,
        text: &str,
        as_of: Timestamp,
        request: &PageRequest,
    ) -> Result<Answer<Matches>, InvalidCursor> {
        let words = Words(text.split_whitespace().map(str::to_lowercase).collect());
        let horizon = self.horizon(as_of);
        let mut found: Vec<(bool, i64, Kind, u32)> = Vec::new();
        let mut consider = |kind: Kind, id: u32, texts: [&str; 2], time: Option<i64>| {
            if words.in_any(texts) {
                // What was never touched, as far as is known, comes last.
                let age = time.map_or(i64::MAX, |time| -time);
                found.push((!(words.is(texts[0]) || words.is(texts[1])), age, kind, id));
            }
        };
        if !words.0.is_empty() {
            for id in 0..self.repos.len() as u32 {
                consider(Kind::Repository, id, [self.repo_name(crate::graph::RepoId(id)), ""], None);
            }
            for key in self.known_keys().filter(|key| self.ticket_at(*key, as_of).is_some()) {
                let texts = [self.key(key), self.ticket_summary.get(key.0)];
                consider(Kind::Ticket, key.0, texts, Some(self.tickets[key.at()].updated));
            }
            for (id, person) in self.people.iter().enumerate() {
                let last = self.last_activity(crate::graph::PersonId(id as u32), horizon);
                consider(Kind::Person, id as u32, [&person.name, &person.email], last);
            }
            for id in 0..self.file_count() as u32 {
                consider(Kind::File, id, [self.path(FileId(id)), ""], self.last_changed(FileId(id)));
            }
            for (id, decision) in self.decisions.iter().enumerate() {
                consider(Kind::Decision, id as u32, [&decision.id, &decision.record.title], None);
            }
            for (id, page) in self.pages.iter().enumerate() {
                let last = page.modified.map(Timestamp::unix).or_else(|| self.last_changed(page.file?));
                consider(Kind::Page, id as u32, [&page.path, &page.title], last);
            }
            for id in 0..horizon.0 {
                consider(Kind::Commit, id, [self.commits.subject.get(id), ""], Some(self.time(CommitId(id))));
            }
        }
        found.sort_unstable();
        let mut by_kind = [0_u64; Kind::ALL.len()];
        for (_, _, kind, _) in &found {
            by_kind[*kind as usize] += 1;
        }
        let page = page("search", &found, request, |&(_, age, kind, id)| {
            let (reference, title) = self.name_of(kind, id);
            let time = (age != i64::MAX).then(|| Timestamp::from_unix(-age));
            Match { kind: kind.as_str(), reference, title, time }
        })?;
        let by_kind =
            Counts::new(Kind::ALL.iter().map(|kind| (kind.as_str().to_owned(), by_kind[*kind as usize])).collect());
        let mut notes = self.source_notes(None);
        self.tip_notes(as_of, &mut notes);
        Ok(self.answer(as_of, notes, Matches { query: text.to_owned(), page, by_kind }))
    }

    /// When a path was last changed by a non-merge commit.
    fn last_changed(&self, file: FileId) -> Option<i64> {
        self.file_changes.row(file.0).last().map(|&at| self.time(self.change_commit[at as usize]))
    }

    /// What commands take, and what people read.
    fn name_of(&self, kind: Kind, id: u32) -> (String, String) {
        match kind {
            Kind::Repository => (self.repo_name(crate::graph::RepoId(id)).to_owned(), String::new()),
            Kind::Ticket => (self.key(KeyId(id)).to_owned(), self.ticket_summary.get(id).to_owned()),
            Kind::Person => {
                let person = &self.people[id as usize];
                let reference = if person.email.is_empty() { &person.name } else { &person.email };
                (reference.clone(), person.name.clone())
            }
            Kind::File => {
                let file = FileId(id);
                let gone = if self.files.exists[file.at()] { "" } else { " (gone)" };
                (self.path(file).to_owned(), format!("{}{gone}", self.repo_name(self.files.repo[file.at()])))
            }
            Kind::Decision => {
                let decision = &self.decisions[id as usize];
                (decision.id.clone(), decision.record.title.clone())
            }
            Kind::Page => (self.page_name(crate::graph::PageId(id)), self.pages[id as usize].title.clone()),
            Kind::Commit => (self.commits.ids[id as usize].to_hex(), self.commits.subject.get(id).to_owned()),
        }
    }
}
