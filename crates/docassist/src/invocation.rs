//! How the program was called, to suggest commands that work.

use docassist_model::Timestamp;

use crate::cli::Global;

/// The arguments of this run.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// Everything after the program's name.
    arguments: Vec<String>,
    /// The options that say which data it is about.
    global: Vec<String>,
}

impl Invocation {
    pub(crate) fn new(arguments: impl Iterator<Item = std::ffi::OsString>, global: &Global) -> Self {
        let arguments = arguments.skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
        Self { arguments, global: data_options(global) }
    }

    /// This command again with another length of its lists, and without a cursor.
    pub(crate) fn with_limit(&self, limit: u64) -> String {
        self.again(&["--limit".to_owned(), limit.to_string()])
    }

    /// This command again, going on at a cursor.
    pub(crate) fn with_cursor(&self, cursor: &str) -> String {
        self.again(&["--cursor".to_owned(), cursor.to_owned()])
    }

    /// Whether this command goes on at a cursor.
    pub(crate) fn has_cursor(&self) -> bool {
        let values = self.arguments.iter().take_while(|argument| *argument != "--");
        values.into_iter().any(|argument| argument == "--cursor" || argument.starts_with("--cursor="))
    }

    /// Another command about the same data. `words` are quoted as the shell needs it.
    pub(crate) fn other(&self, words: &[&str]) -> String {
        let words = words.iter().map(|word| (*word).to_owned());
        command(words.chain(self.global.iter().cloned()))
    }

    /// The same with an instant of its own.
    pub(crate) fn other_as_of(&self, words: &[&str], as_of: &str) -> String {
        let mut global = self.global.iter().cloned();
        let mut kept = Vec::new();
        while let Some(option) = global.next() {
            let value = global.next();
            if option != "--as-of" {
                kept.push(option);
                kept.extend(value);
            }
        }
        let words = words.iter().map(|word| (*word).to_owned());
        command(words.chain(kept).chain(["--as-of".to_owned(), as_of.to_owned()]))
    }

    fn again(&self, options: &[String]) -> String {
        // After `--` everything is a value.
        let end = self.arguments.iter().position(|argument| argument == "--").unwrap_or(self.arguments.len());
        let (before, after) = self.arguments.split_at(end);
        let mut replaced: Vec<&str> = options.iter().step_by(2).map(String::as_str).collect();
        if replaced.contains(&"--limit") {
            // A whole list begins at its beginning.
            replaced.push("--cursor");
        }
        let mut kept: Vec<String> = Vec::new();
        let mut before = before.iter();
        while let Some(argument) = before.next() {
            let (name, joined) = argument.split_once('=').map_or((argument.as_str(), false), |(name, _)| (name, true));
            if !replaced.contains(&name) {
                kept.push(argument.clone());
            } else if !joined {
                before.next();
            }
        }
        command(kept.into_iter().chain(options.iter().cloned()).chain(after.iter().cloned()))
    }
}

fn data_options(global: &Global) -> Vec<String> {
    let mut options = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            options.extend([name.to_owned(), value]);
        }
    };
    // What the environment says, it says to the next command as well.
    let from_environment = std::env::var_os("DOCASSIST_DATA").map(std::path::PathBuf::from);
    let data = global.data.as_ref().filter(|data| from_environment.as_ref() != Some(data));
    add("--data", data.map(|data| data.display().to_string()));
    // With a password in it, it is not for everybody who reads what is printed.
    let database = global.database.as_ref().filter(|url| std::env::var("DOCASSIST_DATABASE").as_ref() != Ok(url));
    add("--database", database.filter(|url| !has_password(url)).cloned());
    add("--org", global.org.as_ref().map(ToString::to_string));
    add("--config", global.config.as_ref().map(|file| file.display().to_string()));
    add("--as-of", global.as_of.map(as_of));
    options
}

/// Whether an address holds a password: `scheme://user:password@host`.
fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) || url.contains("password=")
}

/// An instant as people give it: the end of a day is the day.
fn as_of(instant: Timestamp) -> String {
    let day = instant.date();
    if Timestamp::parse_as_of(&day) == Ok(instant) { day } else { instant.to_string() }
}

fn command(words: impl Iterator<Item = String>) -> String {
    std::iter::once("docassist".to_owned()).chain(words.map(|word| quoted(&word))).collect::<Vec<_>>().join(" ")
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@+,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.chars().any(char::is_control) {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let escaped: String = word
        .chars()
        .map(|c| match c {
            '\'' | '\\' => format!("\\{c}"),
            c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("$'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(arguments: &[&str]) -> Invocation {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Invocation { arguments, global: vec!["--data".into(), "my data".into(), "--as-of".into(), "2024-05-01".into()] }
    }

    #[test]
    fn the_same_command_with_another_limit() {
        let given = invocation(&["gaps", "stale", "--limit", "5", "--cursor=stale.5", "--days", "3"]);
        assert_eq!(given.with_limit(40), "docassist gaps stale --days 3 --limit 40");
        assert_eq!(given.with_cursor("stale.9"), "docassist gaps stale --limit 5 --days 3 --cursor stale.9");
        let given = invocation(&["rel", "search", "--", "--limit"]);
        assert_eq!(given.with_limit(40), "docassist rel search --limit 40 -- --limit");
    }

    #[test]
    fn another_command_on_the_same_data() {
        let given = invocation(&[]);
        assert_eq!(given.other(&["gaps"]), "docassist gaps --data 'my data' --as-of 2024-05-01");
        assert_eq!(given.other_as_of(&["gaps"], "2020-01-01"), "docassist gaps --data 'my data' --as-of 2020-01-01");
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a\u{1b}b"), "$'a\\x1bb'");
        assert_eq!(quoted("src/main.rs"), "src/main.rs");
    }
}
