//! What is in the files of a generated repository.

use crate::history::{Change, Plan};
use crate::random::{Random, mix};
use crate::words;

/// What the lines of a file look like.
#[derive(Debug, Clone, Copy)]
enum Language {
    Code,
    Markdown,
    Settings,
    Binary,
}

/// A file's lines, each a number from which its text follows.
#[derive(Debug)]
pub(super) struct Content {
    lines: Vec<u32>,
    language: Language,
    random: Random,
    versions: u32,
}

impl Content {
    /// The content of a file before its first version.
    pub(super) fn new(plan: &Plan, file: u32, path: u32) -> Self {
        let path = plan.tree.path(path);
        let language = match path.rsplit('.').next().unwrap_or_default() {
            "md" => Language::Markdown,
            "png" => Language::Binary,
            "java" | "py" | "ts" | "rs" | "go" | "gradle" | "sh" | "sql" => Language::Code,
            _ => Language::Settings,
        };
        Self {
            lines: Vec::new(),
            language,
            random: Random::new(plan.shape.seed, mix(u64::from(file)) | 1),
            versions: 0,
        }
    }

    /// Applies a change: so many lines go, so many come, each at one or two places.
    pub(super) fn edit(&mut self, change: &Change) {
        self.versions += 1;
        let mut left = change.deletions.min(self.lines.len() as u32);
        while left > 0 {
            let part = if left > 3 && self.random.chance(500) { left / 2 } else { left };
            let at = self.random.below(self.lines.len() as u32 - part + 1) as usize;
            self.lines.drain(at..at + part as usize);
            left -= part;
        }
        let mut left = change.additions;
        while left > 0 {
            let part = if left > 3 && self.random.chance(500) { left / 2 } else { left };
            let at = self.random.below(self.lines.len() as u32 + 1) as usize;
            let new: Vec<u32> = (0..part).map(|_| self.random.next() as u32).collect();
            self.lines.splice(at..at, new);
            left -= part;
        }
    }

    pub(super) fn bytes(&self, plan: &Plan) -> Vec<u8> {
        if matches!(self.language, Language::Binary) {
            let mut bytes = b"\x89PNG\r\n\x1a\n\0".to_vec();
            let mut random = self.random.clone();
            bytes.extend((0..64).flat_map(|_| random.next().to_be_bytes()));
            bytes.extend(self.versions.to_be_bytes());
            return bytes;
        }
        let mut text = String::with_capacity(self.lines.len() * 40);
        for &line in &self.lines {
            self.push_line(&mut text, plan, line);
            text.push('\n');
        }
        text.into_bytes()
    }

    fn push_line(&self, text: &mut String, plan: &Plan, line: u32) {
        let mut random = Random::new(u64::from(line), 4);
        let random = &mut random;
        let (noun, other, role) = (words::noun(random), words::noun(random), random.pick(&words::ROLES));
        match self.language {
            Language::Code => {
                let indent = "    ".repeat(random.below(3) as usize);
                let number = line % 1000;
                match random.below(12) {
                    0 | 1 => {}
                    2 => text.push_str(&format!("{indent}}}")),
                    3 => text.push_str(&format!("{indent}// The {noun} {role} needs the {other}.")),
                    4 => text.push_str(&format!("{indent}if ({noun}.{other}() > {number}) {{")),
                    5 => text.push_str(&format!("{indent}return {noun}_{role}({other});")),
                    6..9 => text.push_str(&format!("{indent}{noun}_{other} = {role}.{noun}({other}, {number});")),
                    _ => text.push_str(&format!("{indent}{role}.put(\"{noun}.{other}\", {number});")),
                }
            }
            Language::Markdown => match random.below(12) {
                0 | 1 => {}
                2 => text.push_str(&format!("## The {noun} {role}")),
                3 => {
                    let path = plan.tree.paths.get(random.below(plan.tree.paths.len() as u32) as usize);
                    text.push_str(&format!("See `{}`.", path.map_or("README.md", AsRef::as_ref)));
                }
                4 if plan.backlog.len() > 0 && random.chance(300) => {
                    text.push_str("Since ");
                    plan.backlog.push_key(text, random.below(plan.backlog.len()));
                    text.push('.');
                }
                _ => words::push_sentences(text, random, 1),
            },
            Language::Settings | Language::Binary => {
                text.push_str(&format!("{noun}.{other}.{role} = {}", line % 10_000));
            }
        }
    }
}
