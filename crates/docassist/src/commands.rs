//! The commands, in modules of the names of their nouns: each asks `docassist-app` a question and prints the answer.

mod ask;
mod bench;
mod cache;
mod decisions;
mod describe;
mod doctor;
mod eval;
mod export;
mod gaps;
mod impact;
mod keep;
mod monitor;
mod paths;
mod relationships;
mod search;
mod serve;
mod status;
mod sync;
mod tune;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _};
use docassist_app::{App, GapQuery, Question};
use docassist_model::TenantScope;
use serde::Serialize;

use crate::cli::{self, Cli, Command, Format, LimitArgs, PageArgs};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::document::Document;
use crate::output::{Present, View, markdown, streams, text};
use crate::settings::Settings;

/// What a list shows in tables and Markdown where nobody says how much: a screenful.
const SHOWN_OF_A_LIST: usize = 10;
/// The same where the list is the whole answer.
const SHOWN_OF_A_PAGE: usize = 20;

/// Reads the command line, does what it says, and gives the exit status.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with status 0, mistakes to stderr with status 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match execute(cli) {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::CheckFailed) => ExitCode::from(CHECK_FAILED),
        Err(Failure::Told(error)) => {
            streams::say_error(&error);
            ExitCode::from(error.code.exit_status())
        }
    }
}

/// The exit status of a check that did not hold.
const CHECK_FAILED: u8 = 4;

fn execute(cli: Cli) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    match command {
        // These need no data.
        Command::Completions { shell } => return describe::completions(shell),
        Command::Man { output } => return describe::manual(output.as_deref(), global.quiet),
        _ => {}
    }
    let settings = Settings::new(&global)?;
    if settings.verbose {
        let location = settings.database.location(&settings.data);
        streams::say(&format!("data: {location}, organisation: {}", settings.org));
    }
    let command = match command {
        Command::Serve(arguments) => return serve::run(&settings, *arguments),
        Command::Tune(arguments) => return tune::run(&settings, &arguments),
        // These look at what is there, and make nothing.
        Command::Doctor(arguments) => return doctor::run(&settings, &arguments),
        Command::Monitor(arguments) => return monitor::run(&settings, &arguments),
        // These open what they need: a restore finds out what is there before anything is made.
        Command::Store(cli::keep::Store::Copy(arguments)) => return keep::copy(&settings, &global, &arguments),
        Command::Backup(arguments) => return keep::save(&settings, &arguments),
        Command::Restore(arguments) => return keep::put_back(&settings, &arguments),
        Command::Model(what) => return search::model(&settings, &what),
        Command::Eval(what) => return eval::run(&settings, &what),
        Command::Secret(cli::keep::Secret::Rotate(arguments)) => return keep::rotate(&settings, &arguments),
        other => other,
    };
    let scope = TenantScope::unchecked(settings.org.clone(), "the files are those of whoever runs the program");
    let context = Context {
        app: App::open(&settings.database, &settings.data, scope.clone())?,
        scope,
        invocation: Invocation::new(std::env::args_os(), &global),
        settings,
    };
    match command {
        Command::Sync(source) => sync::run(&context, source),
        Command::Status { digest } => status::run(&context, digest),
        Command::Gaps { analysis } => gaps::run(&context, analysis),
        Command::Impact(analysis) => {
            // Similar tickets are compared by the vectors that the index has: no model is needed.
            impact::run(&context.with_search(&search::any_index())?, analysis)
        }
        Command::Reviewers(arguments) => impact::reviewers(&context, arguments),
        Command::Rel(analysis) => relationships::run(&context, analysis),
        Command::Search(arguments) => search::run(context, &arguments),
        Command::Ask(arguments) => ask::run(context, &arguments),
        Command::Index(arguments) => search::index(context, &arguments),
        Command::Decisions { action, page } => decisions::run(&context, action, &page),
        Command::Export(what) => export::run(&context, what),
        Command::Cache(what) => cache::run(&context, what),
        Command::Bench(what) => bench::run(&context, what),
        Command::Completions { .. } | Command::Man { .. } | Command::Serve(_) | Command::Tune(_) => Ok(()),
        Command::Store(_) | Command::Backup(_) | Command::Restore(_) | Command::Secret(_) => Ok(()),
        Command::Doctor(_) | Command::Monitor(_) | Command::Model(_) | Command::Eval(_) => Ok(()),
    }
}

/// A document in the format that was asked for, where that is not JSON.
fn laid_out(settings: &Settings, document: &Document) -> String {
    match settings.format {
        Format::Md => markdown::render(document),
        _ => text::render(document),
    }
}

/// What every command works with.
struct Context {
    app: App,
    scope: TenantScope,
    settings: Settings,
    invocation: Invocation,
}

impl Context {
    /// A question whose answer has several lists.
    fn question(&self, limit: &LimitArgs) -> Question {
        Question { as_of: self.settings.as_of, limit: limit.limit.map(usize::from) }
    }

    /// A question whose answer is one list.
    fn page(&self, page: &PageArgs, days: Option<u32>) -> GapQuery {
        let limit = page.limit.map(usize::from);
        let limit = limit.or((self.settings.format != Format::Json).then_some(SHOWN_OF_A_PAGE));
        GapQuery { question: Question { as_of: self.settings.as_of, limit }, days, cursor: page.cursor.clone() }
    }

    /// How long a sync waits for another one.
    fn wait(&self, option: Option<u32>) -> Option<Duration> {
        option.map(|seconds| Duration::from_secs(seconds.into())).or(self.settings.wait)
    }

    /// Prints an answer in the format that was asked for.
    fn print<T: Present + Serialize>(&self, answer: &T) -> Result<(), Failure> {
        self.print_lists(answer, &LimitArgs::default())
    }

    /// Prints an answer that has several lists.
    fn print_lists<T: Present + Serialize>(&self, answer: &T, limit: &LimitArgs) -> Result<(), Failure> {
        if self.settings.format == Format::Json {
            streams::print_json(answer)?;
            return Ok(());
        }
        // The graph is there already where the answer came from it; a service's figures need none.
        let newest = if T::OF_THE_GRAPH { self.app.graph()?.newest() } else { (None, None) };
        let rows = limit.limit.map_or(SHOWN_OF_A_LIST, usize::from);
        let view = View { invocation: &self.invocation, rows, newest, hints: !self.settings.quiet };
        let mut document = answer.document(&view);
        if self.settings.quiet {
            document.next.clear();
        }
        streams::print(&laid_out(&self.settings, &document))?;
        Ok(())
    }
}
