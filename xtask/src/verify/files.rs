//! Compares file histories and co-change for a sample of files.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::Value;

use super::history::{Partner, Timeline};
use super::product::Product;
use super::report::{Section, list_difference};

/// So many partners are compared.
const PARTNERS: usize = 20;
/// The program may round a confidence to three places.
const ROUNDING: f64 = 0.000_501;
/// More than any file's commits.
const ALL: &str = "1000000";

/// Which optional switches the program has.
pub(crate) struct Switches {
    impact_limit: bool,
    rel_limit: bool,
}

impl Switches {
    /// Asks the program's help.
    pub(crate) fn of(product: &Product) -> Self {
        Self {
            impact_limit: product.knows(&["impact", "file"], "--limit"),
            rel_limit: product.knows(&["rel", "file"], "--limit"),
        }
    }
}

/// A sample of paths that depends on nothing but the paths: a third of them renamed ones, a sixth deleted ones.
pub(crate) fn sample<'a>(timeline: &Timeline<'a>, tip: &BTreeSet<String>, count: usize) -> Vec<&'a str> {
    let mut all = timeline.paths();
    shuffle(&mut all);
    let renamed = all.iter().copied().filter(|path| timeline.was_renamed(path)).take(count.div_ceil(3));
    let deleted = all.iter().copied().filter(|path| !tip.contains(*path)).take(count.div_ceil(6));
    let mut chosen: BTreeSet<&str> = renamed.chain(deleted).take(count).collect();
    for path in all {
        if chosen.len() >= count {
            break;
        }
        chosen.insert(path);
    }
    chosen.into_iter().collect()
}

/// Fisher and Yates's shuffle with Marsaglia's generator: the same order on every machine.
fn shuffle(paths: &mut [&str]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for at in (1..paths.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        paths.swap(at, (state % (at as u64 + 1)) as usize);
    }
}

/// Asks for one file and compares: its history in the first section, co-change in the second.
pub(crate) fn compare(
    product: &Product,
    switches: &Switches,
    timeline: &Timeline<'_>,
    tip: &BTreeSet<String>,
    path: &str,
) -> (Section, Section) {
    let (mut history, mut partners) = (Section::new("file history"), Section::new("co-change"));
    (history.compared, partners.compared) = (1, 1);
    let ask = |command: &'static str, limit: Option<&'static str>| {
        let mut arguments = vec![command, "file"];
        arguments.extend(limit.into_iter().flat_map(|limit| ["--limit", limit]));
        arguments.extend(["--", path]);
        product.ask(None, &arguments).and_then(|answer| about(&answer, path))
    };
    match ask("impact", switches.impact_limit.then_some("20")) {
        Ok(answer) => {
            compare_impact(&mut history, timeline, tip, path, &answer);
            let expected = timeline.co_changed(path, &timeline.history(path));
            if let Err(error) = compare_partners(&expected, &answer["co_changed"]) {
                partners.mismatch(format!("co-change of {path}: {error:#}"));
            }
        }
        Err(error) => history.mismatch(format!("impact of {path}: {error:#}")),
    }
    match ask("rel", switches.rel_limit.then_some(ALL)) {
        Ok(answer) => compare_commits(&mut history, timeline, path, &answer["commits"]),
        Err(error) => history.mismatch(format!("relationships of {path}: {error:#}")),
    }
    (history, partners)
}

/// The part of an answer that is about the file: the answer itself, or the one entry of its list.
fn about(answer: &Value, path: &str) -> Result<Value> {
    let candidates = [Some(answer), answer.get(0), answer["items"].get(0), answer["files"].get(0)];
    let found = candidates.into_iter().flatten().find(|value| value["path"] == path).cloned();
    found.with_context(|| format!("the answer has the path {}", answer["path"]))
}

fn compare_impact(section: &mut Section, timeline: &Timeline<'_>, tip: &BTreeSet<String>, path: &str, answer: &Value) {
    let history = timeline.history(path);
    let commits = timeline.commits(&history);
    let count = match &answer["commits"] {
        Value::Array(list) => list.len() as u64,
        Value::Object(list) => list.get("total").and_then(Value::as_u64).unwrap_or(u64::MAX),
        other => other.as_u64().unwrap_or(u64::MAX),
    };
    if count != commits.len() as u64 {
        section.mismatch(format!("{path}: impact has `commits` {}, expected {}", answer["commits"], commits.len()));
    }
    for (field, commit) in [("first", commits.first()), ("last", commits.last())] {
        if let Some((time, sha)) = commit
            && !names_commit(&answer[field], *time, sha)
        {
            section.mismatch(format!("{path}: impact has `{field}` {}, expected {sha} at {time}", answer[field]));
        }
    }
    let ours: Vec<String> = history.names.iter().map(|name| (*name).to_owned()).collect();
    let names = answer["renamed_from"].as_array().map_or(&[][..], Vec::as_slice);
    let mut theirs: Vec<String> =
        names.iter().filter_map(|name| name.as_str().or_else(|| name["path"].as_str())).map(str::to_owned).collect();
    theirs.sort_unstable();
    if let Some(difference) = list_difference(&ours, &theirs) {
        section.mismatch(format!("{path}: `renamed_from`\n{difference}"));
    }
    if answer["exists"].as_bool() != Some(tip.contains(path)) {
        section.mismatch(format!("{path}: impact has `exists` {}, expected {}", answer["exists"], tip.contains(path)));
    }
}

/// Whether a field means this commit: by its sha, or by its time.
fn names_commit(value: &Value, time: i64, sha: &str) -> bool {
    match value {
        Value::String(text) if text.len() >= 7 && text.bytes().all(|b| b.is_ascii_hexdigit()) => sha.starts_with(text),
        Value::String(text) => text.parse::<Timestamp>().is_ok_and(|instant| instant.as_second() == time),
        Value::Object(object) => {
            let field = object.get("sha").or_else(|| object.get("commit")).or_else(|| object.get("time"));
            field.is_some_and(|field| names_commit(field, time, sha))
        }
        _ => false,
    }
}

fn compare_commits(section: &mut Section, timeline: &Timeline<'_>, path: &str, answer: &Value) {
    let list = answer.get("items").unwrap_or(answer).as_array().map_or(&[][..], Vec::as_slice);
    let sha = |entry: &Value| entry.as_str().or_else(|| entry["sha"].as_str()).unwrap_or("?").to_owned();
    let mut theirs: Vec<String> = list.iter().map(sha).collect();
    let mut ours: Vec<String> =
        timeline.commits(&timeline.history(path)).into_iter().map(|(_, sha)| sha.to_owned()).collect();
    // Newest first or oldest first: the contract leaves it open, but one of them it must be.
    if theirs.first() != ours.first() {
        ours.reverse();
    }
    if theirs.iter().all(|theirs| theirs.len() < 40) {
        for sha in &mut ours {
            sha.truncate(theirs.first().map_or(40, String::len));
        }
    }
    if let Some(difference) = list_difference(&ours, &theirs) {
        let kind = if same_set(&ours, &mut theirs) { "order of commits" } else { "commits" };
        section.mismatch(format!("{path}: {kind}\n{difference}"));
    }
}

fn same_set(ours: &[String], theirs: &mut Vec<String>) -> bool {
    let ours: BTreeSet<&String> = ours.iter().collect();
    theirs.sort_unstable();
    theirs.dedup();
    ours.len() == theirs.len() && theirs.iter().all(|sha| ours.contains(sha))
}

fn compare_partners(expected: &[Partner<'_>], answer: &Value) -> Result<()> {
    let list = answer.get("items").unwrap_or(answer).as_array().context("no list `co_changed`")?;
    let wanted = expected.len().min(PARTNERS);
    if list.len() < wanted || (list.len() > wanted && wanted < PARTNERS) {
        bail!("{} partners, expected {}", list.len(), expected.len());
    }
    for (at, (ours, theirs)) in expected.iter().zip(list).take(PARTNERS).enumerate() {
        let (path, together) = (theirs["path"].as_str(), theirs["together"].as_u64());
        let confidence = theirs["confidence"].as_f64().unwrap_or(f64::NAN);
        let same = path == Some(ours.path) && together == Some(ours.together as u64);
        if !same || (confidence - ours.confidence).abs() > ROUNDING || confidence.is_nan() {
            let ours = format!("{} {} {:.4}", ours.path, ours.together, ours.confidence);
            bail!(
                "place {at}\n  - expected {ours}\n  + product  {} {} {confidence}",
                theirs["path"],
                theirs["together"]
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::history;
    use super::*;
    use serde_json::json;

    const LINES: &str = "aaaaaaa0 A:a A:z\n aaaaaaa1 M:a M:z\n aaaaaaa2 R:a>b\n aaaaaaa3 M:b M:q\n aaaaaaa4 D:z";

    fn impact(answer: &Value) -> usize {
        let history = history(LINES);
        let timeline = Timeline::new(&history, i64::MAX);
        let mut section = Section::default();
        compare_impact(&mut section, &timeline, &BTreeSet::from(["b".to_owned()]), "b", answer);
        section.mismatches()
    }

    #[test]
    fn an_impact_is_judged_by_its_history() {
        let right = json!({"path": "b", "exists": true, "commits": 4, "renamed_from": ["a"],
            "first": "1970-01-01T00:00:00Z", "last": {"sha": "aaaaaaa3"}});
        assert_eq!(impact(&right), 0);
        let wrong = json!({"path": "b", "exists": false, "commits": 2, "renamed_from": [],
            "first": "aaaaaaa2", "last": "1970-01-01T00:00:04Z"});
        assert_eq!(impact(&wrong), 5);
    }

    #[test]
    fn commits_may_stand_newest_first_or_oldest_first() {
        let history = history(LINES);
        let timeline = Timeline::new(&history, i64::MAX);
        let judge = |shas: &[&str]| {
            let list: Vec<Value> = shas.iter().map(|sha| json!({ "sha": sha })).collect();
            let mut section = Section::default();
            compare_commits(&mut section, &timeline, "b", &json!({ "items": list }));
            section.mismatches()
        };
        assert_eq!(judge(&["aaaaaaa0", "aaaaaaa1", "aaaaaaa2", "aaaaaaa3"]), 0);
        assert_eq!(judge(&["aaaaaaa3", "aaaaaaa2", "aaaaaaa1", "aaaaaaa0"]), 0);
        assert_eq!(judge(&["aaaaaaa3", "aaaaaaa1", "aaaaaaa2", "aaaaaaa0"]), 1);
        assert_eq!(judge(&["aaaaaaa3", "aaaaaaa2"]), 1);
    }

    #[test]
    fn partners_are_compared_one_by_one() {
        let history = history(LINES);
        let timeline = Timeline::new(&history, i64::MAX);
        let expected = timeline.co_changed("b", &timeline.history("b"));
        let right = json!([{"path": "z", "together": 2, "confidence": 0.5},
            {"path": "q", "together": 1, "confidence": 0.25}]);
        assert!(compare_partners(&expected, &right).is_ok());
        assert!(compare_partners(&expected, &json!([right[0]])).is_err());
        assert!(compare_partners(&expected, &json!([right[1], right[0]])).is_err());
        assert!(compare_partners(&expected, &json!([right[0], {"path": "q", "together": 1}])).is_err());
    }

    #[test]
    fn a_sample_is_always_the_same_and_has_renamed_and_deleted_files() {
        let many: String = (0..100).map(|n| format!(" A:f{n}")).collect();
        let history = history(&format!("{LINES}\n c9{many}"));
        let timeline = Timeline::new(&history, i64::MAX);
        let mut tip: BTreeSet<String> = timeline.paths().into_iter().map(str::to_owned).collect();
        tip.remove("z");
        let chosen = sample(&timeline, &tip, 12);
        assert_eq!(chosen, sample(&timeline, &tip, 12));
        assert!(chosen.len() == 12 && chosen.contains(&"b") && chosen.contains(&"z"), "{chosen:?}");
        assert_eq!(sample(&timeline, &tip, 1000).len(), timeline.paths().len());
    }
}
