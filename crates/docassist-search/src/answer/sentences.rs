//! The sentences of a passage.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Longer ones are lists or data, and no answer.
const LONGEST: usize = 600;

/// The sentences of a text that can stand in an answer, as ranges of it: no code, no table rows, no headings, nothing too long.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut fenced = false;
    let mut paragraph: Option<Range<usize>> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start..start + line.len();
        start = at.end;
        let content = line.trim();
        let is_fence = content.starts_with("```") || content.starts_with("~~~");
        fenced ^= is_fence;
        let is_prose =
            !fenced && !is_fence && !content.is_empty() && !content.starts_with('|') && !content.starts_with('#');
        // An item of a list is a paragraph of its own.
        if !is_prose || begins_item(content) {
            split(text, paragraph.take(), &mut found);
        }
        if is_prose {
            let item = if begins_item(content) { marker(line) } else { 0 };
            paragraph = Some(paragraph.map_or(at.start + item, |open| open.start)..at.end);
        }
    }
    split(text, paragraph, &mut found);
    found
}

/// A sentence that ends with a colon, with the code or the list after it, which is what it says; any other one as it is.
pub(super) fn with_what_follows(text: &str, sentence: Range<usize>) -> Range<usize> {
    if !text[sentence.clone()].ends_with(':') {
        return sentence;
    }
    let mut end = sentence.end;
    let mut fence = None;
    let mut items = false;
    let mut at = sentence.end;
    for line in text[sentence.end..].split_inclusive('\n') {
        at += line.len();
        let content = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| content.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) if !items => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => {
                end = at;
                break;
            }
            (Some(_), _) => {}
            (None, _) if begins_item(content) => {
                items = true;
                end = at;
            }
            // The rest of an item, or the space between two.
            (None, _) if items && !content.is_empty() && line.starts_with([' ', '\t']) => end = at,
            (None, _) if content.is_empty() => {}
            (None, _) => break,
        }
        if at - sentence.start > LONGEST {
            // As many items as there is room for; of code a part is none.
            break;
        }
    }
    let end = sentence.start + text[sentence.start..end].trim_end().len();
    sentence.start..end.max(sentence.end)
}

fn begins_item(content: &str) -> bool {
    content.starts_with("- ") || content.starts_with("* ") || content.starts_with("+ ") || {
        let digits = content.bytes().take_while(u8::is_ascii_digit).count();
        (1..=3).contains(&digits) && (content[digits..].starts_with(". ") || content[digits..].starts_with(") "))
    }
}

/// How long an item's marker is, with the space around it.
fn marker(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    indent + rest.find(' ').map_or(0, |space| space + 1)
}

fn split(text: &str, paragraph: Option<Range<usize>>, found: &mut Vec<Range<usize>>) {
    let Some(paragraph) = paragraph else { return };
    let mut open: Option<Range<usize>> = None;
    for (offset, part) in text[paragraph.clone()].split_sentence_bound_indices() {
        let start = paragraph.start + offset;
        let run = open.as_ref().map_or(start, |open| open.start)..start + part.len();
        // The standard ends a sentence at a line's end, and after an abbreviation's point; prose goes on there.
        if ends(part) || text[run.end..paragraph.end].trim().is_empty() {
            open = None;
            push(text, run, found);
        } else {
            open = Some(run);
        }
    }
    if let Some(run) = open {
        push(text, run, found);
    }
}

fn ends(part: &str) -> bool {
    const ABBREVIATIONS: [&str; 10] = ["e.g.", "i.e.", "etc.", "cf.", "vs.", "fig.", "eq.", "no.", "approx.", "resp."];
    let part = part.trim_end();
    let ends = part.trim_end_matches(['"', '\'', ')', ']', '”', '’', '*', '_', '`']);
    if !ends.ends_with(['.', '!', '?', '…', '。', '！', '？', '।']) {
        return false;
    }
    let lower = ends.rsplit(char::is_whitespace).next().unwrap_or(ends).to_lowercase();
    let word = lower.trim_start_matches(['(', '[', '"']);
    !ABBREVIATIONS.contains(&word)
}

fn push(text: &str, at: Range<usize>, found: &mut Vec<Range<usize>>) {
    let inner = &text[at.clone()];
    let start = at.start + (inner.len() - inner.trim_start().len());
    let end = at.start + inner.trim_end().len();
    if start < end && end - start <= LONGEST && text[start..end].chars().any(char::is_alphabetic) {
        found.push(start..end);
    }
}
