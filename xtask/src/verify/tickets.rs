//! The ticket file: Jira's REST JSON as one document, an array, or one issue a line; compressed or not.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde_json::Value;

use super::keys::Key;

/// What the gap analyses look at in a ticket.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) key: Key,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) done: bool,
    pub(crate) resolution: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) assignee: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// All tickets of a file. Of a ticket that stands there twice, the later line is the newer state.
pub(crate) fn read(file: &Path) -> Result<BTreeMap<Key, Ticket>> {
    let mut bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
        bytes = plain;
    }
    let text = String::from_utf8(bytes).context("the ticket file is not UTF-8")?;
    parse(&text).with_context(|| format!("cannot read the tickets in {}", file.display()))
}

fn parse(text: &str) -> Result<BTreeMap<Key, Ticket>> {
    let mut tickets = BTreeMap::new();
    // A stream of documents covers all three shapes.
    for document in serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}')).into_iter::<Value>() {
        let document = document.context("this is no JSON; CSV exports are not compared yet")?;
        let issues = match &document {
            Value::Array(issues) => issues.as_slice(),
            Value::Object(object) => match object.get("issues") {
                Some(Value::Array(issues)) => issues.as_slice(),
                _ => std::slice::from_ref(&document),
            },
            _ => bail!("neither an issue nor a list of issues"),
        };
        for issue in issues {
            let ticket = ticket(issue)?;
            tickets.insert(ticket.key.clone(), ticket);
        }
    }
    Ok(tickets)
}

fn ticket(issue: &Value) -> Result<Ticket> {
    let key = issue["key"].as_str().and_then(Key::parse).with_context(|| format!("no key: {}", issue["key"]))?;
    let fields = &issue["fields"];
    let name = |field: &str| fields[field]["name"].as_str().map(str::to_owned);
    let person = &fields["assignee"];
    let assignee = ["displayName", "name", "emailAddress"].iter().find_map(|field| person[*field].as_str());
    let instant = |field: &str| -> Result<Timestamp> {
        let text = fields[field].as_str().with_context(|| format!("{key} has no `{field}`"))?;
        let exact: Timestamp = text.parse().with_context(|| format!("{key}: `{field}` is `{text}`"))?;
        // The program's instants are whole seconds, as git's are (its `model/src/time.rs`); the contract leaves that open.
        Timestamp::from_second(exact.as_second()).with_context(|| format!("{key}: `{field}` is `{text}`"))
    };
    Ok(Ticket {
        kind: name("issuetype").unwrap_or_default(),
        status: name("status").unwrap_or_default(),
        done: fields["status"]["statusCategory"]["key"] == "done",
        resolution: name("resolution"),
        // Jira's own word for "none was chosen".
        priority: name("priority").filter(|name| !name.eq_ignore_ascii_case("none")),
        assignee: assignee.map(str::to_owned),
        created: instant("created")?,
        updated: instant("updated")?,
        key,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const ONE: &str = r#"{"key":"APP-1","fields":{"created":"2012-05-16T07:56:13.250+0000",
        "updated":"2014-06-22T13:23:11.000+0530","issuetype":{"name":"Story"},"priority":{"name":"None"},
        "status":{"name":"Closed","statusCategory":{"key":"done"}},"resolution":{"name":"Won't Fix"},
        "assignee":{"name":"tl","displayName":"Tony"}}}"#;

    #[test]
    fn the_three_shapes_give_the_same_tickets() {
        let other = ONE.replace("APP-1", "APP-2");
        for text in [format!("{ONE}\n{other}\n"), format!("[{ONE},{other}]"), format!("{{\"issues\":[{ONE},{other}]}}")]
        {
            let tickets = parse(&text).unwrap();
            assert_eq!(tickets.keys().map(ToString::to_string).collect::<Vec<_>>(), ["APP-1", "APP-2"]);
        }
    }

    #[test]
    fn a_ticket_is_read_with_its_instants_and_without_the_priority_none() {
        let tickets = parse(ONE).unwrap();
        let ticket = tickets.values().next().unwrap();
        assert_eq!(ticket.created.as_millisecond(), 1_337_154_973_000, "in whole seconds");
        assert_eq!(ticket.updated.to_string(), "2014-06-22T07:53:11Z");
        assert!(ticket.done && ticket.priority.is_none());
        assert_eq!((ticket.assignee.as_deref(), ticket.resolution.as_deref()), (Some("Tony"), Some("Won't Fix")));
    }

    #[test]
    fn what_is_no_ticket_file_is_refused() {
        assert!(parse("Issue key,Summary\n").is_err());
        assert!(parse("{\"key\":\"x\"}").is_err());
    }
}
