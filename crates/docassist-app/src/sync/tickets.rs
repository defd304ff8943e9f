//! Importing tickets from files.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use docassist_model::reference::MAX_KEY_LEN;
use docassist_model::{ErrorCode, Progress, SourceKind};
use docassist_sources::jira;
use docassist_store::{BoxError, FeedEnd, TicketImport, TicketSink};
use serde::Serialize;
use serde_json::json;

use super::git::checked_name;
use crate::{App, AppError, now};

/// Problems that are kept word for word; the rest is counted.
const NAMED_PROBLEMS: usize = 20;
/// Tickets between two looks at whether to stop.
const CHECK_EVERY: u64 = 256;

/// Tickets to import.
#[derive(Debug, Clone, Default)]
pub struct TicketsRequest {
    /// Exports: JSON, JSON lines or CSV, plain or gzipped.
    pub files: Vec<PathBuf>,
    /// Where the files lie that were sent to a service: they are told of by their names alone.
    pub folder: Option<PathBuf>,
    /// The source's name; `tickets` if `None`.
    pub name: Option<String>,
    /// Project prefixes to know even without a ticket of theirs.
    pub projects: Vec<String>,
    /// Remove tickets of this source that the files do not have.
    pub prune: bool,
    /// How long to wait for another sync; [`crate::DEFAULT_WAIT`] if `None`.
    pub wait: Option<Duration>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "numbers of tickets, by what their names say")]
pub struct TicketsReport {
    pub source: String,
    pub files: Vec<String>,
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub removed: u64,
    /// Issues that could not be read.
    pub skipped: u64,
    pub changed: bool,
    /// Which issues could not be read, where and why.
    pub notes: Vec<String>,
}

impl TicketsRequest {
    fn place(&self, file: &Path) -> PathBuf {
        self.folder.as_ref().map_or_else(|| file.to_owned(), |folder| folder.join(file))
    }

    /// A text without the folder that is nobody's business.
    fn untold(&self, text: &str) -> String {
        let folder = self.folder.as_ref().map(|folder| format!("{}{MAIN_SEPARATOR}", folder.display()));
        folder.map_or_else(|| text.to_owned(), |folder| text.replace(&folder, ""))
    }
}

impl App {
    /// Imports tickets in one transaction: all of the files or, stopped or killed, nothing.
    ///
    /// # Errors
    /// When a file cannot be read at all or none of them has a ticket that can be, the store cannot be written, or `progress` says to stop.
    pub fn sync_tickets(&self, request: &TicketsRequest, progress: &dyn Progress) -> Result<TicketsReport, AppError> {
        let name = checked_name(request.name.as_deref().unwrap_or("tickets"))?;
        if request.files.is_empty() {
            return Err(AppError::new(ErrorCode::InvalidInput, "name the files to import"));
        }
        let projects =
            request.projects.iter().map(|project| checked_project(project)).collect::<Result<Vec<_>, _>>()?;
        let readers = request
            .files
            .iter()
            .map(|path| jira::open(&request.place(path)).map(|reader| (path.display().to_string(), reader)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| AppError::new(ErrorCode::SourceUnreadable, request.untold(&error.to_string())))?;
        let cancelled = || progress.cancelled();
        let wait = request.wait.unwrap_or(crate::DEFAULT_WAIT);
        self.prepare_folder();
        let mut writer = self.store.writer(&self.scope, &format!("sync tickets {name}"), wait, &cancelled)?;
        let files: Vec<String> = readers.iter().map(|(path, _)| path.clone()).collect();
        let location = files.join(", ");
        let source = writer.source(SourceKind::Tickets, &name, &location)?;
        let total: Option<u64> = readers.iter().map(|(_, reader)| reader.length()).sum();
        progress.phase("importing tickets (bytes)", total);
        let mut readers = Some(readers);
        let (mut skipped, mut notes) = (0_u64, Vec::new());
        let import = TicketImport { location: &location, projects: &projects, prune: request.prune, synced: now() };
        let outcome = writer.import_tickets(source.id, import, &mut |sink: &mut dyn TicketSink| {
            let readers = readers.take().unwrap_or_default();
            let read = feed(readers, sink, progress)?;
            (skipped, notes) = (read.skipped, read.notes);
            // What is damaged may be any of the tickets that the files seem not to have.
            let incomplete = read.damaged > 0;
            if request.prune && incomplete {
                notes.push("nothing was removed, since not everything could be read".to_owned());
            }
            Ok(FeedEnd { notes: notes.clone(), cursor: json!({ "files": files }), incomplete })
        })?;
        Ok(TicketsReport {
            source: name,
            files,
            added: outcome.added,
            updated: outcome.updated,
            unchanged: outcome.unchanged,
            removed: outcome.removed,
            skipped,
            changed: outcome.changed,
            notes,
        })
    }
}

type Readers = Vec<(String, jira::TicketReader<std::fs::File>)>;

/// What was read, but for the tickets.
#[derive(Default)]
struct Read {
    /// Issues passed over, and empty files.
    skipped: u64,
    /// Of those, what was lost: it may have been any issue.
    damaged: u64,
    /// Which, where and why.
    notes: Vec<String>,
}

/// Hands all tickets to the sink. Files in which everything is damaged are not what they were taken for.
fn feed(readers: Readers, sink: &mut dyn TicketSink, progress: &dyn Progress) -> Result<Read, BoxError> {
    let Read { mut skipped, mut damaged, mut notes } = Read::default();
    let mut count = 0_u64;
    for (path, reader) in readers {
        let bytes = reader.progress();
        let mut told = 0;
        for item in reader {
            count += 1;
            if count.is_multiple_of(CHECK_EVERY) {
                let now_read = bytes.load(Ordering::Relaxed);
                progress.advance(now_read.saturating_sub(told));
                told = now_read;
                if progress.cancelled() {
                    return Err(Box::new(AppError::new(ErrorCode::Cancelled, "stopped").hint("Nothing was imported.")));
                }
            }
            match item {
                jira::Item::Ticket(ticket) => sink.ticket(&ticket)?,
                jira::Item::Problem(problem) => {
                    skipped += 1;
                    damaged += u64::from(problem.damage);
                    if notes.len() < NAMED_PROBLEMS {
                        notes.push(format!("{path}: {problem}"));
                    }
                }
            }
        }
        progress.advance(bytes.load(Ordering::Relaxed).saturating_sub(told));
    }
    if let [first, ..] = notes.as_slice()
        && damaged == count
    {
        let message = format!("no ticket can be read: {first}");
        let hint = "An export is Jira's JSON, one issue a line, or CSV with the column `Issue key`; gzipped too.";
        return Err(Box::new(AppError::new(ErrorCode::SourceUnreadable, message).hint(hint)));
    }
    if skipped > notes.len() as u64 {
        notes.push(format!("{} more issues could not be read", skipped - notes.len() as u64));
    }
    Ok(Read { skipped, damaged, notes })
}

/// A project prefix in upper case.
fn checked_project(text: &str) -> Result<String, AppError> {
    let prefix = text.trim().to_ascii_uppercase();
    let valid = (1..MAX_KEY_LEN - 2).contains(&prefix.len())
        && prefix.starts_with(|c: char| c.is_ascii_alphabetic())
        && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if valid {
        return Ok(prefix);
    }
    Err(AppError::new(ErrorCode::InvalidInput, format!("`{text}` is no project prefix"))
        .hint("A prefix is what stands before the number of a ticket: ALOY of ALOY-12."))
}
