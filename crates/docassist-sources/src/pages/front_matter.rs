//! The settings at the head of a page: YAML between lines of `---`, or TOML between lines of `+++`.

/// How much of a page can be front matter. What is longer is text between two rulers.
const MAX_LINES: usize = 500;

/// The scalars of a page's front matter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FrontMatter {
    /// Keys in lower case, values without quotes and comments.
    fields: Vec<(String, String)>,
    /// Where the page's text begins.
    pub(crate) end: usize,
}

impl FrontMatter {
    /// The value of `key`, where it has a scalar.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// Reads the front matter of a page; `None` where it has none.
pub(crate) fn read(text: &str) -> Option<FrontMatter> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    let marker = first.trim_end();
    let separator = match marker {
        "---" => ':',
        "+++" => '=',
        _ => return None,
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut end = first.len();
    let mut continues = false;
    for line in lines.take(MAX_LINES) {
        end += line.len();
        let content = line.trim_end();
        if content == marker || (marker == "---" && content == "...") {
            return Some(FrontMatter { fields, end });
        }
        let is_nested = content.starts_with([' ', '\t', '-', '#']) || content.is_empty();
        if is_nested {
            // The lines of a folded or literal scalar belong to the key above.
            if let (true, Some((_, value))) = (continues && !content.trim().is_empty(), fields.last_mut()) {
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(content.trim());
            }
            continue;
        }
        if separator == '=' && content.starts_with('[') {
            // The keys of a table are not those of the page.
            fields.push((String::new(), String::new()));
            continue;
        }
        let Some((key, value)) = content.split_once(separator) else {
            // Text, so the first line was a ruler.
            if fields.is_empty() || !continues {
                return None;
            }
            continue;
        };
        let value = value.trim();
        continues = matches!(value, ">" | "|" | ">-" | "|-" | ">+" | "|+");
        let value = if continues { String::new() } else { unquoted(value).to_owned() };
        fields.push((key.trim().trim_matches('"').to_ascii_lowercase(), value));
    }
    None
}

/// A scalar without its quotes or the comment behind it.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.find(quote).map_or(rest, |end| &rest[..end]);
        }
    }
    value.find(" #").map_or(value, |comment| value[..comment].trim_end())
}
