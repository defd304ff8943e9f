//! How wide text is on a terminal.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Nobody can read tables on fewer columns.
const LEAST: usize = 60;
/// Nobody's eye finds the way along longer lines.
const MOST: usize = 400;
/// Where the width is not known: output in a file or a log.
const USUAL: usize = 100;
/// Characters without a width (combining marks) that are kept per column: no script needs more, and a text of thousands
/// of them would hang over its neighbours.
const MARKS_PER_COLUMN: usize = 4;

/// Columns of the terminal that stdout is, or of the environment's `COLUMNS`.
pub(crate) fn terminal() -> usize {
    let terminal = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    let told = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    terminal.or_else(told).unwrap_or(USUAL).clamp(LEAST, MOST)
}

/// Columns that a text takes.
pub(crate) fn of(text: &str) -> usize {
    text.width()
}

/// Cuts a text to `most` columns; `…` stands for what is gone, at the end or at the beginning.
pub(crate) fn cut(text: &str, most: usize, keep_end: bool) -> Cow<'_, str> {
    if of(text) <= most && text.chars().count() <= most.max(1) * MARKS_PER_COLUMN {
        return Cow::Borrowed(text);
    }
    if most == 0 {
        return Cow::Borrowed("");
    }
    let room = most - 1;
    let take = |characters: &mut dyn Iterator<Item = char>| {
        let (mut width, mut kept) = (0, Vec::new());
        for c in characters {
            width += c.width().unwrap_or(0);
            if width > room || kept.len() > room * MARKS_PER_COLUMN {
                break;
            }
            kept.push(c);
        }
        kept
    };
    let mut cut: String = if keep_end {
        let mut kept = take(&mut text.chars().rev());
        kept.push('…');
        kept.into_iter().rev().collect()
    } else {
        take(&mut text.chars()).into_iter().chain(['…']).collect()
    };
    // The width of a sequence may differ from the sum of its characters' widths.
    while of(&cut) > most && cut.pop().is_some() {}
    Cow::Owned(cut)
}

/// Breaks a text at spaces into lines of at most `most` columns. Longer words stand alone, whole: they are commands and
/// paths that somebody copies.
pub(crate) fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if of(line) + 1 + of(word) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut("日本語テキスト", 7, false), "日本語…");
        assert_eq!(cut("src/very/long/path.rs", 8, true), "…path.rs");
        assert_eq!(cut("short", 5, false), "short");
        assert_eq!(cut("anything", 0, false), "");
    }

    #[test]
    fn piles_of_marks_are_cut() {
        let pile: String = "a".to_owned() + &"\u{301}".repeat(10_000);
        assert!(cut(&pile, 10, false).chars().count() < 60);
    }

    #[test]
    fn text_is_wrapped_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a very-long-word-indeed b", 6), ["a", "very-long-word-indeed", "b"]);
    }
}
