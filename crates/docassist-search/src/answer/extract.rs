//! Choosing sentences.

use std::cmp::Reverse;
use std::ops::Range;

use rustc_hash::FxHashSet;

use super::sentences::with_what_follows;
use super::{Answer, CitedSentence, Conflict, Grounds, Support, cite, sentences};
use crate::embedder::Embedder;
use crate::lexical::{QueryTerm, dimension};
use crate::passage::{Passage, PassageKind};
use crate::tokens::tokenize;

/// What a reader takes in at a glance.
const MOST_SENTENCES: usize = 4;
/// Of one passage: an answer of one passage alone is that passage.
const MOST_OF_PASSAGE: usize = 2;
/// A sentence must have at least this share of what the best one has.
const LEAST_SHARE: f32 = 0.35;
/// What a word of the question counts that a sentence does not have itself, but the headings above it.
const FROM_HEADINGS: f32 = 0.4;
/// Sentences whose meaning is compared with the question's, the best ones by words: a model reads some hundred in a tenth of a
/// second.
const MEASURED: usize = 32;
/// Words that turn a sentence round.
const NEGATIONS: [&str; 8] = ["not", "no", "never", "cannot", "without", "none", "n't", "nor"];

struct Candidate<'a> {
    passage: usize,
    /// Where it stands in its passage.
    at: Range<usize>,
    text: &'a str,
    /// Which of the question's terms it has.
    terms: Vec<usize>,
    /// All its terms.
    dimensions: FxHashSet<u32>,
    score: f32,
}

/// The answer that the grounds give.
pub(super) fn extract(grounds: &Grounds, embedder: Option<&dyn Embedder>) -> Answer {
    let mut answer = Answer {
        support: grounds.support,
        sentences: Vec::new(),
        citations: Vec::new(),
        conflicts: Vec::new(),
        evidence: grounds.evidence,
        corrections: grounds.retrieved.corrections.clone(),
    };
    if grounds.support == Support::None {
        return answer;
    }
    let terms: Vec<&QueryTerm> = grounds.retrieved.terms.iter().filter(|term| !term.whole).collect();
    let mut candidates = candidates(&grounds.passages, &terms, grounds);
    if let Some(embedder) = embedder.filter(|_| grounds.evidence.meaning.is_some()) {
        measure(&mut candidates, grounds, embedder);
    }
    let mut chosen = choose(&candidates, &terms);
    let conflicts = order(&mut chosen, &candidates, &grounds.passages);
    for &index in &chosen {
        let candidate = &candidates[index];
        let passage = &grounds.passages[candidate.passage];
        let number = match answer.citations.iter().find(|citation| citation.id == passage.id) {
            Some(citation) => citation.number,
            None => {
                let number = answer.citations.len() + 1;
                answer.citations.push(cite(number, passage));
                number
            }
        };
        answer.sentences.push(CitedSentence { text: candidate.text.to_owned(), citation: number });
    }
    answer.conflicts = conflicts;
    if answer.sentences.is_empty() {
        // Passages that are about the question but have no sentence (code, tables): the reader is pointed there.
        answer.citations = grounds.passages.first().map(|passage| cite(1, passage)).into_iter().collect();
        answer.support = Support::Weak;
    }
    answer
}

/// How much a sentence of a kind of passage counts: pages and decisions are written to explain, commits to note, and comments to
/// converse.
const fn prior(kind: PassageKind) -> f32 {
    match kind {
        PassageKind::Page | PassageKind::Decision => 1.15,
        PassageKind::Ticket => 1.0,
        PassageKind::Comment | PassageKind::PullRequest => 0.9,
        PassageKind::Commit => 0.65,
        PassageKind::Code => 0.5,
    }
}

/// A line that ends without a full stop in a commit or a ticket is its summary: it says what was to be done, not how things are.
fn is_summary(text: &str, kind: PassageKind) -> bool {
    let ends = text.ends_with(['.', '!', '?', ':', '`', '…', '。']);
    matches!(kind, PassageKind::Commit | PassageKind::Ticket) && !ends
}

/// What a summary counts.
const SUMMARY: f32 = 0.7;

/// Whether a sentence is one that people wrote for people: no code, no list of paths.
pub(super) fn is_prose(text: &str) -> bool {
    /// Of these characters prose has few: more than one in twenty, and more than two, are code.
    const OF_CODE: &[char] = &['{', '}', '[', ']', '<', '>', '=', ';', '|', '\\', '$'];
    // Prose does not end in the middle of a statement.
    let is_statement = text.ends_with(['{', '}', ';', ',', '(', '=']);
    if is_statement || text.starts_with("Changes: ") || text.starts_with("//") || text.starts_with("/*") {
        return false;
    }
    let signs = text.matches(OF_CODE).count();
    signs <= 2 || signs * 20 <= text.chars().count()
}

fn candidates<'a>(passages: &'a [Passage], terms: &[&QueryTerm], grounds: &Grounds) -> Vec<Candidate<'a>> {
    let all: f32 = terms.iter().map(|term| term.weight).sum::<f32>().max(f32::EPSILON);
    let mut found = Vec::new();
    // Of code, comments are found and shown; its sentences run into what they document.
    let only_code = passages.iter().all(|passage| passage.kind == PassageKind::Code);
    for (place, passage) in passages.iter().enumerate() {
        if passage.kind == PassageKind::Code && !only_code {
            continue;
        }
        let rank =
            grounds.retrieved.ranked.iter().find(|ranked| ranked.id == passage.id).map_or(0.0, |ranked| ranked.score);
        let above: FxHashSet<u32> = std::iter::once(&passage.title)
            .chain(&passage.headings)
            .flat_map(|heading| tokenize(heading))
            .map(|token| dimension(&token.term))
            .collect();
        for at in sentences(&passage.text) {
            let sentence = &passage.text[at.clone()];
            // Fewer words are a label.
            if (sentence.split_whitespace().count() < 3 && sentence.is_ascii()) || !is_prose(sentence) {
                continue;
            }
            let at = with_what_follows(&passage.text, at);
            let text = &passage.text[at.clone()];
            let dimensions: FxHashSet<u32> = tokenize(text).iter().map(|token| dimension(&token.term)).collect();
            let has: Vec<usize> =
                (0..terms.len()).filter(|&index| dimensions.contains(&terms[index].dimension)).collect();
            let of = |term: &&QueryTerm| match () {
                () if dimensions.contains(&term.dimension) => term.weight,
                () if above.contains(&term.dimension) => FROM_HEADINGS * term.weight,
                () => 0.0,
            };
            let weight: f32 = terms.iter().map(of).sum::<f32>() / all;
            // A sentence is as good as what it says of the question, and where it stands; long ones say more of other matters.
            #[allow(clippy::cast_precision_loss, reason = "a sentence's length")]
            let length = 1.0 / (1.0 + (dimensions.len() as f32 / 40.0));
            found.push(Candidate {
                passage: place,
                at,
                text,
                terms: has,
                dimensions,
                score: (0.15 + weight)
                    * (0.4 + rank)
                    * length
                    * prior(passage.kind)
                    * if is_summary(text, passage.kind) { SUMMARY } else { 1.0 },
            });
        }
    }
    found
}

/// Weighs the best candidates by how near their meaning is to the question's, and leaves out the others. Each is read below its
/// headings, without which a short one means little. A model that fails costs the meaning, not the answer.
fn measure(candidates: &mut Vec<Candidate<'_>>, grounds: &Grounds, embedder: &dyn Embedder) {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates.truncate(MEASURED);
    let mut texts = vec![grounds.question.clone()];
    texts.extend(candidates.iter().map(|candidate| {
        let passage = &grounds.passages[candidate.passage];
        let heading = passage.headings.last().unwrap_or(&passage.title);
        format!("{heading}: {}", candidate.text)
    }));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = match embedder.embed(&texts) {
        Ok(vectors) => vectors,
        Err(error) => {
            tracing::warn!(%error, "the sentences of an answer could not be embedded; they are chosen by words");
            return;
        }
    };
    let Some((question, sentences)) = vectors.split_first() else { return };
    for (candidate, vector) in candidates.iter_mut().zip(sentences) {
        let cosine: f32 = question.iter().zip(vector).map(|(a, b)| a * b).sum();
        candidate.score *= (0.2 + cosine.max(0.0)).powi(2);
    }
}

/// Greedily, each next one by what it adds to the question's words that are answered already.
fn choose(candidates: &[Candidate<'_>], terms: &[&QueryTerm]) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    let mut answered: FxHashSet<usize> = FxHashSet::default();
    let best = candidates.iter().map(|candidate| candidate.score).fold(0.0, f32::max);
    while chosen.len() < MOST_SENTENCES {
        let worth = |index: usize| {
            let candidate = &candidates[index];
            let total: f32 = candidate.terms.iter().map(|&term| terms[term].weight).sum();
            let new: f32 =
                candidate.terms.iter().filter(|term| !answered.contains(term)).map(|&term| terms[term].weight).sum();
            candidate.score * if total > 0.0 { 0.5 + 0.5 * new / total } else { 0.5 }
        };
        let next = (0..candidates.len())
            .filter(|index| !chosen.contains(index))
            .filter(|&index| {
                let passage = candidates[index].passage;
                chosen.iter().filter(|&&known| candidates[known].passage == passage).count() < MOST_OF_PASSAGE
            })
            // The same sentence in two places is said once, and so is what one brings along.
            .filter(|&index| {
                let candidate = &candidates[index];
                chosen.iter().map(|&known| &candidates[known]).all(|known| {
                    let apart = known.at.end <= candidate.at.start || candidate.at.end <= known.at.start;
                    known.text != candidate.text && (known.passage != candidate.passage || apart)
                })
            })
            .filter(|&index| candidates[index].score >= LEAST_SHARE * best)
            .max_by(|&a, &b| worth(a).total_cmp(&worth(b)).then_with(|| Reverse(a).cmp(&Reverse(b))));
        let Some(next) = next else { break };
        answered.extend(candidates[next].terms.iter().copied());
        chosen.push(next);
    }
    chosen
}

/// Puts the newer of two conflicting sentences first, and says which conflict.
fn order(chosen: &mut [usize], candidates: &[Candidate<'_>], passages: &[Passage]) -> Vec<Conflict> {
    let time = |index: usize| passages[candidates[index].passage].time;
    for first in 0..chosen.len() {
        for second in first + 1..chosen.len() {
            let (a, b) = (chosen[first], chosen[second]);
            if conflict(&candidates[a], &candidates[b], passages) && time(b) > time(a) {
                chosen.swap(first, second);
            }
        }
    }
    let mut conflicts = Vec::new();
    for newer in 0..chosen.len() {
        for older in newer + 1..chosen.len() {
            if conflict(&candidates[chosen[newer]], &candidates[chosen[older]], passages) {
                conflicts.push(Conflict { newer, older });
            }
        }
    }
    conflicts
}

/// Whether two sentences of different documents speak of the same and differ in a number or in being negated.
fn conflict(a: &Candidate<'_>, b: &Candidate<'_>, passages: &[Passage]) -> bool {
    let (one, other) = (&passages[a.passage], &passages[b.passage]);
    if one.source == other.source && one.document == other.document {
        return false;
    }
    let words = |candidate: &Candidate<'_>| -> FxHashSet<u32> {
        let numbers = numbers(candidate.text);
        let numbers: FxHashSet<u32> = numbers.iter().map(|number| dimension(number)).collect();
        candidate.dimensions.difference(&numbers).copied().collect()
    };
    let (left, right) = (words(a), words(b));
    let shared = left.intersection(&right).count();
    let smaller = left.len().min(right.len());
    // Three words in common, and most of the shorter sentence.
    if shared < 3 || 5 * shared < 3 * smaller {
        return false;
    }
    let (of_a, of_b) = (numbers(a.text), numbers(b.text));
    let other_numbers = !of_a.is_empty() && !of_b.is_empty() && of_a.is_disjoint(&of_b);
    other_numbers || is_negated(a.text) != is_negated(b.text)
}

pub(super) fn numbers(text: &str) -> FxHashSet<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '.')).map(|word| word.trim_matches('.'));
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).map(str::to_lowercase).collect()
}

pub(super) fn is_negated(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'));
    words.filter(|word| NEGATIONS.contains(word) || word.ends_with("n't") || word.ends_with("n’t")).count() % 2 == 1
}
