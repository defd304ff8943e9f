//! Jira's field values, which differ between Server, Cloud, its REST versions and hand-made exports: a name may be a
//! string or an object that has one, a key likewise, a text wiki markup or a document.

use docassist_model::{Account, TicketKey, Timestamp};
use serde_json::{Map, Value};

use super::{adf, date, wiki};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// What a value is, for people.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A scalar as text, trimmed; `None` when empty.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text as one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name of a thing: itself, or what an object calls itself.
pub(super) fn name(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) => ["name", "value", "displayName", "label", "key", "id"]
            .iter()
            .find_map(|member| object.get(*member).and_then(text)),
        other => text(other),
    }
}

/// The names in a list, or of a single value.
pub(super) fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(name).collect(),
        single => name(single).into_iter().collect(),
    }
}

/// A ticket key: itself, or an object's `key`.
pub(super) fn ticket_key(value: &Value) -> Option<TicketKey> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Object(object) => object.get("key")?.as_str()?.parse().ok(),
        _ => None,
    }
}

/// An account: a login or name, or an object of Jira Server or Cloud.
pub(super) fn account(value: &Value) -> Option<Account> {
    let Value::Object(object) = value else {
        let name = text(value)?;
        return (!name.eq_ignore_ascii_case("unassigned")).then_some(Account { name, email: None });
    };
    let first = |members: &[&str]| members.iter().find_map(|member| object.get(*member).and_then(text));
    let email = first(&["emailAddress", "email"]).filter(|address| address.contains('@'));
    let name = first(&["displayName", "name", "accountId", "key"])
        .or_else(|| email.clone())
        .filter(|name| !name.is_empty())?;
    Some(Account { name, email })
}

/// An instant: a date in any of Jira's forms, or a number of milliseconds or seconds since the epoch.
pub(super) fn instant(value: &Value) -> Result<Timestamp, String> {
    match value {
        Value::String(text) => date::parse(text).map_err(|error| error.to_string()),
        Value::Number(number) => {
            let number = number.as_i64().ok_or_else(|| format!("`{number}` is no instant"))?;
            // Seconds reach this in the year 5138, milliseconds did in 1973.
            let seconds = if number.unsigned_abs() >= 100_000_000_000 { number.div_euclid(1000) } else { number };
            Ok(Timestamp::from_unix(seconds))
        }
        other => Err(format!("{} is no instant", kind(other))),
    }
}

/// A rich text as Markdown: wiki markup, or a document, which some exporters write as a string.
pub(super) fn markdown(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim_start().starts_with("{\"") && text.contains("\"doc\"") => {
            match serde_json::from_str::<Value>(text) {
                Ok(document) if adf::is_document(&document) => adf::to_markdown(&document),
                _ => wiki::to_markdown(text),
            }
        }
        Value::String(text) => wiki::to_markdown(text),
        Value::Object(_) => adf::to_markdown(value),
        Value::Array(items) => {
            items.iter().map(markdown).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
        }
        other => text(other).unwrap_or_default(),
    }
}

/// Whether nothing is said.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
