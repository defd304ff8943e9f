//! What to show of a passage.

use std::ops::Range;

use serde::Serialize;

use crate::lexical::{QueryTerm, dimension};
use crate::tokens::tokenize;

/// About three lines of a terminal.
const SNIPPET: usize = 240;

/// A place in a snippet where a word of the question stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Highlight {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// The part of a passage that has most of the question's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// The text, as it stands in the passage.
    pub text: String,
    /// Where in it words of the question stand; they do not overlap.
    pub highlights: Vec<Highlight>,
    /// Whether the passage has text before.
    pub cut_before: bool,
    /// Whether the passage has text after.
    pub cut_after: bool,
}

/// A word of the question in a text.
pub(super) struct Match {
    pub(super) at: Range<usize>,
    /// Which of the question's terms.
    pub(super) term: usize,
}

/// The words of a question in a text, in order.
pub(super) fn matches(text: &str, terms: &[QueryTerm]) -> Vec<Match> {
    let found = tokenize(text).into_iter().filter_map(|token| {
        let dimension = dimension(&token.term);
        let term = terms.iter().position(|term| term.dimension == dimension)?;
        Some(Match { at: token.at, term })
    });
    found.collect()
}

/// The snippet of a text for a question's terms.
#[must_use]
pub fn snippet(text: &str, terms: &[QueryTerm]) -> Snippet {
    window(text, &matches(text, terms), terms)
}

pub(super) fn window(text: &str, matches: &[Match], terms: &[QueryTerm]) -> Snippet {
    let at = best(matches, terms).map_or(0..0, |run| run);
    let room = SNIPPET.saturating_sub(at.len());
    // A third of the rest before, so that the words have their context.
    let start = word_boundary(text, at.start.saturating_sub(room / 3));
    let end = end_boundary(text, (start + SNIPPET).max(at.end));
    let mut highlights: Vec<Highlight> = Vec::new();
    for found in matches.iter().filter(|found| found.at.start >= start && found.at.end <= end) {
        // A compound and its parts are one place.
        match highlights.last_mut() {
            Some(last) if found.at.start - start <= last.end => last.end = last.end.max(found.at.end - start),
            _ => highlights.push(Highlight { start: found.at.start - start, end: found.at.end - start }),
        }
    }
    Snippet {
        text: text[start..end].to_owned(),
        highlights,
        cut_before: !text[..start].trim().is_empty(),
        cut_after: !text[end..].trim().is_empty(),
    }
}

/// The run of matches within a snippet's length whose distinct words weigh most.
fn best(matches: &[Match], terms: &[QueryTerm]) -> Option<Range<usize>> {
    let mut best: Option<(f32, Range<usize>)> = None;
    for (index, first) in matches.iter().enumerate() {
        let mut seen: Vec<usize> = Vec::new();
        let mut end = first.at.end;
        for next in matches[index..].iter().take_while(|next| next.at.end <= first.at.start + SNIPPET) {
            end = end.max(next.at.end);
            if !seen.contains(&next.term) {
                seen.push(next.term);
            }
        }
        let weight = seen.iter().map(|&term| terms[term].weight).sum();
        if best.as_ref().is_none_or(|(known, _)| weight > *known) {
            best = Some((weight, first.at.start..end));
        }
    }
    best.map(|(_, run)| run)
}

/// The beginning of a word at or before a byte.
fn word_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    // Text without spaces is cut where it is.
    let space = text[..at].rfind(char::is_whitespace).filter(|&space| at - space <= 32);
    if at == 0 { 0 } else { space.map_or(at, |space| space + text[space..].chars().next().map_or(1, char::len_utf8)) }
}

fn end_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    if at == text.len() {
        return at;
    }
    text[at..].find(char::is_whitespace).filter(|&space| space <= 32).map_or(at, |space| at + space)
}
