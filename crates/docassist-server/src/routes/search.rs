//! Searching passages.

use axum::extract::State;
use docassist_app::{Fusion, PassageKind, Query as Question, SearchQuery};
use docassist_model::findings::Answer;
use docassist_model::findings::search::SearchResults;
use docassist_model::{ErrorCode, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask as answered;
use super::params::as_of;
use crate::answer::Cached;
use crate::extract::{Access, Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// A longer text is a document; questions have a limit of their own.
const LONGEST_TEXT: usize = 4_000;
/// Documents of one answer.
const MOST_DOCUMENTS: u32 = 100;
/// Values of one filter.
const MOST_VALUES: usize = 50;

/// What to look for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    /// Words; `"phrases"` must stand in what is found, `-words` must not.
    #[schemars(length(min = 1, max = 4000))]
    q: String,
    /// `hybrid` (also if left out), `lexical` or `dense`.
    mode: Option<Mode>,
    /// Documents at most; 10 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// Whether to count kinds, sources, authors and labels of what was found.
    #[serde(default)]
    facets: bool,
    /// Only of these kinds: the parameter may be repeated.
    #[serde(default)]
    kind: Vec<Kind>,
    /// Only of these repositories or other sources: may be repeated.
    #[serde(default)]
    source: Vec<String>,
    /// Only by these authors: may be repeated.
    #[serde(default)]
    author: Vec<String>,
    /// Only with one of these labels, components, `status:…`, `type:…`: may be repeated.
    #[serde(default)]
    label: Vec<String>,
    /// Only changed since: a date (its beginning), or RFC 3339.
    since: Option<String>,
    /// Only changed until: a date (its end), or RFC 3339. What is found is as it is now.
    as_of: Option<String>,
}

/// How to search.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// By words and by meaning.
    #[default]
    Hybrid,
    /// By words.
    Lexical,
    /// By meaning.
    Dense,
}

/// What is found.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Pages of documentation.
    Page,
    /// Summaries and descriptions of tickets.
    Ticket,
    /// Comments of tickets.
    Comment,
    /// Messages of commits.
    Commit,
    /// Decision records.
    Decision,
    /// Documented items of code.
    Code,
}

/// What is looked at, of a search or a question.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filters {
    /// Only of these kinds.
    pub(crate) kinds: Vec<Kind>,
    /// Only of these repositories or other sources.
    pub(crate) sources: Vec<String>,
    /// Only by these authors.
    pub(crate) authors: Vec<String>,
    /// Only with one of these labels, components, `status:…`, `type:…`.
    pub(crate) labels: Vec<String>,
    /// Only changed since: a date (its beginning), or RFC 3339.
    pub(crate) since: Option<String>,
    /// Only changed until: a date (its end), or RFC 3339.
    pub(crate) as_of: Option<String>,
}

impl Filters {
    /// A search of a text with these.
    pub(crate) fn query(self, text: String) -> Result<SearchQuery, Problem> {
        let wrong = |message: String| Problem::new(ErrorCode::InvalidInput, message);
        if text.trim().is_empty() || text.len() > LONGEST_TEXT {
            return Err(wrong(format!("some words, {LONGEST_TEXT} bytes at most")));
        }
        let lists = [self.kinds.len(), self.sources.len(), self.authors.len(), self.labels.len()];
        if lists.iter().any(|values| *values > MOST_VALUES) {
            return Err(wrong(format!("{MOST_VALUES} values of a filter at most")));
        }
        let since = self.since.map(|since| Timestamp::parse_since(&since)).transpose();
        Ok(SearchQuery {
            text,
            kinds: self.kinds.into_iter().map(Kind::of).collect(),
            sources: self.sources,
            authors: self.authors,
            labels: self.labels,
            since: since.map_err(|error| wrong(format!("since: {error}")))?,
            as_of: as_of(self.as_of.as_deref())?,
            ..SearchQuery::default()
        })
    }
}

impl Kind {
    const fn of(self) -> PassageKind {
        match self {
            Self::Page => PassageKind::Page,
            Self::Ticket => PassageKind::Ticket,
            Self::Comment => PassageKind::Comment,
            Self::Commit => PassageKind::Commit,
            Self::Decision => PassageKind::Decision,
            Self::Code => PassageKind::Code,
        }
    }
}

pub(crate) async fn search(
    access: Access<Viewer>,
    State(state): State<AppState>,
    Query(params): Query<SearchParams>,
) -> Result<Cached<Answer<SearchResults>>, Problem> {
    let SearchParams { q, mode, limit, facets, kind, source, author, label, since, as_of } = params;
    if limit.is_some_and(|limit| !(1..=MOST_DOCUMENTS).contains(&limit)) {
        return Err(Problem::new(ErrorCode::InvalidInput, format!("limit: 1 to {MOST_DOCUMENTS}")));
    }
    let filters = Filters { kinds: kind, sources: source, authors: author, labels: label, since, as_of };
    let query = SearchQuery {
        limit: limit.map(|limit| limit as usize),
        facets,
        fusion: match mode.unwrap_or_default() {
            Mode::Hybrid => Fusion::default(),
            Mode::Lexical => Fusion::Lexical,
            Mode::Dense => Fusion::Dense,
        },
        ..filters.query(q)?
    };
    answered(&state, &access.scope, Question::Find(query)).await
}
