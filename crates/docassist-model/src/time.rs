//! Instants, with the resolution that git and trackers share: whole seconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds in a day; windows are given in days.
pub const SECONDS_PER_DAY: i64 = 86_400;

/// An instant in whole seconds since 1970-01-01T00:00:00Z. Serialises as RFC 3339 in UTC.
///
/// Git stores any 64-bit number as a time; values outside the years −9999 to 9999 are clamped when they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `seconds` after the epoch.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// The instant `days` days earlier, saturating.
    #[must_use]
    pub const fn minus_days(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days as i64 * SECONDS_PER_DAY))
    }

    /// Whole days from `earlier` to `self`; negative when `earlier` is later.
    #[must_use]
    pub const fn days_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(SECONDS_PER_DAY)
    }

    fn to_jiff(self) -> jiff::Timestamp {
        let clamped = self.0.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        jiff::Timestamp::from_second(clamped).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// The calendar day in UTC, `2024-05-01`.
    #[must_use]
    pub fn date(self) -> String {
        self.to_jiff().strftime("%Y-%m-%d").to_string()
    }

    /// The calendar month in UTC, `2024-05`.
    #[must_use]
    pub fn month(self) -> String {
        self.to_jiff().strftime("%Y-%m").to_string()
    }

    /// Reads a date (`2024-05-01`, its last second: an `as_of` date includes its day), or an instant with an offset:
    /// RFC 3339, or Jira's `2012-05-16T07:56:13.000+0000`.
    ///
    /// # Errors
    /// When `text` is neither.
    pub fn parse_as_of(text: &str) -> Result<Self, InvalidTimestamp> {
        if let Ok(date) = text.trim().parse::<jiff::civil::Date>()
            && text.trim().len() <= 10
        {
            let end = date.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC);
            return end.map(|zoned| Self(zoned.timestamp().as_second())).map_err(|_| InvalidTimestamp(text.to_owned()));
        }
        text.parse()
    }

    /// Reads a date (its first second: what is since a date includes its day), or an instant with an offset.
    ///
    /// # Errors
    /// When `text` is neither.
    pub fn parse_since(text: &str) -> Result<Self, InvalidTimestamp> {
        const LAST_SECOND: i64 = 24 * 60 * 60 - 1;
        let is_date = text.trim().len() <= 10 && text.trim().parse::<jiff::civil::Date>().is_ok();
        let instant = Self::parse_as_of(text)?;
        Ok(if is_date { Self::from_unix(instant.unix() - LAST_SECOND) } else { instant })
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An instant: RFC 3339, UTC, whole seconds.",
            "type": "string",
            "format": "date-time",
        })
    }
}

/// The text is no date and no instant with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a date (2024-05-01) nor an instant (2024-05-01T12:00:00Z)")]
pub struct InvalidTimestamp(pub String);

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// RFC 3339 and Jira's variant with an offset of four digits and no colon. A bare date is its first second.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(timestamp.as_second()));
        }
        // jiff reads `+0000` without a colon as well; what remains is a bare date.
        if text.len() <= 10
            && let Ok(date) = text.parse::<jiff::civil::Date>()
            && let Ok(zoned) = date.to_zoned(jiff::tz::TimeZone::UTC)
        {
            return Ok(Self(zoned.timestamp().as_second()));
        }
        Err(InvalidTimestamp(text.to_owned()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_jiff(), f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_jira_and_rfc_3339_instants() {
        let expected = Timestamp::from_unix(1_337_154_973);
        for text in ["2012-05-16T07:56:13.000+0000", "2012-05-16T07:56:13Z", "2012-05-16T09:56:13+02:00"] {
            assert_eq!(text.parse::<Timestamp>(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_as_of_date_includes_its_day() {
        let instant = Timestamp::parse_as_of("2024-05-01").unwrap();
        assert_eq!(instant.to_string(), "2024-05-01T23:59:59Z");
        assert!(Timestamp::parse_as_of("yesterday").is_err());
    }

    #[test]
    fn times_beyond_the_calendar_are_clamped_not_refused() {
        assert_eq!(Timestamp::from_unix(i64::MAX).date(), "9999-12-30");
        assert!(!Timestamp::from_unix(i64::MIN).to_string().is_empty());
    }
}
