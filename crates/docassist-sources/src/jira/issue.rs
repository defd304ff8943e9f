//! One issue of Jira's REST interface as a ticket.

use docassist_model::{Comment, LinkDirection, StatusCategory, Ticket, TicketKey, TicketLink};
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::custom::CustomFields;
use super::value::{self, Object};

/// Field ids and what people call them, from a wrapper's or an issue's `names`.
pub(super) type FieldNames = FxHashMap<String, String>;

/// Where Jira Software keeps the epic: Server and Cloud, unless somebody changed it, and then `names` tells.
const EPIC_LINK: [&str; 2] = ["customfield_10008", "customfield_10014"];

/// Beside `fields`: presentation and schema. `names` is read where it helps.
const NOT_FIELDS: [&str; 10] = [
    "self",
    "expand",
    "names",
    "schema",
    "renderedFields",
    "transitions",
    "operations",
    "editmeta",
    "versionedRepresentations",
    "fieldsToInclude",
];

/// Why an issue is no ticket, and its key where it has one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) key: Option<String>,
    pub(super) reason: String,
}

/// Reads `{"key": …, "fields": {…}}`, or an object with the fields beside the key.
pub(super) fn ticket(issue: Value, names: &FieldNames) -> Result<Ticket, Refusal> {
    let mut issue = match issue {
        Value::Object(issue) => issue,
        other => {
            return Err(Refusal { key: None, reason: format!("{} where an issue should be", value::kind(&other)) });
        }
    };
    let own_names = issue.get("names").map(field_names);
    let names = own_names.as_ref().unwrap_or(names);
    let key = key(&issue)?;
    let refuse = |reason| Refusal { key: Some(key.to_string()), reason };
    let mut fields = match issue.shift_remove("fields") {
        Some(Value::Object(fields)) => fields,
        Some(other) if !value::is_empty(&other) => {
            return Err(refuse(format!("its fields are {}", value::kind(&other))));
        }
        _ => std::mem::take(&mut issue),
    };
    // What stands beside `fields` is a field too, where it is none of Jira's own parts.
    for (name, value) in issue {
        fields.entry(name).or_insert(value);
    }
    fields.shift_remove("key");
    for name in NOT_FIELDS {
        fields.shift_remove(name);
    }

    let created = match take(&mut fields, &["created", "createdAt", "created_at", "creationDate"]) {
        Some(value) => value::instant(&value).map_err(|error| refuse(format!("no created date: {error}")))?,
        None => return Err(refuse("no created date".to_owned())),
    };
    let date = |value: Option<Value>| value.and_then(|value| value::instant(&value).ok());
    let updated = date(take(&mut fields, &["updated", "updatedAt", "updated_at"])).unwrap_or(created);
    let resolved = date(take(&mut fields, &["resolutiondate", "resolutionDate", "resolved", "resolvedAt"]));
    let resolution = take(&mut fields, &["resolution"])
        .and_then(|value| value::name(&value))
        .filter(|name| !name.eq_ignore_ascii_case("unresolved"));
    let status_value = take(&mut fields, &["status"]).unwrap_or_default();
    let beside = take(&mut fields, &["statusCategory"]);
    let status = value::name(&status_value).unwrap_or_default();
    let category = status_value
        .get("statusCategory")
        .or(beside.as_ref())
        .and_then(category)
        .unwrap_or_else(|| guess_category(&status, resolution.is_some() || resolved.is_some()));
    let parent_value = take(&mut fields, &["parent"]);
    let parent = parent_value.as_ref().and_then(value::ticket_key);
    let epic =
        epic(&mut fields, names).or_else(|| parent.clone().filter(|_| parent_value.as_ref().is_some_and(is_epic)));
    let mut list = |aliases: &[&str]| take(&mut fields, aliases).map(|value| value::names(&value)).unwrap_or_default();
    let components = list(&["components", "component"]);
    let fix_versions = list(&["fixVersions", "fixVersion"]);
    let affects_versions = list(&["versions", "affectedVersions", "affectsVersions"]);
    let labels = take(&mut fields, &["labels"]).map(|value| labels(&value)).unwrap_or_default();
    // A sub-task names its parent; the parent's list says the same again.
    fields.shift_remove("subtasks");

    Ok(Ticket {
        summary: take(&mut fields, &["summary", "title"])
            .and_then(|value| value::name(&value))
            .map(|text| value::one_line(&text))
            .unwrap_or_default(),
        description: take(&mut fields, &["description"]).map(|value| value::markdown(&value)).unwrap_or_default(),
        type_name: take(&mut fields, &["issuetype", "issueType", "issue_type", "type"])
            .and_then(|value| value::name(&value))
            .unwrap_or_default(),
        status,
        category,
        priority: take(&mut fields, &["priority"]).and_then(|value| priority(value::name(&value))),
        assignee: take(&mut fields, &["assignee"]).and_then(|value| value::account(&value)),
        reporter: take(&mut fields, &["reporter"]).and_then(|value| value::account(&value)),
        created,
        updated,
        resolved,
        resolution,
        parent,
        epic,
        labels,
        components,
        fix_versions,
        affects_versions,
        links: take(&mut fields, &["issuelinks", "issueLinks", "links"]).map(|value| links(&value)).unwrap_or_default(),
        comments: take(&mut fields, &["comment", "comments"]).map(|value| comments(&value)).unwrap_or_default(),
        custom: custom(fields, names),
        key,
    })
}

/// The names in a `names` object.
pub(super) fn field_names(value: &Value) -> FieldNames {
    let members = value.as_object().into_iter().flatten();
    members.filter_map(|(id, name)| Some((id.clone(), name.as_str()?.trim().to_owned()))).collect()
}

/// A priority's name, unless it is literally "None".
pub(super) fn priority(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.eq_ignore_ascii_case("none"))
}

/// A category by its key, id or English name.
pub(super) fn category(value: &Value) -> Option<StatusCategory> {
    let words = match value {
        Value::Object(object) => ["key", "name", "id"].map(|member| object.get(member).and_then(value::text)),
        other => [value::text(other), None, None],
    };
    words.into_iter().flatten().find_map(|word| match word.to_ascii_lowercase().as_str() {
        "new" | "to do" | "todo" | "2" => Some(StatusCategory::ToDo),
        "indeterminate" | "in progress" | "4" => Some(StatusCategory::InProgress),
        "done" | "complete" | "3" => Some(StatusCategory::Done),
        _ => None,
    })
}

/// The category that a status most likely has, where the export does not say.
pub(super) fn guess_category(status: &str, is_resolved: bool) -> StatusCategory {
    const DONE: [&str; 10] = [
        "done",
        "closed",
        "resolved",
        "complete",
        "completed",
        "fixed",
        "released",
        "cancelled",
        "canceled",
        "rejected",
    ];
    const IN_PROGRESS: [&str; 4] = ["progress", "review", "testing", "implementing"];
    let status = status.to_lowercase();
    // Only whole words count ("abandoned" is not "done"), and a negation undoes them ("not done").
    let has_word = |words: &[&str]| status.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word));
    let negated = has_word(&["not", "partially"]);
    if has_word(&DONE) && !negated {
        StatusCategory::Done
    } else if (has_word(&IN_PROGRESS) || status.contains("in development")) && !negated {
        StatusCategory::InProgress
    } else if is_resolved {
        StatusCategory::Done
    } else {
        StatusCategory::ToDo
    }
}

fn key(issue: &Object) -> Result<TicketKey, Refusal> {
    let refuse = |key, reason| Err(Refusal { key, reason });
    match issue.get("key") {
        Some(Value::String(text)) => match text.parse() {
            Ok(key) => Ok(key),
            Err(error) => refuse(Some(text.chars().take(80).collect()), error.to_string()),
        },
        Some(Value::Null) | None => {
            let messages = issue.get("errorMessages").map(value::names).unwrap_or_default();
            let reason = if messages.is_empty() {
                "it has no key".to_owned()
            } else {
                format!("it is Jira's answer to a failed request: {}", value::one_line(&messages.join("; ")))
            };
            refuse(None, reason)
        }
        Some(other) => refuse(None, format!("its key is {}", value::kind(other))),
    }
}

/// Takes the first of `aliases` that has a value; the others of them that are there are dropped when empty.
fn take(fields: &mut Object, aliases: &[&str]) -> Option<Value> {
    let name = aliases.iter().find(|name| fields.get(**name).is_some_and(|value| !value.is_null()))?;
    fields.get_mut(*name).map(Value::take)
}

fn labels(value: &Value) -> Vec<String> {
    match value {
        // A label has no spaces.
        Value::String(text) => text.split([' ', ',']).filter(|label| !label.is_empty()).map(str::to_owned).collect(),
        other => value::names(other),
    }
}

/// The epic: the agile field, the common custom fields, or the one that `names` calls so.
fn epic(fields: &mut Object, names: &FieldNames) -> Option<TicketKey> {
    let mut found = None;
    let named = names.iter().filter(|(_, name)| name.eq_ignore_ascii_case("epic link")).map(|(id, _)| id.as_str());
    let candidates = ["epic", "Epic Link", "epicLink"].into_iter().chain(named).chain(EPIC_LINK);
    for name in candidates {
        if let Some(key) = fields.get(name).and_then(value::ticket_key) {
            fields.shift_remove(name);
            found = found.or(Some(key));
        }
    }
    found
}

/// Whether a parent is an epic, as Jira Cloud has it.
fn is_epic(parent: &Value) -> bool {
    let kind = parent.pointer("/fields/issuetype");
    kind.and_then(value::name).is_some_and(|name| name.eq_ignore_ascii_case("epic"))
        || kind.and_then(|kind| kind.get("hierarchyLevel")).and_then(Value::as_i64) == Some(1)
}

fn links(value: &Value) -> Vec<TicketLink> {
    let items = value.as_array().into_iter().flatten();
    let ends = |link: &Value| {
        let kind = link.get("type").and_then(value::name).unwrap_or_default();
        [("outwardIssue", LinkDirection::Outward), ("inwardIssue", LinkDirection::Inward)].map(|(member, direction)| {
            let key = link.get(member).and_then(value::ticket_key)?;
            Some(TicketLink { kind: kind.clone(), direction, key })
        })
    };
    items.flat_map(ends).flatten().collect()
}

fn comments(value: &Value) -> Vec<Comment> {
    let list = match value {
        Value::Object(page) => page.get("comments").and_then(Value::as_array),
        other => other.as_array(),
    };
    let comment = |value: &Value| match value {
        Value::Object(comment) => Some(Comment {
            author: comment.get("author").and_then(value::account),
            created: comment.get("created").and_then(|value| value::instant(value).ok()),
            body: comment.get("body").or_else(|| comment.get("text")).map(value::markdown).unwrap_or_default(),
        }),
        Value::String(text) => {
            Some(Comment { author: None, created: None, body: value::markdown(&text.as_str().into()) })
        }
        _ => None,
    };
    list.into_iter().flatten().filter_map(comment).collect()
}

fn custom(fields: Object, names: &FieldNames) -> std::collections::BTreeMap<String, Value> {
    let mut custom = CustomFields::default();
    for (id, value) in fields {
        // Only ids need a name; `names` has one for `environment` as well, in the site's language.
        let name =
            if id.starts_with("customfield_") { names.get(&id).map_or(id.as_str(), String::as_str) } else { &id };
        custom.add(name, &id, value);
    }
    custom.into_values()
}

#[cfg(test)]
mod tests;
