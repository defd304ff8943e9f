//! JSON that is valid but for its text: what exporters and Jira itself are known to do to an issue that is otherwise
//! whole. Losing a ticket for one broken emoji would be a poor trade.

use std::borrow::Cow;

/// What half a surrogate pair and a NUL become: U+FFFD, the replacement character.
const REPLACEMENT: &[u8] = b"\\ufffd";

/// Whether `json` has escaped NULs, which PostgreSQL cannot store in a text.
pub(super) fn has_nul(json: &[u8]) -> bool {
    memchr::memmem::find(json, b"\\u0000").is_some()
}

/// Replaces bytes that are no UTF-8, escaped halves of surrogate pairs and escaped NULs.
pub(super) fn repair(json: &[u8]) -> String {
    let text = match String::from_utf8_lossy(json) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        let escape = at + found;
        out.extend_from_slice(&bytes[at..escape]);
        let length = match code_unit(bytes, escape) {
            None => (bytes.len() - escape).min(2),
            Some(0xd800..=0xdbff) if matches!(code_unit(bytes, escape + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0 | 0xd800..=0xdfff) => {
                out.extend_from_slice(REPLACEMENT);
                at = escape + 6;
                continue;
            }
            Some(_) => 6,
        };
        out.extend_from_slice(&bytes[escape..escape + length]);
        at = escape + length;
    }
    out.extend_from_slice(&bytes[at..]);
    // Whole characters were copied, or ASCII put in; only an escape cut in a character could be lossy here.
    String::from_utf8_lossy(&out).into_owned()
}

/// The code unit of `\uXXXX` at `at`.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0_u16, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_broken_is_replaced() {
        for (json, repaired) in [
            (&br#""\ud83d\ude00 \u00e9 \\ud83d""#[..], r#""\ud83d\ude00 \u00e9 \\ud83d""#),
            (br#""\ud83d" "\ude00x" "\ud83d\u0041""#, r#""\ufffd" "\ufffdx" "\ufffd\u0041""#),
            (br#""a\u0000b\\u0000""#, r#""a\ufffdb\\u0000""#),
            (b"\"\xe9t\xe9\\", "\"\u{fffd}t\u{fffd}\\"),
        ] {
            assert_eq!(repair(json), repaired);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_repaired(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100)) {
            let _ = repair(&bytes);
        }
    }
}
