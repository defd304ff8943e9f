//! The date of a record.

use super::labels::{Record, plain};
use super::status::Status;

/// The date from the front matter, a label, a heading, or beside the status.
pub(super) fn read(record: &Record<'_>, status: &Status) -> Option<String> {
    const NAMES: [&str; 11] = [
        "date",
        "decision date",
        "date decided",
        "date of decision",
        "decided on",
        "decided",
        "accepted on",
        "datum",
        "fecha",
        "revdate",
        "created",
    ];
    if let Some(date) =
        record.front_value(&["date", "decision-date", "decision_date", "decided", "created"]).and_then(in_text)
    {
        return Some(date);
    }
    let labels: Vec<(String, String)> = record.labels().collect();
    let labelled = NAMES.iter().find_map(|wanted| {
        labels.iter().filter(|(name, _)| name == wanted).find_map(|(_, value)| in_text(&plain(value)))
    });
    labelled
        .or_else(|| {
            let (value, lines) = record.section(&["date", "decision date", "datum"])?;
            in_text(&value).or_else(|| lines.iter().take(6).find_map(|line| in_text(line)))
        })
        .or_else(|| in_text(&status.text))
        .or_else(|| status.all.lines().find_map(in_text))
        .or_else(|| {
            let last = ["last updated", "last modified", "updated", "last update"];
            labels.iter().filter(|(name, _)| last.contains(&name.as_str())).find_map(|(_, value)| in_text(value))
        })
}

/// The date that a file's name begins with: `2019-03-01-use-x`, `20190301-use-x`.
pub(super) fn at_start(text: &str) -> Option<String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        8 => valid(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..8].parse().ok()?),
        4 => numeric(text).filter(|_| text.len() >= 10),
        _ => None,
    }
}

/// The first date in a text: `2016-02-12`, `2016/02/12`, `12.02.2016`, `12 February 2016`, `February 12, 2016`.
fn in_text(text: &str) -> Option<String> {
    let text = &text[..text.floor_char_boundary(1000)];
    let mut after_word = true;
    for (at, c) in text.char_indices() {
        if c.is_ascii_digit()
            && after_word
            && let Some(date) = numeric(&text[at..])
        {
            return Some(date);
        }
        after_word = !c.is_alphanumeric();
    }
    with_month_name(text)
}

/// A date of digits at the beginning of a text.
fn numeric(text: &str) -> Option<String> {
    let mut parts = [0_u32; 3];
    let mut lengths = [0; 3];
    let mut rest = text;
    let mut separator = None;
    for (index, part) in parts.iter_mut().enumerate() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=4).contains(&digits) {
            return None;
        }
        *part = rest[..digits].parse().ok()?;
        lengths[index] = digits;
        rest = &rest[digits..];
        if index < 2 {
            let found = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.'))?;
            if separator.is_some_and(|known| known != found) {
                return None;
            }
            separator = Some(found);
            rest = &rest[1..];
        }
    }
    match (lengths, separator) {
        ([4, 1..=2, 1..=2], _) => valid(parts[0], parts[1], parts[2]),
        // With slashes, the day and the month cannot be told apart.
        ([1..=2, 1..=2, 4], Some('.')) => valid(parts[2], parts[1], parts[0]),
        _ => None,
    }
}

fn with_month_name(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(60).collect();
    let day = |word: &str| {
        word.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse::<u32>().ok().filter(|day| *day <= 31)
    };
    words.windows(3).find_map(|window| {
        let year: u32 = window[2].parse().ok().filter(|year| (1970..2200).contains(year))?;
        let month_of = |word: &str| {
            let start = word.get(..3)?.to_ascii_lowercase();
            let month = MONTHS.iter().position(|month| *month == start)?;
            u32::try_from(month + 1).ok()
        };
        match (month_of(window[0]), month_of(window[1])) {
            (Some(month), _) => valid(year, month, day(window[1])?),
            (None, Some(month)) => valid(year, month, day(window[0])?),
            (None, None) => None,
        }
    })
}

/// The date in ISO form, where there is such a day.
fn valid(year: u32, month: u32, day: u32) -> Option<String> {
    let date =
        jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (1970..=2199).contains(&date.year()).then(|| date.to_string())
}
