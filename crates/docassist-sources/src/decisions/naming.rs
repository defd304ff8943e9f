//! What the names of files and the titles of pages tell about records.

use crate::pages::file_reference;

pub(super) use file_reference::folder_of;

/// A file's name, taken apart.
#[derive(Debug)]
pub(super) struct FileName<'a> {
    /// The name without its extension.
    stem: &'a str,
    /// The record's number.
    pub(super) number: Option<u32>,
    /// The date that the name begins with, `YYYY-MM-DD`.
    pub(super) date: Option<String>,
    /// Whether the name says that it is a record: `ADR-001.md`, `adr-0001-use-x.md`.
    pub(super) is_record_form: bool,
    /// What follows number and prefix.
    rest: &'a str,
}

impl<'a> FileName<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let unprefixed = without_prefix(stem, &["adr", "ADR", "Adr"]);
        let has_prefix = unprefixed.len() < stem.len();
        let date = super::dates::at_start(unprefixed);
        let (number, rest) = match date {
            Some(_) => {
                (None, unprefixed.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').trim_start_matches('_'))
            }
            None => leading_number(unprefixed),
        };
        Self { stem, number, date, is_record_form: has_prefix && number.is_some(), rest }
    }

    /// Whether the name begins as records are filed: with a number or a date.
    pub(super) fn is_numbered(&self) -> bool {
        self.number.is_some() || self.date.is_some()
    }

    /// Whether the file is there to be copied.
    pub(super) fn is_template(&self) -> bool {
        let stem = self.stem.to_ascii_lowercase();
        let words = || stem.split(['-', '_', '.', ' ']);
        // A numbered record may be about templates.
        stem == "template"
            || (!self.is_numbered()
                && words().any(|word| matches!(word, "template" | "templates" | "tmpl" | "boilerplate")))
            || (self.is_numbered()
                && words().next_back() == Some("template")
                && words().count() <= 2 + usize::from(self.is_record_form))
    }

    /// Whether the file describes the folder it is in.
    pub(super) fn is_index(&self) -> bool {
        matches!(
            self.stem.to_ascii_lowercase().as_str(),
            "readme"
                | "index"
                | "toc"
                | "overview"
                | "_index"
                | "contributing"
                | "changelog"
                | "summary"
                | "adr-index"
                | "nav"
                | "faq"
        )
    }

    /// The name's words, for records without a title.
    pub(super) fn words(&self) -> String {
        let rest = if self.rest.is_empty() { self.stem } else { self.rest };
        rest.replace(['-', '_'], " ").trim().to_owned()
    }
}

/// `name` without a prefix of its kind and the separator behind it, if digits follow.
fn without_prefix<'n>(name: &'n str, prefixes: &[&str]) -> &'n str {
    prefixes
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .map(|rest| rest.trim_start_matches(['-', '_', ' ', '#', '.']))
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(name)
}

/// The number that `text` begins with, and what follows its separator.
fn leading_number(text: &str) -> (Option<u32>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    let is_number =
        (1..=6).contains(&digits) && (rest.is_empty() || rest.starts_with(['-', '_', '.', ' ', ':', ')', ']']));
    // 1.2-release is a version.
    let is_version = rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match text[..digits].parse() {
        Ok(number) if is_number && !is_version => {
            (Some(number), rest.trim_start_matches(['-', '_', '.', ' ', ':', ')', ']', '–', '—']))
        }
        _ => (None, text),
    }
}

/// The number of a title, and the title without it. `known` is the number that the file's name gives: a title that
/// begins with the same one repeats it.
pub(super) fn number_and_title(title: &str, known: Option<u32>) -> (Option<u32>, &str) {
    let whole = title.trim();
    let mut rest = whole.trim_start_matches(['[', '(']);
    let lower = rest.to_ascii_lowercase();
    let mut is_prefixed = false;
    // The longer names come first, because the shorter ones begin like them.
    for prefix in [
        "architecture decision record",
        "architectural decision record",
        "architecture decision",
        "architectural decision",
        "decision record",
        "adr",
        "rfc",
    ] {
        if lower.starts_with(prefix) {
            let after = &rest[prefix.len()..];
            // ADRs, Adriatic
            if after.starts_with(|c: char| c.is_alphabetic()) {
                continue;
            }
            let behind = after.trim_start_matches([' ', '-', '_', '#', ':', '.', '–', '—']);
            let behind = without_prefix(behind, &["ADR", "adr"]);
            let separator = after.trim_start();
            // "ADR with an introduction" begins with the word itself.
            if behind.starts_with(|c: char| c.is_ascii_digit()) || separator.starts_with([':', '-', '–', '—']) {
                rest = behind;
                is_prefixed = true;
                break;
            }
        }
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, after) = leading_number(rest);
    let behind = rest[digits..].trim_start();
    // "3 tiers" is no number, "003 tiers" and "3: tiers" are.
    let is_number = number.is_some()
        && (is_prefixed
            || number == known
            || digits >= 3 && rest.starts_with('0')
            || behind.is_empty()
            || behind.starts_with(['.', ':', '-', '–', '—', ')', ']']));
    if !is_number || super::dates::at_start(rest).is_some() {
        return (None, if is_prefixed && !rest.is_empty() { rest } else { whole });
    }
    (number, after.trim_start_matches(['-', '_', '.', ' ', ':', ')', ']', '–', '—']).trim())
}

/// Whether a title is there to be replaced, as in templates.
pub(super) fn is_placeholder(title: &str) -> bool {
    let (_, title) = number_and_title(title, None);
    let lower = title.to_lowercase();
    let is_bracketed =
        |open: char, close: char| title.starts_with(open) && title.ends_with(close) && !title.contains("](");
    is_bracketed('{', '}')
        || is_bracketed('<', '>')
        || (is_bracketed('[', ']') && title.contains(' '))
        || lower.starts_with("[short title")
        || lower.starts_with("{short title")
        || matches!(
            lower.as_str(),
            "title" | "number. title" | "decision title" | "short title" | "adr template" | "template" | "your title"
        )
        || lower.contains("short title of solved problem")
}

/// Whether a title is the heading of a part that all records have, so that the record has no title of its own.
pub(super) fn is_section(title: &str) -> bool {
    let words = super::labels::normalized(title);
    words.starts_with("context and problem")
        || matches!(words.as_str(), "status" | "context" | "decision" | "date" | "problem" | "background" | "summary")
}
