//! Cutting long text at paragraphs and sentences.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// How long passages may be, in words. The packaged model reads 256 of its tokens, about 170 English words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Text is cut to at most this many words, where it has a boundary.
    pub words: usize,
    /// A section of fewer words joins its neighbour under the same heading.
    pub small: usize,
    /// Bytes that no passage exceeds, boundary or not: one line of a megabyte is cut too.
    pub bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { words: 180, small: 24, bytes: 8 * 1024 }
    }
}

/// A block of text that is cut as one: its bytes, and whether it is kept whole (code, a table).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) at: Range<usize>,
    pub(super) whole: bool,
}

/// Joins neighbouring blocks into runs within the budget. Long blocks of prose are cut at sentences; whole ones are not cut
/// before they exceed the bytes.
pub(super) fn pack(text: &str, blocks: &[Block], budget: Budget) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut open: Option<(Range<usize>, usize)> = None;
    let mut add = |at: Range<usize>| {
        let words = count_words(&text[at.clone()]);
        open = Some(match open.take() {
            Some((run, before)) if before + words <= budget.words && at.end - run.start <= budget.bytes => {
                (run.start..at.end, before + words)
            }
            Some((run, _)) => {
                runs.push(run);
                (at, words)
            }
            None => (at, words),
        });
    };
    for block in blocks {
        let whole = &text[block.at.clone()];
        if whole.len() <= budget.bytes && (block.whole || count_words(whole) <= budget.words) {
            add(block.at.clone());
        } else if block.whole {
            lines(text, block.at.clone(), budget).into_iter().for_each(&mut add);
        } else {
            sentences(text, block.at.clone(), budget).into_iter().for_each(&mut add);
        }
    }
    if let Some((run, _)) = open {
        runs.push(run);
    }
    runs
}

/// Words by spaces; scripts without them count a word for every three bytes.
pub(super) fn count_words(text: &str) -> usize {
    text.split_whitespace().map(|word| if word.is_ascii() { 1 + word.len() / 24 } else { 1 + word.len() / 12 }).sum()
}

/// The sentences of a block, each cut to the budget's bytes.
fn sentences(text: &str, at: Range<usize>, budget: Budget) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (offset, sentence) in text[at.clone()].split_sentence_bound_indices() {
        let start = at.start + offset;
        let sentence = start..start + sentence.len();
        if sentence.len() > budget.bytes || count_words(&text[sentence.clone()]) > budget.words {
            found.extend(spans(text, sentence, budget));
        } else {
            found.push(sentence);
        }
    }
    found
}

fn lines(text: &str, at: Range<usize>, budget: Budget) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = at.start;
    for line in text[at].split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        if line.len() > budget.bytes { found.extend(spans(text, range, budget)) } else { found.push(range) }
    }
    found
}

/// Pieces of text without a boundary: cut at spaces where there are any.
fn spans(text: &str, at: Range<usize>, budget: Budget) -> Vec<Range<usize>> {
    // Eight bytes a word, blanks included, is a little more than English has.
    let limit = budget.bytes.min(budget.words.saturating_mul(8)).max(64);
    let mut found = Vec::new();
    let mut start = at.start;
    while at.end - start > limit {
        let mut end = floor_boundary(text, start + limit);
        if let Some(space) = text[start..end].rfind(char::is_whitespace).filter(|&space| space > limit / 2) {
            end = start + space;
        }
        // A limit is larger than any character, so every step advances.
        found.push(start..end);
        start = end;
    }
    found.push(start..at.end);
    found
}

/// The nearest character boundary at or before an index.
pub(super) fn floor_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// The beginning of a text, of so many bytes at most.
pub(super) fn shorten(text: &str, bytes: usize) -> &str {
    &text[..floor_boundary(text, bytes)]
}

/// Trims the whitespace off a range.
pub(super) fn trim(text: &str, at: Range<usize>) -> Range<usize> {
    let inner = &text[at.clone()];
    // A line's indentation belongs to code, so only whole blank lines go at the beginning.
    let blank = inner.len() - inner.trim_start().len();
    let start = inner[..blank].rfind('\n').map_or(if at.start == 0 { 0 } else { blank }, |newline| newline + 1);
    let end = inner.trim_end().len();
    if end <= start { at.start..at.start } else { at.start + start..at.start + end }
}
