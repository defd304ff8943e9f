//! AsciiDoc.

use rustc_hash::FxHashMap;

use super::collector::Collector;
use super::file_reference;

/// How often attributes may stand in for attributes; beyond, they refer to themselves.
const MAX_SUBSTITUTIONS: usize = 4;

/// A macro's target is at most this long.
const MAX_TARGET: usize = 2048;

/// Scans the page from `body`, where its front matter ends.
pub(super) fn scan(collector: &mut Collector<'_>, body: usize) {
    let mut attributes: FxHashMap<&str, &str> = FxHashMap::default();
    let mut block: Option<&str> = None;
    let mut above = "";
    let text = &collector.text[body..];
    for (number, line) in (collector.line_at(body)..).zip(text.split('\n')) {
        let content = line.trim_end();
        if let Some(delimiter) = block {
            if content == delimiter {
                block = None;
            } else if !delimiter.starts_with('/')
                && let Some(target) = content.strip_prefix("include::").and_then(|rest| rest.split('[').next())
            {
                link(collector, &attributes, target, number);
            }
            continue;
        }
        if let Some(level) = underlined_level(above, content) {
            collector.heading(level, &without_marks(above), number - 1);
            above = "";
            continue;
        }
        if is_verbatim_delimiter(content) {
            block = Some(content);
            above = "";
            continue;
        }
        above = content;
        if content.starts_with("//") {
            continue;
        }
        if let Some((name, value)) = attribute(content) {
            attributes.insert(name, value);
            collector.prose(value, number);
            continue;
        }
        if let Some((level, title)) = heading(content) {
            let title = substituted(&attributes, title);
            collector.heading(level, &without_marks(&title), number);
        }
        inline(collector, &attributes, content, number);
    }
}

/// `== Title`, or `## Title`, which AsciiDoc takes from Markdown.
fn heading(line: &str) -> Option<(u8, &str)> {
    let mark = line.chars().next().filter(|c| matches!(c, '=' | '#'))?;
    let title = line.trim_start_matches(mark);
    let level = line.len() - title.len();
    let title = title.strip_prefix(' ')?.trim().trim_end_matches(mark).trim_end();
    (level <= 6 && !title.is_empty()).then_some((u8::try_from(level).ok()?, title))
}

/// The level of a title that is marked by the line below it.
fn underlined_level(above: &str, line: &str) -> Option<u8> {
    let mark = *line.as_bytes().first()?;
    let level = match mark {
        b'=' => 1,
        b'-' => 2,
        b'~' => 3,
        b'^' => 4,
        b'+' => 5,
        _ => return None,
    };
    let is_underline = line.len() >= 3
        && line.bytes().all(|byte| byte == mark)
        && above.chars().count().abs_diff(line.len()) <= 1
        && above.chars().any(char::is_alphanumeric)
        && !above.starts_with(['.', '[', ':', '|', '*', '-']);
    is_underline.then_some(level)
}

/// Delimiters of blocks whose content is no text: listings, literals, passed through, comments.
fn is_verbatim_delimiter(line: &str) -> bool {
    let Some(&mark) = line.as_bytes().first() else { return false };
    line.starts_with("```")
        || (line.len() >= 4 && matches!(mark, b'-' | b'.' | b'+' | b'/') && line.bytes().all(|b| b == mark))
}

/// `:name: value`
fn attribute(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix(':')?.split_once(':')?;
    let is_name =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'!'));
    (is_name && (value.is_empty() || value.starts_with(' '))).then(|| (name, value.trim()))
}

/// `text` with the attributes of this page in place of `{name}`.
fn substituted(attributes: &FxHashMap<&str, &str>, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_SUBSTITUTIONS {
        if !text.contains('{') || attributes.is_empty() || text.len() > 2 * MAX_TARGET {
            break;
        }
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(open) = rest.find('{') {
            replaced.push_str(&rest[..open]);
            let inner = &rest[open + 1..];
            match inner.find('}').and_then(|close| attributes.get(&inner[..close]).map(|value| (close, value))) {
                Some((close, value)) => {
                    replaced.push_str(value);
                    rest = &inner[close + 1..];
                }
                None => {
                    replaced.push('{');
                    rest = inner;
                }
            }
        }
        replaced.push_str(rest);
        if replaced == text {
            break;
        }
        text = replaced;
    }
    text
}

fn link(collector: &mut Collector<'_>, attributes: &FxHashMap<&str, &str>, target: &str, line: u32) {
    if target.len() > MAX_TARGET {
        return;
    }
    let target = substituted(attributes, target);
    if let Some(place) = antora_place(collector.path(), &target, "pages") {
        if collector.link_only(&target, line)
            && let Some(path) = file_reference::of_link(collector.path(), &place)
        {
            collector.path_mention(path, line);
        }
    } else {
        collector.link(&target, line);
    }
}

/// Where Antora, whose pages stand below `modules/NAME/`, finds what a page refers to: not beside the page but in the
/// folder of its `family` in the page's module or in the one before the colon. `None` where the page is no such page.
fn antora_place(page: &str, target: &str, family: &str) -> Option<String> {
    if target.contains("://") || target.starts_with(['.', '/', '#']) {
        return None;
    }
    let (modules, below) =
        page.split_once("modules/").filter(|(before, _)| before.is_empty() || before.ends_with('/'))?;
    let (module, _) = below.split_once('/')?;
    let (module, target) = match target.split_once(':') {
        Some((module, target)) => (module, target),
        None => (module, target),
    };
    let (family, target) = match target.split_once('$') {
        Some(("partial", target)) => ("partials", target),
        Some(("example", target)) => ("examples", target),
        Some(("image", target)) => ("images", target),
        Some(("attachment", target)) => ("attachments", target),
        Some(("page", target)) => ("pages", target),
        _ => (family, target),
    };
    Some(format!("/{modules}modules/{module}/{family}/{target}"))
}

/// Pictures are looked up in the folder that the page names, if it does.
fn image(collector: &mut Collector<'_>, attributes: &FxHashMap<&str, &str>, target: &str, line: u32) {
    let target = substituted(attributes, target.get(..target.len().min(MAX_TARGET)).unwrap_or_default());
    if !collector.link_only(&target, line) {
        return;
    }
    let folder = attributes.get("imagesdir").map(|folder| substituted(attributes, folder)).unwrap_or_default();
    let placed = if let Some(place) = antora_place(collector.path(), &target, "images") {
        place
    } else if folder.is_empty() || target.contains("://") || target.starts_with('/') {
        target
    } else {
        format!("{}/{target}", folder.trim_end_matches('/'))
    };
    if let Some(path) = file_reference::of_link(collector.path(), &placed) {
        collector.path_mention(path, line);
    }
}

/// Macros, code, and the text between, of one line.
fn inline(collector: &mut Collector<'_>, attributes: &FxHashMap<&str, &str>, line: &str, number: u32) {
    const MACROS: [&str; 11] = [
        "link:",
        "xref:",
        "include::",
        "image::",
        "image:",
        "video::",
        "audio::",
        "mailto:",
        "https://",
        "http://",
        "<<",
    ];

    let mut plain_from = 0;
    let mut at = 0;
    // The last place where code or brackets may close, so that no search runs to the end of the line twice in vain.
    let last_backquote = line.rfind('`').unwrap_or(0);
    let last_bracket = line.rfind(']').unwrap_or(0);
    let last_opening = line.rfind('[').unwrap_or(0);
    let last_reference = line.rfind(">>").unwrap_or(0);
    while at < line.len() {
        let byte = line.as_bytes()[at];
        if byte == b'`' && at < last_backquote {
            let inner_from = at + 1 + usize::from(line.as_bytes()[at + 1] == b'`');
            if let Some(length) = line[inner_from..].find('`') {
                collector.prose(&line[plain_from..at], number);
                let inner = &line[inner_from..inner_from + length];
                collector.code(inner.trim_matches('+'), number);
                at = inner_from + length + 1;
                plain_from = at;
                continue;
            }
        }
        if matches!(byte, b'l' | b'x' | b'i' | b'v' | b'a' | b'm' | b'h' | b'<') {
            let rest = &line[at..];
            let begins_word = at == 0 || !line.as_bytes()[at - 1].is_ascii_alphanumeric();
            let closes = if byte == b'<' { at < last_reference } else { at < last_opening || byte == b'h' };
            if let Some(name) = MACROS.iter().find(|name| begins_word && closes && rest.starts_with(**name)) {
                let target_from = if name.ends_with("//") { at } else { at + name.len() };
                let target = target_in(&line[target_from..], name);
                let end = target_from + target.len();
                if !target.is_empty() {
                    collector.prose(&line[plain_from..at], number);
                    follow(collector, attributes, name, target, number);
                    // The text of a link says no more than its target.
                    at = match line[end..].starts_with('[') && end < last_bracket {
                        true => line[end..].find(']').map_or(end, |close| end + close + 1),
                        false => end,
                    };
                    plain_from = at;
                    continue;
                }
            }
        }
        at += 1;
    }
    collector.prose(line.get(plain_from..).unwrap_or_default(), number);
}

/// The target at the beginning of `text`, up to where the macro `name` ends it.
fn target_in<'t>(text: &'t str, name: &str) -> &'t str {
    let limit = text.floor_char_boundary(MAX_TARGET);
    let text = &text[..limit];
    let end = match name {
        "<<" => text.find(">>").map_or(0, |close| text[..close].find(',').unwrap_or(close)),
        "https://" | "http://" => text
            .find(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '<' | '>' | '"' | '`' | '|'))
            .unwrap_or(text.len()),
        // Without brackets behind it, it is no macro.
        _ => {
            text.find(|c: char| c.is_whitespace() || c == '[').filter(|&end| text.as_bytes()[end] == b'[').unwrap_or(0)
        }
    };
    &text[..end]
}

fn follow(collector: &mut Collector<'_>, attributes: &FxHashMap<&str, &str>, name: &str, target: &str, line: u32) {
    match name {
        "image:" | "image::" => image(collector, attributes, target.trim(), line),
        "mailto:" => {
            collector.link_only(&format!("mailto:{target}"), line);
        }
        "https://" | "http://" => {
            link(collector, attributes, target.trim_end_matches(['.', ',', ';', ':', ')', '!', '?', '\'']), line);
        }
        // Without a file, these lead to a place within the page.
        "<<" | "xref:" if !target.contains(['.', '/']) => {}
        _ => link(collector, attributes, target.trim_matches('+').trim(), line),
    }
}

/// A title without the marks of code and emphasis around words, and without the text of macros.
fn without_marks(title: &str) -> String {
    let title = title.strip_prefix("[[").and_then(|rest| rest.split_once("]]")).map_or(title, |(_, rest)| rest);
    title.replace("`+", "").replace("+`", "").replace(['`', '*'], "").trim().to_owned()
}
