//! The blocks of a page: paragraphs, and what is kept whole.

use std::ops::Range;

use docassist_model::PageFormat;

use super::cut::Block;

/// The blocks of a section: separated by blank lines; fenced code and tables whole, with their blank lines.
pub(super) fn blocks(text: &str, at: Range<usize>, format: PageFormat) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(Range<usize>, Kind)> = None;
    let mut start = at.start;
    for line in text[at].split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        let content = line.trim();
        open = match open.take() {
            Some((block, Kind::Fence(fence))) => {
                if closes(content, fence) {
                    blocks.push(Block { at: block.start..range.end, whole: true });
                    None
                } else {
                    Some((block.start..range.end, Kind::Fence(fence)))
                }
            }
            other => {
                if let Some(fence) = opens(content, format) {
                    close(&mut blocks, other);
                    Some((range, Kind::Fence(fence)))
                } else if content.is_empty() {
                    close(&mut blocks, other);
                    None
                } else {
                    let kind = if is_row(content) { Kind::Table } else { Kind::Prose };
                    match other {
                        Some((block, before)) if before == kind => Some((block.start..range.end, kind)),
                        Some(before) => {
                            close(&mut blocks, Some(before));
                            Some((range, kind))
                        }
                        None => Some((range, kind)),
                    }
                }
            }
        };
    }
    close(&mut blocks, open);
    blocks
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Prose,
    Table,
    /// The character and how often it stands.
    Fence((u8, usize)),
}

fn close(blocks: &mut Vec<Block>, open: Option<(Range<usize>, Kind)>) {
    if let Some((at, kind)) = open {
        blocks.push(Block { at, whole: kind != Kind::Prose });
    }
}

fn opens(content: &str, format: PageFormat) -> Option<(u8, usize)> {
    let first = *content.as_bytes().first()?;
    let count = content.bytes().take_while(|&byte| byte == first).count();
    let fences = match format {
        PageFormat::Markdown => matches!(first, b'`' | b'~') && count >= 3 && !content[count..].contains('`'),
        // Listing, literal, example and table blocks.
        PageFormat::AsciiDoc => {
            matches!(first, b'-' | b'.' | b'=') && count >= 4 && count == content.len() || content == "|==="
        }
        PageFormat::ReStructuredText | PageFormat::Plain => false,
    };
    fences.then_some((first, count))
}

fn closes(content: &str, (character, count): (u8, usize)) -> bool {
    if character == b'|' {
        return content == "|===";
    }
    content.len() >= count && content.bytes().all(|byte| byte == character)
}

fn is_row(content: &str) -> bool {
    // Markdown's and AsciiDoc's rows; reStructuredText's grids.
    content.starts_with('|') || content.starts_with('+') && content.contains("--")
}
