//! Answers to questions, from passages that were found and from what the graph says.
//!
//! ```text
//! question ─┬─ facts of the graph ─────────────┐
//!           └─ passages ─ enough? ─ no ────────┼→ no answer, and it says so
//!                            │ yes             │
//!                            ├─ model's text ─ checked against its sources ─→ answer
//!                            └─ sentences of the passages ──────────────────→ answer
//! ```
//!
//! Whether there is an answer is decided from what was found, before anything is written. What a model writes is marked where its
//! sources do not say it; a model that fails costs its words and not the answer.

mod facts;

use docassist_embed::Chat;
use docassist_model::findings::Answer;
use docassist_model::findings::search::{AnswerSentence, AskAnswer, Citation, Conflict, Coverage};
use docassist_model::{ErrorCode, Progress};
use docassist_search::answer::{
    ChatRole, CheckedAnswer, Fault, Grounds, PromptOptions, Support, Turn, build_prompt, check_answer, extractive,
    grounds,
};
use docassist_search::embedder::Embedder;
use docassist_search::passage::{Address, Passage, PassageId, PassageKind};
use docassist_search::query::{self, SearchRequest};

use crate::search::{Search, citation, correction, coverage, place};
use crate::{App, AppError, SearchQuery, now};
use facts::{Fact, facts};

/// Longest question, in bytes; what is longer is a document.
const MAX_QUESTION: usize = 4_000;
/// Earlier turns of a conversation that a question is read with.
pub const TURNS: usize = 6;

/// A question as a user asks it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AskQuery {
    /// The question, and what may be looked at for it.
    pub search: SearchQuery,
    /// The conversation that it belongs to, for the answer to say.
    pub session: Option<String>,
    /// Its earlier turns, oldest first.
    pub turns: Vec<Turn>,
}

/// What happens while a question is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum AskEvent {
    /// These sources may be cited, by their numbers.
    Sources(Vec<Citation>),
    /// The model wrote this. It is not checked yet: the answer at the end is.
    Text(String),
}

impl App {
    /// Answers a question with citations. `tell` is given what happens meanwhile, and whether to go on is asked of it.
    ///
    /// # Errors
    /// When nothing was asked, or the store or the index cannot be read. A model that fails is no error: the answer says so.
    pub fn ask(
        &self,
        query: &AskQuery,
        chat: Option<&Chat>,
        progress: &dyn Progress,
        tell: &mut dyn FnMut(AskEvent) -> bool,
    ) -> Result<Answer<AskAnswer>, AppError> {
        let text = query.search.text.trim();
        if text.is_empty() {
            return Err(AppError::new(ErrorCode::InvalidInput, "nothing was asked")
                .hint("Ask in a sentence: docassist ask 'why do we cache answers?'"));
        }
        if text.len() > MAX_QUESTION {
            let message = format!("a question has at most {MAX_QUESTION} bytes, this one has {}", text.len());
            return Err(AppError::new(ErrorCode::TooLarge, message));
        }
        self.known_sources(&query.search.sources)?;
        let search = self.searching()?;
        search.follow(&self.scope, progress)?;
        let as_of = query.search.as_of.unwrap_or_else(now);
        let facts = if is_filtered(&query.search) { Vec::new() } else { facts(self, text, as_of)? };
        let grounds = self.grounds(search, query)?;
        let counts = search.index().counts(&self.scope)?;
        let coverage = coverage(search, query::Coverage { passages: counts.passages, embedded: counts.embedded });
        let completeness = self.completeness(&coverage)?;
        let mut body =
            Draft { question: text, query, facts: &facts, grounds: &grounds, coverage }.extractive(search.embedder());
        if let Some(chat) = chat.filter(|_| body.support != Support::None.as_str()) {
            self.written(&mut body, search, chat, query, &facts, &grounds, tell)?;
        }
        Ok(Answer { org: self.scope.org().to_string(), as_of, body, completeness })
    }

    /// What an answer may rest on. A question that leans on the one before ("and who wrote it?") is looked up with it.
    fn grounds(&self, search: &Search, query: &AskQuery) -> Result<Grounds, AppError> {
        let find = |text: &str| -> Result<Grounds, AppError> {
            let request = SearchRequest { text: text.to_owned(), ..query.search.request() };
            Ok(grounds(search.index(), &self.scope, search.embedder(), &request)?)
        };
        let alone = find(&query.search.text)?;
        match query.turns.last() {
            Some(before) if alone.support != Support::Good => {
                let together = find(&format!("{} {}", before.question, query.search.text))?;
                let better = rank(together.support) > rank(alone.support);
                Ok(if better { together } else { alone })
            }
            _ => Ok(alone),
        }
    }

    /// Has the model write the answer, and checks it.
    #[allow(clippy::too_many_arguments, reason = "one step of `ask`, split off for its length")]
    fn written(
        &self,
        body: &mut AskAnswer,
        search: &Search,
        chat: &Chat,
        query: &AskQuery,
        facts: &[Fact],
        grounds: &Grounds,
        tell: &mut dyn FnMut(AskEvent) -> bool,
    ) -> Result<(), AppError> {
        // What the graph says comes first: it is certain, and short.
        let sources: Vec<Passage> = facts.iter().map(Fact::passage).chain(grounds.passages.iter().cloned()).collect();
        let prompt = build_prompt(&query.search.text, &sources, &query.turns, PromptOptions::default());
        let sources = &sources[..prompt.sources.min(sources.len())];
        let citations: Vec<Citation> = (1..)
            .zip(sources)
            .map(|(number, passage)| match facts.get(number - 1) {
                Some(fact) => fact.citation(number),
                None => citation(number, passage),
            })
            .collect();
        if !tell(AskEvent::Sources(citations.clone())) {
            return Err(AppError::cancelled());
        }
        let messages: Vec<(&str, &str)> =
            prompt.messages.iter().map(|message| (role(message.role), message.content.as_str())).collect();
        let mut goes_on = true;
        let result = chat.ask(&messages, &mut |piece| {
            goes_on = tell(AskEvent::Text(piece.to_owned()));
            goes_on
        });
        if !goes_on {
            return Err(AppError::cancelled());
        }
        let text = match result {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(%error, "the language model did not answer; its answer is made of the sources' sentences");
                body.fallback = Some(error.to_string());
                return Ok(());
            }
        };
        let mut checked = None;
        search.index().read_statistics(&self.scope, &mut |statistics| {
            checked = Some(check_answer(&text, sources, statistics, search.embedder()));
        })?;
        let Some(checked) = checked else { return Ok(()) };
        if checked.sentences.iter().all(|sentence| sentence.fault.is_some()) {
            // Nothing of it stands in what it was given: a lie, or a refusal. The sources' own sentences serve better.
            body.fallback = Some("no sentence of the model's answer is supported by its sources".to_owned());
            return Ok(());
        }
        take(body, checked, citations, chat.model());
        Ok(())
    }
}

/// Puts a model's checked answer in the place of the extractive one.
fn take(body: &mut AskAnswer, checked: CheckedAnswer, citations: Vec<Citation>, model: &str) {
    let sentences: Vec<AnswerSentence> = checked
        .sentences
        .into_iter()
        .map(|sentence| AnswerSentence {
            text: sentence.text,
            // A number that it was not given is no citation; the fault says so.
            citations: sentence.citations.into_iter().filter(|&number| number <= citations.len()).collect(),
            supported: sentence.fault.is_none(),
            fault: sentence.fault.map(|fault| fault_name(fault).to_owned()),
        })
        .collect();
    body.citations = citations
        .into_iter()
        .filter(|citation| sentences.iter().any(|sentence| sentence.citations.contains(&citation.number)))
        .collect();
    if sentences.iter().any(|sentence| !sentence.supported) && body.support == Support::Good.as_str() {
        body.support = Support::Weak.as_str().to_owned();
    }
    body.answer = in_one(&sentences);
    body.sentences = sentences;
    body.conflicts.clear();
    "model".clone_into(&mut body.engine);
    body.written_by = Some(model.to_owned());
}

/// What an extractive answer is made of.
struct Draft<'a> {
    question: &'a str,
    query: &'a AskQuery,
    facts: &'a [Fact],
    grounds: &'a Grounds,
    coverage: Coverage,
}

impl Draft<'_> {
    fn extractive(self, embedder: Option<&dyn Embedder>) -> AskAnswer {
        let found = extractive(self.grounds, embedder);
        let mut sentences = Vec::new();
        let mut citations = Vec::new();
        for (number, fact) in (1..).zip(self.facts) {
            citations.push(fact.citation(number));
            sentences.extend(fact.sentences.iter().map(|text| supported(text, number)));
        }
        // Where the graph answers, other texts would only stand beside the answer.
        let belongs = |passage: &Passage| {
            self.facts.is_empty() || self.facts.iter().any(|fact| fact.document.as_ref() == Some(&passage.document))
        };
        let mut places: Vec<Option<usize>> = Vec::new();
        for sentence in &found.sentences {
            let cited = found.citations.iter().find(|cited| cited.number == sentence.citation);
            let passage = cited.and_then(|cited| self.grounds.passages.iter().find(|passage| passage.id == cited.id));
            let Some(passage) = passage.filter(|passage| belongs(passage)) else {
                places.push(None);
                continue;
            };
            let known = citations.iter().find(|known| known.place == place(&passage.address));
            let number = known.map_or(citations.len() + 1, |known| known.number);
            if number > citations.len() {
                citations.push(citation(number, passage));
            }
            places.push(Some(sentences.len()));
            sentences.push(supported(&sentence.text, number));
        }
        let at = |index: usize| places.get(index).copied().flatten();
        let conflicts = found
            .conflicts
            .iter()
            .filter_map(|conflict| Some(Conflict { newer: at(conflict.newer)?, older: at(conflict.older)? }))
            .collect();
        // What was found may have no sentence: without an answer there is no support for one.
        let support = match (sentences.is_empty(), self.facts.is_empty()) {
            (true, _) => Support::None,
            (false, true) => found.support,
            (false, false) => Support::Good,
        };
        AskAnswer {
            question: self.question.to_owned(),
            support: support.as_str().to_owned(),
            answer: in_one(&sentences),
            sentences,
            citations,
            conflicts,
            engine: "extractive".to_owned(),
            written_by: None,
            fallback: None,
            session: self.query.session.clone(),
            corrections: found.corrections.into_iter().map(correction).collect(),
            coverage: self.coverage,
        }
    }
}

impl Fact {
    /// As a source for a model.
    fn passage(&self) -> Passage {
        Passage {
            id: PassageId(0),
            source: String::new(),
            document: self.command.clone(),
            kind: PassageKind::Page,
            address: Address::Url(self.command.clone()),
            title: self.command.clone(),
            headings: Vec::new(),
            text: self.sentences.join(" "),
            time: self.citation(0).time,
            author: None,
            repository: None,
            labels: Vec::new(),
            hash: String::new(),
        }
    }
}

fn supported(text: &str, number: usize) -> AnswerSentence {
    AnswerSentence { text: text.to_owned(), citations: vec![number], supported: true, fault: None }
}

/// The sentences as one text, each with its citations.
fn in_one(sentences: &[AnswerSentence]) -> String {
    let mut text = String::new();
    for sentence in sentences {
        // Code and lists keep their lines, and what closes a block of code has its line alone.
        let is_block = sentence.text.contains(":\n");
        if !text.is_empty() {
            text.push(if is_block || text.ends_with('\n') { '\n' } else { ' ' });
        }
        text.push_str(&sentence.text);
        let citations: Vec<String> = sentence.citations.iter().map(|number| format!("[{number}]")).collect();
        if !citations.is_empty() {
            text.push(if is_block { '\n' } else { ' ' });
            text.push_str(&citations.join(" "));
        }
        if is_block {
            text.push('\n');
        }
    }
    text
}

/// Facts are about everything: who asks about a part gets none.
fn is_filtered(query: &SearchQuery) -> bool {
    let of: [bool; 4] =
        [query.kinds.is_empty(), query.sources.is_empty(), query.authors.is_empty(), query.labels.is_empty()];
    of.contains(&false) || query.since.is_some()
}

const fn rank(support: Support) -> u8 {
    match support {
        Support::None => 0,
        Support::Weak => 1,
        Support::Good => 2,
    }
}

const fn role(role: ChatRole) -> &'static str {
    match role {
        ChatRole::System => "system",
        ChatRole::User => "user",
        ChatRole::Assistant => "assistant",
    }
}

const fn fault_name(fault: Fault) -> &'static str {
    match fault {
        Fault::NoCitation => "no_citation",
        Fault::NoSuchSource => "no_such_source",
        Fault::NotSupported => "not_supported",
        Fault::OtherNumber => "other_number",
    }
}
