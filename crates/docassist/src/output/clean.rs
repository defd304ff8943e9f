//! Makes text that others wrote harmless: commit subjects, file names and page titles may hold anything.

/// What stands for a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';

/// `text` on one line: tabs and line ends are spaces, and every other character that a terminal obeys instead of showing
/// it is replaced.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { ' ' } else { harmless(c) }).collect()
}

/// The same, with its lines kept.
pub(crate) fn clean_lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { harmless(c) }).collect()
}

fn harmless(c: char) -> char {
    match c {
        '\t' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        // Escape sequences begin with one of these.
        c if c.is_control() => REPLACEMENT,
        // Overrides of the writing direction make a line read as what it is not; the rest is not seen at all.
        '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => REPLACEMENT,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => REPLACEMENT,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_overrides_are_replaced() {
        assert_eq!(clean("a\u{1b}[31mb\u{7}\u{9b}c"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c");
        assert_eq!(clean("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean("a\r\n\tb"), "a   b");
        assert_eq!(clean_lines("a\nb\r"), "a\nb ");
    }

    #[test]
    fn what_people_write_stays() {
        for text in ["שלום עולם", "naïve 日本語 👩\u{200d}💻", "می\u{200c}خواهم", "e\u{301}"] {
            assert_eq!(clean(text), text);
        }
    }
}
