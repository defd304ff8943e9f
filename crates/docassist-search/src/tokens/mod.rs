//! Text to terms.
//!
//! Documentation is prose with code in it, so one word can be several terms: `getUserName` is found by itself and by each of
//! `get`, `user`, `name`; `src/net/tcp.rs` by the path, by `tcp.rs` and by its parts; `1.2.3` by itself and by `1.2`;
//! `ALOY-123` whole, by project and by number. English words are stemmed; diacritics and case are folded; scripts that write no
//! spaces between words give pairs of characters.
//!
//! Every term carries the place that it was read from, so that what matched can be shown.

mod fold;
mod scan;
mod stop;

use std::ops::Range;

use rust_stemmers::{Algorithm, Stemmer};

pub use fold::fold;
use scan::{Compound, compounds};
pub use stop::is_stop_word;

/// Longer words are noise (encoded data), not language; a SHA-256 in hexadecimal and every ticket key are shorter.
pub const MAX_WORD: usize = 80;
/// Longer compounds (deep paths, chains of calls) are findable by their parts only.
const MAX_COMPOUND: usize = 160;
/// No identifier that somebody searches by its parts has more; encoded data has.
const MAX_PARTS: usize = 16;

/// One term of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The term as the index knows it: folded, stemmed where it is a word of English letters.
    pub term: String,
    /// Where it was read: bytes of the text.
    pub at: Range<usize>,
    /// Whether it stands for a compound that also gives its parts as terms. Such a term adds nothing to the text's length.
    pub whole: bool,
}

/// The terms of a text in order; a compound's own term precedes its parts. Stop words are left out, but not inside compounds'
/// own terms.
#[must_use]
pub fn tokenize(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 7);
    each_token(text, |token| tokens.push(token));
    tokens
}

/// Calls `each` with the terms of a text, as [`tokenize`] lists them.
pub fn each_token(text: &str, mut each: impl FnMut(Token)) {
    let stemmer = Stemmer::create(Algorithm::English);
    for compound in compounds(text) {
        compound_terms(text, &compound, &stemmer, &mut each);
    }
}

/// The term of one plain word, `None` for a stop word and for what is no word.
#[must_use]
pub fn term_of_word(word: &str) -> Option<String> {
    let folded = fold(word);
    (!folded.is_empty() && !is_stop_word(&folded)).then(|| stem(&Stemmer::create(Algorithm::English), folded))
}

fn stem(stemmer: &Stemmer, folded: String) -> String {
    // The algorithm knows English; of other scripts and of names with digits it would only cut endings.
    if folded.len() > 2 && folded.bytes().all(|byte| byte.is_ascii_lowercase()) {
        stemmer.stem(&folded).into_owned()
    } else {
        folded
    }
}

fn compound_terms(text: &str, compound: &Compound, stemmer: &Stemmer, each: &mut impl FnMut(Token)) {
    let words = &compound.words;
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
    let whole = first.start..last.end;
    if words.len() > 1 && whole.len() <= MAX_COMPOUND {
        each(Token { term: fold(&text[whole.clone()]), at: whole.clone(), whole: true });
        // The last part of a path is what people call the file; the first two parts of a version are its line.
        if let Some(tail) = compound.file_name.clone().filter(|tail| *tail != whole) {
            each(Token { term: fold(&text[tail.clone()]), at: tail, whole: true });
        }
        if let Some(line) = compound.version_line.clone().filter(|line| *line != whole) {
            each(Token { term: fold(&text[line.clone()]), at: line, whole: true });
        }
    }
    for word in words {
        word_terms(text, word.clone(), compound.unspaced, words.len() > 1, stemmer, each);
    }
}

fn word_terms(
    text: &str,
    at: Range<usize>,
    unspaced: bool,
    in_compound: bool,
    stemmer: &Stemmer,
    each: &mut impl FnMut(Token),
) {
    if unspaced {
        return pairs(text, at, each);
    }
    if at.len() > MAX_WORD {
        return;
    }
    let word = &text[at.clone()];
    let parts = scan::parts(word);
    if parts.len() > 1 && parts.len() <= MAX_PARTS {
        each(Token { term: stem(stemmer, fold(word)), at: at.clone(), whole: true });
        for part in parts {
            let folded = fold(&word[part.clone()]);
            if !folded.is_empty() && !is_stop_word(&folded) {
                let at = at.start + part.start..at.start + part.end;
                each(Token { term: stem(stemmer, folded), at, whole: false });
            }
        }
        return;
    }
    let folded = fold(word);
    if folded.is_empty() || is_stop_word(&folded) && !(in_compound && folded.len() > 3) {
        return;
    }
    each(Token { term: stem(stemmer, folded), at, whole: false });
}

/// Pairs of neighbouring characters: what finds words in text that does not separate them.
fn pairs(text: &str, at: Range<usize>, each: &mut impl FnMut(Token)) {
    let word = &text[at.clone()];
    let mut characters = word.char_indices().map(|(index, _)| at.start + index).collect::<Vec<_>>();
    let count = characters.len();
    characters.push(at.end);
    if count == 1 {
        each(Token { term: fold(word), at, whole: false });
        return;
    }
    for window in characters.windows(3) {
        let at = window[0]..window[2];
        each(Token { term: fold(&text[at.clone()]), at, whole: false });
    }
}

#[cfg(test)]
mod tests;
