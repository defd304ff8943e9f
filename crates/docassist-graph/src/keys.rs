//! Ticket keys: which prefixes are projects, how keys are ordered, and what a ticket's words mean.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use docassist_model::reference::{NOT_PROJECTS, split};
use rustc_hash::{FxHashMap, FxHashSet};

/// The prefixes whose keys are references, and how they came to be known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Projects {
    /// Upper case.
    pub(crate) prefixes: BTreeSet<String>,
    /// Whether they were learnt from commit subjects, since there are no tickets and none was named.
    pub(crate) learnt: bool,
}

/// The least number of commits, and of different ticket numbers, that make a prefix a project.
const LEARN_COMMITS: usize = 10;
const LEARN_NUMBERS: usize = 5;
/// The least share of non-merge commits, in per cent.
const LEARN_PERCENT: usize = 1;

impl Projects {
    pub(crate) fn known(prefixes: BTreeSet<String>) -> Self {
        Self { prefixes, learnt: false }
    }

    /// Learns the prefixes from the subjects of non-merge commits and their key candidates: in at least 10 commits, 1 % of
    /// them, with 5 different numbers, and none of the well-known non-tickets. People write a project's keys in upper case,
    /// at least in the subjects that teach; `part-2` and `step-3` are words.
    pub(crate) fn learn<'a>(subjects: impl Iterator<Item = (&'a str, &'a str)>, non_merges: usize) -> Self {
        let mut uses: FxHashMap<&str, (usize, FxHashSet<&str>)> = FxHashMap::default();
        for (subject, candidates) in subjects {
            let mut seen: Vec<&str> = Vec::new();
            for key in candidates.split_ascii_whitespace() {
                let Some((prefix, number)) = split(key).filter(|(prefix, _)| prefix.len() >= 2) else { continue };
                if !subject.contains(key) {
                    continue;
                }
                let (commits, numbers) = uses.entry(prefix).or_default();
                numbers.insert(number);
                if !seen.contains(&prefix) {
                    seen.push(prefix);
                    *commits += 1;
                }
            }
        }
        let prefixes = uses
            .into_iter()
            .filter(|(prefix, (commits, numbers))| {
                *commits >= LEARN_COMMITS
                    && *commits * 100 >= non_merges * LEARN_PERCENT
                    && numbers.len() >= LEARN_NUMBERS
                    && !NOT_PROJECTS.contains(prefix)
            })
            .map(|(prefix, _)| prefix.to_owned())
            .collect();
        Self { prefixes, learnt: true }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        split(key).is_some_and(|(prefix, _)| self.prefixes.contains(prefix))
    }
}

/// The order of keys that people expect: by project, then by number.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let parts = |key| split(key).unwrap_or((key, ""));
    let ((a_project, a_number), (b_project, b_number)) = (parts(a), parts(b));
    a_project.cmp(b_project).then(a_number.len().cmp(&b_number.len())).then_with(|| a_number.cmp(b_number))
}

/// Urgency by a priority's name: 0 is the most urgent, 6 a name that says nothing, 7 no priority.
pub(crate) fn priority_rank(priority: Option<&str>) -> u8 {
    let Some(name) = priority else { return 7 };
    match name.trim().to_ascii_lowercase().as_str() {
        "blocker" | "highest" | "urgent" | "p0" => 0,
        "critical" | "p1" => 1,
        "high" | "major" | "p2" => 2,
        "medium" | "normal" | "p3" => 3,
        "low" | "minor" | "p4" => 4,
        "lowest" | "trivial" | "p5" => 5,
        _ => 6,
    }
}

/// Whether a resolution says that no change was to be made.
pub(crate) fn is_not_applicable(resolution: &str) -> bool {
    const NAMES: [&str; 27] = [
        "wont fix",
        "wont do",
        "will not fix",
        "duplicate",
        "invalid",
        "cannot reproduce",
        "cant reproduce",
        "unable to reproduce",
        "incomplete",
        "not a bug",
        "not our bug",
        "not a problem",
        "not an issue",
        "works for me",
        "works as designed",
        "as designed",
        "abandoned",
        "rejected",
        "declined",
        "obsolete",
        "needs more info",
        "hold",
        "deferred",
        "later",
        "withdrawn",
        "out of scope",
        "no longer applicable",
    ];
    let mut plain = String::with_capacity(resolution.len());
    for c in resolution.chars() {
        match c {
            '\'' | '’' | '`' | '.' => {}
            c if c.is_alphanumeric() => plain.extend(c.to_lowercase()),
            _ if plain.ends_with(' ') || plain.is_empty() => {}
            _ => plain.push(' '),
        }
    }
    let plain = plain.trim_end();
    NAMES.contains(&plain) || plain == "canceled" || plain == "cancelled"
}

/// Whether a ticket type is built as a feature: its name contains story, epic or feature.
pub(crate) fn is_feature(type_name: &str) -> bool {
    let name = type_name.to_ascii_lowercase();
    ["story", "epic", "feature"].iter().any(|word| name.contains(word))
}

/// Whether a ticket type reports a fault.
pub(crate) fn is_defect(type_name: &str) -> bool {
    let name = type_name.to_ascii_lowercase();
    ["bug", "defect", "incident", "regression"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_by_number_not_by_letter() {
        assert_eq!(compare("A-9", "A-10"), Ordering::Less);
        assert_eq!(compare("B-1", "A-10"), Ordering::Greater);
    }

    #[test]
    fn prefixes_are_learnt_from_habit_not_from_chance() {
        let subjects: Vec<String> = (1..=12).map(|n| format!("KAFKA-{n} UTF-8")).chain(["ABC-1".to_owned()]).collect();
        let learn = |non_merges| {
            Projects::learn(subjects.iter().map(|text| (text.as_str(), text.as_str())), non_merges).prefixes
        };
        assert_eq!(learn(100), BTreeSet::from(["KAFKA".to_owned()]));
        assert_eq!(learn(1_201), BTreeSet::new(), "fewer than one in a hundred");
    }

    #[test]
    fn resolutions_are_recognised_however_they_are_written() {
        for name in ["Won't Fix", "WON’T FIX", "Cannot Reproduce", "Duplicate", "Not A Bug", "works-as-designed"] {
            assert!(is_not_applicable(name), "{name}");
        }
        for name in ["Fixed", "Done", "", "Implemented"] {
            assert!(!is_not_applicable(name), "{name}");
        }
    }
}
