//! How a text refers to a ticket: `\b(PREFIX)-([1-9][0-9]*)\b`, in any case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest key that is read; longer runs are text, not references.
pub const MAX_KEY_LEN: usize = 80;

/// A ticket key such as `ALOY-12`: a project prefix and a number without leading zeros, upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TicketKey(String);

impl TicketKey {
    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The project prefix.
    #[must_use]
    pub fn project(&self) -> &str {
        split(&self.0).map_or(self.0.as_str(), |(prefix, _)| prefix)
    }
}

/// Splits a key into prefix and number.
#[must_use]
pub fn split(key: &str) -> Option<(&str, &str)> {
    key.rsplit_once('-')
}

/// The text is no ticket key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ticket key (like ALOY-12)")]
pub struct InvalidTicketKey(pub String);

impl FromStr for TicketKey {
    type Err = InvalidTicketKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut found = candidates(text.trim());
        match (found.next(), found.next()) {
            (Some(key), None) if key.0.len() == text.trim().len() => Ok(key),
            _ => Err(InvalidTicketKey(text.to_owned())),
        }
    }
}

impl TryFrom<String> for TicketKey {
    type Error = InvalidTicketKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TicketKey> for String {
    fn from(key: TicketKey) -> Self {
        key.0
    }
}

impl fmt::Display for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Everything in `text` that has the shape of a ticket key, in order, repeats included. Which of them are references
/// depends on the projects that are known, so that is decided later.
///
/// A prefix begins with a letter and is a whole word of letters, digits and `_`, so `FOO-BAR-7` yields `BAR-7` and
/// `XFOO-7` never yields `FOO-7`. Linear in the length of `text`.
pub fn candidates(text: &str) -> impl Iterator<Item = TicketKey> + '_ {
    let bytes = text.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(dash) = bytes.get(from..)?.iter().position(|&b| b == b'-').map(|at| at + from) {
            from = dash + 1;
            let digits = bytes[dash + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            let end = dash + 1 + digits;
            if digits == 0 || bytes[dash + 1] == b'0' || !ends_word(text, end) {
                continue;
            }
            let length = bytes[..dash].iter().rev().take(MAX_KEY_LEN).take_while(|&&b| is_word(b)).count();
            let start = dash - length;
            if length == 0
                || end - start > MAX_KEY_LEN
                || !bytes[start].is_ascii_alphabetic()
                || !begins_word(text, start)
            {
                continue;
            }
            return Some(TicketKey(text[start..end].to_ascii_uppercase()));
        }
        None
    })
}

/// Whether no letter or digit of any script stands right before `at`.
fn begins_word(text: &str, at: usize) -> bool {
    !text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Whether no letter or digit of any script stands at `at`.
fn ends_word(text: &str, at: usize) -> bool {
    !text[at..].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Prefixes that look like projects and are not: encodings, hashes, standards, hardware.
pub const NOT_PROJECTS: [&str; 52] = [
    "AES", "AGPL", "ALPHA", "ANSI", "APACHE", "ARM", "ARMV", "ASCII", "BASE", "BETA", "BSD", "CP", "CVE", "CWE", "DES",
    "ECMA", "ES", "GH", "GHSA", "GPL", "HMAC", "HTTP", "HTTPS", "IEC", "IEEE", "IPV", "ISO", "ISSUE", "JAVA", "JDK",
    "JEP", "JSR", "LATIN", "LGPL", "MD", "MPL", "PEP", "PKCS", "PR", "RC", "RFC", "RSA", "SHA", "SHA1", "SHA2", "SHA3",
    "SSL", "TLS", "UCS", "UTF", "WINDOWS", "X86",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        candidates(text).map(String::from).collect()
    }

    #[test]
    fn keys_are_found_whole_in_any_case() {
        assert_eq!(found("[aloy-12] and ALOY-3: fix, see browse/ALOY-4."), ["ALOY-12", "ALOY-3", "ALOY-4"]);
        assert_eq!(found("FOO-BAR-7"), ["BAR-7"]);
        assert_eq!(found("A_B-1"), ["A_B-1"]);
        assert_eq!(found("ALOY-12-ALOY-13"), ["ALOY-12", "ALOY-13"]);
    }

    #[test]
    fn what_only_resembles_a_key_is_not_one() {
        for text in
            ["ALOY-012", "ALOY-0", "ALOY-12a", "ALOY-12_3", "-12", "3-4", "éALOY-12", "ALOY-12é", "ALOY--1", "_-1"]
        {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_scanned_and_each_key_reads_back(text in ".{0,200}") {
            for key in candidates(&text) {
                proptest::prop_assert_eq!(key.as_str().parse::<TicketKey>().unwrap(), key);
            }
        }
    }
}
