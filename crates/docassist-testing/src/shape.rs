//! How large a generated history is.

use docassist_model::Timestamp;
use docassist_model::time::SECONDS_PER_DAY;

/// The measures of a generated organisation. Equal shapes yield equal records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Commits, merges among them.
    pub commits: u32,
    /// Tickets.
    pub tickets: u32,
    /// Paths that ever exist, about.
    pub files: u32,
    /// People who write, in turn.
    pub people: u32,
    /// Changed files of a commit on average, about. Half of the commits change three files or fewer, a few thousands.
    pub changes: u32,
    /// Decision records.
    pub decisions: u32,
    /// Years from the first commit to [`Shape::end`].
    pub years: u32,
    /// Other seeds yield other histories of the same measures.
    pub seed: u64,
}

impl Shape {
    /// An organisation of 140,000 commits and 90,000 tickets: ten times Apache Kafka.
    #[must_use]
    pub fn organisation() -> Self {
        Self { tickets: 90_000, files: 60_000, people: 1200, decisions: 240, years: 15, ..Self::small(140_000) }
    }

    /// A history of so many commits, and of everything else in proportion.
    #[must_use]
    pub fn small(commits: u32) -> Self {
        Self {
            commits,
            tickets: commits / 14 * 9 + 10,
            files: commits / 7 * 3 + 40,
            people: (commits / 100).clamp(4, 1200),
            changes: 10,
            decisions: commits / 600 + 2,
            years: 10,
            seed: 1,
        }
    }

    /// The instant at which all generated histories end: `as_of` for analyses of them.
    #[must_use]
    pub fn end() -> Timestamp {
        // 2025-06-30T18:00:00Z
        Timestamp::from_unix(1_751_306_400)
    }

    /// The instant at which it begins.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        Self::end().minus_days(self.years * 365 + self.years / 4)
    }

    /// The measures in one word, for names of files.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { commits, tickets, files, people, changes, decisions, years, seed } = self;
        format!("c{commits}-t{tickets}-f{files}-p{people}-m{changes}-d{decisions}-y{years}-s{seed}")
    }

    /// The instant when `index` of `count` things that come at a steady rate comes.
    pub(crate) fn instant(&self, index: u32, count: u32) -> i64 {
        let (start, end) = (self.start().unix(), Self::end().unix() - SECONDS_PER_DAY / 4);
        start + (end - start) * i64::from(index) / i64::from(count.max(1))
    }
}
