//! reStructuredText, with the roles and directives of Sphinx.

use rustc_hash::FxHashMap;

use super::collector::{Collector, collapse};
use super::file_reference;

/// Scans the page line by line; inline markup is read a paragraph at a time, because links span lines.
pub(super) fn scan(collector: &mut Collector<'_>) {
    let text = collector.text;
    let lines = lines_of(text);
    let targets = named_targets(&lines);
    let mut levels: Vec<(u8, bool)> = Vec::new();
    // Lines deeper than this belong to a literal block or to a directive whose content is no text.
    let mut skipped_below: Option<usize> = None;
    let mut in_toctree: Option<usize> = None;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let content = line.text.trim_end();
        if content.trim_start().is_empty() {
            at += 1;
            continue;
        }
        let indent = indent_of(content);
        if let Some(limit) = skipped_below {
            if indent > limit {
                at += 1;
                continue;
            }
            skipped_below = None;
        }
        if let Some(limit) = in_toctree {
            if indent > limit {
                toctree_entry(collector, content.trim(), line.number);
                at += 1;
                continue;
            }
            in_toctree = None;
        }
        if let Some((title, used)) = title_at(&lines, at) {
            let style = (title.mark, title.is_overlined);
            let level = levels.iter().position(|known| *known == style).unwrap_or_else(|| {
                levels.push(style);
                levels.len() - 1
            });
            let level = u8::try_from(level + 1).unwrap_or(6).min(6);
            collector.heading(level, &without_inline_markup(title.text), title.line);
            at += used;
            continue;
        }
        let trimmed = content.trim_start();
        if let Some(explicit) = trimmed.strip_prefix("..").filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            match directive(explicit.trim()) {
                Some((name, argument)) => {
                    follow_directive(collector, name, argument, line.number);
                    match name {
                        "toctree" => in_toctree = Some(indent),
                        "code" | "code-block" | "sourcecode" | "parsed-literal" | "math" | "raw" | "highlight"
                        | "graphviz" | "doctest" | "testcode" | "productionlist" | "prompt" => {
                            skipped_below = Some(indent);
                        }
                        "image" | "figure" | "literalinclude" | "include" => {}
                        // The argument of an admonition is text.
                        _ => inline(
                            collector,
                            &targets,
                            line.start + content.len() - argument.len(),
                            line.start + content.len(),
                        ),
                    }
                }
                // A target's definition, a footnote, or a comment with all that is indented below it.
                None => {
                    if !explicit.trim_start().starts_with(['_', '[', '|']) {
                        skipped_below = Some(indent);
                    }
                }
            }
            at += 1;
            continue;
        }
        if let Some((name, value)) = field(trimmed) {
            match name {
                "target" | "file" => collector.link(value, line.number),
                _ => inline(collector, &targets, line.start + content.len() - value.len(), line.start + content.len()),
            }
            at += 1;
            continue;
        }
        // A paragraph: up to a blank line or to markup of its own.
        let first = at;
        at += 1;
        while let Some(next) = lines.get(at) {
            let next_content = next.text.trim();
            if next_content.is_empty() || next_content.starts_with(".. ") || title_at(&lines, at).is_some() {
                break;
            }
            at += 1;
        }
        let last = &lines[at - 1];
        let end = last.start + last.text.trim_end().len();
        inline(collector, &targets, line.start, end);
        if text[line.start..end].ends_with("::") {
            skipped_below = Some(indent_of(lines[first].text));
        }
    }
}

struct Line<'a> {
    text: &'a str,
    start: usize,
    number: u32,
}

fn lines_of(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    (1..)
        .zip(text.split_inclusive('\n'))
        .map(|(number, text)| {
            let line = Line { text, start, number };
            start += text.len();
            line
        })
        .collect()
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

struct Title<'a> {
    text: &'a str,
    line: u32,
    mark: u8,
    is_overlined: bool,
}

/// The title that begins at a line, and how many lines it takes.
fn title_at<'a>(lines: &[Line<'a>], at: usize) -> Option<(Title<'a>, usize)> {
    let first = lines.get(at)?.text.trim_end();
    let second = lines.get(at + 1)?.text.trim_end();
    if let Some(mark) = adornment(first) {
        let third = lines.get(at + 2)?.text.trim_end();
        let is_title = adornment(third) == Some(mark)
            && first.len() == third.len()
            && !second.trim().is_empty()
            && adornment(second).is_none()
            && second.trim().chars().count() <= first.len();
        return is_title
            .then(|| (Title { text: second.trim(), line: lines[at + 1].number, mark, is_overlined: true }, 3));
    }
    let mark = adornment(second)?;
    // Shorter lines under longer text are accepted by no tool without a complaint, except from four on.
    let is_title = !first.is_empty()
        && !first.starts_with([' ', '\t'])
        && (second.len() >= 4 || second.len() >= first.chars().count());
    is_title.then_some((Title { text: first, line: lines[at].number, mark, is_overlined: false }, 2))
}

/// The character of a line that consists of one punctuation character.
fn adornment(line: &str) -> Option<u8> {
    let first = *line.as_bytes().first()?;
    (line.len() >= 2
        && first.is_ascii_punctuation()
        && line.bytes().all(|byte| byte == first)
        && line != "::"
        && line != "..")
        .then_some(first)
}

/// Name and argument of the directive in an explicit markup block.
fn directive(explicit: &str) -> Option<(&str, &str)> {
    let (name, argument) = explicit.split_once("::")?;
    // `.. |logo| image:: logo.png`
    let name = name.rsplit_once('|').map_or(name, |(_, name)| name).trim();
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_'));
    is_name.then(|| (name, argument.trim()))
}

fn follow_directive(collector: &mut Collector<'_>, name: &str, argument: &str, line: u32) {
    match name {
        "image" | "figure" | "literalinclude" | "include" | "thumbnail" | "mdinclude" | "drawio-image" | "uml"
            if !argument.starts_with('<') =>
        {
            source_link(collector, argument, line);
        }
        _ => {}
    }
}

/// A link as Sphinx resolves it: a leading slash means the folder of the sources, not the root.
fn source_link(collector: &mut Collector<'_>, target: &str, line: u32) {
    if !collector.link_only(target, line) {
        return;
    }
    let page = collector.path();
    let path = match target.strip_prefix('/') {
        Some(from_source) if !from_source.starts_with('/') => {
            file_reference::of_link(&format!("{}/_", source_folder(page)), from_source)
        }
        _ => file_reference::of_link(page, target),
    };
    if let Some(path) = path {
        collector.path_mention(path, line);
    }
}

/// The folder that the documentation is built from: the innermost one that is called so.
fn source_folder(page: &str) -> &str {
    let mut end = 0;
    let mut at = 0;
    for folder in file_reference::folder_of(page).split('/') {
        at += folder.len();
        if ["docs", "doc", "documentation", "source"].iter().any(|name| folder.eq_ignore_ascii_case(name)) {
            end = at;
        }
        at += 1;
    }
    &page[..end]
}

/// `intro`, `Introduction <intro>`
fn toctree_entry(collector: &mut Collector<'_>, entry: &str, line: u32) {
    if entry.starts_with(':') || entry == "self" || entry.contains('*') {
        return;
    }
    let target = embedded_target(entry).map_or(entry, |(_, target)| target);
    // Mostly without an extension. Which file that is depends on what the tool is set up to read, so it is none here.
    source_link(collector, target, line);
}

/// `:Status: Accepted`
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix(':')?.split_once(':')?;
    let is_field =
        !name.is_empty() && name.len() < 60 && (value.is_empty() || value.starts_with(' ')) && !name.contains('`');
    is_field.then(|| (name, value.trim()))
}

/// Targets that are defined on a line of their own, by name.
fn named_targets(lines: &[Line<'_>]) -> FxHashMap<String, String> {
    let mut targets = FxHashMap::default();
    for line in lines {
        let Some(rest) = line.text.trim().strip_prefix(".. _") else { continue };
        let definition = match rest.strip_prefix('`') {
            Some(quoted) => quoted.split_once("`:"),
            None => rest.split_once(": "),
        };
        if let Some((name, target)) = definition
            && !target.trim().is_empty()
            && name.len() < 500
        {
            targets.insert(reference_name(name), target.trim().to_owned());
        }
    }
    targets
}

/// Names are compared without regard to case and white space.
fn reference_name(name: &str) -> String {
    collapse(name).to_lowercase()
}

/// Inline markup of a part of the page: literals, roles, links, and the text between.
fn inline(collector: &mut Collector<'_>, targets: &FxHashMap<String, String>, from: usize, to: usize) {
    let text = &collector.text[..to];
    let mut plain_from = from;
    let mut at = from;
    while let Some(open) = memchr::memchr(b'`', &text.as_bytes()[at..]).map(|offset| at + offset) {
        let is_literal = text[open..].starts_with("``");
        let marker = if is_literal { "``" } else { "`" };
        let inner_from = open + marker.len();
        let Some(inner_to) = text[inner_from..].find(marker).map(|offset| inner_from + offset) else {
            // Nothing closes it, so it is a character.
            if is_literal && text[inner_from..].contains('`') {
                at = inner_from;
                continue;
            }
            break;
        };
        let mut end = inner_to + marker.len();
        let inner = &text[inner_from..inner_to];
        let line = collector.line_at(open);
        let (plain_to, role) = role_before(text, plain_from, open);
        text_between(collector, targets, plain_from, plain_to);
        if is_literal {
            collector.code(inner, line);
        } else if text[end..].starts_with('_') {
            end += 1;
            hyperlink(collector, targets, inner, line);
        } else {
            interpreted(collector, role, inner, line);
        }
        plain_from = end;
        at = end;
    }
    text_between(collector, targets, plain_from, to);
}

/// The role right before a backquote, and where the text before it ends.
fn role_before(text: &str, from: usize, open: usize) -> (usize, Option<&str>) {
    let before = &text.as_bytes()[from..open];
    if before.last() != Some(&b':') {
        return (open, None);
    }
    let length = before[..before.len() - 1]
        .iter()
        .rev()
        .take(40)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
        .count();
    let start = open - 1 - length;
    (start, Some(text[start..open].trim_matches(':')))
}

fn interpreted(collector: &mut Collector<'_>, role: Option<&str>, inner: &str, line: u32) {
    let target = embedded_target(inner).map_or(inner, |(_, target)| target);
    match role {
        Some("doc" | "download") => source_link(collector, target, line),
        Some("file" | "code" | "command" | "literal" | "src" | "source" | "path") | None => {
            collector.code(target, line);
        }
        // Names of code and of sections, which only the tool that builds the pages can look up.
        Some(_) => {}
    }
}

fn hyperlink(collector: &mut Collector<'_>, targets: &FxHashMap<String, String>, inner: &str, line: u32) {
    match embedded_target(inner) {
        Some((_, target)) => match target.strip_suffix('_') {
            Some(alias) => named_link(collector, targets, alias, line),
            None => collector.link(&target.split_whitespace().collect::<String>(), line),
        },
        None => named_link(collector, targets, inner, line),
    }
}

fn named_link(collector: &mut Collector<'_>, targets: &FxHashMap<String, String>, name: &str, line: u32) {
    if targets.is_empty() || name.len() > 500 {
        return;
    }
    if let Some(target) = targets.get(&reference_name(name.trim_matches('`'))) {
        collector.link(target, line);
    }
}

/// Text and target of `text <target>`.
fn embedded_target(inner: &str) -> Option<(&str, &str)> {
    let (text, target) = inner.trim_end().strip_suffix('>')?.rsplit_once('<')?;
    Some((text.trim(), target.trim()))
}

/// Running text, with references such as `name_`.
fn text_between(collector: &mut Collector<'_>, targets: &FxHashMap<String, String>, from: usize, to: usize) {
    if from >= to {
        return;
    }
    collector.prose_at(from, to);
    if targets.is_empty() {
        return;
    }
    let text = &collector.text[from..to];
    let mut at = 0;
    for word in text.split_inclusive(|c: char| c.is_whitespace()) {
        let start = from + at;
        at += word.len();
        let word = word.trim_matches(|c: char| !(c.is_alphanumeric() || c == '_'));
        if let Some(name) = word.strip_suffix('_').filter(|name| !name.is_empty()) {
            let line = collector.line_at(start);
            named_link(collector, targets, name.trim_end_matches('_'), line);
        }
    }
}

/// A title's text without the marks around code, emphasis and links.
fn without_inline_markup(title: &str) -> String {
    let mut text = title.replace("``", "").replace("**", "");
    if text.contains('`') {
        let mut plain = String::new();
        for (index, part) in text.split('`').enumerate() {
            if index % 2 == 1 {
                plain.push_str(embedded_target(part).map_or(part, |(text, _)| text));
            } else {
                // The role before, or the mark of a link behind.
                let part = if index > 0 { part.trim_start_matches('_') } else { part };
                let is_role = part.ends_with(':');
                let cut = if is_role { part[..part.len() - 1].rfind(':').unwrap_or(part.len()) } else { part.len() };
                plain.push_str(&part[..cut]);
            }
        }
        text = plain;
    }
    text
}
