//! The generated tickets as a tracker exports them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use docassist_model::{Account, LinkDirection, StatusCategory, Ticket, Timestamp};
use serde_json::{Value, json};

use crate::records::{Shape, tickets};

/// Writes the tickets of `shape` in the form of Jira's REST interface: one issue a line where the file's name ends in
/// `.jsonl`, else one object with all of them.
///
/// # Panics
/// When the file cannot be written.
pub fn write(shape: &Shape, path: &Path) {
    let lines = path.extension().is_some_and(|extension| extension == "jsonl");
    let mut out = BufWriter::new(File::create(path).expect("the file can be made"));
    let mut put = |text: &str| out.write_all(text.as_bytes()).expect("the file can be written");
    if !lines {
        put("{\"issues\": [\n");
    }
    for (index, ticket) in tickets(shape).enumerate() {
        if index > 0 {
            put(if lines { "\n" } else { ",\n" });
        }
        put(&issue(&ticket).to_string());
    }
    put(if lines { "\n" } else { "\n]}\n" });
    out.flush().expect("the file can be written");
}

/// A ticket in the form of Jira's REST interface.
#[must_use]
pub fn issue(ticket: &Ticket) -> Value {
    let named = |names: &[String]| names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
    let (category, category_name) = match ticket.category {
        StatusCategory::ToDo => ("new", "To Do"),
        StatusCategory::InProgress => ("indeterminate", "In Progress"),
        StatusCategory::Done => ("done", "Done"),
    };
    let comments = ticket.comments.iter().map(|comment| {
        json!({
            "author": comment.author.as_ref().map(account),
            "created": comment.created.map(instant),
            "body": comment.body,
        })
    });
    let links = ticket.links.iter().map(|link| {
        let end = match link.direction {
            LinkDirection::Outward => "outwardIssue",
            LinkDirection::Inward => "inwardIssue",
        };
        json!({ "type": { "name": link.kind }, end: { "key": link.key } })
    });
    json!({
        "key": ticket.key,
        "fields": {
            "summary": ticket.summary,
            "description": ticket.description,
            "issuetype": { "name": ticket.type_name },
            "status": { "name": ticket.status, "statusCategory": { "key": category, "name": category_name } },
            "priority": ticket.priority.as_ref().map(|name| json!({ "name": name })),
            "assignee": ticket.assignee.as_ref().map(account),
            "reporter": ticket.reporter.as_ref().map(account),
            "created": instant(ticket.created),
            "updated": instant(ticket.updated),
            "resolutiondate": ticket.resolved.map(instant),
            "resolution": ticket.resolution.as_ref().map(|name| json!({ "name": name })),
            "parent": ticket.parent.as_ref().map(|key| json!({ "key": key })),
            // Where Jira Server keeps the epic unless told otherwise.
            "customfield_10008": ticket.epic,
            "labels": ticket.labels,
            "components": named(&ticket.components),
            "fixVersions": named(&ticket.fix_versions),
            "versions": named(&ticket.affects_versions),
            "issuelinks": links.collect::<Vec<_>>(),
            "comment": { "comments": comments.collect::<Vec<_>>() },
        },
    })
}

fn account(account: &Account) -> Value {
    json!({ "displayName": account.name, "emailAddress": account.email })
}

/// Jira's own form: `2012-05-16T07:56:13.000+0000`.
fn instant(time: Timestamp) -> String {
    format!("{}.000+0000", time.to_string().trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_every_ticket() {
        let folder = tempfile::tempdir().unwrap();
        let shape = Shape::small(200);
        let text = |name: &str| {
            let path = folder.path().join(name);
            write(&shape, &path);
            std::fs::read_to_string(path).unwrap()
        };
        let whole: Value = serde_json::from_str(&text("issues.json")).unwrap();
        let lines: Vec<Value> = text("issues.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(whole["issues"].as_array(), Some(&lines));
        assert_eq!(lines.len(), shape.tickets as usize);
        assert!(lines[0]["fields"]["created"].as_str().unwrap().ends_with(".000+0000"));
    }
}
