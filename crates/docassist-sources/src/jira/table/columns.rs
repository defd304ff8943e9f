//! What the columns of a CSV export mean, by the names that Jira gives them in English.

use csv::ByteRecord;
use docassist_model::LinkDirection;

use crate::jira::value::one_line;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) field: Field,
    /// The name under which custom values are kept.
    pub(super) name: String,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Key,
    Id,
    Summary,
    Description,
    Type,
    Status,
    StatusCategory,
    Priority,
    Assignee,
    AssigneeId,
    Reporter,
    ReporterId,
    Created,
    Updated,
    Resolved,
    Resolution,
    Parent,
    Epic,
    Label,
    Component,
    FixVersion,
    AffectsVersion,
    Link {
        kind: String,
        direction: LinkDirection,
    },
    Comment,
    /// Said by another column as well.
    Ignored,
    Custom,
}

/// A header of more columns is none; Jira writes some hundreds.
const MAX_COLUMNS: usize = 20_000;

/// The columns of a header.
pub(super) fn read(header: &ByteRecord) -> Vec<Column> {
    header.iter().take(MAX_COLUMNS).map(|name| column(&one_line(&String::from_utf8_lossy(name)))).collect()
}

fn column(name: &str) -> Column {
    let lower = name.to_lowercase();
    let field = match lower.as_str() {
        "issue key" | "key" | "work item key" => Field::Key,
        "issue id" | "work item id" => Field::Id,
        "summary" => Field::Summary,
        "description" => Field::Description,
        "issue type" | "issuetype" | "type" | "work type" => Field::Type,
        "status" => Field::Status,
        "status category" => Field::StatusCategory,
        "priority" => Field::Priority,
        "assignee" => Field::Assignee,
        "assignee id" => Field::AssigneeId,
        "reporter" => Field::Reporter,
        "reporter id" => Field::ReporterId,
        "created" => Field::Created,
        "updated" => Field::Updated,
        "resolved" | "resolution date" => Field::Resolved,
        "resolution" => Field::Resolution,
        "parent" | "parent id" | "parent key" => Field::Parent,
        "parent summary" => Field::Ignored,
        "epic link" | "custom field (epic link)" => Field::Epic,
        "label" | "labels" => Field::Label,
        "component" | "components" | "component/s" => Field::Component,
        "fix version" | "fix versions" | "fix version/s" => Field::FixVersion,
        "affects version" | "affects versions" | "affects version/s" => Field::AffectsVersion,
        "comment" | "comments" => Field::Comment,
        // Both ends of a sub-task are told by the parent.
        "sub-task id" | "sub-tasks" | "subtasks" => Field::Ignored,
        _ => link(name).unwrap_or(Field::Custom),
    };
    let custom = inside(name, "custom field (").unwrap_or(name);
    Column { field, name: custom.to_owned() }
}

/// `Inward issue link (Blocks)`.
fn link(name: &str) -> Option<Field> {
    let (kind, direction) = inside(name, "inward issue link (")
        .map(|kind| (kind, LinkDirection::Inward))
        .or_else(|| inside(name, "outward issue link (").map(|kind| (kind, LinkDirection::Outward)))?;
    Some(Field::Link { kind: kind.to_owned(), direction })
}

/// What stands between `start`, in any case, and the closing parenthesis at the end.
fn inside<'a>(name: &'a str, start: &str) -> Option<&'a str> {
    let head = name.get(..start.len())?;
    let inside = name.get(start.len()..)?.strip_suffix(')')?.trim();
    (head.eq_ignore_ascii_case(start) && !inside.is_empty()).then_some(inside)
}

/// The delimiter that divides the header, and the length of a `sep=;` line before it, which tells Excel.
pub(super) fn delimiter(head: &[u8]) -> (u8, usize) {
    if let Some(rest) = head.strip_prefix(b"sep=")
        && let [delimiter @ (b',' | b';' | b'\t' | b'|'), end @ ..] = rest
    {
        let line_break = if end.starts_with(b"\r\n") { 2 } else { usize::from(end.starts_with(b"\n")) };
        return (*delimiter, 5 + line_break);
    }
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for &byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if !quoted => counts.iter_mut().filter(|(delimiter, _)| *delimiter == byte).for_each(|(_, n)| *n += 1),
            _ => {}
        }
    }
    // Of equal counts the first is taken, so that a header of one column is read as commas.
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    (best.map_or(b',', |(delimiter, _)| *delimiter), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_told_by_jiras_names() {
        assert_eq!(column("Issue key").field, Field::Key);
        assert_eq!(column("Fix Version/s").field, Field::FixVersion);
        let link = Field::Link { kind: "Blocks".to_owned(), direction: LinkDirection::Outward };
        assert_eq!(column("Outward issue link (Blocks)").field, link);
        assert_eq!(column("Custom field (Story Points)").name, "Story Points");
        assert_eq!(column("Custom field (A (b))").name, "A (b)");
        assert_eq!(column("Custom field (Epic Link)").field, Field::Epic);
        assert_eq!(column("Votes"), Column { field: Field::Custom, name: "Votes".to_owned() });
    }

    #[test]
    fn the_delimiter_is_the_one_that_divides_the_header() {
        assert_eq!(delimiter(b"Summary,Issue key\n;;;;;"), (b',', 0));
        assert_eq!(delimiter(b"Summary;Issue key\n"), (b';', 0));
        assert_eq!(delimiter(b"\"a,b,c\"\tIssue key\n"), (b'\t', 0));
        assert_eq!(delimiter(b"sep=;\r\nSummary"), (b';', 7));
        assert_eq!(delimiter(b"Key"), (b',', 0));
    }
}
