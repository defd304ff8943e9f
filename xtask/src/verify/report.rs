//! What was compared, what differed, and how it is shown.

use std::collections::BTreeSet;

/// A list of a million differences helps no more than its beginning.
const SHOWN: usize = 20;

/// One kind of comparison.
#[derive(Debug, Default)]
pub(crate) struct Section {
    /// What was compared.
    pub(crate) name: String,
    /// How many things were compared.
    pub(crate) compared: usize,
    /// Figures and remarks, shown whether or not the section holds.
    pub(crate) notes: Vec<String>,
    shown: Vec<String>,
    mismatches: usize,
}

impl Section {
    /// A section that has compared nothing yet.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a remark.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Adds a mismatch.
    pub(crate) fn mismatch(&mut self, text: impl Into<String>) {
        self.mismatches += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(text.into());
        }
    }

    /// Counts one comparison, and a mismatch if the two are not equal.
    pub(crate) fn equal<T: PartialEq + std::fmt::Display>(&mut self, what: &str, expected: &T, product: &T) {
        self.compared += 1;
        if expected != product {
            self.mismatch(format!("{what}\n  - expected {expected}\n  + product  {product}"));
        }
    }

    /// How many mismatches there are.
    #[cfg(test)]
    pub(crate) fn mismatches(&self) -> usize {
        self.mismatches
    }

    /// The mismatches that are shown.
    #[cfg(test)]
    pub(crate) fn shown(&self) -> &[String] {
        &self.shown
    }

    /// Takes over another section's figures under its name.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.compared += other.compared;
        self.mismatches += other.mismatches;
        let room = SHOWN.saturating_sub(self.shown.len());
        self.shown.extend(other.shown.into_iter().take(room));
        self.notes.extend(other.notes);
    }

    /// Prints the section; true when it holds.
    pub(crate) fn print(&self) -> bool {
        let verdict = if self.mismatches == 0 { "same     " } else { "DIFFERENT" };
        println!("{verdict}  {:<28} {:>8} compared, {} different", self.name, self.compared, self.mismatches);
        for note in &self.notes {
            println!("           {note}");
        }
        for text in &self.shown {
            println!("    {}", text.replace('\n', "\n    "));
        }
        if self.mismatches > self.shown.len() {
            println!("    … and {} more", self.mismatches - self.shown.len());
        }
        self.mismatches == 0
    }
}

/// The difference of two lists that should be equal, order included; `None` when they are.
pub(crate) fn list_difference(expected: &[String], product: &[String]) -> Option<String> {
    if expected == product {
        return None;
    }
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (expected.iter().collect(), product.iter().collect());
    let some = |keys: Vec<&&String>| {
        let more = if keys.len() > 8 { format!(" … ({} in all)", keys.len()) } else { String::new() };
        format!("{}{more}", keys.iter().take(8).map(|key| key.as_str()).collect::<Vec<_>>().join(" "))
    };
    let mut lines = Vec::new();
    if product.len() != theirs.len() {
        lines.push(format!("  + product lists {} entries twice or more", product.len() - theirs.len()));
    }
    let missing: Vec<_> = ours.difference(&theirs).collect();
    let extra: Vec<_> = theirs.difference(&ours).collect();
    if !missing.is_empty() {
        lines.push(format!("  - product lacks {}", some(missing)));
    }
    if !extra.is_empty() {
        lines.push(format!("  + product only  {}", some(extra)));
    }
    if lines.is_empty()
        && let Some(at) = expected.iter().zip(product).position(|(a, b)| a != b)
    {
        let around = |list: &[String]| list[at..list.len().min(at + 5)].join(" ");
        lines.push(format!("  - from {at} on, expected {}", around(expected)));
        lines.push(format!("  + from {at} on, product  {}", around(product)));
    }
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn differences_name_what_is_missing_extra_double_or_misplaced() {
        assert_eq!(list_difference(&list("a b"), &list("a b")), None);
        assert!(list_difference(&list("a b"), &list("a")).unwrap().contains("lacks b"));
        assert!(list_difference(&list("a"), &list("a b")).unwrap().contains("only  b"));
        assert!(list_difference(&list("a b"), &list("a b b")).unwrap().contains("twice"));
        assert!(list_difference(&list("a b c"), &list("a c b")).unwrap().contains("from 1 on"));
    }

    #[test]
    fn all_mismatches_count_though_few_are_shown() {
        let mut section = Section::new("x");
        for n in 0..50 {
            section.equal("n", &n, &0);
        }
        assert_eq!((section.compared, section.mismatches(), section.shown().len()), (50, 49, SHOWN));
    }
}
