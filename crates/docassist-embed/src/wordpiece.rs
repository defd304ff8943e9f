//! BERT's tokenizer: text is cleaned, lowered, stripped of accents and cut at spaces, punctuation and CJK characters; each
//! word becomes the longest pieces that the vocabulary has.
//!
//! It gives the tokens that the reference implementation gives (`tokenizers`, the Python package) and reads a text only as
//! far as tokens are asked for.

mod characters;
mod file;

use std::path::Path;

use rustc_hash::FxHashMap;

use crate::error::Result;
use characters::Kind;
pub(crate) use file::{JSON, json_to_vocabulary};

/// Bytes of a text that are looked at, whatever they hold: sixty times what the model's 256 tokens take of a usual text.
/// Blank or unprintable text gives no tokens, so that tokens alone would not bound the work.
const MAX_BYTES: usize = 64 * 1024;

/// The tokenizer of one model.
pub(crate) struct WordPiece {
    /// Pieces that begin a word.
    first: FxHashMap<Box<str>, u32>,
    /// Pieces that continue one, without the mark in front.
    next: FxHashMap<Box<str>, u32>,
    /// Bytes of the longest piece.
    longest: usize,
    /// One more than the largest token.
    size: usize,
    unknown: Option<u32>,
    /// What stands before and after every text.
    around: Option<(u32, u32)>,
    /// Words of the tokenizer itself, which mean themselves wherever a text has them.
    marks: Vec<(Box<str>, u32)>,
    rules: characters::Rules,
    /// Characters of a word; longer ones are unknown.
    max_word: usize,
}

impl WordPiece {
    /// Reads a `tokenizer.json`.
    pub(crate) fn from_json(path: &Path, bytes: &[u8]) -> Result<Self> {
        file::parse_json(path, bytes)
    }

    /// Reads a `vocab.txt`: a token a line. All else is as BERT, uncased, has it.
    pub(crate) fn from_vocabulary(path: &Path, bytes: &[u8]) -> Result<Self> {
        file::parse_vocabulary(path, bytes)
    }

    /// One more than the largest token.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Adds the tokens of `text` to `out`, with the marks around them: at most `limit`, marks included.
    pub(crate) fn encode(&self, text: &str, limit: usize, out: &mut Vec<u32>) {
        let Some((start, end)) = self.around else { return self.encode_bare(text, limit, out) };
        out.push(start);
        self.encode_bare(text, limit.saturating_sub(2), out);
        out.push(end);
    }

    /// The same without marks around.
    pub(crate) fn encode_bare(&self, text: &str, limit: usize, out: &mut Vec<u32>) {
        let end = out.len() + limit;
        let mut text = &text[..text.floor_char_boundary(MAX_BYTES)];
        let mut word = Word::default();
        while !text.is_empty() && out.len() < end {
            let (before, mark, after) = self.next_mark(text);
            self.encode_words(before, end, &mut word, out);
            out.extend(mark);
            text = after;
        }
        out.truncate(end);
    }

    /// The token of words that the vocabulary lacks.
    pub(crate) fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// What stands before the first mark, its token, what stands after it.
    fn next_mark<'t>(&self, text: &'t str) -> (&'t str, Option<u32>, &'t str) {
        let found = self.marks.iter().filter_map(|(mark, token)| Some((text.find(&**mark)?, mark.len(), *token)));
        match found.min_by_key(|(at, length, _)| (*at, usize::MAX - length)) {
            Some((at, length, token)) => (&text[..at], Some(token), &text[at + length..]),
            None => (text, None, ""),
        }
    }

    fn encode_words(&self, text: &str, end: usize, word: &mut Word, out: &mut Vec<u32>) {
        for character in text.chars() {
            self.rules.apply(character, |kind, character| match kind {
                Kind::Space => self.encode_word(word, out),
                Kind::Alone => {
                    self.encode_word(word, out);
                    word.push(character, self.max_word);
                    self.encode_word(word, out);
                }
                Kind::Letter => word.push(character, self.max_word),
            });
            if out.len() >= end {
                break;
            }
        }
        self.encode_word(word, out);
    }

    /// Adds the tokens of a word, and empties it.
    fn encode_word(&self, word: &mut Word, out: &mut Vec<u32>) {
        let begin = out.len();
        let mut known = !word.too_long;
        let mut rest = word.text.as_str();
        while known && !rest.is_empty() {
            let pieces = if rest.len() == word.text.len() { &self.first } else { &self.next };
            match longest_piece(pieces, rest, self.longest) {
                Some((token, length)) => {
                    out.push(token);
                    rest = &rest[length..];
                }
                None => known = false,
            }
        }
        if !known {
            out.truncate(begin);
            out.extend(self.unknown);
        }
        word.clear();
    }
}

/// The longest beginning of `text` that is a piece.
fn longest_piece(pieces: &FxHashMap<Box<str>, u32>, text: &str, longest: usize) -> Option<(u32, usize)> {
    let mut end = text.floor_char_boundary(longest);
    while end > 0 {
        if let Some(token) = pieces.get(&text[..end]) {
            return Some((*token, end));
        }
        end = text.floor_char_boundary(end - 1);
    }
    None
}

/// A word that is being read.
#[derive(Default)]
struct Word {
    text: String,
    characters: usize,
    too_long: bool,
}

impl Word {
    fn push(&mut self, character: char, limit: usize) {
        if self.characters == limit {
            self.too_long = true;
        } else {
            self.characters += 1;
            self.text.push(character);
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.characters = 0;
        self.too_long = false;
    }
}

#[cfg(test)]
mod tests;
