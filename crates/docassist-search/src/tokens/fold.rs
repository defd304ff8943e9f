//! What makes two spellings one.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Folds case, compatibility forms and diacritics away: `Übergrößen` is `ubergrossen`, `ﬁle` is `file`, `don’t` is `dont`.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return possessive(
            text.bytes().filter(|&byte| byte != b'\'').map(|byte| char::from(byte.to_ascii_lowercase())),
            text,
        );
    }
    let plain = text.nfkd().filter(|&c| !is_combining_mark(c) && !is_apostrophe(c));
    let mut folded = String::with_capacity(text.len());
    for character in plain.flat_map(char::to_lowercase) {
        // Letters that Unicode does not decompose, though readers take them for two or for a plain one.
        match character {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            // Lowercasing can decompose once more (İ).
            c if is_combining_mark(c) => {}
            c => folded.push(c),
        }
    }
    if ends_in_possessive(text) {
        folded.pop();
    }
    folded
}

pub(super) const fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’' | 'ʼ' | '＇')
}

fn possessive(folded: impl Iterator<Item = char>, text: &str) -> String {
    let mut folded: String = folded.collect();
    if ends_in_possessive(text) {
        folded.pop();
    }
    folded
}

fn ends_in_possessive(text: &str) -> bool {
    let mut from_end = text.chars().rev();
    matches!(from_end.next(), Some('s' | 'S'))
        && from_end.next().is_some_and(is_apostrophe)
        && from_end.next().is_some()
}
