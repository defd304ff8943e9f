//! The tickets of the generated repository.

use serde_json::{Value, json};

const TYPES: &[&str] =
    &["Bug", "Story", "Task", "Epic", "New Feature", "Sub-task", "User story", "Improvement", "FEATURE request"];
const PRIORITIES: &[Option<&str>] = &[
    Some("High"),
    None,
    Some("Blocker"),
    Some("None"),
    Some("minor"),
    Some("P1"),
    Some("Medium"),
    Some("Lowest"),
    Some("Würdig"),
    Some("URGENT"),
];
/// Name and category of a status, and a resolution.
const STATES: &[(&str, &str, Option<&str>)] = &[
    ("Open", "new", None),
    ("Closed", "done", Some("Fixed")),
    ("In Progress", "indeterminate", None),
    ("Closed", "done", Some("Won't Fix")),
    ("Resolved", "done", Some("Cannot Reproduce")),
    ("Done", "done", None),
    ("Reopened", "new", Some("Duplicate")),
    ("Resolved", "done", Some("Won\u{2019}t Do")),
    ("Closed", "done", Some("NOT A BUG")),
    ("Wartet", "indeterminate", Some("Unresolved")),
    ("Closed", "done", Some("Works as Designed")),
];
const PEOPLE: &[Option<&str>] = &[Some("Ada Example"), None, Some("李雷"), Some("Björn Ångström"), Some("Ada Example")];
const ZONES: &[(&str, i64)] = &[("+0000", 0), ("-0800", -28_800), ("+0530", 19_800)];
const DAY: i64 = 86_400;

/// The ticket file. `times` are the commits' times: some tickets are made on the very edges of the windows that a verifier
/// looks at from a commit's instant.
pub(super) fn document(times: &[i64]) -> String {
    let mut sorted: Vec<i64> = times.to_vec();
    sorted.sort_unstable();
    let (first, span) = (sorted[0], sorted[sorted.len() - 2] - sorted[0]);
    let mut issues = Vec::new();
    for number in 1..=80_i64 {
        // From before the first commit until after the last but the one from the future.
        let created = first - 40 * DAY + (span + 80 * DAY) / 80 * ((number * 37) % 80);
        issues.push(issue("APP", number, created, created + (number % 7) * 25 * DAY, number % 3 * 250));
    }
    for number in 1..=20 {
        let created = first + number * 11 * DAY;
        issues.push(issue("WEB2", number, created, created + 5 * DAY, 0));
        issues.push(issue("X_Y", number, created, created, 999));
    }
    // One less than all: the commit from the future is later than any "now".
    let past = &sorted[..sorted.len() - 1];
    for fifth in 1..5 {
        let edge = past[past.len() * fifth / 5];
        let number = 1000 + 10 * fifth as i64;
        issues.push(issue("APP", number, edge - 90 * DAY, edge - 30 * DAY, 0));
        issues.push(issue("APP", number + 1, edge - 90 * DAY + 1, edge - 30 * DAY - 1, 0));
        issues.push(issue("APP", number + 2, edge, edge, 0));
        issues.push(issue("APP", number + 3, edge + 1, edge + 1, 0));
        issues.push(issue("APP", number + 4, edge - 30 * DAY, edge, 0));
    }
    let count = issues.len();
    json!({"startAt": 0, "maxResults": count, "total": count, "issues": issues}).to_string()
}

fn issue(project: &str, number: i64, created: i64, updated: i64, milliseconds: i64) -> Value {
    let pick = |count: usize, factor: i64| (number * factor) as usize % count;
    let (status, category, resolution) = STATES[pick(STATES.len(), 1)];
    let zone = ZONES[pick(ZONES.len(), 1)];
    let named = |name: Option<&str>| name.map(|name| json!({ "name": name }));
    let assignee = PEOPLE[pick(PEOPLE.len(), 1)].map(|name| json!({"displayName": name, "name": name.to_lowercase()}));
    json!({
        "id": number.to_string(),
        "key": format!("{project}-{number}"),
        "fields": {
            "project": {"key": project, "name": project},
            "summary": format!("{project} {number}: what to do"),
            "description": format!("Follows {project}-{} and MYAPP-3.", number + 1),
            "issuetype": {"name": TYPES[pick(TYPES.len(), 5)]},
            "status": {"name": status, "statusCategory": {"key": category}},
            "priority": named(PRIORITIES[pick(PRIORITIES.len(), 3)]),
            "resolution": named(resolution),
            "assignee": assignee,
            "created": instant(created, milliseconds, zone),
            "updated": instant(updated, milliseconds, zone),
            "comment": {"comments": []},
        }
    })
}

/// An instant as Jira writes it, in one of its servers' time zones.
fn instant(seconds: i64, milliseconds: i64, (zone, offset): (&str, i64)) -> String {
    let local = jiff::Timestamp::from_second(seconds + offset).unwrap_or_default().to_string();
    format!("{}.{milliseconds:03}{zone}", local.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_like_jiras() {
        let text = instant(1_546_387_200, 250, ("+0530", 19_800));
        assert_eq!(text, "2019-01-02T05:30:00.250+0530");
        assert_eq!(text.parse::<jiff::Timestamp>().unwrap().as_millisecond(), 1_546_387_200_250);
    }
}
