//! Settings from a file of `key = value` lines.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum as _;
use docassist_model::OrgSlug;

use crate::cli::Format;
use crate::failure::Failure;

const KNOWN_KEYS: &str = "data, database, org, format and wait";
/// A larger file is not a file of settings.
const MAX_BYTES: u64 = 64 * 1024;

/// What a file of settings says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ConfigFile {
    pub(crate) data: Option<PathBuf>,
    pub(crate) database: Option<String>,
    pub(crate) org: Option<OrgSlug>,
    pub(crate) format: Option<Format>,
    pub(crate) wait: Option<Duration>,
}

impl ConfigFile {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let unreadable = |reason: String| {
            Failure::usage(
                format!("the settings file {} cannot be read: {reason}", path.display()),
                "Name a file of `key = value` lines with --config.",
            )
        };
        let size = path.metadata().map_err(|error| unreadable(error.to_string()))?.len();
        if size > MAX_BYTES {
            return Err(unreadable(format!("it is larger than {MAX_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let mut config = Self::parse(&text).map_err(|(line, message)| {
            Failure::usage(format!("{}:{line}: {message}", path.display()), format!("The keys are {KNOWN_KEYS}."))
        })?;
        // A path in a file means the same wherever the program is started.
        if let (Some(data), Some(folder)) = (&config.data, path.parent()) {
            config.data = Some(folder.join(data));
        }
        Ok(config)
    }

    /// An error is a line number and what is wrong there.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut config = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            config.set(line).map_err(|message| (number + 1, message))?;
        }
        Ok(config)
    }

    fn set(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once('=').ok_or_else(|| format!("`{line}` is no `key = value`"))?;
        let (key, value) = (key.trim(), value.trim());
        let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let value = unquoted.unwrap_or(value);
        if value.is_empty() {
            return Err(format!("`{key}` has no value"));
        }
        match key {
            "database" => self.database = Some(value.to_owned()),
            "data" => self.data = Some(PathBuf::from(value)),
            "org" => self.org = Some(value.parse().map_err(|error| format!("{error}"))?),
            "format" => {
                let format = Format::from_str(value, false);
                self.format = Some(format.map_err(|_| format!("`{value}` is none of table, json and md"))?);
            }
            "wait" => {
                let seconds = value.parse::<u32>().map_err(|_| format!("`{value}` is no number of seconds"))?;
                self.wait = Some(Duration::from_secs(seconds.into()));
            }
            other => return Err(format!("the key `{other}` is not known")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_comments_passed_over() {
        let config = ConfigFile::parse("# ours\n\ndata = \"a = b\"\norg=team-1\nformat = md\nwait = 5\n").unwrap();
        assert_eq!(config.data, Some(PathBuf::from("a = b")));
        assert_eq!(config.org, Some("team-1".parse().unwrap()));
        assert_eq!(config.format, Some(Format::Md));
        assert_eq!(config.wait, Some(Duration::from_secs(5)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, message) in [
            ("data = x\ncolour = red", 2, "the key `colour` is not known"),
            ("data", 1, "`data` is no `key = value`"),
            ("format = xml", 1, "`xml` is none of table, json and md"),
            ("wait = soon", 1, "`soon` is no number of seconds"),
            ("org =", 1, "`org` has no value"),
        ] {
            assert_eq!(ConfigFile::parse(text), Err((line, message.to_owned())), "{text}");
        }
    }
}
