//! Code files: their header, and the comments that document their items with the line that they document.

use std::ops::Range;

use super::cut::{Budget, count_words, shorten};
use super::page::Lines;
use super::{Address, Collector, Origin, Passage, PassageKind, Piece};

/// Code that people write is shorter; what is longer is generated or data.
const MAX_CODE: usize = 1 << 20;
/// A comment of fewer words says nothing that its item's name does not.
const FEW_WORDS: usize = 3;

/// How a language writes comments.
#[derive(Debug, Clone, Copy)]
struct Comments {
    line: &'static [&'static str],
    block: Option<(&'static str, &'static str)>,
    /// Whether documentation stands below its item's first line as a string (Python).
    docstrings: bool,
}

const C_LIKE: Comments = Comments { line: &["//"], block: Some(("/*", "*/")), docstrings: false };
const HASH: Comments = Comments { line: &["#"], block: None, docstrings: false };

fn comments(path: &str) -> Option<Comments> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    Some(match extension.as_str() {
        "rs" | "go" | "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" | "java" | "kt" | "kts" | "scala" | "cs"
        | "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "swift" | "m" | "mm" | "dart" | "groovy" | "gradle"
        | "proto" | "zig" | "scss" | "less" | "css" | "vue" | "svelte" | "sol" | "d" => C_LIKE,
        "php" => Comments { line: &["//", "#"], ..C_LIKE },
        "py" | "pyi" => Comments { docstrings: true, ..HASH },
        "sh" | "bash" | "zsh" | "rb" | "pl" | "pm" | "r" | "jl" | "tcl" | "ex" | "exs" | "mk" | "cmake" | "tf"
        | "nix" | "yml" | "yaml" | "toml" | "ps1" | "coffee" => HASH,
        "sql" | "hs" | "lua" | "elm" | "ada" | "adb" | "ads" | "vhd" => {
            Comments { line: &["--"], block: (extension == "sql").then_some(("/*", "*/")), docstrings: false }
        }
        "erl" | "hrl" | "tex" => Comments { line: &["%"], block: None, docstrings: false },
        "lisp" | "clj" | "cljs" | "el" | "scm" | "asm" | "ini" => {
            Comments { line: &[";"], block: None, docstrings: false }
        }
        "ml" | "mli" | "fs" | "fsi" => Comments { line: &["//"], block: Some(("(*", "*)")), docstrings: false },
        "html" | "htm" | "xml" => Comments { line: &[], block: Some(("<!--", "-->")), docstrings: false },
        _ if matches!(name, "Makefile" | "Dockerfile" | "Rakefile" | "Gemfile" | "CMakeLists.txt") => HASH,
        _ => return None,
    })
}

/// The passages of a code file: every comment of some words with the line of code that follows it, so that the item's name is
/// found with what is said of it. A file of a language that is not known gives its first lines.
#[must_use]
pub fn code_passages(path: &str, text: &str, origin: &Origin, budget: Budget) -> Vec<Passage> {
    let mut collector = Collector::new(origin, PassageKind::Code, path, path);
    if text.contains('\0') {
        return Vec::new();
    }
    let text = shorten(text, MAX_CODE);
    let lines = Lines::new(text);
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    let items = comments(path).map(|style| documented(&all, style)).unwrap_or_default();
    // Where nothing is documented, the beginning still says what the file imports and declares.
    let beginning = 0..all.len().min(20);
    let items = if items.is_empty() && !all.is_empty() { vec![Item { at: beginning, name: None }] } else { items };
    for item in items {
        let mut from = item.at.start;
        while from < item.at.end && !collector.is_full() {
            // Long comments are cut at lines.
            let mut until = from + 1;
            let mut words = count_words(all[from]);
            while until < item.at.end {
                words += count_words(all[until]);
                if words > budget.words || lines.start(until + 2) - lines.start(from + 1) > budget.bytes {
                    break;
                }
                until += 1;
            }
            let text = &text[lines.start(from + 1)..lines.start(until + 1)];
            let piece = Piece {
                address: Address::Lines {
                    path: path.to_owned(),
                    first: u32::try_from(from + 1).unwrap_or(u32::MAX),
                    last: u32::try_from(until).unwrap_or(u32::MAX),
                },
                headings: item.name.iter().cloned().collect(),
                text: shorten(text.trim_end(), budget.bytes).to_owned(),
                time: None,
                author: None,
                labels: Vec::new(),
            };
            collector.add(PassageKind::Code, piece);
            from = until;
        }
    }
    collector.finish()
}

/// Lines from 0 with the name of what they document.
struct Item {
    at: Range<usize>,
    name: Option<String>,
}

fn documented(lines: &[&str], style: Comments) -> Vec<Item> {
    let mut items = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let Some(end) = comment_end(lines, index, style) else {
            index += 1;
            continue;
        };
        let words: usize = lines[index..end].iter().map(|line| count_words(line.trim_matches(is_mark))).sum();
        let docstring = style.docstrings && is_docstring(lines[index].trim());
        if words >= FEW_WORDS {
            // Attributes and decorators stand between a comment and its item.
            let item = if docstring {
                (0..index)
                    .rev()
                    .find(|&line| !lines[line].trim().is_empty())
                    .filter(|&line| !is_docstring(lines[line].trim()))
            } else {
                (end..lines.len().min(end + 8)).find(|&line| !is_attribute(lines[line].trim()))
            };
            let code = item.filter(|&line| {
                !lines[line].trim().is_empty() && (docstring || comment_end(lines, line, style).is_none())
            });
            let at = match code {
                Some(line) if docstring => line.max(index.saturating_sub(12))..end,
                Some(line) => index..line + 1,
                None => index..end,
            };
            items.push(Item { at, name: code.and_then(|line| name(lines[line])) });
        }
        index = end;
    }
    items
}

/// The line after a comment that begins at a line, `None` where none begins.
fn comment_end(lines: &[&str], at: usize, style: Comments) -> Option<usize> {
    let first = lines[at].trim();
    if let Some((open, close)) = style.block
        && let Some(rest) = first.strip_prefix(open)
    {
        if rest.contains(close) {
            return Some(at + 1);
        }
        let last = (at + 1..lines.len()).find(|&line| lines[line].contains(close));
        return Some(last.map_or(lines.len(), |line| line + 1));
    }
    if style.docstrings && is_docstring(first) {
        let quote = &first.trim_start_matches(['r', 'b', 'u', 'f', 'R'])[..3];
        if first.matches(quote).count() >= 2 {
            return Some(at + 1);
        }
        let last = (at + 1..lines.len()).find(|&line| lines[line].contains(quote));
        return Some(last.map_or(lines.len(), |line| line + 1));
    }
    let is_line = |line: &str| style.line.iter().any(|mark| line.starts_with(mark)) && !line.starts_with("#!");
    if !is_line(first) {
        return None;
    }
    Some((at..lines.len()).find(|&line| !is_line(lines[line].trim())).unwrap_or(lines.len()))
}

fn is_docstring(line: &str) -> bool {
    let line = line.trim_start_matches(['r', 'b', 'u', 'f', 'R']);
    line.starts_with("\"\"\"") || line.starts_with("'''")
}

fn is_attribute(line: &str) -> bool {
    line.starts_with("#[") || line.starts_with('@') || line.starts_with('[') && line.ends_with(']')
}

fn is_mark(character: char) -> bool {
    character.is_whitespace() || matches!(character, '/' | '*' | '#' | '-' | '!' | '=' | '%' | ';' | '"' | '\'')
}

/// The name that a line of code declares: the identifier before the first bracket, brace, colon or equals sign.
fn name(line: &str) -> Option<String> {
    let head = line.split(['(', '{', ':', '=', '<', ';']).next()?;
    let name = head.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').rfind(|word| !word.is_empty())?;
    name.chars().next().is_some_and(|c| !c.is_ascii_digit()).then(|| shorten(name, 80).to_owned())
}
