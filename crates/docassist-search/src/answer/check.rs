//! What a language model's answer rests on.

use std::ops::Range;

use rustc_hash::FxHashSet;
use serde::Serialize;

use super::extract::numbers;
use super::sentences;
use crate::embedder::Embedder;
use crate::lexical::{Statistics, dimension};
use crate::passage::Passage;
use crate::tokens::tokenize;

/// What is wrong with a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It cites nothing.
    NoCitation,
    /// It cites a source that it was not given.
    NoSuchSource,
    /// What it cites says nothing like it.
    NotSupported,
    /// It has a number that nothing that it cites has.
    OtherNumber,
}

/// A sentence of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedSentence {
    /// The sentence without its citations.
    pub text: String,
    /// What it cites, each once.
    pub citations: Vec<usize>,
    /// The share of its words, by rarity, that what it cites has.
    pub overlap: f32,
    /// The cosine to the nearest passage that it cites, where there is a model.
    pub meaning: Option<f32>,
    /// What is wrong with it, if anything.
    pub fault: Option<Fault>,
}

/// An answer, sentence by sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedAnswer {
    /// Its sentences, in order.
    pub sentences: Vec<CheckedSentence>,
    /// Whether no sentence has a fault, and there is at least one.
    pub supported: bool,
}

/// Sentences with this share of their words in what they cite are supported.
const ENOUGH: f32 = 0.6;
/// With less than this no likeness of meaning helps: such a sentence is about the same matter and says something else.
const LEAST: f32 = 0.3;
/// The cosine that makes up for words that are put differently.
const ALIKE: f32 = 0.6;
/// A longer answer than any that was asked for is not checked beyond.
const MOST_SENTENCES: usize = 200;

/// Checks an answer against the passages that its prompt had, in their order: source 1 is the first.
#[must_use]
pub fn check_answer(
    text: &str,
    sources: &[Passage],
    statistics: &Statistics,
    embedder: Option<&dyn Embedder>,
) -> CheckedAnswer {
    let checked: Vec<CheckedSentence> = split(text)
        .into_iter()
        .take(MOST_SENTENCES)
        .map(|(text, citations)| check(text, citations, sources, statistics, embedder))
        .collect();
    CheckedAnswer {
        supported: !checked.is_empty() && checked.iter().all(|sentence| sentence.fault.is_none()),
        sentences: checked,
    }
}

fn check(
    text: String,
    citations: Vec<usize>,
    sources: &[Passage],
    statistics: &Statistics,
    embedder: Option<&dyn Embedder>,
) -> CheckedSentence {
    let cited: Vec<&Passage> = citations.iter().filter_map(|&number| sources.get(number.checked_sub(1)?)).collect();
    let overlap = overlap(&text, &cited, statistics);
    let mut sentence = CheckedSentence { text, citations, overlap, meaning: None, fault: None };
    sentence.fault = if sentence.citations.is_empty() {
        Some(Fault::NoCitation)
    } else if cited.len() < sentence.citations.len() {
        Some(Fault::NoSuchSource)
    } else if !has_numbers(&sentence.text, &cited) {
        Some(Fault::OtherNumber)
    } else if overlap >= ENOUGH {
        None
    } else {
        sentence.meaning =
            embedder.filter(|_| overlap >= LEAST).and_then(|model| likeness(model, &sentence.text, &cited));
        if sentence.meaning.is_some_and(|meaning| meaning >= ALIKE) { None } else { Some(Fault::NotSupported) }
    };
    sentence
}

/// The share of a sentence's words, by rarity, that passages have.
fn overlap(text: &str, cited: &[&Passage], statistics: &Statistics) -> f32 {
    let mut known: FxHashSet<u32> = FxHashSet::default();
    for passage in cited {
        known.extend(tokenize(&passage.embedded_text()).iter().map(|token| dimension(&token.term)));
    }
    let (mut has, mut all) = (0.0, 0.0);
    let mut seen = FxHashSet::default();
    for token in tokenize(text).iter().filter(|token| !token.whole) {
        let dimension = dimension(&token.term);
        if seen.insert(dimension) {
            let weight = statistics.rarity(statistics.passages_with(dimension));
            all += weight;
            if known.contains(&dimension) {
                has += weight;
            }
        }
    }
    if all > 0.0 { has / all } else { 0.0 }
}

fn has_numbers(text: &str, cited: &[&Passage]) -> bool {
    let mut known: FxHashSet<String> = FxHashSet::default();
    for passage in cited {
        known.extend(numbers(&passage.embedded_text()));
    }
    numbers(text).is_subset(&known)
}

fn likeness(model: &dyn Embedder, text: &str, cited: &[&Passage]) -> Option<f32> {
    let texts: Vec<String> = cited.iter().map(|passage| passage.embedded_text()).collect();
    let all: Vec<&str> = std::iter::once(text).chain(texts.iter().map(String::as_str)).collect();
    let vectors = model.embed(&all).ok()?;
    let (own, others) = vectors.split_first()?;
    let cosine = |other: &Vec<f32>| own.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
    others.iter().map(cosine).max_by(f32::total_cmp)
}

/// The sentences of an answer without their citations, and what each cites. Citations after a full stop belong to the sentence
/// before.
fn split(text: &str) -> Vec<(String, Vec<usize>)> {
    let mut found: Vec<(String, Vec<usize>)> = Vec::new();
    for at in prose(text) {
        let part = &text[at];
        let (plain, citations) = without_citations(part);
        // Citations at the beginning stood behind the full stop of the sentence before.
        let leading = leading_citations(part);
        if let Some((_, before)) = found.last_mut() {
            before.extend(leading.iter().filter(|number| !before.contains(number)).copied().collect::<Vec<_>>());
        }
        let own: Vec<usize> = if found.is_empty() { citations } else { trailing(citations, leading.len()) };
        if plain.chars().any(char::is_alphanumeric) {
            let mut unique = Vec::new();
            own.into_iter().for_each(|number| {
                if !unique.contains(&number) {
                    unique.push(number);
                }
            });
            found.push((plain, unique));
        }
    }
    found
}

/// Every line's sentences; what is not prose in an answer is checked as well.
fn prose(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start..start + line.len();
        start = at.end;
        let parts = sentences(line);
        // What is too long or has no letters but citations: whole.
        if parts.is_empty() && !line.trim().is_empty() {
            found.push(at);
            continue;
        }
        let mut end = 0;
        for part in parts {
            // Between two sentences stands at most a citation.
            if !line[end..part.start].trim().is_empty() {
                found.push(at.start + end..at.start + part.start);
            }
            end = part.end;
            found.push(at.start + part.start..at.start + part.end);
        }
        if !line[end..].trim().is_empty() {
            found.push(at.start + end..at.end);
        }
    }
    found
}

fn trailing(citations: Vec<usize>, leading: usize) -> Vec<usize> {
    citations.into_iter().skip(leading).collect()
}

fn leading_citations(part: &str) -> Vec<usize> {
    let mut rest = part.trim_start();
    let mut numbers = Vec::new();
    while let Some((group, length)) = group(rest) {
        numbers.extend(group);
        rest = rest[length..].trim_start();
    }
    numbers
}

/// `[1]`, `[1, 2]`: its numbers and its length. Other brackets are text. A number too large to be one cites no source.
fn group(text: &str) -> Option<(Vec<usize>, usize)> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(']').filter(|&end| (1..=40).contains(&end))?;
    let numbers: Option<Vec<usize>> = inner[..end]
        .split([',', ';'])
        .map(|number| {
            let digits = number.trim();
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().unwrap_or(usize::MAX))
        })
        .collect();
    Some((numbers?, end + 2))
}

fn without_citations(part: &str) -> (String, Vec<usize>) {
    let (mut plain, mut citations) = (String::new(), Vec::new());
    let mut rest = part;
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        plain.push_str(before);
        if let Some((numbers, length)) = group(from) {
            citations.extend(numbers);
            rest = &from[length..];
            // The space before a citation goes with it.
            plain.truncate(plain.trim_end().len());
            if !rest.is_empty() && rest.starts_with(char::is_alphanumeric) {
                plain.push(' ');
            }
        } else {
            plain.push('[');
            rest = &from[1..];
        }
    }
    plain.push_str(rest);
    (plain.trim().to_owned(), citations)
}
