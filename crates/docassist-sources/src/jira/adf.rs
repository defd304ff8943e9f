//! Jira Cloud's documents (Atlassian Document Format) as Markdown.

mod inline;

use serde_json::Value;

use self::inline::Inline;
use super::markdown::Writer;

/// Deeper nodes give their text alone. Editors nest a handful of levels; each costs a few stack frames here.
const MAX_DEPTH: usize = 60;

/// Whether `value` is a document.
pub(super) fn is_document(value: &Value) -> bool {
    kind(value) == "doc" && value.get("content").is_some_and(Value::is_array)
}

/// Converts a document, or any of its nodes, to Markdown. What is not known gives its text.
#[must_use]
pub fn to_markdown(document: &Value) -> String {
    let mut writer = Writer::default();
    block(document, &mut writer, 0);
    writer.finish()
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn children(node: &Value) -> &[Value] {
    node.get("content").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text attribute; numbers are written out.
fn attribute(node: &Value, name: &str) -> String {
    match node.get("attrs").and_then(|attributes| attributes.get(name)) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn is_inline(node: &Value) -> bool {
    matches!(
        kind(node),
        "text"
            | "hardBreak"
            | "mention"
            | "emoji"
            | "inlineCard"
            | "date"
            | "status"
            | "placeholder"
            | "mediaInline"
            | "inlineExtension"
    )
}

/// Whether `node` stands apart from text beside it. A node that is not known does when it holds others.
fn is_block(node: &Value) -> bool {
    match kind(node) {
        "rule" | "codeBlock" | "paragraph" | "heading" | "blockCard" | "embedCard" => true,
        _ => !is_inline(node) && !children(node).is_empty(),
    }
}

fn blocks(nodes: &[Value], writer: &mut Writer, depth: usize) {
    // Text between blocks is a paragraph.
    for group in nodes.chunk_by(|a, b| !is_block(a) && !is_block(b)) {
        writer.gap();
        match group {
            [node] if is_block(node) => block(node, writer, depth),
            text => paragraph(text, writer),
        }
    }
}

fn paragraph(nodes: &[Value], writer: &mut Writer) {
    let text = inline(nodes);
    if !text.trim().is_empty() {
        writer.lines(&escape_start(&text));
    }
}

fn block(node: &Value, writer: &mut Writer, depth: usize) {
    if depth > MAX_DEPTH {
        let text = plain_text(node);
        if !text.is_empty() {
            writer.lines(&text);
        }
        return;
    }
    let content = children(node);
    match kind(node) {
        "heading" => {
            let level = attribute(node, "level").parse().unwrap_or(1_usize).clamp(1, 6);
            let title = inline(content).replace("\\\n", " ").replace('\n', " ");
            if !title.trim().is_empty() {
                writer.lines(&format!("{} {}", &"######"[..level], title.trim()));
            }
        }
        "bulletList" | "orderedList" | "taskList" | "decisionList" => list(node, writer, depth),
        "codeBlock" => writer.fence(&attribute(node, "language"), &plain_text(node)),
        "blockquote" => quote(content, None, writer, depth),
        "panel" => {
            let label = match attribute(node, "panelType").as_str() {
                "warning" => Some("Warning"),
                "error" => Some("Error"),
                "success" => Some("Success"),
                "note" => Some("Note"),
                _ => None,
            };
            quote(content, label, writer, depth);
        }
        "rule" => writer.lines("---"),
        "table" => table(node, writer, depth),
        "expand" | "nestedExpand" => {
            let title = attribute(node, "title");
            if !title.trim().is_empty() {
                writer.lines(&format!("**{}**", title.replace(['*', '\n'], " ").trim()));
            }
            blocks(content, writer, depth + 1);
        }
        // Everything else holds text or blocks and adds nothing that Markdown could say.
        _ if content.is_empty() => paragraph(std::slice::from_ref(node), writer),
        "paragraph" => paragraph(content, writer),
        _ => blocks(content, writer, depth + 1),
    }
}

fn inline(nodes: &[Value]) -> String {
    let mut inline = Inline::default();
    for node in nodes {
        if !children(node).is_empty() && !is_inline(node) {
            // A block among text.
            inline.plain(&plain_text(node));
        } else {
            inline.node(node);
        }
    }
    inline.finish()
}

fn quote(content: &[Value], label: Option<&str>, writer: &mut Writer, depth: usize) {
    writer.open_quote();
    if let Some(label) = label {
        writer.lines(&format!("**{label}**"));
        writer.gap();
    }
    blocks(content, writer, depth + 1);
    writer.close();
    writer.gap();
}

fn list(node: &Value, writer: &mut Writer, depth: usize) {
    let mut number: u32 = attribute(node, "order").parse().unwrap_or(1);
    let items = children(node);
    let mut at = 0;
    while let Some(item) = items.get(at) {
        at += 1;
        let marker = match kind(node) {
            // The writer indents by the marker's length; past 999 the numbers stay.
            "orderedList" => format!("{}. ", number.min(999)),
            _ => "- ".to_owned(),
        };
        number = number.saturating_add(1);
        writer.open_item(&marker);
        list_item(item, writer, depth);
        // A task list holds the lists within it as its own children, after the item that they belong to.
        while let Some(inner) = items.get(at).filter(|item| is_list(item)) {
            list_within(inner, writer, depth);
            at += 1;
        }
        writer.close();
    }
}

fn is_list(node: &Value) -> bool {
    kind(node).ends_with("List")
}

fn list_item(item: &Value, writer: &mut Writer, depth: usize) {
    if is_list(item) {
        return list_within(item, writer, depth);
    }
    let lead = match (kind(item), attribute(item, "state").as_str()) {
        ("taskItem", "DONE") => "[x] ",
        ("taskItem", _) => "[ ] ",
        ("decisionItem", _) => "**Decision:** ",
        _ => "",
    };
    let content = children(item);
    if content.iter().any(is_inline) {
        return writer.lines(&format!("{lead}{}", inline(content)));
    }
    for (index, child) in content.iter().enumerate() {
        // A list right after its item's first line keeps the outer list tight.
        if is_list(child) && index > 0 {
            list_within(child, writer, depth);
        } else {
            writer.gap();
            block(child, writer, depth + 1);
        }
    }
}

fn list_within(node: &Value, writer: &mut Writer, depth: usize) {
    if depth < MAX_DEPTH {
        list(node, writer, depth + 1);
    } else {
        writer.lines(&plain_text(node));
    }
}

fn table(node: &Value, writer: &mut Writer, depth: usize) {
    let rows = children(node).iter().filter(|row| kind(row) == "tableRow");
    for (index, row) in rows.enumerate() {
        let cells = children(row);
        let mut line = String::from("|");
        for cell in cells {
            line.push(' ');
            line.push_str(&cell_text(cell, depth));
            line.push_str(" |");
        }
        if index == 0 {
            let is_header = cells.iter().all(|cell| kind(cell) == "tableHeader");
            if !is_header {
                writer.lines(&format!("|{}", "  |".repeat(cells.len())));
            } else {
                writer.lines(&line);
            }
            writer.lines(&format!("|{}", " --- |".repeat(cells.len())));
            if is_header {
                continue;
            }
        }
        writer.lines(&line);
    }
}

/// A cell's blocks as one line.
fn cell_text(cell: &Value, depth: usize) -> String {
    let mut writer = Writer::default();
    // Tables do not nest in Jira; a hostile nest is copied once per level, so few levels are left to it.
    blocks(children(cell), &mut writer, (depth + 1).max(MAX_DEPTH - 10));
    let text = writer.finish();
    let lines = text.lines().map(|line| line.trim_end().trim_end_matches('\\')).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("<br>").replace('|', "\\|")
}

/// All text within a node, without recursion.
fn plain_text(node: &Value) -> String {
    let mut text = String::new();
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        match kind(node) {
            "hardBreak" => text.push('\n'),
            "text" => text.push_str(node.get("text").and_then(Value::as_str).unwrap_or_default()),
            _ => {
                text.push_str(&attribute(node, "text"));
                let content = children(node);
                // Blocks are apart from each other.
                if !content.is_empty() && !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                stack.extend(content.iter().rev());
            }
        }
    }
    text
}

/// Keeps a paragraph from beginning like a heading, a list or a quote.
fn escape_start(text: &str) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    let at = match rest.as_bytes() {
        [b'.' | b')', b' ', ..] if (1..10).contains(&digits) => digits,
        [b'-' | b'+' | b'>', b' ', ..] if digits == 0 => 0,
        [b'>', ..] if digits == 0 => 0,
        [b'#', ..] if digits == 0 && rest.trim_start_matches('#').starts_with(' ') => 0,
        _ => return text.to_owned(),
    };
    format!("{}\\{}", &text[..at], &text[at..])
}

#[cfg(test)]
mod tests;
