//! The whole graph as JSON lines.

use docassist_model::{CreditRole, LinkDirection};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::graph::{CommitFlags, CommitId, FileId, Graph, KeyId, PageId, PersonId};

impl Graph {
    /// All nodes and edges, one JSON object a line, sorted bytewise: equal graphs give equal lines. Takes memory for the
    /// whole text.
    #[must_use]
    pub fn export(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        self.nodes(&mut |value| lines.push(value.to_string()));
        self.edges(&mut |value| lines.push(value.to_string()));
        lines.sort_unstable();
        lines
    }

    /// The SHA-256 of the export, in hexadecimal: equal graphs have equal digests.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for line in self.export() {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn commit_node(&self, commit: CommitId) -> String {
        format!("commit:{}@{}", self.repo_name(self.commits.repo[commit.at()]), self.commits.ids[commit.at()])
    }

    fn file_node(&self, file: FileId) -> String {
        format!("file:{}:{}", self.repo_name(self.files.repo[file.at()]), self.path(file))
    }

    fn person_node(&self, person: PersonId) -> String {
        let info = self.person(person);
        format!("person:{}", if info.email.is_empty() { &info.name } else { &info.email })
    }

    fn page_node(&self, page: PageId) -> String {
        let info = &self.pages[page.at()];
        format!("page:{}:{}", self.sources[info.source as usize].name, info.path)
    }

    fn nodes(&self, emit: &mut dyn FnMut(Value)) {
        for repo in self.repo_names() {
            emit(json!({"node": "repo", "id": format!("repo:{repo}"), "name": repo}));
        }
        for commit in (0..self.commit_count() as u32).map(CommitId) {
            let flags = self.commits.flags[commit.at()];
            emit(json!({
                "node": "commit",
                "id": self.commit_node(commit),
                "subject": self.commits.subject.get(commit.0),
                "time": docassist_model::Timestamp::from_unix(self.time(commit)),
                "authored": docassist_model::Timestamp::from_unix(self.commits.authored[commit.at()]),
                "merge": flags.has(CommitFlags::MERGE),
                "revert": flags.has(CommitFlags::REVERT),
            }));
        }
        for file in (0..self.file_count() as u32).map(FileId) {
            emit(json!({
                "node": "file",
                "id": self.file_node(file),
                "kind": self.files.kind[file.at()],
                "exists": self.files.exists[file.at()],
            }));
        }
        for person in (0..self.people.len() as u32).map(PersonId) {
            let info = self.person(person);
            emit(json!({"node": "person", "id": self.person_node(person), "name": info.name, "bot": info.bot}));
        }
        for key in self.known_keys() {
            if let Some(ticket) = self.ticket_line(key) {
                let mut value = json!(ticket);
                if let Value::Object(fields) = &mut value {
                    fields.insert("node".to_owned(), json!("ticket"));
                    fields.insert("id".to_owned(), json!(format!("ticket:{}", self.key(key))));
                    fields.insert("category".to_owned(), json!(self.tickets[key.at()].category));
                }
                emit(value);
            }
        }
        for page in (0..self.pages.len() as u32).map(PageId) {
            let info = &self.pages[page.at()];
            emit(json!({"node": "page", "id": self.page_node(page), "path": info.path, "title": info.title}));
        }
        for decision in &self.decisions {
            emit(json!({
                "node": "decision",
                "id": format!("decision:{}", decision.id),
                "title": decision.record.title,
                "status": decision.record.status,
                "date": decision.record.date,
                "path": decision.record.path,
                "source": self.sources[decision.source as usize].name,
            }));
        }
    }

    fn refers(&self, from: &str, key: KeyId) -> Value {
        let mut edge = json!({"edge": "refers", "from": from, "to": format!("ticket:{}", self.key(key))});
        if self.ticket(key).is_none()
            && let Value::Object(fields) = &mut edge
        {
            fields.insert("dangling".to_owned(), json!(true));
        }
        edge
    }

    fn edges(&self, emit: &mut dyn FnMut(Value)) {
        for commit in (0..self.commit_count() as u32).map(CommitId) {
            let node = self.commit_node(commit);
            for &key in self.commit_keys.row(commit.0) {
                emit(self.refers(&node, key));
            }
            for change in self.changes.row(commit.0) {
                let file = self.file_node(change.file);
                let mut edge = json!({
                    "edge": "changes", "from": node, "to": file, "status": change.status.letter(),
                    "additions": change.additions, "deletions": change.deletions,
                });
                if change.binary
                    && let Value::Object(fields) = &mut edge
                {
                    fields.insert("binary".to_owned(), json!(true));
                }
                emit(edge);
                if let Some(from) = change.from {
                    emit(json!({"edge": "renamed", "from": self.file_node(from), "to": file, "commit": node}));
                }
            }
            let person_edge =
                |kind: &str, person: PersonId| json!({"edge": kind, "from": self.person_node(person), "to": node});
            emit(person_edge("authored", self.commits.author[commit.at()]));
            let credited = [(CreditRole::CoAuthor, &self.co_authors), (CreditRole::Reviewer, &self.reviewers)];
            for (role, rows) in credited {
                let kind = if role == CreditRole::CoAuthor { "co_authored" } else { "reviewed" };
                rows.row(commit.0).iter().for_each(|&person| emit(person_edge(kind, person)));
            }
        }
        for key in self.known_keys() {
            let node = format!("ticket:{}", self.key(key));
            for &other in self.ticket_mentions.row(key.0) {
                emit(self.refers(&node, other));
            }
            for link in self.ticket_links.row(key.0) {
                let direction = if link.direction == LinkDirection::Outward { "outward" } else { "inward" };
                emit(json!({
                    "edge": "links", "from": node, "to": format!("ticket:{}", self.key(link.other)),
                    "type": self.symbol(link.kind), "direction": direction,
                }));
            }
        }
        for page in (0..self.pages.len() as u32).map(PageId) {
            let node = self.page_node(page);
            for &(key, line) in &self.pages[page.at()].keys {
                let mut edge = self.refers(&node, key);
                if let Value::Object(fields) = &mut edge {
                    fields.insert("line".to_owned(), json!(line));
                }
                emit(edge);
            }
            for &(file, line) in &self.pages[page.at()].files {
                emit(json!({"edge": "mentions", "from": node, "to": self.file_node(file), "line": line}));
            }
        }
        for decision in &self.decisions {
            let node = format!("decision:{}", decision.id);
            for &key in &decision.keys {
                emit(json!({"edge": "decides", "from": node, "to": format!("ticket:{}", self.key(key))}));
            }
            for &commit in &decision.commits {
                emit(json!({"edge": "decides", "from": node, "to": self.commit_node(commit)}));
            }
            for other in &decision.supersedes {
                let to = format!("decision:{}", self.decisions[other.at()].id);
                emit(json!({"edge": "supersedes", "from": node, "to": to}));
            }
        }
    }
}
