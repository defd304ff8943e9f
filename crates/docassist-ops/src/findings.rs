//! What was found wrong, or right, with a running deployment: one row for each thing that was looked at.

use schemars::JsonSchema;
use serde::Serialize;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The store.
    Postgres,
    /// The cache that replicas share.
    Redis,
    /// The search index.
    Qdrant,
    /// The machine that the service runs on.
    Host,
}

impl Area {
    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Qdrant => "qdrant",
            Self::Host => "host",
        }
    }
}

/// How it is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It could not be seen; the advice says what is needed to see it.
    Unknown,
    /// It works, and somebody should look.
    Warning,
    /// It is not as it should be.
    Drift,
}

impl Verdict {
    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Drift => "drift",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// The setting, or what else was looked at.
    pub setting: String,
    /// Where the expected value stands: `deploy/postgresql.conf:12`; `null` where it stands in no file.
    pub place: Option<String>,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub actual: String,
    /// How it is.
    pub verdict: Verdict,
    /// What to do; empty where there is nothing to do.
    pub advice: String,
}

impl Finding {
    pub(crate) fn new(area: Area, setting: impl Into<String>, verdict: Verdict) -> Self {
        Self {
            area,
            setting: setting.into(),
            place: None,
            expected: String::new(),
            actual: String::new(),
            verdict,
            advice: String::new(),
        }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub(crate) fn actual(mut self, actual: impl Into<String>) -> Self {
        self.actual = actual.into();
        self
    }

    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    pub(crate) fn at(mut self, place: String) -> Self {
        self.place = Some(place);
        self
    }

    /// The advice where it is needed: not where all is well.
    pub(crate) fn unless_ok(mut self, advice: &str) -> Self {
        if self.verdict != Verdict::Ok {
            advice.clone_into(&mut self.advice);
        }
        self
    }
}

/// The worst of all verdicts; all is well where nothing was looked at.
#[must_use]
pub fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
}
