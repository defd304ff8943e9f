//! Compares the gap lists: totals, counts, items, order, and pages.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;

use super::gaps::{Expected, Links};
use super::keys::Key;
use super::product::{Listing, Product, text};
use super::report::{Section, list_difference};

/// A page of the walk: no divisor of anything, so that last pages are partial.
const PAGE: usize = 37;
/// Longer lists are walked in larger pages, for time's sake.
const WALKED: usize = 2000;
/// Then in about so many pages.
const PAGES: usize = 15;
/// A page for fetching a list at once.
const WHOLE: usize = 500;
/// The windows that are asked for.
const DAYS: [i64; 3] = [30, 90, 3650];

/// One question: a gap list at an instant.
pub(crate) struct Case {
    gap: &'static str,
    as_of: Timestamp,
    days: Option<i64>,
}

impl Case {
    /// All questions, for these instants.
    pub(crate) fn all(instants: &[Timestamp]) -> Vec<Self> {
        let windows = DAYS.map(Some);
        let gaps: [(&str, &[Option<i64>]); 4] =
            [("orphaned", &windows), ("stale", &windows), ("missing-decisions", &[None]), ("dangling", &[None])];
        let mut cases = Vec::new();
        for (gap, windows) in gaps {
            for as_of in instants.iter().copied() {
                cases.extend(windows.iter().map(|days| Self { gap, as_of, days: *days }));
            }
        }
        cases
    }

    /// Asks the program and compares. `decided` are the tickets that decision records name.
    pub(crate) fn compare(&self, product: &Product, links: &Links<'_>, decided: &BTreeSet<Key>) -> Result<Section> {
        let as_of = self.as_of.to_string();
        let days = self.days.map(|days| days.to_string());
        let mut arguments = vec!["gaps", self.gap];
        if let Some(days) = &days {
            arguments.extend(["--days", days]);
        }
        let what = format!("{} as of {as_of}", arguments[1..].join(" "));
        let days = self.days.unwrap_or_default();
        let expected = match self.gap {
            "orphaned" => links.orphaned(self.as_of, days)?,
            "stale" => links.stale(self.as_of, days)?,
            "dangling" => links.dangling(self.as_of),
            _ => links.missing_decisions(self.as_of, decided),
        };
        let mut section = Section::new(format!("gaps {}", self.gap));
        let whole = product.list(Some(&as_of), &arguments, WHOLE)?;
        compare(&mut section, &what, &expected, &whole, self.gap == "missing-decisions");
        let page = if whole.items.len() <= WALKED { PAGE } else { whole.items.len() / PAGES };
        if whole.items.len() > page {
            let walked = product.list(Some(&as_of), &arguments, page)?;
            compare_walk(&mut section, &format!("{what}, walked by {page}"), &whole, &walked);
        }
        Ok(section)
    }
}

fn compare(section: &mut Section, what: &str, expected: &Expected, product: &Listing, by_significance: bool) {
    section.compared += expected.rows.len();
    section.equal(&format!("{what}: total"), &(expected.rows.len() as u64), &product.total);
    for (by, counts) in &expected.counts {
        let none = BTreeMap::new();
        let theirs = product.counts.get(by).unwrap_or(&none);
        section.compared += 1;
        // A name that occurs nowhere may be there with a zero, or not at all.
        let names: BTreeSet<&String> = counts.keys().chain(theirs.keys()).collect();
        let value = |map: &BTreeMap<String, u64>, name: &String| map.get(name).copied().unwrap_or(0);
        let different = names.into_iter().filter(|name| value(counts, name) != value(theirs, name));
        let lines: Vec<String> = different
            .map(|name| format!("  {name}: expected {}, product {}", value(counts, name), value(theirs, name)))
            .collect();
        if !lines.is_empty() {
            section.mismatch(format!("{what}: {by}\n{}", lines.join("\n")));
        }
    }
    let mut ours: Vec<String> = expected.rows.iter().map(|row| row.key.clone()).collect();
    let mut theirs = product.keys();
    if by_significance {
        let figures: Vec<f64> = product.items.iter().filter_map(|item| item["significance"].as_f64()).collect();
        if figures.len() != product.items.len() {
            section.mismatch(format!("{what}: items without a number `significance`"));
        } else if !figures.is_sorted_by(|a, b| a >= b) {
            section.mismatch(format!("{what}: not sorted by `significance`"));
        }
        ours.sort_unstable();
        theirs.sort_unstable();
    }
    if let Some(difference) = list_difference(&ours, &theirs) {
        section.mismatch(format!("{what}: items\n{difference}"));
    }
    compare_facts(section, what, expected, product);
    for fault in &product.faults {
        section.mismatch(format!("{what}: {fault}"));
    }
}

fn compare_facts(section: &mut Section, what: &str, expected: &Expected, product: &Listing) {
    let items: BTreeMap<String, &serde_json::Value> =
        product.items.iter().map(|item| (text(&item["key"]), item)).collect();
    for row in &expected.rows {
        let Some(item) = items.get(&row.key) else { continue };
        for (field, ours) in &row.facts {
            let theirs = text(&item[*field]);
            if *ours != theirs {
                section.mismatch(format!("{what}: {} has `{field}` {theirs}, expected {ours}", row.key));
            }
        }
    }
}

fn compare_walk(section: &mut Section, what: &str, whole: &Listing, walked: &Listing) {
    section.equal(&format!("{what}: total"), &whole.total, &walked.total);
    if whole.counts != walked.counts {
        section.mismatch(format!("{what}: other counts than at once"));
    }
    if let Some(difference) = list_difference(&whole.keys(), &walked.keys()) {
        section.mismatch(format!("{what}: not the items that come at once\n{difference}"));
    } else if whole.items != walked.items {
        section.mismatch(format!("{what}: the same keys with other fields than at once"));
    }
    for fault in &walked.faults {
        section.mismatch(format!("{what}: {fault}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::gaps::Row;
    use super::*;
    use serde_json::json;

    fn expected(keys: &[&str]) -> Expected {
        let rows = keys.iter().map(|key| Row { key: (*key).to_owned(), facts: vec![("commits", "2".to_owned())] });
        let counts = BTreeMap::from([("by_type".to_owned(), BTreeMap::from([("Epic".to_owned(), keys.len() as u64)]))]);
        Expected { counts, rows: rows.collect() }
    }

    fn listing(keys: &[&str]) -> Listing {
        let item = |(at, key): (usize, &&str)| json!({"key": key, "commits": 2, "significance": 9.5 - at as f64});
        Listing {
            total: keys.len() as u64,
            counts: BTreeMap::from([("by_type".to_owned(), BTreeMap::from([("Epic".to_owned(), keys.len() as u64)]))]),
            items: keys.iter().enumerate().map(item).collect(),
            faults: Vec::new(),
        }
    }

    fn mismatches(ours: &[&str], theirs: &Listing, by_significance: bool) -> usize {
        let mut section = Section::default();
        compare(&mut section, "x", &expected(ours), theirs, by_significance);
        section.mismatches()
    }

    #[test]
    fn order_matters_except_where_it_goes_by_significance() {
        assert_eq!(mismatches(&["A-1", "A-2"], &listing(&["A-1", "A-2"]), false), 0);
        assert_eq!(mismatches(&["A-1", "A-2"], &listing(&["A-2", "A-1"]), false), 1);
        assert_eq!(mismatches(&["A-1", "A-2"], &listing(&["A-2", "A-1"]), true), 0);
        let mut rising = listing(&["A-1", "A-2"]);
        rising.items.reverse();
        assert_eq!(mismatches(&["A-1", "A-2"], &rising, true), 1);
    }

    #[test]
    fn totals_counts_and_facts_are_compared() {
        let mut other = listing(&["A-1", "A-2"]);
        other.total = 1;
        other.counts.clear();
        other.items[0]["commits"] = json!(3);
        assert_eq!(mismatches(&["A-1", "A-2"], &other, false), 3);
        let mut zero = listing(&["A-1"]);
        zero.counts.entry("by_type".to_owned()).or_default().insert("Story".to_owned(), 0);
        assert_eq!(mismatches(&["A-1"], &zero, false), 0);
    }

    #[test]
    fn a_walk_gives_the_whole() {
        let mut section = Section::default();
        compare_walk(&mut section, "x", &listing(&["A-1", "A-2"]), &listing(&["A-1", "A-2"]));
        assert_eq!(section.mismatches(), 0);
        compare_walk(&mut section, "x", &listing(&["A-1", "A-2"]), &listing(&["A-1"]));
        assert_eq!(section.mismatches(), 3, "total, counts and items");
    }

    #[test]
    fn every_instant_is_asked_eight_questions() {
        assert_eq!(Case::all(&[Timestamp::UNIX_EPOCH, Timestamp::MAX]).len(), 16);
    }
}
