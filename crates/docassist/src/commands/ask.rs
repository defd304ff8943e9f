//! Questions and cited answers.

use std::time::Duration;

use docassist_app::{AskEvent, AskQuery, Chat, ChatConfig, Conversations, SearchQuery};
use docassist_model::findings::Answer;
use docassist_model::findings::search::AskAnswer;

use super::Context;
use super::search::{among, filtered, key};
use crate::cli::search::{Ask, ChatArgs};
use crate::failure::Failure;
use crate::output::document::{Document, Section};
use crate::output::progress::SyncProgress;
use crate::output::{Present, View};

/// Answers a question.
pub(crate) fn run(context: Context, arguments: &Ask) -> Result<(), Failure> {
    let context = context.with_search(&arguments.model)?;
    let chat = if arguments.no_llm { None } else { chat(&arguments.chat)? };
    let chat = chat.map(Chat::new).transpose().map_err(|error| Failure::usage(error.to_string(), ""))?;
    let scope = context.scope.clone();
    let kept = arguments
        .session
        .as_ref()
        .map(|_| Conversations::open(&context.settings.database, &context.settings.data))
        .transpose()?;
    let turns = match (&kept, &arguments.session) {
        (Some(kept), Some(name)) => kept.turns(&scope, None, name)?,
        _ => Vec::new(),
    };
    let query = AskQuery {
        search: SearchQuery { text: arguments.question.join(" "), ..filtered(&context, &arguments.filter) },
        session: arguments.session.clone(),
        turns,
    };
    let progress = SyncProgress::watched(context.settings.quiet, context.settings.verbose)?;
    // What a model writes is shown once it is checked: a terminal cannot take a sentence back.
    let answer = context.app.ask(&query, chat.as_ref(), progress.as_ref(), &mut |_: AskEvent| true);
    progress.finish();
    let answer = answer?;
    if let (Some(kept), Some(name)) = (&kept, &arguments.session) {
        kept.keep(&scope, None, name, &answer)?;
    }
    context.print(&answer)
}

/// The language model that options and environment name.
pub(crate) fn chat(arguments: &ChatArgs) -> Result<Option<ChatConfig>, Failure> {
    let (Some(url), Some(model)) = (&arguments.llm_url, &arguments.llm_model) else { return Ok(None) };
    let mut config = ChatConfig::new(url, model);
    config.key = arguments.llm_key_file.as_deref().map(key).transpose()?;
    config.deadline = Duration::from_secs(arguments.llm_time.into());
    config.patience = config.patience.min(config.deadline);
    Ok(Some(config))
}

impl Present for Answer<AskAnswer> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, body.question.clone());
        let by = match &body.written_by {
            Some(model) => format!("written by {model} and checked"),
            None => "in the sources' words".to_owned(),
        };
        if body.support != "none" {
            document.conditions.push(by);
            document.conditions.push(format!("{} support", body.support));
        }
        document.conditions.push(among(&body.coverage));
        let mut answer = Section::default();
        for correction in &body.corrections {
            answer = answer.line(format!("Nothing has “{}”: “{}” was looked for.", correction.typed, correction.used));
        }
        if body.sentences.is_empty() {
            answer = answer.line("Nothing that is connected answers this.");
        }
        for sentence in &body.sentences {
            let numbers: String = sentence.citations.iter().map(|number| format!(" [{number}]")).collect();
            let mark = if sentence.supported { "" } else { " (not supported by its sources)" };
            // What follows a colon keeps its lines: it is code, or a list.
            let (said, block) = match sentence.text.split_once(":\n") {
                Some((said, block)) => (format!("{said}:"), block),
                None => (sentence.text.clone(), ""),
            };
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            answer = answer.line(format!("{said}{numbers}{mark}"));
            for line in block.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("```")) {
                answer = answer.line(format!("    {line}"));
            }
        }
        document.add(answer);
        let conflicts = body.conflicts.iter().filter_map(|conflict| {
            let (newer, older) = (body.sentences.get(conflict.newer)?, body.sentences.get(conflict.older)?);
            let number = |citations: &[usize]| citations.first().copied().unwrap_or_default();
            Some((number(&newer.citations), number(&older.citations)))
        });
        for (newer, older) in conflicts {
            let line = format!("Sources [{newer}] and [{older}] say different things; [{newer}] is newer.");
            document.add(Section::default().line(line));
        }
        if !body.citations.is_empty() {
            let section = body.citations.iter().fold(Section::new("Sources"), |section, citation| {
                let mut about = vec![citation.place.label.clone()];
                if citation.kind != "analysis" {
                    // A comment's heading is its number, which stands before it.
                    let heading = citation.headings.last().filter(|_| citation.kind != "comment");
                    about.push(heading.unwrap_or(&citation.title).clone());
                    about.extend(citation.time.map(docassist_model::Timestamp::date));
                }
                about.extend(citation.author.clone());
                section.fact(format!("[{}] {}", citation.number, citation.kind), about.join(", "))
            });
            document.add(section);
        }
        if let Some(reason) = &body.fallback {
            document.notes.push(format!("the language model did not answer: {reason}"));
        }
        if view.hints && body.sentences.is_empty() {
            document.suggest(view.invocation.other(&["search", &body.question]), "what comes nearest");
        }
        document
    }
}
