//! Which records a record replaces, and which replace it.

use super::labels::{Record, normalized};
use super::naming::FileName;
use super::status::Status;
use crate::pages::{file_reference, format_of};

/// References are looked for in the beginning of a line only, so that no line costs more than it is worth.
const MAX_LINE: usize = 2000;

/// A notice that a record is superseded stands among its first lines.
const NOTICE_LINES: usize = 25;

/// What stands in a record's place, and in whose place it stands.
#[derive(Debug, Default)]
pub(super) struct Relations {
    pub(super) supersedes: Vec<String>,
    pub(super) superseded_by: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Supersedes,
    SupersededBy,
}

/// How the relation is said. Longer phrases come first, because they begin like shorter ones.
const PHRASES: [(&str, Direction); 15] = [
    ("superseded by", Direction::SupersededBy),
    ("superceded by", Direction::SupersededBy),
    ("superseeded by", Direction::SupersededBy),
    ("replaced by", Direction::SupersededBy),
    ("obsoleted by", Direction::SupersededBy),
    ("superseded-by", Direction::SupersededBy),
    ("superseded", Direction::SupersededBy),
    ("superceded", Direction::SupersededBy),
    ("supersedes", Direction::Supersedes),
    ("supercedes", Direction::Supersedes),
    ("supersede", Direction::Supersedes),
    ("superseding", Direction::Supersedes),
    ("replaces", Direction::Supersedes),
    ("obsoletes", Direction::Supersedes),
    ("amend", Direction::Supersedes),
];

/// Reads the relations from the status, from labels and sections of their own, and from the front matter.
pub(super) fn read(record: &Record<'_>, status: &Status) -> Relations {
    let mut relations = Relations::default();
    for line in status.all.lines() {
        add_phrases(&mut relations, record, line);
    }
    // A notice above the text: "> Superseded by [ADR 5](…)", "This decision replaces …".
    let first_section = record.page.headings.get(1).map_or(usize::MAX, |heading| heading.line as usize - 1);
    for line in record.lines.iter().take(first_section.min(NOTICE_LINES)) {
        let words = normalized(&line[..line.floor_char_boundary(80)]);
        let words = [
            "this decision is ",
            "this decision ",
            "this adr is ",
            "this adr ",
            "this record is ",
            "this record ",
            "note ",
        ]
        .iter()
        .find_map(|opening| words.strip_prefix(opening))
        .unwrap_or(&words);
        if PHRASES.iter().any(|(phrase, _)| *phrase != "amend" && words.starts_with(phrase)) {
            add_phrases(&mut relations, record, line);
        }
    }
    let directions: [(&[&str], Direction); 2] = [
        (&["superseded by", "superceded by", "replaced by", "obsoleted by", "supersededby"], Direction::SupersededBy),
        (&["supersedes", "supercedes", "replaces", "obsoletes"], Direction::Supersedes),
    ];
    let labels: Vec<(String, String)> = record.labels().collect();
    for (names, direction) in directions {
        for (_, value) in labels.iter().filter(|(name, _)| names.contains(&name.as_str())) {
            add_references(&mut relations, record, value, direction);
        }
        if let Some((value, lines)) = record.section(names) {
            add_references(&mut relations, record, &value, direction);
            for line in lines.iter().take(20) {
                add_references(&mut relations, record, line, direction);
            }
        }
        let keys: Vec<String> =
            names.iter().flat_map(|name| [name.replace(' ', "-"), name.replace(' ', "_")]).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        if let Some(value) = record.front_value(&keys) {
            add_references(&mut relations, record, value, direction);
        }
    }
    without_repeated(&mut relations.supersedes);
    without_repeated(&mut relations.superseded_by);
    relations
}

/// Drops numbers of records that are linked as well.
fn without_repeated(references: &mut Vec<String>) {
    let linked: Vec<u32> = references
        .iter()
        .filter(|text| format_of(text).is_some())
        .filter_map(|path| FileName::of(path).number)
        .collect();
    references.retain(|text| {
        format_of(text).is_some() || !FileName::of(text).number.is_some_and(|number| linked.contains(&number))
    });
}

/// Adds what each phrase of a line speaks of: the references between it and the next phrase.
fn add_phrases(relations: &mut Relations, record: &Record<'_>, line: &str) {
    let line = &line[..line.floor_char_boundary(MAX_LINE)];
    let lower = line.to_ascii_lowercase();
    let mut found: Vec<(usize, usize, Direction)> = Vec::new();
    for (phrase, direction) in PHRASES {
        for (at, _) in lower.match_indices(phrase) {
            // Not within the title of a link, nor within a longer phrase.
            let is_free = !found.iter().any(|(start, end, _)| at >= *start && at < *end) && !is_in_brackets(line, at);
            if is_free {
                found.push((at, at + phrase.len(), direction));
            }
        }
    }
    found.sort_unstable_by_key(|(start, ..)| *start);
    for (index, (start, end, direction)) in found.iter().enumerate() {
        // An amended record stands.
        if lower[*start..].starts_with("amend") {
            continue;
        }
        let to = found.get(index + 1).map_or(line.len(), |(next, ..)| *next);
        add_references(relations, record, &line[*end..to], *direction);
    }
}

fn is_in_brackets(line: &str, at: usize) -> bool {
    let before = &line[..at];
    let is_open =
        |open: char, close: char| before.rfind(open).is_some_and(|start| before[start..].find(close).is_none());
    is_open('[', ']') && line[at..].contains("](")
        || is_open('(', ')') && before.contains("](") && !before.ends_with(' ') && !before.ends_with('(')
}

/// Adds the records that a text names: the targets of its links, or else names of files and numbers.
fn add_references(relations: &mut Relations, record: &Record<'_>, text: &str, direction: Direction) {
    let page = &record.page.path;
    let text = &text[..text.floor_char_boundary(MAX_LINE)];
    let targets: Vec<String> = link_targets(text)
        .into_iter()
        .filter(|target| format_of(target.split('#').next().unwrap_or(target)).is_some())
        .filter_map(|target| file_reference::of_link(page, target))
        .collect();
    let references = if targets.is_empty() { names(record, text) } else { targets };
    let list = match direction {
        Direction::Supersedes => &mut relations.supersedes,
        Direction::SupersededBy => &mut relations.superseded_by,
    };
    for reference in references {
        if !list.contains(&reference) && reference != *page && list.len() < 100 {
            list.push(reference);
        }
    }
}

/// Targets of the links in a text, in whichever markup.
fn link_targets(text: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    for (at, _) in text.match_indices("](") {
        let rest = &text[at + 2..];
        if let Some(end) = rest.find([')', ' ']) {
            targets.push(rest[..end].trim_matches(['<', '>']));
        }
    }
    for name in ["link:", "xref:", "<<"] {
        for (at, _) in text.match_indices(name) {
            let rest = &text[at + name.len()..];
            if let Some(end) = rest.find(['[', ',', '>', ' ']) {
                targets.push(&rest[..end]);
            }
        }
    }
    for (at, _) in text.match_indices(">`_") {
        if let Some(open) = text[..at].rfind('<') {
            targets.push(&text[open + 1..at]);
        }
    }
    targets
}

/// Records that are named without a link: `0005-use-x.md`, `ADR-0005`, `ADR 5`, `#5`, `5`.
fn names(record: &Record<'_>, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut after_kind = None;
    // Only up to the end of the sentence: what follows may tell anything.
    let text = text.split(". ").next().unwrap_or(text);
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']' | '&')) {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '#');
        let word = word.strip_prefix('#').unwrap_or(word);
        if word.is_empty() {
            continue;
        }
        let lower = word.to_ascii_lowercase();
        let digits = lower.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-' || c == '_');
        let kind = lower[..lower.len() - digits.len()].trim_end_matches(['-', '_']);
        let is_number = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if lower.len() > 4 && format_of(&lower).is_some() && lower.contains('.') {
            names.extend(file_reference::of_link(&record.page.path, word));
        } else if is_number && matches!(kind, "adr" | "rfc") {
            names.push(word.to_owned());
        } else if is_number && kind.is_empty() && !is_year(digits) {
            names.push(match after_kind {
                Some(kind) => format!("{kind}-{word}"),
                None => word.to_owned(),
            });
        } else if let Some(number) = number_of_slug(&lower) {
            // `0005-use-x`: the name of a file without its extension.
            names.push(number.to_owned());
        }
        after_kind = matches!(lower.as_str(), "adr" | "rfc").then(|| word.to_owned());
    }
    names
}

fn number_of_slug(word: &str) -> Option<&str> {
    let rest = word.strip_prefix("adr-").unwrap_or(word);
    let (number, title) = rest.split_once('-')?;
    let is_slug = (3..=5).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && title.starts_with(|c: char| c.is_alphabetic());
    is_slug.then_some(number)
}

fn is_year(digits: &str) -> bool {
    digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"))
}
