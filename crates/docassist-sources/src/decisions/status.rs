//! The status of a record: where it stands and what it means.

use docassist_model::DecisionStatus;

use super::labels::{Record, plain};

/// A longer status is an explanation; its beginning tells the state.
const MAX_STATUS: usize = 300;

/// What a record says of its status.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// The first statement, without markup.
    pub(super) text: String,
    /// All that is said, with markup, a line each.
    pub(super) all: String,
    /// Whether it offers the states to choose from, as templates do.
    pub(super) is_choice: bool,
}

/// Headings and labels of the status.
const NAMES: [&str; 8] =
    ["status", "state", "decision status", "adr status", "current status", "statut", "estado", "stato"];

/// Finds the status: in the front matter, under a heading, or behind a label.
pub(super) fn read(record: &Record<'_>) -> Status {
    let mut status = record
        .front_value(&["status", "state"])
        .map(|value| Status { text: plain(value), all: value.to_owned(), is_choice: false })
        .or_else(|| section(record))
        .or_else(|| label(record))
        .or_else(|| badge(record))
        .unwrap_or_default();
    status.is_choice = is_choice(&status.text) || status.all.lines().any(|line| line.len() < 200 && is_choice(line));
    status.text.truncate(status.text.floor_char_boundary(MAX_STATUS));
    status
}

fn section(record: &Record<'_>) -> Option<Status> {
    let (value, lines) = record.section(&NAMES)?;
    let mut all = value.clone();
    let mut first = value;
    let mut ended = !first.is_empty();
    let mut has_boxes = false;
    for line in lines.iter().take(40) {
        let mut content = line.trim();
        for marker in ["* ", "- ", "+ ", "> "] {
            content = content.strip_prefix(marker).unwrap_or(content).trim_start();
        }
        if let Some(unchecked) = content.strip_prefix("[ ]") {
            has_boxes |= !unchecked.is_empty();
            continue;
        }
        let content = content.strip_prefix("[x]").or_else(|| content.strip_prefix("[X]")).unwrap_or(content).trim();
        all.push('\n');
        all.push_str(content);
        if content.is_empty() {
            ended |= !first.is_empty();
        } else if !ended {
            // A list states one thing an item.
            ended = content.len() < line.trim().len();
            if !first.is_empty() {
                first.push(' ');
            }
            first.push_str(content);
        }
    }
    let text = plain(&first);
    if text.is_empty() && !has_boxes {
        // A picture in place of a word.
        return badge_in(&all).map(|text| Status { text, all, is_choice: false });
    }
    Some(Status { text, all, is_choice: false })
}

fn label(record: &Record<'_>) -> Option<Status> {
    let (_, value) = record.labels().find(|(name, value)| NAMES.contains(&name.as_str()) && !value.is_empty())?;
    let text = plain(&value);
    let text = if text.is_empty() { badge_in(&value)? } else { text };
    Some(Status { text, all: value, is_choice: false })
}

fn badge(record: &Record<'_>) -> Option<Status> {
    let text = record.lines.iter().take(40).find_map(|line| badge_in(line))?;
    Some(Status { all: text.clone(), text, is_choice: false })
}

/// The word on a badge: `https://img.shields.io/badge/status-accepted-green`.
fn badge_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("/badge/")?;
    let end = rest.find([')', '"', '\'', '?', ' ', '>', ']']).unwrap_or(rest.len());
    let mut parts = rest[..end].split('-');
    let is_status = parts.next()?.eq_ignore_ascii_case("status");
    let word = parts.next().filter(|word| is_status && !word.is_empty())?;
    Some(word.replace("%20", " ").replace('_', " ").trim_end_matches(".svg").to_owned())
}

/// Whether the text lists states instead of stating one.
fn is_choice(text: &str) -> bool {
    let text = &text[..text.floor_char_boundary(MAX_STATUS)];
    let mut states: Vec<DecisionStatus> = words(text).filter_map(|word| state_of_word(&word)).collect();
    states.sort_unstable();
    states.dedup();
    let has_separators =
        text.contains(['|', '{', '<']) || text.contains(" / ") || text.contains('/') && states.len() > 1;
    states.len() >= 4 || (states.len() >= 2 && (has_separators || text.contains("such as") || text.contains("e.g.")))
        || (states.len() >= 3 && (text.contains(", ") || text.contains(" or ")))
        // A placeholder.
        || (text.starts_with('{') && text.ends_with('}'))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn state_of_word(word: &str) -> Option<DecisionStatus> {
    Some(match word {
        "superseded" | "superceded" | "replaced" | "superseeded" | "obsoleted" => DecisionStatus::Superseded,
        "deprecated" | "obsolete" | "retired" | "outdated" | "archived" | "expired" | "reverted" => {
            DecisionStatus::Deprecated
        }
        "rejected" | "declined" | "denied" | "withdrawn" | "abandoned" | "cancelled" | "canceled" | "dropped" => {
            DecisionStatus::Rejected
        }
        "accepted" | "approved" | "decided" | "done" | "implemented" | "adopted" | "agreed" | "active" | "final"
        | "finalized" | "ratified" | "enacted" | "complete" | "completed" | "resolved" | "akzeptiert" | "accepté"
        | "aceptado" | "aceptada" | "aprobado" | "committed" | "live" | "confirmed" | "effect" => {
            DecisionStatus::Accepted
        }
        "proposed" | "draft" | "proposal" | "pending" | "review" | "wip" | "open" | "discussion" | "progress"
        | "rfc" | "idea" | "provisional" | "undecided" | "experimental" | "ongoing" | "vorgeschlagen" | "proposé"
        | "propuesto" => DecisionStatus::Proposed,
        _ => return None,
    })
}

/// What a status text means.
pub(super) fn state_of(text: &str) -> DecisionStatus {
    let (mut negated, mut partly) = (false, false);
    let mut first = None;
    let is_short = text.len() < 80;
    for word in words(text) {
        match (word.as_str(), state_of_word(&word)) {
            ("partly" | "partially", _) => partly = true,
            // What is left of it still stands.
            (_, Some(DecisionStatus::Superseded)) if partly => {
                first.get_or_insert(DecisionStatus::Accepted);
            }
            ("not" | "never" | "isn't" | "yet" | "be", _) => negated = true,
            // "Accepted, then replaced": what ends a decision outweighs how it began.
            (_, Some(state @ (DecisionStatus::Superseded | DecisionStatus::Deprecated))) if is_short && !negated => {
                return state;
            }
            (_, Some(state)) if first.is_none() => {
                first =
                    Some(if negated && state == DecisionStatus::Accepted { DecisionStatus::Proposed } else { state });
            }
            _ => negated = false,
        }
    }
    first.unwrap_or(DecisionStatus::Unknown)
}

/// Whether all that is said of the status includes that something else took the record's place as a whole.
pub(super) fn is_superseded_by(all: &str) -> bool {
    let lower = all.to_lowercase();
    let is_said = ["superseded", "superceded", "superseeded", "replaced by", "obsoleted by"]
        .iter()
        .any(|word| lower.contains(word));
    is_said && !lower.contains("partially") && !lower.contains("partly") && !lower.contains("in part")
}
