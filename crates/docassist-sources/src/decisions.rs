//! Decision records among the pages: what was decided, when, and what came of it.
//!
//! There is no one form of such records. [`detect`] knows Nygard's, the versions of MADR, and the free forms that
//! projects make of them: it goes by the folder, by the file's name and by what the page says about itself.

use docassist_model::{Decision, DecisionStatus, Page};
use rustc_hash::FxHashSet;

mod dates;
mod labels;
mod naming;
mod status;
mod supersession;

use labels::Record;

/// Reads a page as a decision record; `None` where it is none.
///
/// Templates are none, and neither are the pages that list the records. Outside the folders that are kept for records, a
/// page has to be named like one (`ADR-001.md`), or to have a status and headings for the context and the decision.
///
/// ```
/// use docassist_model::DecisionStatus;
/// use docassist_sources::{decisions, pages};
///
/// let text = b"# 1. Use Rust\n\nDate: 2024-05-01\n\n## Status\n\nAccepted\n";
/// let decision = decisions::detect(&pages::parse("docs/adr/0001-use-rust.md", text, None)).unwrap();
/// assert_eq!((decision.number, decision.title.as_str()), (Some(1), "Use Rust"));
/// assert_eq!((decision.status, decision.date.as_deref()), (DecisionStatus::Accepted, Some("2024-05-01")));
/// ```
#[must_use]
pub fn detect(page: &Page) -> Option<Decision> {
    let mut name = naming::FileName::of(&page.path);
    if name.is_template() || naming::is_placeholder(&page.title) {
        return None;
    }
    let folder = Folder::of(&page.path);
    // Most pages end here, before any of their text is looked at.
    if folder == Folder::Other && !name.is_record_form && !has_context_and_decision(page) {
        return None;
    }
    if name.is_index() {
        // A folder for each record, with its pictures: `0001-use-x/README.md`.
        name = naming::FileName::of(naming::folder_of(&page.path));
        if !name.is_numbered() {
            return None;
        }
    }
    let record = Record::read(page);
    let status = status::read(&record);
    if status.is_choice {
        return None;
    }
    let has_status = !status.text.is_empty();
    let is_record = match folder {
        Folder::Records => name.is_numbered() || has_status || has_context_and_decision(page),
        Folder::Proposals => has_status,
        Folder::Other => name.is_record_form || (has_status && has_context_and_decision(page)),
    };
    if !is_record {
        return None;
    }

    let (number_in_title, title) = naming::number_and_title(&page.title, name.number);
    let has_heading = !page.path.ends_with(&page.title) && !naming::is_section(&page.title);
    let relations = supersession::read(&record, &status);
    let mut state = status::state_of(&status.text);
    if !relations.superseded_by.is_empty() && status::is_superseded_by(&status.all) {
        state = DecisionStatus::Superseded;
    }
    Some(Decision {
        path: page.path.clone(),
        number: name.number.or(number_in_title),
        title: if has_heading && !title.is_empty() { title.to_owned() } else { name.words() },
        status: state,
        date: dates::read(&record, &status).or(name.date),
        status_text: status.text,
        supersedes: relations.supersedes,
        superseded_by: relations.superseded_by,
        tickets: distinct(page.tickets.iter().map(|mention| mention.key.clone())),
        commits: commits(&page.text),
    })
}

/// What a page's folder says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folder {
    /// Kept for decision records.
    Records,
    /// Kept for proposals, which are decisions once they have a status.
    Proposals,
    Other,
}

impl Folder {
    fn of(path: &str) -> Self {
        let mut found = Self::Other;
        for folder in naming::folder_of(path).split('/') {
            match folder.to_ascii_lowercase().replace('_', "-").as_str() {
                "adr"
                | "adrs"
                | "decisions"
                | "decision-records"
                | "decision-record"
                | "decision-log"
                | "decisionlog"
                | "architecture-decisions"
                | "architecture-decision-records"
                | "architectural-decisions"
                | "architectural-decision-records"
                | "architecture-decision-log"
                | "design-decisions" => return Self::Records,
                "rfc" | "rfcs" => found = Self::Proposals,
                _ => {}
            }
        }
        found
    }
}

/// Whether the page has the two headings that all forms of records share.
fn has_context_and_decision(page: &Page) -> bool {
    let has = |words: &[&str]| {
        page.headings.iter().any(|heading| {
            let text = heading.text.to_lowercase();
            text.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
        })
    };
    has(&["context"]) && has(&["decision", "decisions"])
}

fn distinct<T: Clone + Eq + std::hash::Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = FxHashSet::default();
    items.filter(|item| seen.insert(item.clone())).collect()
}

/// Words that have the shape of a commit's id. Parts of words with hyphens, such as UUIDs, and colours are none.
fn commits(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte >= 0x80;
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        let word = &bytes[start..at];
        let is_id = (7..=64).contains(&word.len())
            && word.iter().all(u8::is_ascii_hexdigit)
            && word.iter().any(u8::is_ascii_digit)
            && word.iter().any(u8::is_ascii_alphabetic)
            && !start.checked_sub(1).is_some_and(|before| matches!(bytes[before], b'#' | b'&' | b'%'));
        if is_id {
            found.push(text[start..at].to_ascii_lowercase());
        }
    }
    distinct(found.into_iter())
}

#[cfg(test)]
mod tests;
