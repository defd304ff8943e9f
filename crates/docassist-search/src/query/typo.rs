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
            corrections.push(Correction { typed: term.typed.clone(), used: best.written().to_owned() });
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
    let wanted = Word::of(term);
    let mut rows = Rows::default();
    let mut best: Option<(usize, u32, &TermEntry)> = None;
    for (_, entry) in statistics.terms() {
        // Each slip adds or takes at most four bytes, and changes at most two of the letters that a word has.
        if entry.term.len().abs_diff(term.len()) > 4 * allowed || wanted.differs(&entry.term) > 2 * allowed {
            continue;
        }
        let Some(found) = rows.bounded(&wanted.letters, &entry.term, allowed) else { continue };
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

/// A word, and which letters it has: a dictionary of a hundred thousand terms is passed over in a millisecond or two because few
/// share nearly all letters.
struct Word {
    letters: Vec<char>,
    mask: u32,
}

impl Word {
    fn of(term: &str) -> Self {
        Self { letters: term.chars().collect(), mask: mask(term) }
    }

    fn differs(&self, other: &str) -> usize {
        (self.mask ^ mask(other)).count_ones() as usize
    }
}

/// A bit for each letter; several letters of other alphabets share one, which only makes more words look alike.
fn mask(term: &str) -> u32 {
    if term.is_ascii() {
        term.bytes().fold(0, |mask, byte| mask | 1 << (byte & 31))
    } else {
        term.chars().fold(0, |mask, letter| mask | 1 << (letter as u32 & 31))
    }
}

/// How many insertions, deletions, substitutions and exchanges of neighbours turn one word into the other.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let letters: Vec<char> = a.chars().collect();
    Rows::default().bounded(&letters, b, letters.len().max(b.len())).unwrap_or_default()
}

/// The rows of the computation, kept from word to word.
#[derive(Default)]
struct Rows {
    other: Vec<char>,
    two_before: Vec<usize>,
    before: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    fn bounded(&mut self, a: &[char], b: &str, most: usize) -> Option<usize> {
        self.other.clear();
        self.other.extend(b.chars());
        let b = &self.other;
        if a.len().abs_diff(b.len()) > most {
            return None;
        }
        self.before.clear();
        self.before.extend(0..=b.len());
        for (i, &left) in a.iter().enumerate() {
            self.row.clear();
            self.row.push(i + 1);
            let mut least = i + 1;
            for (j, &right) in b.iter().enumerate() {
                let substituted = self.before[j] + usize::from(left != right);
                let mut cost = substituted.min(self.before[j + 1] + 1).min(self.row[j] + 1);
                if i > 0 && j > 0 && left == b[j - 1] && a[i - 1] == right {
                    cost = cost.min(self.two_before[j - 1] + 1);
                }
                least = least.min(cost);
                self.row.push(cost);
            }
            if least > most {
                return None;
            }
            std::mem::swap(&mut self.two_before, &mut self.before);
            std::mem::swap(&mut self.before, &mut self.row);
        }
        self.before.last().copied().filter(|&found| found <= most)
    }
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
        let letters: Vec<char> = "kitten".chars().collect();
        assert_eq!(Rows::default().bounded(&letters, "sitting", 2), None);
    }

    #[test]
    fn numbers_and_short_words_are_not_corrected() {
        assert_eq!(allowed("404"), None);
        assert_eq!(allowed("git"), None);
        assert_eq!(allowed("cache"), Some(1));
        assert_eq!(allowed("invalidation"), Some(2));
    }

    proptest::proptest! {
        #[test]
        fn what_is_passed_over_quickly_is_too_far(a in "[a-dé]{1,9}", b in "[a-dé]{1,9}", allowed in 1_usize..3) {
            if distance(&a, &b) <= allowed {
                proptest::prop_assert!(Word::of(&a).differs(&b) <= 2 * allowed);
                proptest::prop_assert!(a.len().abs_diff(b.len()) <= 4 * allowed);
            }
        }
    }
}
