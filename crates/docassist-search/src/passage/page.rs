//! Pages and decision records, cut at their headings.

use std::ops::Range;

use docassist_model::{Decision, Page, PageFormat};

use super::cut::{Budget, count_words, pack, trim};
use super::{Address, Collector, Origin, Passage, PassageKind, Piece, markup};

/// More text than people write into a page; what follows in a generated one is not indexed.
pub(crate) const MAX_TEXT: usize = 4 << 20;

/// A section of a decision record with no more words says nothing but its status or its date.
const FEW_WORDS: usize = 4;

/// The passages of a page.
#[must_use]
pub fn page_passages(page: &Page, origin: &Origin, budget: Budget) -> Vec<Passage> {
    let mut collector = Collector::new(origin, PassageKind::Page, &page.path, &page.title);
    let time = page.modified;
    sections(page, budget, &mut collector, &mut |address, headings, text| {
        (PassageKind::Page, Piece { address, headings, text, time, author: None, labels: Vec::new() })
    });
    collector.finish()
}

/// The passages of a decision record, whose page is `page`: its sections, labelled with the record's status.
#[must_use]
pub fn decision_passages(decision: &Decision, page: &Page, origin: &Origin, budget: Budget) -> Vec<Passage> {
    let title = match decision.number {
        Some(number) => format!("ADR {number}: {}", decision.title),
        None => decision.title.clone(),
    };
    let mut collector = Collector::new(origin, PassageKind::Decision, &decision.path, &title);
    let time = page.modified.or_else(|| decision.date.as_ref().and_then(|date| date.parse().ok()));
    let labels = vec![format!("status:{}", decision.status.as_str())];
    sections(page, budget, &mut collector, &mut |address, headings, text| {
        (PassageKind::Decision, Piece { address, headings, text, time, author: None, labels: labels.clone() })
    });
    let mut passages = collector.finish();
    // "Accepted", "Date: 2024-01-05": labels and times say it, and so short a text would stand before all others by its title.
    if passages.iter().any(|passage| count_words(&passage.text) > FEW_WORDS) {
        passages.retain(|passage| count_words(&passage.text) > FEW_WORDS);
    }
    passages
}

type Make<'a> = dyn FnMut(Address, Vec<String>, String) -> (PassageKind, Piece) + 'a;

fn sections(page: &Page, budget: Budget, collector: &mut Collector<'_>, make: &mut Make<'_>) {
    let text = super::cut::shorten(&page.text, MAX_TEXT);
    // Text of a binary file says nothing, and its characters would crowd the dictionary.
    if text.contains('\0') {
        return;
    }
    let lines = Lines::new(text);
    let mut path: Vec<(u8, &str)> = Vec::new();
    let mut headings = page.headings.iter().peekable();
    let mut from_line = 1;
    loop {
        let until = headings.peek().map_or(lines.count() + 1, |heading| (heading.line as usize).max(from_line));
        let at = lines.start(from_line)..lines.start(until);
        let names: Vec<String> =
            path.iter().map(|(_, name)| (*name).to_owned()).filter(|name| *name != page.title).collect();
        cut_section(text, at, page.format, budget, &lines, &page.path, &names, collector, make);
        if collector.is_full() {
            return;
        }
        let Some(heading) = headings.next() else { return };
        while path.last().is_some_and(|&(level, _)| level >= heading.level) {
            path.pop();
        }
        path.push((heading.level, &heading.text));
        from_line = after_heading(text, &lines, until, page.format, &heading.text);
    }
}

#[allow(clippy::too_many_arguments, reason = "one step of `sections`, split off for its length")]
fn cut_section(
    text: &str,
    at: Range<usize>,
    format: PageFormat,
    budget: Budget,
    lines: &Lines,
    path: &str,
    names: &[String],
    collector: &mut Collector<'_>,
    make: &mut Make<'_>,
) {
    let blocks = markup::blocks(text, at, format);
    let mut runs = pack(text, &blocks, budget);
    // A short rest says little alone.
    if let [.., before, last] = runs.as_mut_slice()
        && count_words(&text[last.clone()]) < budget.small
        && last.end - before.start <= budget.bytes
    {
        *before = before.start..last.end;
        runs.pop();
    }
    for run in runs {
        let run = trim(text, run);
        if run.is_empty() {
            continue;
        }
        let address = Address::Lines { path: path.to_owned(), first: lines.of(run.start), last: lines.of(run.end - 1) };
        let (kind, piece) = make(address, names.to_vec(), text[run].to_owned());
        collector.add(kind, piece);
    }
}

/// The line after a heading that stands at `line`: past its underline, where the markup underlines.
fn after_heading(text: &str, lines: &Lines, line: usize, format: PageFormat, heading: &str) -> usize {
    let content = |line: usize| text[lines.start(line)..lines.start(line + 1)].trim();
    let is_underline = |line: usize| {
        let content = content(line);
        content.len() >= 2
            && content.as_bytes().first().is_some_and(u8::is_ascii_punctuation)
            && content.bytes().all(|byte| byte == content.as_bytes()[0])
    };
    let mut next = line + 1;
    if format == PageFormat::ReStructuredText && is_underline(line) && content(line + 1).contains(heading) {
        // An overline: the heading's line is its first.
        next += 1;
    }
    let may_underline = matches!(format, PageFormat::Markdown | PageFormat::ReStructuredText | PageFormat::AsciiDoc);
    if may_underline && !content(line).starts_with('#') && is_underline(next) { next + 1 } else { next }
}

/// Where lines begin.
pub(super) struct Lines {
    starts: Vec<usize>,
    end: usize,
}

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let after_newline = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(index, _)| index + 1);
        Self { starts: std::iter::once(0).chain(after_newline).collect(), end: text.len() }
    }

    pub(super) fn count(&self) -> usize {
        self.starts.len()
    }

    /// The first byte of a line, from 1; the text's end for lines beyond it.
    pub(super) fn start(&self, line: usize) -> usize {
        self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.end)
    }

    /// The line of a byte, from 1.
    pub(super) fn of(&self, byte: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|&start| start <= byte)).unwrap_or(u32::MAX)
    }
}
