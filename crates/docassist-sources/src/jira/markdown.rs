//! Writes Markdown block by block, with the prefixes that quotes and list items give to the lines within them.

/// List items and quotes deeper than this are written at this depth, so that prefixes stay short.
const MAX_LEVELS: usize = 32;

/// Collects Markdown.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: String,
    /// What each line begins with.
    prefix: String,
    /// The length of `prefix` before each open level.
    levels: Vec<usize>,
    /// What the next line begins with instead, at the start of a list item.
    lead: Option<String>,
    /// Whether a blank line goes before the next line, and how much of the prefix it shares with what was before.
    gap: Option<usize>,
}

impl Writer {
    /// Separates what follows from what was before by a blank line.
    pub(super) fn gap(&mut self) {
        if self.lead.is_none() {
            let shared = self.prefix.len();
            self.gap = Some(self.gap.map_or(shared, |before| before.min(shared)));
        }
    }

    /// Opens a quote.
    pub(super) fn open_quote(&mut self) {
        self.gap();
        self.open("> ", "> ");
    }

    /// Opens a list item with its marker, such as `- `.
    pub(super) fn open_item(&mut self, marker: &str) {
        self.open(marker, "     ".get(..marker.len().min(5)).unwrap_or_default());
    }

    fn open(&mut self, first: &str, following: &str) {
        self.levels.push(self.prefix.len());
        if self.levels.len() <= MAX_LEVELS {
            // An item in an item's first line: their markers stand side by side.
            if first != following || self.lead.is_some() {
                let lead = self.lead.get_or_insert_with(|| self.prefix.clone());
                lead.push_str(first);
            }
            self.prefix.push_str(following);
        }
    }

    /// Closes the innermost quote or item.
    pub(super) fn close(&mut self) {
        if let Some(lead) = self.lead.take() {
            // An item without content.
            self.begin_line();
            self.out.push_str(lead.trim_end());
        }
        if let Some(length) = self.levels.pop() {
            self.prefix.truncate(length);
        }
    }

    /// How many quotes and items are open.
    pub(super) fn level(&self) -> usize {
        self.levels.len()
    }

    /// Writes lines.
    pub(super) fn lines(&mut self, text: &str) {
        for line in text.split('\n') {
            self.begin_line();
            let lead = self.lead.take();
            let start = self.out.len();
            self.out.push_str(lead.as_deref().unwrap_or(&self.prefix));
            self.out.push_str(line);
            if line.is_empty() {
                let end = start + self.out[start..].trim_end().len();
                self.out.truncate(end);
            }
        }
    }

    /// Writes a code block.
    pub(super) fn fence(&mut self, language: &str, body: &str) {
        let fence = "`".repeat((longest_run(body, '`') + 1).max(3));
        let language: String =
            language.chars().filter(|c| c.is_ascii_alphanumeric() || "+#-_.".contains(*c)).take(32).collect();
        self.lines(&format!("{fence}{language}"));
        if !body.is_empty() {
            self.lines(body);
        }
        self.lines(&fence);
    }

    fn begin_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
            if let Some(shared) = self.gap {
                self.out.push_str(self.prefix.get(..shared).unwrap_or(&self.prefix).trim_end());
                self.out.push('\n');
            }
        }
        self.gap = None;
    }

    /// The Markdown.
    pub(super) fn finish(self) -> String {
        let mut out = self.out;
        out.truncate(out.trim_end().len());
        out
    }
}

/// Writes `content` as inline code, whatever backticks it has.
pub(super) fn inline_code(content: &str, out: &mut String) {
    if content.trim().is_empty() {
        out.push_str(content);
        return;
    }
    let fence = "`".repeat(if content.contains('`') { longest_run(content, '`') + 1 } else { 1 });
    let pad = if content.starts_with('`') || content.ends_with('`') { " " } else { "" };
    for part in [&fence, pad, content, pad, &fence] {
        out.push_str(part);
    }
}

/// Writes the target of a link or image, in angle brackets where it needs them.
pub(super) fn target(url: &str, out: &mut String) {
    let url = url.trim();
    if url.contains(|c: char| c.is_whitespace() || "()<>".contains(c)) {
        out.push('<');
        for c in url.chars() {
            match c {
                '<' => out.push_str("%3C"),
                '>' => out.push_str("%3E"),
                '\n' | '\r' => out.push(' '),
                c => out.push(c),
            }
        }
        out.push('>');
    } else {
        out.push_str(url);
    }
}

/// Whether a `<` before `next` would begin HTML or a link in Markdown.
pub(super) fn begins_html(next: Option<char>) -> bool {
    next.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
}

fn longest_run(text: &str, of: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_take_the_prefixes_of_their_quotes_and_items() {
        let mut writer = Writer::default();
        writer.lines("text");
        writer.open_quote();
        writer.open_item("- ");
        writer.open_item("1. ");
        writer.lines("a\nb");
        writer.gap();
        writer.lines("c");
        writer.close();
        writer.close();
        writer.open_item("- ");
        writer.close();
        writer.close();
        writer.gap();
        writer.fence("ru st`", "```\ncode");
        assert_eq!(writer.finish(), "text\n\n> - 1. a\n>      b\n>\n>      c\n> -\n\n````rust\n```\ncode\n````");
    }

    #[test]
    fn inline_code_holds_backticks() {
        let mut out = String::new();
        inline_code("a``b`", &mut out);
        assert_eq!(out, "``` a``b` ```");
    }
}
