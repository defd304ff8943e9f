//! Words that no passage has.

use super::Correction;
use crate::lexical::{QueryTerm, Statistics, TermEntry, dimension};

/// Looks for the nearest known term instead of each word that no passage has. A word that is known stays what it is, however rare.
pub(super) fn correct(terms: &mut [QueryTerm], statistics: &Statistics) -> Vec<Correction> {
    // A question of many unknown words is not mistyped but about something else; and each costs a pass over the dictionary.
    const MOST: usize = 4;
    let mut corrections = Vec::new();
    // A compound is known by its parts, and its own term is not to be corrected to another compound.
    let unknown: Vec<usize> = (0..terms.len())
        .filter(|&index| !terms[index].whole && statistics.passages_with(terms[index].dimension) == 0)
        .collect();
    if unknown.len() > MOST {
        return corrections;
    }
    for index in unknown {
        let term = &terms[index];
        let Some(allowed) = allowed(&term.term) else { continue };
        if let Some(best) = nearest(&term.term, allowed, statistics) {
            corrections.push(Correction { typed: term.typed.clone(), used: best.surface.clone() });
            let best = best.term.clone();
            terms[index].dimension = dimension(&best);
            terms[index].term = best;
        }
    }
    corrections
}

/// How many slips a term of a length may have; `None` for what is too short, or a number.
fn allowed(term: &str) -> Option<usize> {
    if term.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match term.chars().count() {
        0..=3 => None,
        4..=7 => Some(1),
        _ => Some(2),
    }
}

fn nearest<'a>(term: &str, allowed: usize, statistics: &'a Statistics) -> Option<&'a TermEntry> {
    let wanted: Vec<char> = term.chars().collect();
    let mut best: Option<(usize, u32, &TermEntry)> = None;
    let mut candidate = Vec::new();
    for (_, entry) in statistics.terms() {
        // Bytes are at least characters: a cheap bound before the characters are counted.
        if entry.term.len() + allowed < wanted.len() {
            continue;
        }
        candidate.clear();
        candidate.extend(entry.term.chars());
        let Some(found) = bounded(&wanted, &candidate, allowed) else { continue };
        // Nearest, then most frequent, then by name: an answer does not depend on the dictionary's order.
        let better = best.is_none_or(|(distance, passages, known)| {
            (found, std::cmp::Reverse(entry.passages), &entry.term)
                < (distance, std::cmp::Reverse(passages), &known.term)
        });
        if better {
            best = Some((found, entry.passages, entry));
        }
    }
    best.map(|(_, _, entry)| entry)
}

/// How many insertions, deletions, substitutions and exchanges of neighbours turn one word into the other.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    bounded(&a, &b, a.len().max(b.len())).unwrap_or_default()
}

fn bounded(a: &[char], b: &[char], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut two_before: Vec<usize> = Vec::new();
    let mut before: Vec<usize> = (0..=b.len()).collect();
    for (i, &left) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, &right) in b.iter().enumerate() {
            let mut cost = (before[j] + usize::from(left != right)).min(before[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left == b[j - 1] && a[i - 1] == right {
                cost = cost.min(two_before[j - 1] + 1);
            }
            row.push(cost);
        }
        if row.iter().min().is_some_and(|&least| least > most) {
            return None;
        }
        two_before = std::mem::replace(&mut before, row);
    }
    before.last().copied().filter(|&found| found <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (a, b, slips) in [
            ("cache", "cache", 0),
            ("cache", "cahce", 1),
            ("cache", "cach", 1),
            ("kitten", "sitting", 3),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(a, b), slips, "{a} {b}");
            assert_eq!(distance(b, a), slips, "{b} {a}");
        }
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(bounded(&letters("kitten"), &letters("sitting"), 2), None);
    }

    #[test]
    fn numbers_and_short_words_are_not_corrected() {
        assert_eq!(allowed("404"), None);
        assert_eq!(allowed("git"), None);
        assert_eq!(allowed("cache"), Some(1));
        assert_eq!(allowed("invalidation"), Some(2));
    }
}
