//! Questions in the words of users, answered from the graph.

use std::sync::Arc;

use docassist_graph::analysis::gaps::{DEFAULT_DAYS, DEFAULT_STALE_DAYS};
use docassist_graph::analysis::impact::NO_SIMILAR;
use docassist_graph::{FileId, Graph, Lookup, PageRequest, PersonId, RepoId};
use docassist_model::findings::gaps::{
    Comprehensive, Dangling, MissingDecisions, Orphaned, OutdatedDocs, Stale, Undocumented,
};
use docassist_model::findings::impact::{CommitImpact, FileImpact, Reviewers, TicketImpact};
use docassist_model::findings::relationships::{
    DecisionDetail, Decisions, DeveloperRelations, FileRelations, Matches, RepositoryRelations, TicketRelations,
};
use docassist_model::findings::{Answer, Completeness};
use docassist_model::{ErrorCode, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::found;
use crate::{App, AppError, now};

/// What every question has: the instant it is about, and how long lists may be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question {
    /// The instant; now if `None`.
    pub as_of: Option<Timestamp>,
    /// Entries of each list at most; [`Question::DEFAULT_LIMIT`] if `None`.
    pub limit: Option<usize>,
}

impl Question {
    /// Entries of a list unless the question says otherwise.
    pub const DEFAULT_LIMIT: usize = 1_000;

    fn as_of(&self) -> Timestamp {
        self.as_of.unwrap_or_else(now)
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(Self::DEFAULT_LIMIT)
    }
}

/// A question about a gap.
#[derive(Debug, Clone, Default)]
pub struct GapQuery {
    /// Instant and page size.
    pub question: Question,
    /// Length of the window in days, where the analysis has one; its default if `None`.
    pub days: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

impl GapQuery {
    /// Items of a page unless the query says otherwise.
    pub const DEFAULT_LIMIT: usize = 50;

    fn page(&self) -> PageRequest {
        PageRequest { limit: self.question.limit.unwrap_or(Self::DEFAULT_LIMIT), cursor: self.cursor.clone() }
    }
}

/// Files by their paths.
#[derive(Debug, Clone, Default)]
pub struct PathQuery {
    /// Paths relative to the repository's root.
    pub paths: Vec<String>,
    /// The repository, where several have them.
    pub repo: Option<String>,
}

/// Answers about several subjects, as a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Several<T> {
    /// The organisation.
    pub org: String,
    /// The instant that the answers are about.
    pub as_of: Timestamp,
    /// How many were asked for.
    pub total: u64,
    /// An answer for each, in the order of the question.
    pub items: Vec<Answer<T>>,
    /// All that were asked for are there.
    pub next: Option<String>,
    /// What the answers rest on.
    pub completeness: Completeness,
}

impl<T> Several<T> {
    /// The answers together.
    #[must_use]
    pub fn of(items: Vec<Answer<T>>) -> Self {
        let mut notes: Vec<String> = Vec::new();
        for note in items.iter().flat_map(|item| &item.completeness.notes) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        Self {
            org: items.first().map(|item| item.org.clone()).unwrap_or_default(),
            as_of: items.first().map(|item| item.as_of).unwrap_or_default(),
            total: items.len() as u64,
            items,
            next: None,
            completeness: Completeness::of(notes),
        }
    }
}

impl App {
    /// All gap analyses with their default windows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn comprehensive_gaps(&self, question: Question) -> Result<Answer<Comprehensive>, AppError> {
        Ok(self.graph()?.comprehensive(question.as_of()))
    }

    /// Tickets that no commit refers to.
    ///
    /// # Errors
    /// When the store cannot be read, or the cursor is of another list.
    pub fn orphaned(&self, query: &GapQuery) -> Result<Answer<Orphaned>, AppError> {
        let days = query.days.unwrap_or(DEFAULT_DAYS);
        Ok(self.graph()?.orphaned(query.question.as_of(), days, &query.page())?)
    }

    /// Changes without a ticket or a page.
    ///
    /// # Errors
    /// When the store cannot be read, or the cursor is of another list.
    pub fn undocumented(&self, query: &GapQuery) -> Result<Answer<Undocumented>, AppError> {
        let days = query.days.unwrap_or(DEFAULT_DAYS);
        Ok(self.graph()?.undocumented(query.question.as_of(), days, &query.page())?)
    }

    /// Features without a decision record.
    ///
    /// # Errors
    /// When the store cannot be read, or the cursor is of another list.
    pub fn missing_decisions(&self, query: &GapQuery) -> Result<Answer<MissingDecisions>, AppError> {
        Ok(self.graph()?.missing_decisions(query.question.as_of(), &query.page())?)
    }

    /// Work that does not move.
    ///
    /// # Errors
    /// When the store cannot be read, or the cursor is of another list.
    pub fn stale(&self, query: &GapQuery) -> Result<Answer<Stale>, AppError> {
        let days = query.days.unwrap_or(DEFAULT_STALE_DAYS);
        Ok(self.graph()?.stale(query.question.as_of(), days, &query.page())?)
    }

    /// References to tickets that do not exist.
    ///
    /// # Errors
    /// When the store cannot be read, or the cursor is of another list.
    pub fn dangling(&self, query: &GapQuery) -> Result<Answer<Dangling>, AppError> {
        Ok(self.graph()?.dangling(query.question.as_of(), &query.page())?)
    }

    /// Pages that speak of files that are gone.
    ///
    /// # Errors
    /// When the store cannot be read, or the cursor is of another list.
    pub fn outdated_docs(&self, query: &GapQuery) -> Result<Answer<OutdatedDocs>, AppError> {
        Ok(self.graph()?.outdated_docs(query.question.as_of(), &query.page())?)
    }

    /// What each of some files touches.
    ///
    /// # Errors
    /// When a path means no file, or several.
    pub fn impact_of_files(&self, query: &PathQuery, question: Question) -> Result<Vec<Answer<FileImpact>>, AppError> {
        let graph = self.graph()?;
        let files = find_files(&graph, query)?;
        Ok(files.into_iter().map(|file| graph.impact_of_file(file, question.as_of(), question.limit())).collect())
    }

    /// What a ticket touches.
    ///
    /// # Errors
    /// When there is no such ticket, or was none at `as_of`.
    pub fn impact_of_ticket(&self, key: &str, question: Question) -> Result<Answer<TicketImpact>, AppError> {
        let graph = self.graph()?;
        let id = found(graph.find_ticket(key), "ticket", key)?;
        let impact = graph.impact_of_ticket(id, question.as_of(), question.limit());
        let mut answer = impact.ok_or_else(|| not_yet(key, question.as_of()))?;
        // Without an index the answer stands, and says that it lacks them.
        if let Some(similar) = self.similar_tickets(&graph, &answer.body.ticket.key, answer.as_of)? {
            answer.body.totals.insert("similar", similar.len() as u64);
            answer.body.similar = similar;
            answer.completeness = answer.completeness.without(NO_SIMILAR);
        }
        Ok(answer)
    }

    /// What a commit touches.
    ///
    /// # Errors
    /// When no commit, or several, begin with `sha`.
    pub fn impact_of_commit(&self, sha: &str, question: Question) -> Result<Answer<CommitImpact>, AppError> {
        let graph = self.graph()?;
        let id = found(graph.find_commit(sha), "commit", sha)?;
        Ok(graph.impact_of_commit(id, question.as_of(), question.limit()))
    }

    /// Who should review a change to some files by `author`.
    ///
    /// # Errors
    /// When a path or the author is not known, or means several.
    pub fn reviewers(
        &self,
        query: &PathQuery,
        author: Option<&str>,
        question: Question,
    ) -> Result<Answer<Reviewers>, AppError> {
        let graph = self.graph()?;
        let files = find_files(&graph, query)?;
        let author = author.map(|text| find_people(&graph, text)).transpose()?.unwrap_or_default();
        Ok(graph.reviewers(&files, &author, question.as_of(), question.limit()))
    }

    /// The story of a ticket.
    ///
    /// # Errors
    /// When there is no such ticket, or was none at `as_of`.
    pub fn relations_of_ticket(&self, key: &str, question: Question) -> Result<Answer<TicketRelations>, AppError> {
        let graph = self.graph()?;
        let id = found(graph.find_ticket(key), "ticket", key)?;
        graph.relations_of_ticket(id, question.as_of(), question.limit()).ok_or_else(|| not_yet(key, question.as_of()))
    }

    /// The story of a developer, by address or name.
    ///
    /// # Errors
    /// When nobody, or several, are meant.
    pub fn relations_of_developer(
        &self,
        who: &str,
        question: Question,
    ) -> Result<Answer<DeveloperRelations>, AppError> {
        let graph = self.graph()?;
        let people = find_people(&graph, who)?;
        Ok(graph.relations_of_developer(&people, question.as_of(), question.limit()))
    }

    /// The story of a file.
    ///
    /// # Errors
    /// When the path means no file, or several.
    pub fn relations_of_file(
        &self,
        path: &str,
        repo: Option<&str>,
        question: Question,
    ) -> Result<Answer<FileRelations>, AppError> {
        let graph = self.graph()?;
        let query = PathQuery { paths: vec![path.to_owned()], repo: repo.map(str::to_owned) };
        let file = find_files(&graph, &query)?.into_iter().next();
        let file = file.ok_or_else(|| AppError::new(ErrorCode::InvalidInput, "name a file"))?;
        Ok(graph.relations_of_file(file, question.as_of(), question.limit()))
    }

    /// The story of a repository.
    ///
    /// # Errors
    /// When there is no such repository.
    pub fn relations_of_repository(
        &self,
        name: &str,
        question: Question,
    ) -> Result<Answer<RepositoryRelations>, AppError> {
        let graph = self.graph()?;
        let repo = found(graph.find_repo(name), "repository", name)?;
        Ok(graph.relations_of_repository(repo, question.as_of(), question.limit()))
    }

    /// Everything whose name or title contains the words of a text.
    ///
    /// # Errors
    /// When the store cannot be read, or the cursor is of another list.
    pub fn search_names(&self, text: &str, query: &GapQuery) -> Result<Answer<Matches>, AppError> {
        Ok(self.graph()?.search_names(text, query.question.as_of(), &query.page())?)
    }

    /// All decision records.
    ///
    /// # Errors
    /// When the store cannot be read, or the cursor is of another list.
    pub fn decisions(&self, query: &GapQuery) -> Result<Answer<Decisions>, AppError> {
        Ok(self.graph()?.decisions(query.question.as_of(), &query.page())?)
    }

    /// One decision record, by id, number or path.
    ///
    /// # Errors
    /// When there is no such record.
    pub fn decision(&self, id: &str, question: Question) -> Result<Answer<DecisionDetail>, AppError> {
        let graph = self.graph()?;
        let decision = found(graph.find_decision(id), "decision record", id)?;
        Ok(graph.decision(decision, question.as_of()))
    }

    /// The whole graph as JSON lines, sorted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn export(&self) -> Result<Vec<String>, AppError> {
        Ok(self.graph()?.export())
    }
}

fn not_yet(key: &str, as_of: Timestamp) -> AppError {
    AppError::new(ErrorCode::NotFound, format!("ticket {key} did not exist at {as_of}")).hint("Leave --as-of out.")
}

pub(crate) fn find_repo(graph: &Graph, name: Option<&str>) -> Result<Option<RepoId>, AppError> {
    name.map(|name| found(graph.find_repo(name), "repository", name)).transpose()
}

fn find_files(graph: &Arc<Graph>, query: &PathQuery) -> Result<Vec<FileId>, AppError> {
    let repo = find_repo(graph, query.repo.as_deref())?;
    query
        .paths
        .iter()
        .map(|path| match graph.find_file(path, repo) {
            Lookup::Found(file) => Ok(file),
            other => found(other, "file", path).map_err(|error| {
                let hint = match (graph.repo_names().is_empty(), error.candidates.is_empty()) {
                    (true, _) => "No repository is synced: run `docassist sync git PATH` first.",
                    (_, true) => "Paths are relative to the repository's root.",
                    (_, false) => "Name one of these, and the repository with --repo if several have it.",
                };
                error.hint(hint)
            }),
        })
        .collect()
}

pub(crate) fn find_people(graph: &Graph, text: &str) -> Result<Vec<PersonId>, AppError> {
    found(graph.find_people(text), "person", text)
}
