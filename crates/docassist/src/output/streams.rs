//! The only place that writes to stdout and stderr.

use std::io::{BufWriter, IsTerminal as _, StdoutLock, Write as _};

use docassist_app::AppError;
use serde::Serialize;

use super::clean::clean_lines;

const RED: &str = "31";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// Whether somebody sees stdout.
pub(crate) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether somebody sees stderr.
pub(crate) fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether stdout takes colours: a terminal that knows them, unless `NO_COLOR` says no.
pub(crate) fn stdout_takes_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// The same of stderr.
pub(crate) fn stderr_takes_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Stdout, buffered: answers have many small parts.
pub(crate) fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(64 * 1024, std::io::stdout().lock())
}

/// Prints a text as it is.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints an answer as JSON: indented for people, on one line for programs.
pub(crate) fn print_json(value: &impl Serialize) -> std::io::Result<()> {
    let mut out = stdout();
    if stdout_is_terminal() {
        serde_json::to_writer_pretty(&mut out, value)?;
    } else {
        serde_json::to_writer(&mut out, value)?;
    }
    out.write_all(b"\n")?;
    out.flush()
}

/// Says something on stderr, in as many lines as `text` has. What stands in it may come from anywhere, so that control
/// characters are made harmless. Nobody can be told that stderr does not work.
pub(crate) fn say(text: &str) {
    let mut lines = clean_lines(text);
    lines.push('\n');
    let _ = std::io::stderr().lock().write_all(lines.as_bytes());
}

/// Says something on stderr that begins with a coloured word.
fn say_labelled(label: &str, colour: &str, text: &str) {
    let text = clean_lines(text);
    let line = if stderr_takes_colour() {
        format!("\u{1b}[1;{colour}m{label}\u{1b}[0m {text}\n")
    } else {
        format!("{label} {text}\n")
    };
    let line = line.replace(" \n", "\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Says what went wrong and what could be done about it.
pub(crate) fn say_error(error: &AppError) {
    say_labelled("error:", RED, &error.message);
    if !error.candidates.is_empty() {
        say_labelled("did you mean:", YELLOW, "");
    }
    for candidate in &error.candidates {
        say(&format!("  {candidate}"));
    }
    if let Some(hint) = error.hint.as_deref().filter(|hint| !hint.is_empty()) {
        say_labelled("hint:", CYAN, hint);
    }
}
