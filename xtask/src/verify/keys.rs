//! Ticket keys in text: `\b(PREFIX)-([1-9][0-9]*)\b`, case-insensitive, over the known projects.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rustc_hash::FxHashSet;

/// Prefixes that look like tickets and never are; a project is not learnt from them.
const NOT_PROJECTS: &[&str] = &[
    "AES", "AGPL", "ALPHA", "ANSI", "APACHE", "ARM", "ARMV", "ASCII", "BASE", "BETA", "BSD", "CP", "CVE", "CWE", "DES",
    "ECMA", "ES", "GH", "GHSA", "GPL", "HMAC", "HTTP", "HTTPS", "IEC", "IEEE", "IPV", "ISO", "ISSUE", "JAVA", "JDK",
    "JEP", "JSR", "LATIN", "LGPL", "MD", "MPL", "PEP", "PKCS", "PR", "RC", "RFC", "RSA", "SHA", "SHA1", "SHA2", "SHA3",
    "SSL", "TLS", "UCS", "UTF", "WINDOWS", "X86",
];

/// A prefix is learnt from at least so many commits …
const LEARN_COMMITS: usize = 10;
/// … which are at least this part (one in a hundred) of the non-merge commits …
const LEARN_SHARE: usize = 100;
/// … and name at least so many different numbers.
const LEARN_NUMBERS: usize = 5;

/// A ticket's key, upper case. The number stays text: the contract sets it no upper bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) project: String,
    pub(crate) number: String,
}

impl Key {
    /// Reads `ABC-12`; `None` for anything that is no key.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (project, number) = text.rsplit_once('-')?;
        let sound = !project.is_empty() && !number.starts_with('0') && !number.is_empty();
        (sound && number.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| Self { project: project.to_uppercase(), number: number.to_owned() })
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without leading zeros the longer number is the greater one.
        (&self.project, self.number.len(), &self.number).cmp(&(&other.project, other.number.len(), &other.number))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.project, self.number)
    }
}

/// The known projects.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Projects(FxHashSet<String>);

impl Projects {
    /// The projects named by these keys or prefixes.
    pub(crate) fn of<'a>(prefixes: impl IntoIterator<Item = &'a str>) -> Self {
        Self(prefixes.into_iter().map(str::to_uppercase).collect())
    }

    /// What an organisation without tickets learns from the subjects of its non-merge commits.
    pub(crate) fn learnt<'a>(subjects: impl IntoIterator<Item = &'a str>) -> Self {
        let mut non_merges = 0;
        let mut seen: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for subject in subjects {
            non_merges += 1;
            let mut here: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for (prefix, number) in candidates(subject) {
                let upper = prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
                let lettered = prefix.len() >= 2 && prefix.starts_with(|c: char| c.is_ascii_uppercase());
                if upper && lettered && !NOT_PROJECTS.contains(&prefix) {
                    here.entry(prefix).or_default().insert(number);
                }
            }
            for (prefix, numbers) in here {
                let (commits, all) = seen.entry(prefix).or_default();
                *commits += 1;
                all.extend(numbers);
            }
        }
        let enough = |commits: usize, numbers: usize| {
            commits >= LEARN_COMMITS && commits * LEARN_SHARE >= non_merges && numbers >= LEARN_NUMBERS
        };
        Self::of(seen.into_iter().filter(|(_, (commits, numbers))| enough(*commits, numbers.len())).map(|(p, _)| p))
    }

    /// The known projects' names, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The keys that the text names.
    pub(crate) fn scan(&self, text: &str) -> BTreeSet<Key> {
        candidates(text)
            .filter_map(|(prefix, number)| {
                let project = prefix.to_ascii_uppercase();
                self.0.contains(&project).then(|| Key { project, number: number.to_owned() })
            })
            .collect()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// All `word-number` in the text, the word being as long as it can: a known prefix consists of word characters only, so
/// the word boundary before it means that it is the whole word.
fn candidates(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices('-').filter_map(|(dash, _)| {
        let (before, after) = (&text[..dash], &text[dash + 1..]);
        let start = before.char_indices().rev().take_while(|(_, c)| is_word(*c)).last().map(|(at, _)| at)?;
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let sound = after.starts_with(|c| ('1'..='9').contains(&c)) && !after[digits..].starts_with(is_word);
        sound.then(|| (&before[start..], &after[..digits]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> String {
        let found = Projects::of(["APP", "X_Y", "W2"]).scan(text);
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_are_whole_words_in_any_case() {
        assert_eq!(scan("app-1: fix, see [APP-22](x) and App-3."), "APP-1 APP-3 APP-22");
        assert_eq!(scan("APP-1-2 APP-3/APP-4,APP-5"), "APP-1 APP-3 APP-4 APP-5");
        assert_eq!(scan("x_y-7 w2-8"), "W2-8 X_Y-7");
        assert_eq!(scan("APP-4294967296"), "APP-4294967296");
    }

    #[test]
    fn what_only_looks_like_a_key_is_none() {
        for text in ["APP-0", "APP-01", "APP-", "APP 1", "MYAPP-1", "_APP-1", "APP-1a", "APP-1_", "éAPP-1", "APP-1é"]
        {
            assert_eq!(scan(text), "", "{text}");
        }
        assert_eq!(scan("文APP-1 APP-2文"), "");
        assert_eq!(scan("OTHER-1 -APP-2"), "APP-2");
        assert_eq!(scan("APP-1٣"), "", "a digit of another script is a word character");
    }

    #[test]
    fn keys_sort_by_project_then_number() {
        let mut keys: Vec<Key> = ["B-1", "A-10", "A-9"].iter().map(|k| Key::parse(k).unwrap()).collect();
        keys.sort();
        assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), ["A-9", "A-10", "B-1"]);
        assert!(Key::parse("A-0").is_none() && Key::parse("A").is_none());
    }

    #[test]
    fn prefixes_are_learnt_from_ten_commits_with_five_numbers() {
        let subjects: Vec<String> = (0..10)
            .flat_map(|n| {
                [
                    format!("ABC-{}: x", n % 5 + 1),
                    format!("FEW-{}: x", n % 4 + 1),
                    format!("UTF-{}", n + 1),
                    format!("low-{}", n + 1),
                ]
            })
            .chain((0..9).map(|n| format!("NINE-{}", n + 1)))
            .collect();
        assert_eq!(Projects::learnt(subjects.iter().map(String::as_str)).names(), ["ABC"]);
        let diluted = subjects.iter().map(String::as_str).chain(std::iter::repeat_n("nothing", 1000));
        assert!(Projects::learnt(diluted).names().is_empty(), "below one per cent");
    }
}
