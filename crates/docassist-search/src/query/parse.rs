//! What somebody types.

use crate::passage::Passage;
use crate::tokens::fold;

/// More than anybody types; what is pasted beyond it says nothing more.
const MAX_TEXT: usize = 16 * 1024;
/// Phrases and exclusions are checked in every candidate.
const MAX_CONDITIONS: usize = 16;

/// A search as it was typed: words, `"phrases"` that must stand in the passage, and `-words` that must not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParsedQuery {
    /// What is searched for: everything but the exclusions.
    pub text: String,
    /// What must stand in a passage, folded.
    pub phrases: Vec<String>,
    /// What must not, folded.
    pub excluded: Vec<String>,
}

/// Reads a search. Everything is a search: what is no operator is text.
#[must_use]
pub fn parse(text: &str) -> ParsedQuery {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut parsed = ParsedQuery::default();
    let mut rest = &text[..end];
    while !rest.is_empty() {
        let (phrase, excluded, after) = take(rest);
        rest = after;
        match (phrase, excluded) {
            (Some(phrase), false) => {
                parsed.text.push_str(phrase);
                parsed.text.push(' ');
                push(&mut parsed.phrases, phrase);
            }
            (Some(phrase), true) => push(&mut parsed.excluded, phrase),
            (None, _) => {}
        }
        // Up to the next operator it is plain text.
        let next = next_operator(rest);
        parsed.text.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    parsed
}

impl ParsedQuery {
    /// Whether every passage fulfils it.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.phrases.is_empty() && self.excluded.is_empty()
    }

    /// Whether a passage has all phrases and none of what is excluded.
    #[must_use]
    pub fn admits(&self, passage: &Passage) -> bool {
        if self.is_plain() {
            return true;
        }
        let text = squeeze(&format!("{}\n{}\n{}", passage.title, passage.headings.join("\n"), passage.text));
        self.phrases.iter().all(|phrase| contains(&text, phrase))
            && !self.excluded.iter().any(|phrase| contains(&text, phrase))
    }
}

fn push(list: &mut Vec<String>, phrase: &str) {
    let phrase = squeeze(phrase);
    if !phrase.is_empty() && list.len() < MAX_CONDITIONS {
        list.push(phrase);
    }
}

fn squeeze(text: &str) -> String {
    fold(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a phrase stands in a text as whole words.
fn contains(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + phrase.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// The operator at the beginning, if there is one: its phrase, whether it excludes, and what follows.
fn take(rest: &str) -> (Option<&str>, bool, &str) {
    let (excluded, body) = match rest.strip_prefix('-') {
        Some(body) if body.starts_with('"') || body.starts_with(char::is_alphanumeric) => (true, body),
        _ => (false, rest),
    };
    if let Some(quoted) = body.strip_prefix('"')
        && let Some(end) = quoted.find('"')
    {
        return (Some(&quoted[..end]), excluded, &quoted[end + 1..]);
    }
    if excluded && !body.starts_with('"') {
        let end = body.find(char::is_whitespace).unwrap_or(body.len());
        return (Some(&body[..end]), true, &body[end..]);
    }
    // A lone quotation mark is text.
    let skip = if body.starts_with('"') { 1 } else { 0 };
    (None, false, &body[skip..])
}

fn next_operator(rest: &str) -> usize {
    let mut before = ' ';
    for (index, character) in rest.char_indices() {
        let begins_word = before.is_whitespace();
        if character == '"'
            || character == '-'
                && begins_word
                && rest[index + 1..].starts_with(|c: char| c == '"' || c.is_alphanumeric())
        {
            return index;
        }
        before = character;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, words: &str, phrases: &[&str], excluded: &[&str]) {
        let parsed = parse(text);
        let normal = parsed.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            (normal.as_str(), &parsed.phrases[..], &parsed.excluded[..]),
            (words, &own(phrases)[..], &own(excluded)[..]),
            "{text}"
        );
    }

    fn own(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn words_phrases_and_exclusions_are_told_apart() {
        check("cache stamps", "cache stamps", &[], &[]);
        check("why \"Single  Flight\" here", "why Single Flight here", &["single flight"], &[]);
        check("cache -redis -\"in memory\"", "cache", &[], &["redis", "in memory"]);
        check("single-flight a - b ALOY-12", "single-flight a - b ALOY-12", &[], &[]);
        check("\"open end", "open end", &[], &[]);
        check("-", "-", &[], &[]);
        check("", "", &[], &[]);
    }

    proptest! {
        #[test]
        fn everything_is_a_search(text in "(?s)[\"a é-]{0,40}") {
            let parsed = parse(&text);
            prop_assert!(parsed.text.len() <= 2 * text.len() + 2);
        }
    }
}
