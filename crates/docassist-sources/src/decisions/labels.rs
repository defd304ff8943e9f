//! What a record says about itself in short: labels with a value, and sections with a heading.

use docassist_model::{Page, PageFormat};

use crate::pages::front_matter::{self, FrontMatter};

/// How much of a page is read; records are short, and what describes them stands at the beginning.
const MAX_READ: usize = 256 * 1024;

/// Labels are looked for in so many lines.
const HEAD_LINES: usize = 80;

/// A value is at most this long; what is longer is no value, whatever stands before it.
const MAX_VALUE: usize = 2000;

/// A page as lines without comments.
pub(super) struct Record<'a> {
    pub(super) page: &'a Page,
    pub(super) front_matter: Option<FrontMatter>,
    /// Lines by number − 1. Those of listings and of the front matter are empty.
    pub(super) lines: Vec<String>,
}

impl<'a> Record<'a> {
    pub(super) fn read(page: &'a Page) -> Self {
        let text = &page.text[..page.text.floor_char_boundary(MAX_READ)];
        let front_matter = match page.format {
            PageFormat::Markdown | PageFormat::AsciiDoc => front_matter::read(text),
            PageFormat::ReStructuredText | PageFormat::Plain => None,
        };
        let body = front_matter.as_ref().map_or(0, |front| front.end).min(text.len());
        let skipped = text[..body].split('\n').count() - 1;
        let mut lines = vec![String::new(); skipped];
        let mut fence: Option<&str> = None;
        let mut is_comment = false;
        for line in text[body..].split('\n') {
            let marker = fence_marker(line.trim(), page.format);
            if let Some(open) = fence {
                if marker == Some(open) {
                    fence = None;
                }
                lines.push(String::new());
            } else if let (Some(open), false) = (marker, is_comment) {
                fence = Some(open);
                lines.push(String::new());
            } else {
                lines.push(without_comments(line, &mut is_comment));
            }
        }
        Self { page, front_matter, lines }
    }

    /// The value of a key in the front matter.
    pub(super) fn front_value(&self, keys: &[&str]) -> Option<&str> {
        let front = self.front_matter.as_ref()?;
        keys.iter().find_map(|key| front.value(key))
    }

    /// Labels and their values, with markup, from the beginning of the page.
    pub(super) fn labels(&self) -> impl Iterator<Item = (String, String)> {
        let head = &self.lines[..self.lines.len().min(HEAD_LINES + self.first_line())];
        head.iter().enumerate().flat_map(move |(at, line)| {
            let mut labels = cells(head, at);
            if labels.is_empty()
                && let Some((name, value)) = label(line)
            {
                let value = if value.is_empty() { following(head, at + 1) } else { value.to_owned() };
                labels.push((name, value));
            }
            labels
        })
    }

    fn first_line(&self) -> usize {
        self.lines.iter().take_while(|line| line.is_empty()).count()
    }

    /// The lines below the first heading that is one of `names`, and what its text has behind a colon.
    pub(super) fn section(&self, names: &[&str]) -> Option<(String, &[String])> {
        let headings = &self.page.headings;
        let (index, value) = headings.iter().enumerate().find_map(|(index, heading)| {
            let (name, value) = heading.text.split_once(':').unwrap_or((&heading.text, ""));
            names.contains(&normalized(name).as_str()).then(|| (index, value.trim().to_owned()))
        })?;
        let heading = &headings[index];
        // Setext and reStructuredText mark a heading in the line below.
        let mut from = (heading.line as usize).min(self.lines.len());
        if self.lines.get(from).is_some_and(|line| is_underline(line)) {
            from += 1;
        }
        let to =
            headings.get(index + 1).map_or(self.lines.len(), |next| (next.line as usize - 1).min(self.lines.len()));
        Some((value, self.lines.get(from..to.max(from)).unwrap_or_default()))
    }
}

fn is_underline(line: &str) -> bool {
    let mut marks = line.trim_end().bytes();
    marks.next().is_some_and(|first| {
        first.is_ascii_punctuation() && first != b'|' && line.trim_end().len() >= 3 && marks.all(|mark| mark == first)
    })
}

/// The marker that opens or closes a listing.
fn fence_marker(line: &str, format: PageFormat) -> Option<&'static str> {
    match format {
        PageFormat::AsciiDoc if line.len() >= 4 && line.bytes().all(|byte| byte == b'-') => Some("----"),
        PageFormat::AsciiDoc if line.len() >= 4 && line.bytes().all(|byte| byte == b'.') => Some("...."),
        PageFormat::Markdown if line.starts_with("```") => Some("```"),
        PageFormat::Markdown if line.starts_with("~~~") => Some("~~~"),
        _ => None,
    }
}

/// A line without what stands in `<!-- … -->`.
fn without_comments(line: &str, is_comment: &mut bool) -> String {
    let mut kept = String::new();
    let mut rest = line;
    loop {
        if *is_comment {
            let Some((_, after)) = rest.split_once("-->") else { return kept };
            *is_comment = false;
            rest = after;
        }
        match rest.split_once("<!--") {
            Some((before, after)) => {
                kept.push_str(before);
                *is_comment = true;
                rest = after;
            }
            None => {
                kept.push_str(rest);
                return kept;
            }
        }
    }
}

/// The paragraph at or after a line.
fn following(lines: &[String], from: usize) -> String {
    let text = lines.iter().skip(from).map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default();
    let is_something_else = text.starts_with(['#', '=', '|', '*', '-', ':']) || label(text).is_some();
    if is_something_else { String::new() } else { text.to_owned() }
}

/// A label with its value: `Status: x`, `* Status: x`, `**Status**: x`, `:status: x`, `Status:: x`.
pub(super) fn label(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    let mut content = line;
    for marker in ["> ", "* ", "- ", "+ "] {
        content = content.strip_prefix(marker).unwrap_or(content).trim_start();
    }
    let (name, value) = match content.strip_prefix(':') {
        Some(field) => field.split_once(':')?,
        None => content.split_once(':')?,
    };
    if name.len() > 80 {
        return None;
    }
    let name = if name.contains('<') { strip_tags(name) } else { name.to_owned() };
    let name = normalized(&name);
    let is_name = !name.is_empty() && name.len() <= 40 && name.chars().all(|c| c.is_alphabetic() || c == ' ');
    let value = value.trim_start_matches([':', '*', '_']).trim();
    let value = value.strip_prefix("</b>").or_else(|| value.strip_prefix("</strong>")).unwrap_or(value).trim();
    is_name.then_some((name, value))
}

fn strip_tags(text: &str) -> String {
    let mut plain = String::new();
    let mut is_tag = false;
    for c in text.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            c if !is_tag => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// The labels of a table's row: `| Status | Accepted |`, or those of a header with the cells of the row below.
fn cells(lines: &[String], at: usize) -> Vec<(String, String)> {
    let Some(row) = row(&lines[at]) else { return Vec::new() };
    let is_ruler =
        |line: &str| line.contains("--") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t' | '\r'));
    if lines.get(at + 1).is_some_and(|next| is_ruler(next)) {
        // A table with its labels on the side often has an empty header, or its first label there.
        if let Some(values) = lines.get(at + 2).and_then(|line| self::row(line))
            && values.len() == row.len()
            && row.len() != 2
        {
            return row.iter().zip(values).map(|(name, value)| (normalized(name), value.to_owned())).collect();
        }
    }
    match row.as_slice() {
        [name, value, ..] => vec![(normalized(name.trim_end_matches(':')), (*value).to_owned())],
        _ => Vec::new(),
    }
}

fn row(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?;
    Some(inner.strip_suffix('|').unwrap_or(inner).split('|').map(str::trim).collect())
}

/// A label or heading to compare: lower case, without numbering, markup and pictures.
pub(super) fn normalized(text: &str) -> String {
    let mut words = String::new();
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        if words.len() > 60 {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&word.to_lowercase());
    }
    words
}

/// Text without markup: the text of links, no emphasis, no struck-out words, no pictures, no emoji around.
pub(super) fn plain(text: &str) -> String {
    let text = without_struck(&text[..text.floor_char_boundary(MAX_VALUE)]);
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        let is_picture = before.ends_with('!');
        plain.push_str(before.strip_suffix('!').unwrap_or(before));
        let Some(close) = from.find(']') else {
            plain.push_str(from);
            rest = "";
            break;
        };
        let after = &from[close + 1..];
        let target = after.strip_prefix('(').and_then(|inner| inner.find(')').map(|end| end + 2));
        let reference = after.strip_prefix('[').and_then(|inner| inner.find(']').map(|end| end + 2));
        match target.or(reference) {
            _ if is_picture => {}
            // `link:target[text]`
            None if plain.ends_with(|c: char| !c.is_whitespace()) && plain.contains(':') => {
                let word_at = plain.rfind(char::is_whitespace).map_or(0, |space| space + 1);
                if plain[word_at..].starts_with(['l', 'x', 'h']) && plain[word_at..].contains(':') {
                    plain.truncate(word_at);
                }
                plain.push_str(&from[1..close]);
            }
            _ => plain.push_str(&from[1..close]),
        }
        rest = &after[target.or(reference).unwrap_or(0)..];
    }
    plain.push_str(rest);
    let plain =
        plain.replace("**", "").replace("__", "").replace(['`', '*'], "").replace("<br>", " ").replace("<br/>", " ");
    // Escaped punctuation
    let plain = plain.replace("\\#", "#").replace("\\_", "_");
    let words: Vec<&str> = plain.split_whitespace().filter(|word| !is_emoji_code(word)).collect();
    let joined = words.join(" ");
    let is_mark = |c: char| {
        !(c.is_alphanumeric() || matches!(c, '(' | ')' | '"' | '\'' | '.' | '{' | '}' | '<' | '>' | '?' | '!' | '…'))
    };
    joined.trim_matches(is_mark).trim_matches('_').to_owned()
}

/// `:white_check_mark:`
fn is_emoji_code(word: &str) -> bool {
    word.len() > 2
        && word.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).is_some_and(|name| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
        })
}

fn without_struck(text: &str) -> String {
    let mut kept = String::new();
    for (index, part) in text.split("~~").enumerate() {
        if index % 2 == 0 {
            kept.push_str(part);
        }
    }
    kept
}
