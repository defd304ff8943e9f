//! Texts that PostgreSQL takes.
//!
//! A `text` of PostgreSQL cannot hold the character NUL, and messages, names and pages do. It is written as `\x01 0`, and
//! `\x01` itself as `\x01 1`; both are so rare that texts can still be read, and searched, in the database.

use std::borrow::Cow;

const MARK: char = '\u{1}';

/// The text as it is stored.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte <= 1) {
        return Cow::Borrowed(text);
    }
    let mut stored = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => stored.extend([MARK, '0']),
            MARK => stored.extend([MARK, '1']),
            other => stored.push(other),
        }
    }
    Cow::Owned(stored)
}

/// The text that was stored.
pub(super) fn original(stored: &str) -> Cow<'_, str> {
    if !stored.contains(MARK) {
        return Cow::Borrowed(stored);
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        match character {
            MARK => match characters.next() {
                Some('0') => text.push('\0'),
                Some('1') => text.push(MARK),
                // Not written here: left as it is.
                other => text.extend([Some(MARK), other].into_iter().flatten()),
            },
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_comes_back(text in "[\u{0}\u{1}01a-c]{0,12}|.{0,12}") {
            let stored = stored(&text);
            prop_assert!(!stored.contains('\0'));
            let original = original(&stored);
            prop_assert_eq!(original.as_ref(), text.as_str());
        }
    }

    #[test]
    fn what_has_neither_is_stored_as_it_is() {
        assert!(matches!(stored("plain\ttext\n"), Cow::Borrowed(_)));
        assert!(matches!(original("plain\ttext\n"), Cow::Borrowed(_)));
    }
}
