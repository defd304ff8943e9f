//! Questions as values: each knows the key of its answer and how the answer is computed.

use docassist_cache::{FileName, Key, Params};
use docassist_embed::Chat;
use docassist_graph::analysis::gaps::{DEFAULT_DAYS, DEFAULT_STALE_DAYS};
use docassist_model::findings::search::Coverage;
use docassist_model::{ErrorCode, TenantScope, TicketKey, Unobserved};
use docassist_search::fusion::Fusion;
use serde::Serialize;

use crate::analyse::Several;
use crate::{App, AppError, AskQuery, GapQuery, PathQuery, Question, SearchQuery};

/// A question of the contract.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the commands of the same names")]
pub enum Query {
    Comprehensive(Question),
    Orphaned(GapQuery),
    Undocumented(GapQuery),
    MissingDecisions(GapQuery),
    Stale(GapQuery),
    Dangling(GapQuery),
    OutdatedDocs(GapQuery),
    ImpactOfFiles(PathQuery, Question),
    ImpactOfTicket(String, Question),
    ImpactOfCommit(String, Question),
    Reviewers { paths: PathQuery, author: Option<String>, question: Question },
    RelTicket(String, Question),
    RelDeveloper(String, Question),
    RelFile { path: String, repo: Option<String>, question: Question },
    RelRepo(String, Question),
    Search(String, GapQuery),
    Decisions(GapQuery),
    Decision(String, Question),
    Find(SearchQuery),
    Ask(AskQuery),
}

/// An answer as JSON, and whether it may be given to others who ask the same while nothing was synced.
pub(crate) struct Answered {
    pub(crate) json: Vec<u8>,
    pub(crate) keep: bool,
}

impl Query {
    /// The key of the answer; none where the question can only fail, or the contract has no key for it.
    #[must_use]
    pub fn key(&self, scope: &TenantScope) -> Option<Key> {
        let key = match self {
            Self::Comprehensive(question) => Key::gaps_comprehensive(scope).with(&params(question)),
            Self::Orphaned(query) => {
                Key::gaps_orphaned(scope, query.days.unwrap_or(DEFAULT_DAYS)).with(&page_params(query))
            }
            Self::Undocumented(query) => {
                let days = query.days.filter(|days| *days != DEFAULT_DAYS);
                Key::gaps_undocumented(scope).with(&page_params(query).set_some("days", days))
            }
            Self::MissingDecisions(query) => Key::gaps_missing_decisions(scope).with(&page_params(query)),
            Self::Stale(query) => {
                Key::gaps_stale(scope, query.days.unwrap_or(DEFAULT_STALE_DAYS)).with(&page_params(query))
            }
            Self::Dangling(query) => Key::gaps_dangling(scope).with(&page_params(query)),
            Self::OutdatedDocs(query) => Key::gaps_outdated_docs(scope).with(&page_params(query)),
            Self::ImpactOfFiles(paths, question) => {
                // A list of files has no key of its own.
                let [path] = paths.paths.as_slice() else { return None };
                Key::impact_file(scope, FileName { repo: paths.repo.as_deref(), path }).with(&params(question))
            }
            Self::ImpactOfTicket(key, question) => Key::impact_ticket(scope, &ticket(key)?).with(&params(question)),
            Self::ImpactOfCommit(sha, question) => {
                Key::impact_commit(scope, &sha.to_ascii_lowercase()).with(&params(question))
            }
            Self::Reviewers { paths, author, question } => {
                let repo = paths.repo.as_deref();
                let files: Vec<FileName<'_>> = paths.paths.iter().map(|path| FileName { repo, path }).collect();
                Key::impact_reviewers(scope, &files).with(&params(question).set_some("author", author.as_deref()))
            }
            Self::RelTicket(key, question) => Key::rel_ticket(scope, &ticket(key)?).with(&params(question)),
            Self::RelDeveloper(who, question) => Key::rel_developer(scope, who).with(&params(question)),
            Self::RelFile { path, repo, question } => {
                Key::rel_file(scope, FileName { repo: repo.as_deref(), path }).with(&params(question))
            }
            Self::RelRepo(name, question) => Key::rel_repo(scope, name).with(&params(question)),
            Self::Search(text, query) => Key::rel_search(scope, text).with(&page_params(query)),
            Self::Decisions(query) => Key::decisions(scope).with(&page_params(query)),
            Self::Decision(id, question) => Key::decision(scope, id).with(&params(question)),
            Self::Find(query) => Key::search(scope, &query.text).with(&search_params(query)),
            // A conversation is its user's own.
            Self::Ask(query) if query.session.is_some() || !query.turns.is_empty() => return None,
            Self::Ask(query) => Key::ask(scope, &query.search.text).with(&search_params(&query.search)),
        };
        Some(key)
    }

    /// The answer as JSON, the same fields as the command line prints.
    ///
    /// # Errors
    /// As the question fails.
    pub(crate) fn answer(&self, app: &App, chat: Option<&Chat>) -> Result<Answered, AppError> {
        let json = match self {
            Self::Find(query) => {
                let answer = app.search(query, &Unobserved)?;
                return Ok(Answered { json: json(&answer)?, keep: is_final(&answer.body.coverage) });
            }
            Self::Ask(query) => {
                let answer = app.ask(query, chat, &Unobserved, &mut |_| true)?;
                let keep = is_final(&answer.body.coverage) && answer.body.fallback.is_none();
                return Ok(Answered { json: json(&answer)?, keep });
            }
            Self::Comprehensive(question) => json(&app.comprehensive_gaps(*question)?),
            Self::Orphaned(query) => json(&app.orphaned(query)?),
            Self::Undocumented(query) => json(&app.undocumented(query)?),
            Self::MissingDecisions(query) => json(&app.missing_decisions(query)?),
            Self::Stale(query) => json(&app.stale(query)?),
            Self::Dangling(query) => json(&app.dangling(query)?),
            Self::OutdatedDocs(query) => json(&app.outdated_docs(query)?),
            Self::ImpactOfFiles(paths, question) => {
                let mut answers = app.impact_of_files(paths, *question)?;
                match (answers.pop(), answers.is_empty()) {
                    (Some(only), true) => json(&only),
                    (last, _) => {
                        answers.extend(last);
                        json(&Several::of(answers))
                    }
                }
            }
            Self::ImpactOfTicket(key, question) => json(&app.impact_of_ticket(key, *question)?),
            Self::ImpactOfCommit(sha, question) => json(&app.impact_of_commit(sha, *question)?),
            Self::Reviewers { paths, author, question } => json(&app.reviewers(paths, author.as_deref(), *question)?),
            Self::RelTicket(key, question) => json(&app.relations_of_ticket(key, *question)?),
            Self::RelDeveloper(who, question) => json(&app.relations_of_developer(who, *question)?),
            Self::RelFile { path, repo, question } => json(&app.relations_of_file(path, repo.as_deref(), *question)?),
            Self::RelRepo(name, question) => json(&app.relations_of_repository(name, *question)?),
            Self::Search(text, query) => json(&app.search_names(text, query)?),
            Self::Decisions(query) => json(&app.decisions(query)?),
            Self::Decision(id, question) => json(&app.decision(id, *question)?),
        };
        Ok(Answered { json: json?, keep: true })
    }

    /// Whether a language model may be asked for it, which takes long and no core of ours.
    pub(crate) fn may_chat(&self) -> bool {
        matches!(self, Self::Ask(_))
    }
}

/// While passages are embedded, answers change though nothing was synced.
fn is_final(coverage: &Coverage) -> bool {
    coverage.model.is_none() || coverage.embedded == coverage.passages
}

fn ticket(text: &str) -> Option<TicketKey> {
    text.to_ascii_uppercase().parse().ok()
}

fn params(question: &Question) -> Params {
    Params::new().set_some("as_of", question.as_of).set_some("limit", question.limit)
}

fn search_params(query: &SearchQuery) -> Params {
    // Lists of names: JSON keeps their parts apart.
    let list = |values: Vec<&str>| (!values.is_empty()).then(|| serde_json::json!(values));
    let texts = |values: &[String]| list(values.iter().map(String::as_str).collect());
    Params::new()
        .set_some("kinds", list(query.kinds.iter().map(|kind| kind.as_str()).collect()))
        .set_some("sources", texts(&query.sources))
        .set_some("authors", texts(&query.authors))
        .set_some("labels", texts(&query.labels))
        .set_some("since", query.since)
        .set_some("as_of", query.as_of)
        .set_some("limit", query.limit)
        .set_some("facets", query.facets.then_some(true))
        .set_some("fusion", (query.fusion != Fusion::default()).then(|| format!("{:?}", query.fusion)))
}

fn page_params(query: &GapQuery) -> Params {
    params(&query.question).set_some("cursor", query.cursor.as_deref())
}

fn json<T: Serialize>(answer: &T) -> Result<Vec<u8>, AppError> {
    serde_json::to_vec(answer)
        .map_err(|error| AppError::new(ErrorCode::Internal, format!("the answer cannot be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_contract() {
        let acme = TenantScope::unchecked("acme".parse().unwrap(), "a test");
        let text = |query: Query| query.key(&acme).map(|key| key.as_str().to_owned());
        let days = |days| GapQuery { days: Some(days), ..GapQuery::default() };
        let question = Question::default();
        for (query, expected) in [
            (Query::Comprehensive(question), "gaps:comprehensive:acme"),
            (Query::Orphaned(GapQuery::default()), "gaps:orphaned:acme:90"),
            (Query::Orphaned(days(30)), "gaps:orphaned:acme:30"),
            (Query::Undocumented(days(90)), "gaps:undocumented:acme"),
            (Query::MissingDecisions(GapQuery::default()), "gaps:missing_decisions:acme"),
            (Query::Stale(GapQuery::default()), "gaps:stale:acme:30"),
            (Query::ImpactOfTicket("app-12".into(), question), "impact:ticket:acme:APP-12"),
            (Query::ImpactOfCommit("0AF3".into(), question), "impact:commit:acme:0af3"),
            (Query::RelTicket("APP-12".into(), question), "rel:ticket:acme:APP-12"),
            (Query::RelDeveloper("ann@example.org".into(), question), "rel:developer:acme:ann@example.org"),
            (Query::RelRepo("api".into(), question), "rel:repo:acme:api"),
        ] {
            assert_eq!(text(query).as_deref(), Some(expected));
        }
        let page = GapQuery { question: Question { limit: Some(5), ..question }, ..GapQuery::default() };
        let key = text(Query::Orphaned(page)).unwrap();
        assert!(key.starts_with("gaps:orphaned:acme:90:") && key.len() > 40, "{key}");
        assert!(text(Query::Undocumented(days(30))).unwrap().starts_with("gaps:undocumented:acme:"));
        assert_eq!(text(Query::ImpactOfTicket("no ticket".into(), question)), None);
    }
}
