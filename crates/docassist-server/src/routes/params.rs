//! Parameters that several routes have.

use docassist_app::{GapQuery, Question};
use docassist_model::{ErrorCode, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::problem::Problem;

/// The longest page. Whoever wants more takes the next one.
pub(crate) const LONGEST_PAGE: u32 = 1_000;
/// A century is longer than any tracker's memory.
const LONGEST_WINDOW: u32 = 36_500;

/// The instant of a question, and how long its lists may be.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionParams {
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    pub(crate) as_of: Option<String>,
    /// Entries of each list at most; 1000 if left out.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// The instant of a question, and which page of its list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageParams {
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    pub(crate) as_of: Option<String>,
    /// Items at most; 50 if left out.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    pub(crate) cursor: Option<String>,
}

/// The same with the length of a window.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowParams {
    /// The length of the window in days.
    #[schemars(range(min = 1, max = 36500))]
    pub(crate) days: Option<u32>,
    /// The instant that the answer is about: a date (its end), or RFC 3339. Now, if left out.
    pub(crate) as_of: Option<String>,
    /// Items at most; 50 if left out.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    pub(crate) cursor: Option<String>,
}

fn wrong(message: String) -> Problem {
    Problem::new(ErrorCode::InvalidInput, message)
}

pub(crate) fn as_of(text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    text.map(|text| Timestamp::parse_as_of(text).map_err(|error| wrong(format!("as_of: {error}")))).transpose()
}

pub(crate) fn limit(limit: Option<u32>) -> Result<Option<usize>, Problem> {
    match limit {
        Some(limit) if !(1..=LONGEST_PAGE).contains(&limit) => Err(wrong(format!("limit: 1 to {LONGEST_PAGE}"))),
        limit => Ok(limit.map(|limit| limit as usize)),
    }
}

pub(crate) fn question(time: Option<&str>, most: Option<u32>) -> Result<Question, Problem> {
    Ok(Question { as_of: as_of(time)?, limit: limit(most)? })
}

impl QuestionParams {
    pub(crate) fn question(&self) -> Result<Question, Problem> {
        question(self.as_of.as_deref(), self.limit)
    }
}

impl PageParams {
    pub(crate) fn page(self) -> Result<GapQuery, Problem> {
        Ok(GapQuery { question: question(self.as_of.as_deref(), self.limit)?, days: None, cursor: self.cursor })
    }
}

impl WindowParams {
    pub(crate) fn page(self) -> Result<GapQuery, Problem> {
        if self.days.is_some_and(|days| !(1..=LONGEST_WINDOW).contains(&days)) {
            return Err(wrong(format!("days: 1 to {LONGEST_WINDOW}")));
        }
        Ok(GapQuery { question: question(self.as_of.as_deref(), self.limit)?, days: self.days, cursor: self.cursor })
    }
}
