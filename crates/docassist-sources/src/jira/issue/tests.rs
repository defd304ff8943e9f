#![expect(clippy::needless_pass_by_value, reason = "`json!` literals read better without a borrow")]

use super::*;
use docassist_model::Account;
use serde_json::json;

fn read(issue: Value) -> Ticket {
    ticket(issue, &FieldNames::default()).unwrap()
}

fn with(fields: Value) -> Ticket {
    let mut all = json!({"created": "2020-01-01"});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    read(json!({"key": "A-1", "fields": all}))
}

fn refused(issue: Value) -> (Option<String>, String) {
    let Refusal { key, reason } = ticket(issue, &FieldNames::default()).unwrap_err();
    (key, reason)
}

#[test]
fn server_cloud_and_flat_issues_are_the_same_ticket() {
    let server = json!({"id": "7", "key": "a-1", "fields": {
        "summary": " One\n line ", "description": "*bold*", "created": "2020-01-01T00:00:00.000+0000",
        "issuetype": {"name": "Bug"}, "priority": {"name": "High"}, "labels": ["x", "y"],
        "assignee": {"name": "ann", "displayName": "Ann", "emailAddress": "ann@example.com"},
        "status": {"name": "Open", "statusCategory": {"key": "new"}}, "components": [{"name": "Core"}],
        "comment": {"comments": [{"author": {"displayName": "Bo"}, "created": "2020-01-02", "body": "{{x}}"}]},
    }});
    let cloud = json!({"id": "7", "key": "A-1", "fields": {
        "summary": "One line", "created": "2020-01-01T01:00:00.000+0100",
        "description": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
            {"type": "text", "text": "bold", "marks": [{"type": "strong"}]}]}]},
        "issuetype": {"name": "Bug", "hierarchyLevel": 0}, "priority": {"name": "High"}, "labels": ["x", "y"],
        "assignee": {"accountId": "5b", "displayName": "Ann", "emailAddress": "ann@example.com"},
        "status": {"name": "Open", "statusCategory": {"id": 2}}, "components": [{"name": "Core"}],
        "comment": {"comments": [{"author": {"displayName": "Bo"}, "created": "2020-01-02", "body": {
            "type": "doc", "content": [{"type": "paragraph", "content": [
                {"type": "text", "text": "x", "marks": [{"type": "code"}]}]}]}}]},
    }});
    let flat = json!({"id": "7", "key": "A-1", "summary": "One line", "description": "*bold*",
        "created": 1_577_836_800_000_i64, "type": "Bug", "priority": "High", "labels": "x y",
        "assignee": {"displayName": "Ann", "email": "ann@example.com"}, "status": "Open", "components": ["Core"],
        "comments": [{"author": "Bo", "created": "2020-01-02", "body": "{{x}}"}],
    });
    let expected = read(server);
    assert_eq!(expected.summary, "One line");
    assert_eq!(expected.description, "**bold**");
    assert_eq!(expected.comments[0].body, "`x`");
    assert_eq!(expected.assignee, Some(Account { name: "Ann".into(), email: Some("ann@example.com".into()) }));
    assert_eq!(expected.updated, expected.created);
    assert_eq!(expected.custom.keys().collect::<Vec<_>>(), ["id"]);
    assert_eq!(read(cloud), expected);
    assert_eq!(read(flat), expected);
}

#[test]
fn an_issue_without_key_or_created_date_is_refused_with_its_reason() {
    assert_eq!(refused(json!({"fields": {}})), (None, "it has no key".into()));
    assert_eq!(refused(json!({"key": 5})), (None, "its key is a number".into()));
    assert_eq!(refused(json!({"key": "nope"})), (Some("nope".into()), "`nope` is no ticket key (like ALOY-12)".into()));
    assert_eq!(refused(json!({"key": "A-1", "fields": {}})), (Some("A-1".into()), "no created date".into()));
    assert_eq!(refused(json!({"key": "A-1", "fields": [1]})), (Some("A-1".into()), "its fields are a list".into()));
    assert_eq!(refused(json!([])), (None, "a list where an issue should be".into()));
    let (_, reason) = refused(json!({"key": "A-1", "created": {"x": 1}}));
    assert_eq!(reason, "no created date: an object is no instant");
    let (_, reason) = refused(json!({"errorMessages": ["Issue does not exist."], "errors": {}}));
    assert_eq!(reason, "it is Jira's answer to a failed request: Issue does not exist.");
}

#[test]
fn odd_types_cost_their_field_alone() {
    let odd = with(json!({
        "summary": 404, "description": ["a", 7], "status": [], "priority": true, "assignee": {}, "reporter": "unassigned",
        "labels": [1, null, {"name": "l"}], "components": "Core", "fixVersions": null, "issuelinks": {"a": 1},
        "comment": [null, "text", 3], "parent": 9, "resolution": {}, "updated": "soon", "resolutiondate": [],
    }));
    assert_eq!(odd.summary, "404");
    assert_eq!(odd.description, "a\n\n7");
    assert_eq!((odd.status.as_str(), odd.priority, odd.assignee, odd.reporter), ("", Some("true".into()), None, None));
    assert_eq!(odd.labels, ["1", "l"]);
    assert_eq!(odd.components, ["Core"]);
    assert_eq!(odd.comments.len(), 1);
    assert_eq!((odd.parent, odd.resolution, odd.resolved), (None, None, None));
    assert_eq!(odd.updated, odd.created);
    assert_eq!(odd.links, []);
}

#[test]
fn categories_are_read_or_guessed() {
    use StatusCategory::{Done, InProgress, ToDo};
    for (fields, expected) in [
        (json!({"status": {"name": "X", "statusCategory": {"key": "indeterminate"}}}), InProgress),
        (json!({"status": {"name": "Open", "statusCategory": {"name": "Done"}}}), Done),
        (json!({"status": {"name": "Closed", "statusCategory": {"key": "undefined"}}}), Done),
        (json!({"status": "X", "statusCategory": "In Progress"}), InProgress),
        (json!({"status": "RESOLVED"}), Done),
        (json!({"status": "Not done"}), ToDo),
        (json!({"status": "Abandoned"}), ToDo),
        (json!({"status": "Code Review"}), InProgress),
        (json!({"status": "Selected for Development"}), ToDo),
        (json!({"status": "In Development"}), InProgress),
        (json!({"status": "X", "resolution": {"name": "Fixed"}}), Done),
        (json!({"status": "X", "resolution": "Unresolved"}), ToDo),
        (json!({}), ToDo),
    ] {
        assert_eq!(with(fields.clone()).category, expected, "{fields}");
    }
}

#[test]
fn links_say_which_end_the_ticket_is() {
    let linked = with(json!({"issuelinks": [
        {"type": {"name": "Blocks", "inward": "is blocked by"}, "outwardIssue": {"key": "B-1"}},
        {"type": {"name": "Blocks"}, "inwardIssue": {"key": "B-2"}},
        {"type": "Relates", "outwardIssue": "b-3"},
        {"type": {"name": "Blocks"}, "outwardIssue": {"key": "no key"}},
    ]}));
    let ends: Vec<_> =
        linked.links.iter().map(|link| (link.kind.as_str(), link.direction, link.key.as_str())).collect();
    let expected = [
        ("Blocks", LinkDirection::Outward, "B-1"),
        ("Blocks", LinkDirection::Inward, "B-2"),
        ("Relates", LinkDirection::Outward, "B-3"),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn parents_and_epics_are_found_where_jira_keeps_them() {
    let key = |ticket: Option<TicketKey>| ticket.map(String::from);
    assert_eq!(key(with(json!({"parent": {"key": "A-9"}})).parent).as_deref(), Some("A-9"));
    for fields in [
        json!({"epic": {"key": "A-8", "name": "E"}}),
        json!({"epic": "A-8"}),
        json!({"customfield_10008": "A-8"}),
        json!({"customfield_10014": "A-8", "customfield_10008": null}),
        json!({"parent": {"key": "A-8", "fields": {"issuetype": {"name": "Epic"}}}}),
    ] {
        let ticket = with(fields.clone());
        assert_eq!(key(ticket.epic).as_deref(), Some("A-8"), "{fields}");
        assert!(ticket.custom.is_empty(), "{fields}");
    }
    let other = with(json!({"customfield_10008": "no key", "customfield_10015": "A-8"}));
    assert_eq!((other.epic, other.custom.len()), (None, 2));
}

#[test]
fn names_give_custom_fields_their_names() {
    let names = field_names(&json!({"customfield_1": "Team", "customfield_2": "Epic Link", "environment": "Umgebung"}));
    let issue = json!({"key": "A-1", "self": "…", "ghissue": "x", "fields": {"created": "2020-01-01", "customfield_1": {"value": "Core", "self": "…"},
        "customfield_2": "A-7", "customfield_3": 1.5, "environment": "prod", "votes": null, "subtasks": [{"key": "A-2"}]}});
    let ticket = ticket(issue, &names).unwrap();
    assert_eq!(ticket.epic.unwrap().as_str(), "A-7");
    let custom = json!({"Team": {"value": "Core"}, "customfield_3": 1.5, "environment": "prod", "ghissue": "x"});
    assert_eq!(serde_json::to_value(ticket.custom).unwrap(), custom);
}

#[test]
fn a_priority_of_none_is_none() {
    assert_eq!(with(json!({"priority": {"name": "None"}})).priority, None);
}
