//! Where words, compounds and the parts of identifiers begin and end.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::fold::is_apostrophe;

/// More words in a row than any path or name that somebody types; a longer run is cut.
const MAX_WORDS: usize = 16;
/// Shorter words of digits and letters are names (`utf8`, `log4j`); longer ones of `0-9a-f` are object names.
const OBJECT_NAME: usize = 7;

/// Words joined without space: `snake_case`, `a/b.rs`, `1.2.3`, `ALOY-12`, `std::fs`. One word is a compound of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Compound {
    /// Its words, in bytes of the text.
    pub(super) words: Vec<Range<usize>>,
    /// The last part of a path with a slash.
    pub(super) file_name: Option<Range<usize>>,
    /// The first two numbers of a version of three or more.
    pub(super) version_line: Option<Range<usize>>,
    /// Whether its one word is of a script that does not separate words.
    pub(super) unspaced: bool,
}

/// The compounds of a text, in order.
pub(super) fn compounds(text: &str) -> impl Iterator<Item = Compound> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        let word = next_word(text, from)?;
        from = word.end;
        if is_unspaced(text[word.start..].chars().next()?) {
            return Some(Compound { words: vec![word], file_name: None, version_line: None, unspaced: true });
        }
        let mut words = vec![word];
        while words.len() < MAX_WORDS
            && let Some(next) = joined_word(text, from)
        {
            from = next.end;
            words.push(next);
        }
        Some(describe(text, words))
    })
}

fn describe(text: &str, words: Vec<Range<usize>>) -> Compound {
    let end = words.last().map_or(0, |word| word.end);
    let joint = |index: usize| &text[words[index].end..words[index + 1].start];
    let joints = words.len() - 1;
    let file_name =
        (0..joints).rev().find(|&index| matches!(joint(index), "/" | "\\")).map(|index| words[index + 1].start..end);
    let is_number = |word: &Range<usize>| text[word.clone()].bytes().all(|byte| byte.is_ascii_digit());
    // `v1` and `1` begin a version alike.
    let begins = words[0].len() > 1
        && text[words[0].clone()].starts_with(['v', 'V'])
        && is_number(&(words[0].start + 1..words[0].end));
    let is_version = joints >= 1 && (begins || is_number(&words[0])) && joint(0) == "." && is_number(&words[1]);
    let version_line = (is_version && (joints >= 2 || begins)).then(|| {
        let start = if begins { words[0].start + 1 } else { words[0].start };
        start..words[1].end
    });
    Compound { words, file_name, version_line, unspaced: false }
}

fn next_word(text: &str, from: usize) -> Option<Range<usize>> {
    let start = from + text.get(from..)?.find(char::is_alphanumeric)?;
    Some(start..word_end(text, start))
}

/// The word after a joint at `from`, where nothing but the joint is between.
fn joined_word(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = &text[from..];
    let joint = match rest.as_bytes().first()? {
        b'_' | b'-' | b'/' | b'\\' | b'.' | b'@' | b'+' => 1,
        b':' if rest.starts_with("::") => 2,
        _ => return None,
    };
    let next = rest[joint..].chars().next()?;
    // `__init__` has two; a dash of two is punctuation.
    let joint = if rest.starts_with("__") { 2 } else { joint };
    let next = if joint == 2 { rest[joint..].chars().next()? } else { next };
    (next.is_alphanumeric() && !is_unspaced(next)).then(|| from + joint..word_end(text, from + joint))
}

fn word_end(text: &str, start: usize) -> usize {
    let mut characters = text[start..].char_indices().peekable();
    let unspaced = characters.peek().is_some_and(|&(_, c)| is_unspaced(c));
    while let Some((index, character)) = characters.next() {
        // The first character belongs whatever it is: some marks count as letters, and no word is empty.
        let belongs = if index == 0 || is_combining_mark(character) {
            true
        } else if character.is_alphanumeric() {
            is_unspaced(character) == unspaced
        } else {
            is_apostrophe(character) && !unspaced && characters.peek().is_some_and(|&(_, next)| next.is_alphabetic())
        };
        if !belongs {
            return start + index;
        }
    }
    text.len()
}

/// Scripts that write words without spaces between them: Chinese, Japanese, Thai, Lao, Burmese, Khmer. Korean puts spaces
/// between phrases and is found by pairs as well.
const fn is_unspaced(character: char) -> bool {
    matches!(character as u32,
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3130..=0x318F
        | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0xFF66..=0xFF9D
        | 0x20000..=0x3FFFF)
}

/// The parts of an identifier: at `aB`, before the last capital of `ABc`, and between letters and digits. One range for a plain
/// word.
pub(super) fn parts(word: &str) -> Vec<Range<usize>> {
    let bytes = word.as_bytes();
    let one = || std::iter::once(0..word.len()).collect();
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    let has_inner_capital = word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
    if !has_digit && !has_inner_capital {
        return one();
    }
    if bytes.iter().all(u8::is_ascii_digit)
        || bytes.len() >= OBJECT_NAME && has_digit && bytes.iter().all(u8::is_ascii_hexdigit)
    {
        return one();
    }
    let characters: Vec<(usize, char)> = word.char_indices().collect();
    let mut starts = vec![0];
    for (index, pair) in characters.windows(2).enumerate() {
        let (before, (at, here)) = (pair[0].1, pair[1]);
        let after = characters.get(index + 2).map(|&(_, c)| c);
        let camel = before.is_lowercase() && here.is_uppercase()
            || before.is_uppercase() && here.is_uppercase() && after.is_some_and(char::is_lowercase);
        let digits = before.is_alphabetic() && here.is_ascii_digit() || before.is_ascii_digit() && here.is_alphabetic();
        if camel || digits {
            starts.push(at);
        }
    }
    // `h2`, `2d`, `x86`: a single letter beside digits is no part that anybody looks for.
    let ends = starts.iter().copied().skip(1).chain([word.len()]);
    let parts: Vec<_> = starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect();
    if parts.len() == 2
        && has_digit
        && parts.iter().any(|part| part.len() == 1 && bytes[part.start].is_ascii_alphabetic())
    {
        return one();
    }
    parts
}
