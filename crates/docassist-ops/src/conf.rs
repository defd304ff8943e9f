//! Configuration files as they are read: names, values, and the line that each stands in.

mod postgres;
mod redis;

pub use postgres::parse_postgresql_conf;
pub use redis::parse_redis_conf;

/// A configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conf {
    /// What findings call it: `deploy/postgresql.conf`.
    pub path: String,
    /// Its settings in the order of the file. A name that is written twice is here once: as the server does, the last counts.
    pub entries: Vec<ConfEntry>,
    /// Lines that are no setting.
    pub problems: Vec<ConfProblem>,
}

/// A setting of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfEntry {
    /// In lower case.
    pub name: String,
    /// Without quotes.
    pub value: String,
    /// Counted from 1.
    pub line: usize,
}

/// A line that is no setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfProblem {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub text: String,
}

impl Conf {
    /// A setting, by its name in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ConfEntry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// Where a setting stands: `deploy/postgresql.conf:12`.
    #[must_use]
    pub fn place(&self, entry: &ConfEntry) -> String {
        format!("{}:{}", self.path, entry.line)
    }

    fn set(&mut self, entry: ConfEntry) {
        self.entries.retain(|known| known.name != entry.name);
        self.entries.push(entry);
    }
}
